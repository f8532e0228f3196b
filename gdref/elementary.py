"""Functions that mean the same on floats, arrays of any library, SymPy expressions and trees.

The rules in :mod:`gdref.rules` call these, so that one body runs on numbers, on arrays and on
symbols.  A Python float never reaches NumPy: that keeps one step on one parameter fast.  Any other
argument names the library: an array its own namespace (the array-API standard), a tensor the
package of its type, a SymPy expression SymPy, which is imported only then.
"""

import functools
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


# Symmetric matrices, by their eigenvalues.  float16 and bfloat16 are computed in float32, long
# doubles in float64.  A matrix that is not finite gives NaN: a run that diverged ends as such.


def inverse_root(S: Any, p: int, eps: Any = 0) -> Any:
    """(S + eps I)^(-1/p) of a symmetric matrix S without negative eigenvalues.

    Where an eigenvalue of S + eps I is 0 so is that of the result (the pseudo-power): in such a
    direction a sum of G G^T has seen nothing, and G has nothing there to be multiplied.
    """
    if isinstance(S, Tree):
        return each(inverse_root, S, p, eps)
    if not shape(S):
        return _inverse_power(S + eps, p)
    if namespace(S) is OBJECTS:
        return _symbolic(S, p, eps)
    values, vectors = _eigen(S, 1)
    return _precision_of(S, (vectors * _inverse_power(maximum(values, 0) + eps, p)) @ vectors.T)


def eigenvectors(S: Any) -> Any:
    """The eigenvectors of a symmetric matrix as columns, the largest eigenvalue first.

    Each begins with an entry that is not negative.  Where eigenvalues are equal the basis is the
    library's.
    """
    if isinstance(S, Tree):
        return each(eigenvectors, S)
    if not shape(S):
        return S * 0 + 1
    if namespace(S) is OBJECTS:
        return _symbolic(S)
    return _precision_of(S, _signed(_eigen(S, -1)[1]))


def orthonormal(X: Any) -> Any:
    """The columns of a square matrix made orthonormal, from left to right: the Q of its QR.

    Each begins with an entry that is not negative.
    """
    if isinstance(X, Tree):
        return each(orthonormal, X)
    if not shape(X):
        return X * 0 + 1
    if namespace(X) is OBJECTS:
        return _gram_schmidt(X)
    xp, safe, finite = _finite(X)
    return _precision_of(X, _or_nan(finite, _signed(xp.linalg.qr(safe)[0])))


def _signed(Q):
    return where(Q[:1, :] < 0, -Q, Q)


def outer(G: Any) -> Any:
    """G G^T; of a column of several entries, to which SOAP gives no basis, one entry, 0."""
    if isinstance(G, Tree):
        return each(outer, G)
    return matmul(transpose(G), G) * 0 if columns(G) == 1 < rows(G) else matmul(G, transpose(G))


def turn(A: Any, G: Any, B: Any) -> Any:
    """A G B, where a basis of one entry is a factor."""
    if isinstance(G, Tree):
        return each(turn, A, G, B)
    left = A * G if rows(A) == 1 else matmul(A, G)
    return left * B if rows(B) == 1 else matmul(left, B)


def renewed(t: Any, every: Any, S: Any, Q: Any) -> Any:
    """SOAP's basis after step t: of step 1 the eigenvectors of S, later Q or one QR step on."""
    if isinstance(t, int) and isinstance(every, int):  # known: no decomposition in vain
        due = (t - 1) % every == 0
        return (orthonormal(matmul(S, Q)) if due else 1 * Q) if t > 1 else eigenvectors(S)
    later = where((t - 1) % every < 1, orthonormal(matmul(S, Q)), 1 * Q)
    return where(t > 1, later, eigenvectors(S))


def _inverse_power(x, p):
    """x^(-1/p), and 0 for 0."""
    if hasattr(x, "free_symbols"):
        return x ** (x**0 / -p) if x != 0 else x
    positive = x > 0
    return where(positive, where(positive, x, 1.0) ** (-1 / p), x * 1.0)


def _eigen(S, sign):
    """Eigenvalues and eigenvectors, the least eigenvalue of sign * S first."""
    xp, safe, finite = _finite(S)
    values, vectors = xp.linalg.eigh(sign * safe)
    return _or_nan(finite, sign * values), _or_nan(finite, vectors)


def _finite(X):
    """The library, X in a precision it computes in with 0 for what is not finite, and if all is."""
    xp = namespace(X)
    name = str(X.dtype).split(".")[-1]
    wanted = {"float16": "float32", "bfloat16": "float32", "float128": "float64"}.get(name, name)
    X = X if wanted == name else _cast(xp, X, getattr(xp, wanted))
    finite = xp.isfinite(X)
    return xp, where(finite, X, 0.0), xp.all(finite)


def _or_nan(finite, x):
    return where(finite, x, 0 * x + math.nan)  # x * nan would make every derivative NaN


def _precision_of(S, x):
    return x if x.dtype == S.dtype else _cast(namespace(S), x, S.dtype)


def _cast(xp, x, dtype):
    if hasattr(x, "astype"):
        return x.astype(dtype)
    return xp.astype(x, dtype) if hasattr(xp, "astype") else x.to(dtype)


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

# ---- matrices of symbols


def _symbolic(S, p=0, eps=0):
    """(S + eps I)^(-1/p) of a symmetric matrix of symbols; with p = 0 its eigenvectors.

    A diagonal goes entry by entry, 2 x 2 by the roots of a quadratic.  A larger matrix of numbers
    is computed to 50 digits; of symbols, the entries stay unevaluated until ``evalf``.
    """
    import sympy

    n, one = len(S), sympy.Integer(1)
    if all(S[i, j] == 0 for i in range(n) for j in range(n) if i != j):
        diagonal = [_inverse_power((S[i, i] + eps) * one, p) if p else one for i in range(n)]
        return np.array(sympy.diag(*diagonal).tolist(), object)
    if n > 2:
        entry, entries = _matrix_entry(), [sympy.sympify(x) for x in S.flat]
        new = [[entry(p, i, j, eps, *entries) for j in range(n)] for i in range(n)]
        if not any(x.free_symbols for x in (sympy.sympify(eps), *entries)):
            new = [[x.evalf(50) for x in row] for row in new]
        return np.array(new, object)
    (a, b), (_, d) = S
    middle, radius = (a + d) * one / 2, sympy.sqrt((a - d) ** 2 + 4 * b**2) / 2
    high, low = middle + radius, middle - radius
    if not p:
        return _gram_schmidt(np.array([[high - d, d - low], [b * one, -b * one]], object))
    of_high, of_low = _inverse_power(high + eps, p), _inverse_power(low + eps, p)
    slope = (of_high - of_low) / (high - low)
    return slope * S + (of_low - slope * low) * np.eye(2, dtype=int)


def _gram_schmidt(X):
    columns: list[Any] = []
    for x in X.T:
        for q in columns:
            x = x - (q @ x) * q
        columns.append(x / OBJECTS.norm(x) * (-1 if getattr(x[0], "is_negative", None) else 1))
    return np.array(columns, object).T


@functools.cache
def _matrix_entry():
    """An entry of a function of a symmetric matrix: the arguments are p, i, j, eps, the entries."""
    import mpmath
    import sympy

    class MatrixEntry(sympy.Function):
        def _eval_evalf(self, prec):
            p, i, j, eps, *entries = self.args
            if any(x.free_symbols for x in self.args):
                return None
            p, i, j, n = int(p), int(i), int(j), math.isqrt(len(entries))
            with mpmath.workprec(2 * prec + 20):
                numbers = [mpmath.mpmathify(x.evalf(mpmath.mp.dps)) for x in (eps, *entries)]
                S = mpmath.matrix([numbers[1 + k * n :][:n] for k in range(n)])
                values, vectors = mpmath.eigsy(S)
                if not p:
                    sign = -1 if vectors[0, n - 1 - j] < 0 else 1
                    return sympy.Float(sign * vectors[i, n - 1 - j], precision=prec)
                powers = [(value + numbers[0]) ** (-mpmath.mpf(1) / p) for value in values]
                total = mpmath.fsum(vectors[i, k] * vectors[j, k] * powers[k] for k in range(n))
                return sympy.Float(total, precision=prec)

    return MatrixEntry


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
