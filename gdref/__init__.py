"""gdref: the update rules of the book *Gradient Descent, Derived and Run*.

One function a rule (:mod:`gdref.rules`), one loop (:mod:`gdref.loop`); these need NumPy alone.
The other modules are imported when they are asked for: ``gdref.schedules`` works after
``import gdref``.
"""

import importlib
from typing import TYPE_CHECKING

from gdref.loop import Result as Result
from gdref.loop import iterate as iterate
from gdref.loop import iterate_state as iterate_state
from gdref.loop import minimize as minimize
from gdref.rules import *  # noqa: F403
from gdref.rules import RULES as RULES
from gdref.rules import Rule as Rule
from gdref.rules import rule as rule

if TYPE_CHECKING:
    from gdref import book as book
    from gdref import compiled as compiled
    from gdref import datasets as datasets
    from gdref import dialects as dialects
    from gdref import elementary as elementary
    from gdref import experiments as experiments
    from gdref import gradients as gradients
    from gdref import language as language
    from gdref import minibatch as minibatch
    from gdref import optax as optax
    from gdref import problems as problems
    from gdref import schedules as schedules
    from gdref import symbolic as symbolic
    from gdref import torch as torch
    from gdref import trees as trees
    from gdref.compiled import compile as compile

# What `from gdref import *` gives: no module of ours, which would hide one such as torch.
__all__ = ["Result", "iterate", "iterate_state", "minimize", "RULES", "Rule", "rule"]
__all__ += list(RULES)

MODULES = (
    "book compiled datasets dialects elementary experiments gradients language minibatch optax "
    "problems schedules symbolic torch trees"
).split()

__version__ = "0.2.0"


if not TYPE_CHECKING:  # a type checker, which reads the imports above, sees a wrong name

    def __getattr__(name):
        if name in MODULES:
            return importlib.import_module(f"gdref.{name}")
        if name == "compile":
            from gdref.compiled import compile

            return compile
        raise AttributeError(f"gdref has no {name!r}; its modules are {', '.join(MODULES)}")


def __dir__():
    return sorted({*globals(), *MODULES, "compile"})
