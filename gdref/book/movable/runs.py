"""Runs of rules on a surface: their paths, where a diverging one is cut, the best rate."""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gdref import catalogue
from gdref._checks import name_of
from gdref._inputs import check_hyperparameters, form
from gdref.loop import iterate_state
from gdref.rules import RULES

REACH = 10  # a path further out than so many windows, and not back at its end, diverges


@dataclass(frozen=True)
class Run:
    """A run of a rule: ``path`` of shape (steps + 1, 2), ``losses`` and the ``state`` by name."""

    rule: str
    settings: dict[str, float]
    path: np.ndarray
    losses: np.ndarray
    state: dict[str, np.ndarray]


def settings_of(rule: Callable, given: Mapping[str, float]) -> dict[str, float]:
    """Every hyperparameter of a rule with its value, checked."""
    _, _, known = form(rule)
    constants, schedules = check_hyperparameters(rule, known, dict(given), 0.0)
    if schedules:
        raise TypeError(f"{', '.join(schedules)}: the figure takes no schedule, only a number")
    return {key: float(constants.get(key, value)) for key, value in known.items()}


def compute(rule, surface, parts, start, steps, settings) -> Run:
    """A run; ``parts`` are the surfaces whose gradients are used in turn."""
    gradients = (part.grad for part in itertools.cycle(parts))
    with np.errstate(all="ignore"):  # a path may diverge: that is something to look at
        states = iterate_state(rule, gradients, np.array(start, dtype=float), **settings)
        theta, *state = zip(*itertools.islice(states, steps + 1), strict=True)
        path = np.stack(theta)
        losses = np.asarray(surface.loss(path.T))
    names, _, _ = form(rule)
    by_name = {
        key: np.stack([np.broadcast_to(value, (2,)) for value in values]).astype(float)
        for key, values in zip(names, state, strict=True)
    }
    return Run(name_of(rule), settings, path, losses, by_name)


def cut(path: np.ndarray, window: tuple[float, float, float, float]) -> int:
    """How many iterates come before a path is gone for good; all of them if it is not."""
    low, high = np.array(window[::2]), np.array(window[1::2])
    with np.errstate(all="ignore"):
        near = (np.abs(path - (low + high) / 2) <= REACH * (high - low)).all(axis=1)
    return int(np.flatnonzero(near)[-1]) + 1 if near.any() else 0


def drawn_path(path: np.ndarray, window) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The part of a path that is drawn, its end, and the mark where it is cut, if it is."""
    n, nothing = cut(path, window), np.empty((0, 2))
    if n == len(path):
        return path, path[-1:], nothing
    out = path[n : n + 1]
    seen = np.concatenate([path[:n], out[np.isfinite(out).all(axis=1)]])
    low, high = np.array(window[::2]), np.array(window[1::2])
    inset = (high - low) * 0.03
    return seen, nothing, np.clip(seen[-1:], low + inset, high - inset)


def offered() -> list[Callable]:
    """The rules that a figure offers for comparison if it names none."""
    return [RULES[name] for name in catalogue.offered()]


def rate_of(rule: Callable) -> str | None:
    """The hyperparameter that sets how far a rule goes: eta, or eps where there is no eta."""
    known = form(rule)[2]
    return next((name for name in ("eta", "eps") if name in known), None)


def best_rate(
    rule: Callable,
    surface: Any,
    parts: Iterable | None = None,
    start: tuple[float, float] | None = None,
    steps: int = 60,
    given: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """A rule's hyperparameters with the best rate of a 1-2-5 grid that has it inside.

    A rate is the better, the lower the logarithm of the loss is on average over the steps; a
    path that leaves the surface's window does not count.  Where no rate from 1e-7 to 1e5 is best
    in this sense the rule keeps its default.
    """
    parts = [surface] if parts is None else list(parts)
    start = surface.start if start is None else start
    settings, name = settings_of(rule, given or {}), rate_of(rule)
    if name is None:
        return settings
    scores: dict[int, float] = {}

    def score(k: int) -> float:
        if k not in scores:
            rate = float(f"{(1, 2, 5)[k % 3]}e{k // 3}")
            run = compute(rule, surface, parts, start, steps, settings | {name: rate})
            scores[k] = height(run, surface)
        return scores[k]

    low, high = -12, 6  # 1e-4 and 1e2
    for _ in range(3):
        best = min(range(low, high + 1), key=lambda k: (score(k), k))
        if low < best < high and math.isfinite(score(best)):
            return settings | {name: float(f"{(1, 2, 5)[best % 3]}e{best // 3}")}
        low, high = low - 3 * (best == low), high + 3 * (best == high)
    return settings


def height(run: Run, surface: Any) -> float:
    """How high a path lies: the mean logarithm of its loss above the minimum."""
    low, high = np.array(surface.window[::2]), np.array(surface.window[1::2])
    if not ((run.path >= low) & (run.path <= high)).all():
        return math.inf
    if surface.minimum is None:
        return float(run.losses[-1])
    above = run.losses - float(surface.loss(np.array(surface.minimum, dtype=float)))
    # what lies below a millionth of the start counts alike: rounding must not decide
    return float(np.mean(np.log10(np.maximum(above / above[0], 1e-6)))) if above[0] else 0.0
