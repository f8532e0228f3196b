"""Every conversion with every hyperparameter constant, zero, and changing from step to step.

A case is run in its library by tests/libraries.  The table recipes.tsv says of each whether it
converts, and holds a digest of the lines, so that the ordinary tests see when one changes that has
not been run since.
"""

import hashlib
import itertools
from pathlib import Path

from gdref import RULES, dialects
from tools.record.cases import odd_values, others, problem_of, scheduled_values

TABLE = Path(__file__).with_name("recipes.tsv")
STEPS, PROBLEM = 12, "noisy"
SHAPE = dialects.PROBLEMS[problem_of("muon", PROBLEM)][0].shape
ALL = "all at once"


def capped(t, steps):
    """t - 1, at most steps; for numbers, arrays and traced arrays alike."""
    return (t - 1 + steps - abs(t - 1 - steps)) / 2


#: the value x of hyperparameter number i -> the value or the schedule that is tried
KINDS = {
    "constant": lambda x, i: x,
    "0": lambda x, i: 0.0,
    "falling": lambda x, i: lambda t: x / (1 + 0.3 * (t - 1)),
    "rising": lambda x, i: lambda t: x * (1 - 0.5 / t),
    "always 0": lambda x, i: lambda t: 0.0 * t,
    "through 0": lambda x, i: lambda t: x * abs(t - 6 - i) / (6 + i),
    "warm-up": lambda x, i: lambda t: x / 5 + (x - x / 5) * capped(t, 4) / 4,
    "warm-up from 0": lambda x, i: lambda t: x * capped(t, 4) / 4,
}


def changed(values, name, kind):
    """The values with one of them of a kind, or all: then they pass through 0 one by one."""

    def value(x, i):
        if not isinstance(x, tuple):
            return KINDS[kind](dialects.first(x), i)
        parts = [value(part, i) for part in x]
        return (lambda t: tuple(part(t) for part in parts)) if callable(parts[0]) else tuple(parts)

    if name != ALL:
        return values | {name: value(values[name], 0)}
    return {key: value(x, i) for i, (key, x) in enumerate(values.items())}


def to_libraries():
    """Cases as (key, kind, values): our rules in the words of the libraries."""
    for rule in RULES:
        odd = odd_values(rule)
        for library in dialects.LIBRARIES:
            if (rule, library) not in dialects.tables.WITHOUT:
                for name in [*odd, ALL]:
                    for kind in KINDS:
                        yield (rule, library, name), kind, changed(odd, name, kind)
                others_rows = [  # numbers that ask for another row
                    values
                    for values in scheduled_values(rule)
                    if not any(map(callable, values.values()))
                ]
                for k, values in enumerate(others_rows, 1):
                    for kind in KINDS:
                        yield (rule, library, f"row {k}"), kind, changed(values, "eta", kind)


def from_libraries():
    """Cases as (key, kind, values): the libraries' optimizers in the words of our rules."""
    for library, _, constructor, arguments in others():
        if dialects.origin(library, constructor, **arguments)[0].why:
            continue
        flags = {k: v for k, v in arguments.items() if isinstance(v, bool | str | type(None))}
        numbers = {k: v for k, v in arguments.items() if k not in flags}
        text = f"{constructor}({', '.join(f'{k}={v}' for k, v in arguments.items())})"
        for name in [*numbers, ALL]:
            for kind in KINDS:
                yield (library, text, name), kind, changed(numbers, name, kind) | flags


def converted(key, values):
    """What the conversion gives, a recipe or a rule with hyperparameters; else its word."""
    try:
        if key[0] in RULES:
            return dialects.to_library(*key[:2], shape=SHAPE, **values)
        return dialects.from_library(key[0], key[1].partition("(")[0], shape=SHAPE, **values)
    except dialects.NoConversion as word:
        return str(word)


def table():
    """The text of recipes.tsv: + converts, - has no conversion, one column a kind; a digest."""
    rows = {}
    for key, _, values in itertools.chain(to_libraries(), from_libraries()):
        rows.setdefault(key, []).append(converted(key, values))
    lines = ["\t".join(["from", "to, or by", "changing", ", ".join(KINDS), "digest"])]
    for key, found in rows.items():
        marks = "".join("-" if isinstance(f, str) else "+" for f in found)
        text = "\n".join(
            f"{f[0].__name__} {f[1]}" if isinstance(f, tuple) else str(f) for f in found
        )
        lines.append("\t".join([*key, marks, hashlib.sha256(text.encode()).hexdigest()[:8]]))
    return "\n".join(lines) + "\n"
