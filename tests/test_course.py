"""The course material: what `make course` builds, and what a handed-in function is told."""

import json
import linecache
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest

from course import build, questions, submissions
from gdref import RULES
from gdref.homework import _same_path as same_path
from gdref.homework import check, check_file, code_of
from gdref.rules import WHOLE
from tools import wheel

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = list(questions.LIBRARIES)
RULES_ASKED = list(questions.read()["questions"])
QUESTIONS = {question.rule: question for question in questions.questions("numpy")}


@pytest.fixture(scope="session")
def a_wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    wheel.build(folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def built(tmp_path_factory, a_wheel):
    target = tmp_path_factory.mktemp("course")
    build.build(target, a_wheel)
    return target


def defined(code, name):
    """A function of a text, as a notebook has it."""
    namespace = {"np": np}
    exec(code, namespace)
    return namespace[name]


def in_a_file(code, name):
    """The same function with its source, as in a notebook, for the line in a message."""
    linecache.cache[f"<{name}>"] = (len(code), None, code.splitlines(keepends=True), f"<{name}>")
    namespace = {"np": np}
    exec(compile(code, f"<{name}>", "exec"), namespace)
    return namespace[name]


# ---- what is built


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_form_is_built_and_asks_the_same(built, library):
    name = questions.read()["name"]
    forms = {
        "pytest/student": f"{name}.ipynb",
        "otter": f"{name}.ipynb",
        "nbgrader": f"source/{name}/{name}.ipynb",
    }
    for folder, notebook in forms.items():
        cells = nbformat.read(built / library / folder / notebook, as_version=4).cells
        text = "\n".join(cell.source for cell in cells)
        for question in questions.questions(library):
            assert question.task in text and question.head in text, folder
    for folder in ("pytest/student", "pytest/teacher", "otter", "nbgrader"):
        assert len(list((built / library / folder).glob("gdref-*.whl"))) == 1


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_students_get_neither_answers_nor_withheld_settings(built, library):
    student = built / library / "pytest" / "student"
    text = "\n".join(path.read_text() for path in student.iterdir() if path.suffix != ".whl")
    shown = [test["settings"] for test in json.loads((student / "public.json").read_text())]
    for question in questions.questions(library):
        assert question.solution.splitlines()[0].strip() not in text
        for test in question.tests:
            assert (test.settings in shown) == (not test.withheld)


def test_two_builds_are_equal(built, a_wheel, tmp_path):
    build.build(tmp_path, a_wheel)
    files = sorted(path.relative_to(built) for path in built.rglob("*") if path.is_file())
    assert files == sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    for file in files:
        if file.suffix != ".whl":
            assert (built / file).read_bytes() == (tmp_path / file).read_bytes(), file


def test_one_rule_alone(a_wheel, tmp_path):
    build.build(tmp_path, a_wheel, ("adam",))
    (path,) = (tmp_path / "numpy" / "pytest" / "student").glob("*.ipynb")
    assert "my_adam" in path.read_text() and "my_nag" not in path.read_text()
    with pytest.raises(KeyError, match="sgd is not in assignments.yml"):
        build.build(tmp_path, a_wheel, ("sgd",))


def question_of(rule):
    points = {"public": 1, "withheld": 1, "everything": 1}
    tests = tuple(questions.tests({"public": [{}], "withheld": []}, points))
    return questions.Question(rule, questions.LIBRARIES["numpy"], tests)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in WHOLE])
def test_a_question_can_be_made_of_any_rule(rule):
    """Its formula, its state and its hyperparameters are found in the docstring."""
    question = question_of(rule)
    assert r"\theta_t" in question.task and "`eta`" in question.task or rule == "adadelta"
    assert ":math:" not in question.task and "``" not in question.task
    check_function = defined(submissions.right(question), question.function)
    check(check_function, rule)
    assert question.points == 2


@pytest.mark.parametrize("rule", WHOLE)
def test_a_rule_of_whole_arrays_is_refused_as_a_question(rule):
    refusal = f"{rule} cannot be a question of an assignment: it uses each {WHOLE[rule]} as a whole"
    with pytest.raises(TypeError, match=refusal):
        question_of(rule)


# ---- what a function is told


@pytest.mark.parametrize("rule", RULES_ASKED)
def test_right_and_wrong_at_every_setting(rule):
    question = QUESTIONS[rule]
    right = defined(submissions.right(question), question.function)
    wrong = in_a_file(submissions.wrong(question), question.function)
    for test in question.tests:
        check(right, rule, test.settings)
        with pytest.raises(AssertionError) as caught:
            check(wrong, rule, test.settings)
        assert submissions.planted(question).error in str(caught.value)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # a mistake may divide by 0
@pytest.mark.parametrize("rule", RULES_ASKED)
def test_the_settings_see_the_mistakes(rule):
    """Each mistake of the table costs points at some setting, not only with the whole grader."""
    question = QUESTIONS[rule]
    kept = set()
    for mistake in submissions.mistakes(rule):
        if mistake.kind == "error":
            code = f"{question.head}\n{question.body(mistake.program)}"
            function = defined(code, question.function)
            if all(same_path(function, rule, test.settings) for test in question.tests[:-1]):
                kept.add(mistake.error)
    # they are the rule where the rate is constant: only "everything" refuses them
    assert kept <= {"rate applied outside the velocity", "the rate stands outside the velocity"}


def passes(function, rule, settings):
    try:
        check(function, rule, settings)
    except AssertionError:
        return False
    return True


def test_points_for_what_is_right_at_some_settings():
    """Epsilon inside the root: nothing differs at 1e-8, all at 0.1."""
    code = submissions.right(QUESTIONS["adam"]).replace(
        "(np.sqrt(v_hat) + eps)", "np.sqrt(v_hat + eps)"
    )
    function = defined(code, "my_adam")
    assert passes(function, "adam", {"eta": 0.001, "eps": 1e-8})
    assert not passes(function, "adam", {"eta": 0.001, "eps": 0.1})


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("from gdref import adam as my_adam", "write the rule yourself"),
        (
            "import gdref\ndef my_adam(t, theta, grad, m=0, v=0, **more):\n"
            "    return gdref.adam(t, theta, grad, m, v, **more)",
            "write the rule yourself",
        ),
        ("my_adam = 3", "it is a int"),
        ("x = 1", "submission.py defines no my_adam"),
        ("def my_adam(t, theta:\n    pass", "Python cannot read it"),
        ("raise SystemExit(0)", "defines no my_adam"),
        ("import os\nos._exit(0)", "it ended the process"),
        ("while True: pass", "does a loop never end"),
        ("x = bytearray(10**12)\n" * 2, "defines no my_adam"),
    ],
)
def test_what_is_no_answer_is_refused_in_words(code, said, tmp_path):
    file = tmp_path / "submission.py"
    file.write_text(code + "\n")
    with pytest.raises(AssertionError, match=said):
        check_file(file, "adam", {}, seconds=8)


def test_a_cell_that_fails_does_not_take_the_others_with_it(tmp_path):
    cells = ["%matplotlib inline\nimport numpy as np", "1 / 0", submissions.right(QUESTIONS["nag"])]
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
    nbformat.write(notebook, tmp_path / "mine.ipynb")
    assert "%matplotlib" not in code_of(tmp_path / "mine.ipynb")
    check_file(tmp_path / "mine.ipynb", "nag")


def test_the_command_says_the_same(tmp_path):
    question = QUESTIONS["momentum"]
    (tmp_path / "a.py").write_text(submissions.wrong(question))
    command = [sys.executable, "-m", "gdref.homework", str(tmp_path / "a.py"), "momentum"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and submissions.planted(question).error in done.stdout


# ---- through pytest


@pytest.mark.parametrize("kind", ["right", "wrong"])
def test_a_submission_through_pytest(kind, a_wheel, tmp_path):
    only = ("momentum", "rmsprop")
    build.build(tmp_path, a_wheel, only)
    teacher = tmp_path / "numpy" / "pytest" / "teacher"
    (blank,) = (tmp_path / "numpy" / "pytest" / "student").glob("*.ipynb")
    asked = [QUESTIONS[rule] for rule in only]
    answers = {q.function: getattr(submissions, kind)(q) for q in asked}
    submissions.fill_in(blank, tmp_path / "anna.ipynb", answers)
    said = run_pytest(teacher, tmp_path / "anna.ipynb")
    if kind == "right":
        assert "10 of 10 points" in said, said
    else:
        assert "0 of 10 points" in said, said
        for question in asked:
            assert submissions.planted(question).error in said


def run_pytest(folder, submission):
    options = ["-q", "--tb=short", "-p", "no:cacheprovider", "--rootdir", str(folder)]
    more = {"SUBMISSION": str(submission), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(folder)],
        capture_output=True,
        text=True,
        env=os.environ | more | {"PYTHONPATH": str(ROOT)},
    )
    return done.stdout
