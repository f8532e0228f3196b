"""A right and a wrong submission through otter-grader, nbgrader and pytest: `make course-tools`.

They have an environment of their own, course/requirements.txt.  The assignments for PyTorch are
tested where PyTorch is installed too.
"""

import csv
import html
import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("otter", reason="otter-grader is not installed: make course-tools")
pytest.importorskip("nbgrader")

from course import build, questions, submissions  # noqa: E402
from tools import wheel  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
NAME = questions.read()["name"]
ENVIRONMENT = os.environ | {
    "PYTHONPATH": str(ROOT),
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}
needs_torch = pytest.mark.skipif(not find_spec("torch"), reason="PyTorch is not installed")
every_library = pytest.mark.parametrize(
    "library", ["numpy", pytest.param("pytorch", marks=needs_torch)]
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    target, wheels = tmp_path_factory.mktemp("course"), tmp_path_factory.mktemp("wheel")
    wheel.build(wheels)
    build.build(target, next(wheels.glob("*.whl")))
    return target


def run(folder, *command):
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=folder,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
    )
    return done.stdout + done.stderr


def hand_in(kind, library, blank, target):
    """Write what a student hands in; return the messages that must come back."""
    asked = questions.questions(library)
    write = getattr(submissions, kind)
    submissions.fill_in(blank, target, {q.function: write(q) for q in asked})
    return [submissions.planted(q).error for q in asked] if kind == "wrong" else []


TOTAL = sum(question.points for question in questions.questions("numpy"))
POINTS = {"right": TOTAL, "wrong": 0}


@every_library
def test_pytest(built, library, tmp_path):
    folder = built / library / "pytest"
    for kind, points in POINTS.items():
        mine = tmp_path / f"{kind}.ipynb"
        messages = hand_in(kind, library, folder / "student" / f"{NAME}.ipynb", mine)
        ENVIRONMENT["SUBMISSION"] = str(mine)
        options = ["-q", "--tb=short", "-p", "no:cacheprovider"]
        said = run(folder / "teacher", "pytest", *options, "--rootdir", ".", ".")
        assert f"{points} of {TOTAL} points" in said, said
        assert all(message in said for message in messages), said


@every_library
def test_otter(built, library, tmp_path):
    master = built / library / "otter" / f"{NAME}.ipynb"
    said = run(tmp_path, "otter", "assign", "-v", master, "dist")
    assert "All autograder tests passed" in said, said
    (autograder,) = (tmp_path / "dist" / "autograder").glob("*.zip")
    blank = tmp_path / "dist" / "student" / f"{NAME}.ipynb"
    assert "withheld" not in blank.read_text()
    for kind, points in POINTS.items():
        mine = tmp_path / kind / f"{NAME}.ipynb"
        messages = hand_in(kind, library, blank, mine)
        said = run(mine.parent, "otter", "run", "--no-logo", "-a", autograder, "-o", ".", mine)
        results = json.loads((mine.parent / "results.json").read_text())["tests"]
        assert sum(result.get("score", 0) for result in results) == points, said
        text = "\n".join(result["output"] for result in results)
        assert all(message in text for message in messages), text


@every_library
def test_nbgrader(built, library):
    folder = built / library / "nbgrader"
    said = run(folder, "nbgrader", "generate_assignment", NAME)
    blank = folder / "release" / NAME / f"{NAME}.ipynb"
    assert blank.exists(), said
    assert "HIDDEN" not in blank.read_text() and "0.95" not in blank.read_text()
    told = {}
    for kind in POINTS:
        mine = folder / "submitted" / kind / NAME / f"{NAME}.ipynb"
        told[kind] = hand_in(kind, library, blank, mine)
    for step in (["autograde"], ["generate_feedback"], ["export"]):
        said += run(folder, "nbgrader", *step, *([] if step == ["export"] else [NAME]))
    with (folder / "grades.csv").open() as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert scores == POINTS, said
    for kind, messages in told.items():
        page = text_of(folder / "feedback" / kind / NAME / f"{NAME}.html")
        assert all(message in page for message in messages)
        assert bool(messages) == ("AssertionError" in page)


def text_of(page):
    """What a page shows: IPython colours the parts of a message."""
    return html.unescape(re.sub(r"<[^>]*>", "", page.read_text()))
