"""One validator and one wording: what an argument is, and the errors that say what is allowed.

Every message names the argument, shows its value and says what it must be.
"""

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from gdref.elementary import NUMPYS, OBJECT, namespace
from gdref.trees import Tree

# ---- what a value is


def is_symbolic(value: Any) -> bool:
    """Whether a value is a SymPy expression or an array with one among real numbers."""
    if isinstance(value, np.ndarray) and value.dtype == OBJECT:
        symbols = [hasattr(x, "free_symbols") for x in value.flat]
        rest = [x for x, s in zip(value.flat, symbols, strict=True) if not s]
        return any(symbols) and all(map(is_real, rest))
    return hasattr(value, "free_symbols")


def is_array(value: Any) -> bool:
    """Whether a value is an array or a tensor of any library, a NumPy scalar among them."""
    return hasattr(value, "dtype") and hasattr(value, "shape")


def is_real(value: Any) -> bool:
    """Whether a value is a real number or an array of real numbers; a bool is none."""
    if type(value) is float or type(value) is int:
        return True
    if is_array(value):
        return dtype_kind(value.dtype) in "iuf"
    try:
        return np.asarray(value).dtype.kind in "iuf"
    except (TypeError, ValueError, RuntimeError):
        return False


def dtype_kind(dtype: Any) -> str:
    """``"f"``, ``"i"``, ``"u"``, ``"b"``, ``"c"``, or ``"?"``: the kind of any library's dtype."""
    if isinstance(dtype, np.dtype) and dtype.kind != "V":
        return dtype.kind
    name = precision(dtype)
    kinds = {"float": "f", "bfloat": "f", "int": "i", "uint": "u", "bool": "b", "complex": "c"}
    return kinds.get(name.rstrip("0123456789"), "?")


def is_finite(value: Any) -> bool:
    """Whether all numbers are finite; what has no value yet (a symbol, a traced array) counts."""
    if type(value) is float:
        return math.isfinite(value)
    if isinstance(value, NUMPYS):
        return value.dtype == OBJECT or bool(np.logical_and.reduce(np.isfinite(value), axis=None))
    if isinstance(value, Tree):
        return all(map(is_finite, value.leaves))
    if type(value) is int or is_symbolic(value):
        return True
    return all_hold(value, lambda x, xp: xp.isfinite(x))


def all_hold(value: Any, condition: Callable[[Any, Any], Any]) -> bool:
    """Whether a condition on an array and its namespace holds everywhere, as far as it is known."""
    xp = namespace(value)
    return decided(lambda: xp.all(condition(value, xp)))


def is_known(value: Any) -> bool:
    """Whether an array is numbers alone; not while JAX traces it or takes a derivative."""
    return decided(lambda: (float(namespace(value).sum(value)),), otherwise=False)


def as_numbers(value: Any) -> np.ndarray:
    """The numbers of an array of any library and precision, as float64."""
    if isinstance(value, NUMPYS) or not is_array(value):
        return np.asarray(value, float)
    value = value.detach() if hasattr(value, "detach") else value
    flat = namespace(value).reshape(value, (-1,))
    return np.array([float(x) for x in flat]).reshape(tuple(value.shape))


def precision(dtype: Any) -> str:
    """The name of any library's dtype: "float32" for ``torch.float32``."""
    return str(dtype).rpartition(".")[2]


def decided(question: Any, otherwise: bool = True) -> bool:
    """The answer to a question about an array; ``otherwise`` while JAX traces it."""
    try:
        return bool(question())
    except TypeError as error:
        if "racer" in type(error).__name__ or "Concretization" in type(error).__name__:
            return otherwise
        raise


# ---- words


def name_of(rule: Any) -> str:
    return getattr(rule, "__name__", repr(rule))


def describe(value: Any) -> str:
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    if is_array(value) and tuple(value.shape):
        return f"an array of shape {tuple(value.shape)}"
    return shown(value)


def shown(value: Any) -> str:
    """The repr on one line, cut where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 100 else text[:97] + "..."


# ---- the checks


def check_callable(name: str, value: Any) -> None:
    if not callable(value):
        raise TypeError(f"{name} is {shown(value)}; it must be a function of theta")


def check_flag(name: str, value: Any) -> None:
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} is {shown(value)}; it must be True or False")


def check_whole(name: str, value: Any, low: int = 0, high: int | None = None, of: str = "") -> int:
    """Return a whole number from low to high as an int; ``of`` names the upper end."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} is {shown(value)}; it must be a whole number")
    if value < low or (high is not None and value > high):
        upto = "" if high is None else f"{of} = {high}" if of else str(high)
        allowed = f"from {low} to {upto}" if upto else f"at least {low}"
        raise ValueError(f"{name} is {value}; it must be {allowed}")
    return int(value)


def check_number(name: str, value: Any, positive: bool = False, where: str = "") -> Any:
    """Return a finite number, positive or not negative, as a Python number; a symbol as it is."""
    if is_symbolic(value):
        return value
    if isinstance(value, bool) or not is_real(value) or np.ndim(value) != 0:
        raise TypeError(f"{name} is {shown(value)}{where}; it must be a real number")
    value = value if type(value) is int else float(value)
    if not (value > 0 if positive else value >= 0) or value == math.inf:
        allowed = "positive" if positive else "not negative"
        raise ValueError(f"{name} is {value}{where}; it must be finite and {allowed}")
    return value


LARGEST = sys.float_info.max
RANGES = {
    "rate": "finite and not negative",
    "decay": "in [0, 1)",
    "count": "finite and at least 1",
    "number": "finite",
}


def check_range(name: str, value: Any, low: Any, high: Any, kind: str, where: str = "") -> None:
    """Raise ValueError if the values from low to high are not what a hyperparameter may be."""
    fits = -LARGEST <= low and high <= LARGEST
    if kind != "number":
        fits = fits and low >= 0
    if kind == "decay":
        fits = fits and high < 1
    if kind == "count":
        fits = fits and low >= 1
    if not fits:
        raise ValueError(f"{name} is {shown(value)}{where}; it must be {RANGES[kind]}")
