"""The mistakes that people make with each rule, as data: mistakes.tsv.

Each is made from the one rule by an edit.  :mod:`gdref.diagnosis.edits` adds the small edits of
every line, which need no table.
"""

import csv
import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources

from gdref import catalogue
from gdref.diagnosis.edits import edits
from gdref.diagnosis.programs import Program, edited, rules_called
from gdref.rules import RULES


@dataclass(frozen=True)
class Mistake:
    """A wrong rule.

    Attributes
    ----------
    id
        its name in the table; empty for an edit that the engine made itself.
    rule
        the name of the right rule.
    error
        what is wrong, in words.
    kind
        "error"; "default", another default; "start", another state before step 1; "paper", a form
        that the rule's own paper has too.
    section
        the label of the section of the book that explains the line, by sections.tsv.
    """

    id: str
    rule: str
    error: str
    program: Program = field(repr=False, compare=False)
    line: str = ""
    kind: str = "error"

    @property
    def function(self) -> Callable:
        return self.program.function

    @property
    def section(self) -> str:
        # the first row of sections.tsv whose words occur; else the section of the rule
        for rule, words, section in _sections():
            if rule == self.rule and re.search(words, self.error):
                return section
        return f"{catalogue.chapter(self.rule)}-rule"

    def __str__(self) -> str:
        return self.error


@functools.cache
def _sections() -> tuple[tuple[str, ...], ...]:
    text = resources.files("gdref.diagnosis").joinpath("sections.tsv").read_text("utf-8")
    return tuple(tuple(row.split("\t")) for row in text.splitlines()[1:])


def table() -> list[dict[str, str]]:
    r"""The rows of mistakes.tsv; ``\n`` in a fragment is a new line."""
    text = resources.files("gdref.diagnosis").joinpath("mistakes.tsv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [{key: value.replace("\\n", "\n") for key, value in row.items()} for row in rows]


@functools.cache
def mistakes(rule: str) -> tuple[Mistake, ...]:
    """The mistakes of the table for a rule, those of another default among them."""
    found = []
    for row in table():
        if row["rule"] == rule:
            code = edited(RULES[rule], ((row["right"], row["wrong"]),))
            found.append(Mistake(row["id"], rule, row["error"], code, kind=row["kind"]))
    return tuple(found)


@functools.cache
def inherited(rule: str) -> tuple[Mistake, ...]:
    """The mistakes of the rules that a rule calls: Adam's in AdamW."""
    found = []
    for inner in rules_called(RULES[rule]):
        for row in table():
            if row["rule"] == inner and row["kind"] == "error" and "return " not in row["right"]:
                change = ((row["right"], row["wrong"]),)
                code = edited(RULES[rule], change, RULES[inner])
                found.append(Mistake(row["id"], rule, row["error"], code))
    return tuple(found)


@functools.cache
def small_edits(rule: str) -> tuple[Mistake, ...]:
    """What the engine makes itself: every small edit of every line."""
    return tuple(
        Mistake("", rule, e.sentence, e.program, e.line, "start" if e.start else "error")
        for e in edits(RULES[rule])
    )


@functools.cache
def pairs(rule: str) -> tuple[Mistake, ...]:
    """Two mistakes of the table at once, where both edits can be made."""
    rows = [row for row in table() if row["rule"] == rule and row["kind"] == "error"]
    found = []
    for k, one in enumerate(rows):
        for two in rows[k + 1 :]:
            try:
                both = ((one["right"], one["wrong"]), (two["right"], two["wrong"]))
                code = edited(RULES[rule], both)
            except (LookupError, SyntaxError):
                continue  # they are in each other's way
            name = f"{one['id']}+{two['id']}"
            words = f"two mistakes: {one['error']}; and {two['error']}"
            found.append(Mistake(name, rule, words, code))
    return tuple(found)
