"""Exercise sheets from the chapters: python -m course.sheets handouts|solutions [CHAPTER ...]

A sheet is a notebook with the exercises of a chapter; with `solutions`, each is followed by its
solution and the cells that check it.  They are written into _build/course/.
"""

import argparse
import re
from pathlib import Path

from nbformat.v4 import new_code_cell, new_markdown_cell

from course.build import TARGET, write_notebook
from course.plain import DIRECTIVE, chapters, notebook, plain, title

FENCE = re.compile(
    r"^(`{3,})\{(solution-start|solution-end)\}[^\n]*\n(?::class: dropdown\n)?\1\n?", re.M
)
WORDS = {
    "handouts": "Exercises of the chapter “{}”.",
    "solutions": "Exercises of the chapter “{}”, with their solutions. The code continues that of "
    "the chapter: its first cells import what it uses.",
}


def sheet(chapter: str, *, solved: bool) -> list:
    """The cells of a sheet."""
    kind = "solutions" if solved else "handouts"
    cells = [new_markdown_cell(f"# {title(chapter)}\n\n{WORDS[kind].format(title(chapter))}")]
    before = False
    for is_code, inside, text in pieces(chapter):
        if inside and not solved:
            continue
        if is_code:
            cells.append(new_code_cell(text))
        elif words := numbered(text, cells, solved):
            begins = inside and not before
            cells.append(new_markdown_cell("**Solution.** " * begins + words))
        before = inside
    return cells


def pieces(chapter: str):
    """The exercises' section in parts: whether it is code, whether inside a solution, the text."""
    inside = reached = False
    for cell in notebook(chapter).cells:
        text = cell.source
        if cell.cell_type == "code":
            if reached:
                yield True, inside, text
            continue
        if not reached:
            _, found, text = text.partition("## Exercises\n")
            reached = bool(found)
        if not reached:
            continue
        text, end, _ = text.partition("\n## Further reading")
        text = re.sub(r"\n\([\w-]+\)=\s*$", "", text) if end else text
        for number, part in enumerate(FENCE.split(text)):
            if number % 3 == 2:
                inside = part == "solution-start"
            elif number % 3 == 0 and part.strip():
                yield False, inside, part.strip("\n")
        if end or text.startswith("## Further reading"):
            return


def numbered(text: str, cells: list, solved: bool) -> str:
    """Exercises with their number in this sheet; solutions that are one directive stay or go."""
    count = sum(cell.source.count("## Exercise ") for cell in cells)

    def block(found: re.Match) -> str:
        nonlocal count
        if found["name"] == "exercise":
            count += 1
            return f"## Exercise {count}: {found['title']}\n\n{plain(found['body'].strip())}\n"
        if found["name"] == "solution":
            return f"**Solution.** {plain(found['body'].strip())}\n" if solved else ""
        return found[0]

    text = plain(DIRECTIVE.sub(block, text + "\n")).strip()
    return "" if text.startswith("## Further reading") else text


def write(kind: str, names: list[str], target: Path = TARGET) -> list[Path]:
    written = []
    for chapter in names:
        path = target / kind / f"{chapter}.ipynb"
        write_notebook(sheet(chapter, solved=kind == "solutions"), path)
        written.append(path)
    return written


def asked_for(parser: argparse.ArgumentParser, names: list[str]) -> list[str]:
    """The chapters that a command names, or all that have exercises."""
    known = chapters()
    wrong = [name for name in names if name not in known]
    if wrong:
        parser.error(f"no chapter with exercises: {', '.join(wrong)}; there are {', '.join(known)}")
    return names or known


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=WORDS)
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER")
    asked = parser.parse_args()
    written = write(asked.kind, asked_for(parser, asked.chapters))
    print(f"{len(written)} sheets: {written[0].parent}")


if __name__ == "__main__":
    main()
