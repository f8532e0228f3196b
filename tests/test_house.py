"""The house: a floor uses only floors below it, names differ, what is public is documented."""

import ast
import builtins
import doctest
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gdref

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "gdref"

# From the ground up.  A module may import modules of its own floor and of those below.
FLOORS = [
    ["trees", "catalogue"],
    ["elementary", "_checks"],
    ["rules", "_inputs"],
    ["gradients", "schedules", "minibatch", "problems", "language", "datasets"],
    ["loop", "_asking"],
    ["symbolic", "torch", "optax"],
    ["compiled", "dialects"],
    ["diagnosis"],
    ["adapters"],
    ["grade", "conformance"],
    ["book", "experiments", "homework"],
]
FLOOR = {name: k for k, floor in enumerate(FLOORS) for name in floor}
HEAVY = {"sympy", "matplotlib", "scipy", "sklearn", "numba", "torch", "jax", "optax", "PIL"}


def top(path):
    """The module or the subpackage of gdref that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path):
    """The parts of gdref that a file imports when it is imported itself."""
    tree = ast.parse(path.read_text())
    inside = {
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if node in inside or not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        if node.module == "gdref":
            yield from (alias.name for alias in node.names)
        elif node.module.startswith("gdref."):
            yield node.module.split(".")[1]


FILES = [p for p in sorted(PACKAGE.rglob("*.py")) if top(p) not in ("__init__", "_version")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_floor_uses_only_floors_below_it(path):
    own = top(path)
    assert own in FLOOR, f"{own} has no floor: give it one in FLOORS"
    for name in imported(path):
        if name in FLOOR and name != own:
            assert FLOOR[name] <= FLOOR[own], f"{own} imports {name}, which stands above it"


def run(code, *flags, **environment):
    done = subprocess.run(
        [sys.executable, *flags, "-c", code],
        capture_output=True, text=True, cwd=ROOT, env=os.environ | environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_brings_numpy_alone():
    code = f"import sys, gdref; print(*sorted({HEAVY!r} & set(sys.modules)))"
    assert run(code) == ""


def test_import_takes_20_milliseconds_beyond_numpy(tmp_path):
    """Processor time, the least of several starts: other work on the machine only adds.

    From the second start on Python has the compiled modules, if it may keep them.
    """
    code = (
        "import time, numpy; a = time.process_time(); import gdref; print(time.process_time() - a)"
    )
    kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}
    assert any(float(run(code, **kept)) < 0.02 for _ in range(20))


def test_import_without_docstrings():
    assert run("import gdref; print(gdref.adam.__name__)", "-OO") == "adam"


@pytest.mark.parametrize("name", [n for n in gdref.MODULES if n not in ("torch", "optax")])
def test_modules_come_when_they_are_asked_for(name):
    assert run(f"import gdref; print(gdref.{name}.__name__)") == f"gdref.{name}"
    assert name in dir(gdref)


def test_a_name_that_is_none_says_what_there_is():
    with pytest.raises(AttributeError, match="its modules are book, compiled"):
        gdref.schedule  # noqa: B018


def public(module):
    """The public functions and classes that a module defines, by ast."""
    tree = ast.parse(module.read_text())
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    }


READERS = ["rules", "loop", "schedules", "minibatch", "gradients", "problems", "language",
           "datasets", "symbolic", "elementary", "compiled", "torch", "optax"]  # fmt: skip


def test_no_function_hides_a_module_and_no_two_share_a_name():
    modules = {path.stem for path in PACKAGE.glob("*.py")} | set(gdref.MODULES)
    seen = {}
    for name in READERS:
        for thing in public(PACKAGE / f"{name}.py"):
            assert thing not in modules, f"{name}.{thing} hides a module"
            assert thing not in seen, f"{thing} is in {name} and in {seen[thing]}"
            seen[thing] = name


def test_a_star_import_hides_nothing():
    """Neither a library such as torch nor one of Python's own functions."""
    code = (
        "import gdref.trees, gdref.compiled; before = {*globals()}\n"
        "from gdref import *\n"
        "print(*{*globals()} - before)"
    )
    names = set(run(code).split())
    assert {"adam", "iterate", "minimize", "RULES"} < names
    assert not names & {*gdref.MODULES, *dir(builtins)}


def test_the_reference_has_every_module_of_the_reader():
    """Whole modules are listed with their members, so that nothing public is left out."""
    text = (ROOT / "chapters" / "gdref.md").read_text()
    listed = set(re.findall(r"auto(?:module|function|class):: gdref\.(\w+)", text))
    assert ".. automodule:: gdref\n   :members:\n   :imported-members:" in text  # rules and loop
    assert set(READERS) - listed == {"loop"}


WITH_EXAMPLES = [path for path in sorted(PACKAGE.rglob("*.py")) if ">>> " in path.read_text()]


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_examples_of_a_module_are_what_it_prints(path):
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    if module in {"gdref.torch", "gdref.optax"}:
        pytest.importorskip(module.removeprefix("gdref."))
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted and not found.failed
