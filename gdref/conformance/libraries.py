"""The optimizers of PyTorch, Keras and Optax that have a rule of the book, as runs."""

import ast
import functools
import importlib
import importlib.metadata
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from gdref import adapters, dialects
from gdref.diagnosis.runs import Run, diagnose_run
from gdref.diagnosis.verdict import Verdict
from gdref.dialects._expressions import evaluate, names
from gdref.rules import RULES

ADAPTERS = {
    "pytorch": ("torch", adapters.from_torch),
    "keras": ("keras", adapters.from_keras),
    "optax": ("optax", adapters.from_optax),
}


@dataclass(frozen=True)
class Implementation:
    """An optimizer of a library that is to be the rule: which call, and how it names our values.

    The call may have lines after it, which set what the constructor refuses.
    """

    rule: str
    library: str
    call: str
    names: dict[str, str]
    limit: float = 0.0  # what its own rounding may change, as a share of a step

    @functools.cached_property
    def run(self) -> Run:
        return ADAPTERS[self.library][1](self._make(), self.names)

    def _make(self) -> Callable:
        module, _, _ = dialects.LIBRARIES[self.library]
        call, *setup = self.call.split("; ")
        node = ast.parse(call, mode="eval").body
        assert isinstance(node, ast.Call)
        constructor = attrgetter(ast.unparse(node.func))(importlib.import_module(module))
        fixed = {k.arg: ast.literal_eval(k.value) for k in node.keywords if k.arg}
        return functools.partial(_made, functools.partial(constructor, **fixed), setup)

    @property
    def version(self) -> str:
        return importlib.metadata.version(ADAPTERS[self.library][0])

    def verdict(self, dtype: str = "float64") -> Verdict:
        if self.library == "keras":
            adapters.keras_in(dtype)
        return diagnose_run(
            self.run, self.rule, only=list(self.names), dtype=dtype, limit=self.limit
        )


def _made(constructor: Callable, setup: list[str], *parameters: Any, **arguments: Any) -> Any:
    optimizer = constructor(*parameters, **arguments)
    for line in setup:
        name, value = line.removeprefix("optimizer.").split(" = ")
        setattr(optimizer, name, ast.literal_eval(value))
    return optimizer


def implementations(library: str) -> list[Implementation]:
    """Those of a library, from the table of :mod:`gdref.dialects`."""
    found = []
    for rule in RULES:
        try:
            entry = dialects.dialect(rule, library)
        except dialects.NoConversion:
            continue  # the library does not have it
        names: dict[str, str] = {}
        fixed = []
        for theirs, text in entry.names.items():
            ours = _named(theirs, text)
            names |= {n: ", ".join([names[n], x] if n in names else [x]) for n, x in ours.items()}
            if not ours:
                fixed.append(f"{theirs}={_value(text, dialects.defaults(rule))}")
        for theirs, text in entry.edits.items():  # a rate that the rule does not have
            if theirs in {"lr", "learning_rate"} and "eta" not in dialects.defaults(rule):
                fixed.append(f"{theirs}={text}")
        call = f"{entry.constructor}({', '.join(fixed)})"
        lines = [line for line in entry.setup if re.fullmatch(r"optimizer\.\w+ = [\d.]+", line)]
        found.append(
            Implementation(rule, library, "; ".join([call, *lines]), names, entry.limit or 0.0)
        )
    return found


def _value(text: str, values: Mapping[str, Any]) -> str:
    """What is passed for no single hyperparameter: as it stands, or its value at the defaults."""
    return repr(evaluate(text, values)) if names(text) & set(values) else text


def _named(theirs: str, text: str) -> dict[str, str]:
    """Our name -> theirs: ``betas`` with ``(beta1, beta2)`` is a pair."""
    node = ast.parse(text, mode="eval").body
    if isinstance(node, ast.BinOp):  # multiplier * eta
        node = node.right
    if isinstance(node, ast.Name):
        return {node.id: theirs}
    if isinstance(node, ast.Tuple):
        return {ast.unparse(part): f"{theirs}[{k}]" for k, part in enumerate(node.elts)}
    return {}
