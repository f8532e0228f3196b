"""The expressions of the tables: source code, rewritten and computed by way of :mod:`ast`.

An expression stands in the tables as text, such as ``eta / (1 - beta1**t)``.  It is parsed; numbers
and schedules take the place of its names; what comes out is printed, and the same text is computed:
what a reader sees is what runs.
"""

import ast
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from gdref.elementary import maximum, sqrt


class NoConversion(ValueError):
    """No setting of the other side takes the same path; the message says why."""


def nonzero(value):
    """The value; raise if it is 0, where a library skips its buffer."""
    if value == 0:
        raise NoConversion(
            "with a momentum of 0 the library leaves its buffer as it was and takes it up again "
            "later; no rule of this book does"
        )
    return value


def first(value: Any) -> Any:
    """The value of a hyperparameter at step 1."""
    return value(1) if callable(value) else value


#: what an expression may call; ``varies(x)`` asks whether x is a schedule
FUNCTIONS: dict[str, Callable] = {
    "sqrt": sqrt, "max": maximum, "nonzero": nonzero, "varies": callable,
    "first": first,
}  # fmt: skip
ALLOWED: tuple[type, ...] = (
    ast.Expression, ast.Constant, ast.Name, ast.Tuple, ast.Subscript, ast.Call, ast.IfExp,
    ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare,
    ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context,
)  # fmt: skip


@functools.cache
def names(*expressions: str) -> frozenset[str]:
    """The names that stand in expressions."""
    nodes = (node for text in expressions for node in ast.walk(ast.parse(text)))
    return frozenset(node.id for node in nodes if isinstance(node, ast.Name))


@functools.cache
def _compiled(expression):
    tree = ast.parse(expression, mode="eval")
    for node in ast.walk(tree):
        if not isinstance(node, ALLOWED):
            raise ValueError(f"{type(node).__name__} in the expression {expression!r}")
    return compile(tree, expression, "eval")


def evaluate(expression: str, values: Mapping[str, Any]) -> Any:
    """The value of an expression for values of its names."""
    return eval(_compiled(expression), {**FUNCTIONS, **values})


class _Substitute(ast.NodeTransformer):
    """Expressions in place of names; ``max(0.1, 1e-30)`` and ``(0.9, 0.999)[0]`` are worked out."""

    def __init__(self, texts):
        self.texts = texts

    def visit_Name(self, node):
        if node.id not in self.texts:
            return node
        return ast.parse(self.texts[node.id], mode="eval").body

    def visit_Call(self, node):
        self.generic_visit(node)
        known = isinstance(node.func, ast.Name) and FUNCTIONS.get(node.func.id)
        if known and all(isinstance(a, ast.Constant) for a in node.args):
            return ast.Constant(known(*(a.value for a in node.args)))
        return node

    def visit_Subscript(self, node):
        self.generic_visit(node)
        return node.value.elts[node.slice.value] if isinstance(node.value, ast.Tuple) else node


def rewrite(code: str, texts: Mapping[str, str]) -> str:
    """An expression or a line of code with other expressions in place of its names."""
    tree = _Substitute(texts).visit(ast.parse(code))
    return ast.unparse(tree).replace(" ** ", "**").replace("'", '"')


@functools.cache
def call(text: str) -> tuple[str, Mapping[str, str]]:
    """A call such as ``Adam(lr=eta)`` as its name and its arguments."""
    tree: Any = ast.parse(text, mode="eval").body
    arguments = {k.arg: rewrite(ast.unparse(k.value), {}) for k in tree.keywords}
    return ast.unparse(tree.func), MappingProxyType(arguments)


@dataclass(frozen=True, repr=False)
class PerStep:
    """A hyperparameter that changes from step to step: call it with t.

    text       the expression in t
    functions  the schedules that it calls
    exact      whether a decay may be 1 or more at a step, as it is where a conversion multiplies
               it by the ratio of two rates
    """

    text: str
    functions: dict[str, Callable] = field(default_factory=dict)
    exact: bool = False

    def __call__(self, t):
        return evaluate(self.text, {**self.functions, "t": t})

    def __repr__(self):
        return self.text


BEFORE = "_before"
STEP_BEFORE = {"t": "max(t - 1, 1)"}


class _Texts(dict):
    """What to write for a name: its number, its expression in t, or a call such as ``eta(t)``."""

    def __init__(self, values):
        super().__init__()
        for name, value in values.items():
            if isinstance(value, PerStep) and not value.functions:
                self[name] = value.text
            else:
                self[name] = f"{name}(t)" if callable(value) else repr(value)
            self[name + BEFORE] = (
                rewrite(self[name], STEP_BEFORE) if callable(value) else self[name]
            )


def written(code: str, values: Mapping[str, Any]) -> str:
    """A line of code with numbers in place of names; a schedule stays, as ``eta(t)``."""
    return rewrite(code, _Texts(values))


def convert(expressions: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers where an expression gives one number, functions of t where it does not."""
    return {name: _converted(expression, values) for name, expression in expressions.items()}


def _converted(expression, values):
    text = written(expression, values)
    used = names(text)
    if "t" not in used:
        return evaluate(text, {})
    functions = {name: values[name] for name in used if callable(values.get(name))}
    return PerStep(text, functions, exact=BEFORE in expression)
