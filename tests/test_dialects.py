"""The rules against paths that PyTorch, Keras and Optax took, and the conversions between them.

The paths were recorded by tools/record; none of the three libraries is needed here.
"""

import subprocess
import sys
from importlib import resources

import numpy as np
import pytest

from gdref import RULES, dialects, iterate_state
from gdref.dialects import (
    DIALECTS,
    LIBRARIES,
    ORIGINS,
    PROBLEMS,
    NoConversion,
    difference,
    from_library,
    origin,
    recorded,
    replay,
    to_library,
)
from gdref.dialects._expressions import convert
from gdref.dialects._recordings import from_json, stored
from gdref.dialects.tables import WITHOUT
from gdref.rules import WHOLE

CLOSE = 1e-12  # rounding stays a hundred times below
APART = 1e-11  # paths that differ by the rule, not by rounding

EXACT = recorded(kind="exact")
PLAIN = recorded(kind="plain")
OTHER = recorded(kind="other")


def name(recording):
    case = "scheduled" if recording.schedule else recording.problem
    return f"{recording.rule}-{recording.library}-{recording.constructor}-{case}"


def shape_of(recording):
    return PROBLEMS[recording.problem][0].shape


def limit_of(recording, entry):
    """Rounding, and what a library rounds to less than float64 whatever it is given."""
    return CLOSE + 0.04 * entry.limit  # no rate of the recordings with a limit is larger


def at(values, t):
    return {k: v(t) if callable(v) else v for k, v in values.items()}


def steps_of(rule, hyperparameters, recording):
    """The rule step by step, with nothing of gdref in between."""
    theta, gradient = PROBLEMS[recording.problem]
    state, path = [], [theta]
    for t in range(1, len(recording.path)):
        now = at(hyperparameters, t)
        theta, *state = rule(t, theta, lambda x, t=t: gradient(t, x), *state, **now)
        path.append(theta - now["gamma"] * state[0] if rule is RULES["nag"] else theta)
    return np.array(path)


@pytest.mark.parametrize("recording", EXACT, ids=name)
def test_rule_takes_the_recorded_path(recording):
    ours = steps_of(RULES[recording.rule], recording.hyperparameters, recording)
    entry = dialects.row(recording.rule, recording.library, recording.hyperparameters)
    assert np.max(np.abs(ours - recording.path)) <= limit_of(recording, entry)


@pytest.mark.parametrize("recording", EXACT, ids=name)
def test_loop_takes_the_recorded_path(recording):
    entry = dialects.row(recording.rule, recording.library, recording.hyperparameters)
    assert difference(recording) <= limit_of(recording, entry)


@pytest.mark.parametrize("recording", PLAIN, ids=name)
def test_edits_are_needed(recording):
    assert difference(recording) > APART


@pytest.mark.parametrize("recording", PLAIN + OTHER, ids=name)
def test_library_path_is_our_rule_or_has_no_conversion(recording):
    where = recording.library, recording.constructor
    entry, _ = origin(*where, **recording.arguments)
    if entry.why:
        with pytest.raises(NoConversion):
            from_library(*where, shape=shape_of(recording), **recording.arguments)
        nearest = convert(
            entry.hyperparameters,
            dialects.library_defaults(*where)
            | recording.arguments
            | dict(zip(dialects.SHAPE, shape_of(recording), strict=False)),
        )
        ours = replay(entry.rule, nearest, recording.problem)
        assert np.max(np.abs(ours - recording.path)) > APART
    else:
        rule, hyperparameters = from_library(
            *where, shape=shape_of(recording), **recording.arguments
        )
        ours = steps_of(rule, hyperparameters, recording)
        assert np.max(np.abs(ours - recording.path)) <= limit_of(recording, entry)


def test_pytorch_with_constant_momentum_is_optax_nadam():
    (pytorch,) = [r for r in OTHER if "momentum_decay" in r.arguments]
    (optax,) = [r for r in OTHER if r.constructor == "nadam" and r.problem == pytorch.problem]
    assert np.max(np.abs(pytorch.path - optax.path)) <= CLOSE


@pytest.mark.parametrize("row", stored("schedulefree")["paths"], ids=lambda r: r["constructor"])
def test_the_authors_package_of_schedule_free_takes_our_path(row):
    """Theta, and x in the end; with a warm-up too, since a rate that rises is its largest."""
    rule, values = RULES[row["rule"]], from_json(row["hyperparameters"])
    start, gradient = PROBLEMS[row["problem"]]
    steps = [lambda x, t=t: gradient(t, x) for t in range(1, len(row["path"]))]
    rows = list(iterate_state(rule, steps, start, **values))
    assert np.max(np.abs(np.array([r[0] for r in rows]) - row["path"])) <= CLOSE
    assert np.max(np.abs(rows[-1][2] - row["x"])) <= CLOSE
    assert np.max(np.abs(rows[-1][0] - row["x"])) > 1e-4
    assert stored("schedulefree")["versions"]["schedulefree"]


# --- what the recordings cover -----------------------------------------------------------------


def test_every_rule_is_recorded_from_every_library():
    covered = {(r.rule, r.library) for r in EXACT}
    wanted = {(rule, library) for rule in RULES for library in LIBRARIES} - WITHOUT
    assert covered == wanted, f"record, or name in dialect_tables.WITHOUT: {covered ^ wanted}"


@pytest.mark.parametrize("rule, library", sorted({(d.rule, d.library) for d in DIALECTS} - WITHOUT))
def test_every_conversion_is_recorded(rule, library):
    found = [r for r in EXACT if (r.rule, r.library) == (rule, library)]
    constant = [r for r in found if not any(map(callable, r.hyperparameters.values()))]
    problems = {r.problem for r in constant}
    assert {name.partition(",")[0] for name in problems} - {"matrix"} == {
        "curved", "noisy", "sparse"
    }  # fmt: skip
    assert WHOLE.get(rule) != "matrix" or any("matrix" in name for name in problems)
    assert any(r.hyperparameters == dialects.defaults(rule) for r in constant)
    assert any(r.hyperparameters != dialects.defaults(rule) for r in constant)
    assert all(len(r.path) == 61 and r.path.dtype == np.float64 for r in found)
    for rate in (False, True):
        entry = dialects.dialect(rule, library, schedule=rate)
        here = [r for r in found if dialects.row(rule, library, r.hyperparameters) is entry]
        plain = [r for r in PLAIN if dialects.row(r.rule, r.library, r.hyperparameters) is entry]
        assert here and (plain or entry.kind == "other names")


MAKERS = ["PyTorch", "Keras", "Optax"]


def test_every_origin_is_recorded():
    used = [origin(r.library, r.constructor, **r.arguments)[0] for r in PLAIN + OTHER]
    missing = [e for e in ORIGINS if not any(e is u for u in used)]
    # a library makes no such optimizer: PyTorch refuses nesterov without momentum
    assert all(e.why.split(" ")[:2] in ([name, "refuses"] for name in MAKERS) for e in missing)
    assert len(missing) >= 1


@pytest.mark.parametrize("recording", EXACT, ids=name)
def test_recorded_code_is_the_code_shown(recording):
    recipe = to_library(
        recording.rule,
        recording.library,
        shape=shape_of(recording),
        **recording.hyperparameters,
    )
    assert (*recipe.setup, "# t", *recipe.each_step) == recording.code


def test_recordings_say_where_they_come_from():
    for r in EXACT + PLAIN + OTHER:
        assert r.version and r.code and r.library in r.code[0].replace("torch", "pytorch")
        assert np.array_equal(r.path[0], PROBLEMS[r.problem][0])
    files = resources.files("gdref.dialects").joinpath("paths").iterdir()
    assert sum(len(f.read_bytes()) for f in files) < 3e6


def test_no_library_is_imported():
    code = (
        "import sys; from gdref.dialects import *; recorded('adam'); to_library('adam', 'optax');"
        "from_library('keras', 'Adam');"
        "print({'torch', 'keras', 'jax', 'optax', 'sympy', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# --- the two directions ------------------------------------------------------------------------


def by_arguments_alone(recording):
    entry = dialects.row(recording.rule, recording.library, recording.hyperparameters)
    return not (entry.setup or entry.each_step or entry.code)


@pytest.mark.parametrize("recording", [r for r in EXACT if by_arguments_alone(r)], ids=name)
def test_there_and_back(recording):
    shape = shape_of(recording)
    recipe = to_library(recording.rule, recording.library, shape=shape, **recording.hyperparameters)
    rule, back = from_library(
        recording.library, recording.constructor, shape=shape, **recipe.arguments
    )
    assert rule is RULES[recording.rule]
    for t in range(1, 61):
        there, here = at(recording.hyperparameters, t), at(back, t)
        if recording.rule == "adamw":  # a library has no multiplier beside its rate
            multiplier = there.pop("multiplier")
            there |= {name: multiplier * there[name] for name in ("eta", "lam")}
        assert here == pytest.approx({k: there[k] for k in here}, rel=1e-14)


CONVERSIONS = [
    (("pytorch", "Adam", {}), "adam", {"eta": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}),
    (("keras", "Adagrad", {}), "adagrad", {"eta": 0.001, "eps": 0.1000001}),
    (("optax", "adagrad", {"learning_rate": 0.5}), "adagrad", {"eta": 0.5, "eps": 0.1000001}),
    (("pytorch", "SGD", {"lr": 0.1}), "gd", {"eta": 0.1}),
    (("keras", "SGD", {"momentum": 0.5, "nesterov": True}), "nag", {"eta": 0.01, "gamma": 0.5}),
    (
        ("pytorch", "AdamW", {"lr": 0.1}),
        "adamw",
        {"eta": 0.1, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "lam": 0.001},
    ),
    (
        ("pytorch", "Adam", {"foreach": True}),
        "adam",
        {"eta": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    ),
]


@pytest.mark.parametrize("library, rule, hyperparameters", CONVERSIONS, ids=str)
def test_from_library(library, rule, hyperparameters):
    where, constructor, arguments = library
    assert from_library(where, constructor, **arguments) == (
        RULES[rule],
        pytest.approx(hyperparameters),
    )


def test_epsilon_hat_is_undone_step_by_step():
    _, hyperparameters = from_library("keras", "Adam", epsilon=1e-4, beta_2=0.75)
    assert hyperparameters["eps"](1) == pytest.approx(2e-4)
    assert repr(hyperparameters["eps"]) == "0.0001 / sqrt(1 - 0.75**t)"


def test_schedules_pass_through():
    recipe = to_library("adamw", "pytorch", eta=lambda t: 0.1 / t, lam=0.02)
    assert recipe.arguments["lr"](4) == pytest.approx(0.025)
    assert recipe.arguments["weight_decay"](4) == pytest.approx(0.8)
    recipe = to_library("momentum", "pytorch", eta=lambda t: 0.1 / t, gamma=0.6)
    assert [recipe.arguments["momentum"](t) for t in (1, 2, 3)] == pytest.approx([0.6, 1.2, 0.9])


NO_CONVERSION = [
    ("pytorch", "NAdam", {}, "schedule"),
    ("keras", "Nadam", {}, "schedule"),
    ("optax", "nadam", {"learning_rate": 0.1}, r"b1\^\(t\+1\)"),
    ("optax", "amsgrad", {"learning_rate": 0.1}, "maximum"),
    ("pytorch", "Adamax", {}, "AdaMax"),
    ("keras", "Adadelta", {}, "rate"),
    ("pytorch", "Adam", {"weight_decay": 0.1}, "L2"),
    ("pytorch", "Adam", {"maximize": True}, "maximize=True"),
    ("keras", "Adam", {"clipnorm": 1.0}, "clipnorm=1.0"),
    ("keras", "SGD", {"weight_decay": 0.1}, "weight_decay=0.1"),
]


@pytest.mark.parametrize("library, constructor, arguments, why", NO_CONVERSION)
def test_no_conversion_says_why(library, constructor, arguments, why):
    with pytest.raises(NoConversion, match=why):
        from_library(library, constructor, **arguments)


WRONG = [
    (lambda: to_library("adma", "keras"), ValueError, "unknown rule 'adma'; the rules are gd,"),
    (lambda: to_library("adam", "tensorflow"), ValueError, "the libraries are pytorch, keras"),
    (lambda: to_library("adam", "keras", rho=0.9), TypeError, "adam has no hyperparameter rho"),
    (lambda: from_library("jax", "adam"), ValueError, "the libraries are pytorch"),
    (lambda: from_library("pytorch", "Nadam"), ValueError, "known are SGD, .*NAdam"),
    (
        lambda: from_library("pytorch", "Adam", beta1=0.9),
        TypeError,
        "it has lr, betas",
    ),
    (lambda: from_library("optax", "adam"), TypeError, "needs a learning_rate"),
    (lambda: to_library("nag", "keras", gamma=lambda t: 0.9), NoConversion, "momentum"),
]


@pytest.mark.parametrize("call, error, message", WRONG)
def test_wrong_calls(call, error, message):
    with pytest.raises(error, match=message):
        call()


# arguments without effect as long as another one has its default
IDLE = {
    ("pytorch", "SGD"): {"dampening", "nesterov"},
    ("pytorch", "Adam"): {"decoupled_weight_decay"},
    ("pytorch", "RAdam"): {"decoupled_weight_decay"},
    ("keras", "SGD"): {"nesterov"},
    ("optax", "sgd"): {"nesterov"},
}


@pytest.mark.parametrize(
    "library, constructor", sorted({(e.library, e.constructor) for e in ORIGINS})
)
def test_no_argument_is_dropped(library, constructor):
    """Whatever is set to another value changes the result or is refused."""
    known = dialects.library_defaults(library, constructor)
    base = {"learning_rate": 0.1} if library == "optax" else {}
    if constructor == "Adadelta":
        base = {"lr": 1.0} if library == "pytorch" else {"learning_rate": 1.0}
    if constructor == "adadelta":
        base = {"learning_rate": 1.0}

    def result(arguments):
        try:
            rule, hyperparameters = from_library(
                library, constructor, shape=(3, 2), **base | arguments
            )
        except NoConversion as refusal:
            return str(refusal)
        return rule, [at(hyperparameters, t) for t in (1, 2)]

    idle = dialects.IRRELEVANT | IDLE.get((library, constructor), set())
    for argument, value in ((key, known[key]) for key in known if key not in idle):
        if isinstance(value, bool):
            other = not value
        elif isinstance(value, tuple):
            other = tuple(v / 2 if v else 0.25 for v in value)
        elif isinstance(value, str):
            other = value[::-1]
        else:
            other = value / 2 if value else 0.25
        refused_either_way = isinstance(result({}), str)
        assert refused_either_way or result({argument: other}) != result({}), (argument, other)


# --- schedules ---------------------------------------------------------------------------------

SCHEDULES = dialects.recorded_schedules()


@pytest.mark.parametrize("row", SCHEDULES, ids=lambda r: f"{r['library']}-{r['constructor']}")
def test_update_t_uses_count_t_minus_1(row):
    # Optax computes in float32 while it trains: its count is an int32
    close = 2e-8 if row["library"] == "optax" else 0
    assert row["used"] == pytest.approx(row["values"][:-1], rel=0, abs=close)
    if len(set(row["values"][:2])) == 2:
        assert row["used"] != pytest.approx(row["values"][1:], rel=1e-3)


def test_keras_changes_a_piecewise_rate_one_count_later():
    def first_change(library, constructor):
        (row,) = [
            r for r in SCHEDULES if (r["library"], r["constructor"]) == (library, constructor)
        ]
        return next(n for n, value in enumerate(row["values"]) if value != row["values"][0])

    # the boundary is 5 in all three
    assert first_change("keras", "PiecewiseConstantDecay") == 6
    assert first_change("pytorch", "MultiStepLR") == 5
    assert first_change("optax", "piecewise_constant_schedule") == 5
