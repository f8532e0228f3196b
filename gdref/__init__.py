"""gdref: the update rules of the book *Gradient Descent, Derived and Run*.

One function a rule (:mod:`gdref.rules`), one loop (:mod:`gdref.loop`); SymPy and Matplotlib
are needed only by :mod:`gdref.symbolic` and :mod:`gdref.book.plots` and imported only with these.
"""

from gdref.loop import Result, iterate, iterate_state, minimize
from gdref.rules import (
    RULES,
    adadelta,
    adagrad,
    adam,
    adamax,
    adamw,
    amsgrad,
    gd,
    momentum,
    nadam,
    nag,
    rmsprop,
)

__all__ = [
    "RULES",
    "Result",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "amsgrad",
    "gd",
    "iterate",
    "iterate_state",
    "minimize",
    "momentum",
    "nadam",
    "nag",
    "rmsprop",
]
