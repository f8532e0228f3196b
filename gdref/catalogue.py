r"""One row a rule, one row a hyperparameter, one row a state variable: what the book knows of them.

A rule's formula stands in :mod:`gdref.rules`.  Here is the rest: how the book writes a name, in
which colour it draws a rule, which values a hyperparameter may have and what other libraries call
it.  The loop, the traces, the figures and the tests read these rows.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Hyperparameter:
    r"""A hyperparameter, whichever rule has it.

    Attributes
    ----------
    latex, text
        how formulas and plain text write it.
    kind
        ``"rate"``: finite and not negative; ``"decay"``: in [0, 1).
    odd
        a value without a special meaning, with which the tests run rules.
    elsewhere
        what other libraries call it.
    """

    latex: str
    text: str
    kind: str
    odd: float
    elsewhere: tuple[str, ...] = ()


HYPERPARAMETERS = {
    "eta": Hyperparameter(r"\eta", "η", "rate", 0.13, ("lr", "learning_rate", "alpha")),
    "gamma": Hyperparameter(r"\gamma", "γ", "decay", 0.7, ("momentum",)),
    "rho": Hyperparameter(r"\rho", "ρ", "decay", 0.6, ("alpha", "decay", "decay_rate")),
    "beta": Hyperparameter(r"\beta", "β", "decay", 0.73, ("momentum", "b1", "beta_1")),
    "beta1": Hyperparameter(r"\beta_1", "β₁", "decay", 0.6, ("b1", "beta_1", "betas")),
    "beta2": Hyperparameter(r"\beta_2", "β₂", "decay", 0.8, ("b2", "beta_2", "betas")),
    "eps": Hyperparameter(r"\epsilon", "ϵ", "rate", 0.03, ("epsilon",)),
    "lam": Hyperparameter(r"\lambda", "λ", "rate", 0.07, ("weight_decay", "wd")),
    "multiplier": Hyperparameter(r"\alpha_t", "α", "rate", 0.6, ("schedule_multiplier",)),
}

# State variables whose symbol is not their name, as formulas and plain text write them.
STATE = {
    "v_hat": (r"\hat{v}", "v̂"),
    "Eg2": (r"E[g^2]", "E[g²]"),
    "Edx2": (r"E[\Delta\theta^2]", "E[Δθ²]"),
}


@dataclass(frozen=True)
class Drawn:
    """How the book shows a rule.

    Attributes
    ----------
    label
        its name in words.
    colour, dark
        its colour, on a white and on a dark page.
    line
        its line, as Matplotlib has it.
    chapter
        the chapter that derives it, where that does not have its name.
    offered
        whether each laboratory offers it for comparison; if not, only those that name it.
    """

    label: str
    colour: str
    line: Any = "-"
    dark: str = ""
    chapter: str = ""
    offered: bool = True


# Apart for colour-blind readers too, and with a contrast of 3 : 1 or more to the ground, white or
# dark: tests/test_plots.py measures both.  The line differs as well where a family is close; a rule
# that is not offered everywhere may have a colour again, with another line.
RULES = {
    "gd": Drawn("gradient descent", "#4d4d4d", dark="#869595", chapter="gradient-descent"),
    "momentum": Drawn("momentum", "#003ddf", dark="#4a7bff"),
    "nag": Drawn("NAG", "#ee44ee", (0, (5, 1.5)), dark="#cc88ff"),
    "adagrad": Drawn("Adagrad", "#00a691", dark="#77ccaa"),
    "adadelta": Drawn("Adadelta", "#c18b00", (0, (5, 1.5)), dark="#eedd11"),
    "rmsprop": Drawn("RMSProp", "#8f4202", (0, (5, 1.5, 1, 1.5)), dark="#cc7700"),
    "adam": Drawn("Adam", "#e06b4e", dark="#e26150"),
    "adamax": Drawn("AdaMax", "#580272", (0, (5, 1.5)), dark="#bb66bb"),
    "nadam": Drawn("Nadam", "#885599", (0, (5, 1.5, 1, 1.5)), dark="#bbccff"),
    "amsgrad": Drawn("AMSGrad", "#511d00", (0, (1.5, 1.2)), dark="#ffaa77"),
    "adamw": Drawn("AdamW", "#000000", (0, (7, 1.5, 1, 1.5, 1, 1.5)), dark="#ffffff"),
    "sign_descent": Drawn(
        "sign descent", "#00a691", (0, (3, 1.5)), dark="#77ccaa", chapter="sign", offered=False
    ),
    "signum": Drawn(
        "Signum", "#003ddf", (0, (4, 1.2, 1, 1.2)), dark="#4a7bff", chapter="sign", offered=False
    ),
    "lion": Drawn("Lion", "#c18b00", (0, (9, 2)), dark="#eedd11", chapter="sign", offered=False),
}


def offered() -> list[str]:
    """The rules of the chapters up to AdamW, which every laboratory offers for comparison."""
    return [name for name, row in RULES.items() if row.offered]


def chapter(rule: str) -> str:
    """The chapter that derives a rule: ``chapter("gd")`` is ``"gradient-descent"``."""
    return RULES[rule].chapter or rule if rule in RULES else rule


# Every name of the code whose symbol is not the name itself: as (LaTeX, plain text).
SYMBOLS = {
    "theta": (r"\theta", "θ"),
    **STATE,
    **{name: (row.latex, row.text) for name, row in HYPERPARAMETERS.items()},
}


def latex(name: str) -> str:
    r"""A name of the code as formulas write it: ``latex("beta1")`` is ``\beta_1``."""
    return SYMBOLS[name][0] if name in SYMBOLS else name


def text(name: str) -> str:
    """A name of the code as plain text writes it: ``text("beta1")`` is β₁."""
    return SYMBOLS[name][1] if name in SYMBOLS else name


def kind(name: str) -> str:
    """``"rate"``, ``"decay"``, or ``"number"`` for a hyperparameter without a row."""
    return HYPERPARAMETERS[name].kind if name in HYPERPARAMETERS else "number"


def called_here(name: str, known: Any) -> str:
    """What another library's name is among the known ones, in words; empty if it is none."""
    rows = {key: HYPERPARAMETERS[key] for key in known if key in HYPERPARAMETERS}
    ours = [key for key, row in rows.items() if name in row.elsewhere]
    if ours:
        return f"{name} is {' and '.join(ours)} here"
    return ELSEWHERE.get(name, "")


# Names of other libraries that no rule has, and what to do instead.
ELSEWHERE = {
    "maximize": "to climb, negate the gradient (and the objective)",
    "weight_decay": "weight decay is adamw's lam; or add lam * theta to the gradient",
    "nesterov": "Nesterov's rule is nag",
    "amsgrad": "the rule is amsgrad",
    "dampening": "dampening d is momentum with eta * (1 - d), from step 2 on",
    "momentum": "the rule with momentum is momentum, its share gamma",
}
