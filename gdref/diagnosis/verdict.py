"""What a function is: the rule, the rule in a library's dialect, or a mistake by its name."""

import ast
import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np

from gdref import catalogue, dialects
from gdref._inputs import form
from gdref.diagnosis import formulas
from gdref.diagnosis.edits import Edit, edits_of_line
from gdref.diagnosis.mistakes import Mistake, inherited, mistakes, pairs, small_edits
from gdref.diagnosis.programs import (
    Program,
    code_of_line,
    lines_run,
    names_at_start,
    names_set,
    program,
    with_body,
)
from gdref.diagnosis.situations import PROBES, Situation, agree, must, situations, start_of, step
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
    remarks
        what else can be said of the difference: which entries, which steps, rounding.
    effect
        what the mistake does to the length of a step, if it has a name.
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
    remarks: tuple[str, ...] = ()
    effect: str = ""
    function: Any = field(default=None, repr=False, compare=False)

    @functools.cached_property
    def difference(self) -> dict[str, Any]:
        """Return what each quantity has more than it should, as SymPy expressions."""
        known = self.function is not None and not self.conforms
        return formulas.difference(self.function, self.rule) if known else {}

    def __str__(self) -> str:
        return message(self)


def message(v: Verdict) -> str:
    """The verdict in words."""
    if v.conforms:
        return f"right: every step is that of {v.rule}" + (f", {v.dialect}" if v.dialect else "")
    lines = list(dict.fromkeys(v.found))
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
        if words := formulas.in_words(v.difference):
            lines.append(f"as a formula: {words}")
        if v.nearest:
            lines.append(f"it is none of the mistakes that have a name; the nearest: {v.nearest}")
    else:
        lines[-1] += f" ({where})"
        theta = v.ratio.get("theta", ())
        if len(theta) == 1 and np.isfinite(theta[0]):
            lines.append(_in_words("theta", theta))
        elif v.effect and not v.dialect:
            lines.append(v.effect)
    return "; ".join([*v.remarks, *lines])


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


def diagnose(
    function: Callable,
    rule: str | Callable,
    dtype: str = "float64",
    fixed: frozenset[str] = frozenset(),
) -> Verdict:
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
    fixed
        hyperparameters that the function does not have; they keep their defaults.

    Returns
    -------
    Verdict
    """
    name = rule_name(rule)
    right = RULES[name]
    search = _Search(function, name, dtype, fixed)
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
    if not unused and not starts and (words := search.same_path(wrong)):
        return Verdict(True, name, dialect=words)
    named = search.names(unused) if wrong else []
    whose = "" if starts else dialect_of(search)
    if len(named) == 1 and named[0].kind == "paper" and not unused:
        words = f"in a form of its paper: {named[0].error}"
        return Verdict(True, name, dialect=words, ids=(named[0].id,))
    by_path: tuple[str, ...] = ()
    if not (named or whose or unused or starts):
        path = search.path_verdict()
        by_path, whose = path.found, path.dialect
    return Verdict(
        False,
        name,
        found=tuple(m.error for m in named) + tuple(starts) + by_path,
        ids=tuple(m.id for m in named),
        sections=tuple(dict.fromkeys(m.section for m in named)) or (f"{name}-rule",),
        wrong=tuple(wrong),
        step=first,
        ratio=search.ratios(wrong),
        unused=unused,
        nearest="" if named or whose or unused else search.nearest(),
        dialect=whose,
        remarks=() if named or by_path else tuple(search.remarks(wrong)),
        effect=formulas.effect(named[0].function, name) if len(named) == 1 else "",
        function=function,
    )


def dialect_of(search: "_Search") -> str:
    """Whose optimizer takes these steps under the same values: PyTorch's, Keras', Optax'."""
    owners = []
    for entry in dialects.DIALECTS:
        if entry.rule == search.name and search.fits(functools.partial(_plain, entry), {}):
            owners.append(f"{OWNERS[entry.library]} {entry.constructor}")
    return f"that is {_listed(dict.fromkeys(owners))}" if owners else ""


STEPS = {"error", "paper"}  # the kinds of mistakes that a step shows
OWNERS = {"pytorch": "PyTorch's", "keras": "Keras'", "optax": "Optax'"}


def _plain(entry, t, theta, grad, *state, **hyperparameters):
    """A step of a library's optimizer that got our values under its own names."""
    with contextlib.suppress(NoConversion):
        arguments = {
            key: first(value) for key, value in convert(entry.names, hyperparameters).items()
        }
        rule, ours = dialects.from_library(
            entry.library, entry.constructor, shape=np.shape(theta), **arguments
        )
        if form(rule)[0] == form(RULES[entry.rule])[0]:
            now = {key: value(t) if callable(value) else value for key, value in ours.items()}
            return rule(t, theta, grad, *state, **now)
    raise NotImplementedError


@functools.cache
def variants_of_line(rule: str, k: int) -> list[Edit]:
    """The small edits of one line that add no other line and change theta alone."""
    right, function = program(RULES[rule]), cast(Any, RULES[rule])
    size = len(right.tree.body)
    return [
        e
        for e in edits_of_line(right, k)
        if len(e.program.tree.body) == size and touches(e.program, function) <= {"theta"}
    ]


@functools.cache
def touches(changed_code: Program, rule: Any) -> frozenset[str]:
    """The quantities that other code computes otherwise, with the right states given."""
    quantities, changed = ["theta", *form(rule)[0]], set()
    for s in situations(rule)[:20]:
        ours = must(step(rule, s))
        given = dict(zip(quantities[1:], ours[1:], strict=True))
        here = step(functools.partial(changed_code.given, _given=given), s)
        same = agree(s, ours, here)
        changed |= {q for q, fits in zip(quantities, same, strict=True) if not fits}
    return frozenset(changed)


class _Search:
    """The steps of a function beside those of the right rule."""

    def __init__(self, function: Callable, name: str, dtype: str, fixed: frozenset[str]):
        self.function, self.name, self.dtype = function, name, dtype
        self.right = cast(Any, RULES[name])
        self.situations: list[Situation] = situations(self.right, dtype, fixed)
        self.fixed = fixed
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
                # twice, for what cuts or bounds a step may hide one change
                for other in ({name: value * 0.7}, {name: value * 0.05}):
                    if name in moved:
                        continue
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
        # with several numbers to choose, a small edit would fit too easily
        known = candidates if len(unused) == 1 else self.known()
        for numbers in self.stand_ins(unused):
            if self.fits(self.right, numbers):
                self._fill(unused, numbers)
                return []
            for mistake in known:
                if self.fits(mistake.function, numbers):
                    self._fill(unused, numbers)
                    return [mistake]
        if apart := self.line_by_line({}):
            unused.clear()
            return apart
        for numbers in self.stand_ins(unused) if len(unused) == 1 else ():
            if apart := self.line_by_line(numbers):
                self._fill(unused, numbers)
                return apart
        for mistake in pairs(self.name):
            if self.fits(mistake.function, {}):
                unused.clear()
                return [mistake]
        if not unused and self._apart_wrong({}) == ["theta"]:
            return self.two_edits()
        return []

    def two_edits(self) -> list[Mistake]:
        """A small edit in each of two lines that lead from the states to theta.

        There are thousands of such pairs: only those that are right in one step are compiled.
        """
        right = program(self.right)
        body = right.tree.body
        size = 1 + max(k for k, line in enumerate(body) if "theta" in names_set(line))
        variants = {k: variants_of_line(self.name, k) for k in range(size)}
        lines = [k for k in variants if variants[k]]
        # step 3: of some rules step 1 tells little
        telling = next(((s, theirs[0]) for s, _, theirs in self.cases if theirs and s.t == 3), None)
        if not lines or telling is None:
            return []
        s, moved = telling
        start = names_at_start(right, s.t, s.theta, s.gradient, s.state, s.hyperparameters)
        code = [code_of_line(line) for line in body[:size]]
        edited = {k: [code_of_line(e.program.tree.body[k]) for e in variants[k]] for k in lines}

        def fitting(before: dict[str, Any] | None, k: int) -> Iterator[Edit]:
            """The edits of line k that lead from the names before it to the step."""
            for edit, line in zip(variants[k], edited[k], strict=True) if before else ():
                end = lines_run([line, *code[k + 1 :]], before)
                if end and _same_theta(s, end["theta"], moved, self.dtype):
                    yield edit

        with np.errstate(all="ignore"), contextlib.redirect_stdout(None):
            for k, later in itertools.combinations(lines, 2):
                reached = lines_run(code[:k], start)
                for one, line in zip(variants[k], edited[k], strict=True):
                    for two in fitting(lines_run([line, *code[k + 1 : later]], reached), later):
                        new = list(body)
                        new[k], new[later] = one.program.tree.body[k], two.program.tree.body[later]
                        if self.fits((both := with_body(right, new)).function, {}):
                            return [Mistake("", self.name, e.sentence, both) for e in (one, two)]
            last = lines[-1]
            for whole in small_edits(self.name):
                new = list(whole.program.tree.body)
                if whole.line or len(new) != len(body):
                    continue
                if ast.dump(new[last]) != ast.dump(body[last]):
                    continue
                reached = lines_run(map(code_of_line, new[:last]), start)
                for two in fitting(reached, last):
                    new[last] = two.program.tree.body[last]
                    if self.fits((both := with_body(right, list(new))).function, {}):
                        words = (whole.error, two.sentence)
                        return [Mistake("", self.name, e, both) for e in words]
        return []

    @staticmethod
    def _fill(unused, numbers):
        for name in unused:
            unused[name] = numbers.get(name)

    def known(self) -> list[Mistake]:
        """The mistakes of the table that a step shows."""
        rows = [*mistakes(self.name), *inherited(self.name)]
        return [m for m in rows if m.kind in STEPS]

    def candidates(self) -> list[Mistake]:
        """The mistakes of the table first, then those that the engine makes."""
        return [*self.known(), *(m for m in small_edits(self.name) if m.kind in STEPS)]

    def line_by_line(self, numbers) -> list[Mistake]:
        """A mistake for each quantity, each computed from what the function gave for the others."""
        found = []
        for quantity in self._apart_wrong(numbers):
            k = self.quantities.index(quantity)
            for mistake in self.candidates():
                # the second takes longer and is asked of few
                if self._fits_line(mistake.program.given, k, numbers) and (
                    touches(mistake.program, self.right) <= {quantity}
                ):
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
                g = s.gradient(s.theta)
                firsts = {"the first gradient": g, "the square of the first gradient": g**2}
                for words, value in firsts.items():
                    for k, one in enumerate(names):
                        first = [*initial[:k], value, *initial[k + 1 :]]
                        there = replace(s, state=tuple(first))
                        if all(agree(s, step(self.function, there), mine, self.dtype)):
                            return [f"{one} starts at {words} instead of 0"]
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
        noise = 1e7 * np.finfo(self.dtype).eps
        for quantity in wrong:
            k = self.quantities.index(quantity)
            values, rounded = list[float](), list[float]()
            for s, ours, theirs in self.cases:
                if theirs is None or len(theirs) <= k:
                    continue
                if ours[k].shape != theirs[k].shape:
                    continue
                a, b = (ours[k], theirs[k]) if k else (ours[0] - s.theta, theirs[0] - s.theta)
                with np.errstate(all="ignore"):
                    ratio = b / a
                # a step that theta nearly swallows is known to few digits
                clear = np.abs(a) > (0 if k else noise * np.abs(s.theta))
                values += list(ratio[np.isfinite(ratio) & clear])
                rounded += list(ratio[np.isfinite(ratio) & ~clear])
            if values := values or rounded:
                low, high = min(values) + 0.0, max(values) + 0.0  # no -0
                found[quantity] = (low,) if abs(high - low) <= 1e-6 * abs(high) else (low, high)
        return found

    def nearest(self) -> str:
        """The mistake of the table that agrees in most quantities of most steps, if one does."""
        best, name = 0.9, ""
        for mistake in self.known():
            fits = []
            for s, _, theirs in self.cases[:40]:
                here = step(mistake.function, s)
                if here is None or theirs is None:
                    break
                fits += agree(s, here, theirs, self.dtype)
            else:
                share = sum(fits) / len(fits)
                if share > best:
                    best, name = share, f"{mistake.error} ({share:.0%} of all values agree)"
        return name

    def same_path(self, wrong) -> str:
        """In words what is other in the state, if theta is right along every path."""
        if not wrong or not self.long_path() or not self.path_verdict().conforms:
            return ""
        ratios = {name: r for name, r in self.ratios(wrong).items() if name != "theta"}
        kept = [
            f"{name} is {r[0]:.4g} times the book's" for name, r in ratios.items() if len(r) == 1
        ]
        return "the state in another form" + (f": {', '.join(kept)}" if kept else "")

    def path_verdict(self) -> Verdict:
        """The verdict on theta's path alone."""
        from gdref.diagnosis.runs import as_run, diagnose_run  # which builds on this module

        only = [name for name in form(self.right)[2] if name not in self.fixed]
        return diagnose_run(as_run(self.function), self.name, only=only)

    def long_path(self) -> bool:
        """Whether theta is right along forty steps."""
        odd = self.situations[0].hyperparameters
        paths = []
        for rule in (self.right, self.function):
            theta, state = start_of(self.name), list[Any]()
            for t in range(1, 41):
                s = Situation("", t, theta, PROBES["random gradients"](t), tuple(state), odd)
                here = step(rule, s)
                if here is None:
                    return False
                theta, *state = here
            paths.append(theta)
        return bool(np.allclose(paths[0], paths[1], rtol=1e-9, atol=1e-12))

    def remarks(self, wrong) -> Iterator[str]:
        """Which entries differ, which steps, whether theta is rounded."""
        cases = [
            (s, a[0], b[0])
            for s, a, b in self.cases
            if b is not None and b[0].shape == s.theta.shape
        ]
        if "theta" not in wrong or not cases:
            return
        shape = cases[0][1].shape
        alike = [case for case in cases if case[1].shape == shape]
        size = len(cases[0][1])
        differ = [
            k
            for k in range(size)
            if not all(agree(_entry(s, k), [a[k : k + 1]], [b[k : k + 1]])[0] for s, a, b in alike)
        ]
        if 0 < len(differ) < size:
            entries = _listed([str(k) for k in differ])
            yield (
                f"only the {'entries' if len(shape) == 1 else 'rows'} with index {entries} of "
                f"{size} differ: does a loop or an index "
                "leave some out, or do only some get it?"
            )
        steps = [(b - s.theta)[np.isfinite(b)] for s, _, b in cases]
        if all(np.allclose(x, np.round(x), rtol=0, atol=1e-9) for x in steps):
            yield "every step is a whole number: does `//` stand for `/`?"
        for digits in range(1, 8):
            if all(np.allclose(b, np.round(b, digits), rtol=0, atol=1e-14) for _, _, b in cases):
                yield f"theta is rounded to {digits} decimals"
                break
        by_step: dict[int, list[float]] = {}
        for s, a, b in cases:
            with np.errstate(all="ignore"):
                ratio = (b - s.theta) / (a - s.theta)
            by_step.setdefault(s.t, []).extend(ratio[np.isfinite(ratio)])
        even = {
            t: r[0] for t, r in sorted(by_step.items()) if r and np.allclose(r, r[0], rtol=1e-6)
        }
        if len(even) == len(by_step) and not np.allclose(list(even.values()), even[1]):
            listed = ", ".join(f"{r + 0.0:.4g} (t = {t})" for t, r in list(even.items())[:4])
            yield f"the step is the right one times a number that changes with t: {listed}"


def _same_theta(s: Situation, ours: Any, theirs: np.ndarray, dtype: str) -> bool:
    """Whether two steps agree in theta; what is no array of numbers agrees with none."""
    try:
        return np.shape(ours) == theirs.shape and agree(s, [ours], [theirs], dtype)[0]
    except Exception:
        return False


def _entry(s: Situation, k: int) -> Situation:
    return replace(s, theta=s.theta[k : k + 1])
