r"""One question of an assignment: is a function right, and if not, what is wrong with it::

    from gdref.homework import check

    check(my_momentum, "momentum", {"eta": 0.1})

raises AssertionError with what is wrong, and does nothing if nothing is.

The tests of the assignments that ``make course`` builds call :func:`check` in a notebook, or
:func:`check_file` on a notebook or a file that was handed in.  On a command line::

    python -m gdref.homework homework.ipynb adam

The feedback is the message of :mod:`gdref.grade`.  Nothing here is a sandbox: code that means harm
can do harm.
"""

import argparse
import ast
import contextlib
import inspect
import json
import linecache
import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from gdref.adapters import on_arrays
from gdref.grade import grade
from gdref.loop import iterate
from gdref.rules import RULES

__all__ = ["check", "check_file", "on_arrays"]

START = (-4.0, 1.0)
CURVATURES = np.array([1.0, 20.0])
STEPS = 50
SECONDS = 60.0  # the search for the mistake takes a part of them, on a busy machine ten


def check(function: Any, rule: str, settings: Mapping[str, float] | None = None) -> None:
    """Raise AssertionError, with the grader's message, unless a function is right.

    Parameters
    ----------
    function
        the student's function, in the form of the rules.
    rule
        the name of the rule that it should be.
    settings
        hyperparameters: right is a function whose path is that of the rule at these.  None: right
        is a function in which the grader finds nothing wrong.
    """
    borrowed = _borrowed(function)
    if borrowed:
        raise AssertionError(f"it uses {borrowed}: write the rule yourself")
    report = grade(function, rule, seconds=SECONDS)
    if report.ok:
        return
    sound = report.stage in {"form", "rule"}
    if settings is None or not sound or not _same_path(function, rule, settings):
        raise AssertionError(str(report))


def _same_path(function: Callable, rule: str, settings: Mapping[str, float]) -> bool:
    values: dict[str, Any] = dict(settings)
    try:
        mine, right = (
            np.array(list(islice(iterate(f, _gradient, np.array(START), **values), STEPS)))
            for f in (function, RULES[rule])
        )
    except Exception:
        return False
    return np.allclose(mine, right, rtol=1e-10, atol=1e-12)


def _gradient(theta):
    return CURVATURES * theta


def _borrowed(function: Any) -> str:
    """What a function takes from gdref or from a library of optimizers; empty if nothing."""
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    used = [function, *(function.__globals__.get(name) for name in code.co_names)] if code else []
    for value in used:
        module = getattr(value, "__module__", None) or getattr(value, "__name__", None) or ""
        if str(module).split(".")[0] == "gdref" or str(module).startswith(("torch.optim", "optax")):
            return str(module)
    return "torch.optim" if code and "optim" in code.co_names else ""


ADAPTERS: dict[str, Callable] = {"numpy": lambda function: function, "pytorch": on_arrays}


# ---- what was handed in


def check_file(
    path: str | Path,
    rule: str,
    settings: Mapping[str, float] | None = None,
    library: str = "numpy",
    *,
    seconds: float = 150.0,
    megabytes: int = 8000,
) -> None:
    """:func:`check` of ``my_<rule>`` in a notebook or a file, in a process of its own.

    Parameters
    ----------
    path
        a notebook or a Python file.
    rule, settings
        as for :func:`check`.
    library
        "numpy" or "pytorch".
    seconds, megabytes
        how long it may take and how much memory it may have (memory on Linux only).
    """
    asked = [str(path), rule, "--library", library, "--megabytes", str(megabytes)]
    asked += [] if settings is None else ["--settings", json.dumps(settings)]
    command = [sys.executable, "-m", "gdref.homework", *asked]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        message = f"it takes more than {seconds:g} s: does a loop never end?"
        raise AssertionError(message) from None
    said = (done.stdout.strip() or done.stderr.strip()).splitlines()
    if done.returncode or said[-1:] != ["right"]:
        raise AssertionError(said[-1] if said else f"it ended the process ({done.returncode})")


def code_of(path: Path) -> str:
    """The code of a file, or of the cells of a notebook without IPython's own commands."""
    text = path.read_text("utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    lines = "\n\n".join("".join(cell["source"]) for cell in cells).splitlines()
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines)


def load(path: Path, name: str) -> Any:
    """A function of a file; what fails elsewhere in the file does not matter."""
    code = code_of(path)
    file = f"<{path.name}>"
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    namespace: dict[str, Any] = {"__name__": "submission"}
    for statement in ast.parse(code).body:
        with contextlib.suppress(Exception, SystemExit):
            exec(compile(ast.Module([statement], []), file, "exec"), namespace)
    if name not in namespace:
        raise AssertionError(f"{path.name} defines no {name}")
    return namespace[name]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m gdref.homework", description=check.__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("rule", choices=RULES)
    parser.add_argument("--settings", type=json.loads)
    parser.add_argument("--library", choices=ADAPTERS, default="numpy")
    parser.add_argument("--megabytes", type=int, default=8000)
    asked = parser.parse_args(arguments)
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (asked.megabytes << 20,) * 2)
    try:
        function = load(asked.file, f"my_{asked.rule}")
        check(ADAPTERS[asked.library](function), asked.rule, asked.settings)
    except SyntaxError as error:
        print(f"Python cannot read it: {error.msg} (line {error.lineno})")
        return 1
    except AssertionError as error:
        print(error)
        return 1
    print("right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
