"""How the site renders what a chapter is made of: a book of two pages, which has every role."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat import v4 as nb

from gdref import problems
from gdref.book import plots
from gdref.book.tables import table

pytest.importorskip("jupyter_book", reason="Jupyter Book is not installed")
ROOT = Path(__file__).resolve().parent.parent

FIGURE = {
    "figure": {"caption": "A ravine.", "name": "fig-page"},
    "image": {"alt": "The level lines of a ravine, twenty times as steep across as along it."},
}
TEXT = """(page)=
# A page

*Reading time 3 minutes.*

It says what a page can say [as we know](https://example.org).
And then it says more of $\\hat m_t \\leftarrow \\beta_1$.

```{math}
:label: page-equation
m_t = \\beta_1 m_{t-1}
```

A theorem needs {eq}`page-equation`.

```{exercise} Show it
:label: page-ex
Show it.
```

```{solution} page-ex
:class: dropdown
It is {eq}`page-equation`.
```
"""


def draw(figure):
    plots.contour(figure.subplots(), problems.ravine())


def cell(source, *tags, result=None, text=None, options=None):
    outputs = []
    if text:
        outputs.append(nb.new_output("stream", text=text))
    if hasattr(result, "_repr_mimebundle_"):
        data, metadata = result._repr_mimebundle_()
        outputs.append(nb.new_output("execute_result", data=data, metadata=metadata))
    elif result is not None:
        data = {"text/plain": repr(result), "text/markdown": result._repr_markdown_()}
        outputs.append(nb.new_output("execute_result", data=data))
    metadata = {"tags": list(tags)} | ({"mystnb": options} if options else {})
    return nb.new_code_cell(source, metadata=metadata, outputs=outputs, execution_count=1)


def notebook():
    plots.use_style()
    cells = [
        nb.new_markdown_cell(TEXT),
        cell("# In a fresh environment: pip\nimport setup_of_page", "setup"),
        cell("derive = 1 + name", "teach"),
        cell("# Proved by SymPy: the\n# difference is $0$\nprove_page()", "proof", text="0"),
        cell("# Checked: `x` is small\nassert check_page", "check", "claim-P1", text="printed"),
        cell("prove_open()", "proof", "open", text="open result"),
        cell("plot_page()", "plot", result=plots.picture(draw), options=FIGURE),
        cell(
            "# How this is measured\n\n# a comment of the code\nmeasure()",
            "experiment",
            result=table([("a", -1.5, 2), ("b", 22.25, 10)], ["rule", r"$\eta$", "n"]),
        ),
        cell("untagged()"),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"},
              "language_info": {"name": "python"}}  # fmt: skip
    return nb.new_notebook(cells=cells, metadata=kernel)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The folder of the book, built as HTML and as LaTeX, with the site's address configured."""
    folder = tmp_path_factory.mktemp("book")
    for name in (
        "_site",
        "gdref",
        "references.bib",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "tools",
    ):
        os.symlink(ROOT / name, folder / name)
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf8"))
    config["html"] = {"baseurl": "https://example.org/book/"}
    options = config["sphinx"]["config"]["html_theme_options"]
    options["repository_url"] = "https://github.com/example/book"
    (folder / "_config.yml").write_text(yaml.safe_dump(config))
    (folder / "_toc.yml").write_text("format: jb-book\nroot: intro\nchapters: [{file: page}]\n")
    (folder / "intro.md").write_text(
        "# Gradient Descent, Derived and Run\n\nA book. See {ref}`page`.\n"
    )
    nbformat.write(notebook(), folder / "page.ipynb")
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    for builder in ("html", "latex"):
        command = [jupyter_book, "build", folder, "--builder", builder]
        made = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert made.returncode == 0, made.stderr[-3000:]
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def html(book):
    return (book / "_build/html/page.html").read_text(encoding="utf8")


@pytest.fixture(scope="module")
def latex(book):
    return (book / "_build/latex/gradient-descent.tex").read_text(encoding="utf8")


def plain(text):
    return " ".join(re.sub(r"<annotation.*?</annotation>|<[^>]*>", "", text).split())


def folds(html):
    """The words of each part that opens, with what it hides."""
    found = re.findall(
        r'<details class="fold[^>]*>\s*<summary>(.*?)</summary>(.*?)</details>', html, re.S
    )
    return {plain(words): plain(hidden) for words, hidden in found}


def test_a_fold_says_what_is_inside(html):
    assert folds(html) == {
        "Proved by SymPy: the difference is 0": "prove_page() 0",
        "Checked: x is small": "assert check_page printed",
        "Proof by SymPy": "prove_open() open result",
        "How the figure is made": "plot_page()",
        "How this is measured": "# a comment of the code measure()",
        "Run this chapter": folds(html)["Run this chapter"],
    }


def test_setup_stands_at_the_end_with_what_to_do(html):
    run = folds(html)["Run this chapter"]
    assert run.endswith("# In a fresh environment: pip import setup_of_page")
    assert "page.ipynb" in run and "pip install" in run
    assert html.index("setup_of_page") > html.index("untagged()")
    assert 'href="_sources/page.ipynb"' in html


def test_what_teaches_is_open_and_light(html):
    assert '<pre><span></span>derive = <span class="mi">1</span> + name\n</pre>' in html
    (opened,) = re.findall(r"<details[^>]* open[^>]*>", html)
    assert "fold-proof" in opened
    assert '<div class="cell tag_check tag_claim-P1 docutils container" id="claim-p1">' in html


def test_a_figure_has_four_renderings(book, html):
    pictures = re.findall(r"<picture>.*?</picture>", html, re.S)
    assert len(pictures) == 2
    for shade, picture in zip(("light", "dark"), pictures, strict=True):
        assert f'class="only-{shade}"' in picture and 'loading="lazy"' in picture
        names = re.findall(r'_images/([^"]+)"', picture)
        assert len(names) == 2 and "-narrow" in names[0] and 'media="(max-width' in picture
        assert all((book / "_build/html/_images" / name).stat().st_size < 60_000 for name in names)


def test_a_table_is_a_table(html, latex):
    body = re.search(r"<table.*?</table>", html, re.S)[0]
    assert 'class="text-right"' in body and "−1.50" in body and "22.2" in body
    assert "<math" in body and "22.2" in latex and r"\begin{tabular" in latex


def test_the_pdf_has_lines_and_results_but_not_the_code_of_checks(latex):
    assert "Proved by SymPy" in latex and "Checked: " in latex and "derive" in latex
    assert "prove\\PYGZus{}open" in latex and "open result" in latex
    for left_out in ("prove\\PYGZus{}page", "check\\PYGZus{}page", "printed", "plot\\PYGZus{}page",
                     "measure", "setup\\PYGZus{}of", "How the figure"):  # fmt: skip
        assert left_out not in latex, left_out
    assert latex.count(r"\sphinxincludegraphics{{") == 1


def test_a_formula_keeps_its_tex(html):
    assert '<annotation encoding="application/x-tex">m_t = \\beta_1 m_{t-1}' in html


def test_the_search_reads_prose_and_formulas_without_tex(book):
    data = (book / "_build/html/_static/search-data.js").read_text(encoding="utf8")
    assert "says more of m̂ₜ ←β₁." in data and "the difference is 0" in data
    assert "Run this chapter" not in data and "How the figure" not in data


def test_a_solution_is_folded_under_its_bar(html):
    bar = re.search(
        r'<details class="solution[^>]*>\s*<summary class="admonition-title">(.*?)</summary>', html
    )
    assert "Exercise 1" in bar[1] and "<a " not in bar[1]


def test_what_others_ask_of_a_page(book, html):
    assert "<title>A page - Gradient Descent, Derived and Run</title>" in html
    first = (book / "_build/html/intro.html").read_text(encoding="utf8")
    assert "<title>Gradient Descent, Derived and Run</title>" in first
    assert '<meta name="description" content="It says what a page can say as we know."/>' in html
    assert '<link rel="canonical" href="https://example.org/book/page.html"' in html
    picture = re.search(r'property="og:image" content="https://example.org/book/([^"]+)"', html)[1]
    assert (book / "_build/html" / picture).exists()
    sitemap = (book / "_build/html/sitemap.xml").read_text(encoding="utf8")
    assert "<loc>https://example.org/book/page.html</loc>" in sitemap
    missing = (book / "_build/html/404.html").read_text(encoding="utf8")
    assert '<base href="/book/"/>' in missing


def test_the_source_is_linked_where_it_is_known(html):
    assert 'href="https://github.com/example/book"' in html
    assert "https://mybinder.org/v2/gh/example/book/main?urlpath=lab/tree/page.ipynb" in html


def test_the_page_s_dark_is_the_figures_white():
    css = (ROOT / "_site/static/styles/book.css").read_text(encoding="utf8")
    assert f"--pst-color-background: {plots.DARK['#ffffff']};" in css


def test_the_scripts_know_the_theme_that_they_replace():
    """page.js does what the scripts of these versions do: look at new ones in a browser."""
    pins = (ROOT / "requirements.txt").read_text()
    assert "sphinx-book-theme==1.3.0\n" in pins and "pydata-sphinx-theme==0.17.1\n" in pins
