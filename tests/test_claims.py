"""Every claim of the documents has a verdict, and a cell that checks it."""

import re
from pathlib import Path

import nbformat
import pytest
import yaml

CHAPTERS = Path(__file__).resolve().parent.parent / "chapters"
CLAIMS = yaml.safe_load((CHAPTERS / "claims.yml").read_text(encoding="utf-8"))
VERDICTS = {"holds", "holds if", "wrong", "slip", "not checkable here"}
PRESENT = sorted({claim["chapter"] for claim in CLAIMS})


def cells(chapter):
    return nbformat.read(CHAPTERS / f"{chapter}.ipynb", as_version=4).cells


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["id"])
def test_claim_is_complete(claim):
    assert re.fullmatch(r"[A-E]\d\d", claim["id"])
    assert claim["verdict"] in VERDICTS
    assert claim["claim"] and claim["reason"].endswith((".", "?", "”", ")"))


def test_ids_are_unique():
    ids = [claim["id"] for claim in CLAIMS]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["id"])
def test_claim_has_a_cell_that_asserts(claim):
    tag = f"claim-{claim['id']}"
    found = [cell for cell in cells(claim["chapter"]) if tag in cell.metadata.get("tags", [])]
    assert len(found) == 1, f"{len(found)} cells with the tag {tag} in {claim['chapter']}"
    source = found[0].source
    assert re.search(r"^\s*(assert|prove_equal\()", source, re.M), f"{tag} asserts nothing"


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["id"])
def test_chapter_states_the_same_verdict(claim):
    """The words after the claim's id in the chapter begin with the verdict of claims.yml."""
    markdown = [c.source for c in cells(claim["chapter"]) if c.cell_type == "markdown"]
    text = "\n".join(markdown)
    entry = re.search(rf"\*\*{claim['id']}\*\*.*?(?=\n\n|\Z)", text, re.S)
    assert entry, f"{claim['id']} is not discussed in {claim['chapter']}"
    stated = re.search(r"\*(Holds if|Holds|Wrong|Slip|Not checkable here)\b", entry.group())
    assert stated and stated.group(1).lower() == claim["verdict"]


@pytest.mark.parametrize("chapter", PRESENT)
def test_no_checked_claim_is_missing_from_the_data(chapter):
    tags = {tag for cell in cells(chapter) for tag in cell.metadata.get("tags", [])}
    checked = {tag.removeprefix("claim-") for tag in tags if tag.startswith("claim-")}
    assert checked == {claim["id"] for claim in CLAIMS if claim["chapter"] == chapter}
