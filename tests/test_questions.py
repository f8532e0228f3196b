"""The questions that users ask have an answer where the list says; test_site searches for them."""

import re
from pathlib import Path

import nbformat
import pytest
from questions import QUESTIONS

CHAPTERS = Path(__file__).resolve().parent.parent / "chapters"


def text_of(page):
    notebook = nbformat.read(CHAPTERS / f"{page}.ipynb", as_version=4)
    return "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.query)
def test_a_question_has_an_answer_under_its_label(question):
    text = text_of(question.page)
    assert text.count(f"({question.label})=") == 1
    answer = text.split(f"({question.label})=")[1]
    assert re.match(r"\n+##+ ", answer), "the answer has a heading, to which a search leads"
    assert len(answer.split("\n(")[0].split()) > 15


def test_the_list_of_what_users_ask_links_to_all_of_them():
    listed = text_of("dialects")
    missing = {q.label for q in QUESTIONS if f"<{q.label}>`" not in listed}
    assert missing == set()
