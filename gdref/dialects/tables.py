"""How PyTorch, Keras and Optax write the rules of this book: the tables of :mod:`gdref.dialects`.

:data:`DIALECTS` leads from our rule to a library, :data:`ORIGINS` from a library to our rule.  A
row is source code: a call in the names of one side with expressions in those of the other.  In
these, ``t`` is the number of the step, counted from 1, ``eta_before`` the value that ``eta`` had at
step t - 1, ``first(eta)`` that of step 1, and ``varies(eta)`` asks whether eta is a schedule.  Of
the rows for a rule and a library the first one counts whose ``when`` holds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gdref.dialects._expressions import BEFORE, call, names


@dataclass(frozen=True)
class Dialect:
    """How one library writes one rule, and what makes its path equal ours.

    call:       the constructor with its arguments, as a reader would translate them first
    edits:      their argument -> the expression that it must have instead, or besides
    when:       a condition on our hyperparameters
    why:        why the library cannot take our path then; empty where it can
    setup:      lines of code that change the optimizer's state before step 1
    each_step:  lines of code that change the optimizer's state before each step
    code:       the construction, where it is not just a call of the constructor
    path:       what of our rule equals the library's parameters
    update:     the rule as the library computes it, in its own names
    epsilon:    where epsilon sits
    start:      what the accumulators are before step 1
    limit:      how far 60 steps may lead from ours, in units of the rate, where the library rounds
                to less than float64 whatever it is given; 0 elsewhere

    An expression may name ``rows`` and ``columns``, those of theta.
    """

    rule: str
    library: str
    call: str
    edits: dict[str, str] = field(default_factory=dict)
    when: str = "True"
    why: str = ""
    setup: tuple[str, ...] = ()
    each_step: tuple[str, ...] = ()
    code: str = ""
    path: str = "theta"
    update: str = ""
    epsilon: str = "none"
    start: str = "0"
    note: str = ""
    limit: float = 0.0

    @property
    def constructor(self) -> str:
        return call(self.call)[0]

    @property
    def names(self) -> Mapping[str, str]:
        """Their argument -> our name for it."""
        return call(self.call)[1]

    @property
    def arguments(self) -> dict[str, str]:
        return {**self.names, **self.edits}

    @property
    def kind(self) -> str:
        """How much it takes: other names, other values, values per step, or the state itself."""
        if self.setup or self.each_step:
            return "by editing the state"
        if any(n == "t" or n.endswith(BEFORE) for n in names(*self.edits.values())):
            return "values per step"
        if self.code:
            return "another constructor"
        return "other values" if self.edits else "other names"


LOOKAHEAD = "theta - gamma * v"
HUGE = "10**9"  # a step number at which every bias correction has died away
_TALL = "sqrt(max(1, rows / columns))"  # Muon's factor for the shape
# Where a line divides by a rate, or a library stops its buffer at a momentum of 0, 1e-30 stands for
# 0: what it moves is lost in the rounding.
ETA, ETA_BEFORE = "max(eta, 1e-30)", "max(eta_before, 1e-30)"
GAMMA, RHO = "max(gamma, 1e-30)", "max(rho, 1e-30)"
INSIDE = "The chain puts the rate inside the buffer, where the book has it."
CHAIN = "optax.chain(optax.scale_by_learning_rate({learning_rate}), "

#: a rule and a library that does not have it, as ("adam", "keras")
#: a rule and a library that has it in a form that no setting makes ours, and why
OTHERWISE: dict[tuple[str, str], str] = {
    ("schedule_free_adamw", "keras"): "its average weighs every step alike, with 1/t; the paper's "
    "weights are the squares of the rates, which the bias correction changes from step to step",
}
#: a rule and a library that has it not, or none whose path can be recorded to double precision
WITHOUT: set[tuple[str, str]] = {
    ("sign_descent", "pytorch"), ("signum", "pytorch"), ("lion", "pytorch"),
    ("lars", "pytorch"), ("lars", "keras"), ("lamb", "pytorch"), ("adafactor", "keras"),
    ("shampoo", "pytorch"), ("shampoo", "keras"), ("shampoo", "optax"),
    ("soap", "pytorch"), ("soap", "keras"), ("soap", "optax"),
    ("radam", "keras"),
    ("schedule_free_sgd", "pytorch"), ("schedule_free_sgd", "keras"),
    ("schedule_free_adamw", "pytorch"),
    ("adopt", "pytorch"), ("adopt", "keras"),
    ("adabelief", "pytorch"), ("adabelief", "keras"),
    *OTHERWISE,
}  # fmt: skip


def variants(dialect: Dialect, *others: dict) -> Iterable[Dialect]:
    """Rows that differ from the last one in some fields, and count before it."""
    return *(replace(dialect, **other) for other in others), dialect


_DIVIDES = "it recovers x from y and z with a division by b1"
_NO_WEIGHTS = "its weights in the average are not the squares of the rates of the same steps"
_FREE = "optax.contrib.schedule_free"
_RMS = "optax.chain({}, {}, optax.scale_by_learning_rate({{learning_rate}}))"
_SQUARE = f"{ETA}**2"
_SQUARE_2 = f"{_SQUARE} * (1 - beta2**t)"


def _weights(square: str) -> tuple[str, ...]:
    """Lines before a step that give the newest z the weight ``square`` in Optax's average."""
    total = f"W / ({square}) - 1.0"
    return (
        f"W += {square}",
        f"state = state._replace(weight_sum=jnp.asarray({total}, dtype=state.weight_sum.dtype))",
    )


# RAdam: the length of the average of squares, and of an endless one
LONGEST = "(2 / (1 - beta2) - 1)"
LENGTH = f"({LONGEST} - 2 * t * beta2**t / (1 - beta2**t))"
_RECTIFIED = (
    f"sqrt(({LENGTH} - 4) * ({LENGTH} - 2) * {LONGEST} "
    f"/ (({LONGEST} - 4) * ({LONGEST} - 2) * {LENGTH}) * (1 - beta2**t)) / (1 - beta1**t)"
)
RECTIFIED_ABOVE = "max(threshold, 4.0)"
_AHEAD = "the libraries look ahead with the momentum of this step, our rule with the next one's"

_EPS1 = "its epsilon bounds V from below, ours is added to g^2; a tiny one, as 1e-30, does neither"
_FLOAT32 = "it computes its means in float32, except on TensorFlow: no path agrees to rounding"
_EPS2 = "its least scale of theta is 0.001, which no argument changes"
_ONE_CHAIN = "this takes a schedule for the rate alone"
_LARS_DECAY = "its ratio divides by |g + lam theta|, ours by |g| + lam |theta|"
_LAMB_DECAY = "its decay stands beside the step, ours within the ratio"

# a row of a table on a line or two
# fmt: off
DIALECTS: tuple[Dialect, ...] = (
    # gradient descent
    Dialect("gd", "pytorch", "SGD(lr=eta)", update="theta -= lr g"),
    Dialect("gd", "keras", "SGD(learning_rate=eta)", update="theta -= learning_rate g"),
    Dialect("gd", "optax", "sgd(learning_rate=eta)", update="theta -= learning_rate g"),
    # momentum
    *variants(
        Dialect(
            "momentum", "pytorch", "SGD(lr=eta, momentum=gamma)",
            update="b = momentum b + (1 - dampening) g; theta -= lr b",
            start="b = g at step 1, without dampening",
            note="The rate multiplies the buffer, so v = lr b as long as the rate stays the same.",
        ),
        {
            "when": "varies(eta)",
            "edits": {"lr": ETA, "momentum": f"{GAMMA} * {ETA_BEFORE} / {ETA}"},
            "note": "The rate multiplies the buffer: a new rate rescales all past gradients too.",
        },
        {"when": "varies(gamma)", "edits": {"momentum": GAMMA}},
    ),
    *variants(
        Dialect(
            "momentum", "keras", "SGD(learning_rate=eta, momentum=gamma)",
            update="v = momentum v - learning_rate g; theta += v",
        ),
        {"when": "varies(gamma)", "call": f"SGD(learning_rate=eta, momentum={GAMMA})"},
    ),
    *variants(
        Dialect(
            "momentum", "optax", "sgd(learning_rate=eta, momentum=gamma)",
            update="b = momentum b + g; theta -= learning_rate b",
            note="The rate multiplies the buffer, so v = learning_rate b as long as the rate "
            "stays.",
        ),
        {
            "when": "varies(eta) and varies(gamma)",
            "code": f"{CHAIN}optax.inject_hyperparams(optax.trace)({{momentum}}))",
            "note": INSIDE,
        },
        {
            "when": "varies(eta)",
            "code": f"{CHAIN}optax.trace({{momentum}}))",
            "note": INSIDE,
        },
    ),
    # Nesterov
    *(
        Dialect("nag", library, f"{name}()", when="varies(gamma)", why=_AHEAD)
        for library, name in (("pytorch", "SGD"), ("keras", "SGD"), ("optax", "sgd"))
    ),
    *variants(
        Dialect(
            "nag", "pytorch", "SGD(lr=eta, momentum=gamma, nesterov=gamma > 0)", path=LOOKAHEAD,
            update="b = momentum b + g; theta -= lr (g + momentum b)", start="b = g at step 1",
            note="The library's theta is our look-ahead point.",
        ),
        {
            "when": "varies(eta)", "edits": {"lr": ETA},
            "each_step": (
                "for state in optimizer.state.values(): "
                f'state["momentum_buffer"] *= {ETA_BEFORE} / {ETA}',
            ),
            "note": "The rate multiplies the buffer: it is rescaled whenever the rate changes.",
        },
    ),
    Dialect(
        "nag", "keras", "SGD(learning_rate=eta, momentum=gamma, nesterov=True)", path=LOOKAHEAD,
        update="v = momentum v - learning_rate g; theta += momentum v - learning_rate g",
        note="The library's theta is our look-ahead point.",
    ),
    *variants(
        Dialect(
            "nag", "optax", "sgd(learning_rate=eta, momentum=gamma, nesterov=True)", path=LOOKAHEAD,
            update="b = momentum b + g; theta -= learning_rate (g + momentum b)",
            note="The library's theta is our look-ahead point.",
        ),
        {
            "when": "varies(eta)",
            "code": f"{CHAIN}optax.trace({{momentum}}, nesterov={{nesterov}}))",
            "note": INSIDE,
        },
    ),
    # Adagrad
    Dialect(
        "adagrad", "pytorch", "Adagrad(lr=eta, eps=eps)",
        {"eps": "0.0", "initial_accumulator_value": "eps"},
        update="G += g^2; theta -= lr g / (sqrt(G) + eps)", epsilon="outside the root",
        start="initial_accumulator_value, 0 by default",
        note="The accumulator starts at our epsilon, which so comes to stand inside the root.",
    ),
    Dialect(
        "adagrad", "keras", "Adagrad(learning_rate=eta, epsilon=eps)",
        {"initial_accumulator_value": "0.0"},
        update="G += g^2; theta -= learning_rate g / sqrt(G + epsilon)", epsilon="inside the root",
        start="initial_accumulator_value, 0.1 by default",
    ),
    Dialect(
        "adagrad", "optax", "adagrad(learning_rate=eta, eps=eps)",
        {"initial_accumulator_value": "0.0"},
        update="G += g^2; theta -= learning_rate g / sqrt(G + eps), and no move where G = 0",
        epsilon="inside the root", start="initial_accumulator_value, 0.1 by default",
    ),
    # Adadelta
    Dialect(
        "adadelta", "pytorch", "Adadelta(lr=1.0, rho=rho, eps=eps)",
        update="D = sqrt(E[D^2] + eps) / sqrt(E[g^2] + eps) g; theta -= lr D",
        epsilon="inside both roots",
        note="E[D^2] averages D without the rate; lr = 1 is the default.",
    ),
    Dialect(
        "adadelta", "keras", "Adadelta(rho=rho, epsilon=eps)", {"learning_rate": "1.0"},
        update="D = sqrt(E[D^2] + epsilon) / sqrt(E[g^2] + epsilon) g; theta -= learning_rate D",
        epsilon="inside both roots",
        note="The default rate of 0.001 makes each step a thousand times shorter than the paper's.",
    ),
    Dialect(
        "adadelta", "optax", "adadelta(rho=rho, eps=eps)", {"learning_rate": "1.0"},
        update="D = sqrt(E[D^2] + eps) / sqrt(E[g^2] + eps) g; theta -= learning_rate D",
        epsilon="inside both roots",
        note="Without a rate, which is the default, the sign is not turned: theta += D climbs.",
    ),
    # RMSprop
    *variants(
        Dialect(
            "rmsprop", "pytorch", "RMSprop(lr=eta, alpha=rho, eps=eps)",
            {"alpha": RHO, "eps": "0.0"},
            setup=(
                "optimizer.state[theta].update(step=torch.tensor(0.0), "
                "square_avg=torch.full_like(theta, eps))",
            ),
            each_step=(f'optimizer.state[theta]["square_avg"] += eps * (1 - {RHO}) / {RHO}',),
            update="E = alpha E + (1 - alpha) g^2; theta -= lr g / (sqrt(E) + eps)",
            epsilon="outside the root",
            note="No setting of the arguments puts epsilon inside the root; feeding it to the "
            "average before each step does.",
        ),
        {
            "when": "varies(eps)",
            "each_step": (
                f'optimizer.state[theta]["square_avg"] += eps / {RHO} - eps_before',
            ),
        },
    ),
    Dialect(
        "rmsprop", "keras", "RMSprop(learning_rate=eta, rho=rho, epsilon=eps)",
        update="E = rho E + (1 - rho) g^2; theta -= learning_rate g / sqrt(E + epsilon)",
        epsilon="inside the root",
    ),
    Dialect(
        "rmsprop", "optax", "rmsprop(learning_rate=eta, decay=rho, eps=eps)",
        update="E = decay E + (1 - decay) g^2; theta -= learning_rate g / sqrt(E + eps)",
        epsilon="inside the root; outside with eps_in_sqrt=False",
        start="initial_scale, 0 by default",
    ),
    # Adam
    Dialect(
        "adam", "pytorch", "Adam(lr=eta, betas=(beta1, beta2), eps=eps)",
        update="theta -= lr m^ / (sqrt(v^) + eps)", epsilon="outside the root of the corrected v^",
    ),
    Dialect(
        "adam", "keras", "Adam(learning_rate=eta, beta_1=beta1, beta_2=beta2, epsilon=eps)",
        {"epsilon": "eps * sqrt(1 - beta2**t)"},
        update="theta -= learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)",
        epsilon="outside the root of the uncorrected v: the epsilon-hat of the paper",
    ),
    Dialect(
        "adam", "optax", "adam(learning_rate=eta, b1=beta1, b2=beta2, eps=eps)",
        update="theta -= learning_rate m^ / (sqrt(v^ + eps_root) + eps)",
        epsilon="outside the root of the corrected v^; eps_root, 0 by default, inside",
    ),
    # AdaMax
    Dialect(
        "adamax", "pytorch", "Adamax(lr=eta, betas=(beta1, beta2))", {"eps": "0.0"},
        update="u = max(beta2 u, abs(g) + eps); theta -= lr / (1 - beta1^t) m / u",
        epsilon="added to abs(g), inside the maximum",
    ),
    Dialect(
        "adamax", "keras", "Adamax(learning_rate=eta, beta_1=beta1, beta_2=beta2)",
        {"epsilon": "0.0"},
        update="u = max(beta_2 u, abs(g)); "
        "theta -= learning_rate / (1 - beta_1^t) m / (u + epsilon)",
        epsilon="added to u in the division",
    ),
    Dialect(
        "adamax", "optax", "adamax(learning_rate=eta, b1=beta1, b2=beta2)", {"eps": "0.0"},
        update="u = max(b2 u, abs(g) + eps); theta -= learning_rate / (1 - b1^t) m / u",
        epsilon="added to abs(g), inside the maximum",
    ),
    # Nadam
    Dialect(
        "nadam", "pytorch", "NAdam(lr=eta, betas=(beta1, beta2), eps=eps)",
        {"lr": "eta / (1 - beta1**t)", "momentum_decay": "1e9"},
        setup=(
            "optimizer.state[theta].update(step=torch.tensor(0.0), mu_product=torch.tensor(0.0), "
            "exp_avg=torch.zeros_like(theta), exp_avg_sq=torch.zeros_like(theta))",
        ),
        update="mu_t = beta1 (1 - 0.5 * 0.96^(momentum_decay t)); theta -= lr (mu_(t+1) m / (1 - "
        "mu_1...mu_(t+1)) + (1 - mu_t) g / (1 - mu_1...mu_t)) / (sqrt(v^) + eps)",
        epsilon="outside the root of the corrected v^", start="0, and 1 for the product of the mu",
        note="A huge momentum_decay makes mu constant, a product of 0 removes its corrections, "
        "and the rate puts ours back.",
    ),
    Dialect(
        "nadam", "keras", "Nadam(learning_rate=eta, beta_1=beta1, beta_2=beta2, epsilon=eps)",
        {
            "learning_rate": "eta * sqrt(1 - beta2**t) / (1 - beta1**t)",
            "epsilon": "eps * sqrt(1 - beta2**t)",
        },
        setup=(
            "optimizer.build([theta])",
            f"optimizer.iterations.assign({HUGE})",
            "optimizer._u_product.assign(0.0)",
        ),
        update="as PyTorch with momentum_decay = 1, which is no argument here",
        epsilon="outside the root of the corrected v^", start="0, and 1 for the product of the mu",
        note="At a huge step number mu is constant and all corrections are gone; rate and epsilon "
        "put ours back.",
    ),
    Dialect(
        "nadam", "optax", "nadam(learning_rate=eta, b1=beta1, b2=beta2, eps=eps)",
        {
            "learning_rate": "eta * sqrt(1 - beta2**t) / (1 - beta1**t)",
            "eps": "eps * sqrt(1 - beta2**t)",
        },
        setup=(
            "adam_state, *others = state.inner_state",
            f"adam_state = adam_state._replace(count=jnp.asarray({HUGE}, dtype=jnp.int32))",
            "state = state._replace(inner_state=(adam_state, *others))",
        ),
        update="theta -= learning_rate (b1 m / (1 - b1^(t+1)) + (1 - b1) g / (1 - b1^t)) "
        "/ (sqrt(v^ + eps_root) + eps)", epsilon="outside the root of the corrected v^",
        note="At a huge step number all corrections are gone; rate and epsilon put ours back.",
    ),
    # AMSGrad
    Dialect(
        "amsgrad", "pytorch", "Adam(lr=eta, betas=(beta1, beta2), eps=eps, amsgrad=True)",
        {
            "lr": "eta * (1 - beta1**t) / sqrt(1 - beta2**t)", "eps": "eps / sqrt(1 - beta2**t)",
        },
        update="v_max = max(v_max, v); theta -= lr m^ / (sqrt(v_max / (1 - beta2^t)) + eps)",
        epsilon="outside the root of the corrected maximum",
        note="The maximum is taken before the bias correction, which the paper does not have.",
    ),
    Dialect(
        "amsgrad", "keras",
        "Adam(learning_rate=eta, beta_1=beta1, beta_2=beta2, epsilon=eps, amsgrad=True)",
        {"learning_rate": "eta * (1 - beta1**t) / sqrt(1 - beta2**t)"},
        update="v_max = max(v_max, v); theta -= learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) "
        "m / (sqrt(v_max) + epsilon)", epsilon="outside the root of the uncorrected maximum",
    ),
    Dialect(
        "amsgrad", "optax", "amsgrad(learning_rate=eta, b1=beta1, b2=beta2, eps=eps)",
        {"bias_correction_mu": "False", "bias_correction_nu": "False"},
        update="v_max = max(v_max, v^); theta -= learning_rate m^ / (sqrt(v_max + eps_root) + eps)",
        epsilon="outside the root of the maximum of the corrected v^",
        note="The maximum is taken after the bias correction, unless bias_correction_nu=False.",
    ),
    # AdamW
    Dialect(
        "adamw", "pytorch",
        "AdamW(lr=multiplier * eta, betas=(beta1, beta2), eps=eps, weight_decay=lam)",
        {"lr": f"multiplier * {ETA}", "weight_decay": f"lam / {ETA}"},
        update="theta *= 1 - lr weight_decay; then Adam",
        epsilon="outside the root of the corrected v^", note="The decay is multiplied by the rate.",
    ),
    Dialect(
        "adamw", "keras",
        "AdamW(learning_rate=multiplier * eta, beta_1=beta1, beta_2=beta2, epsilon=eps, "
        "weight_decay=lam)",
        {
            "learning_rate": f"multiplier * {ETA}", "weight_decay": f"lam / {ETA}",
            "epsilon": "eps * sqrt(1 - beta2**t)",
        },
        update="theta -= learning_rate weight_decay theta; then Adam",
        epsilon="outside the root of the uncorrected v",
        note="The decay is multiplied by the rate.",
    ),
    Dialect(
        "adamw", "optax",
        "adamw(learning_rate=multiplier * eta, b1=beta1, b2=beta2, eps=eps, weight_decay=lam)",
        {"learning_rate": f"multiplier * {ETA}", "weight_decay": f"lam / {ETA}"},
        update="theta -= learning_rate (m^ / (sqrt(v^ + eps_root) + eps) + weight_decay theta)",
        epsilon="outside the root of the corrected v^; eps_root, 0 by default, inside",
        note="The decay is multiplied by the rate.",
    ),
    # sign descent, Signum, Lion
    Dialect(
        "sign_descent", "keras", "Lion(learning_rate=eta)", setup=("optimizer.beta_1 = 0.0",),
        update="c = beta_1 m + (1 - beta_1) g; theta -= learning_rate sign(c)",
        note="Lion without memory; its constructor refuses beta_1 = 0, so it is set afterwards.",
    ),
    Dialect(
        "sign_descent", "optax", "sign_sgd(learning_rate=eta)",
        update="theta -= learning_rate sign(g)",
    ),
    *variants(
        Dialect(
            "signum", "keras", "Lion(learning_rate=eta, beta_1=beta, beta_2=beta)",
            update="c = beta_1 m + (1 - beta_1) g; theta -= learning_rate sign(c); "
            "m = beta_2 m + (1 - beta_2) g", note="Lion with equal decays.",
        ),
        {
            "when": "first(beta) == 0", "call": "Lion(learning_rate=eta)",
            "each_step": ("optimizer.beta_1 = optimizer.beta_2 = beta",),
            "note": "Lion with equal decays; its constructor refuses beta_1 = 0.",
        },
    ),
    Dialect(
        "signum", "optax", "signum(learning_rate=eta, beta=beta)",
        update="m = beta m + (1 - beta) g; theta -= learning_rate sign(m)",
    ),
    *variants(
        Dialect(
            "lion", "keras",
            "Lion(learning_rate=eta, beta_1=beta1, beta_2=beta2, weight_decay=lam)",
            update="theta -= learning_rate weight_decay theta; c = beta_1 m + (1 - beta_1) g; "
            "theta -= learning_rate sign(c); m = beta_2 m + (1 - beta_2) g",
        ),
        {
            "when": "first(beta1) == 0",
            "call": "Lion(learning_rate=eta, beta_2=beta2, weight_decay=lam)",
            "each_step": ("optimizer.beta_1 = beta1",),
            "note": "The constructor refuses beta_1 = 0; set afterwards it works.",
        },
    ),
    Dialect(
        "lion", "optax", "lion(learning_rate=eta, b1=beta1, b2=beta2, weight_decay=lam)",
        update="c = b1 m + (1 - b1) g; theta -= learning_rate (sign(c) + weight_decay theta); "
        "m = b2 m + (1 - b2) g", note="weight_decay is 0.001 unless one says otherwise.",
    ),
    # Schedule-Free
    *variants(
        Dialect(
            "schedule_free_sgd", "optax", "contrib.schedule_free_sgd(learning_rate=eta, b1=beta)",
            update="z -= learning_rate g; x += c (z - x); theta = b1 x + (1 - b1) z, "
            "c = w_t / (w_1 + ... + w_t), w_t = max(learning_rate so far)^weight_lr_power",
            note="The weights use the rate of the next step of a schedule, and the largest so far.",
        ),
        {"when": "varies(beta)", "why": _DIVIDES},
        {"when": "beta == 0", "why": _DIVIDES},
        {
            "when": "varies(eta)",
            "code": f"{_FREE}(optax.sgd({{learning_rate}}), 1.0, b1={{b1}}, weight_lr_power=0.0)",
            "setup": ("W = 0.0",), "each_step": _weights(_SQUARE),
            "note": "With a power of 0 every weight is 1; the sum of the weights, set before each "
            "step, makes it ours.",
        },
    ),
    *variants(
        Dialect(
            "schedule_free_adamw", "optax",
            "contrib.schedule_free_adamw(learning_rate=eta, b1=beta1, b2=beta2, eps=eps, "
            "weight_decay=lam)",
            {"learning_rate": "eta * sqrt(1 - beta2**t)"},
            code=f"{_FREE}("
            + _RMS.format(
                "optax.scale_by_rms({b2}, {eps}, eps_in_sqrt=False)",
                "optax.add_decayed_weights({weight_decay})",
            )
            + ", lambda count: ({learning_rate})(count - 1), b1={b1})",
            update="z -= learning_rate (g / (sqrt(v^) + eps) + weight_decay theta); the rest as "
            "schedule_free_sgd", epsilon="outside the root of the corrected v^",
            note="The paper's box has the bias correction in the rate, and so in the weights and "
            "in the decay; a rate that rises like the root of 1 - b2^t does the same.",
        ),
        {"when": "varies(beta1)", "why": _DIVIDES},
        {"when": "beta1 == 0", "why": _DIVIDES},
        {
            "when": "varies(eta) or varies(beta2) or varies(eps) or varies(lam)",
            "code": f"{_FREE}("
            + _RMS.format(
                "optax.inject_hyperparams(optax.scale_by_rms)({b2}, {eps}, eps_in_sqrt=False)",
                "optax.inject_hyperparams(optax.add_decayed_weights)({weight_decay})",
            )
            + ", 1.0, b1={b1}, weight_lr_power=0.0)",
            "setup": ("W = 0.0",), "each_step": _weights(_SQUARE_2),
        },
    ),
    # RAdam
    *variants(
        Dialect(
            "radam", "pytorch", "RAdam(lr=eta, betas=(beta1, beta2), eps=eps)",
            {
                "lr": f"eta * {_RECTIFIED} if {LENGTH} > {RECTIFIED_ABOVE} "
                "else eta * (1 - beta1) / (1 - beta1**t)",
                "eps": "eps * sqrt(1 - beta2**t)",
            },
            setup=(
                "optimizer.state[theta].update(step=torch.tensor(0.0), "
                "exp_avg=torch.zeros_like(theta), exp_avg_sq=torch.zeros_like(theta))",
            ),
            each_step=(
                f'optimizer.state[theta]["step"].fill_({HUGE} if {LENGTH} > {RECTIFIED_ABOVE} '
                "else 0)",
            ),
            update="rho_t > 5: theta -= lr r_t m^ sqrt(1 - beta2^t) / (sqrt(v) + eps); "
            "else theta -= lr m^",
            epsilon="outside the root of the uncorrected v",
            note="Its threshold is 5 and no argument. At a huge step number it always divides by "
            "the root, at step 1 never; the rate puts our r and our corrections back.",
        ),
        {
            "when": "threshold == 5", "edits": {"eps": "eps * sqrt(1 - beta2**t)"},
            "setup": (), "each_step": (), "note": "Its threshold is 5 and no argument.",
        },
        {
            "when": f"varies(beta2) or 4 < {LONGEST} <= 5",
            "why": "its threshold is 5 and no argument, and with this beta2 the average of squares "
            "may never become so long",
        },
    ),
    Dialect(
        "radam", "optax",
        f"radam(learning_rate=eta, b1=beta1, b2=beta2, eps=eps, threshold={RECTIFIED_ABOVE})",
        update="rho_t >= threshold: theta -= learning_rate r_t m^ / (sqrt(v^ + eps_root) + eps); "
        "else theta -= learning_rate m^",
        epsilon="outside the root of the corrected v^; eps_root, 0 by default, inside",
        note="The threshold is 5 by default, and 4 in the paper.",
    ),
    # ADOPT
    Dialect(
        "adopt", "optax", "contrib.adopt(learning_rate=eta, b1=beta1, b2=beta2, eps=eps)",
        update="c = clip(g / max(sqrt(v), eps), (t - 1)^(1/4)) with the v of the step before; "
        "theta -= learning_rate m", epsilon="a lower bound of the root",
        start="v = g^2 after step 1, at which nothing moves",
    ),
    # AdaBelief
    Dialect(
        "adabelief", "optax", "adabelief(learning_rate=eta, b1=beta1, b2=beta2, eps=eps)",
        {"eps_root": "eps"},
        update="s = b2 s + (1 - b2) (g - m)^2 + eps_root; "
        "theta -= learning_rate m^ / (sqrt(s^) + eps)",
        epsilon="eps outside the root; eps_root is added to s at every step",
        note="Both are the one epsilon of the paper, and 1e-16 by default.",
    ),
    # Adafactor
    *variants(
        Dialect(
            "adafactor", "pytorch",
            "Adafactor(lr=eta, beta2_decay=-power, eps=(eps1, eps2), d=d)",
            update="R, C average the means of g^2; V = R C / max(mean(R), eps1), not below eps1^2; "
            "U = g / sqrt(V); theta -= max(eps2, rms(theta)) min(lr, 1 / sqrt(t)) "
            "U / max(1, rms(U) / d)",
            epsilon="a bound from below for V; by default the precision of theta's type, which "
            "gradients above it do not reach",
        ),
        {"when": "varies(eps1) or eps1 > 1e-20", "why": _EPS1},
        {
            "when": "varies(d) or d < 1",
            "call": "Adafactor(lr=eta, beta2_decay=-power, eps=(eps1, eps2))",
            "each_step": ('optimizer.param_groups[0]["d"] = max(d, 1e-30)',),
            "note": "The constructor refuses d < 1; set afterwards it works.",
        },
    ),
    Dialect(
        "adafactor", "keras",
        "Adafactor(learning_rate=eta, beta_2_decay=-power, epsilon_1=eps1, epsilon_2=eps2, "
        "clip_threshold=d)",
        update="R, C average the means of g^2 + epsilon_1; V = R C / mean(R); U = g / sqrt(V); "
        "theta -= max(epsilon_2, rms(theta)) min(learning_rate, 1 / sqrt(t)) "
        "U / max(1, rms(U) / clip_threshold)",
        epsilon="added to g^2", why=_FLOAT32,
        note="relative_step changes nothing: the rate is below 1 / sqrt(t) either way.",
    ),
    *variants(
        Dialect(
            "adafactor", "optax",
            "adafactor(learning_rate=eta, decay_rate=power, clipping_threshold=d, eps=eps1)",
            {
                "learning_rate": "-max(-eta, -1 / sqrt(t))",
                "min_dim_size_to_factor": "1",
            },
            code="optax.chain(optax.scale_by_factored_rms(decay_rate={decay_rate}, "
            "min_dim_size_to_factor={min_dim_size_to_factor}, epsilon={eps}, "
            "decay_rate_fn=lambda count, power: 1 - (count + 1.0)**-power), "
            "optax.clip_by_block_rms({clipping_threshold}), "
            "optax.scale_by_learning_rate({learning_rate}), optax.scale_by_param_block_rms())",
            update="as Keras, without 1 / sqrt(t): theta -= learning_rate max(0.001, rms(theta)) "
            "U / max(1, rms(U) / clipping_threshold)", epsilon="added to g^2",
            note="Matrices with a side below 128 are not factored unless min_dim_size_to_factor "
            "says so; the power of the count is computed in float32, which the chain mends.",
        ),
        {"when": "varies(eps2) or eps2 != 0.001", "why": _EPS2},
        {"when": "varies(eps1) or varies(d) or varies(power)", "why": _ONE_CHAIN},
    ),
    # LARS, LAMB
    *variants(
        Dialect(
            "lars", "optax",
            "lars(learning_rate=eta, weight_decay=lam, trust_coefficient=trust, momentum=gamma)",
            update="u = g + weight_decay theta; u *= trust_coefficient |theta| / (|u| + eps), and "
            "u alone where a norm is 0; v = momentum v + learning_rate u; theta -= v",
            epsilon="in the denominator of the ratio, 0 by default", why=_LARS_DECAY,
        ),
        {
            "when": "not varies(lam) and lam == 0", "why": "",
            "call": "lars(learning_rate=eta, trust_coefficient=trust, momentum=gamma)",
        },
    ),
    *variants(
        Dialect(
            "lamb", "keras",
            "Lamb(learning_rate=eta, beta_1=beta1, beta_2=beta2, epsilon=eps, weight_decay=lam)",
            update="theta -= learning_rate weight_decay theta; r = m^ / (sqrt(v^) + epsilon); "
            "theta -= learning_rate |theta| / |r| r, and r alone where a norm is 0",
            epsilon="outside the root of the corrected v^", why=_LAMB_DECAY,
            note="weight_decay stands outside the ratio.",
        ),
        {
            "when": "not varies(lam) and lam == 0", "why": "",
            "call": "Lamb(learning_rate=eta, beta_1=beta1, beta_2=beta2, epsilon=eps)",
        },
    ),
    Dialect(
        "lamb", "optax",
        "lamb(learning_rate=eta, b1=beta1, b2=beta2, eps=eps, weight_decay=lam)",
        update="u = m^ / (sqrt(v^ + eps_root) + eps) + weight_decay theta; "
        "theta -= learning_rate |theta| / |u| u, and u alone where a norm is 0",
        epsilon="outside the root of the corrected v^; eps_root, 0 by default, inside",
        note="weight_decay is 0 unless one says otherwise.",
    ),
    # Muon
    Dialect(
        "muon", "pytorch", "Muon(lr=eta, momentum=gamma, weight_decay=lam)",
        update="theta *= 1 - lr weight_decay; B = momentum B + (1 - momentum) G; "
        "theta -= lr sqrt(max(1, rows / columns)) NS((1 - momentum) G + momentum B)",
        epsilon="the smallest norm that is divided by", limit=0.5,
        note="The Newton-Schulz steps are in bfloat16, whatever the precision of theta: the path "
        "is ours up to that rounding.",
    ),
    Dialect(
        "muon", "keras", "Muon(learning_rate=eta, momentum=gamma, weight_decay=lam)",
        {
            "learning_rate": f"eta * {_TALL}", "weight_decay": f"lam / {_TALL}", "rms_rate": "None",
        },
        update="theta -= learning_rate weight_decay theta; M = momentum M + G; "
        "theta -= learning_rate rms_rate sqrt(max(rows, columns)) NS(G + momentum M)",
        epsilon="added to the norm", limit=1e-5,
        note="Its norm of a matrix is in float32, and the steps enlarge that rounding. "
        "With rms_rate=None there is no factor for the shape: it goes into the rate, and out "
        "of the decay. A kernel of Keras is our theta transposed; rows are the outputs.",
    ),
    *variants(
        Dialect(
            "muon", "optax", "contrib.muon(learning_rate=eta, beta=gamma, weight_decay=lam)",
            {"eps": "(1 - gamma) * 1e-07"},
            code="optax.contrib.muon(learning_rate={learning_rate}, beta={beta}, "
            "weight_decay={weight_decay}, eps={eps}, "
            "muon_weight_dimension_numbers=optax.contrib.MuonDimensionNumbers(1, 0))",
            setup=(
                'muon_state, *others = state.inner_states["muon"].inner_state',
                f"muon_state = muon_state._replace(count=jnp.asarray({HUGE}, dtype=jnp.int32))",
                'state.inner_states["muon"] = state.inner_states["muon"]._replace('
                "inner_state=(muon_state, *others))",
            ),
            update="m = beta m + (1 - beta) G; theta -= learning_rate (sqrt(max(1, outputs / inputs"
            ")) NS(beta m / (1 - beta^(t+1)) + (1 - beta) G / (1 - beta^t)) + weight_decay theta)",
            epsilon="added to the norm",
            note="At a huge step number the two corrections are gone, and with them the other "
            "ratio of the gradients. The dimension numbers say that rows are the outputs.",
        ),
        {
            "when": "varies(gamma) or varies(lam)", "setup": (), "code": "",
            "why": "contrib.muon takes a schedule for its rate alone",
        },
    ),
)


@dataclass(frozen=True)
class Origin:
    """What a library's optimizer is in this book.

    when:  a condition on the library's arguments
    ours:  our rule with its hyperparameters; the nearest one where ``why`` is given
    why:   why our rule cannot take the same path; empty where it can
    limit: as that of a :class:`Dialect`
    """

    library: str
    constructor: str
    when: str
    ours: str
    why: str = ""
    limit: float = 0.0

    @property
    def rule(self) -> str:
        return call(self.ours)[0]

    @property
    def hyperparameters(self) -> Mapping[str, str]:
        """Ours -> an expression in their arguments."""
        return call(self.ours)[1]


def origins(library: str, constructor: str, *rows: tuple[Any, ...]) -> Iterable[Origin]:
    """The rows of one constructor."""
    return (Origin(library, constructor, *row) for row in rows)


_NO_CENTRE = "the centred form subtracts the squared average of g; no rule of this book does"
_NO_BUFFER = "its momentum buffer averages the scaled steps; no rule of this book does"
_NO_RATE = "the rate multiplies the step but not its average E[D^2]; Adadelta has no rate"
_NO_EPS = "its epsilon keeps u away from 0; our AdaMax, like the paper's, has none"
_NO_L2 = "weight_decay is an L2 penalty here; add (weight_decay / 2) |theta|^2 to the loss instead"
_NO_MU = "its momentum follows a schedule 1 - 0.5 * 0.96^(...) and its corrections multiply that up"
_NO_INDEX = "it corrects m with 1 - b1^(t+1), our simplified form with 1 - b1^t"
_NO_ROOT = "eps_root stands inside the root beside eps outside; ours has one epsilon"
_NO_BOTH = "no rule of this book has both the maximum and the decay"
_NO_START = "the average does not start from 0"
_NO_DECAY = "no rule of this book has both the rectified step and the decay"
_NO_NESTEROV = "no rule of this book has both its step and the look-ahead"
_NO_CLIP = "without the clip the quotient of a gradient and the root before it has no bound"
_NO_AHEAD = "it orthogonalises M alone; our Muon looks ahead, G + gamma M"
_NO_NS = "our Muon takes five Newton-Schulz steps with the authors' coefficients"
_NO_RATE_AHEAD = "the rate multiplies the buffer, and the look-ahead uses the rate of the same step"

_LR, _RATE = "max(lr, 1e-30)", "max(learning_rate, 1e-30)"
_LR_RATIO = "(max(lr, 1e-30) / max(lr_before, 1e-30))"
_RATE_RATIO = "(max(learning_rate, 1e-30) / max(learning_rate_before, 1e-30))"
_SLOWER_LR, _MEAN = "lr / (1 + (t - 1) * lr_decay)", "sqrt(t - t * ((t - 1) / t)**t)"
_BETAS = "beta1=betas[0], beta2=betas[1]"
_TORCH_ADAM = f"(eta=lr, {_BETAS}, eps=eps)"
_TORCH_ADAMW = f"adamw(eta=lr, {_BETAS}, eps=eps, lam=lr * weight_decay)"
_TORCH_AMSGRAD = (
    f"amsgrad(eta=lr * sqrt(1 - betas[1]**t) / (1 - betas[0]**t), {_BETAS}, "
    "eps=eps * sqrt(1 - betas[1]**t))"
)
_TORCH_ADAMAX = f"adamax(eta=lr, {_BETAS})"
_TORCH_RADAM = f"radam(eta=lr, {_BETAS}, eps=eps / sqrt(1 - betas[1]**t), threshold=5.0)"
# g / (sqrt(E) + eps) is Adam without an average of g and without corrections
_OUTSIDE = (
    "adam(eta={rate} / sqrt(1 - {decay}**t), beta1=0.0, beta2={decay}, "
    "eps=eps / sqrt(1 - {decay}**t))"
)
_TORCH_RMSPROP = _OUTSIDE.format(rate="lr", decay="alpha")
_BETA_12, _EPS_HAT = "beta1=beta_1, beta2=beta_2", "eps=epsilon / sqrt(1 - beta_2**t)"
_KERAS_ADAM = f"adam(eta=learning_rate, {_BETA_12}, {_EPS_HAT})"
_KERAS_ADAMW = (
    f"adamw(eta=learning_rate, {_BETA_12}, {_EPS_HAT}, lam=learning_rate * weight_decay)"
)
_KERAS_AMSGRAD = (
    f"amsgrad(eta=learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t), {_BETA_12}, eps=epsilon)"
)
_KERAS_ADAMAX = f"adamax(eta=learning_rate, {_BETA_12})"
_KERAS_RMSPROP = "rmsprop(eta=learning_rate, rho=rho, eps=epsilon)"
_OPTAX_ADAM = "(eta=learning_rate, beta1=b1, beta2=b2, eps=eps)"
_OPTAX_ADAMW = (
    "adamw(eta=learning_rate, beta1=b1, beta2=b2, eps=eps, lam=learning_rate * weight_decay)"
)
_OPTAX_ADAMAX = "adamax(eta=learning_rate, beta1=b1, beta2=b2)"
_OPTAX_RADAM = "radam" + _OPTAX_ADAM[:-1] + ", threshold=threshold)"
_OPTAX_RMSPROP = "rmsprop(eta=learning_rate, rho=decay, eps=eps)"

# an average with this decay at step t is the corrected average with the decay b2
_CORRECTED = "{0} * (1 - {0}**(t - 1)) / (1 - {0}**t)"
_KERAS_FREE = (
    "schedule_free_adamw(eta=learning_rate / sqrt(1 - ({0})**t), beta1=beta_1, beta2={0}, "
    "eps=epsilon, lam=0.0)"
).format(_CORRECTED.format("beta_2"))
_OPTAX_FREE = (
    "schedule_free_adamw(eta=learning_rate / sqrt(1 - ({0})**t), beta1=b1, beta2={0}, "
    "eps=eps, lam=weight_decay)"
).format(_CORRECTED.format("b2"))
_OPTAX_FREE_SGD = "schedule_free_sgd(eta=learning_rate, beta=b1)"
_NO_OLD = "x is recovered with the new share b1 from a theta that was made with the old one"
_NO_CORRECTION = "one decay corrects an average that was made with others"
_NO_SECOND_DECAY = "our Adafactor, like the paper's, has no weight decay"
_TORCH_ADAFACTOR = (
    "adafactor(eta=lr, eps1=eps[0] or 1e-30, eps2=eps[1], d=d, power=-beta2_decay)"
)
_KERAS_ADAFACTOR = (
    "adafactor(eta=learning_rate, eps1=epsilon_1, eps2=epsilon_2, d=clip_threshold, "
    "power=-beta_2_decay)"
)
_OPTAX_ADAFACTOR = (
    "adafactor(eta=learning_rate, eps1=eps, eps2=0.001, d=clipping_threshold or 1e9, "
    "power=decay_rate)"
)
_OPTAX_LARS = "lars(eta=learning_rate, gamma=momentum, lam=0.0, trust=trust_coefficient)"
_KERAS_LAMB = f"lamb(eta=learning_rate, {_BETA_12}, eps=epsilon, lam=0.0)"
_OPTAX_LAMB = "lamb(eta=learning_rate, beta1=b1, beta2=b2, eps=eps, lam=weight_decay)"

_TORCH_MUON = "muon(eta=lr, gamma=momentum, lam=weight_decay)"
_KERAS_MUON = (
    "muon(eta=learning_rate * rms_rate * sqrt(columns), gamma=momentum, "
    "lam=(weight_decay or 0.0) / (rms_rate * sqrt(columns)))"
)
_OPTAX_MUON = "muon(eta=learning_rate, gamma=beta, lam=weight_decay)"

ORIGINS: tuple[Origin, ...] = (
    *origins(
        "pytorch", "SGD",
        ("weight_decay != 0", "gd(eta=lr)", _NO_L2),
        ("momentum == 0 and not nesterov", "gd(eta=lr)"),
        (
            "nesterov and (momentum == 0 or dampening != 0)", "nag(eta=lr, gamma=momentum)",
            "PyTorch refuses nesterov without momentum or with dampening",
        ),
        ("nesterov and varies(momentum)", "nag(eta=lr, gamma=momentum)", _AHEAD),
        ("nesterov and varies(lr)", "nag(eta=lr, gamma=momentum)", _NO_RATE_AHEAD),
        ("nesterov", "nag(eta=lr, gamma=momentum)"),
        (
            "dampening != 0 and varies(lr)",
            f"momentum(eta={_LR} if t == 1 else {_LR} * (1 - dampening), "
            f"gamma=nonzero(momentum) * {_LR_RATIO})",
        ),
        (
            "dampening != 0",
            "momentum(eta=lr if t == 1 else lr * (1 - dampening), gamma=nonzero(momentum))",
        ),
        ("varies(lr)", f"momentum(eta={_LR}, gamma=nonzero(momentum) * {_LR_RATIO})"),
        ("True", "momentum(eta=lr, gamma=nonzero(momentum))"),
    ),
    *origins(
        "pytorch", "Adagrad",
        ("weight_decay != 0", "adagrad(eta=lr, eps=eps)", _NO_L2),
        ("eps == 0 and lr_decay == 0", "adagrad(eta=lr, eps=initial_accumulator_value)"),
        ("eps == 0", f"adagrad(eta={_SLOWER_LR}, eps=initial_accumulator_value)"),
        (  # the sum is t times the average with weights 1/t, which is beta2 = (t - 1)/t
            "initial_accumulator_value == 0",
            f"adam(eta={_SLOWER_LR} / {_MEAN}, beta1=0.0, beta2=(t - 1) / t, eps=eps / {_MEAN})",
        ),
        (
            "True", "adagrad(eta=lr, eps=eps)",
            "epsilon stands outside the root and the sum does not start from 0",
        ),
    ),
    *origins(
        "pytorch", "Adadelta",
        ("weight_decay != 0", "adadelta(rho=rho, eps=eps)", _NO_L2),
        ("lr == 1", "adadelta(rho=rho, eps=eps)"),
        ("True", "adadelta(rho=rho, eps=eps)", _NO_RATE),
    ),
    *origins(
        "pytorch", "RMSprop",
        ("weight_decay != 0", _TORCH_RMSPROP, _NO_L2),
        ("centered", _TORCH_RMSPROP, _NO_CENTRE),
        ("momentum != 0", _TORCH_RMSPROP, _NO_BUFFER),
        ("eps == 0", "rmsprop(eta=lr, rho=alpha, eps=0.0)"),
        ("True", _TORCH_RMSPROP),
    ),
    *origins(
        "pytorch", "Adam",
        ("weight_decay != 0 and not decoupled_weight_decay", "adam" + _TORCH_ADAM, _NO_L2),
        ("weight_decay != 0 and amsgrad", _TORCH_ADAMW, _NO_BOTH),
        ("weight_decay != 0", _TORCH_ADAMW),
        ("amsgrad", _TORCH_AMSGRAD),
        ("True", "adam" + _TORCH_ADAM),
    ),
    *origins(
        "pytorch", "Adamax",
        ("weight_decay != 0", _TORCH_ADAMAX, _NO_L2),
        ("eps != 0", _TORCH_ADAMAX, _NO_EPS),
        ("True", _TORCH_ADAMAX),
    ),
    *origins("pytorch", "NAdam", ("True", "nadam" + _TORCH_ADAM, _NO_MU)),
    *origins(
        "pytorch", "AdamW",
        ("amsgrad and weight_decay == 0", _TORCH_AMSGRAD),
        ("amsgrad", _TORCH_ADAMW, _NO_BOTH),
        ("True", _TORCH_ADAMW),
    ),
    *origins(
        "pytorch", "RAdam",
        ("weight_decay != 0 and not decoupled_weight_decay", _TORCH_RADAM, _NO_L2),
        ("weight_decay != 0", _TORCH_RADAM, _NO_DECAY),
        ("True", _TORCH_RADAM),
    ),
    *origins(
        "keras", "SGD",
        ("momentum == 0", "gd(eta=learning_rate)"),
        ("nesterov and varies(momentum)", "nag(eta=learning_rate, gamma=momentum)", _AHEAD),
        ("nesterov", "nag(eta=learning_rate, gamma=momentum)"),
        ("True", "momentum(eta=learning_rate, gamma=nonzero(momentum))"),
    ),
    *origins(
        "keras", "Adagrad",
        ("True", "adagrad(eta=learning_rate, eps=epsilon + initial_accumulator_value)"),
    ),
    *origins(
        "keras", "Adadelta",
        ("learning_rate == 1", "adadelta(rho=rho, eps=epsilon)"),
        ("True", "adadelta(rho=rho, eps=epsilon)", _NO_RATE),
    ),
    *origins(
        "keras", "RMSprop",
        ("centered", _KERAS_RMSPROP, _NO_CENTRE),
        ("momentum != 0", _KERAS_RMSPROP, _NO_BUFFER),
        ("True", _KERAS_RMSPROP),
    ),
    *origins(
        "keras", "Adam",
        ("weight_decay and amsgrad", _KERAS_ADAMW, _NO_BOTH),
        ("weight_decay", _KERAS_ADAMW),
        ("amsgrad", _KERAS_AMSGRAD),
        ("True", _KERAS_ADAM),
    ),
    *origins(
        "keras", "Adamax",
        ("epsilon != 0", _KERAS_ADAMAX, _NO_EPS),
        ("True", _KERAS_ADAMAX),
    ),
    *origins(
        "keras", "Nadam", ("True", f"nadam(eta=learning_rate, {_BETA_12}, eps=epsilon)", _NO_MU)
    ),
    *origins(
        "keras", "AdamW",
        ("amsgrad and weight_decay == 0", _KERAS_AMSGRAD),
        ("amsgrad", _KERAS_ADAMW, _NO_BOTH),
        ("True", _KERAS_ADAMW),
    ),
    *origins(
        "optax", "sgd",
        ("not momentum", "gd(eta=learning_rate)"),
        ("nesterov and varies(momentum)", "nag(eta=learning_rate, gamma=momentum)", _AHEAD),
        (
            "nesterov and varies(learning_rate)", "nag(eta=learning_rate, gamma=momentum)",
            _NO_RATE_AHEAD,
        ),
        ("nesterov", "nag(eta=learning_rate, gamma=momentum)"),
        ("varies(learning_rate)", f"momentum(eta={_RATE}, gamma=momentum * {_RATE_RATIO})"),
        ("True", "momentum(eta=learning_rate, gamma=momentum)"),
    ),
    *origins(
        "optax", "adagrad",
        ("True", "adagrad(eta=learning_rate, eps=eps + initial_accumulator_value)"),
    ),
    *origins(
        "optax", "adadelta",
        (
            "learning_rate is None", "adadelta(rho=rho, eps=eps)",
            "without a rate the sign of the step is not turned, and the loss climbs",
        ),
        ("learning_rate == 1", "adadelta(rho=rho, eps=eps)"),
        ("True", "adadelta(rho=rho, eps=eps)", _NO_RATE),
    ),
    *origins(
        "optax", "rmsprop",
        ("centered", _OPTAX_RMSPROP, _NO_CENTRE),
        ("momentum", _OPTAX_RMSPROP, _NO_BUFFER),
        ("initial_scale != 0", _OPTAX_RMSPROP, _NO_START),
        (
            "eps_in_sqrt and bias_correction",
            "rmsprop(eta=learning_rate * sqrt(1 - decay**t), rho=decay, eps=eps * (1 - decay**t))",
        ),
        ("eps_in_sqrt", _OPTAX_RMSPROP),
        ("bias_correction", "adam(eta=learning_rate, beta1=0.0, beta2=decay, eps=eps)"),
        ("True", _OUTSIDE.format(rate="learning_rate", decay="decay")),
    ),
    *origins(
        "optax", "adam",
        ("eps_root != 0", "adam" + _OPTAX_ADAM, _NO_ROOT),
        ("nesterov", "nadam" + _OPTAX_ADAM, _NO_INDEX),
        ("True", "adam" + _OPTAX_ADAM),
    ),
    *origins(
        "optax", "adamax",
        ("eps != 0", _OPTAX_ADAMAX, _NO_EPS),
        ("True", _OPTAX_ADAMAX),
    ),
    *origins("optax", "nadam", ("True", "nadam" + _OPTAX_ADAM, _NO_INDEX)),
    *origins(
        "optax", "amsgrad",
        ("eps_root != 0", "amsgrad" + _OPTAX_ADAM, _NO_ROOT),
        (
            "bias_correction_nu", "amsgrad" + _OPTAX_ADAM,
            "the maximum is taken of the corrected averages, ours of the averages themselves",
        ),
        (
            "bias_correction_mu",
            "amsgrad(eta=learning_rate / (1 - b1**t), beta1=b1, beta2=b2, eps=eps)",
        ),
        ("True", "amsgrad" + _OPTAX_ADAM),
    ),
    *origins(
        "optax", "adamw",
        ("eps_root != 0", _OPTAX_ADAMW, _NO_ROOT),
        (
            "nesterov", _OPTAX_ADAMW, "no rule of this book has both the look-ahead and the decay",
        ),
        ("True", _OPTAX_ADAMW),
    ),
    *origins(
        "keras", "Lion",
        (
            "first(beta_1) == 0", f"lion(eta=learning_rate, {_BETA_12}, lam=0.0)",
            "Keras refuses a beta_1 of 0 when the optimizer is made",
        ),
        ("weight_decay", f"lion(eta=learning_rate, {_BETA_12}, lam=weight_decay)"),
        ("beta_1 == beta_2", "signum(eta=learning_rate, beta=beta_1)"),
        ("True", f"lion(eta=learning_rate, {_BETA_12}, lam=0.0)"),
    ),
    *origins("optax", "sign_sgd", ("True", "sign_descent(eta=learning_rate)")),
    *origins("optax", "signum", ("True", "signum(eta=learning_rate, beta=beta)")),
    *origins(
        "optax", "lion",
        ("True", "lion(eta=learning_rate, beta1=b1, beta2=b2, lam=weight_decay)"),
    ),
    *origins(
        "keras", "ScheduleFreeAdamW",
        (
            "beta_1 == 0", _KERAS_FREE,
            "Keras refuses beta_1 = 0: it divides by it, and theta becomes NaN",
        ),
        ("varies(beta_1)", _KERAS_FREE, _NO_OLD),
        ("varies(beta_2)", _KERAS_FREE, _NO_CORRECTION),
        (
            "weight_decay", _KERAS_FREE,
            "the decay shrinks theta, not z, and x is then recovered from the two",
        ),
        ("varies(learning_rate) or warmup_steps != 0", _KERAS_FREE, _NO_WEIGHTS),
        ("True", _KERAS_FREE),
    ),
    *origins(
        "optax", "contrib.schedule_free_sgd",
        ("b1 == 0", _OPTAX_FREE_SGD, "Optax refuses b1 = 0: " + _DIVIDES),
        ("varies(b1)", _OPTAX_FREE_SGD, _NO_OLD),
        ("weight_decay", _OPTAX_FREE_SGD, _NO_L2),
        ("varies(learning_rate) or warmup_steps is not None", _OPTAX_FREE_SGD, _NO_WEIGHTS),
        ("True", _OPTAX_FREE_SGD),
    ),
    *origins(
        "optax", "contrib.schedule_free_adamw",
        ("b1 == 0", _OPTAX_FREE, "Optax refuses b1 = 0: " + _DIVIDES),
        ("varies(b1)", _OPTAX_FREE, _NO_OLD),
        ("varies(b2)", _OPTAX_FREE, _NO_CORRECTION),
        ("varies(learning_rate) or warmup_steps is not None", _OPTAX_FREE, _NO_WEIGHTS),
        ("True", _OPTAX_FREE),
    ),
    *origins(
        "optax", "radam",
        ("eps_root != 0", _OPTAX_RADAM, _NO_ROOT),
        ("nesterov", _OPTAX_RADAM, _NO_NESTEROV),
        ("True", _OPTAX_RADAM),
    ),
    *origins(
        "optax", "contrib.adopt",
        ("nesterov", "adopt" + _OPTAX_ADAM, _NO_NESTEROV),
        ("not use_clipping", "adopt" + _OPTAX_ADAM, _NO_CLIP),
        ("True", "adopt" + _OPTAX_ADAM),
    ),
    *origins(
        "optax", "adabelief",
        ("nesterov", "adabelief" + _OPTAX_ADAM, _NO_NESTEROV),
        (
            "eps_root != eps", "adabelief" + _OPTAX_ADAM,
            "eps_root is added to the average and eps to its root; ours has one epsilon for both",
        ),
        ("True", "adabelief" + _OPTAX_ADAM),
    ),
    *origins(
        "pytorch", "Adafactor",
        ("weight_decay != 0", _TORCH_ADAFACTOR, _NO_SECOND_DECAY),
        ("varies(eps) or eps[0] is not None and eps[0] > 1e-20", _TORCH_ADAFACTOR, _EPS1),
        ("True", _TORCH_ADAFACTOR),
    ),
    *origins(
        "keras", "Adafactor",
        ("weight_decay", _KERAS_ADAFACTOR, _NO_SECOND_DECAY),
        ("True", _KERAS_ADAFACTOR, _FLOAT32),
    ),
    *origins(
        "optax", "adafactor",
        ("momentum", _OPTAX_ADAFACTOR, "its momentum averages the steps; ours has none"),
        ("weight_decay_rate", _OPTAX_ADAFACTOR, _NO_SECOND_DECAY),
        (
            "not multiply_by_parameter_scale or not clipping_threshold", _OPTAX_ADAFACTOR,
            "ours always has the scale of theta and the clipping",
        ),
        (
            "True", _OPTAX_ADAFACTOR,
            "it has no 1 / sqrt(t), and computes the power of the count in float32",
        ),
    ),
    *origins(
        "optax", "lars",
        ("weight_decay != 0", _OPTAX_LARS, _LARS_DECAY),
        ("nesterov", _OPTAX_LARS, "no rule of this book has both the ratio and the look-ahead"),
        ("eps != 0", _OPTAX_LARS, "its eps stands in the denominator of the ratio; ours has none"),
        ("True", _OPTAX_LARS),
    ),
    *origins(
        "keras", "Lamb",
        ("weight_decay", _KERAS_LAMB, _LAMB_DECAY),
        ("True", _KERAS_LAMB),
    ),
    *origins(
        "optax", "lamb",
        ("eps_root != 0", _OPTAX_LAMB, _NO_ROOT),
        ("True", _OPTAX_LAMB),
    ),
    *origins(
        "pytorch", "Muon",
        (
            "adjust_lr_fn is not None and adjust_lr_fn != 'original' "
            "and adjust_lr_fn != 'match_rms_adamw'", _TORCH_MUON,
            "PyTorch refuses any other adjust_lr_fn",
        ),
        ("not nesterov and momentum != 0", _TORCH_MUON, _NO_AHEAD),
        ("ns_steps != 5 or ns_coefficients != (3.4445, -4.775, 2.0315)", _TORCH_MUON, _NO_NS),
        (
            "adjust_lr_fn == 'match_rms_adamw'",
            "muon(eta=lr * 0.2 * sqrt(columns), gamma=momentum, "
            "lam=weight_decay / (0.2 * sqrt(columns)))", "", 0.5,
        ),
        ("True", _TORCH_MUON, "", 0.5),
    ),
    *origins(
        "keras", "Muon",
        ("not nesterov and momentum != 0", _KERAS_MUON, _NO_AHEAD),
        (
            "ns_steps != 5 or muon_a != 3.4445 or muon_b != -4.775 or muon_c != 2.0315",
            _KERAS_MUON, _NO_NS,
        ),
        (
            "rms_rate is None",
            f"muon(eta=learning_rate / {_TALL}, gamma=momentum, "
            f"lam=(weight_decay or 0.0) * {_TALL})", "", 1e-5,
        ),
        ("True", _KERAS_MUON, "", 1e-5),
    ),
    *origins(
        "optax", "contrib.muon",
        ("not nesterov", _OPTAX_MUON, _NO_AHEAD),
        (
            "True", _OPTAX_MUON,
            "it corrects M and G apart for their start, which changes their ratio",
        ),
    ),
)
