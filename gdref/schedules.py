r"""Schedules: hyperparameters as functions of the step.

Each function here makes a schedule, a function of the step t, and :func:`gdref.iterate` takes a
schedule for any hyperparameter: ``iterate(gd, grad, theta, eta=exponential(0.1, 100, 0.5))``.

The first step is t = 1.  A schedule counts the steps taken before, t - 1, so that step 1 uses the
initial value; PyTorch, Keras and Optax hand the same count to theirs.  The formulas are written for
the learning rate; they hold for any hyperparameter.

A schedule takes a number, an array of steps or a SymPy symbol; what made it takes symbols too.
Values are finite and not negative, or the call raises; so does a step below 1.
"""

import bisect
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

import numpy as np

from gdref._checks import (
    all_hold,
    check_flag,
    check_number,
    check_whole,
    is_array,
    is_real,
    is_symbolic,
    shown,
)
from gdref.elementary import cos, maximum, minimum, where

Schedule = Callable[[Any], Any]


class _Made:
    """A schedule that knows how it was made, so that it prints and pickles."""

    def __init__(self, function: Callable, make: Callable, args: tuple, kwargs: dict):
        self._function, self._made_by = function, (make, args, kwargs)

    def __call__(self, t: Any) -> Any:
        return self._function(t)

    def __repr__(self) -> str:
        make, args, kwargs = self._made_by
        words = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
        return f"{make.__name__}({', '.join(words)})"

    def __reduce__(self):
        make, args, kwargs = self._made_by
        return functools.partial(make, *args, **kwargs), ()


Arguments = ParamSpec("Arguments")


def _schedule(make: Callable[Arguments, Callable]) -> Callable[Arguments, Schedule]:
    """Let a function that makes schedules return a schedule that prints and pickles."""

    @functools.wraps(make)
    def made(*args, **kwargs):
        return _Made(make(*args, **kwargs), made, args, kwargs)

    return made


@_schedule
def exponential(
    initial: float, decay_steps: float, decay_rate: float, *, staircase: bool = False
) -> Schedule:
    r"""Exponential decay.

    .. math::

       \eta_t = \eta_1\,q^{(t-1)/k}

    Parameters
    ----------
    initial
        :math:`\eta_1 \ge 0`, the value at step 1.
    decay_steps
        :math:`k > 0`, how many steps multiply the value by q.
    decay_rate
        :math:`q > 0`; below 1 the value falls.
    staircase
        round (t - 1)/k down, so that the value changes every k steps only.

    Notes
    -----
    Source: Keras' ``ExponentialDecay``; with k = 1 PyTorch's ``ExponentialLR``.

    Examples
    --------
    >>> eta = exponential(0.1, 2, 0.25)
    >>> [round(eta(t), 4) for t in (1, 2, 3)]
    [0.1, 0.05, 0.025]
    """
    initial = check_number("initial", initial)
    decay_steps = check_number("decay_steps", decay_steps, positive=True)
    decay_rate = check_number("decay_rate", decay_rate, positive=True)
    check_flag("staircase", staircase)

    def schedule(t):
        n = count(t)
        return initial * decay_rate ** (n // decay_steps if staircase else n / decay_steps)

    return schedule


@_schedule
def piecewise_constant(boundaries: Sequence[int], values: Sequence[float]) -> Schedule:
    r"""Piecewise constant: one value up to each boundary, the last one for ever.

    .. math::

       \eta_t = a_i, \qquad i = \#\{j : b_j < t\}

    Parameters
    ----------
    boundaries
        :math:`b_1 < b_2 < \ldots`, whole numbers from 1.  Step :math:`b_1` is the last
        one with the first value.
    values
        :math:`a_0, a_1, \ldots \ge 0`, one more than boundaries.

    Notes
    -----
    Source: PyTorch's ``MultiStepLR`` and Optax's ``piecewise_constant_schedule``, which have the
    boundaries of here.  Keras' ``PiecewiseConstantDecay`` changes one step later: its boundary b
    is b + 1 here.

    Examples
    --------
    >>> eta = piecewise_constant([2], [0.1, 0.01])
    >>> [eta(t) for t in (1, 2, 3)]
    [0.1, 0.1, 0.01]
    """
    steps = check_boundaries(boundaries)
    levels = check_levels(values, len(steps) + 1)

    def schedule(t):
        count(t)
        if is_symbolic(t):
            import sympy

            pieces = [(level, t <= step) for level, step in zip(levels, steps, strict=False)]
            return sympy.Piecewise(*pieces, (levels[-1], True))
        if is_array(t) and steps:
            value = levels[-1]
            for step, level in zip(reversed(steps), reversed(levels[:-1]), strict=True):
                value = where(t <= step, level, value)
            return value
        return levels[bisect.bisect_left(steps, t)]

    return schedule


@_schedule
def polynomial(
    initial: float, decay_steps: float, end: float = 0.0, *, power: float = 1, cycle: bool = False
) -> Schedule:
    r"""Polynomial decay to a last value; with power 1 a straight line.

    .. math::

       \eta_t = e + (\eta_1 - e)\Big(1 - \frac{\min(t - 1, k)}{k}\Big)^p

    Parameters
    ----------
    initial
        :math:`\eta_1 \ge 0`, the value at step 1.
    decay_steps
        :math:`k > 0`; after k steps the value is e and stays.
    end
        :math:`e \ge 0`; if it is above the initial value the schedule rises.
    power
        :math:`p > 0`.
    cycle
        instead of staying at e, stretch k to its next multiple that is not below t - 1, so that
        the value jumps up and falls to e again.

    Notes
    -----
    Source: Keras' ``PolynomialDecay``, whose e is 0.0001 by default.  With e = 0 PyTorch's
    ``PolynomialLR``.

    Examples
    --------
    >>> eta = polynomial(0.1, 4, end=0.02)
    >>> [round(eta(t), 2) for t in (1, 3, 5, 9)]
    [0.1, 0.06, 0.02, 0.02]
    """
    initial, end = check_number("initial", initial), check_number("end", end)
    decay_steps = check_number("decay_steps", decay_steps, positive=True)
    power = check_number("power", power, positive=True)
    check_flag("cycle", cycle)

    def schedule(t):
        n = count(t)
        if cycle:
            length = decay_steps * maximum(1, -(-n // decay_steps))
        else:
            n, length = minimum(n, decay_steps), decay_steps
        return end + (initial - end) * (1 - n / length) ** power

    return schedule


@_schedule
def inverse_time(
    initial: float,
    decay_steps: float,
    decay_rate: float,
    *,
    power: float = 1,
    staircase: bool = False,
) -> Schedule:
    r"""Inverse time decay, the schedule of Robbins & Monro (1951).

    .. math::

       \eta_t = \frac{\eta_1}{(1 + q\,(t - 1)/k)^p}

    Parameters
    ----------
    initial
        :math:`\eta_1 \ge 0`, the value at step 1.
    decay_steps, decay_rate
        :math:`k > 0` and :math:`q \ge 0`.  With both 1 the value is
        :math:`\eta_1/t^p`.
    power
        :math:`p > 0`.  The sum of the values diverges and that of their squares converges for
        :math:`1/2 < p \le 1`.
    staircase
        round (t - 1)/k down.

    Notes
    -----
    Source: Keras' ``InverseTimeDecay``, which has p = 1.

    Examples
    --------
    >>> eta = inverse_time(0.1, 1, 1)
    >>> [eta(t) for t in (1, 2, 4)]
    [0.1, 0.05, 0.025]
    """
    initial = check_number("initial", initial)
    decay_steps = check_number("decay_steps", decay_steps, positive=True)
    decay_rate = check_number("decay_rate", decay_rate)
    power = check_number("power", power, positive=True)
    check_flag("staircase", staircase)

    def schedule(t):
        n = count(t)
        periods = n // decay_steps if staircase else n / decay_steps
        return initial / (1 + decay_rate * periods) ** power

    return schedule


@_schedule
def step(initial: float, every: float, factor: float) -> Schedule:
    r"""Step decay: multiplied by a factor every so many steps.

    .. math::

       \eta_t = \eta_1\,q^{\lfloor (t-1)/k \rfloor}

    Parameters
    ----------
    initial
        :math:`\eta_1 \ge 0`, the value of the first k steps.
    every
        :math:`k > 0`.
    factor
        :math:`q > 0`; below 1 the value falls.

    Notes
    -----
    Source: PyTorch's ``StepLR``; Keras' ``ExponentialDecay`` with ``staircase=True``.

    Examples
    --------
    >>> eta = step(0.1, 2, 0.5)
    >>> [eta(t) for t in (1, 2, 3, 4, 5)]
    [0.1, 0.1, 0.05, 0.05, 0.025]
    """
    initial = check_number("initial", initial)
    every = check_number("every", every, positive=True)
    factor = check_number("factor", factor, positive=True)
    return exponential(initial, every, factor, staircase=True)


@_schedule
def cosine(initial: float, decay_steps: float, end: float = 0.0) -> Schedule:
    r"""Cosine decay: half a wave from the initial to the last value (Loshchilov & Hutter 2017).

    .. math::

       \eta_t = e + \frac{\eta_1 - e}{2}\Big(1 + \cos\frac{\pi\min(t - 1, k)}{k}\Big)

    Parameters
    ----------
    initial
        :math:`\eta_1 \ge 0`, the value at step 1.
    decay_steps
        :math:`k > 0`; after k steps the value is e and stays.
    end
        :math:`e \ge 0`.

    Notes
    -----
    Source: Keras' ``CosineDecay`` and Optax's ``cosine_decay_schedule``; alpha is end/initial.
    PyTorch's ``CosineAnnealingLR`` agrees for k steps; then its wave goes on, up again.

    Examples
    --------
    >>> eta = cosine(0.1, 4, end=0.02)
    >>> [round(eta(t), 2) for t in (1, 3, 5, 9)]
    [0.1, 0.06, 0.02, 0.02]
    """
    initial, end = check_number("initial", initial), check_number("end", end)
    decay_steps = check_number("decay_steps", decay_steps, positive=True)

    def schedule(t):
        n = minimum(count(t), decay_steps)
        return end + (initial - end) * (1 + cos(pi_of(n) * n / decay_steps)) / 2

    return schedule


@_schedule
def warmup(schedule: Any, steps: int, start: float = 0.0) -> Schedule:
    r"""Linear warm-up: a straight line to the first value of another schedule, then that schedule.

    .. math::

       \eta_t = \begin{cases}
           a + (b_1 - a)\,(t - 1)/k & t \le k \\ b_{t-k} & t > k
       \end{cases}

    Parameters
    ----------
    schedule
        :math:`b`, what follows, a schedule or a number; after the warm-up it begins with its
        own step 1.
    steps
        :math:`k \ge 1`, a whole number.
    start
        :math:`a \ge 0`, the value at step 1.  With a = 0 the first step does not move.

    Notes
    -----
    Source: Keras' ``CosineDecay(warmup_target=..., warmup_steps=...)``, Optax's
    ``warmup_cosine_decay_schedule`` and PyTorch's ``LinearLR`` draw the same line.

    Examples
    --------
    >>> eta = warmup(cosine(0.1, 4), steps=2, start=0.02)
    >>> [round(eta(t), 2) for t in (1, 2, 3, 5, 7)]
    [0.02, 0.06, 0.1, 0.05, 0.0]
    """
    start = check_number("start", start)
    check_whole("steps", steps, low=1)
    if not callable(schedule):
        schedule = constant(check_number("schedule", schedule))
    first = check_number("schedule(1)", schedule(1))
    return join(polynomial(start, steps, end=first), steps, schedule)


@_schedule
def join(first: Schedule, steps: int, then: Any) -> Schedule:
    r"""One schedule for so many steps, then another, which begins with its own step 1.

    .. math::

       \eta_t = \begin{cases} a_t & t \le k \\ b_{t-k} & t > k \end{cases}

    Parameters
    ----------
    first, then
        :math:`a` and :math:`b`, schedules or numbers.
    steps
        :math:`k \ge 1`, a whole number.

    Notes
    -----
    Source: Optax's ``join_schedules``.

    Examples
    --------
    >>> eta = join(step(0.1, 1, 0.5), 2, 0.01)
    >>> [eta(t) for t in (1, 2, 3, 4)]
    [0.1, 0.05, 0.01, 0.01]
    """
    first = first if callable(first) else constant(check_number("first", first))
    then = then if callable(then) else constant(check_number("then", then))
    check_whole("steps", steps, low=1)

    def schedule(t):
        count(t)
        if is_array(t):
            return where(t <= steps, first(minimum(t, steps)), then(maximum(t - steps, 1)))
        if is_symbolic(t):
            import sympy

            return sympy.Piecewise((first(t), t <= steps), (then(t - steps), True))
        return first(t) if t <= steps else then(t - steps)

    return schedule


@_schedule
def restart(schedule: Schedule, steps: int) -> Schedule:
    r"""Start a schedule anew every so many steps: warm restarts (Loshchilov & Hutter 2017).

    .. math::

       \eta_t = a_{1 + (t-1) \bmod k}

    Parameters
    ----------
    schedule
        :math:`a`, a schedule; its steps 1 to k are used again and again.
    steps
        :math:`k \ge 1`, a whole number.

    Notes
    -----
    Source: with ``cosine`` PyTorch's ``CosineAnnealingWarmRestarts`` and Keras'
    ``CosineDecayRestarts`` with ``t_mul=1``.  Periods that grow are a chain of :func:`join`.

    Examples
    --------
    >>> eta = restart(polynomial(0.1, 2), 2)
    >>> [eta(t) for t in (1, 2, 3, 4)]
    [0.1, 0.05, 0.1, 0.05]
    """
    if not callable(schedule):
        raise TypeError(f"schedule is {shown(schedule)}; it must be a schedule")
    check_whole("steps", steps, low=1)
    return lambda t: schedule(1 + count(t) % steps)


@_schedule
def one_cycle(peak: float, rise: int, fall: int, start: float = 0.0, end: float = 0.0) -> Schedule:
    r"""One cycle: half a wave up to the peak, half a wave down (Smith & Topin 2019).

    .. math::

       \eta_t = \begin{cases}
           a + \frac{m - a}{2}\big(1 - \cos\frac{\pi(t-1)}{k}\big) & t \le k \\
           e + \frac{m - e}{2}\big(1 + \cos\frac{\pi\min(t-1-k,\,l)}{l}\big) & t > k
       \end{cases}

    Parameters
    ----------
    peak
        :math:`m \ge 0`, the value of step k + 1.
    rise, fall
        :math:`k \ge 1` and :math:`l > 0`, the steps up (a whole number) and down.
    start, end
        :math:`a, e \ge 0`, the value at step 1 and the last one, which stays.

    Notes
    -----
    Source: PyTorch's ``OneCycleLR(max_lr, total_steps=n, pct_start=p)`` has the rise p n - 1, the
    fall n - p n, the start max_lr/25 and the end start/10,000.  The paper draws straight lines and
    lets the momentum fall while the rate rises.

    Examples
    --------
    >>> eta = one_cycle(0.1, 2, 4, start=0.02)
    >>> [round(eta(t), 2) for t in (1, 2, 3, 5, 7, 9)]
    [0.02, 0.06, 0.1, 0.05, 0.0, 0.0]
    """
    check_whole("rise", rise, low=1)
    return join(cosine(start, rise, end=peak), rise, cosine(peak, fall, end=end))


@_schedule
def wsd(peak: float, warm: int, stable: int, decay: float, end: float = 0.0) -> Schedule:
    r"""Warm-up, stable, decay (Hu and others 2024): a line up, a plateau, a line down.

    .. math::

       \eta_t = \begin{cases}
           m\,(t - 1)/w & t \le w \\
           m & w < t \le w + s \\
           e + (m - e)\,\big(1 - \min(t - 1 - w - s,\, d)/d\big) & t > w + s
       \end{cases}

    Parameters
    ----------
    peak
        :math:`m \ge 0`.
    warm, stable
        :math:`w, s \ge 1`, the steps before and on the plateau, whole numbers.
    decay
        :math:`d > 0`, the steps of the fall.
    end
        :math:`e \ge 0`, the value that stays.

    Examples
    --------
    >>> eta = wsd(0.1, 2, 3, 4)
    >>> [round(eta(t), 3) for t in (1, 2, 3, 6, 8, 10)]
    [0.0, 0.05, 0.1, 0.1, 0.05, 0.0]
    """
    check_whole("stable", stable, low=1)
    plateau = constant(check_number("peak", peak))
    return warmup(join(plateau, stable, polynomial(peak, decay, end)), warm)


ORDERS = ("falling", "rising", "fractal")


@_schedule
def chebyshev(lowest: float, highest: float, steps: int, order: str = "fractal") -> Schedule:
    r"""Chebyshev's rates: the best that so many rates can do on a quadratic without noise.

    .. math::

       \frac{1}{\eta_j} = \frac{\lambda_{\max} + \lambda_{\min}}{2}
           - \frac{\lambda_{\max} - \lambda_{\min}}{2} \cos\frac{(2j - 1)\pi}{2k},
       \qquad j = 1, \ldots, k

    Parameters
    ----------
    lowest, highest
        :math:`0 < \lambda_{\min} < \lambda_{\max}`, between which all curvatures lie.
    steps
        :math:`k \ge 1`, a whole number; after k steps the rates begin anew.
    order
        "falling" (j = 1, 2, ...), "rising", or "fractal", in which small rates follow a large one;
        it needs a power of 2 steps.  In exact arithmetic all orders end at the same point.

    Notes
    -----
    Source: Agarwal, Goel & Zhang (2021), who give the fractal order: 1, then again and again each
    j of n followed by 2 n + 1 - j.

    Examples
    --------
    >>> eta = chebyshev(1, 20, 4)
    >>> [round(eta(t), 3) for t in (1, 2, 3, 4, 5)]
    [0.58, 0.052, 0.146, 0.071, 0.58]
    """
    lowest = check_number("lowest", lowest, positive=True)
    highest = check_number("highest", highest, positive=True)
    check_whole("steps", steps, low=1)
    if not lowest < highest:
        raise ValueError(f"highest is {shown(highest)}; it must be above lowest")
    if order not in ORDERS:
        raise ValueError(f"order is {shown(order)}; it must be one of {', '.join(ORDERS)}")
    if order == "fractal":
        if steps & (steps - 1):
            raise ValueError(f"steps are {steps}; the fractal order needs a power of 2")
        places = [1]
        while len(places) < steps:
            places = [p for j in places for p in (j, 2 * len(places) + 1 - j)]
    else:
        places = sorted(range(1, steps + 1), reverse=order == "rising")
    middle, half = (highest + lowest) / 2, (highest - lowest) / 2
    rates = [1 / (middle - half * math.cos((2 * j - 1) * math.pi / (2 * steps))) for j in places]
    return restart(piecewise_constant(range(1, steps), rates), steps)


def constant(value: Any) -> Schedule:
    return lambda t: value + 0.0 * t if isinstance(t, np.ndarray) else value


# ---- the count, and functions on numbers, arrays and symbols


def count(t):
    """How many steps were taken before step t."""
    if not (type(t) is int or type(t) is float):
        if is_symbolic(t):
            return t - 1
        if isinstance(t, bool) or not is_real(t):
            raise TypeError(f"t is {shown(t)}; it must be the number of a step, from 1")
    fits = all_hold(t, lambda t, xp: t >= 1) if is_array(t) else 1 <= t  # not so for a nan
    if not fits:
        raise ValueError(f"t is {shown(t)}; it must be at least 1, the first step")
    return t - 1


def pi_of(n):
    """Pi, exact where n is a symbol."""
    if is_symbolic(n):
        import sympy

        return sympy.pi
    return math.pi


# ---- the checks of lists


def check_boundaries(boundaries: Any) -> list[int]:
    steps = check_sequence("boundaries", boundaries)
    for step in steps:
        check_whole("boundary", step, low=1)
    if sorted(set(steps)) != steps:
        raise ValueError(f"boundaries are {shown(steps)}; they must increase")
    return steps


def check_levels(values: Any, length: int) -> list[float]:
    levels = [check_number("value", value) for value in check_sequence("values", values)]
    if len(levels) != length:
        raise ValueError(
            f"values are {shown(levels)}; there must be {length}, one more than boundaries"
        )
    return levels


def check_sequence(name: str, value: Any) -> list:
    if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray):
        raise TypeError(f"{name} is {shown(value)}; it must be a list of numbers")
    return list(value)
