"""What goes into the loop, checked once: the rule, theta, the state, hyperparameters, the gradient.

Every check returns its argument in the form that the loop works with, or raises TypeError or
ValueError with the name, the value and what is allowed.
"""

import inspect
import math
from collections.abc import Callable, Iterable

import numpy as np

from gdref import catalogue
from gdref._checks import (
    all_hold,
    as_numbers,
    check_range,
    describe,
    dtype_kind,
    is_array,
    is_finite,
    is_known,
    is_real,
    is_symbolic,
    name_of,
    precision,
    shown,
)
from gdref.elementary import NUMPYS, OBJECT, namespace
from gdref.trees import CONTAINERS, Tree, each, is_tree, walk, wrap

# ---- the rule and what it returns


def form(rule: Callable) -> tuple[list[str], list, dict]:
    """The form of a rule: names of its state, its initial values, hyperparameters with defaults."""
    return parts(rule)[:3]


def parts(rule: Callable) -> tuple[list[str], list, dict, dict]:
    """The form of a rule, and those of its defaults that are scalars of NumPy, as Python numbers.

    Raises TypeError if ``rule`` is not of the form
    ``rule(t, theta, grad, state=initial, ..., *, hyperparameter=default, ...)``.
    """
    if not callable(rule):
        raise TypeError(f"rule is {shown(rule)}; it must be a function such as gdref.adam")
    try:
        signature = inspect.signature(rule)
    except ValueError:  # some functions written in C have none
        signature = inspect.Signature()
    parameters = list(signature.parameters.values())
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    keyword = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    state = positional[3:]
    if len(positional) < 3 or any(p.default is p.empty for p in state):
        raise TypeError(
            f"rule is {name_of(rule)}{signature}; it must have the form "
            "(t, theta, grad, state=initial, ..., *, hyperparameter=default, ...)"
        )
    return (
        [p.name for p in state],
        [_narrow(p.default) for p in state],
        {p.name: _narrow(p.default) for p in keyword},
        {p.name: p.default.item() for p in keyword if isinstance(p.default, np.generic)},
    )


def _narrow(default):
    """A NumPy scalar as a Python number, which does not widen float32 parameters."""
    return default.item() if isinstance(default, np.generic) else default


def check_step(rule, step, length):
    if not isinstance(step, tuple) or len(step) != length:
        raise TypeError(
            f"{name_of(rule)} returned {describe(step)}; it must return a tuple of {length}, "
            f"theta and {length - 1} state value(s) (for theta alone write `return (theta,)`)"
        )


def check_new_theta(rule, theta, start):
    """Return a theta of another type in the type of the start; raise for another shape."""
    shape = shape_of(start)
    if isinstance(start, Tree):
        raise TypeError(f"{name_of(rule)} returned theta = {shown(theta)}; it must keep the tree")
    if not (is_symbolic(theta) or is_real(theta)):
        raise TypeError(f"{name_of(rule)} returned theta = {shown(theta)}; it must be real numbers")
    if shape_of(theta) != shape:
        raise ValueError(
            f"{name_of(rule)} returned theta of shape {shape_of(theta)}; "
            f"it must keep the shape {shape}"
        )
    return theta if is_symbolic(theta) or is_symbolic(start) else as_theta(theta, start)


# ---- theta and the state


def check_theta(theta):
    """Return theta as a float, a float array, a symbol or a Tree; raise if it is none of these."""
    if isinstance(theta, Tree):
        return theta
    if is_tree(theta):
        tree = wrap(theta)
        if not tree.leaves:
            raise ValueError(f"theta is {shown(theta)}; it must have at least one number")
        return each(check_theta, tree)
    if hasattr(theta, "free_symbols"):
        return theta
    if is_array(theta) and not isinstance(theta, NUMPYS):
        return check_tensor(theta)
    try:
        if type(theta) is float or type(theta) is int:
            theta = float(theta)
        else:
            array = np.array(theta)  # a copy: the caller may change theirs
            if is_symbolic(array):
                return array
            if array.dtype.kind not in "iuf":
                raise TypeError
            array = array.astype(float) if array.dtype.kind in "iu" else array
            theta = array[()]  # a scalar if it has no axis
    except OverflowError:
        raise ValueError(f"theta is {shown(theta)}; it must fit into a float") from None
    except (TypeError, ValueError):
        raise TypeError(
            f"theta is {shown(theta)}; it must be a real number or an array of real numbers"
            + (COMPLEX if is_complex(theta) else "")
        ) from None
    if isinstance(theta, np.ndarray) and theta.size == 0:
        raise ValueError(f"theta is {shown(theta)}; it must have at least one number")
    if not is_finite(theta):
        raise ValueError(f"theta is {shown(theta)}; it must be finite")
    return theta


COMPLEX = ": a complex number is two of them, its real and its imaginary part"


def is_complex(value):
    try:
        return np.asarray(value).dtype.kind == "c"
    except (TypeError, ValueError, RuntimeError):
        return False


def check_tensor(theta):
    """An array of another library: a copy, with whole numbers as floats."""
    kind = dtype_kind(theta.dtype)
    if kind not in "iuf":
        raise TypeError(
            f"theta is {shown(theta)}; it must be an array of real numbers"
            + (COMPLEX if kind == "c" else "")
        )
    if 0 in theta.shape:
        raise ValueError(f"theta is {shown(theta)}; it must have at least one number")
    if hasattr(theta, "detach") and getattr(theta, "is_leaf", False):
        theta = theta.detach()  # a parameter: its steps are no part of a graph
    theta = copied(theta) if kind == "f" else theta * 1.0
    if not is_finite(theta):
        raise ValueError(f"theta is {shown(theta)}; it must be finite")
    return theta


def copied(theta):
    """A copy that nobody else can change."""
    if isinstance(theta, Tree):
        return each(copied, theta)
    if isinstance(theta, np.ndarray):
        return theta.copy()
    return theta.clone() if hasattr(theta, "clone") else theta * 1 if is_array(theta) else theta


def unchanged(before, after):
    if isinstance(before, Tree):
        return all(map(unchanged, before.leaves, after.leaves))
    if isinstance(before, np.ndarray):
        return np.array_equal(before, after)
    if not is_array(before) or is_symbolic(before):
        return before is after or bool(before == after)
    return all_hold(before, lambda x, xp: x == after)


def shape_of(value):
    return tuple(value.shape) if hasattr(value, "shape") else np.shape(value)


def as_theta(value, theta):
    """A value in the type, the precision and on the device of theta."""
    if isinstance(theta, Tree):
        return each(as_theta, value, theta)
    if type(theta) is float:
        return float(value)
    dtype = getattr(theta, "dtype", None)
    if dtype is None or is_symbolic(value):
        return value
    if isinstance(theta, NUMPYS):
        if dtype == OBJECT:
            return value
        return np.asarray(value, dtype)[()]
    xp = namespace(theta)
    if is_array(value) and namespace(value) is xp:
        if value.dtype == dtype:
            return value
        return xp.astype(value, dtype) if hasattr(xp, "astype") else value.to(dtype)
    try:
        return xp.asarray(value, dtype=dtype, device=theta.device)
    except (TypeError, AttributeError):  # an array that JAX traces has no device
        return xp.asarray(value, dtype=dtype)


def check_state(rule, names, initial, state, theta):
    """The state to begin with: the rule's own, or one that a run has left."""
    if state is None:
        return tuple(initial)
    if isinstance(state, dict | str) or not isinstance(state, Iterable):
        raise TypeError(
            f"state is {shown(state)}; it must be the sequence that {name_of(rule)} returned "
            f"after theta: {', '.join(names) or 'empty'}"
        )
    state = tuple(state)
    if len(state) != len(names):
        raise ValueError(
            f"state has {len(state)} value(s); {name_of(rule)} has {len(names)}"
            + (f": {', '.join(names)}" if names else "")
        )
    if isinstance(theta, Tree):
        state = tuple(wrap(v, theta.form) if isinstance(v, CONTAINERS) else v for v in state)
    for name, value in zip(names, state, strict=True):
        if not is_finite(value):
            raise ValueError(f"the state {name} is {shown(value)}; it must be finite")
    return state


# ---- hyperparameters

FLOAT64 = np.dtype(float)


def check_hyperparameters(rule, known, given, theta):
    """Split hyperparameters into constants and schedules; raise for an unknown or a bad one."""
    for name, value in given.items():
        if name not in known:
            hint = catalogue.called_here(name, known)
            raise TypeError(
                f"{name_of(rule)} has no hyperparameter {name} (given as {shown(value)}); "
                f"it has {', '.join(known) or 'none'}" + (f"; {hint}" if hint else "")
            )
    schedules = {name: value for name, value in given.items() if callable(value)}
    constants = {
        name: check_value(name, value, theta, "", exact(value))
        for name, value in given.items()
        if name not in schedules
    }
    for name in known.keys() - given.keys():  # a default may be too fine for theta's precision
        if isinstance(known[name], int | float):
            check_representable(name, known[name], theta)
    return constants, schedules


def exact(value):
    """Whether a value comes from a conversion that keeps a library's path, ranges or not."""
    return getattr(value, "exact", False)


def check_value(name, value, theta, where="", exact=False):
    """Return a hyperparameter's value as a Python number, array or symbol; raise if not allowed.

    An array takes the precision of theta: it must not widen it.
    """
    if type(value) is float or type(value) is int:
        low = high = value
    elif is_symbolic(value):
        return value
    else:
        if isinstance(value, bool) or not (is_array(value) and is_real(value)):
            raise TypeError(
                f"{name} is {shown(value)}{where}; it must be a real number, an array or a schedule"
            )
        if shape_of(value) == ():
            if not is_known(value):
                return value
            low = high = value = float(value)
        else:
            return check_array(name, value, theta, where, exact)
    check_range(name, value, low, high, "number" if exact else catalogue.kind(name), where)
    if type(value) is float and type(theta) is not float:
        check_representable(name, value, theta, where)
    return value


def check_array(name, value, theta, where, exact):
    shape = shape_of(theta) if not isinstance(theta, Tree) else ()
    try:
        fits = 0 not in value.shape and np.broadcast_shapes(tuple(value.shape), shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{name} is {describe(value)}{where}; it must broadcast to the shape of theta, {shape}"
        )
    if is_known(value):
        numbers = as_numbers(value)
        kind = "number" if exact else catalogue.kind(name)
        check_range(name, value, numbers.min(), numbers.max(), kind, where)
        for number in {numbers.min(), numbers.max(), *_nearest_0(numbers)}:
            check_representable(name, float(number), theta, where)
    return copied(as_theta(value, theta))


def _nearest_0(numbers):
    """The number that is nearest to 0, if one is not 0."""
    sizes = np.abs(numbers[numbers != 0])
    return [sizes.min()] if sizes.size else []


def check_representable(name, value, theta, where=""):
    """Raise ValueError if theta's precision turns a hyperparameter into another one.

    An epsilon that becomes 0 divides 0 by 0, a decay that becomes 1 never forgets.
    """
    if isinstance(theta, Tree):
        for leaf in theta.leaves:
            check_representable(name, value, leaf, where)
        return
    dtype = getattr(theta, "dtype", None)
    if dtype is None or dtype is FLOAT64 or 1e-4 < value < 0.9 or value == 0:
        return  # every floating-point type holds a number of that size
    if str(dtype).endswith(("float64", "object")) or (held := _held(value, theta)) is None:
        return
    kind = precision(dtype)
    if math.isinf(held):
        words = f"{kind} makes it {held:g}"
    elif held == 0:
        words = f"{kind} makes it 0; its least positive number is about {_least(theta):.1g}"
    elif value < 1 <= held and catalogue.kind(name) == "decay":
        texts = (f"{1 - _spacing(theta):.{digits}g}" for digits in (6, 8, 17))
        below = next(text for text in texts if text != "1")
        words = f"{kind} makes it 1; the largest number below 1 is {below}"
    else:
        return
    raise ValueError(f"{name} is {shown(value)}{where}; {words}")


def _held(value, theta):
    """A number as theta's precision holds it; None if that cannot be asked now."""
    try:
        with np.errstate(over="ignore"):
            return float(as_theta(value, theta))
    except TypeError:  # JAX traces it
        return None


def _least(theta):
    x = 1.0
    while _held(x / 2, theta):
        x /= 2
    return x


def _spacing(theta):
    """The distance from 1 to the number below it."""
    x = 1.0
    while _held(1 - x / 2, theta) < 1:
        x /= 2
    return x


# ---- the gradient


def with_value_checked(grad, theta):
    """The same gradient function, with its value in theta's precision; raises for another shape."""
    if not callable(grad):
        raise TypeError(f"grad yields {shown(grad)}; it must yield functions of theta")
    kind, shape, dtype = type(theta), shape_of(theta), getattr(theta, "dtype", None)
    if kind is Tree:

        def gradient(theta):
            return check_tree_gradient(grad(theta.unwrap()), theta)

    elif kind is float:

        def gradient(theta):
            g = grad(theta)
            return g if type(g) is float else check_gradient(g, theta, shape)

    elif dtype is None:  # a symbol

        def gradient(theta):
            return check_gradient(grad(theta), theta, shape)

    else:

        def gradient(theta):
            g = grad(theta)
            if type(g) is kind and g.shape == shape and g.dtype == dtype:
                return g
            return check_gradient(g, theta, shape)

    return gradient


def check_gradient(g, theta, shape, where=""):
    """Return a gradient in theta's precision; raise if it is not numeric or has another shape."""
    symbolic = is_symbolic(g)
    if isinstance(g, list | tuple) and shape:
        raise TypeError(
            f"grad(theta){where} is {shown(g)}, a {type(g).__name__}; it must be an array in the "
            f"shape of theta, {shape}: np.array({shown(g)})"
        )
    if isinstance(g, list | tuple) or not (symbolic or is_real(g)):
        raise TypeError(
            f"grad(theta){where} is {shown(g)}; it must be real numbers in the shape of theta, "
            f"{shape}"
        )
    if shape_of(g) != shape:
        raise ValueError(
            f"grad(theta){where} is {describe(g)}; it must have the shape of theta, {shape}"
        )
    return g if symbolic else as_theta(g, theta)


def check_tree_gradient(g, theta):
    """A tree of gradients, each in the shape of its leaf."""
    if not isinstance(g, CONTAINERS):
        raise TypeError(f"grad(theta) is {shown(g)}; it must be a tree of the form of theta")
    try:
        places = list(walk(g, theta.form))
    except ValueError as error:
        raise ValueError(f"grad(theta): {error}, as theta") from None
    leaves = [
        check_gradient(value, leaf, shape_of(leaf), where)
        for (where, value), leaf in zip(places, theta.leaves, strict=True)
    ]
    return Tree(leaves, theta.form)
