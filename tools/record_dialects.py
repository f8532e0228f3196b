"""Record the paths that PyTorch, Keras and Optax take, and compare them with the stored ones.

    python tools/record_dialects.py            record, compare, print what changed; store nothing
    python tools/record_dialects.py --write    record and store in gdref/dialects/paths
    python tools/record_dialects.py --latest   the same with the newest releases instead of the pins

The libraries live in an environment of their own, .venv-dialects, which the script makes and
enters; the book and its tests need none of them.  --here uses the running interpreter instead.
The lines of code that make and drive an optimizer come from gdref.dialects.
"""

import argparse
import hashlib
import inspect
import json
import os
import re
import subprocess
import sys
import venv
import warnings
from math import sqrt
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STORE = ROOT / "gdref" / "recorded"
PINS = ROOT / "tools" / "dialects-requirements.txt"
STEPS = 60

# --- what to record ----------------------------------------------------------------------------

ODD = {
    "gd": {"eta": 0.0037},
    "momentum": {"eta": 0.0023, "gamma": 0.83},
    "nag": {"eta": 0.0019, "gamma": 0.77},
    "adagrad": {"eta": 0.17, "eps": 0.003},
    "adadelta": {"rho": 0.87, "eps": 0.0002},
    "rmsprop": {"eta": 0.013, "rho": 0.81, "eps": 0.0005},
    "adam": {"eta": 0.021, "beta1": 0.83, "beta2": 0.967, "eps": 0.004},
    "adamax": {"eta": 0.019, "beta1": 0.79, "beta2": 0.951},
    "nadam": {"eta": 0.017, "beta1": 0.86, "beta2": 0.973, "eps": 0.006},
    "amsgrad": {"eta": 0.023, "beta1": 0.81, "beta2": 0.957, "eps": 0.005},
    "adamw": {
        "eta": 0.018,
        "beta1": 0.84,
        "beta2": 0.961,
        "eps": 0.003,
        "lam": 0.0007,
        "multiplier": 0.9,
    },
}
# values that change from step to step, as expressions in t
SCHEDULED = {
    "gd": [{"eta": "0.006 / (1 + 0.05 * (t - 1))"}],
    "momentum": [{"eta": "0.003 / (1 + 0.05 * (t - 1))", "gamma": 0.83}],
    "nag": [{"eta": "0.0025 * 0.97**(t - 1)", "gamma": 0.77}],
    "adam": [{"eta": "0.03 / sqrt(t)", "beta1": 0.83, "beta2": 0.967, "eps": 0.004}],
    "adamw": [
        {**ODD["adamw"], "multiplier": "1 - (t - 1) / 80"},
        {**ODD["adamw"], "eta": "0.03 / sqrt(t)"},
    ],
}
# library, constructor, arguments, problem: what readers use beside our rules
OTHER = [
    ("pytorch", "SGD", {"lr": 0.0037, "weight_decay": 0.13}, "noisy"),
    ("pytorch", "SGD", {"lr": 0.0023, "momentum": 0.83, "dampening": 0.4}, "noisy"),
    (
        "pytorch",
        "SGD",
        {"lr": "0.003 * 0.97**(t - 1)", "momentum": 0.83, "dampening": 0.4},
        "noisy",
    ),
    (
        "pytorch",
        "SGD",
        {"lr": "0.0025 * 0.97**(t - 1)", "momentum": 0.77, "nesterov": True},
        "noisy",
    ),
    ("pytorch", "SGD", {"lr": 0.0019, "momentum": 0.77, "nesterov": True}, "noisy"),
    ("pytorch", "Adagrad", {"lr": 0.17, "eps": 0.05}, "sparse"),
    ("pytorch", "Adagrad", {"lr": 0.17, "eps": 0.05, "lr_decay": 0.02}, "sparse"),
    ("pytorch", "Adagrad", {"lr": 0.17, "eps": 0.05, "initial_accumulator_value": 0.2}, "sparse"),
    ("pytorch", "Adagrad", {"lr": 0.17, "eps": 0.0, "initial_accumulator_value": 0.2}, "sparse"),
    (
        "pytorch",
        "Adagrad",
        {"lr": 0.17, "eps": 0.0, "initial_accumulator_value": 0.2, "lr_decay": 0.02},
        "sparse",
    ),
    ("pytorch", "Adagrad", {"lr": 0.17, "weight_decay": 0.13}, "sparse"),
    ("pytorch", "Adadelta", {"lr": 0.5, "rho": 0.87, "eps": 0.0002}, "sparse"),
    ("pytorch", "Adadelta", {"rho": 0.87, "eps": 0.0002, "weight_decay": 0.13}, "sparse"),
    ("pytorch", "RMSprop", {"lr": 0.013, "alpha": 0.81, "eps": 0.02}, "sparse"),
    ("pytorch", "RMSprop", {"lr": 0.013, "alpha": 0.81, "eps": 0.0}, "noisy"),
    ("pytorch", "RMSprop", {"lr": 0.013, "centered": True, "eps": 0.02}, "sparse"),
    ("pytorch", "RMSprop", {"lr": 0.013, "momentum": 0.7, "eps": 0.02}, "sparse"),
    ("pytorch", "RMSprop", {"lr": 0.013, "weight_decay": 0.13, "eps": 0.02}, "sparse"),
    ("pytorch", "Adam", {"lr": 0.021, "weight_decay": 0.13}, "sparse"),
    (
        "pytorch",
        "Adam",
        {"lr": 0.021, "weight_decay": 0.13, "decoupled_weight_decay": True},
        "sparse",
    ),
    (
        "pytorch",
        "Adam",
        {
            "lr": 0.021,
            "weight_decay": 0.13,
            "decoupled_weight_decay": True,
            "amsgrad": True,
            "betas": [0.8, 0.9],
        },
        "noisy",
    ),
    (
        "pytorch",
        "Adam",
        {"lr": 0.023, "betas": [0.81, 0.957], "eps": 0.005, "amsgrad": True},
        "noisy",
    ),
    ("pytorch", "Adamax", {"lr": 0.019, "eps": 0.003}, "sparse, all seen at step 1"),
    ("pytorch", "Adamax", {"lr": 0.019, "weight_decay": 0.13}, "noisy"),
    ("pytorch", "Adamax", {"lr": 0.019, "eps": 0.0}, "noisy"),
    ("pytorch", "NAdam", {"lr": 0.017, "betas": [0.86, 0.973], "momentum_decay": 1e9}, "noisy"),
    ("pytorch", "AdamW", {"lr": 0.018, "weight_decay": 0.13}, "sparse"),
    (
        "pytorch",
        "AdamW",
        {"lr": 0.018, "weight_decay": 0.13, "amsgrad": True, "betas": [0.8, 0.9]},
        "noisy",
    ),
    (
        "keras",
        "SGD",
        {"learning_rate": "0.0025 * 0.97**(t - 1)", "momentum": 0.77, "nesterov": True},
        "noisy",
    ),
    ("keras", "SGD", {"learning_rate": "0.003 * 0.97**(t - 1)", "momentum": 0.83}, "noisy"),
    ("keras", "Adagrad", {"learning_rate": 0.17, "epsilon": 0.05}, "sparse"),
    ("keras", "Adadelta", {"learning_rate": 1.0, "epsilon": 0.0002}, "sparse"),
    ("keras", "Adadelta", {"learning_rate": 0.5, "epsilon": 0.0002}, "sparse"),
    ("keras", "RMSprop", {"learning_rate": 0.013, "centered": True, "epsilon": 0.02}, "sparse"),
    ("keras", "RMSprop", {"learning_rate": 0.013, "momentum": 0.7, "epsilon": 0.02}, "sparse"),
    ("keras", "Adam", {"learning_rate": 0.021, "epsilon": 0.02}, "sparse"),
    ("keras", "Adam", {"learning_rate": 0.021, "weight_decay": 0.13}, "sparse"),
    (
        "keras",
        "Adam",
        {"learning_rate": 0.021, "weight_decay": 0.13, "amsgrad": True, "beta_2": 0.9},
        "noisy",
    ),
    ("keras", "Adam", {"learning_rate": 0.021, "amsgrad": True, "beta_2": 0.9}, "noisy"),
    ("keras", "Adamax", {"learning_rate": 0.019, "epsilon": 0.003}, "sparse, all seen at step 1"),
    ("keras", "Adamax", {"learning_rate": 0.019, "epsilon": 0.0}, "noisy"),
    ("keras", "AdamW", {"learning_rate": 0.018, "weight_decay": 0.13}, "sparse"),
    (
        "keras",
        "AdamW",
        {"learning_rate": 0.018, "weight_decay": 0.13, "amsgrad": True, "beta_2": 0.9},
        "noisy",
    ),
    ("optax", "sgd", {"learning_rate": "0.003 * 0.97**(t - 1)", "momentum": 0.83}, "noisy"),
    (
        "optax",
        "sgd",
        {"learning_rate": "0.0025 * 0.97**(t - 1)", "momentum": 0.77, "nesterov": True},
        "noisy",
    ),
    ("optax", "sgd", {"learning_rate": 0.0019, "momentum": 0.77, "nesterov": True}, "noisy"),
    ("optax", "adagrad", {"learning_rate": 0.17, "eps": 0.05}, "sparse"),
    ("optax", "adadelta", {"learning_rate": 1.0, "eps": 0.0002}, "sparse"),
    ("optax", "adadelta", {"learning_rate": 0.5, "eps": 0.0002}, "sparse"),
    ("optax", "rmsprop", {"learning_rate": 0.013, "centered": True, "eps": 0.02}, "sparse"),
    ("optax", "rmsprop", {"learning_rate": 0.013, "momentum": 0.7, "eps": 0.02}, "sparse"),
    ("optax", "rmsprop", {"learning_rate": 0.013, "initial_scale": 0.3, "eps": 0.02}, "sparse"),
    ("optax", "rmsprop", {"learning_rate": 0.013, "bias_correction": True, "eps": 0.02}, "sparse"),
    ("optax", "rmsprop", {"learning_rate": 0.013, "eps_in_sqrt": False, "eps": 0.02}, "sparse"),
    (
        "optax",
        "rmsprop",
        {"learning_rate": 0.013, "eps_in_sqrt": False, "bias_correction": True, "eps": 0.02},
        "sparse",
    ),
    ("optax", "adam", {"learning_rate": 0.021, "eps_root": 0.01}, "sparse"),
    ("optax", "adam", {"learning_rate": 0.021, "nesterov": True}, "sparse"),
    # the same path as PyTorch's NAdam above
    ("optax", "nadam", {"learning_rate": 0.017, "b1": 0.86, "b2": 0.973}, "noisy"),
    ("optax", "adamax", {"learning_rate": 0.019, "eps": 0.003}, "sparse, all seen at step 1"),
    ("optax", "adamax", {"learning_rate": 0.019, "eps": 0.0}, "noisy"),
    ("optax", "amsgrad", {"learning_rate": 0.023, "b2": 0.957, "eps_root": 0.01}, "sparse"),
    (
        "optax",
        "amsgrad",
        {"learning_rate": 0.023, "b2": 0.957, "bias_correction_nu": False},
        "noisy",
    ),
    (
        "optax",
        "amsgrad",
        {
            "learning_rate": 0.023,
            "b2": 0.957,
            "bias_correction_mu": False,
            "bias_correction_nu": False,
        },
        "noisy",
    ),
    ("optax", "adamw", {"learning_rate": 0.018, "weight_decay": 0.13}, "sparse"),
    ("optax", "adamw", {"learning_rate": 0.018, "weight_decay": 0.13, "eps_root": 0.01}, "sparse"),
    ("optax", "adamw", {"learning_rate": 0.018, "weight_decay": 0.13, "nesterov": True}, "sparse"),
]

COUNTS = list(range(41))
KERAS_SCHEDULES = [
    ("ExponentialDecay", {"initial_learning_rate": 0.13, "decay_steps": 7, "decay_rate": 0.8}),
    (
        "ExponentialDecay",
        {"initial_learning_rate": 0.13, "decay_steps": 7, "decay_rate": 0.8, "staircase": True},
    ),
    ("PiecewiseConstantDecay", {"boundaries": [5, 12, 30], "values": [0.1, 0.05, 0.02, 0.01]}),
    (
        "PolynomialDecay",
        {"initial_learning_rate": 0.13, "decay_steps": 15, "end_learning_rate": 0.01, "power": 2.0},
    ),
    (
        "PolynomialDecay",
        {
            "initial_learning_rate": 0.13,
            "decay_steps": 15,
            "end_learning_rate": 0.01,
            "power": 2.0,
            "cycle": True,
        },
    ),
    (
        "PolynomialDecay",
        {"initial_learning_rate": 0.13, "decay_steps": 15, "end_learning_rate": 0.01},
    ),
    ("InverseTimeDecay", {"initial_learning_rate": 0.13, "decay_steps": 7, "decay_rate": 0.8}),
    (
        "InverseTimeDecay",
        {"initial_learning_rate": 0.13, "decay_steps": 7, "decay_rate": 0.8, "staircase": True},
    ),
    ("CosineDecay", {"initial_learning_rate": 0.13, "decay_steps": 30, "alpha": 0.1}),
    (
        "CosineDecay",
        {
            "initial_learning_rate": 0.02,
            "decay_steps": 30,
            "alpha": 0.1,
            "warmup_target": 0.13,
            "warmup_steps": 6,
        },
    ),
]
TORCH_SCHEDULES = [
    ("StepLR", {"step_size": 7, "gamma": 0.8}),
    ("MultiStepLR", {"milestones": [5, 12, 30], "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.95}),
    ("PolynomialLR", {"total_iters": 15, "power": 2.0}),
    ("CosineAnnealingLR", {"T_max": 30, "eta_min": 0.013}),
    ("LinearLR", {"start_factor": 0.25, "end_factor": 1.0, "total_iters": 6}),
]
OPTAX_SCHEDULES = [
    ("exponential_decay", {"init_value": 0.13, "transition_steps": 7, "decay_rate": 0.8}),
    (
        "exponential_decay",
        {"init_value": 0.13, "transition_steps": 7, "decay_rate": 0.8, "staircase": True},
    ),
    (
        "piecewise_constant_schedule",
        {"init_value": 0.1, "boundaries_and_scales": {"5": 0.5, "12": 0.4, "30": 0.5}},
    ),
    (
        "polynomial_schedule",
        {"init_value": 0.13, "end_value": 0.01, "power": 2.0, "transition_steps": 15},
    ),
    ("cosine_decay_schedule", {"init_value": 0.13, "decay_steps": 30, "alpha": 0.1}),
    ("linear_schedule", {"init_value": 0.02, "end_value": 0.13, "transition_steps": 6}),
    (
        "warmup_cosine_decay_schedule",
        {
            "init_value": 0.02,
            "peak_value": 0.13,
            "warmup_steps": 6,
            "decay_steps": 36,
            "end_value": 0.013,
        },
    ),
]

# --- the environment ---------------------------------------------------------------------------


def enter_environment(latest):
    """Make the environment if need be, and run this script in it."""
    home = ROOT / (".venv-dialects-latest" if latest else ".venv-dialects")
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    wanted = PINS.read_text()
    if latest:
        wanted = re.sub(r"==.*", "", wanted)
    mark = home / "installed"
    digest = hashlib.sha256(wanted.encode()).hexdigest()
    if latest or not mark.exists() or mark.read_text() != digest:
        print(f"making {home.name}: PyTorch, Keras and Optax (several minutes the first time)")
        venv.create(home, with_pip=True)
        (home / ".gitignore").write_text("*\n")
        subprocess.run([python, "-m", "pip", "install", "--upgrade", *wanted.split()], check=True)
        mark.write_text(digest)
    arguments = [a for a in sys.argv[1:] if a != "--latest"]
    sys.exit(subprocess.run([python, __file__, "--here", *arguments]).returncode)


def libraries():
    """Import the three, set to float64; the names that the lines of code use."""
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["JAX_ENABLE_X64"] = "1"
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    import jax
    import jax.numpy as jnp
    import keras
    import numpy as np
    import optax
    import torch

    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    keras.config.set_floatx("float64")
    versions = {
        "pytorch": torch.__version__.split("+")[0],
        "keras": keras.__version__,
        "optax": optax.__version__,
        "jax": jax.__version__,
        "numpy": np.__version__,
    }
    return {"jnp": jnp, "keras": keras, "optax": optax, "torch": torch}, versions


# --- recording ---------------------------------------------------------------------------------


def run(names, library, recipe, schedules, problem, steps=STEPS):
    """Execute the lines of a recipe on a problem; the path as a list of lists."""
    import numpy as np

    from gdref.dialects import PROBLEMS

    start, gradient = PROBLEMS[problem]
    scope = {**names, **schedules, "sqrt": sqrt}
    torch, keras, optax, jnp = (names[n] for n in ("torch", "keras", "optax", "jnp"))
    if library == "pytorch":
        scope["theta"] = torch.tensor(start, requires_grad=True)
    elif library == "keras":
        scope["theta"] = keras.Variable(start, dtype="float64")
    else:
        scope["theta"] = jnp.asarray(start)

    def value():
        theta = scope["theta"]
        return theta.detach().numpy().copy() if library == "pytorch" else np.array(theta)

    def step(g):
        optimizer, theta = scope["optimizer"], scope["theta"]
        if library == "pytorch":
            theta.grad = torch.tensor(g)
            optimizer.step()
        elif library == "keras":
            optimizer.apply([jnp.asarray(g)], [theta])
        else:
            updates, scope["state"] = optimizer.update(jnp.asarray(g), scope["state"], theta)
            scope["theta"] = optax.apply_updates(theta, updates)

    torch_context = torch.no_grad()
    with torch_context:
        for line in recipe.setup:
            exec(line, scope)
        path = [value().tolist()]
        for t in range(1, steps + 1):
            scope["t"] = t
            for line in recipe.each_step:
                exec(line, scope)
            step(gradient(t, value()))
            path.append(value().tolist())
    return path


def scheduled(values):
    """Texts are expressions in t; lists are pairs."""
    from gdref.dialects import PerStep

    kinds = {str: PerStep, list: tuple}
    return {k: kinds.get(type(v), lambda v: v)(v) for k, v in values.items()}


def as_json(values):
    from gdref.dialects import PerStep

    return {k: v.text if isinstance(v, PerStep) else v for k, v in values.items()}


def row(names, entry, expressions, values, problem, kind, hyperparameters, arguments=None):
    from gdref import dialects

    recipe = dialects.recipe(entry, expressions, values, edit_state=kind == "exact")
    schedules = {k: v for k, v in values.items() if callable(v)}
    return {
        "library": entry.library,
        "constructor": entry.constructor,
        "kind": kind,
        "problem": problem,
        "hyperparameters": hyperparameters,
        "arguments": as_json(recipe.arguments if arguments is None else arguments),
        "code": [*recipe.setup, "# t", *recipe.each_step],
        "path": run(names, entry.library, recipe, schedules, problem),
    }


def record_paths(names):
    """Each conversion, each plain translation, the defaults, and what else readers use."""
    from gdref import dialects

    files = {rule: [] for rule in dialects.RULES}
    for entry in dialects.DIALECTS:
        rule = entry.rule
        sparse = "sparse, all seen at step 1" if rule == "adamax" else "sparse"
        cases = [(values, "noisy") for values in SCHEDULED.get(rule, [])]
        if entry.eta == "constant":
            cases = []
        if entry.eta != "schedule":
            cases += [(ODD[rule], problem) for problem in ("curved", "noisy", sparse)]
            cases += [({}, "curved")]
        for given, problem in cases:
            values = {**dialects.defaults(rule), **scheduled(given)}
            case = (values, problem)
            stored = as_json(values)
            files[rule] += [row(names, entry, entry.arguments, *case, "exact", stored)]
        plain = cases[0] if entry.eta == "schedule" else (ODD[rule], sparse)
        if entry.kind != "other names":
            values = {**dialects.defaults(rule), **scheduled(plain[0])}
            case = (values, plain[1])
            files[rule] += [row(names, entry, entry.names, *case, "plain", as_json(values))]
    constructors = dict.fromkeys((d.library, d.constructor) for d in dialects.DIALECTS)
    as_they_come = [
        (library, constructor, {"learning_rate": 0.01} if library == "optax" else {}, "curved")
        for library, constructor in constructors
    ]
    for library, constructor, given, problem in OTHER + as_they_come:
        arguments = scheduled(given)
        origin, _ = dialects.origin(library, constructor, **arguments)
        entry = dialects.Dialect(origin.rule, library, constructor, {})
        same = {name: name for name in arguments}
        rules = [
            d.rule
            for d in dialects.DIALECTS
            if (d.library, d.constructor) == (library, constructor)
        ]
        files[origin.rule if origin.rule in rules or not rules else rules[0]] += [
            row(names, entry, same, arguments, problem, "other", {}, arguments)
        ]
    return files


def record_defaults(names):
    """The arguments of each constructor with their defaults, from its signature."""
    from gdref import dialects

    found = {library: {} for library in dialects.LIBRARIES}
    for entry in (*dialects.DIALECTS, *dialects.ORIGINS):
        scope = eval(dialects.MODULES[entry.library], names)
        parameters = inspect.signature(getattr(scope, entry.constructor)).parameters
        found[entry.library][entry.constructor] = {
            name: None if p.default is p.empty else p.default
            for name, p in parameters.items()
            if name not in ("params", "kwargs") and _plain(p.default)
        }
    return found


def _plain(value):
    plain = (bool, int, float, str, tuple)
    return value is None or value is inspect.Parameter.empty or type(value) in plain


def record_schedules(names):
    """The values of each schedule at counts 0, 1, ..., and the rate that update t really uses."""
    torch, keras, optax, jnp = (names[n] for n in ("torch", "keras", "optax", "jnp"))
    rows = []

    def used(library, optimizer, after=lambda: None):
        # gradient 1 from theta = 0: the step is the rate
        rates = []
        if library == "keras":
            theta = keras.Variable([0.0], dtype="float64")
        elif library == "optax":
            theta = jnp.zeros(1)
            state = optimizer.init(theta)
        for _ in COUNTS[1:]:
            if library == "pytorch":
                theta = optimizer.param_groups[0]["params"][0]
                theta.data.zero_()
                theta.grad = torch.ones(1)
                optimizer.step()
                rates.append(-theta.item())
                after()
            elif library == "keras":
                theta.assign([0.0])
                optimizer.apply([jnp.ones(1)], [theta])
                rates.append(-float(theta.numpy()[0]))
            else:
                updates, state = optimizer.update(jnp.ones(1), state, theta)
                rates.append(-float(updates[0]))
        return rates

    for name, arguments in KERAS_SCHEDULES:
        make = getattr(keras.optimizers.schedules, name)
        values = [float(make(**arguments)(count)) for count in COUNTS]
        optimizer = keras.optimizers.SGD(learning_rate=make(**arguments))
        rows.append(["keras", name, arguments, values, used("keras", optimizer)])
    for name, arguments in TORCH_SCHEDULES:
        make = getattr(torch.optim.lr_scheduler, name)
        theta = torch.zeros(1, requires_grad=True)
        optimizer = torch.optim.SGD([theta], lr=0.13)
        scheduler = make(optimizer, **arguments)
        values = []
        for _ in COUNTS:
            values.append(scheduler.get_last_lr()[0])
            optimizer.step()
            scheduler.step()
        with torch.no_grad():
            optimizer = torch.optim.SGD([theta], lr=0.13)
            scheduler = make(optimizer, **arguments)
            rates = used("pytorch", optimizer, scheduler.step)
        rows.append(["pytorch", name, {"lr": 0.13, **arguments}, values, rates])
    for name, arguments in OPTAX_SCHEDULES:
        given = {
            k: {int(a): b for a, b in v.items()} if isinstance(v, dict) else v
            for k, v in arguments.items()
        }
        schedule = getattr(optax, name)(**given)
        values = [float(schedule(count)) for count in COUNTS]
        rates = used("optax", optax.sgd(schedule))
        injected = used("optax", optax.inject_hyperparams(optax.sgd)(learning_rate=schedule))
        assert rates == injected, name
        rows.append(["optax", name, arguments, values, rates])
    keys = ("library", "constructor", "arguments", "values", "used")
    return [dict(zip(keys, r, strict=True)) for r in rows]


def record_edges(names):
    """What happens at the edges: no gradient yet, an accumulator at 0, a rate kept in float32."""
    from gdref import dialects

    torch, keras, optax, jnp = (names[n] for n in ("torch", "keras", "optax", "jnp"))

    def steps(library, make, gradients, dtype="float64"):
        path = []
        if library == "pytorch":
            theta = torch.tensor([1.0], dtype=getattr(torch, dtype))
            optimizer = make([theta])
        elif library == "keras":
            theta = keras.Variable([1.0], dtype=dtype)
            optimizer = make()
        else:
            theta = jnp.ones(1, dtype=dtype)
            optimizer = make()
            state = optimizer.init(theta)
        for g in gradients:
            if library == "pytorch":
                theta.grad = torch.tensor([g], dtype=theta.dtype)
                optimizer.step()
            elif library == "keras":
                optimizer.apply([jnp.array([g], dtype=dtype)], [theta])
            else:
                updates, state = optimizer.update(jnp.array([g], dtype=dtype), state, theta)
                theta = optax.apply_updates(theta, updates)
            path.append(float(theta.detach()[0] if library == "pytorch" else theta[0]))
        return [p if p == p else "nan" for p in path]

    adam = torch.optim
    kept, optimizers = [0.0, 0.0, 2.0], keras.optimizers
    edges = {
        "adamax, gradients 0, 0, 2 from theta = 1, rate 0.1": {
            "pytorch, eps=0": steps("pytorch", lambda p: adam.Adamax(p, lr=0.1, eps=0.0), kept),
            "pytorch": steps("pytorch", lambda p: adam.Adamax(p, lr=0.1), kept),
            "keras, epsilon=0": steps("keras", lambda: optimizers.Adamax(0.1, epsilon=0.0), kept),
            "keras": steps("keras", lambda: optimizers.Adamax(0.1), kept),
            "optax, eps=0": steps("optax", lambda: optax.adamax(0.1, eps=0.0), kept),
            "optax": steps("optax", lambda: optax.adamax(0.1), kept),
        },
        "adagrad without epsilon and with G = 0, gradients 0, 0, 2 from theta = 1, rate 0.1": {
            "pytorch": steps("pytorch", lambda p: adam.Adagrad(p, lr=0.1, eps=0.0), kept),
            "keras": steps(
                "keras",
                lambda: optimizers.Adagrad(0.1, initial_accumulator_value=0.0, epsilon=0.0),
                kept,
            ),
            "optax": steps(
                "optax", lambda: optax.adagrad(0.1, initial_accumulator_value=0.0, eps=0.0), kept
            ),
        },
    }
    start, gradient = dialects.PROBLEMS["noisy"]
    last = {}
    for dtype in ("float64", "float32"):
        torch.set_default_dtype(getattr(torch, dtype))
        theta = torch.tensor(start)
        optimizer = torch.optim.NAdam([theta], lr=0.01)
        for t in range(1, STEPS + 1):
            theta.grad = torch.tensor(gradient(t, theta.numpy()))
            optimizer.step()
        last[dtype] = theta.numpy().copy()
    torch.set_default_dtype(torch.float64)
    keras.config.set_floatx("float32")
    rate = 1.0 - steps("keras", lambda: optimizers.SGD(0.1), [1.0])[0]
    keras.config.set_floatx("float64")
    edges["precision of float64 parameters"] = {
        "pytorch, NAdam under the default float32: error after 60 steps": float(
            abs(last["float32"] - last["float64"]).max()
        ),
        "keras, a rate of 0.1 under floatx float32": rate,
        "optax, jnp.sqrt of the count 2": float(jnp.sqrt(jnp.asarray(2, dtype=jnp.int32))),
    }
    return edges


# --- storing and comparing ---------------------------------------------------------------------


def text_of(data):
    """JSON with one path, schedule or group of values a line."""

    def block(value, level):
        inner = "\n" + " " * (level + 1)
        if (
            isinstance(value, dict)
            and level < 2
            and any(isinstance(v, dict | list) for v in value.values())
        ):
            items = [f"{json.dumps(k)}: {block(v, level + 1)}" for k, v in value.items()]
            return "{" + inner + ("," + inner).join(items) + "\n" + " " * level + "}"
        if isinstance(value, list) and value and isinstance(value[0], dict):
            items = [json.dumps(v, separators=(",", ":")) for v in value]
            return "[" + inner + ("," + inner).join(items) + "\n" + " " * level + "]"
        return json.dumps(value)

    return block(data, 0) + "\n"


def key(row):
    return json.dumps({k: v for k, v in row.items() if k not in ("path", "values", "used", "code")})


def numbers(row):
    import numpy as np

    return [np.array(row[k], dtype=float) for k in ("path", "values", "used") if k in row]


def compare(name, old, new, report):
    """Lines that say what differs between the stored and the new content of one file."""
    import numpy as np

    changed = False
    for field in ("defaults", "edges"):
        a, b = json.loads(json.dumps([old.get(field), new.get(field)]))
        for group in sorted({*(a or {}), *(b or {})}):
            ga, gb = (a or {}).get(group, {}), (b or {}).get(group, {})
            for item in sorted({*ga, *gb}):
                before, after = ga.get(item), gb.get(item)
                if before == after:
                    continue
                if isinstance(before, dict) and isinstance(after, dict):
                    before, after = (
                        {k: v for k, v in one.items() if k not in two or two[k] != v}
                        for one, two in ((before, after), (after, before))
                    )
                report.append(f"{name}: {group} {item}: {before} is now {after}")
                changed = True
    rows = "paths" if "paths" in new else "schedules"
    stored = {key(r): r for r in old.get(rows, [])}
    for r in new.get(rows, []):
        label = " ".join(str(r.get(k, "")) for k in ("library", "constructor", "kind", "problem"))
        if key(r) not in stored:
            report.append(f"{name}: {label} {r['arguments']}: not stored")
            changed = True
            continue
        before = stored.pop(key(r))
        gap = max(
            float(np.max(np.abs(a - b) / (1 + np.abs(a)), initial=0.0))
            for a, b in zip(numbers(before), numbers(r), strict=True)
        )
        if not gap <= 1e-12:
            report.append(f"{name}: {label} {r['arguments']}: differs by {gap:.1e}")
            changed = True
        elif gap > 0:
            report.append(f"{name}: {label}: differs by rounding, {gap:.1e}")
        if r.get("code") != before.get("code"):
            report.append(f"{name}: {label}: other lines of code")
            changed = True
    for r in stored.values():
        report.append(f"{name}: stored but not recorded: {key(r)}")
        changed = True
    return changed


def table(files):
    """How far our rules are from what was recorded just now."""
    from gdref import dialects

    print("exact: converted; plain: the same values under the library's names; other: its own")
    print(f"{'rule':10}{'library':10}{'kind':8}{'paths':>6}  largest difference to our rule")
    groups = {}
    for rule in dialects.RULES:
        for r in dialects.recorded(rule):
            groups.setdefault((rule, r.library, r.kind), []).append(dialects.difference(r))
    for (rule, library, kind), gaps in groups.items():
        print(f"{rule:10}{library:10}{kind:8}{len(gaps):6}  {max(gaps):.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare only (what is done anyway)")
    parser.add_argument("--write", action="store_true", help="store what was recorded")
    parser.add_argument("--latest", action="store_true", help="newest releases, not the pins")
    parser.add_argument("--here", action="store_true", help="use the running interpreter")
    options = parser.parse_args()
    if not options.here:
        enter_environment(options.latest)

    sys.path.insert(0, str(ROOT))
    warnings.filterwarnings("ignore")
    names, versions = libraries()
    print("recording with " + ", ".join(f"{k} {v}" for k, v in versions.items()))
    from gdref import dialects

    # the conversions look up the defaults, so these come first
    files = {"defaults": {"versions": versions, "defaults": record_defaults(names)}}
    stored = dialects._stored
    dialects._stored = lambda name: files[name] if name in files else stored(name)
    for rule, rows in record_paths(names).items():
        files[rule] = {"versions": versions, "rule": rule, "paths": rows}
    files["schedules"] = {"versions": versions, "schedules": record_schedules(names)}
    files["edges"] = {"versions": versions, "edges": record_edges(names)}

    table(files)
    report, changed = [], False
    for name, data in files.items():
        file = STORE / f"{name}.json"
        old = json.loads(file.read_text("utf-8")) if file.exists() else {}
        for library, version in versions.items():
            before = old.get("versions", {}).get(library)
            if before not in (None, version) and name == "defaults":
                report.append(f"stored with {library} {before}, now {version}")
        changed |= compare(name, old, json.loads(text_of(data)), report)
        if options.write:
            STORE.mkdir(exist_ok=True)
            file.write_text(text_of(data), "utf-8")
    print("\n".join(report) if report else "nothing changed")
    sys.exit(1 if changed and not options.write else 0)


if __name__ == "__main__":
    main()
