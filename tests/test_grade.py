"""The grader on what students hand in."""

import sys
import textwrap

import pytest

from gdref import RULES, adam
from gdref.grade import _grade_text, grade, grade_file
from tests.submissions import SUBMISSIONS

KNOWN = {id: (rule, says, code) for id, rule, _, says, code in SUBMISSIONS}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("id", KNOWN)
def test_a_submission_is_judged(id):
    rule, says, code = KNOWN[id]
    report = _grade_text(code, "submission", f"my_{rule}", rule, 60)
    assert report.ok == (not says), report.message
    assert says in report.message


def my_file(tmp_path, body):
    file = tmp_path / "mine.py"
    file.write_text(textwrap.dedent(body))
    return file


@pytest.mark.parametrize(
    "body, says",
    [
        ("def my_gd(t, theta, grad, *, eta=0.01):\n    return (theta - eta * grad(theta),)\n", ""),
        ("def my_gd(t, theta, grad, *, eta=0.01):\n    return (theta - eta * grad(theta),\n",
         "Python cannot read it"),
        ("import torch\n", "it imports torch"),
        ("x = 1\n", "defines no my_gd or gd"),
        ("while True: pass\n", "does not end"),
        ("raise SystemExit(0)\n", "the file raises SystemExit"),
        ("def my_gd(t, theta, grad, *, eta=0.01):\n    while 1: pass\n", "does a loop never end"),
        ("import os\ndef my_gd(t, theta, grad, *, eta=0.01):\n    os._exit(0)\n",
         "it ended the process"),
    ],
)  # fmt: skip
def test_a_file_is_graded_in_a_process_of_its_own(tmp_path, body, says):
    report = grade_file(my_file(tmp_path, body), "gd", seconds=12)
    assert report.ok == (not says), report.message
    assert says in report.message


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")
def test_a_file_has_a_limit_of_memory(tmp_path):
    body = """
        import numpy as np
        def my_gd(t, theta, grad, *, eta=0.01):
            np.ones(10**10)
            return (theta - eta * grad(theta),)
    """
    report = grade_file(my_file(tmp_path, body), "gd", megabytes=1500)
    assert not report.ok and "MemoryError" in report.message


@pytest.mark.parametrize("rule", RULES)
def test_the_book_itself_passes(rule):
    from gdref.diagnosis.programs import program

    code = "from math import inf\n" + program(RULES[rule]).text
    namespace = dict(program(RULES[rule]).function.__globals__)
    exec(compile(code, "submission", "exec"), namespace)
    assert grade(namespace[rule], rule, code).ok


def test_the_line_is_named():
    def mine(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        g = grad(theta)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g
        m_hat = m / (1 - beta1**t)
        theta = theta - eta * m_hat / ((v / (1 - beta2**t)) ** 0.5 + eps)
        return theta, m, v

    report = grade(mine, adam)
    assert not report.ok and report.line == 4 and report.section == "adam-derivation"
    assert "`g` is not squared" in report.message
