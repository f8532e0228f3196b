"""Every claim of the documents has a verdict, a page that says it, and a cell that checks it."""

import re
from pathlib import Path

import nbformat
import pytest
import yaml

CHAPTERS = Path(__file__).resolve().parent.parent / "chapters"
CLAIMS = yaml.safe_load((CHAPTERS / "claims.yml").read_text(encoding="utf-8"))
VERDICTS = {"holds", "holds if", "wrong", "slip", "not checkable here"}
PAGES = [f"document-{letter}" for letter in "abcde"]
OTHERS = sorted({path.stem for path in CHAPTERS.glob("*.ipynb")} - set(PAGES))


def cells(name):
    return nbformat.read(CHAPTERS / f"{name}.ipynb", as_version=4).cells


def markdown(name):
    return "\n\n".join(cell.source for cell in cells(name) if cell.cell_type == "markdown")


def of_page(page):
    return [claim for claim in CLAIMS if claim["id"][0] == page[-1].upper()]


def claim_tags(name):
    tags = [tag for cell in cells(name) for tag in cell.metadata.get("tags", [])]
    return [tag.removeprefix("claim-") for tag in tags if tag.startswith("claim-")]


def written(claim):
    """The claim as its page prints it: verdict first, quote, reason."""
    condition = f" {claim['if']}" if "if" in claim else ""
    verdict = f"*{claim['verdict'].capitalize()}*{condition}"
    stop = "" if claim["quote"].endswith((".", "!", "?")) else "."
    return f'**{claim["id"]}** {verdict}: "{claim["quote"]}"{stop}\n{claim["reason"].strip()}'


def plain(text):
    return re.sub(r"\W+", " ", text.replace("’", "'")).lower()


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["id"])
def test_claim_is_complete(claim):
    assert re.fullmatch(r"[A-E]\d\d", claim["id"])
    assert claim["verdict"] in VERDICTS
    assert ("if" in claim) == (claim["verdict"] == "holds if")
    assert (CHAPTERS / f"{claim['chapter']}.ipynb").exists()
    assert claim["claim"] and claim["quote"]
    assert claim["reason"].strip().endswith((".", "?", "”", ")"))


def test_ids_are_unique():
    ids = [claim["id"] for claim in CLAIMS]
    assert len(ids) == len(set(ids)) == 105


@pytest.mark.parametrize("page", PAGES)
def test_page_says_what_the_data_say_in_their_order(page):
    text = markdown(page)
    at = [text.find(written(claim)) for claim in of_page(page)]
    missing = [claim["id"] for claim, place in zip(of_page(page), at, strict=True) if place < 0]
    assert missing == [] and at == sorted(at)


@pytest.mark.parametrize("page", PAGES)
def test_each_claim_has_one_check_after_its_entry(page):
    assert claim_tags(page) == [claim["id"] for claim in of_page(page)]
    stated = None
    for cell in cells(page):
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown":
            stated = re.findall(r"^\*\*([A-E]\d\d)\*\*", cell.source, re.M)
        elif "setup" not in tags:
            assert [tag for tag in tags if tag.startswith("claim-")] == [f"claim-{stated[0]}"]
            assert set(tags) & {"check", "proof"} and len(stated) == 1
            assert re.search(r"^\s*(assert|prove_equal\()", cell.source, re.M), stated
            assert re.match(r"# (Checked|Proved)", cell.source), stated


@pytest.mark.parametrize("name", OTHERS)
def test_a_claim_stands_once(name):
    """Other pages link to it: neither its check nor its quote stands there again."""
    assert claim_tags(name) == []
    text = plain(markdown(name))
    for claim in CLAIMS:
        for part in claim["quote"].split("…"):
            assert len(part.split()) < 6 or plain(part).strip() not in text, claim["id"]


def test_the_overview_lists_all():
    outputs = "".join(str(cell.get("outputs", "")) for cell in cells("claims"))
    linked = re.findall(r"\[([A-E]\d\d)\]\(#claim-([a-e]\d\d)\)", outputs)
    assert {name for name, anchor in linked if name.lower() == anchor} == {
        claim["id"] for claim in CLAIMS
    }
