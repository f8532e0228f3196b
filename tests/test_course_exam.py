"""The exam bank, the plan, the sheets and the slides belong to the book as it is."""

import re
from itertools import islice

import numpy as np
import pytest
import yaml

import gdref
from course import exam, plain, plan, questions, sheets, slides

QUESTIONS = exam.read()
SCOPE = {
    name: getattr(gdref, name) for name in (*gdref.RULES, "iterate", "iterate_state")
} | {"np": np, "islice": islice}  # fmt: skip


def test_there_are_enough_questions_from_every_part_of_the_book():
    assert len(QUESTIONS) >= 80
    assert len({question["id"] for question in QUESTIONS}) == len(QUESTIONS)
    asked = [plain.chapter_of(question["section"]) for question in QUESTIONS]
    assert [chapter for chapter in plain.chapters() if chapter not in asked] == []
    assert asked == sorted(asked, key=plain.chapters().index), "not in the order of the book"
    assert {question["kind"] for question in QUESTIONS} == exam.KINDS
    assert {question["stars"] for question in QUESTIONS} == {1, 2, 3}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question["id"])
def test_a_question_is_whole(question):
    assert question["section"] in plain.sections(), "no section of the book has this label"
    assert len(question["question"]) > 60 and len(question["answer"]) > 30
    assert 3 <= exam.points(question) <= 8
    assert all(re.fullmatch(r"[1-9]: .+", line) for line in question["rubric"])
    assert 4 <= question["minutes"] <= 15
    assert question["kind"] != "compute" or "check" in question, "a number that nothing checks"
    for part in ("question", "answer"):
        assert question[part].count("$") % 2 == 0


CHECKED = [question for question in QUESTIONS if "check" in question]


@pytest.mark.parametrize("question", CHECKED, ids=lambda question: question["id"])
def test_the_answer_is_right(question):
    assert "assert" in question["check"]
    exec(question["check"], dict(SCOPE))


def test_answers_are_written_apart(tmp_path):
    exam.write(QUESTIONS, tmp_path)
    without, with_them = ((tmp_path / f"{n}.md").read_text() for n in ("exam", "exam-answers"))
    assert "**Answer.**" not in without and with_them.count("**Answer.**") == len(QUESTIONS)


def test_a_chapter_chooses_its_own_questions_and_no_others():
    """The labels of one chapter may begin with the name of another, or of none."""

    def chosen(name):
        return [question["id"] for question in QUESTIONS if exam.belongs(question, name)]

    for chapter in plain.chapters():
        text = plain.markdown(chapter)
        own = [q["id"] for q in QUESTIONS if f"({q['section']})=\n" in text]
        assert chosen(chapter) == own != []
    assert chosen("adam-first") == ["adam-first"]
    assert "soap-stale" in chosen("shampoo") and chosen("soap-derivation") == ["soap-stale"]
    assert chosen("ada") == []


# ---- the plan


WEEKS = {"four weeks": 4, "twelve weeks": 12, "four more weeks": 4}


@pytest.mark.parametrize("name", WEEKS)
def test_the_plan_names_what_the_book_has(name):
    weeks = plan.read()[name]
    assert len(weeks) == WEEKS[name]
    exercises, ids = plain.exercises(), {question["id"] for question in QUESTIONS}
    for week in weeks:
        assert plain.unknown(week["sections"]) == []
        assert set(week["exercises"]) <= set(exercises), "an exercise that the book does not have"
        assert set(week.get("exam", [])) <= ids
        assert set(week.get("assignment", [])) <= set(questions.read()["questions"])
        assert len(week["goals"]) >= 2
        assert all(exercises[label].stars in (1, 2, 3) for label in week["exercises"])
    used = [label for week in weeks for label in week["exercises"]]
    assert len(used) == len(set(used))
    assert name in plan.as_markdown()


def test_twelve_weeks_and_four_more_come_to_every_chapter():
    plans = plan.read()
    assert set(plans) == set(WEEKS)
    weeks = plans["twelve weeks"] + plans["four more weeks"]
    asked = {plain.chapter_of(label) for week in weeks for label in week["sections"]}
    assert asked == set(plain.chapters())
    exercises = [label for week in weeks for label in week["exercises"]]
    assert len(exercises) == len(set(exercises))
    for week in weeks:  # nothing is asked before it is read
        read = {plain.chapter_of(label) for label in week["sections"]}
        chosen = [q for q in QUESTIONS if q["id"] in week["exam"]]
        assert {plain.chapter_of(q["section"]) for q in chosen} <= read
        assert {plain.exercises()[label].chapter for label in week["exercises"]} <= read


# ---- sheets and slides


@pytest.mark.parametrize("chapter", plain.chapters())
def test_a_handout_has_the_exercises_and_no_solution(chapter):
    count = sum(exercise.chapter == chapter for exercise in plain.exercises().values())
    sheet = {
        solved: "\n".join(cell.source for cell in sheets.sheet(chapter, solved=solved))
        for solved in (False, True)
    }
    for text in sheet.values():
        assert text.count("## Exercise ") == count >= 6
        assert not re.search(r"\{[\w:-]+\}`|^`{3,}\{|Further reading", text, re.M)
    assert "**Solution.**" not in sheet[False]
    assert sheet[True].count("**Solution.**") == count
    source = plain.markdown(chapter)
    for solution in re.findall(r"\{solution-start\}[^`]*`+\n+([^`\n]{30,})\n", source):
        assert solution not in sheet[False]


@pytest.mark.parametrize("chapter", plain.chapters())
def test_a_deck_has_every_figure_of_the_chapter(chapter, tmp_path):
    deck = slides.deck(chapter, tmp_path)
    figures = {
        cell.metadata["mystnb"]["figure"]["name"]
        for cell in plain.notebook(chapter).cells
        if "figure" in cell.metadata.get("mystnb", {}) and slides.png(cell)
    }
    assert {path.stem for path in tmp_path.glob("*.png")} == figures != set()
    assert deck.count("{image}") == len(figures)
    assert "## Summary" in deck and "## Exercises" in deck
    assert not re.search(r"\{(?:cite|ref|eq|numref|prf)[\w:]*\}`", deck)


def test_slides_become_html(tmp_path):
    pytest.importorskip("sphinx_revealjs", reason="sphinx-revealjs is not installed: no slides")
    slides.html(["adam"], tmp_path)
    page = (tmp_path / "html" / "adam.html").read_text()
    assert "<mfrac>" in page and "fig-adam-bursts.png" in page
    assert not re.search(r'(?:src|href)="https?:', page), "it would need a network"


def test_the_data_files_are_what_they_say():
    for name in ("assignments", "exam", "plan"):
        assert yaml.safe_load((slides.ROOT / "course" / f"{name}.yml").read_text())
