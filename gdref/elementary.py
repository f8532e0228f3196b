"""Functions that mean the same on Python floats, NumPy arrays and SymPy expressions.

The rules in :mod:`gdref.rules` call these, so that one body runs on numbers, on arrays and on
symbols.  A Python float never reaches NumPy: that keeps one step on one parameter fast.
SymPy is imported only when a symbol arrives.
"""

import math

import numpy as np


def sqrt(x):
    """Square root of a float, an array (elementwise) or a SymPy expression.

    A negative float gives ``nan``, as in NumPy, instead of an exception.
    """
    if type(x) is float or type(x) is int:
        return math.sqrt(x) if not x < 0 else math.nan
    if isinstance(x, np.ndarray) and x.dtype == object:
        return np.frompyfunc(sqrt, 1, 1)(x)
    if isinstance(x, np.ndarray | np.generic):
        return np.sqrt(x)
    import sympy

    return sympy.sqrt(x)


def maximum(x, y):
    """The larger of two values, elementwise on arrays; ``nan`` if either is ``nan``."""
    if type(x) in {float, int} and type(y) in {float, int}:
        return x if x > y or x != x else y  # x != x: a nan must come through
    if isinstance(x, np.ndarray | np.generic) or isinstance(y, np.ndarray | np.generic):
        if np.result_type(x, y).kind == "O":
            return np.frompyfunc(maximum, 2, 1)(x, y)
        return np.maximum(x, y)
    import sympy

    return sympy.Max(x, y)


def sign(x):
    """-1, 0 or 1 by the sign of a float, an array (elementwise) or a SymPy expression."""
    if type(x) is float or type(x) is int:
        return x if x != x else float((x > 0) - (x < 0))
    if isinstance(x, np.ndarray) and x.dtype == object:
        return np.frompyfunc(sign, 1, 1)(x)
    if isinstance(x, np.ndarray | np.generic):
        return np.sign(x)
    import sympy

    return sympy.sign(x)


def cos(x):
    """Cosine of a float, an array (elementwise) or a SymPy expression."""
    if type(x) is float or type(x) is int:
        return math.cos(x)
    if isinstance(x, np.ndarray) and x.dtype == object:
        return np.frompyfunc(cos, 1, 1)(x)
    if isinstance(x, np.ndarray | np.generic):
        return np.cos(x)
    import sympy

    return sympy.cos(x)
