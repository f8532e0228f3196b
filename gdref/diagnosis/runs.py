"""The same verdict for what shows only its path: an object of a library, a class, a program.

Such an implementation is a function ``run(start, gradients, hyperparameters)`` that returns theta
after each step.  ``gradients`` is a list of functions of theta, one a step; ``hyperparameters``
has our names; a value may be a function of t.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gdref import catalogue, dialects
from gdref._inputs import form
from gdref.diagnosis import formulas
from gdref.diagnosis.mistakes import Mistake, mistakes, pairs, small_edits
from gdref.diagnosis.situations import (
    PROBES,
    TOLERANCE,
    _typed,
    close,
    gradients_of,
    odd_values,
    start_of,
)
from gdref.diagnosis.verdict import OWNERS, Verdict, _listed
from gdref.dialects._expressions import PerStep, convert
from gdref.dialects._recordings import rule_name
from gdref.rules import RULES

Run = Callable[[np.ndarray, list[Callable], dict[str, Any]], Sequence[np.ndarray]]
STEPS = 8
# where it starts, the gradients, the hyperparameters, theta after each step: None if it fails
_Case = tuple[np.ndarray, list[Callable], dict[str, Any], np.ndarray | None]
SINGLE = 1e-6  # of a step: what one number in single precision spoils, and no mistake
IN_SINGLE = "but a number in it has single precision"


def as_run(rule: Callable) -> Run:
    """A function in the form of the rules as a run."""

    def run(start, gradients, hyperparameters):
        theta, state, path = start, (), []
        for t, gradient in enumerate(gradients, 1):
            now = {k: v(t) if callable(v) else v for k, v in hyperparameters.items()}
            theta, *state = rule(t, theta, gradient, *state, **now)
            path.append(np.asarray(theta, float))
        return path

    return run


def _rising(t):
    return lambda value: value * (0.5 + 0.1 * t)


def probes(rule: str, *, changing: bool = True) -> Iterator[tuple[str, Callable, dict[str, Any]]]:
    """What every candidate is run on: a name, the gradient of step t, the hyperparameters.

    ``changing`` adds runs whose rate rises from step to step; they tell a rate inside a sum from
    one outside it.
    """
    right = RULES[rule]
    for name, gradients in gradients_of(right).items():
        yield name, gradients, odd_values(right)
    yield "other hyperparameters", PROBES["random gradients"], odd_values(right, 0.13)
    rates = [n for n in form(right)[2] if catalogue.kind(n) == "rate" and n != "eps"]
    if changing and rates:
        odd = odd_values(right)
        changes = {n: PerStep(f"{odd[n]} * (0.5 + 0.1 * t)") for n in rates if n == "eta"}
        if changes:
            yield "a rising rate", PROBES["random gradients"], odd | changes


def diagnose_run(
    run: Run,
    rule: str | Callable,
    *,
    changing: bool = True,
    only: Sequence[str] = (),
    dtype: str = "float64",
    start: np.ndarray | None = None,
    limit: float = 0.0,
) -> Verdict:
    """Say what an implementation is that shows only its path.

    Parameters
    ----------
    run
        see the module's description.
    rule
        the rule that it should be, or its name.
    changing
        whether it can take a rate that changes from step to step.
    only
        the hyperparameters that can be set; the others keep their defaults.  All if empty.
    dtype
        its precision.
    start
        where all runs start; each from its own start if None.
    limit
        how far its own rounding may lead, as a share of a step: what is not to be told otherwise
        is the rule, or the mistake, that comes nearest within it.
    """
    name = rule_name(rule)
    right = RULES[name]
    cases: list[_Case] = []
    for probe, gradients, values in probes(name, changing=changing):
        values = {k: v if not only or k in only else form(right)[2][k] for k, v in values.items()}
        steps = [_typed(gradients(t), dtype) for t in range(1, STEPS + 1)]
        here = start_of(name, probe) if start is None else start
        cases.append((here, steps, values, _path(run, here, steps, values, dtype)))
    runs = functools.partial(_fits, cases=cases, dtype=dtype)
    at_rest = [case for case in cases if not any(map(callable, case[2].values()))]
    constant = functools.partial(_fits, cases=at_rest, dtype=dtype)
    reference = [_path(as_run(right), x, g, v, dtype) for x, g, v, _ in cases]
    if runs(as_run(right)):
        return Verdict(
            True, name, largest=_largest(reference, [c[3] for c in cases], dtype), states=False
        )
    if all(theirs is None for *_, theirs in cases):
        words = "no run of it ends: it fails, or what it returns has another shape than theta"
        return Verdict(False, name, found=(words,), sections=(f"{name}-rule",), states=False)
    step, ratio = _first_difference(cases, reference, dtype)
    found = _search(name, runs)
    when = ""
    if not found.any and len(at_rest) < len(cases):
        found = _search(name, constant)
        if constant(as_run(right)):
            found = _Found((), "it is the rule as long as the rate stays the same", "")
        when = "as long as the rate stays the same" if found.any else ""
    if not found.any and dtype == "float64":
        rounded = functools.partial(runs, tolerance=SINGLE)
        if rounded(as_run(right)):
            return Verdict(True, name, dialect=IN_SINGLE, states=False)
        found = _search(name, rounded)
        when = IN_SINGLE if found.any else ""
    if not found.any and limit:
        when = f"to {limit:g} of a step, and no mistake in the table comes as near"
        found = _Found(_nearest(name, cases, limit, dtype), "", "")
        if found.named == [None]:
            return Verdict(True, name, dialect=when, states=False)
    named = found.named
    if len(named) == 1 and named[0].kind == "paper" and "rate" not in when:
        words = f"in a form of its paper: {named[0].error}" + (f", {when}" if when else "")
        words += f"; {found.whose}" if found.whose else ""
        return Verdict(True, name, dialect=words, ids=(named[0].id,), states=False)
    said = tuple(m.error for m in named) + ((found.other,) if found.other else ())
    if when and named:
        said = tuple(f"{error}, {when}" for error in said)
    return Verdict(
        False,
        name,
        found=said,
        ids=tuple(m.id for m in named),
        sections=(f"{name}-rule",),
        wrong=("theta",),
        step=step,
        ratio={"theta": ratio} if ratio else {},
        dialect=found.whose + (f", {when}" if when and found.whose and not named else ""),
        states=False,
        effect=formulas.effect(named[0].function, name) if len(named) == 1 else "",
    )


@dataclass(frozen=True)
class _Found:
    named: Sequence[Mistake]
    other: str  # another rule
    whose: str  # a library

    @property
    def any(self) -> bool:
        return bool(self.named or self.other or self.whose)


def _search(name: str, runs: Callable[[Run], bool]) -> _Found:
    owners = [
        f"{OWNERS[e.library]} {e.constructor}" for e in _entries(name) if runs(library_run(e))
    ]
    whose = f"that is {_listed(list(dict.fromkeys(owners)))}" if owners else ""
    named = _named(name, runs)
    return _Found(named, "" if named or owners else _other_rule(name, runs), whose)


def _named(name: str, runs) -> list[Mistake]:
    for group in (mistakes, small_edits, pairs):
        for mistake in group(name):
            if mistake.kind != "default" and runs(as_run(mistake.function)):
                return [mistake]
    return []


def _nearest(name: str, cases: Sequence[_Case], limit: float, dtype: str) -> list[Any]:
    """What comes nearest within the limit: the rule, as None, or a mistake; empty if nothing."""
    known = [(None, RULES[name]), *((m, m.function) for m in mistakes(name) if m.kind != "default")]
    found = []
    for k, (mistake, function) in enumerate(known):
        apart = _apart(as_run(function), cases, dtype)
        if apart <= limit:
            found.append((apart, k, mistake))
    return [min(found)[2]] if found else []


def _apart(candidate: Run, cases: Sequence[_Case], dtype: str) -> float:
    """The largest distance of two paths, by the longest step up to there."""
    largest = 0.0
    for start, gradients, values, theirs in cases:
        if theirs is None:
            continue
        ours = _path(candidate, start, gradients, values, dtype)
        if ours is None:
            return np.inf
        steps = np.abs(np.diff(ours, axis=0, prepend=start[None]))
        longest = np.maximum.accumulate(steps.max(axis=tuple(range(1, ours.ndim))))
        apart = np.abs(ours - theirs).max(axis=tuple(range(1, ours.ndim))) / longest
        largest = max(largest, float(np.nan_to_num(apart, nan=np.inf).max()))
    return largest


def _other_rule(name: str, runs) -> str:
    """Another rule of the book whose path it is, under the same values."""
    for other, rule in RULES.items():
        known = form(rule)[2]

        def run(start, gradients, values, rule=rule, known=known):
            shared = {k: v for k, v in values.items() if k in known}
            return as_run(rule)(start, gradients, shared)

        if other != name and runs(run):
            return f"it is {other}, not {name}"
    return ""


def _path(run, start, gradients, values, dtype):
    try:
        with np.errstate(all="ignore"):
            path = run(start.astype(dtype), gradients, dict(values))
        path = np.array([np.asarray(x, float) for x in path])
        return path if path.shape == (len(gradients), *start.shape) else None
    except Exception:
        return None


def _fits(candidate: Run, cases: Sequence[_Case], dtype, tolerance=None) -> bool:
    seen = False
    for start, gradients, values, theirs in cases:
        if theirs is None:
            continue
        seen = True
        ours = _path(candidate, start, gradients, values, dtype)
        if ours is None or not _same(ours, theirs, start, dtype, tolerance).all():
            return False
    return seen


def _same(ours, theirs, start, dtype, tolerance=None) -> np.ndarray:
    """For each step whether the two are there to rounding."""
    before = np.concatenate([[start], ours[:-1]])
    moved = np.maximum.accumulate(np.abs(ours - before), axis=0)
    allowed = (tolerance or 5 * TOLERANCE[dtype]) * moved + 40 * np.finfo(dtype).eps * np.abs(ours)
    return np.all(close(ours, theirs, allowed), axis=tuple(range(1, ours.ndim)))


def _largest(ours, theirs, dtype) -> float:
    apart = [
        np.nanmax(np.abs(a - b) / np.spacing(np.abs(a).astype(dtype)))
        for a, b in zip(ours, theirs, strict=True)
        if b is not None and np.isfinite(a).any()
    ]
    return float(max(apart, default=0.0))


def _first_difference(cases: Sequence[_Case], reference, dtype):
    """The first step that differs, and its length by the right one's."""
    found = []
    for (start, _, _, theirs), ours in zip(cases, reference, strict=True):
        if theirs is None or ours is None:
            continue
        same = _same(ours, theirs, start, dtype)
        if not same.all():
            t = int(np.argmin(same))
            before = ours[t - 1] if t else start
            with np.errstate(all="ignore"):
                ratio = (theirs[t] - before) / (ours[t] - before)
            found.append((t + 1, ratio[np.isfinite(ratio)]))
    if not found:
        return 1, ()
    step = min(t for t, _ in found)
    ratios = np.concatenate([r for t, r in found if t == step])
    if not len(ratios) or (ratios == 1).all():  # the rest differs where the right step is 0
        return step, ()
    low, high = float(ratios.min()), float(ratios.max())
    return step, (low,) if abs(high - low) <= 1e-6 * abs(high) else (low, high)


# ---- dialects


def _entries(name: str):
    return [e for e in dialects.DIALECTS if e.rule == name and not e.why]


def library_run(entry) -> Run:
    """The path of a library's optimizer that gets our values under its own names."""

    def run(start, gradients, values):
        arguments = dict(convert(entry.names, values))
        rule, ours = dialects.from_library(
            entry.library, entry.constructor, shape=np.shape(start), **arguments
        )
        ahead = entry.path != "theta"
        theta, state, path = start, (), []
        for t, gradient in enumerate(gradients, 1):
            now = {k: v(t) if callable(v) else v for k, v in ours.items()}
            theta, *state = rule(t, theta, gradient, *state, **now)
            after = {k: v(t + 1) if callable(v) else v for k, v in ours.items()}
            path.append(theta - after["gamma"] * state[0] if ahead else theta)
        return path

    return run


__all__ = ["Run", "as_run", "diagnose_run", "library_run", "probes"]
