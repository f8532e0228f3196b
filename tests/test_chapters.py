"""What every chapter must have: the sections of the template, figures with words, solutions."""

import base64
import difflib
import io
import re
from pathlib import Path

import nbformat
import pytest
from PIL import Image

from gdref import RULES, catalogue
from gdref.rules import by_coordinate
from tools import notebooks

CHAPTERS = Path(__file__).resolve().parent.parent / "chapters"
ALGORITHMS = list(dict.fromkeys(catalogue.chapter(name) for name in RULES))
# the shape of the chapter of an algorithm
SHAPE = [
    "The problem",
    "The idea",
    "The rule",
    "Where it comes from",
    "Watching it work",
    "What is true of it",
    "Where it fails",
    "Using it",
    "Often said",
    "Summary",
    "Exercises",
    "Further reading",
]
TOPICS = ["challenges", "schedules", "map", "choosing", "recipe", "parallel", "strategies"]
WITH_EXERCISES = [*ALGORITHMS, *TOPICS]
NOTEBOOKS = sorted(path.stem for path in CHAPTERS.glob("*.ipynb"))


def load(name):
    return nbformat.read(CHAPTERS / f"{name}.ipynb", as_version=4)


def markdown(name):
    return "\n\n".join(cell.source for cell in load(name).cells if cell.cell_type == "markdown")


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_shape_of_a_chapter(name):
    assert re.findall(r"^## (.+)$", markdown(name), re.M) == SHAPE


@pytest.mark.parametrize("name", [name for name in WITH_EXERCISES if name in NOTEBOOKS])
def test_six_exercises_each_with_a_folded_solution(name):
    text = markdown(name)
    exercises = re.findall(r"\{exercise(?:-start)?\}.*?\n:label: (\S+)", text)
    solutions = re.findall(r"\{solution(?:-start)?\} (\S+)\n:class: dropdown", text)
    assert len(exercises) >= 6
    assert sorted(exercises) == sorted(solutions)
    titles = re.findall(r"\{exercise(?:-start)?\}(.*)", text)
    assert [title for title in titles if not re.match(r" ★{1,3} \S", title)] == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_figures_have_alt_text_caption_and_name(name):
    figures = [
        (number, cell)
        for number, cell in enumerate(load(name).cells)
        if any("image/png" in out.get("data", {}) for out in cell.get("outputs", []))
    ]
    for number, cell in figures:
        where = f"{name}, cell {number}: {cell.source[:60]!r}"
        data = cell.metadata.get("mystnb", {})
        alt = data.get("image", {}).get("alt", "")
        figure = data.get("figure", {})
        assert len(alt) > 40 and not re.search(r"\.(png|svg)\b|^\S+$", alt), f"alt text: {where}"
        assert figure.get("caption") and figure.get("name", "").startswith("fig-"), where


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_outputs_are_stored_and_small(name):
    """Without warnings and execution counts, pictures with a palette."""
    path = CHAPTERS / f"{name}.ipynb"
    assert path.stat().st_size < 2_000_000
    cells = [cell for cell in load(name).cells if cell.cell_type == "code"]
    assert any(cell.outputs for cell in cells), "not run"
    for cell in cells:
        assert cell.execution_count is None
        for output in cell.outputs:
            assert output.get("execution_count") is None
            assert output.get("name") != "stderr", output.text  # a warning, with a path
            picture = output.get("data", {}).get("image/png")
            if picture:
                assert Image.open(io.BytesIO(base64.b64decode(picture))).mode == "P"


@pytest.mark.parametrize("name", ["adam", "claims"])
def test_a_cell_more_changes_few_lines(name, tmp_path):
    """A branch that adds a cell in the middle of a chapter merges with one that adds another."""
    before = (CHAPTERS / f"{name}.ipynb").read_text().splitlines()
    notebook = load(name)
    middle = len(notebook.cells) // 2
    notebook.cells.insert(middle, nbformat.v4.new_code_cell("x = 1"))
    notebooks.write(notebook, tmp_path / "more.ipynb")
    after = (tmp_path / "more.ipynb").read_text().splitlines()
    changed = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
    assert 5 <= len(changed) <= 12


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_last_cell_of_the_derivation_is_a_proof(name):
    cells = load(name).cells
    after = "^## Watching it work"
    end = next(i for i, c in enumerate(cells) if re.search(after, c.source, re.M))
    last = [cell for cell in cells[:end] if cell.cell_type == "code"][-1]
    assert "prove_equal(" in last.source
    assert any(out.get("data", {}).get("text/plain") == "0" for out in last.outputs)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_search_along_a_path_ends(name):
    """Who breaks a rule sees an error, not a cell that never ends."""
    sources = [cell.source for cell in load(name).cells if cell.cell_type == "code"]
    assert [source[:80] for source in sources if may_not_end(source)] == []


def may_not_end(source):
    """Whether a cell takes the first of an endless path that fulfils a condition."""
    endless = re.findall(r"^ *(\w+) = iterate(?:_state)?\(", source, re.M)
    sought = re.findall(r"next\(\s*[^()]*? for [^()]*? in (?:enumerate\()?(\w+)", source)
    return bool(set(endless) & set(sought))


def test_a_search_that_may_not_end_is_found():
    search = "path = iterate(gd, g, 1)\nnext(t for t, x in enumerate(path) if x < 1)"
    assert may_not_end(search)
    assert not may_not_end(search.replace("iterate(gd, g, 1)", "islice(iterate(gd, g, 1), 9)"))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_rule_is_shown_from_its_source(name):
    code = "\n".join(cell.source for cell in load(name).cells if cell.cell_type == "code")
    rules = [rule for rule in RULES if catalogue.chapter(rule) == name]
    assert rules and [rule for rule in rules if f"show_source({rule})" not in code] == []
    if any(map(by_coordinate, map(RULES.get, rules))):  # others have figures of their own
        assert any(re.search(rf"movable\(\s*{rule}\b", code) for rule in rules)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_first_cell_installs_gdref_where_it_is_missing(name):
    """As the template has it, and no cell names another version of the wheel: make first-cell."""
    cells = load(name).cells
    first = next(cell for cell in cells if cell.cell_type == "code")
    assert first.source.startswith(notebooks.install_part(name, notebooks.site_address()))
    named = {wheel for cell in cells for wheel in notebooks.WHEEL.findall(cell.source)}
    assert named <= {notebooks.wheel_name()}


def test_a_label_names_one_thing():
    """Sphinx does not notice a section and a theorem with the same label."""
    labels = []
    for path in [*CHAPTERS.glob("*.ipynb"), *CHAPTERS.glob("*.md")]:
        text = path.read_text() if path.suffix == ".md" else markdown(path.stem)
        labels += re.findall(r"^\(([\w-]+)\)=$", text, re.M)
        labels += re.findall(r"^:(?:label|name): *([\w-]+)", text, re.M)
        if path.suffix == ".ipynb":
            options = [cell.metadata.get("mystnb", {}) for cell in load(path.stem).cells]
            labels += [o["figure"]["name"] for o in options if "name" in o.get("figure", {})]
    assert len(labels) > 500
    assert sorted(label for label in set(labels) if labels.count(label) > 1) == []
