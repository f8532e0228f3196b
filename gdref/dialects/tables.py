"""How PyTorch, Keras and Optax write the rules of this book: the tables of :mod:`gdref.dialects`.

:data:`DIALECTS` leads from our rule to a library, :data:`ORIGINS` from a library to our rule.  An
entry maps a parameter to an expression in the other side's parameters; ``t`` is the number of the
step, counted from 1, and ``eta_before`` the value that ``eta`` had at step t - 1.  Every entry is
checked against a recorded path.
"""

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Dialect:
    """How one library writes one rule, and what makes its path equal ours.

    names:      their argument -> our name for it, as a reader would translate it first
    edits:      their argument -> the expression that it must have instead, or besides
    setup:      lines of code that change the optimizer's state before step 1
    each_step:  lines of code that change the optimizer's state before each step
    code:       the construction, where it is not just a call of the constructor
    eta:        "constant" or "schedule" where the conversion holds for that case only
    path:       what of our rule equals the library's parameters
    update:     the rule as the library computes it, in its own names
    epsilon:    where epsilon sits
    start:      what the accumulators are before step 1
    """

    rule: str
    library: str
    constructor: str
    names: dict
    edits: dict = field(default_factory=dict)
    setup: tuple = ()
    each_step: tuple = ()
    code: str = ""
    eta: str = "any"
    path: str = "theta"
    update: str = ""
    epsilon: str = "none"
    start: str = "0"
    note: str = ""

    @property
    def kind(self):
        """How much it takes: other names, other values, values per step, or the state itself."""
        if self.setup or self.each_step:
            return "by editing the state"
        if any(re.search(r"\bt\b|_before", e) for e in self.edits.values()):
            return "values per step"
        if self.code:
            return "another constructor"
        return "other values" if self.edits else "other names"

    @property
    def arguments(self):
        return {**self.names, **self.edits}


LOOKAHEAD = "theta - gamma * v"
HUGE = "10**9"  # a step number at which every bias correction has died away

#: a rule and a library that does not have it, as ("adam", "keras")
WITHOUT: set[tuple[str, str]] = set()

# a row of a table on a line or two
# fmt: off
DIALECTS = (
    # gradient descent
    Dialect(
        "gd", "pytorch", "SGD", {"lr": "eta"},
        update="theta -= lr g",
    ),
    Dialect(
        "gd", "keras", "SGD", {"learning_rate": "eta"},
        update="theta -= learning_rate g",
    ),
    Dialect(
        "gd", "optax", "sgd", {"learning_rate": "eta"},
        update="theta -= learning_rate g",
    ),
    # momentum
    Dialect(
        "momentum", "pytorch", "SGD", {"lr": "eta", "momentum": "gamma"},
        eta="constant",
        update="b = momentum b + (1 - dampening) g; theta -= lr b",
        start="b = g at step 1, without dampening",
        note="The rate multiplies the buffer, so v = lr b as long as the rate stays the same.",
    ),
    Dialect(
        "momentum", "pytorch", "SGD", {"lr": "eta", "momentum": "gamma"},
        edits={"momentum": "gamma * eta_before / eta"},
        eta="schedule",
        update="b = momentum b + (1 - dampening) g; theta -= lr b",
        start="b = g at step 1, without dampening",
        note="The rate multiplies the buffer: a new rate rescales all past gradients too.",
    ),
    Dialect(
        "momentum", "keras", "SGD", {"learning_rate": "eta", "momentum": "gamma"},
        update="v = momentum v - learning_rate g; theta += v",
    ),
    Dialect(
        "momentum", "optax", "sgd", {"learning_rate": "eta", "momentum": "gamma"},
        eta="constant",
        update="b = momentum b + g; theta -= learning_rate b",
        note="The rate multiplies the buffer, so v = learning_rate b as long as the rate stays.",
    ),
    Dialect(
        "momentum", "optax", "sgd", {"learning_rate": "eta", "momentum": "gamma"},
        eta="schedule",
        code="optax.chain(optax.scale_by_learning_rate({learning_rate}), optax.trace({momentum}))",
        update="b = momentum b + g; theta -= learning_rate b",
        note="The chain puts the rate inside the buffer, where the book has it.",
    ),
    # Nesterov
    Dialect(
        "nag", "pytorch", "SGD", {"lr": "eta", "momentum": "gamma", "nesterov": "True"},
        eta="constant", path=LOOKAHEAD,
        update="b = momentum b + g; theta -= lr (g + momentum b)",
        start="b = g at step 1",
        note="The library's theta is our look-ahead point.",
    ),
    Dialect(
        "nag", "pytorch", "SGD", {"lr": "eta", "momentum": "gamma", "nesterov": "True"},
        each_step=(
            'for state in optimizer.state.values(): '
            'state["momentum_buffer"] *= eta_before / eta',
        ),
        eta="schedule", path=LOOKAHEAD,
        update="b = momentum b + g; theta -= lr (g + momentum b)",
        start="b = g at step 1",
        note="The rate multiplies the buffer: the buffer is rescaled whenever the rate changes.",
    ),
    Dialect(
        "nag", "keras", "SGD",
        {"learning_rate": "eta", "momentum": "gamma", "nesterov": "True"},
        path=LOOKAHEAD,
        update="v = momentum v - learning_rate g; theta += momentum v - learning_rate g",
        note="The library's theta is our look-ahead point.",
    ),
    Dialect(
        "nag", "optax", "sgd", {"learning_rate": "eta", "momentum": "gamma", "nesterov": "True"},
        eta="constant", path=LOOKAHEAD,
        update="b = momentum b + g; theta -= learning_rate (g + momentum b)",
        note="The library's theta is our look-ahead point.",
    ),
    Dialect(
        "nag", "optax", "sgd", {"learning_rate": "eta", "momentum": "gamma", "nesterov": "True"},
        eta="schedule", path=LOOKAHEAD,
        code="optax.chain(optax.scale_by_learning_rate({learning_rate}), "
        "optax.trace({momentum}, nesterov={nesterov}))",
        update="b = momentum b + g; theta -= learning_rate (g + momentum b)",
        note="The chain puts the rate inside the buffer, where the book has it.",
    ),
    # Adagrad
    Dialect(
        "adagrad", "pytorch", "Adagrad", {"lr": "eta", "eps": "eps"},
        edits={"eps": "0.0", "initial_accumulator_value": "eps"},
        update="G += g^2; theta -= lr g / (sqrt(G) + eps)",
        epsilon="outside the root",
        start="initial_accumulator_value, 0 by default",
        note="The accumulator starts at our epsilon, which so comes to stand inside the root.",
    ),
    Dialect(
        "adagrad", "keras", "Adagrad", {"learning_rate": "eta", "epsilon": "eps"},
        edits={"initial_accumulator_value": "0.0"},
        update="G += g^2; theta -= learning_rate g / sqrt(G + epsilon)",
        epsilon="inside the root",
        start="initial_accumulator_value, 0.1 by default",
    ),
    Dialect(
        "adagrad", "optax", "adagrad", {"learning_rate": "eta", "eps": "eps"},
        edits={"initial_accumulator_value": "0.0"},
        update="G += g^2; theta -= learning_rate g / sqrt(G + eps), and no move where G = 0",
        epsilon="inside the root",
        start="initial_accumulator_value, 0.1 by default",
    ),
    # Adadelta
    Dialect(
        "adadelta", "pytorch", "Adadelta", {"lr": "1.0", "rho": "rho", "eps": "eps"},
        update="D = sqrt(E[D^2] + eps) / sqrt(E[g^2] + eps) g; theta -= lr D",
        epsilon="inside both roots",
        note="E[D^2] averages D without the rate; lr = 1 is the default.",
    ),
    Dialect(
        "adadelta", "keras", "Adadelta", {"rho": "rho", "epsilon": "eps"},
        edits={"learning_rate": "1.0"},
        update="D = sqrt(E[D^2] + epsilon) / sqrt(E[g^2] + epsilon) g; theta -= learning_rate D",
        epsilon="inside both roots",
        note="The default rate of 0.001 makes each step a thousand times shorter than the paper's.",
    ),
    Dialect(
        "adadelta", "optax", "adadelta", {"rho": "rho", "eps": "eps"},
        edits={"learning_rate": "1.0"},
        update="D = sqrt(E[D^2] + eps) / sqrt(E[g^2] + eps) g; theta -= learning_rate D",
        epsilon="inside both roots",
        note="Without a rate, which is the default, the sign is not turned: theta += D climbs.",
    ),
    # RMSprop
    Dialect(
        "rmsprop", "pytorch", "RMSprop", {"lr": "eta", "alpha": "rho", "eps": "eps"},
        edits={"eps": "0.0"},
        setup=(
            "optimizer.state[theta].update(step=torch.tensor(0.0), "
            "square_avg=torch.full_like(theta, eps))",
        ),
        each_step=('optimizer.state[theta]["square_avg"] += eps * (1 - rho) / rho',),
        update="E = alpha E + (1 - alpha) g^2; theta -= lr g / (sqrt(E) + eps)",
        epsilon="outside the root",
        note="No setting of the arguments puts epsilon inside the root; feeding it to the average "
        "before each step does.",
    ),
    Dialect(
        "rmsprop", "keras", "RMSprop", {"learning_rate": "eta", "rho": "rho", "epsilon": "eps"},
        update="E = rho E + (1 - rho) g^2; theta -= learning_rate g / sqrt(E + epsilon)",
        epsilon="inside the root",
    ),
    Dialect(
        "rmsprop", "optax", "rmsprop", {"learning_rate": "eta", "decay": "rho", "eps": "eps"},
        update="E = decay E + (1 - decay) g^2; theta -= learning_rate g / sqrt(E + eps)",
        epsilon="inside the root; outside with eps_in_sqrt=False",
        start="initial_scale, 0 by default",
    ),
    # Adam
    Dialect(
        "adam", "pytorch", "Adam", {"lr": "eta", "betas": "(beta1, beta2)", "eps": "eps"},
        update="theta -= lr m^ / (sqrt(v^) + eps)",
        epsilon="outside the root of the corrected v^",
    ),
    Dialect(
        "adam", "keras", "Adam",
        {"learning_rate": "eta", "beta_1": "beta1", "beta_2": "beta2", "epsilon": "eps"},
        edits={"epsilon": "eps * sqrt(1 - beta2**t)"},
        update="theta -= learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)",
        epsilon="outside the root of the uncorrected v: the epsilon-hat of the paper",
    ),
    Dialect(
        "adam", "optax", "adam",
        {"learning_rate": "eta", "b1": "beta1", "b2": "beta2", "eps": "eps"},
        update="theta -= learning_rate m^ / (sqrt(v^ + eps_root) + eps)",
        epsilon="outside the root of the corrected v^; eps_root, 0 by default, inside",
    ),
    # AdaMax
    Dialect(
        "adamax", "pytorch", "Adamax", {"lr": "eta", "betas": "(beta1, beta2)"},
        edits={"eps": "0.0"},
        update="u = max(beta2 u, abs(g) + eps); theta -= lr / (1 - beta1^t) m / u",
        epsilon="added to abs(g), inside the maximum",
    ),
    Dialect(
        "adamax", "keras", "Adamax",
        {"learning_rate": "eta", "beta_1": "beta1", "beta_2": "beta2"},
        edits={"epsilon": "0.0"},
        update="u = max(beta_2 u, abs(g)); "
        "theta -= learning_rate / (1 - beta_1^t) m / (u + epsilon)",
        epsilon="added to u in the division",
    ),
    Dialect(
        "adamax", "optax", "adamax", {"learning_rate": "eta", "b1": "beta1", "b2": "beta2"},
        edits={"eps": "0.0"},
        update="u = max(b2 u, abs(g) + eps); theta -= learning_rate / (1 - b1^t) m / u",
        epsilon="added to abs(g), inside the maximum",
    ),
    # Nadam
    Dialect(
        "nadam", "pytorch", "NAdam", {"lr": "eta", "betas": "(beta1, beta2)", "eps": "eps"},
        edits={"lr": "eta / (1 - beta1**t)", "momentum_decay": "1e9"},
        setup=(
            "optimizer.state[theta].update(step=torch.tensor(0.0), mu_product=torch.tensor(0.0), "
            "exp_avg=torch.zeros_like(theta), exp_avg_sq=torch.zeros_like(theta))",
        ),
        update="mu_t = beta1 (1 - 0.5 * 0.96^(momentum_decay t)); theta -= lr (mu_(t+1) m / (1 - "
        "mu_1...mu_(t+1)) + (1 - mu_t) g / (1 - mu_1...mu_t)) / (sqrt(v^) + eps)",
        epsilon="outside the root of the corrected v^",
        start="0, and 1 for the product of the mu",
        note="A huge momentum_decay makes mu constant, a product of 0 removes its corrections, "
        "and the rate puts ours back.",
    ),
    Dialect(
        "nadam", "keras", "Nadam",
        {"learning_rate": "eta", "beta_1": "beta1", "beta_2": "beta2", "epsilon": "eps"},
        edits={
            "learning_rate": "eta * sqrt(1 - beta2**t) / (1 - beta1**t)",
            "epsilon": "eps * sqrt(1 - beta2**t)",
        },
        setup=(
            "optimizer.build([theta])",
            f"optimizer.iterations.assign({HUGE})",
            "optimizer._u_product.assign(0.0)",
        ),
        update="as PyTorch with momentum_decay = 1, which is no argument here",
        epsilon="outside the root of the corrected v^",
        start="0, and 1 for the product of the mu",
        note="At a huge step number mu is constant and all corrections are gone; rate and epsilon "
        "put ours back.",
    ),
    Dialect(
        "nadam", "optax", "nadam",
        {"learning_rate": "eta", "b1": "beta1", "b2": "beta2", "eps": "eps"},
        edits={
            "learning_rate": "eta * sqrt(1 - beta2**t) / (1 - beta1**t)",
            "eps": "eps * sqrt(1 - beta2**t)",
        },
        setup=(
            "adam_state, *others = state.inner_state",
            f"adam_state = adam_state._replace(count=jnp.asarray({HUGE}, dtype=jnp.int32))",
            "state = state._replace(inner_state=(adam_state, *others))",
        ),
        update="theta -= learning_rate (b1 m / (1 - b1^(t+1)) + (1 - b1) g / (1 - b1^t)) "
        "/ (sqrt(v^ + eps_root) + eps)",
        epsilon="outside the root of the corrected v^",
        note="At a huge step number all corrections are gone; rate and epsilon put ours back.",
    ),
    # AMSGrad
    Dialect(
        "amsgrad", "pytorch", "Adam",
        {"lr": "eta", "betas": "(beta1, beta2)", "eps": "eps", "amsgrad": "True"},
        edits={
            "lr": "eta * (1 - beta1**t) / sqrt(1 - beta2**t)",
            "eps": "eps / sqrt(1 - beta2**t)",
        },
        update="v_max = max(v_max, v); theta -= lr m^ / (sqrt(v_max / (1 - beta2^t)) + eps)",
        epsilon="outside the root of the corrected maximum",
        note="The maximum is taken before the bias correction, which the paper does not have.",
    ),
    Dialect(
        "amsgrad", "keras", "Adam",
        {
            "learning_rate": "eta", "beta_1": "beta1", "beta_2": "beta2", "epsilon": "eps",
            "amsgrad": "True",
        },
        edits={"learning_rate": "eta * (1 - beta1**t) / sqrt(1 - beta2**t)"},
        update="v_max = max(v_max, v); theta -= learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) "
        "m / (sqrt(v_max) + epsilon)",
        epsilon="outside the root of the uncorrected maximum",
    ),
    Dialect(
        "amsgrad", "optax", "amsgrad",
        {"learning_rate": "eta", "b1": "beta1", "b2": "beta2", "eps": "eps"},
        edits={"bias_correction_mu": "False", "bias_correction_nu": "False"},
        update="v_max = max(v_max, v^); theta -= learning_rate m^ / (sqrt(v_max + eps_root) + eps)",
        epsilon="outside the root of the maximum of the corrected v^",
        note="The maximum is taken after the bias correction, unless bias_correction_nu=False.",
    ),
    # AdamW
    Dialect(
        "adamw", "pytorch", "AdamW",
        {
            "lr": "multiplier * eta", "betas": "(beta1, beta2)", "eps": "eps",
            "weight_decay": "lam",
        },
        edits={"weight_decay": "lam / eta"},
        update="theta *= 1 - lr weight_decay; then Adam",
        epsilon="outside the root of the corrected v^",
        note="The decay is multiplied by the rate.",
    ),
    Dialect(
        "adamw", "keras", "AdamW",
        {
            "learning_rate": "multiplier * eta", "beta_1": "beta1", "beta_2": "beta2",
            "epsilon": "eps", "weight_decay": "lam",
        },
        edits={"weight_decay": "lam / eta", "epsilon": "eps * sqrt(1 - beta2**t)"},
        update="theta -= learning_rate weight_decay theta; then Adam",
        epsilon="outside the root of the uncorrected v",
        note="The decay is multiplied by the rate.",
    ),
    Dialect(
        "adamw", "optax", "adamw",
        {
            "learning_rate": "multiplier * eta", "b1": "beta1", "b2": "beta2", "eps": "eps",
            "weight_decay": "lam",
        },
        edits={"weight_decay": "lam / eta"},
        update="theta -= learning_rate (m^ / (sqrt(v^ + eps_root) + eps) + weight_decay theta)",
        epsilon="outside the root of the corrected v^; eps_root, 0 by default, inside",
        note="The decay is multiplied by the rate.",
    ),
)


@dataclass(frozen=True)
class Origin:
    """What a library's optimizer is in this book.

    when:             an expression in the library's arguments; the first entry that holds counts
    rule:             our rule, or the nearest one where ``why`` is given
    hyperparameters:  ours -> an expression in theirs
    why:              why our rule cannot take the same path; empty where it can
    """

    library: str
    constructor: str
    when: str
    rule: str
    hyperparameters: dict
    why: str = ""


OUTSIDE = {  # g / (sqrt(E) + eps) is Adam without an average of g and without corrections
    "eta": "lr / sqrt(1 - alpha**t)", "beta1": "0.0", "beta2": "alpha",
    "eps": "eps / sqrt(1 - alpha**t)",
}
_TORCH_ADAM = {"eta": "lr", "beta1": "betas[0]", "beta2": "betas[1]", "eps": "eps"}
_KERAS_ADAM = {
    "eta": "learning_rate", "beta1": "beta_1", "beta2": "beta_2",
    "eps": "epsilon / sqrt(1 - beta_2**t)",
}
_OPTAX_ADAM = {"eta": "learning_rate", "beta1": "b1", "beta2": "b2", "eps": "eps"}
_OPTAX_RMSPROP = {"eta": "learning_rate", "rho": "decay", "eps": "eps"}
_NO_CENTRE = "the centred form subtracts the squared average of g; no rule of this book does"
_NO_BUFFER = "its momentum buffer averages the scaled steps; no rule of this book does"
_NO_RATE = "the rate multiplies the step but not its average E[D^2]; Adadelta has no rate"
_NO_EPS = "its epsilon keeps u away from 0; our AdaMax, like the paper's, has none"
_NO_L2 = "weight_decay is an L2 penalty here; add (weight_decay / 2) |theta|^2 to the loss instead"
_NO_MU = "its momentum follows a schedule 1 - 0.5 * 0.96^(...) and its corrections multiply that up"
_NO_INDEX = "it corrects m with 1 - b1^(t+1), our simplified form with 1 - b1^t"
_NO_ROOT = "eps_root stands inside the root beside eps outside; ours has one epsilon"
_NO_DECAY_MAX = "no rule of this book has both the maximum and the decay"
_NO_START = "the average does not start from 0"

ORIGINS = (
    # PyTorch
    Origin("pytorch", "SGD", "weight_decay != 0", "gd", {"eta": "lr"}, _NO_L2),
    Origin("pytorch", "SGD", "momentum == 0", "gd", {"eta": "lr"}),
    Origin(
        "pytorch", "SGD", "nesterov and callable(lr)", "nag", {"eta": "lr", "gamma": "momentum"},
        "the rate multiplies the buffer, and the look-ahead uses the rate of the same step",
    ),
    Origin("pytorch", "SGD", "nesterov", "nag", {"eta": "lr", "gamma": "momentum"}),
    Origin(
        "pytorch", "SGD", "dampening != 0", "momentum",
        {
            "eta": "lr if t == 1 else lr * (1 - dampening)",
            "gamma": "momentum * (lr / lr_before)",
        },
    ),
    Origin(
        "pytorch", "SGD", "True", "momentum",
        {"eta": "lr", "gamma": "momentum * (lr / lr_before)"},
    ),
    Origin(
        "pytorch", "Adagrad", "weight_decay != 0", "adagrad", {"eta": "lr", "eps": "eps"}, _NO_L2
    ),
    Origin(
        "pytorch", "Adagrad", "eps == 0 and lr_decay == 0", "adagrad",
        {"eta": "lr", "eps": "initial_accumulator_value"},
    ),
    Origin(
        "pytorch", "Adagrad", "eps == 0", "adagrad",
        {"eta": "lr / (1 + (t - 1) * lr_decay)", "eps": "initial_accumulator_value"},
    ),
    Origin(
        "pytorch", "Adagrad", "initial_accumulator_value == 0", "adam",
        # the sum is t times the average with weights 1/t, which is beta2 = (t - 1)/t
        {
            "eta": "lr / (1 + (t - 1) * lr_decay) / sqrt(t - t * ((t - 1) / t)**t)",
            "beta1": "0.0",
            "beta2": "(t - 1) / t",
            "eps": "eps / sqrt(t - t * ((t - 1) / t)**t)",
        },
    ),
    Origin(
        "pytorch", "Adagrad", "True", "adagrad", {"eta": "lr", "eps": "eps"},
        "epsilon stands outside the root and the sum does not start from 0",
    ),
    Origin(
        "pytorch", "Adadelta", "weight_decay != 0", "adadelta", {"rho": "rho", "eps": "eps"}, _NO_L2
    ),
    Origin("pytorch", "Adadelta", "lr == 1", "adadelta", {"rho": "rho", "eps": "eps"}),
    Origin("pytorch", "Adadelta", "True", "adadelta", {"rho": "rho", "eps": "eps"}, _NO_RATE),
    Origin("pytorch", "RMSprop", "weight_decay != 0", "adam", OUTSIDE, _NO_L2),
    Origin("pytorch", "RMSprop", "centered", "adam", OUTSIDE, _NO_CENTRE),
    Origin("pytorch", "RMSprop", "momentum != 0", "adam", OUTSIDE, _NO_BUFFER),
    Origin(
        "pytorch", "RMSprop", "eps == 0", "rmsprop", {"eta": "lr", "rho": "alpha", "eps": "0.0"}
    ),
    Origin("pytorch", "RMSprop", "True", "adam", OUTSIDE),
    Origin(
        "pytorch", "Adam", "weight_decay != 0 and not decoupled_weight_decay", "adam",
        _TORCH_ADAM, _NO_L2,
    ),
    Origin(
        "pytorch", "Adam", "weight_decay != 0 and amsgrad", "adamw",
        {**_TORCH_ADAM, "lam": "lr * weight_decay"}, _NO_DECAY_MAX,
    ),
    Origin(
        "pytorch", "Adam", "weight_decay != 0", "adamw",
        {**_TORCH_ADAM, "lam": "lr * weight_decay"},
    ),
    Origin(
        "pytorch", "Adam", "amsgrad", "amsgrad",
        {
            **_TORCH_ADAM,
            "eta": "lr * sqrt(1 - betas[1]**t) / (1 - betas[0]**t)",
            "eps": "eps * sqrt(1 - betas[1]**t)",
        },
    ),
    Origin("pytorch", "Adam", "True", "adam", _TORCH_ADAM),
    Origin(
        "pytorch", "Adamax", "weight_decay != 0", "adamax",
        {"eta": "lr", "beta1": "betas[0]", "beta2": "betas[1]"}, _NO_L2,
    ),
    Origin(
        "pytorch", "Adamax", "eps != 0", "adamax",
        {"eta": "lr", "beta1": "betas[0]", "beta2": "betas[1]"}, _NO_EPS,
    ),
    Origin(
        "pytorch", "Adamax", "True", "adamax",
        {"eta": "lr", "beta1": "betas[0]", "beta2": "betas[1]"},
    ),
    Origin("pytorch", "NAdam", "True", "nadam", _TORCH_ADAM, _NO_MU),
    Origin(
        "pytorch", "AdamW", "amsgrad", "adamw",
        {**_TORCH_ADAM, "lam": "lr * weight_decay"}, _NO_DECAY_MAX,
    ),
    Origin(
        "pytorch", "AdamW", "True", "adamw", {**_TORCH_ADAM, "lam": "lr * weight_decay"}
    ),
    # Keras
    Origin("keras", "SGD", "momentum == 0", "gd", {"eta": "learning_rate"}),
    Origin("keras", "SGD", "nesterov", "nag", {"eta": "learning_rate", "gamma": "momentum"}),
    Origin("keras", "SGD", "True", "momentum", {"eta": "learning_rate", "gamma": "momentum"}),
    Origin(
        "keras", "Adagrad", "True", "adagrad",
        {"eta": "learning_rate", "eps": "epsilon + initial_accumulator_value"},
    ),
    Origin("keras", "Adadelta", "learning_rate == 1", "adadelta", {"rho": "rho", "eps": "epsilon"}),
    Origin("keras", "Adadelta", "True", "adadelta", {"rho": "rho", "eps": "epsilon"}, _NO_RATE),
    Origin(
        "keras", "RMSprop", "centered", "rmsprop",
        {"eta": "learning_rate", "rho": "rho", "eps": "epsilon"}, _NO_CENTRE,
    ),
    Origin(
        "keras", "RMSprop", "momentum != 0", "rmsprop",
        {"eta": "learning_rate", "rho": "rho", "eps": "epsilon"}, _NO_BUFFER,
    ),
    Origin(
        "keras", "RMSprop", "True", "rmsprop",
        {"eta": "learning_rate", "rho": "rho", "eps": "epsilon"},
    ),
    Origin(
        "keras", "Adam", "weight_decay and amsgrad", "adamw",
        {**_KERAS_ADAM, "lam": "learning_rate * weight_decay"}, _NO_DECAY_MAX,
    ),
    Origin(
        "keras", "Adam", "weight_decay", "adamw",
        {**_KERAS_ADAM, "lam": "learning_rate * weight_decay"},
    ),
    Origin(
        "keras", "Adam", "amsgrad", "amsgrad",
        {
            **_KERAS_ADAM,
            "eta": "learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t)",
            "eps": "epsilon",
        },
    ),
    Origin("keras", "Adam", "True", "adam", _KERAS_ADAM),
    Origin(
        "keras", "Adamax", "epsilon != 0", "adamax",
        {"eta": "learning_rate", "beta1": "beta_1", "beta2": "beta_2"}, _NO_EPS,
    ),
    Origin(
        "keras", "Adamax", "True", "adamax",
        {"eta": "learning_rate", "beta1": "beta_1", "beta2": "beta_2"},
    ),
    Origin("keras", "Nadam", "True", "nadam", {**_KERAS_ADAM, "eps": "epsilon"}, _NO_MU),
    Origin(
        "keras", "AdamW", "amsgrad", "adamw",
        {**_KERAS_ADAM, "lam": "learning_rate * weight_decay"}, _NO_DECAY_MAX,
    ),
    Origin(
        "keras", "AdamW", "True", "adamw",
        {**_KERAS_ADAM, "lam": "learning_rate * weight_decay"},
    ),
    # Optax
    Origin("optax", "sgd", "not momentum", "gd", {"eta": "learning_rate"}),
    Origin(
        "optax", "sgd", "nesterov and callable(learning_rate)", "nag",
        {"eta": "learning_rate", "gamma": "momentum"},
        "the rate multiplies the buffer, and the look-ahead uses the rate of the same step",
    ),
    Origin("optax", "sgd", "nesterov", "nag", {"eta": "learning_rate", "gamma": "momentum"}),
    Origin(
        "optax", "sgd", "True", "momentum",
        {"eta": "learning_rate", "gamma": "momentum * (learning_rate / learning_rate_before)"},
    ),
    Origin(
        "optax", "adagrad", "True", "adagrad",
        {"eta": "learning_rate", "eps": "eps + initial_accumulator_value"},
    ),
    Origin(
        "optax", "adadelta", "learning_rate is None", "adadelta", {"rho": "rho", "eps": "eps"},
        "without a rate the sign of the step is not turned, and the loss climbs",
    ),
    Origin("optax", "adadelta", "learning_rate == 1", "adadelta", {"rho": "rho", "eps": "eps"}),
    Origin("optax", "adadelta", "True", "adadelta", {"rho": "rho", "eps": "eps"}, _NO_RATE),
    Origin("optax", "rmsprop", "centered", "rmsprop", _OPTAX_RMSPROP, _NO_CENTRE),
    Origin("optax", "rmsprop", "momentum", "rmsprop", _OPTAX_RMSPROP, _NO_BUFFER),
    Origin("optax", "rmsprop", "initial_scale != 0", "rmsprop", _OPTAX_RMSPROP, _NO_START),
    Origin(
        "optax", "rmsprop", "eps_in_sqrt and bias_correction", "rmsprop",
        {
            "eta": "learning_rate * sqrt(1 - decay**t)", "rho": "decay",
            "eps": "eps * (1 - decay**t)",
        },
    ),
    Origin("optax", "rmsprop", "eps_in_sqrt", "rmsprop", _OPTAX_RMSPROP),
    Origin(
        "optax", "rmsprop", "bias_correction", "adam",
        {"eta": "learning_rate", "beta1": "0.0", "beta2": "decay", "eps": "eps"},
    ),
    Origin(
        "optax", "rmsprop", "True", "adam",
        {
            "eta": "learning_rate / sqrt(1 - decay**t)", "beta1": "0.0", "beta2": "decay",
            "eps": "eps / sqrt(1 - decay**t)",
        },
    ),
    Origin("optax", "adam", "eps_root != 0", "adam", _OPTAX_ADAM, _NO_ROOT),
    Origin("optax", "adam", "nesterov", "nadam", _OPTAX_ADAM, _NO_INDEX),
    Origin("optax", "adam", "True", "adam", _OPTAX_ADAM),
    Origin(
        "optax", "adamax", "eps != 0", "adamax",
        {"eta": "learning_rate", "beta1": "b1", "beta2": "b2"}, _NO_EPS,
    ),
    Origin(
        "optax", "adamax", "True", "adamax",
        {"eta": "learning_rate", "beta1": "b1", "beta2": "b2"},
    ),
    Origin("optax", "nadam", "True", "nadam", _OPTAX_ADAM, _NO_INDEX),
    Origin("optax", "amsgrad", "eps_root != 0", "amsgrad", _OPTAX_ADAM, _NO_ROOT),
    Origin(
        "optax", "amsgrad", "bias_correction_nu", "amsgrad", _OPTAX_ADAM,
        "the maximum is taken of the corrected averages, ours of the averages themselves",
    ),
    Origin(
        "optax", "amsgrad", "bias_correction_mu", "amsgrad",
        {**_OPTAX_ADAM, "eta": "learning_rate / (1 - b1**t)"},
    ),
    Origin("optax", "amsgrad", "True", "amsgrad", _OPTAX_ADAM),
    Origin(
        "optax", "adamw", "eps_root != 0", "adamw",
        {**_OPTAX_ADAM, "lam": "learning_rate * weight_decay"}, _NO_ROOT,
    ),
    Origin(
        "optax", "adamw", "nesterov", "adamw",
        {**_OPTAX_ADAM, "lam": "learning_rate * weight_decay"},
        "no rule of this book has both the look-ahead and the decay",
    ),
    Origin(
        "optax", "adamw", "True", "adamw",
        {**_OPTAX_ADAM, "lam": "learning_rate * weight_decay"},
    ),
)
