"""Slides from the chapters' figures: python -m course.slides [CHAPTER ...]

Each chapter becomes a deck: its rule, its figures with their captions, its summary, its exercises.
What comes out, in _build/course/slides/: HTML that needs no network (reveal.js, which
sphinx-revealjs ships), and a PDF of each deck where there is a Chromium.
"""

import argparse
import base64
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from course.build import TARGET
from course.plain import ROOT, exercises, notebook, plain, title
from course.questions import formula
from course.sheets import asked_for
from gdref import catalogue
from gdref.rules import RULES

BULLETS = 4  # a slide
BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
CONFIG = f"""
import sys
sys.path.insert(0, {str(ROOT / "_site")!r})
project = "Gradient Descent, Derived and Run"
extensions = ["myst_parser", "sphinx_revealjs", "bookmath"]
myst_enable_extensions = ["amsmath", "dollarmath"]
html_math_renderer = revealjs_html_math_renderer = "mathml"
revealjs_static_path = ["static"]
revealjs_css_files = ["slides.css"]
revealjs_style_theme = "white"
revealjs_script_conf = {{"hash": True, "width": 1280, "height": 720, "margin": 0.05,
    "pdfMaxPagesPerSlide": 1}}
"""
STYLE = """
.reveal { font-size: 30px; }
.reveal h1 { font-size: 2.2em; }
.reveal h2 { font-size: 1.4em; text-transform: none; }
.reveal h1, .reveal h2 { text-transform: none; }
.reveal section img { height: 420px; max-width: 1150px; object-fit: contain; margin: 0 auto; }
.reveal section p, .reveal section li { font-size: 0.8em; line-height: 1.3; text-align: left; }
.reveal a.headerlink { display: none; }
"""


# ---- a deck as text


def deck(chapter: str, pictures: Path) -> str:
    """The slides of a chapter in MyST; its figures are written into a folder."""
    parts = [f"# {title(chapter)}", *rule_slide(chapter), *figure_slides(chapter, pictures)]
    parts += bullet_slides("Summary", bullets(chapter, "Summary"))
    asked = [e for e in exercises().values() if e.chapter == chapter]
    parts += bullet_slides("Exercises", [f"{'★' * e.stars} {e.title}".strip() for e in asked], 9)
    return "\n\n".join(parts) + "\n"


def rule_slide(chapter: str) -> list[str]:
    rules = [rule for rule in RULES if catalogue.chapter(rule) == chapter]
    return [f"## The rule\n\n$$\n{formula(rule)}\n$$" for rule in rules]


def figure_slides(chapter: str, pictures: Path) -> list[str]:
    slides, heading = [], ""
    for cell in notebook(chapter).cells:
        if cell.cell_type == "markdown":
            found = re.findall(r"^#{1,3} (.+)$", cell.source, re.M)
            heading = found[-1] if found else heading
        figure = cell.metadata.get("mystnb", {}).get("figure")
        picture = png(cell)
        if figure and picture:
            pictures.mkdir(parents=True, exist_ok=True)
            (pictures / f"{figure['name']}.png").write_bytes(base64.b64decode(picture))
            alt = cell.metadata["mystnb"]["image"]["alt"].replace("\n", " ")
            image = f"```{{image}} pictures/{figure['name']}.png\n:alt: {alt}\n```"
            slides.append(f"## {plain(heading)}\n\n{image}\n\n{plain(figure['caption'])}")
    return slides


def png(cell) -> str:
    outputs = [output.get("data", {}) for output in cell.get("outputs", [])]
    return next((data["image/png"] for data in outputs if "image/png" in data), "")


def bullets(chapter: str, section: str) -> list[str]:
    text = "\n\n".join(c.source for c in notebook(chapter).cells if c.cell_type == "markdown")
    found = re.search(rf"^## {section}\n(.*?)(?=^\([\w-]+\)=\n|^## |\Z)", text, re.M | re.S)
    return re.findall(r"^- (.+(?:\n  .+)*)", plain(found[1]), re.M) if found else []


def bullet_slides(heading: str, items: list[str], each: int = BULLETS) -> list[str]:
    groups = [items[k : k + each] for k in range(0, len(items), each)]
    return [f"## {heading}\n\n" + "\n".join(f"- {item}" for item in group) for group in groups]


# ---- HTML and PDF


def html(names: list[str], target: Path) -> None:
    """Build the decks; what Sphinx warns of is an error."""
    source, built = target / "source", target / "html"
    for folder in (source, built):
        shutil.rmtree(folder, ignore_errors=True)
    (source / "static").mkdir(parents=True)
    (source / "conf.py").write_text(CONFIG)
    (source / "static" / "slides.css").write_text(STYLE)
    for chapter in names:
        (source / f"{chapter}.md").write_text(deck(chapter, source / "pictures"))
    listed = "\n".join(f"- [{title(chapter)}]({chapter}.md)" for chapter in names)
    toc = "\n".join(["```{toctree}", ":hidden:", *names, "```"])
    (source / "index.md").write_text(f"# Slides\n\n{listed}\n\n{toc}\n")
    command = ["-m", "sphinx", "-q", "-W", "--keep-going", "-b", "revealjs"]
    subprocess.run([sys.executable, *command, str(source), str(built)], check=True)


def pdf(names: list[str], target: Path) -> list[Path]:
    """Print the decks with Chromium; nothing is written, and it is said, where there is none."""
    browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None or not find_spec("playwright"):
        print("No Chromium, or no Playwright: no PDF (on Debian: apt-get install chromium)")
        return []
    from playwright.sync_api import sync_playwright

    written = []
    with sync_playwright() as p:
        launched = p.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = launched.new_page()
        for chapter in names:
            page.goto((target / "html" / f"{chapter}.html").as_uri() + "?print-pdf")
            page.wait_for_selector(".pdf-page")
            written.append(target / "pdf" / f"{chapter}.pdf")
            page.pdf(path=written[-1], prefer_css_page_size=True, print_background=True)
        launched.close()
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER")
    names = asked_for(parser, parser.parse_args().chapters)
    target = TARGET / "slides"
    html(names, target)
    print(f"The slides: {target / 'html' / 'index.html'}", flush=True)
    if printed := pdf(names, target):
        print(f"As PDF: {printed[0].parent}")


if __name__ == "__main__":
    main()
