"""The loop: a rule applied again and again, with every input checked once, at the call."""

import inspect
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gdref.gradients import forward_difference

RATES = {"eta", "eps", "lam", "multiplier"}
DECAYS = {"gamma", "rho", "beta1", "beta2"}
OBJECT = np.dtype(object)  # the dtype of an array of symbols


def iterate(rule: Callable, grad: Any, theta: Any, **hyperparameters: Any) -> Iterator:
    """The iterates theta_0, theta_1, theta_2, ... of a rule, computed as they are asked for.

    Parameters
    ----------
    rule
        an update rule, one of :mod:`gdref.rules` or your own of the same form.
    grad
        a function of theta that returns the gradient; or an iterable of such functions, one a
        step, as mini-batches give them: the iterates then end when it ends.  Its value is taken
        in the precision of theta.
    theta
        the start: a number, an array (or nested lists of numbers) or a SymPy expression.
        Integers become floats; float32 stays float32.
    **hyperparameters
        as the rule names them, the rule's defaults otherwise.  A callable one is a schedule:
        step t, counted from 1, uses its value at t.

    Returns
    -------
    iterator
        yields theta_0 first.  It has no end unless ``grad`` has one.

    Raises
    ------
    TypeError, ValueError
        at the call, for whatever is wrong with the input; to find a gradient of the wrong shape,
        a rule that returns no tuple or one that changes theta in place, the first step is
        computed at the call too.  What a schedule or a gradient gives later is checked then.

    Examples
    --------
    >>> from itertools import islice
    >>> from gdref import gd, iterate
    >>> [round(theta, 4) for theta in islice(iterate(gd, lambda x: 2 * x, 1.0, eta=0.25), 4)]
    [1.0, 0.5, 0.25, 0.125]
    """
    return (step[0] for step in iterate_state(rule, grad, theta, **hyperparameters))


def iterate_state(rule: Callable, grad: Any, theta: Any, **hyperparameters: Any) -> Iterator[tuple]:
    """As :func:`iterate`, but each item is the tuple ``(theta, *state)`` of that step."""
    _, initial_state, known = form(rule)
    theta = check_theta(theta)
    constants, schedules = check_hyperparameters(rule, known, hyperparameters, theta)
    if callable(grad):
        gradients: Iterator[Callable] = itertools.repeat(with_value_checked(grad, theta))
    else:
        try:
            gradients = (with_value_checked(g, theta) for g in iter(grad))
        except TypeError:
            raise TypeError(
                f"grad is {shown(grad)}; "
                "it must be a function of theta or an iterable of such functions"
            ) from None
    start = (theta, *initial_state)
    steps = _steps(rule, gradients, start, constants, schedules)
    before = theta.copy() if isinstance(theta, np.ndarray) else theta
    first = list(itertools.islice(steps, 1))
    if isinstance(theta, np.ndarray) and not np.array_equal(before, theta):
        raise ValueError(
            f"theta was {shown(before)} and is {shown(theta)} after step 1: {name_of(rule)} "
            "or grad changed it in place; they must return new arrays"
        )
    return itertools.chain([start], first, steps)


def _steps(rule, gradients, state, constants, schedules):
    start, length = state[0], len(state)
    kind, shape = type(start), np.shape(start)
    for t, grad in enumerate(gradients, start=1):
        if schedules:
            constants = constants | {
                name: check_value(
                    name, schedule(t), start, f" at step {t}", getattr(schedule, "unbounded", False)
                )
                for name, schedule in schedules.items()
            }
        state = rule(t, state[0], grad, *state[1:], **constants)
        check_step(rule, state, length)
        theta = state[0]
        if type(theta) is not kind or (shape and theta.shape != shape):
            check_new_theta(rule, theta, shape)
        yield state


def check_step(rule, step, length):
    if not isinstance(step, tuple) or len(step) != length:
        raise TypeError(
            f"{name_of(rule)} returned {describe(step)}; it must return a tuple of {length}, "
            f"theta and {length - 1} state value(s) (for theta alone write `return (theta,)`)"
        )


def check_new_theta(rule, theta, shape):
    if not (is_symbolic(theta) or is_real(theta)):
        raise TypeError(f"{name_of(rule)} returned theta = {shown(theta)}; it must be real numbers")
    if np.shape(theta) != shape:
        raise ValueError(
            f"{name_of(rule)} returned theta of shape {np.shape(theta)}; "
            f"it must keep the shape {shape}"
        )


@dataclass(frozen=True)
class Result:
    """What :func:`minimize` returns; the names are those of ``scipy.optimize.OptimizeResult``.

    Attributes
    ----------
    x
        the last finite iterate.
    fun
        the objective at x.
    nit
        how many steps were completed with a finite result.
    success
        whether all ``steps`` were taken; it does not say that x is a minimum.
    message
        why the run ended, in words.
    path
        theta_0 ... theta_nit stacked along a new first axis, or None if ``keep_path=False``.
    """

    x: Any
    fun: Any
    nit: int
    success: bool
    message: str
    path: np.ndarray | None


def minimize(
    fun: Callable,
    x0: Any,
    rule: Callable,
    *,
    grad: Any = None,
    steps: int | None = None,
    keep_path: bool = True,
    **hyperparameters: Any,
) -> Result:
    """Run a rule for a number of steps and return the result with its path.

    Parameters
    ----------
    fun
        the objective, a function of theta.
    x0
        the start, as in :func:`iterate`.
    rule
        the update rule.
    grad
        the gradient, a function of theta or an iterable of such functions.  If it is None, a
        forward difference of ``fun`` stands in for it: d + 1 evaluations of ``fun`` a step, with
        an error of about 1e-8 of the gradient (:func:`gdref.gradients.forward_difference`).
    steps
        how many steps to take.  It may be left out only if ``grad`` is an iterable.
    keep_path
        whether to store every iterate; without it a run needs the memory of one.
    **hyperparameters
        as in :func:`iterate`.

    Returns
    -------
    Result
        If an iterate becomes NaN or infinite the run stops and the message names the step; an
        overflow, a division by zero or an interrupt from the keyboard stops it in the same way.
        What was computed is returned.

    Raises
    ------
    TypeError, ValueError
        as :func:`iterate`.

    Examples
    --------
    >>> from gdref import minimize, momentum
    >>> result = minimize(lambda x: x**2, 1.0, momentum, grad=lambda x: 2 * x, steps=200)
    >>> result.nit, result.success, abs(result.x) < 1e-3
    (200, True, True)
    """
    if not callable(fun):
        raise TypeError(f"fun is {shown(fun)}; it must be a function of theta")
    if steps is None and (grad is None or callable(grad)):
        raise TypeError("steps is missing; it may be left out only if grad is an iterable")
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int | np.integer)):
        raise TypeError(f"steps is {shown(steps)}; it must be a whole number")
    if steps is not None and steps < 0:
        raise ValueError(f"steps is {steps}; it must be 0 or more")
    x = check_theta(x0)
    value = value_at(fun, x)
    if not (is_symbolic(value) or is_real(value)):
        raise TypeError(f"fun(x0) is {shown(value)}; it must be a real number")
    if grad is None:
        grad = forward_difference(fun)

    path = [x]
    nit = 0
    success, message = False, ""
    # A Python float overflows with an exception where an array becomes infinite.
    try:
        iterates = iterate(rule, grad, x, **hyperparameters)
        for theta in itertools.islice(iterates, 1, limit(steps)):
            if not is_finite(theta):
                message = f"theta became NaN or infinite at step {nit + 1}; x is the iterate before"
                break
            x = theta
            nit += 1
            if keep_path:
                path.append(x)
        else:
            success = steps is None or nit == steps
            message = f"took {nit} steps" if success else f"grad ended after {nit} of {steps} steps"
    except (ArithmeticError, KeyboardInterrupt) as stop:
        reason = f"stopped by {type(stop).__name__} {stop}".strip()
        message = f"{reason} at step {nit + 1}; x is the iterate before"
    return Result(x, value_at(fun, x), nit, success, message, stack(path) if keep_path else None)


def value_at(fun, x):
    """The objective at x; inf or nan where Python raises, so that a diverged run keeps its path."""
    try:
        return fun(x)
    except OverflowError:
        return math.inf
    except ArithmeticError:
        return math.nan


def limit(steps):
    """Where to cut an iterator that starts with theta_0."""
    return None if steps is None else int(steps) + 1


def stack(path):
    if is_symbolic(path[0]):
        return np.array(path, dtype=object)
    return np.stack([np.asarray(theta) for theta in path])


def form(rule: Callable) -> tuple[list[str], list, dict]:
    """The form of a rule: names of its state, its initial values, hyperparameters with defaults.

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
        [p.default for p in state],
        {p.name: p.default for p in keyword},
    )


def check_theta(theta):
    """Return theta as a float, a float array or a symbol; raise if it is none of these."""
    if hasattr(theta, "free_symbols"):
        return theta
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
        ) from None
    if isinstance(theta, np.ndarray) and theta.size == 0:
        raise ValueError(f"theta is {shown(theta)}; it must have at least one number")
    if not is_finite(theta):
        raise ValueError(f"theta is {shown(theta)}; it must be finite")
    return theta


def check_hyperparameters(rule, known, given, theta):
    """Split hyperparameters into constants and schedules; raise for an unknown or a bad one."""
    for name, value in given.items():
        if name not in known:
            raise TypeError(
                f"{name_of(rule)} has no hyperparameter {name} (given as {shown(value)}); "
                f"it has {', '.join(known) or 'none'}"
            )
    schedules = {name: value for name, value in given.items() if callable(value)}
    constants = {
        name: check_value(name, value, theta)
        for name, value in given.items()
        if name not in schedules
    }
    return constants, schedules


def check_value(name, value, theta, where="", unbounded=False):
    """Return a hyperparameter's value as a Python number, array or symbol; raise if not allowed.

    An array takes the precision of theta: it must not widen it.  ``unbounded`` lets a decay reach 1
    and more, as a schedule with such an attribute does: a conversion of :mod:`gdref.dialects`
    multiplies a decay by the ratio of two rates.
    """
    if is_symbolic(value):
        return value
    if type(value) is float or type(value) is int:
        low = high = value
    else:
        if not isinstance(value, int | float | np.generic | np.ndarray) or not is_real(value):
            raise TypeError(
                f"{name} is {shown(value)}{where}; it must be a real number, an array or a schedule"
            )
        if np.ndim(value) == 0:
            low = high = value = float(value)
        else:
            value = check_array(name, value, theta, where)
            low, high = value.min(), value.max()
    if name in DECAYS and not (low >= 0 and (high < 1 or unbounded)):
        raise ValueError(f"{name} is {shown(value)}{where}; it must be in [0, 1)")
    if name in RATES and not (low >= 0 and high < math.inf):
        raise ValueError(f"{name} is {shown(value)}{where}; it must be finite and not negative")
    if not (low > -math.inf and high < math.inf):
        raise ValueError(f"{name} is {shown(value)}{where}; it must be finite")
    return value


def check_array(name, value, theta, where):
    shape = getattr(theta, "shape", ())
    try:
        fits = value.size > 0 and np.broadcast_shapes(value.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{name} is {describe(value)}{where}; it must broadcast to the shape of theta, {shape}"
        )
    return value.astype(theta.dtype)


def with_value_checked(grad, theta):
    """The same gradient function, with its value in theta's precision; raises for another shape."""
    if not callable(grad):
        raise TypeError(f"grad yields {shown(grad)}; it must yield functions of theta")
    kind, shape, dtype = type(theta), np.shape(theta), getattr(theta, "dtype", None)
    if kind is float:

        def gradient(theta):
            g = grad(theta)
            return g if type(g) is float else check_gradient(g, shape, float)

    elif dtype is None:  # a symbol

        def gradient(theta):
            return check_gradient(grad(theta), shape, None)

    else:

        def gradient(theta):
            g = grad(theta)
            if type(g) is kind and g.shape == shape and g.dtype == dtype:
                return g
            return check_gradient(g, shape, dtype)

    return gradient


def check_gradient(g, shape, dtype):
    """Return a gradient in theta's precision; raise if it is not numeric or has another shape."""
    symbolic = is_symbolic(g)
    if isinstance(g, list | tuple) or not (symbolic or is_real(g)):
        raise TypeError(
            f"grad(theta) is {shown(g)}; it must be real numbers in the shape of theta, {shape}"
        )
    if np.shape(g) != shape:
        raise ValueError(f"grad(theta) is {describe(g)}; it must have the shape of theta, {shape}")
    if symbolic or dtype is None or dtype == OBJECT:  # a symbolic theta takes a number as it is
        return g
    return float(g) if dtype is float else np.asarray(g, dtype)[()]


def is_symbolic(value) -> bool:
    """Whether a value is a SymPy expression or an array with one among real numbers."""
    if getattr(value, "dtype", None) == OBJECT:
        symbols = [hasattr(x, "free_symbols") for x in value.flat]
        rest = [x for x, s in zip(value.flat, symbols, strict=True) if not s]
        return any(symbols) and all(map(is_real, rest))
    return hasattr(value, "free_symbols")


def is_real(value) -> bool:
    """Whether a value is a real number or an array of real numbers; a bool is none."""
    if type(value) is float or type(value) is int:
        return True
    try:
        return np.asarray(value).dtype.kind in "iuf"
    except (TypeError, ValueError):
        return False


def is_finite(value) -> bool:
    if type(value) is float:
        return math.isfinite(value)
    if is_symbolic(value):
        return True
    return bool(np.isfinite(value).all())


def name_of(rule) -> str:
    return getattr(rule, "__name__", repr(rule))


def describe(value) -> str:
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return shown(value)


def shown(value) -> str:
    """The repr on one line, cut where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 100 else text[:97] + "..."
