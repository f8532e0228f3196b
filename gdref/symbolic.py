"""Rules run on symbols: the trace of one general step, the unrolled recursion, proofs.

What a trace returns is the gdref function itself, as mathematics: the function is called with a
symbol for every argument and what it returns is kept.  A derivation that ends in the same
expression has therefore proved the code.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from gdref import catalogue
from gdref._checks import name_of
from gdref._inputs import check_step, form
from gdref.loop import iterate_state

# what Python, NumPy, math, JAX and PyTorch say of a symbol
NUMBERS_ONLY = "truth value|ufunc|expression to float|abstract array|must be Tensor"

t = sympy.Symbol("t", integer=True, positive=True)


def symbol(name: str, index: Any = None, **assumptions: bool) -> sympy.Symbol:
    r"""The book's symbol for a name of the code: ``symbol("m", "t-1")`` is :math:`m_{t-1}`.

    It is real unless other assumptions are given.
    """
    latex = catalogue.latex(name)
    if index is not None:
        latex += f"_{{{index}}}"
    return sympy.Symbol(latex, **(assumptions or {"real": True}))


def hyperparameter(name: str) -> sympy.Symbol:
    """The symbol of a hyperparameter; it is positive."""
    return symbol(name, positive=True)


@dataclass(frozen=True)
class Trace:
    """One step of a rule as expressions.

    Attributes
    ----------
    asked
        the point at which the rule asked for its gradient (theta itself, or NAG's look-ahead).
    theta
        the new theta.
    state
        the new state, by name.
    symbols
        every symbol that went in, by the name it has in the code: ``theta``, ``g``, ``t``, the
        state before the step, the hyperparameters.
    """

    asked: Any
    theta: Any
    state: dict[str, Any]
    symbols: dict[str, Any]

    def _repr_latex_(self) -> str:
        lines = [
            rf"{catalogue.latex(name)}_{{t}} &= {sympy.latex(value)}"
            for name, value in {**self.state, "theta": self.theta}.items()
        ]
        return r"$$\begin{aligned}" + r" \\ ".join(lines) + r"\end{aligned}$$"


def trace(
    rule: Callable,
    *,
    grad: Callable | None = None,
    shape: tuple[int, int] | None = None,
    **values: Any,
) -> Trace:
    r"""Run a rule once on symbols, for a general step t.

    Parameters
    ----------
    rule
        any rule of the gdref form.
    grad
        a gradient as a function of a symbolic theta, :math:`\lambda\theta` for a quadratic; by
        default the symbol :math:`g_t`, whatever the point.
    shape
        rows and columns of theta, which is then a matrix of symbols, as the gradient is, and each
        state that is an array; without it theta is one number.
    **values
        expressions or numbers that replace a symbol: ``trace(adam, beta1=0, g=-g)``.

    Returns
    -------
    Trace

    Examples
    --------
    >>> from gdref import gd
    >>> trace(gd).theta
    -\eta*g_{t} + \theta_{t-1}
    """
    state_names, _, hyperparameters = form(rule)
    shapes = _shapes(rule, shape)
    inputs = {"t": t, "theta": _symbols("theta", "t-1", shapes), "g": _symbols("g", "t", shapes)}
    inputs |= {name: _symbols(name, "t-1", shapes) for name in state_names}
    inputs |= {name: hyperparameter(name) for name in hyperparameters}
    unknown = set(values) - set(inputs)
    if unknown:
        raise TypeError(f"{name_of(rule)} has no {sorted(unknown)}; it has {sorted(inputs)}")
    inputs |= {name: sympy.sympify(value) for name, value in values.items()}

    asked = []

    def gradient(theta):
        asked.append(theta)
        return grad(theta) if grad else inputs["g"]

    try:
        step = rule(
            inputs["t"],
            inputs["theta"],
            gradient,
            *(inputs[name] for name in state_names),
            **{name: inputs[name] for name in hyperparameters},
        )
    except TypeError as error:
        if not re.search(NUMBERS_ONLY, str(error)):
            raise
        raise TypeError(
            f"{name_of(rule)} cannot run on symbols ({error}); a rule takes its functions from "
            "gdref.elementary (sqrt, maximum, minimum, clip, sign, where, cos, norm) instead of "
            "NumPy, and where(condition, x, y) instead of an if"
        ) from error
    check_step(rule, step, 1 + len(state_names))
    if not asked:
        raise TypeError(f"{name_of(rule)} did not call grad; a rule asks for a gradient")
    return Trace(asked[0], step[0], dict(zip(state_names, step[1:], strict=True)), inputs)


def _shapes(rule, shape):
    """The shape of theta, of the gradient and of each state after a step; empty for numbers."""
    if shape is None:
        return {}
    names, initial, _ = form(rule)
    theta = np.random.default_rng(0).normal(size=shape)
    new = rule(1, theta, lambda at: theta, *initial)
    check_step(rule, new, 1 + len(names))
    return {"g": shape} | {
        name: np.shape(value) for name, value in zip(["theta", *names], new, strict=True)
    }


def _symbols(name, index, shapes):
    """The symbol of a name, or a matrix of symbols where it has a shape."""
    shape = shapes.get(name, ())
    if len(shape) != 2:
        return symbol(name, index)
    return sympy.Matrix(*shape, lambda i, j: symbol(name, f"{i + 1}{j + 1},{index}"))


def unroll(rule: Callable, n: int, **values: Any) -> list[tuple]:
    r"""Run a rule n steps on symbols, from its initial state, with the gradients g_1 ... g_n.

    Returns the list of tuples ``(theta, *state)`` after 0, 1, ..., n steps.  Every
    hyperparameter is its symbol unless a keyword gives it a value.

    Examples
    --------
    >>> from gdref import momentum
    >>> unroll(momentum, 2)[2][1]
    \eta*\gamma*g_{1} + \eta*g_{2}
    """
    _, _, hyperparameters = form(rule)
    symbols = {name: hyperparameter(name) for name in hyperparameters} | values
    gradients = [lambda theta, k=k: symbol("g", k) for k in range(1, n + 1)]
    return list(iterate_state(rule, gradients, symbol("theta", 0), **symbols))


LONG = 150  # operations


def _differs(difference: sympy.Expr) -> bool:
    """Whether an expression is surely not 0 at a point that its symbols may have."""
    names = sorted(difference.free_symbols, key=str)
    if any(name.is_extended_nonpositive or name.is_odd or name.is_even for name in names):
        return False
    point = {
        name: sympy.Integer(k + 3) if name.is_integer else sympy.Rational(k + 2, k + 5)
        for k, name in enumerate(names)
    }
    value = difference.subs(point).evalf(20)
    return bool(value.is_number and value.is_finite and abs(value) > 1e-9)


def prove_equal(left: Any, right: Any) -> sympy.Expr:
    """Return 0 if the difference of two expressions simplifies to 0; raise AssertionError if not.

    Matrices and sequences are compared entry by entry.
    """
    if isinstance(left, list | tuple | sympy.MatrixBase):
        if np.shape(left) != np.shape(right) or not len(left):
            raise AssertionError(f"not equal: shape {np.shape(left)} against {np.shape(right)}")
        for a, b in zip(left, right, strict=True):
            prove_equal(a, b)
        return sympy.Integer(0)
    difference = sympy.sympify(left) - sympy.sympify(right)
    if difference != 0:
        # what is long and not 0 at a point need not be simplified: that can take minutes
        if sympy.count_ops(difference) < LONG or not _differs(difference):
            difference = sympy.simplify(difference)
    if difference != 0:
        raise AssertionError(f"not equal: the difference is {difference}")
    return sympy.Integer(0)
