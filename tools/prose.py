"""Make the text that gdref's language model learns, from the book's own prose.

    python tools/prose.py      writes gdref/prose.txt.gz

The stored text stays as it is when a chapter changes, since the results of the experiment in
gdref/experiments/recipe.json are those of this text.  Who makes it anew runs the experiment anew.
"""

import gzip
import re
import sys
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent
TEXT = ROOT / "gdref" / "prose.txt.gz"

LETTERS = "\n abcdefghijklmnopqrstuvwxyz0123456789.,:;?!'()-"
SENTENCE = re.compile(r"[a-z0-9(][a-z0-9 .,:;?!'()-]{18,}[.:?!]")
ROLE = r"\{[\w:]+\}`[^`]*`"


def plain(line):
    """A line of Markdown as one reads it, in small letters; a formula is the letter x."""
    line = re.sub(r"^(\s*[-*]|\s*\d+\.|#+|>)\s+", "", line)
    line = re.sub(rf" \({ROLE}(,? {ROLE})*\)| \{{cite\}}`[^`]*`", "", line)  # in brackets: left out
    line = re.sub(r"\$[^$]+\$", "x", line)
    line = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", line)
    line = line.replace("’", "'").replace("–", "-")
    line = re.sub(r'(?<!\})`([^`]*)`|["“”*]', r"\1", line)
    return line.strip().lower()


def sentences(markdown):
    """The lines of a Markdown text that are sentences, without headings, code and directives."""
    fence = ""
    for line in markdown.splitlines():
        mark = re.match(r"\s*(```+|\$\$|:::+)", line)
        if mark and not fence:
            fence = mark[1]
        elif mark and line.strip().startswith(fence):
            fence = ""
        elif not fence and not line.startswith("#"):
            text = plain(line)
            if SENTENCE.fullmatch(text):
                yield text


def pages():
    """The notebooks in the order of the book's contents."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [page["file"] for part in contents["parts"] for page in part["chapters"]]
    return [path for file in files if (path := ROOT / f"{file}.ipynb").exists()]


def prose(paths):
    """One sentence a line; a sentence that was there already is left out."""
    cells = (cell for path in paths for cell in nbformat.read(path, as_version=4).cells)
    found = (s for cell in cells if cell.cell_type == "markdown" for s in sentences(cell.source))
    return "".join(f"{sentence}\n" for sentence in dict.fromkeys(found))


def main():
    text = prose(pages())
    assert set(text) <= set(LETTERS)
    TEXT.write_bytes(gzip.compress(text.encode("ascii"), mtime=0))
    print(f"{len(text)} letters, {TEXT.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
