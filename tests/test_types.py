"""What a type checker says of a user's file: it accepts what is right and refuses slips."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

RIGHT = """
import numpy as np

import gdref
from gdref import adam, adamw, iterate, minimize, momentum, schedules


def plain(t, theta, grad, v=0, *, eta=0.1):
    v = 0.9 * v + grad(theta)
    return theta - eta * v, v


def typed(
    t: int, theta: float, grad: gdref.loop.Callable[[float], float], *, eta: float = 0.1
) -> tuple[float]:
    return (theta - eta * grad(theta),)


path = iterate(adam, lambda x: 2 * x, 1.0, eta=0.1, beta1=schedules.cosine(0.9, 10))
first = next(path)
result = minimize(lambda x: (x**2).sum(), np.ones(3), adamw, steps=10, lam=1e-3, progress=False)
print(result.x, result.nit, result.success, result.message)
minimize(lambda x: x**2, 1.0, plain, grad=lambda x: 2 * x, steps=3)
minimize(lambda x: x**2, 1.0, typed, grad=lambda x: 2 * x, steps=3, eta=0.2)
theta, m, v = adam(1, 1.0, lambda x: x, eta=0.1)
theta, v = momentum(2, {"w": np.ones(2)}, lambda p: p, v, gamma=0.5)
rule: gdref.Rule = gdref.RULES["nag"]
iterate(rule, lambda x: x, 1.0)
"""

# a slip, and what mypy says of it
WRONG = {
    'minimize(lambda x: x**2, 1.0, adam, steps="ten")': 'incompatible type "str"; expected "int',
    'iterate("adam", lambda x: x, 1.0)': 'incompatible type "str"; expected "Rule"',
    "adam(1, 1.0, lambda x: x, betta1=0.9)": 'Unexpected keyword argument "betta1" for "adam"',
    "adam(1)": "Missing positional argument",
    "minimize(lambda x: x**2, 1.0, print, steps=3)": 'expected "Rule"',
    "iterate(adam, 3.0, 1.0)": 'incompatible type "float"',
    "result = minimize(lambda x: x**2, 1.0, adam, steps=3); result.nits": '"Result" has no attr',
    "gdref.adamm": 'no attribute "adamm"',
}


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What mypy says of a text, as (line, words)."""
    if not find_spec("mypy"):
        pytest.skip("mypy is not installed")
    folder = tmp_path_factory.mktemp("user")

    def said(text):
        (folder / "users.py").write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "mypy", "--follow-imports=silent", "--check-untyped-defs",
             "--ignore-missing-imports", "users.py"],
            cwd=folder, env=os.environ | {"MYPYPATH": str(ROOT)}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode in (0, 1), done.stdout + done.stderr
        found = re.findall(r"^users\.py:(\d+): error: (.*)$", done.stdout, re.M)
        assert bool(found) == done.returncode, done.stdout
        return [(int(line), words) for line, words in found]

    return said


def test_a_right_file_is_accepted(said):
    assert said(RIGHT) == []


def test_it_runs():
    """What the checker accepts is right."""
    done = subprocess.run([sys.executable, "-c", RIGHT], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_each_slip_is_refused(said):
    head = ["import gdref", "from gdref import adam, iterate, minimize"]
    found = said("\n".join([*head, *WRONG]) + "\n")
    lines = {line - len(head) - 1: words for line, words in found}
    for k, (slip, words) in enumerate(WRONG.items()):
        assert words in lines.get(k, "nothing"), slip
    assert len(lines) == len(WRONG)
