"""The loop: a rule applied again and again, with every input checked once, at the call."""

import itertools
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gdref._checks import (
    check_callable,
    check_whole,
    decided,
    is_array,
    is_finite,
    is_real,
    is_symbolic,
    name_of,
    shown,
)
from gdref._inputs import (
    as_theta,
    check_hyperparameters,
    check_new_theta,
    check_state,
    check_step,
    check_theta,
    check_value,
    copied,
    exact,
    form,
    parts,
    shape_of,
    unchanged,
    with_value_checked,
)
from gdref.elementary import NUMPYS, namespace
from gdref.gradients import forward_difference
from gdref.rules import Rule
from gdref.trees import Tree, each, is_tree, wrap


def iterate(
    rule: Rule,
    grad: Callable | Iterable[Callable],
    theta: Any,
    *,
    t: int = 1,
    state: Iterable | None = None,
    **hyperparameters: Any,
) -> Iterator:
    """The iterates theta_0, theta_1, theta_2, ... of a rule, computed as they are asked for.

    Parameters
    ----------
    rule
        an update rule, one of :mod:`gdref.rules` or your own of the same form.
    grad
        a function of theta that returns the gradient; or an iterable of such functions, one a
        step, as mini-batches give them: the iterates then end when it ends.  Its value is taken
        in the type and the precision of theta.
    theta
        the start: a number, an array of any library (or nested lists of numbers), a SymPy
        expression, or a tree of these: a dict or a list of arrays.  Integers become floats;
        float32 stays float32, a tensor a tensor on its device.
    t, state
        to go on with a run: the number of the next step, and the state after the last one, as the
        rule returned it.
    **hyperparameters
        as the rule names them, the rule's defaults otherwise.  A callable one is a schedule:
        step t, counted from 1, uses its value at t.

    Returns
    -------
    iterator
        yields the start first.  It has no end unless ``grad`` has one.

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
    steps = iterate_state(rule, grad, theta, t=t, state=state, **hyperparameters)
    return (step[0] for step in steps)


def iterate_state(
    rule: Rule,
    grad: Callable | Iterable[Callable],
    theta: Any,
    *,
    t: int = 1,
    state: Iterable | None = None,
    **hyperparameters: Any,
) -> Iterator[tuple]:
    """As :func:`iterate`, but each item is the tuple ``(theta, *state)`` of that step.

    Examples
    --------
    Ten steps at once, or six and then four: the same numbers.

    >>> from itertools import islice
    >>> from gdref import adam, iterate_state
    >>> def slope(x):
    ...     return 2 * x
    >>> *_, at_once = islice(iterate_state(adam, slope, 1.0), 11)
    >>> *_, (theta, *state) = islice(iterate_state(adam, slope, 1.0), 7)
    >>> *_, in_two = islice(iterate_state(adam, slope, theta, t=7, state=state), 5)
    >>> at_once == in_two
    True
    """
    steps = _checked_steps(rule, grad, theta, t, state, hyperparameters)
    return map(_unwrapped, steps) if is_tree(theta) else steps


def _plain(value):
    return value.unwrap() if isinstance(value, Tree) else value


def _unwrapped(step):
    return tuple(map(_plain, step))


def _checked_steps(rule, grad, theta, t, state, hyperparameters):
    """The steps (theta, *state), with a tree as a Tree; everything is checked first."""
    names, initial, known, narrowed = parts(rule)
    check_whole("t", t, low=1)
    theta = check_theta(theta)
    constants, schedules = check_hyperparameters(rule, known, hyperparameters, theta)
    constants = narrowed | constants
    start = (theta, *check_state(rule, names, initial, state, theta))
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
    steps = _steps(rule, gradients, start, int(t), constants, schedules)
    before = copied(theta)
    first = list(itertools.islice(steps, 1))
    if not unchanged(before, theta):
        raise ValueError(
            f"theta was {shown(before)} and is {shown(theta)} after step {t}: {name_of(rule)} "
            "or grad changed it in place; they must return new arrays"
        )
    return itertools.chain([start], first, steps)


def _steps(rule, gradients, state, first, constants, schedules):
    start, length = state[0], len(state)
    kind, shape, dtype = type(start), shape_of(start), getattr(start, "dtype", None)
    plans = [(name, schedule, exact(schedule)) for name, schedule in schedules.items()]
    for t, grad in enumerate(gradients, start=first):
        if plans:
            where = f" at step {t}"
            for name, schedule, keeps in plans:
                constants[name] = check_value(name, schedule(t), start, where, keeps)
        state = rule(t, state[0], grad, *state[1:], **constants)
        check_step(rule, state, length)
        theta = state[0]
        same = type(theta) is kind
        if dtype is not None and same:
            same = theta.shape == shape and theta.dtype == dtype
        if not same:
            state = (check_new_theta(rule, theta, start), *state[1:])
        yield state


@dataclass(frozen=True)
class Result:
    """What :func:`minimize` returns; the names are those of ``scipy.optimize.OptimizeResult``.

    Attributes
    ----------
    x
        the last iterate that is finite and has a finite state.
    fun
        the objective at x.
    nit
        how many steps were completed.
    nfev
        how often ``fun`` was evaluated, finite differences included.
    success
        whether all ``steps`` were taken (or the callback ended the run) and x could move; it does
        not say that x is a minimum.
    message
        why the run ended, in words.
    path
        theta_0 ... theta_nit stacked along a new first axis (in a tree, leaf by leaf), or None if
        ``keep_path=False``.
    losses
        the objective at each iterate of the path, or None if ``keep_path=False``.
    state
        the state after the last step, as the rule returned it: ``state=result.state,
        t=result.t`` goes on with the run.
    t
        the number of the next step.
    """

    x: Any
    fun: Any
    nit: int
    nfev: int
    success: bool
    message: str
    path: Any
    losses: Any
    state: tuple
    t: int


def minimize(
    fun: Callable,
    x0: Any,
    rule: Rule,
    *,
    grad: Callable | Iterable[Callable] | None = None,
    steps: int | None = None,
    t: int = 1,
    state: Iterable | None = None,
    callback: Callable[[Any], Any] | None = None,
    keep_path: bool = True,
    progress: bool = False,
    **hyperparameters: Any,
) -> Result:
    """Run a rule for a number of steps and return the result with its path.

    Parameters
    ----------
    fun
        the objective, a function of theta.  To climb, negate it and its gradient.
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
    t, state
        to go on with a run, as in :func:`iterate`: those of its :class:`Result`.
    callback
        a function of the iterate, called after each step; if it returns True the run ends.
    keep_path
        whether to store every iterate and its objective; without it a run needs the memory of one
        iterate, and ``fun`` is evaluated at the start and at the end only.
    progress
        whether to show the steps taken, about twice a second, on stderr.
    **hyperparameters
        as in :func:`iterate`.

    Returns
    -------
    Result
        If an iterate or the state becomes NaN or infinite the run stops and the message names the
        step: an infinite average of squares freezes a parameter for ever.  An overflow, a division
        by zero or an interrupt from the keyboard stops it in the same way.  What was computed is
        returned.  The message also says if the last step was lost in rounding.

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
    check_callable("fun", fun)
    if steps is None and (grad is None or callable(grad)):
        raise TypeError("steps is missing; it may be left out only if grad is an iterable")
    steps = None if steps is None else check_whole("steps", steps)
    if callback is not None:
        check_callable("callback", callback)
    objective = _Counted(fun)
    x = check_theta(x0)
    value = value_at(objective, x)
    if not (is_symbolic(value) or is_real(value)):
        raise TypeError(f"fun(x0) is {shown(value)}; it must be a real number")
    if grad is None:
        grad = forward_difference(objective)

    names, initial, _ = form(rule)
    now = (x, *check_state(rule, names, initial, state, x))
    run = _Run(names, now, t, objective, keep_path, value)
    show = _Progress(steps) if progress else None
    success, message = False, ""
    # A Python float overflows with an exception where an array becomes infinite.
    try:
        watched = _Watched(grad)
        iterates = _checked_steps(rule, watched.grad, x, t, state, hyperparameters)
        for step in itertools.islice(iterates, 1, None if steps is None else steps + 1):
            if broken := run.add(step):
                message = f"{broken} became NaN or infinite at step {run.t}"
                message += "; x is the iterate before"
                break
            if show:
                show(run.nit)
            if callback is not None and callback(_plain(run.x)) is True:
                success, message = True, f"the callback ended the run after {run.nit} steps"
                break
        else:
            success = steps is None or run.nit == steps
            message = f"took {run.nit} steps"
            if not success:
                message = f"grad ended after {run.nit} of {steps} steps"
        if success and run.nit and (lost := _lost(rule, watched.last, run, hyperparameters)):
            message += f"; {lost}"
            success = not run.never_moved()
    except (ArithmeticError, KeyboardInterrupt) as stop:
        reason = f"stopped by {type(stop).__name__} {stop}".strip()
        message = f"{reason} at step {run.t}; x is the iterate before"
    finally:
        if show:
            show.end(run.nit)
    return run.result(success, message)


class _Counted:
    """The objective, counting how often it is evaluated."""

    def __init__(self, fun):
        self.fun, self.count = fun, 0

    def __call__(self, theta):
        self.count += 1
        return self.fun(theta)


class _Watched:
    """The gradient, or the gradients, and the last value that one gave."""

    def __init__(self, grad):
        self.last = None
        if callable(grad):
            self.grad = self._watching(grad)
        elif isinstance(grad, Iterable):
            self.grad = (self._watching(g) if callable(g) else g for g in grad)
        else:
            self.grad = grad

    def _watching(self, grad):
        def watched(theta):
            self.last = grad(theta)
            return self.last

        return watched


class _Run:
    """What a run has computed so far."""

    def __init__(self, names, now, t, fun, keep_path, value):
        self.names, self.now, self.before, self.fun = names, now, now, fun
        self.first, self.t, self.nit = now[0], t, 0
        self.path: list[Any] | None = [now[0]] if keep_path else None
        self.losses: list[Any] | None = [value] if keep_path else None
        self.value = value

    @property
    def x(self):
        return self.now[0]

    def add(self, step):
        """Keep a step; or say which parts of it are not finite."""
        if not all(map(is_finite, step)):
            return self.broken(step)
        self.before, self.now = self.now, step
        self.t, self.nit = self.t + 1, self.nit + 1
        if self.path is not None:
            self.path.append(self.x)
        if self.losses is not None:
            self.losses.append(value_at(self.fun, self.x))
        return ""

    def broken(self, step):
        theta, *state = (not is_finite(value) for value in step)
        of_state = ", ".join(itertools.compress(self.names, state))
        words = ["theta"] * theta + [f"the state {of_state}"] * bool(of_state)
        return " and ".join(words)

    def never_moved(self):
        return unchanged(self.first, self.x)

    def result(self, success, message):
        if self.losses:
            value = self.losses[-1]
        else:
            value = value_at(self.fun, self.x) if self.nit else self.value
        return Result(
            x=_plain(self.x),
            fun=value,
            nit=self.nit,
            nfev=self.fun.count,
            success=success,
            message=message,
            path=None if self.path is None else _plain(stack(self.path)),
            losses=None if self.losses is None else stack(self.losses),
            state=_unwrapped(self.now[1:]),
            t=int(self.t),
        )


class _Progress:
    """The steps taken and the time left, on one line of stderr."""

    def __init__(self, steps):
        self.steps, self.started, self.shown = steps, time.monotonic(), 0.0

    def __call__(self, nit):
        now = time.monotonic()
        if now - self.shown >= 0.5:
            self.shown = now
            self.write(nit)

    def write(self, nit, end=""):
        text = f"\rstep {nit}"
        if self.steps:
            left = (time.monotonic() - self.started) / max(nit, 1) * (self.steps - nit)
            text += f" of {self.steps}, {left:.0f} s left "
        print(text, end=end, file=sys.stderr, flush=True)

    def end(self, nit):
        self.write(nit, "\n")


def _lost(rule, g, run, hyperparameters):
    """In words, how many numbers the last step left as they were though it was not 0 there.

    The step is taken once more from theta = 0, where no spacing of numbers hides it.
    """
    theta, *state = run.before
    stays = [a == b for a, b in zip(_leaves(theta), _leaves(run.x), strict=True)]
    if is_symbolic(theta) or not any(decided(lambda s=s: _count(s), False) for s in stays):
        return ""
    constants = {
        name: value(run.t - 1) if callable(value) else value
        for name, value in hyperparameters.items()
    }
    try:
        g = wrap(g, theta.form) if isinstance(theta, Tree) else g
        zero = theta * 0
        moved = rule(run.t - 1, zero, lambda _: as_theta(g, zero), *state, **constants)[0]
    except ArithmeticError:
        return ""
    lost = sum(int(_count(s & (m != 0))) for s, m in zip(stays, _leaves(moved), strict=True))
    if not lost:
        return ""
    total = sum(math.prod(shape_of(leaf)) for leaf in _leaves(theta))
    return (
        f"the last step left {lost} of {total} numbers as they were: "
        "it is shorter than the spacing of floating-point numbers there"
    )


def _leaves(theta):
    return theta.leaves if isinstance(theta, Tree) else [theta]


def _count(values):
    return namespace(values).count_nonzero(values) if is_array(values) else int(values)


def value_at(fun, x):
    """The objective at x; inf or nan where Python raises, so that a diverged run keeps its path."""
    try:
        return fun(_plain(x))
    except OverflowError:
        return math.inf
    except ArithmeticError:
        return math.nan


def stack(path):
    """Iterates, or objectives, along a new first axis."""
    first = path[0]
    if isinstance(first, Tree):
        return each(lambda *leaves: stack(leaves), *path)
    if is_symbolic(first):
        return np.array(path, dtype=object)
    if is_array(first) and not isinstance(first, NUMPYS):
        return namespace(first).stack(list(path))
    return np.stack([np.asarray(theta) for theta in path])
