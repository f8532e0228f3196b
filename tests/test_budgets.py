"""What a page may cost its reader: as it is found, with all that is folded closed.

The budgets hold for the chapters of DONE.  ``python tests/test_budgets.py SITE CHAPTER ...`` prints
what pages of a built site cost.
"""

import functools
import re
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "chapters"

# the chapters that are written for these budgets
DONE = (
    "intro gradient-descent challenges schedules momentum nag adagrad adadelta rmsprop adam "
    "adamax nadam amsgrad adamw sign trust-ratio adafactor shampoo muon warmup schedule-free "
    "map shared choosing recipe parallel strategies"
).split()

ROLES = {"teach", "proof", "plot", "check", "experiment", "setup"}
SCREEN = 900
# at most; "elsewhere" is code that neither is the rule nor derives it, "figure" the first one that
# can be moved, in screens from the top
BUDGET = {"screens": 22, "code": 150, "elsewhere": 50, "cell": 15, "asserts": 0, "zeros": 0,
          "imports": 0, "figure": 4, "words": 3500, "cut": 0, "sideways": 0}  # fmt: skip
LONGER = {
    "gradient-descent": {"screens": 28, "words": 4500},
    **dict.fromkeys(
        ["challenges", "schedules", "choosing", "parallel", "strategies", "recipe"], {"screens": 25}
    ),
}
MEASURE = r"""() => {
  const article = document.querySelector('article');
  const all = (selector) => [...article.querySelectorAll(selector)];
  const open = e => !e.closest('details:not([open])');
  const code = all('.highlight-python pre, .highlight-ipython3 pre, .cell_input pre').filter(open);
  const lines = code.map(e => e.textContent.trimEnd().split('\n').length);
  const outputs = all('.cell_output pre, .cell_output div.math').filter(open);
  const alone = e => (e.querySelector('math semantics > :first-child') ?? e).textContent.trim();
  // the parts of a chapter that are there for the code
  const heading = e => e?.querySelector(':scope > :is(h2, h3)')?.textContent ?? '';
  const derives = e => {
    for (let s = e.closest('section'); s; s = s.parentElement.closest('section'))
      if (/^The (update )?rule|^Where (it|the rule) comes from/.test(heading(s))) return true;
    return false;
  };
  const movable = all('.gdref').find(open);

  // prose as one reads it, each formula one word; without solutions, code, figures, captions
  const prose = article.cloneNode(true);
  const figures = prose.querySelectorAll('figure').length;
  const formulas = prose.querySelectorAll('div.math').length;
  const other = 'details, pre, .gdref, .headerlink, div.math, .cell_output';
  for (const e of prose.querySelectorAll(other)) e.remove();
  for (const e of prose.querySelectorAll('math')) e.replaceWith('x');
  const stated = prose.textContent.match(/[Rr]eading time:? (?:about )?(\d+)/);
  return {
    screens: article.getBoundingClientRect().height / innerHeight,
    code: lines.reduce((a, b) => a + b, 0),
    cell: Math.max(0, ...lines),
    elsewhere: code.reduce((sum, e, k) => sum + (derives(e) ? 0 : lines[k]), 0),
    asserts: code.flatMap(e => e.textContent.match(/^\s*assert\b/gm) ?? []).length,
    zeros: outputs.filter(e => alone(e) === '0').length,
    imports: code.filter(e => (e.textContent.match(/^(from|import) /gm) ?? []).length > 1).length,
    figure: movable ? (movable.getBoundingClientRect().top + scrollY) / innerHeight : 99,
    words: prose.textContent.split(/\s+/).filter(word => /[\p{L}\p{N}]/u.test(word)).length,
    figures, formulas,
    stated: stated ? Number(stated[1]) : 0,
  };
}"""
# on a phone: figures and tables of which a part is out of sight, and how far the page goes sideways
PHONE = """() => {
  const cut = e => {
    const box = e.getBoundingClientRect();
    if (!box.width) return false;
    for (let b = e.parentElement; b; b = b.parentElement)
      if (getComputedStyle(b).overflowX !== 'visible' && b.scrollWidth > b.clientWidth + 1)
        return true;
    return box.right > innerWidth + 1 || box.left < -1;
  };
  const figures = 'article figure img, article .gdref svg, article .gdref canvas';
  return {
    cut: [...document.querySelectorAll(figures)].filter(cut).length,
    sideways: Math.max(0, document.scrollingElement.scrollWidth - innerWidth),
  };
}"""


def minutes(cost):
    """200 words a minute, and time to look: half a minute a figure, a fifth a formula."""
    return cost["words"] / 200 + cost["figures"] / 2 + cost["formulas"] / 5


@functools.cache
def measured(browser, address):
    """What a page costs, on a desk and on a phone."""
    found = {}
    for width, height, script in [(1400, SCREEN, MEASURE), (390, 844, PHONE)]:
        context = browser.new_context(viewport={"width": width, "height": height})
        tab = context.new_page()
        tab.goto(address, wait_until="load")
        tab.wait_for_selector("html:not(.in-turn)")  # every section is laid out
        tab.evaluate("""async () => {
          await document.fonts.ready;
          for (const image of document.images) image.loading = 'eager';
          await new Promise(done => setTimeout(done, 300));
        }""")
        found |= tab.evaluate(script)
        context.close()
    return found


def budget(name):
    return BUDGET | LONGER.get(name, {})


def over(name, cost):
    return {key: cost[key] for key, most in budget(name).items() if cost[key] > most}


@pytest.mark.parametrize("name", DONE)
def test_a_page_is_within_its_budgets(browser, server, name):
    cost = measured(browser, f"{server}/chapters/{name}.html")
    assert not over(name, cost), f"{over(name, cost)} of at most {budget(name)}"


@pytest.mark.parametrize("name", [name for name in DONE if name != "intro"])
def test_the_reading_time_is_honest(browser, server, name):
    cost = measured(browser, f"{server}/chapters/{name}.html")
    assert cost["stated"] == pytest.approx(minutes(cost), rel=0.2, abs=3)


# the chapters of the five documents' rules and of practice, as a reader finds them
WHOLE = {"screens": 360, "code": 2200}
NO_CHAPTERS = {"intro", "shared"}
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
# each of these has its own budget alone
AFTER_ADAMW = set("sign trust-ratio adafactor shampoo muon warmup schedule-free map recipe".split())


def test_the_book_is_within_its_budget(browser, server):
    names = [name for name in DONE if name not in NO_CHAPTERS | AFTER_ADAMW]
    costs = [measured(browser, f"{server}/chapters/{name}.html") for name in names]
    assert len(names) == 16
    for key, most in WHOLE.items():
        assert sum(cost[key] for cost in costs) <= most, key


# their cells have roles too, and are not read from top to bottom
REFERENCE = ["claims", *(f"document-{letter}" for letter in "abcde"), "slips"]
REFERENCE += ["dialects", "conformance", "course", "engines"]


def code_cells(name):
    cells = nbformat.read(CHAPTERS / f"{name}.ipynb", as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code" and cell.source.strip()]


@pytest.mark.parametrize("name", DONE + REFERENCE)
def test_every_code_cell_has_one_role(name):
    for cell in code_cells(name):
        tags = set(cell.metadata.get("tags", []))
        where = f"{name}: {cell.source[:80]!r}"
        assert len(tags & ROLES) == 1, f"{sorted(tags)} at {where}"
        assert not tags & {"hide-input", "hide-output", "hide-cell"}, where
        if tags & {"proof", "check"}:  # what is inside is said
            assert cell.source.startswith("# "), f"no line in words at {where}"


@pytest.mark.parametrize("name", DONE + REFERENCE)
def test_code_that_is_shown_is_for_reading(name):
    """As the built page is measured above, and for who runs the notebook."""
    for cell in code_cells(name):
        where = f"{name}: {cell.source[:80]!r}"
        assert all(len(line) <= 88 for line in cell.source.splitlines()), where
        if "teach" in cell.metadata.tags:
            lines = [line for line in cell.source.splitlines() if line.strip()]
            assert len(lines) <= BUDGET["cell"], where
            assert not any(o.get("data", {}).get("text/plain") == "0" for o in cell.outputs), where
            assert not re.search(r"^\s*assert\b", cell.source, re.M), f"an assert at {where}"
            loops = r"^( *)(?:for|while) .*\n(?:\1 +.*\n)*?\1 +print\("
            assert not re.search(loops, cell.source + "\n", re.M), f"a loop of prints at {where}"


@pytest.mark.parametrize("cost, minutes_", [({"words": 2000, "figures": 6, "formulas": 10}, 15)])
def test_reading_takes_time_for_figures_and_formulas(cost, minutes_):
    assert minutes(cost) == minutes_


def test_the_measure_sees_what_is_open(browser, tmp_path):
    """A page made to break every budget, and its folded twin."""
    page = """<article><p>Reading time 7 minutes.</p><div style="height: 30000px"></div>
      {begin}<div class="cell_input"><pre>import a\nimport b\nassert 1\n{lines}</pre></div>
      <div class="cell_output"><pre>0</pre></div>{end}
      <figure style="overflow: auto"><img width="900" height="9" alt="wide"></figure>
      <div class="gdref">moves</div></article>"""
    costs = []
    for begin, end in [("", ""), ("<details>", "</details>")]:
        text = page.format(begin=begin, end=end, lines="x\n" * 200)
        path = tmp_path / f"page-{len(costs)}.html"
        path.write_text(text)
        costs.append(measured(browser, path.as_uri()))
    shown, folded = costs
    assert set(over("adam", shown)) == set(BUDGET) - {"words", "sideways"}
    assert set(over("adam", folded)) == {"screens", "figure", "cut"}
    assert shown["stated"] == 7 and shown["words"] == 4


if __name__ == "__main__":
    from playwright.sync_api import sync_playwright

    site, *names = sys.argv[1:]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        for name in names:
            cost = measured(chromium, Path(site, "chapters", f"{name}.html").resolve().as_uri())
            figures = {key: round(value, 1) for key, value in cost.items()}
            print(f"{name}: {figures}, {minutes(cost):.0f} minutes; over: {over(name, cost)}")
