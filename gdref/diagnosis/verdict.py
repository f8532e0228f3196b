"""What a function is: the rule, the rule in a library's dialect, or a mistake by its name."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gdref import catalogue, dialects
from gdref._inputs import form
from gdref.diagnosis.mistakes import Mistake, mistakes, pairs, small_edits
from gdref.diagnosis.programs import program
from gdref.diagnosis.situations import Situation, agree, must, situations, step
from gdref.dialects._expressions import NoConversion, convert, first
from gdref.dialects._recordings import rule_name
from gdref.rules import RULES


@dataclass(frozen=True)
class Verdict:
    """What :func:`diagnose` found.

    Attributes
    ----------
    conforms
        whether every step is the rule's, to rounding.
    rule
        the name of the rule that it was held against.
    largest
        the largest difference of theta, in units of the last place; of a function that conforms.
    found
        what is wrong, each in a sentence; empty if nothing has a name.
    sections
        the labels of the book's sections that explain it.
    wrong
        the quantities that differ when each step starts from the right state: ``("v", "theta")``.
    step
        the number of the first step that differs.
    ratio
        for each wrong quantity, what it is divided by the right one: one number if it is always
        the same, else the smallest and the largest.
    unused
        hyperparameters that have no effect, with the number that stands in their place (None if it
        is none that was tried).
    nearest
        the mistake of the table that comes nearest, where nothing fits.
    ids
        the mistakes' names in the table.
    dialect
        whose form it is, if it is one: "in the form of the paper: ...", "as Keras' Adam".
    states
        whether the states were seen, not theta alone.
    """

    conforms: bool
    rule: str
    largest: float = 0.0
    found: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    step: int = 0
    ratio: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    unused: Mapping[str, float | None] = field(default_factory=dict)
    nearest: str = ""
    ids: tuple[str, ...] = ()
    dialect: str = ""
    states: bool = True

    def __str__(self) -> str:
        return message(self)


def message(v: Verdict) -> str:
    """The verdict in words."""
    if v.conforms:
        return f"right: every step is that of {v.rule}" + (f", {v.dialect}" if v.dialect else "")
    lines = [*v.found]
    if v.dialect:
        lines[:] = [f"{', '.join(v.found)}: {v.dialect}" if v.found else v.dialect]
    for name, number in v.unused.items():
        if number is not None:
            lines.append(f"{name} has no effect: the number {number:g} stands in its place")
        else:
            lines.append(f"{name} has no effect")
    if not v.wrong:
        return "; ".join(lines)
    where = f"step {v.step}: {_listed(v.wrong)} {'differs' if len(v.wrong) == 1 else 'differ'}"
    seen = form(RULES[v.rule])[0] if v.states else []
    right = [q for q in [*seen, "theta"] if q not in v.wrong]
    if not lines:
        lines.append(
            where
            + (f", {_listed(right)} {'is' if len(right) == 1 else 'are'} right" if right else "")
        )
        for name, ratios in v.ratio.items():
            lines.append(_in_words(name, ratios))
        if v.nearest:
            lines.append(f"it is none of the mistakes that have a name; the nearest: {v.nearest}")
    else:
        lines[-1] += f" ({where})"
        theta = v.ratio.get("theta", ())
        if len(theta) == 1 and np.isfinite(theta[0]):
            lines.append(_in_words("theta", theta))
    return "; ".join(lines)


def _listed(names) -> str:
    words = ["the step" if name == "theta" else name for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _in_words(name: str, ratios: tuple[float, ...]) -> str:
    what = "the step" if name == "theta" else name
    apart = max(abs(ratio - 1) for ratio in ratios)
    if apart < 1e-3:
        return f"{what} differs by {apart:.0e} of the right one"
    if len(ratios) == 1:
        return f"{what} is {ratios[0]:.4g} times the right one"
    low, high = ratios
    return f"{what} is between {low:.3g} and {high:.3g} times the right one"


# ---- the search


def diagnose(function: Callable, rule: str | Callable, dtype: str = "float64") -> Verdict:
    """Say what a function in the form of the rules is.

    Parameters
    ----------
    function
        ``theta, *state = function(t, theta, grad, *state, **hyperparameters)``, with the state
        and the hyperparameters of the rule.
    rule
        the rule that it should be, or its name.
    dtype
        the precision of theta in the test, "float64" or "float32".

    Returns
    -------
    Verdict
    """
    name = rule_name(rule)
    right = RULES[name]
    search = _Search(function, name, dtype)
    flags = [agree(s, a, b, dtype) for s, a, b in search.cases]
    starts = search.wrong_start()
    if all(map(all, flags)) and not starts:
        return Verdict(True, name, largest=search.largest())
    quantities = ["theta", *form(right)[0]]
    wrong = [q for k, q in enumerate(quantities) if not all(f[k] for f in flags)]
    wrong = [q for q in quantities[1:] if q in wrong] + ["theta"] * ("theta" in wrong)
    first = min(
        (s.t for (s, _, _), f in zip(search.cases, flags, strict=True) if not all(f)), default=1
    )
    unused = search.unused()
    named = search.names(unused) if wrong else []
    whose = "" if starts or unused else dialect_of(search)
    if len(named) == 1 and named[0].kind == "paper":
        return Verdict(
            True, name, dialect=f"in a form of its paper: {named[0].error}", ids=(named[0].id,)
        )
    return Verdict(
        False,
        name,
        found=tuple(m.error for m in named) + tuple(starts if not _tells_start(named) else ()),
        ids=tuple(m.id for m in named),
        sections=tuple(dict.fromkeys(m.section for m in named)) or (f"{name}-rule",),
        wrong=tuple(wrong),
        step=first,
        ratio=search.ratios(wrong),
        unused=unused,
        nearest="" if named or whose else search.nearest(),
        dialect=whose,
    )


def dialect_of(search: "_Search") -> str:
    """Whose optimizer takes these steps under the same values: PyTorch's, Keras', Optax'."""
    owners = []
    for entry in dialects.DIALECTS:
        if entry.rule == search.name and search.fits(functools.partial(_plain, entry), {}):
            owners.append(f"{OWNERS[entry.library]} {entry.constructor}")
    return f"that is {_listed(dict.fromkeys(owners))}" if owners else ""


OWNERS = {"pytorch": "PyTorch's", "keras": "Keras'", "optax": "Optax'"}


def _plain(entry, t, theta, grad, *state, **hyperparameters):
    """A step of a library's optimizer that got our values under its own names."""
    with contextlib.suppress(NoConversion):
        arguments = {
            key: first(value) for key, value in convert(entry.names, hyperparameters).items()
        }
        rule, ours = dialects.from_library(entry.library, entry.constructor, **arguments)
        if form(rule)[0] == form(RULES[entry.rule])[0]:
            now = {key: value(t) if callable(value) else value for key, value in ours.items()}
            return rule(t, theta, grad, *state, **now)
    raise NotImplementedError


def _tells_start(named) -> bool:
    return any(" starts at " in mistake.error for mistake in named)


class _Search:
    """The steps of a function beside those of the right rule."""

    def __init__(self, function: Callable, name: str, dtype: str):
        self.function, self.name, self.dtype = function, name, dtype
        self.right: Any = RULES[name]
        self.situations = situations(self.right, dtype)
        self.ours = [must(step(self.right, s)) for s in self.situations]
        self.theirs = [step(function, s) for s in self.situations]
        self.cases = list(zip(self.situations, self.ours, self.theirs, strict=True))
        self.quantities = ["theta", *form(self.right)[0]]

    def largest(self) -> float:
        """The largest difference in units of the last place of theta."""
        apart = [
            np.max(np.abs(a[0] - b[0]) / np.spacing(np.abs(a[0]).astype(self.dtype)))
            for _, a, b in self.cases
            if b is not None and np.isfinite(a[0]).all()
        ]
        return float(max(apart))

    # -- hyperparameters that do nothing

    def unused(self) -> dict[str, float | None]:
        """Those whose change moves the rule, and never this function where it gives numbers."""
        changed, moved = set(), set()
        for s in self.situations:
            here = step(self.function, s) if s.t in (1, 3) else None
            if here is None or not all(np.isfinite(x).all() for x in here):
                continue
            ours = step(self.right, s)
            for name, value in s.hyperparameters.items():
                if name in moved:
                    continue
                other = {name: value * 0.7}
                if not all(agree(s, ours, step(self.right, s, **other), self.dtype)):
                    changed.add(name)
                    if not all(agree(s, here, step(self.function, s, **other), self.dtype)):
                        moved.add(name)
        return dict.fromkeys(sorted(changed - moved))

    def stand_ins(self, unused) -> Iterator[dict[str, float]]:
        """Numbers that may stand in the place of hyperparameters that do nothing."""
        if not unused:
            return
        defaults = form(self.right)[2]
        for common in range(6):
            numbers = {}
            for name in unused:
                kind = catalogue.kind(name)
                rates = [0.001, 0.01, 0.1, 1.0, 0.002]
                tiny = [1e-8, 1e-7, 1e-6, 1e-10, 0.0]
                decays = [0.9, 0.999, 0.99, 0.95, 0.0]
                choices = tiny if name == "eps" else decays if kind == "decay" else rates
                choices = [defaults[name], *choices]
                numbers[name] = choices[common]
            yield numbers

    # -- what fits

    def fits(self, candidate: Callable, numbers: Mapping[str, float]) -> bool:
        """Whether a candidate takes these steps, all of them."""
        for s, _, theirs in self.cases:
            here = step(candidate, s, **numbers)
            if here is None and theirs is None:
                continue
            if here is None or not all(agree(s, here, theirs, self.dtype)):
                return False
        return any(theirs is not None for *_, theirs in self.cases)

    def names(self, unused: dict[str, float | None]) -> list[Mistake]:
        """The mistakes that explain all steps; what they explain is taken out of ``unused``."""
        candidates = self.candidates()
        for mistake in candidates:
            if self.fits(mistake.function, {}):
                unused.clear()
                return [mistake]
        for numbers in self.stand_ins(unused):
            if self.fits(self.right, numbers):
                self._fill(unused, numbers)
                return []
            for mistake in candidates:
                if self.fits(mistake.function, numbers):
                    self._fill(unused, numbers)
                    return [mistake]
        if apart := self.line_by_line({}):
            unused.clear()
            return apart
        for numbers in self.stand_ins(unused):
            if apart := self.line_by_line(numbers):
                self._fill(unused, numbers)
                return apart
        for mistake in pairs(self.name):
            if self.fits(mistake.function, {}):
                unused.clear()
                return [mistake]
        return []

    @staticmethod
    def _fill(unused, numbers):
        for name in unused:
            unused[name] = numbers.get(name)

    def candidates(self) -> list[Mistake]:
        """The mistakes of the table first, then those that the engine makes."""
        both = [*mistakes(self.name), *small_edits(self.name)]
        return [m for m in both if m.kind != "default" and " starts at " not in m.error]

    def line_by_line(self, numbers) -> list[Mistake]:
        """A mistake for each quantity, each computed from what the function gave for the others."""
        found = []
        for quantity in self._apart_wrong(numbers):
            k = self.quantities.index(quantity)
            for mistake in self.candidates():
                if self._fits_line(mistake.program.given, k, numbers):
                    found.append(mistake)
                    break
            else:
                return []
        return found

    def _apart_wrong(self, numbers) -> list[str]:
        given = program(self.right).given
        return [q for k, q in enumerate(self.quantities) if not self._fits_line(given, k, numbers)]

    def _fits_line(self, given: Callable, k: int, numbers) -> bool:
        seen = False
        for s, _, theirs in self.cases:
            if theirs is None or len(theirs) != len(self.quantities):
                return False
            states = dict(zip(self.quantities[1:], theirs[1:], strict=True))
            here = step(functools.partial(given, _given=states), s, **numbers)
            if here is None:
                return False
            if not agree(
                s, [here[0], here[k]], [theirs[0] if not k else here[0], theirs[k]], self.dtype
            )[k > 0]:
                return False
            seen = True
        return seen

    # -- where nothing fits

    def wrong_start(self) -> list[str]:
        """A state that does not start as the rule's does: step 1 without a state."""
        found: list[str] = []
        names, initial, _ = form(self.right)
        for s in self.situations:
            if s.t != 1 or not names:
                continue
            without = Situation(s.probe, 1, s.theta, s.gradient, (), s.hyperparameters)
            mine, passed = step(self.function, without), step(self.function, s)
            if mine is None:
                return [f"step 1 fails without a state: {', '.join(names)} must have defaults"]
            if passed is not None and not all(agree(s, passed, mine, self.dtype)):
                for value in (1.0, 0.1, 1e-8):
                    for some in [names, *([n] for n in names)]:
                        start = [
                            value if n in some else i for n, i in zip(names, initial, strict=True)
                        ]
                        from_there = Situation(
                            s.probe, 1, s.theta, s.gradient, tuple(start), s.hyperparameters
                        )
                        if all(agree(s, step(self.function, from_there), mine, self.dtype)):
                            return [f"{', '.join(some)} starts at {value:g} instead of 0"]
                return [f"the state before step 1 is not {', '.join(map(str, initial))}"]
        return found

    def ratios(self, wrong) -> dict[str, tuple[float, ...]]:
        """What is wrong, divided by what is right."""
        found: dict[str, tuple[float, ...]] = {}
        for quantity in wrong:
            k = self.quantities.index(quantity)
            values = []
            for s, ours, theirs in self.cases:
                if theirs is None or len(theirs) <= k:
                    continue
                a, b = (ours[k], theirs[k]) if k else (ours[0] - s.theta, theirs[0] - s.theta)
                with np.errstate(all="ignore"):
                    ratio = b / a
                values += list(ratio[np.isfinite(ratio)])
            if values:
                low, high = min(values), max(values)
                found[quantity] = (low,) if abs(high - low) <= 1e-6 * abs(high) else (low, high)
        return found

    def nearest(self) -> str:
        """The mistake of the table whose steps are nearest, by the median difference."""
        best, name = np.inf, ""
        for mistake in self.candidates():
            apart = []
            for s, ours, theirs in self.cases[:20]:
                here = step(mistake.function, s)
                if here is None or theirs is None:
                    break
                moved = np.abs(ours[0] - s.theta) + 1e-12
                apart.append(np.median(np.abs(here[0] - theirs[0]) / moved))
            else:
                distance = float(np.median(apart)) if apart else np.inf
                if distance < best:
                    best, name = (
                        distance,
                        f"{mistake.error} (half of the steps are within {distance:.0%} of its)",
                    )
        return name if best < 0.5 else ""
