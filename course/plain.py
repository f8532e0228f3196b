"""The chapters' text as plain Markdown, for sheets and slides outside the book.

A role becomes the words that the book would show: a link to a section its title, a link to a
theorem its name, a citation the authors and the year.
"""

import functools
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
from pybtex.database import parse_file

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "chapters"
ROLE = re.compile(r"\{([\w:.-]+)\}`([^`]*)`")
SECTION = re.compile(r"^((?:\([\w-]+\)=\n+)+)#+ (.+)$", re.M)
DIRECTIVE = re.compile(
    r"^(?P<fence>`{3,})\{(?P<name>[\w:-]+)\} ?(?P<title>.*)\n"
    r"(?P<options>(?::\w+:.*\n)*)(?P<body>(?:.*\n)*?)(?P=fence)[ ]*(?:\n|\Z)",
    re.M,
)


def notebook(chapter: str):
    return nbformat.read(CHAPTERS / f"{chapter}.ipynb", as_version=4)


def chapters() -> list[str]:
    """Those with exercises, in the order of the book."""
    contents = re.findall(r"file: chapters/([\w-]+)", (ROOT / "_toc.yml").read_text("utf-8"))
    return [
        name
        for name in contents
        if (CHAPTERS / f"{name}.ipynb").exists() and "{exercise}" in markdown(name)
    ]


@functools.cache
def markdown(chapter: str) -> str:
    cells = notebook(chapter).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def title(chapter: str) -> str:
    found = re.search(r"^# (.+)$", markdown(chapter), re.M)
    assert found, chapter
    return found[1]


@dataclass(frozen=True)
class Exercise:
    """An exercise of a chapter, with the one to three stars of its title."""

    label: str
    chapter: str
    title: str
    stars: int


@functools.cache
def exercises() -> dict[str, Exercise]:
    found = {}
    for chapter in chapters():
        for block in DIRECTIVE.finditer(markdown(chapter) + "\n"):
            if block["name"] in ("exercise", "exercise-start"):
                stars, name = re.match(r"(★*) ?(.*)", block["title"]).groups()  # type: ignore[union-attr]
                label = label_of(block)
                found[label] = Exercise(label, chapter, name, len(stars))
    return found


@functools.cache
def sections() -> dict[str, str]:
    """The title of each section of the book that has a label."""
    return {label: name for label, (_, name) in _places().items()}


def chapter_of(section: str) -> str:
    """The chapter, by the name of its file, that has the section with this label."""
    return _places()[section][0]


@functools.cache
def _places() -> dict[str, tuple[str, str]]:
    """Of each section that has a label, the file and the title."""
    texts = {path.stem: markdown(path.stem) for path in sorted(CHAPTERS.glob("*.ipynb"))}
    texts |= {path.stem: path.read_text("utf-8") for path in sorted(CHAPTERS.glob("*.md"))}
    return {
        label: (file, name)
        for file, text in texts.items()
        for labels, name in SECTION.findall(text)
        for label in re.findall(r"\(([\w-]+)\)=", labels)
    }


@functools.cache
def names() -> dict[str, str]:
    """What a label stands for, in words: a section, a theorem, an exercise."""
    found = {label: f"“{name}”" for label, name in sections().items()}
    for path in CHAPTERS.glob("*.ipynb"):
        for block in DIRECTIVE.finditer(markdown(path.stem) + "\n"):
            if (label := label_of(block)) and block["name"] != "math":
                kind = block["name"].removeprefix("prf:")
                found[label] = f"the {kind} “{block['title'].lstrip('★ ')}”"
    return found


def label_of(block: re.Match) -> str:
    found = re.search(r"^:label: (\S+)", block["options"], re.M)
    return found[1] if found else ""


@functools.cache
def citations() -> dict[str, str]:
    entries = parse_file(str(ROOT / "references.bib")).entries
    return {key: cited(entry) for key, entry in entries.items()}


def cited(entry) -> str:
    people = [" ".join(p.last_names) for p in entry.persons.get("author", [])]
    who = (
        people[0] if len(people) == 1 else f"{people[0]} & {people[1]}" if len(people) == 2 else ""
    )
    who = who or (f"{people[0]} et al." if people else entry.key)
    return f"{who} {entry.fields.get('year', '')}".replace("{", "").replace("}", "").strip()


def plain(text: str) -> str:
    """Markdown without the book's roles, labels and directives, but for their contents."""
    text = re.sub(r"^\([\w-]+\)=\n", "", text, flags=re.M)
    text = DIRECTIVE.sub(as_words, text + "\n").rstrip("\n")
    return ROLE.sub(in_words, text)


def as_words(block: re.Match) -> str:
    body, heading = block["body"].strip("\n"), block["title"].strip()
    match block["name"]:
        case "math":
            tex = f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}" if "\\\\" in body else body
            return f"$$\n{tex}\n$$\n"
        case "code-block":
            return f"```{heading}\n{body}\n```\n"
        case "list-table":
            return f"{body}\n"
    kind = block["name"].removeprefix("prf:").capitalize()
    kind = "" if kind == "Admonition" else kind
    head = (
        f"**{' '.join(filter(None, [kind, f'({heading})' if kind and heading else heading]))}.** "
    )
    return f"{head}{plain(body)}\n"


def in_words(role: re.Match) -> str:
    kind, content = role.groups()
    given = re.fullmatch(r"(.*?)\s*<(.*)>", content, re.S)
    words, target = given.groups() if given else ("", content)
    match kind:
        case "cite:t" | "cite" | "cite:p":
            text = "; ".join(citations().get(key.strip(), key) for key in target.split(","))
            return text if kind == "cite:t" else f"({text})"
        case "eq":
            return f"the equation `{target}`"
        case "doc":
            return words or f"the chapter on {title_of(target)}"
        case "numref":
            return words if words and "{" not in words else "the figure"
        case "ref" | "prf:ref":
            return words or names().get(target, f"`{target}`")
    return words or content


def title_of(chapter: str) -> str:
    return title(chapter) if (CHAPTERS / f"{chapter}.ipynb").exists() else chapter


def unknown(labels) -> list[str]:
    """Those of some labels that are no section of the book."""
    return sorted(set(labels) - set(sections()))
