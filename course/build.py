"""Build the assignments for pytest, otter-grader and nbgrader: python -m course.build [RULE ...]

What comes out, in _build/course/:

    numpy/pytest/student     a notebook with blanks, and the public tests
    numpy/pytest/teacher     the solution, and all tests; points are added up at the end
    numpy/otter              the master notebook, for `otter assign`
    numpy/nbgrader           a course folder, for `nbgrader generate_assignment`
    pytorch/...              the same with PyTorch's tensors
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from course.questions import HERE, LIBRARIES, Question, questions, read
from tools import wheel

TARGET = HERE.parent / "_build" / "course"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
BLANK = "    ...  # your lines\n"


def build(target: Path, package: Path, only: tuple[str, ...] = ()) -> None:
    """Write all forms into a folder, with the wheel of gdref beside each."""
    source = read()
    for library in LIBRARIES:
        asked = questions(library, only)
        for tool, write in (
            ("pytest", for_pytest),
            ("otter", for_otter),
            ("nbgrader", for_nbgrader),
        ):
            folder = target / library / tool
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            write(folder, source, asked, package)


# ---- what the three have in common


def first_cells(title: str, asked: list[Question]) -> list:
    library = asked[0].library
    words = (
        f"# {title}: {library.title}\n\n"
        "Each function takes one step of a rule. Fill in the blanks; the tests below a function "
        "say what is wrong with it."
    )
    # the import of the check stands here too, so that a student can call it
    imports = f"{library.imports}\n\nfrom gdref.homework import {', '.join(imported(library))}"
    return [new_markdown_cell(words), new_code_cell(imports)]


def imported(library) -> list[str]:
    return ["check"] + ["on_arrays"] * ("on_arrays" in library.adapter)


def write_notebook(cells: list, path: Path) -> None:
    """With ids that depend on the place alone, so that two builds are equal."""
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), path)


# ---- pytest


def for_pytest(folder: Path, source: dict, asked: list[Question], package: Path) -> None:
    name, title = source["name"], source["title"]
    blank, solved = first_cells(title, asked), first_cells(title, asked)
    for question in asked:
        blank += [new_markdown_cell(question.task), new_code_cell(f"{question.head}\n{BLANK}")]
        answer = f"{question.head}\n{question.solution}"
        solved += [new_markdown_cell(question.task), new_code_cell(answer)]
    for audience, cells in (("student", blank), ("teacher", solved)):
        write_notebook(cells, folder / audience / f"{name}.ipynb")
        write_tests(folder / audience / "public.json", asked, withheld=False)
        for file in (
            HERE / "pytest" / "conftest.py",
            HERE / "pytest" / "test_submission.py",
            package,
        ):
            shutil.copy(file, folder / audience)
    write_tests(folder / "teacher" / "withheld.json", asked, withheld=True)


def write_tests(path: Path, asked: list[Question], *, withheld: bool) -> None:
    library = next(key for key, value in LIBRARIES.items() if value == asked[0].library)
    rows = [
        {
            "id": f"{question.rule}-{test.id}",
            "rule": question.rule,
            "library": library,
            "settings": test.settings,
            "points": test.points,
        }
        for question in asked
        for test in question.tests
        if test.withheld == withheld
    ]
    path.write_text(json.dumps(rows, indent=1) + "\n")


# ---- otter-grader


def for_otter(folder: Path, source: dict, asked: list[Question], package: Path) -> None:
    shutil.copy(package, folder)
    packages = [*asked[0].library.kernel, f"./{package.name}"]
    (folder / "requirements.txt").write_text("\n".join(packages) + "\n")
    config = (
        f"# ASSIGNMENT CONFIG\nname: {source['name']}\nrequirements: requirements.txt\n"
        f"autograder_files:\n  - {package.name}\nexport_cell: false\ntests:\n  ok_format: false\n"
        "generate:\n  show_stdout: true\n  show_hidden: true\n  zips: false\n"
    )
    cells = [new_raw_cell(config), *first_cells(source["title"], asked)]
    for question in asked:
        cells += otter_question(question)
    write_notebook(cells, folder / f"{source['name']}.ipynb")


def otter_question(question: Question) -> list:
    answer = f"{question.head}\n    # BEGIN SOLUTION\n{question.solution}    # END SOLUTION"
    return [
        new_raw_cell(f"# BEGIN QUESTION\nname: {question.rule}"),
        new_markdown_cell(question.task),
        new_raw_cell("# BEGIN SOLUTION"),
        new_code_cell(answer),
        new_raw_cell("# END SOLUTION"),
        new_raw_cell("# BEGIN TESTS"),
        *[new_code_cell(otter_test(question, test)) for test in question.tests],
        new_raw_cell("# END TESTS"),
        new_raw_cell("# END QUESTION"),
    ]


def otter_test(question: Question, test) -> str:
    """In otter's form of a test that is a function; it may use what the notebook has imported."""
    names = [question.function, *imported(question.library)]
    function = f"test_{question.rule}_{test.id}".replace("-", "_")
    return (
        f'""" # BEGIN TEST CONFIG\nname: {question.rule}-{test.id}\npoints: {test.points}\n'
        f'hidden: {str(test.withheld).lower()}\n""" # END TEST CONFIG\n'
        f"def {function}({', '.join(names)}):\n    {question.statement(test)}\n\n"
        f"{function}({', '.join(names)}) # IGNORE"
    )


# ---- nbgrader


def for_nbgrader(folder: Path, source: dict, asked: list[Question], package: Path) -> None:
    name = source["name"]
    cells = first_cells(source["title"], asked)
    cells[1].metadata = graded("imports")
    for question in asked:
        answer = f"{question.head}\n    ### BEGIN SOLUTION\n{question.solution}    ### END SOLUTION"
        cells += [
            new_markdown_cell(question.task),
            new_code_cell(answer, metadata=graded(question.rule, solution=True)),
        ]
        for test in question.tests:
            cells.append(nbgrader_test(question, test))
    write_notebook(cells, folder / "source" / name / f"{name}.ipynb")
    (folder / "nbgrader_config.py").write_text(
        'c = get_config()\nc.CourseDirectory.course_id = "optimizers"\n'
        "c.ExecutePreprocessor.timeout = 120  # seconds a cell\n"
    )
    shutil.copy(package, folder)


def nbgrader_test(question: Question, test):
    statement = question.statement(test)
    if test.withheld:
        statement = f"# withheld\n### BEGIN HIDDEN TESTS\n{statement}\n### END HIDDEN TESTS"
    metadata = graded(f"{question.rule}-{test.id}", points=test.points)
    return new_code_cell(statement, metadata=metadata)


def graded(id: str, *, solution: bool = False, points: int = 0) -> dict:
    """The metadata by which nbgrader knows an answer, a test, and what nobody may change."""
    cell = {
        "schema_version": 3,
        "grade_id": id,
        "solution": solution,
        "grade": points > 0,
        "locked": not solution,
        "task": False,
    }
    return {"nbgrader": cell | ({"points": points} if points else {})}


FORMS = {"pytest": for_pytest, "otter": for_otter, "nbgrader": for_nbgrader}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rules", nargs="*", metavar="RULE", help="only these questions")
    rules = tuple(parser.parse_args().rules)
    try:
        with tempfile.TemporaryDirectory() as folder:
            wheel.build(folder)
            build(TARGET, next(Path(folder).glob("*.whl")), rules)
    except KeyError as error:
        parser.error(json.dumps(error.args[0]))
    print(f"The assignments: {TARGET}")


if __name__ == "__main__":
    main()
