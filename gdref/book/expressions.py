"""SymPy expressions for the figures: the names of their symbols, and their values in NumPy."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy
from sympy.printing.numpy import NumPyPrinter

from gdref import catalogue
from gdref.book.javascript import identifier

CODE = {catalogue.latex(name): name for name in catalogue.SYMBOLS}
LETTERS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "eps": "ϵ", "eta": "η",
    "theta": "θ", "kappa": "κ", "lambda": "λ", "lam": "λ", "mu": "μ", "nu": "ν", "rho": "ρ",
    "sigma": "σ", "tau": "τ", "phi": "φ", "omega": "ω", "zeta": "ζ", "Delta": "Δ",
    "multiplier": "α",
}  # fmt: skip
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def code_name(symbol: sympy.Symbol) -> str:
    r"""The name of a symbol in code: ``beta1`` for :math:`\beta_1`, ``lam`` for ``lambda``."""
    name = CODE.get(symbol.name) or re.sub(r"[^A-Za-z0-9_]|_(?=\W|\d)", "", symbol.name)
    return identifier({"lambda": "lam"}.get(name, name))


def shown_name(symbol: sympy.Symbol | str) -> str:
    """The name of a symbol for a reader: ``β₁``."""
    name = symbol if isinstance(symbol, str) else code_name(symbol)
    if name in catalogue.SYMBOLS:
        return catalogue.text(name)
    letter = name.rstrip("0123456789")
    digits = name[len(letter) :].translate(SUBSCRIPTS)
    return LETTERS.get(letter.rstrip("_"), letter) + digits


class NumbersPrinter(NumPyPrinter):
    """NumPy's printer, with sums whose number of terms is a number like any other, and with
    Max and Min of arrays and numbers together."""

    def _print_Sum(self, expression):
        term = self._print(expression.function)
        loops = " ".join(
            f"for {self._print(k)} in map(float, range(int({self._print(low)}), "
            f"int({self._print(high)}) + 1))"
            for k, low, high in reversed(expression.limits)
        )
        return f"(builtins.sum({term} {loops}))"

    def _print_Max(self, expression):
        return self.nested("numpy.maximum", expression)

    def _print_Min(self, expression):
        return self.nested("numpy.minimum", expression)

    def nested(self, name, expression):
        first, *others = map(self._print, expression.args)
        for other in others:
            first = f"{name}({first}, {other})"
        return first


def function_of(expression: Any, symbols: Sequence[sympy.Symbol]) -> Callable:
    """An expression as a function of numbers or arrays, one a symbol; it returns floats.

    Where the reals have no value it is NaN, as in the browser.

    Raises
    ------
    ValueError
        if the expression has another symbol.
    """
    expression = sympy.sympify(expression)
    foreign = expression.free_symbols - set(symbols)
    if foreign:
        names = ", ".join(sorted(map(str, foreign)))
        raise ValueError(f"{expression}: no slider and no axis gives {names} a value")
    plain = sympy.lambdify(list(symbols), expression, modules="numpy", printer=NumbersPrinter)
    if expression.has(sympy.Sum):
        plain = np.vectorize(plain, otypes=[float]) if symbols else plain

    def value(*numbers):
        arrays = [np.asarray(x, dtype=float) for x in numbers]
        shape = np.broadcast_shapes(*(x.shape for x in arrays))
        with np.errstate(all="ignore"):
            result = np.asarray(plain(*(x[()] for x in arrays)), dtype=float)
        return np.broadcast_to(result, shape)[()]

    return value


def values_of(expressions: Mapping[str, Any], symbols: Sequence[sympy.Symbol]) -> Callable:
    """Named expressions as one function that returns their values by name."""
    functions = {name: function_of(e, symbols) for name, e in expressions.items()}
    return lambda *numbers: {name: float(f(*numbers)) for name, f in functions.items()}


def largest_modulus(matrix: Any) -> sympy.Expr:
    r"""The spectral radius of a real 2 by 2 matrix, in real form.

    :math:`\sqrt{\det}` where the eigenvalues are complex, and
    :math:`(|\mathrm{tr}| + \sqrt{\mathrm{tr}^2 - 4\det})/2` where they are real.
    """
    matrix = sympy.Matrix(matrix)
    trace, det = sympy.expand(matrix.trace()), sympy.expand(matrix.det())
    discriminant = sympy.expand(trace**2 - 4 * det)
    return sympy.Piecewise(
        (sympy.sqrt(det), discriminant < 0),
        ((sympy.Abs(trace) + sympy.sqrt(discriminant)) / 2, True),
    )
