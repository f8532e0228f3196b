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


def iterate(rule: Callable, grad: Any, theta: Any, **hyperparameters: Any) -> Iterator:
    """The iterates theta_0, theta_1, theta_2, ... of a rule, computed as they are asked for.

    Parameters
    ----------
    rule
        an update rule, one of :mod:`gdref.rules` or your own of the same form.
    grad
        a function of theta that returns the gradient; or an iterable of such functions, one a
        step, as mini-batches give them: the iterates then end when it ends.
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
        at the call, for whatever is wrong with the input; to find a gradient of the wrong shape
        or a rule that returns no tuple, the first step is computed at the call too.

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
    state_names, initial_state, known = form(rule)
    theta = check_theta(theta)
    constants, schedules = check_hyperparameters(rule, known, hyperparameters)
    if callable(grad):
        gradients = itertools.repeat(with_shape_checked(grad, theta))
    else:
        try:
            gradients = (with_shape_checked(g, theta) for g in iter(grad))
        except TypeError:
            raise TypeError(
                f"grad is {grad!r}; it must be a function of theta or an iterable of such functions"
            ) from None
    start = (theta, *initial_state)
    steps = _steps(rule, gradients, start, constants, schedules)
    first = list(itertools.islice(steps, 1))
    return itertools.chain([start], first, steps)


def _steps(rule, gradients, state, constants, schedules):
    shape = getattr(state[0], "shape", ())
    length = len(state)
    for t, grad in enumerate(gradients, start=1):
        if schedules:
            constants = constants | {
                name: check_value(name, schedule(t), f" at step {t}")
                for name, schedule in schedules.items()
            }
        state = rule(t, state[0], grad, *state[1:], **constants)
        if not isinstance(state, tuple) or len(state) != length:
            raise TypeError(
                f"{name_of(rule)} returned {describe(state)}; it must return a tuple of {length}, "
                f"theta and {length - 1} state value(s) (for theta alone write `return (theta,)`)"
            )
        if getattr(state[0], "shape", ()) != shape:
            raise ValueError(
                f"{name_of(rule)} returned theta of shape {np.shape(state[0])}; "
                f"it must keep the shape {shape}"
            )
        yield state


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
        whether every step was taken; it does not say that x is a minimum.
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
        interrupt from the keyboard stops it in the same way.  What was computed is returned.

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
        raise TypeError(f"fun is {fun!r}; it must be a function of theta")
    if steps is None and (grad is None or callable(grad)):
        raise TypeError("steps is missing; it may be left out only if grad is an iterable")
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int | np.integer)):
        raise TypeError(f"steps is {steps!r}; it must be a whole number")
    if steps is not None and steps < 0:
        raise ValueError(f"steps is {steps}; it must be 0 or more")
    if grad is None:
        grad = forward_difference(fun)

    x = check_theta(x0)
    path = [x]
    nit = 0
    success, message = True, ""
    # A Python float overflows with an exception where an array becomes infinite.
    try:
        iterates = iterate(rule, grad, x, **hyperparameters)
        for nit, theta in enumerate(itertools.islice(iterates, 1, limit(steps)), start=1):
            if not is_finite(theta):
                raise FloatingPointError("theta is not finite")
            x = theta
            if keep_path:
                path.append(x)
        message = f"took {nit} steps"
    except (ArithmeticError, KeyboardInterrupt) as stop:
        success = False
        reason = "interrupted" if isinstance(stop, KeyboardInterrupt) else f"diverged ({stop})"
        failed = nit if isinstance(stop, FloatingPointError) else nit + 1
        nit = failed - 1
        message = f"{reason} at step {failed}; x is the iterate before it"
    return Result(x, value_at(fun, x), nit, success, message, stack(path) if keep_path else None)


def value_at(fun, x):
    """The objective at x; infinite where it overflows, so that a diverged run keeps its path."""
    try:
        return fun(x)
    except OverflowError:
        return math.inf


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
        raise TypeError(f"rule is {rule!r}; it must be a function such as gdref.adam")
    parameters = list(inspect.signature(rule).parameters.values())
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    keyword = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    state = positional[3:]
    if len(positional) < 3 or any(p.default is p.empty for p in state):
        raise TypeError(
            f"{name_of(rule)}{inspect.signature(rule)} is not of the form of a rule: "
            "(t, theta, grad, state=initial, ..., *, hyperparameter=default, ...)"
        )
    return (
        [p.name for p in state],
        [p.default for p in state],
        {p.name: p.default for p in keyword},
    )


def check_theta(theta):
    """Return theta as a float, a float array or a symbol; raise if it is none of these."""
    if is_symbolic(theta):
        return theta
    if type(theta) is float or type(theta) is int:
        theta = float(theta)
    else:
        try:
            array = np.array(theta)  # a copy: the caller may change theirs
        except ValueError:
            raise TypeError(f"theta is {theta!r}; it must be numeric, of one shape") from None
        if array.dtype == object and array.size and all(map(is_symbolic, array.flat)):
            return array
        if array.dtype.kind not in "iuf":
            raise TypeError(
                f"theta is {theta!r}; it must be a real number or an array of real numbers"
            )
        if array.dtype.kind in "iu":
            array = array.astype(float)
        theta = array if not isinstance(theta, np.generic) else array[()]
    if not is_finite(theta):
        raise ValueError(f"theta is {theta!r}; it must be finite")
    return theta


def check_hyperparameters(rule, known, given):
    """Split hyperparameters into constants and schedules; raise for an unknown or a bad one."""
    for name in given:
        if name not in known:
            raise TypeError(
                f"{name_of(rule)} has no hyperparameter {name!r}; it has {', '.join(known) or 'none'}"
            )
    schedules = {name: value for name, value in given.items() if callable(value)}
    constants = {
        name: check_value(name, value) for name, value in given.items() if name not in schedules
    }
    return constants, schedules


def check_value(name, value, where=""):
    """Return a hyperparameter's value as a Python number, array or symbol; raise if not allowed."""
    if is_symbolic(value):
        return value
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.generic | np.ndarray):
        raise TypeError(f"{name} is {value!r}{where}; it must be a number or a schedule")
    if np.asarray(value).dtype.kind not in "iuf":
        raise TypeError(f"{name} is {value!r}{where}; it must be a real number")
    low, high = np.min(value), np.max(value)
    if name in DECAYS and not (low >= 0 and high < 1):
        raise ValueError(f"{name} is {value!r}{where}; it must be in [0, 1)")
    if name in RATES and not (low >= 0 and high < math.inf):
        raise ValueError(f"{name} is {value!r}{where}; it must be finite and not negative")
    if not is_finite(value):
        raise ValueError(f"{name} is {value!r}{where}; it must be finite")
    return value.item() if isinstance(value, np.generic) else value


def with_shape_checked(grad, theta):
    """The same gradient function, which raises if its value has not the shape of theta."""
    if not callable(grad):
        raise TypeError(f"grad yields {grad!r}; it must yield functions of theta")
    shape = getattr(theta, "shape", ())

    def gradient(theta):
        g = grad(theta)
        if g is None or getattr(g, "shape", ()) != shape or type(g) is list or type(g) is tuple:
            raise ValueError(
                f"grad(theta) is {describe(g)}; it must have the shape of theta, {shape}"
            )
        return g

    return gradient


def is_symbolic(value) -> bool:
    return hasattr(value, "free_symbols")


def is_finite(value) -> bool:
    if type(value) is float:
        return math.isfinite(value)
    if is_symbolic(value) or getattr(value, "dtype", None) == object:
        return True
    return bool(np.isfinite(value).all())


def name_of(rule) -> str:
    return getattr(rule, "__name__", repr(rule))


def describe(value) -> str:
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return f"{value!r}"
