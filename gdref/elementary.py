"""Functions that mean the same on floats, arrays of any library, SymPy expressions and trees.

The rules in :mod:`gdref.rules` call these, so that one body runs on numbers, on arrays and on
symbols.  A Python float never reaches NumPy: that keeps one step on one parameter fast.  Any other
argument names the library: an array its own namespace (the array-API standard), a tensor the
package of its type, a SymPy expression SymPy, which is imported only then.
"""

import math
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np

from gdref.trees import Tree, each

NUMBERS = {float, int}  # plain numbers, exactly: np.float64 is a kind of float
NUMPYS = np.ndarray, np.generic
BOOLS = bool, np.bool_
OBJECT = np.dtype(object)  # the dtype of an array of symbols


def sqrt(x: Any) -> Any:
    """Square root, elementwise; a negative number gives ``nan`` instead of an exception."""
    if type(x) in NUMBERS:
        return math.sqrt(x) if not x < 0 else math.nan
    return namespace(x).sqrt(x)


def maximum(x: Any, y: Any) -> Any:
    """The larger of two values, elementwise; ``nan`` if either is ``nan``."""
    if type(x) in NUMBERS and type(y) in NUMBERS:
        return x if x > y or x != x else y  # x != x: a nan must come through
    xp = namespace(x, y)
    return xp.maximum(*_alike(xp, x, y))


def minimum(x: Any, y: Any) -> Any:
    """The smaller of two values, elementwise; ``nan`` if either is ``nan``."""
    return -maximum(-x, -y)


def clip(x: Any, low: Any, high: Any) -> Any:
    """x, but not below ``low`` and not above ``high``, elementwise."""
    return maximum(minimum(x, high), low)


def sign(x: Any) -> Any:
    """-1, 0 or 1, elementwise; ``nan`` for ``nan``."""
    if type(x) in NUMBERS:
        return x if x != x else float((x > 0) - (x < 0))
    return namespace(x).sign(x)


def where(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, y elsewhere, elementwise.  Both are computed."""
    if isinstance(condition, BOOLS):
        return x if condition else y
    xp = namespace(condition, x, y)
    return xp.where(condition, *_alike(xp, x, y))


def cos(x: Any) -> Any:
    """Cosine, elementwise."""
    return math.cos(x) if type(x) in NUMBERS else namespace(x).cos(x)


def norm(x: Any) -> Any:
    """The Euclidean length of all entries of x together: the root of the sum of their squares.

    In a tree each leaf has its own.
    """
    if type(x) in NUMBERS:
        return abs(x)
    xp = namespace(x)
    return xp.norm(x) if isinstance(xp, SimpleNamespace) else xp.sqrt(xp.sum(x * x))


def trust_ratio(length: Any, size: Any, trust: Any = 1) -> Any:
    """The share ``trust`` of a length for each unit of a size; 1 where length or size is 0.

    A symbol stands for a length that is not 0.
    """
    if isinstance(length, Tree):
        return each(trust_ratio, length, size, trust)
    if getattr(length, "free_symbols", ()) and size != 0 or getattr(size, "free_symbols", ()):
        return trust * length / size if length != 0 else 1
    moves = minimum(length, size) > 0
    return where(moves, trust * length / where(moves, size, 1), 1)


# Matrices.  A number is a matrix of one row and one column; the others have two axes.


def matmul(x: Any, y: Any) -> Any:
    """Matrix product."""
    if isinstance(x, Tree) or isinstance(y, Tree):
        return each(matmul, x, y)
    return x @ y if shape(x) and shape(y) else x * y


def transpose(x: Any) -> Any:
    """A matrix with rows and columns exchanged."""
    if isinstance(x, Tree):
        return each(transpose, x)
    return x.T if shape(x) else x


def shape(x: Any) -> tuple[int, ...]:
    """The shape of an array; () for a number."""
    return tuple(getattr(x, "shape", ()))


def rows(x: Any) -> Any:
    """The number of rows; 1 for a number."""
    return each(rows, x) if isinstance(x, Tree) else (shape(x) or (1, 1))[0]


def columns(x: Any) -> Any:
    """The number of columns; 1 for a number."""
    return each(columns, x) if isinstance(x, Tree) else (shape(x) or (1, 1))[1]


def row_sums(x: Any) -> Any:
    """The sum of each row, as a column."""
    return _sum(x, 1)


def column_sums(x: Any) -> Any:
    """The sum of each column, as a row."""
    return _sum(x, 0)


def _sum(x, axis):
    if isinstance(x, Tree):
        return each(_sum, x, axis)
    if not shape(x):
        return x
    xp = namespace(x)
    return (np if xp is OBJECTS else xp).sum(x, axis=axis, keepdims=True)


def rms(x: Any) -> Any:
    """The root of the mean square of all entries of x; in a tree each leaf has its own."""
    if isinstance(x, Tree):
        return each(rms, x)
    return norm(x) / sqrt(math.prod(shape(x)))


def as_matrix(x: Any) -> Any:
    """A vector as a matrix of one column, an array without an axis as one of one entry.

    A matrix and a plain number are left as they are; ValueError for an array of more axes.
    """
    if isinstance(x, Tree):
        return each(as_matrix, x)
    if not hasattr(x, "shape") or len(x.shape) == 2:
        return x
    if len(x.shape) > 2:
        raise ValueError(
            f"an array has the shape {tuple(x.shape)}; a rule of matrices needs at most two axes: "
            "give it a matrix, x.reshape(len(x), -1)"
        )
    return reshape(x, (*x.shape, 1, 1)[:2])


def reshape(x: Any, to: tuple[int, ...]) -> Any:
    """The same entries in another shape."""
    xp = namespace(x)
    return x.reshape(to)[()] if xp is np or xp is OBJECTS else xp.reshape(x, to)


# ---- whose functions


def namespace(*values: Any) -> Any:
    """The module whose functions take these values; plain numbers among them do not decide."""
    if len(values) == 1:
        (value,) = values
        kind = type(value)
        return TREES if kind is Tree else np if kind in NUMBERS else _of_type(kind, value)
    kinds = {type(value): value for value in values if type(value) not in NUMBERS}
    if Tree in kinds:
        return TREES
    found = None
    for kind, value in kinds.items():
        xp = _of_type(kind, value)
        if xp is OBJECTS:
            return xp
        found = xp if found is None or found is np else found
    return np if found is None else found


def _of_type(kind: type, value: Any) -> Any:
    if issubclass(kind, NUMPYS):
        return OBJECTS if value.dtype == OBJECT else np
    if kind not in _known:
        _known[kind] = _look_up(kind, value)
    return _known[kind]


def _look_up(kind: type, value: Any) -> Any:
    if issubclass(kind, bool):
        return np
    if hasattr(value, "free_symbols") or kind.__module__.startswith("sympy."):
        return _symbols()
    if hasattr(value, "__array_namespace__"):
        return value.__array_namespace__()
    library = sys.modules.get(kind.__module__.split(".")[0])
    if hasattr(library, "sqrt"):
        return library
    raise TypeError(
        f"{kind.__module__}.{kind.__name__} is no array that gdref.elementary knows: it must "
        "follow the array-API standard, or its package must have sqrt, maximum, sign and where"
    )


_known: dict[type, Any] = {}  # asked once a type


def _symbols() -> SimpleNamespace:
    import sympy

    def norm(x):
        return x.norm() if isinstance(x, sympy.MatrixBase) else sympy.Abs(x)

    return SimpleNamespace(
        sqrt=sympy.sqrt, maximum=sympy.Max, sign=sympy.sign, cos=sympy.cos, norm=norm,
        where=lambda condition, x, y: sympy.Piecewise((x, condition), (y, True)),
    )  # fmt: skip


def _by_entry(function, arguments):
    return lambda *values: np.frompyfunc(function, arguments, 1)(*values)


OBJECTS = SimpleNamespace(  # an array of symbols: entry by entry
    sqrt=_by_entry(sqrt, 1), maximum=_by_entry(maximum, 2), sign=_by_entry(sign, 1),
    cos=_by_entry(cos, 1), where=_by_entry(where, 3), norm=lambda x: sqrt((x * x).sum()),
)  # fmt: skip
TREES = SimpleNamespace(
    **{
        function.__name__: lambda *values, function=function: each(function, *values)
        for function in (sqrt, maximum, sign, cos, where, norm)
    }
)


def _alike(xp, x, y):
    """A plain number beside an array as an array too, where the library wants that."""
    if xp is np or isinstance(xp, SimpleNamespace) or type(x) in NUMBERS and type(y) in NUMBERS:
        return x, y
    if type(x) in NUMBERS:
        return _alike(xp, y, x)[::-1]
    if type(y) in NUMBERS:
        if type(y) is float and "int" in str(x.dtype):
            x = x * 1.0  # the number must not be cut
        y = xp.full_like(x, y)
    return x, y
