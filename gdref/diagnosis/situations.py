"""Situations in which one step of a rule shows what it is.

A rule is a pure function, so a step from any state tells as much as a run, and an error does not
spread to the next step.  The situations come from runs of the right rule: from the start, with
gradients that change their sign, their size and their point, some 0 now and then, with
hyperparameters that have no special value.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gdref import catalogue
from gdref._inputs import form
from gdref.rules import WHOLE

START = np.array([0.9, -1.4, 0.35, 2.2])
MATRIX = np.array([[0.9, -1.4], [0.35, 2.2], [-0.7, 1.1]])
STEPS = 6
LATE = (12, 40)  # steps that are looked at besides, for what changes later
#: how far two right implementations may be apart, relative to what they compute
TOLERANCE = {"float64": 1e-9, "float32": 2e-4}


@dataclass(frozen=True)
class Situation:
    """A step: its number, where it starts, the gradient as a function of theta."""

    probe: str
    t: int
    theta: np.ndarray
    gradient: Callable
    state: tuple
    hyperparameters: dict[str, Any]


def start_of(rule: Any, probe: str = "") -> np.ndarray:
    """Where a run of a rule starts: a vector, or a matrix for a rule of whole arrays.

    The matrix is taller than wide; of two probes it is square or wider than tall, for what depends
    on the shape.
    """
    if getattr(rule, "__name__", rule) not in WHOLE:
        return START
    if probe == ZEROS:
        return 0 * MATRIX
    return {"a curved loss": MATRIX[:2], "large gradients": MATRIX.T}.get(probe, MATRIX)


def _curved(t):
    return lambda x: 5 / t * (np.sin(2 * x) + x)


def _random(t):
    size = 2.0 if t % 2 else 0.5
    return lambda x: size * np.random.default_rng(t).normal(size=np.shape(x)) + 0 * x


def _sometimes(t):
    """Like the random one; from step 2 on some entries are 0."""

    def gradient(x):
        g = np.random.default_rng(50 + t).normal(size=np.shape(x))
        if t > 1:
            g.flat[np.arange(g.size) % t == 1] = 0.0
        return g + 0 * x

    return gradient


def _late(t):
    """Nothing in the first step."""
    return lambda x: (t > 1) * _random(t)(x)


def _scaled(factor):
    return lambda t: lambda x: factor * _random(t)(x)


PROBES: dict[str, Callable] = {
    "a curved loss": _curved,
    "random gradients": _random,
    "gradients that are 0 now and then": _sometimes,
    "small gradients": _scaled(1e-3),
    "large gradients": _scaled(1e4),
    "tiny gradients": _scaled(1e-12),
    "huge gradients": _scaled(1e12),
}


#: of rules that divide by a length alone: without a guard the layer stays or is NaN
ZEROS = "a layer of zeros"

#: Adafactor's rate is bounded by 1 / sqrt(t), which is below this one from step 7 on
ODD = {("adafactor", "eta"): 0.4}


def odd_values(rule: Callable, shift: float = 0.0) -> dict[str, float]:
    """Hyperparameters without a special meaning."""
    known = {name: row.odd for name, row in catalogue.HYPERPARAMETERS.items()}
    known |= {name: odd for (of, name), odd in ODD.items() if of == rule.__name__}
    return {
        name: round(known[name] * (1 - shift), 6) if name in known else value
        for name, value in form(rule)[2].items()
    }


def gradients_of(rule: Callable) -> dict[str, Callable]:
    """The gradients that a rule meets, by name."""
    return PROBES | ({ZEROS: _late} if WHOLE.get(rule.__name__) == "array" else {})


@functools.cache
def situations(
    rule: Any, dtype: str = "float64", fixed: frozenset[str] = frozenset()
) -> list[Situation]:
    """Steps of the right rule from its own states; the first ones are the most telling.

    The hyperparameters of ``fixed`` have their defaults.
    """
    usual = {name: value for name, value in form(rule)[2].items() if name in fixed}
    found: list[Situation] = []
    for shift in (0.0, 0.13):
        for name, gradients in gradients_of(rule).items():
            found += run(rule, name, gradients, odd_values(rule, shift) | usual, dtype)
    return sorted(found, key=lambda s: -(s.t in (1, 3)))


def run(rule, name, gradients, hyperparameters, dtype="float64") -> Iterator[Situation]:
    theta, state = start_of(rule, name).astype(dtype), tuple(form(rule)[1])
    for t in range(1, LATE[-1] + 1):
        gradient = _typed(gradients(t), dtype)
        if t <= STEPS or t in LATE:
            yield Situation(name, t, theta, gradient, tuple(state), hyperparameters)
        with np.errstate(all="ignore"):
            theta, *state = rule(t, theta, gradient, *state, **hyperparameters)


def _typed(gradient, dtype):
    return lambda x: gradient(np.asarray(x)).astype(dtype)


def step(function: Callable, s: Situation, **more: Any) -> list[np.ndarray] | None:
    """What a rule returns in a situation, theta and the states as arrays; None if it fails."""
    state = [x.copy() if isinstance(x, np.ndarray) else x for x in s.state]
    keywords = {**s.hyperparameters, **more}
    try:
        with np.errstate(all="ignore"), contextlib.redirect_stdout(None):
            out = function(s.t, s.theta.copy(), s.gradient, *state, **keywords)
            out = out if isinstance(out, tuple | list) else (out,)
            return [_as_array(x, s.theta.shape) for x in out]
    except Exception:
        return None


def _as_array(x, shape):
    """A number in each place of theta's shape; an array of another shape as it is."""
    x = np.asarray(x, float)
    return np.broadcast_to(x, shape) if x.size == 1 else x


def must(taken: list[np.ndarray] | None) -> list[np.ndarray]:
    """A step of the right rule, which does not fail."""
    assert taken is not None
    return taken


def agree(
    s: Situation, right: Sequence | None, other: Sequence | None, dtype="float64"
) -> list[bool]:
    """For theta, then each state, whether two steps are equal to rounding."""
    if right is None or other is None or len(other) != len(right):
        return [False] * len(right or [0])
    tolerance = TOLERANCE[dtype]
    moved = np.abs(np.asarray(right[0]) - s.theta)
    noise = 4 * np.finfo(dtype).eps * np.abs(s.theta)
    result = [_close(right[0], other[0], tolerance * moved + noise)]
    for a, b in zip(right[1:], other[1:], strict=True):
        result.append(_close(a, b, tolerance * np.abs(a) + 1e-300))
    return result


def _close(a, b, allowed) -> bool:
    return np.shape(a) == np.shape(b) and bool(np.all(close(a, b, allowed)))


def close(a: np.ndarray, b: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Entry by entry; what is not finite agrees with the same alone."""
    with np.errstate(invalid="ignore"):
        near = np.isfinite(a) & np.isfinite(b) & (np.abs(a - b) <= allowed)
        return near | (a == b) | (np.isnan(a) & np.isnan(b))
