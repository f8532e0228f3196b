"""What students might hand in, made from the rules: right answers, and the mistakes of gdref."""

from pathlib import Path

import nbformat

from course.questions import Question
from gdref.diagnosis import Mistake, mistakes

# one mistake for each question: its id in gdref/diagnosis/mistakes.tsv
PLANTED = {
    "momentum": "momentum-05",
    "nag": "nag-02",
    "rmsprop": "rmsprop-08",
    "adam": "adam-31",
    "adamw": "adamw-01",
    "lion": "lion-09",
}


def planted(question: Question) -> Mistake:
    return next(m for m in mistakes(question.rule) if m.id == PLANTED[question.rule])


def right(question: Question) -> str:
    return f"{question.head}\n{question.solution}"


def wrong(question: Question) -> str:
    return f"{question.head}\n{question.body(planted(question).program)}"


def fill_in(blank: Path, target: Path, answers: dict[str, str]) -> None:
    """A notebook with the functions of these names written as given."""
    notebook = nbformat.read(blank, as_version=4)
    left = dict(answers)
    for cell in notebook.cells:
        name = cell.source.partition("(")[0].removeprefix("def ")
        if cell.cell_type == "code" and name in left:
            cell.source = left.pop(name)
    assert not left, f"{blank.name} has no blank for {', '.join(left)}"
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
