"""What a question of an assignment consists of, made from the rule that it asks for.

The formula and the hyperparameters come from the rule's docstring, the blank from its signature,
the solution from its source.  Nothing here knows a rule.
"""

import ast
import inspect
import re
import textwrap
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from gdref import catalogue
from gdref.diagnosis.programs import WORDS, Program, program
from gdref.rules import RULES, check_by_coordinate

HERE = Path(__file__).resolve().parent
CONFIG = HERE.parent / "_config.yml"


@dataclass(frozen=True)
class Library:
    """The arrays that the students work with."""

    title: str
    imports: str
    short: str  # what stands before the name of a function
    adapter: str  # a function on its arrays, as the grader takes it
    kernel: tuple[str, ...]  # what an autograder must install beside gdref


LIBRARIES = {
    "numpy": Library("NumPy", "import numpy as np", "np", "{}", ("numpy",)),
    "pytorch": Library("PyTorch", "import torch", "torch", "on_arrays({})", ("numpy", "torch")),
}


@dataclass(frozen=True)
class Test:
    """A statement that raises AssertionError, with the grader's message, if something is wrong."""

    id: str
    settings: dict[str, float] | None
    points: int
    withheld: bool


@dataclass(frozen=True)
class Question:
    """One rule that is to be written with one library's arrays.

    TypeError if the rule does not go coordinate by coordinate: its lines use words of gdref that no
    library has, and its tests would need matrices.
    """

    rule: str
    library: Library
    tests: tuple[Test, ...]

    def __post_init__(self):
        check_by_coordinate(RULES[self.rule], "be a question of an assignment")

    @property
    def function(self) -> str:
        return f"my_{self.rule}"

    @property
    def points(self) -> int:
        return sum(test.points for test in self.tests)

    @cached_property
    def task(self) -> str:
        """The text of the task, in Markdown."""
        return "\n\n".join(
            [
                f"## {catalogue.RULES[self.rule].label} ({self.points} points)",
                f"Write one step with {self.library.title}'s arrays, whatever their shape:",
                f"$$\n{formula(self.rule)}\n$$",
                *paragraphs(self.rule),
                returns(self.rule),
                f"It is derived in {link(self.rule)}.",
            ]
        )

    @cached_property
    def head(self) -> str:
        """The first line of the function, with breaks between arguments."""
        arguments = ast.unparse(program(RULES[self.rule]).tree.args)
        start = f"def {self.function}("
        return textwrap.fill(f"{start}{arguments}):", 79, subsequent_indent=" " * len(start))

    def body(self, code: Program) -> str:
        """The body of a rule, or of a mistake in it, with the library's functions."""
        tree = _Prefixed(self.library.short).visit(code.tree)
        lines = "\n".join(map(ast.unparse, tree.body))
        lines = re.sub(r"^return \((.*[^,])\)$", r"return \1", lines, flags=re.M)
        return textwrap.indent(lines, "    ") + "\n"

    @cached_property
    def solution(self) -> str:
        """The body of the rule itself."""
        return self.body(program(RULES[self.rule]))

    def statement(self, test: Test) -> str:
        """A test as it stands in a notebook."""
        function = self.library.adapter.format(self.function)
        return f'check({function}, "{self.rule}", {test.settings})'


class _Prefixed(ast.NodeTransformer):
    """``sqrt(x)`` as ``np.sqrt(x)``; the tree that is visited stays as it was."""

    def __init__(self, short: str):
        self.short = short

    def visit_FunctionDef(self, node):
        copy = ast.parse(ast.unparse(node)).body[0]
        return self.generic_visit(copy)

    def visit_Call(self, node):
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in WORDS:
            node.func = ast.Attribute(ast.Name(self.short), node.func.id)
        return node


def questions(library: str, only: tuple[str, ...] = ()) -> list[Question]:
    """The questions of an assignment; ``only`` names some rules."""
    source = read()
    unknown = set(only) - set(source["questions"])
    if unknown:
        raise KeyError(f"{', '.join(sorted(unknown))} is not in assignments.yml")
    return [
        Question(rule, LIBRARIES[library], tuple(tests(row, source["points"])))
        for rule, row in source["questions"].items()
        if not only or rule in only
    ]


def read() -> dict:
    return yaml.safe_load((HERE / "assignments.yml").read_text(encoding="utf-8"))


def tests(row: dict, points: dict[str, int]) -> list[Test]:
    found = [
        Test(f"{kind}-{number}", settings, points[kind], kind == "withheld")
        for kind in ("public", "withheld")
        for number, settings in enumerate(row[kind], 1)
    ]
    return [*found, Test("everything", None, points["everything"], True)]


# ---- from the docstring of a rule


def docstring(rule: str) -> str:
    return inspect.getdoc(inspect.unwrap(RULES[rule])) or ""


def formula(rule: str) -> str:
    r"""The rule's formula in LaTeX; several lines are aligned."""
    indented = docstring(rule).split(".. math::\n\n", 1)[1]
    lines = re.match(r"(?:[ ]{3}.*\n)+", indented)
    assert lines, rule
    tex = textwrap.dedent(lines[0]).strip()
    return f"\\begin{{aligned}}\n{tex}\n\\end{{aligned}}" if "&=" in tex else tex


def paragraphs(rule: str) -> list[str]:
    """What the docstring says after the formula: the state, then a list of hyperparameters."""
    text, _, listed = docstring(rule).partition("Hyperparameters\n---------------\n")
    after = text.split(".. math::\n\n", 1)[1].split("\n\n", 1)[1].strip()
    entries = re.findall(r"^(\S.*)\n((?:[ ]{4}.*\n?)+)", listed.partition("\nNotes\n")[0], re.M)
    items = [f"- `{names.replace(', ', '`, `')}`: {joined(words)}" for names, words in entries]
    return [joined(after), "\n".join(items)]


def joined(text: str) -> str:
    """reStructuredText in Markdown, on one line."""
    text = re.sub(r":math:`([^`]*)`", r"$\1$", " ".join(text.split()))
    text = re.sub(r":\w+:`([^`]*)`", r"`\1`", text)
    return text.replace("``", "`")


def returns(rule: str) -> str:
    state = [f"`{name}`" for name in program(RULES[rule]).state]
    return (
        "`t` counts the steps from 1, `grad` is a function that returns the gradient at a theta, "
        f"in its shape. Return the new `theta`, then the new {' and '.join(state)}, as a tuple. "
        "Change no argument in place."
    )


def link(rule: str) -> str:
    """The section of the book, as a link if the site has an address."""
    chapter = catalogue.chapter(rule)
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    page = f"chapters/{chapter}.html#{chapter}-rule"
    base = config["html"].get("baseurl", "")
    words = f"the chapter on {catalogue.RULES[rule].label}"
    return f"[{words}]({base.rstrip('/')}/{page})" if base else f"{words} (`{page}` of the book)"
