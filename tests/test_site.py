"""The built site in a real browser: every page of the table of contents, offline.

Without Chromium the tests are skipped, and say so.  What a page may cost its reader is in
test_budgets.py.
"""

import contextlib
import gzip
import html
import re
import subprocess
import sys
import unicodedata
import zipfile
from pathlib import Path

import pytest
import yaml
from fontTools import ttLib
from questions import QUESTIONS

ROOT = Path(__file__).resolve().parent.parent
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf8"))

axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")


def toc_pages(node):
    """The pages under an entry of the table of contents, in order."""
    for key in ("root", "file"):
        if key in node:
            yield node[key]
    for key in ("parts", "chapters", "sections"):
        for child in node.get(key, []):
            yield from toc_pages(child)


PAGES = [page.removesuffix(".md").removesuffix(".ipynb") for page in toc_pages(TOC)]
CHAPTERS = [page for page in PAGES if (ROOT / f"{page}.ipynb").exists()]
# those that Sphinx makes: the index, sources of gdref, the answer to a wrong address
OTHERS = ["search", "genindex", "_modules/gdref/rules", "404"]


@contextlib.contextmanager
def visiting(browser, base, page, width=1400, colours="light", query=""):
    """A page in a tab of its own, loaded; what went wrong on the way is in its ``.problems``."""
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=colours)
    tab.problems, tab.responses = problems, responses = [], []

    def requested(request):
        if not request.url.startswith((base, "data:", "blob:")):
            problems.append(f"request leaves the site: {request.url}")

    def answered(response):
        responses.append(response)
        if response.status >= 400:
            problems.append(f"{response.status} for {response.url}")

    def said(message):
        if message.type in ("error", "warning"):
            problems.append(f"console {message.type}: {message.text}")

    tab.on("request", requested)
    tab.on("response", answered)
    tab.on("requestfailed", lambda request: problems.append(f"failed: {request.url}"))
    tab.on("console", said)
    tab.on("pageerror", lambda error: problems.append(f"script error: {error}"))
    tab.goto(f"{base}/{page}.html{query}", wait_until="load")
    if page == "index":  # it leads on to the first page
        tab.wait_for_url(f"{base}/{PAGES[0]}.html")
    tab.wait_for_selector("html:not(.in-turn)")  # every section is laid out
    tab.evaluate(
        """async () => {
          await document.fonts.ready;
          const shown = image => getComputedStyle(image).display !== 'none';
          const images = [...document.images].filter(shown);
          for (const image of images) image.loading = 'eager';
          await Promise.all(images.map(image => image.decode().catch(() => 0)));
          await Promise.all(document.getAnimations().map(a => a.finished));
        }"""
    )
    yield tab
    tab.context.close()


@pytest.fixture(scope="module", params=PAGES + OTHERS)
def opened(request, browser, server):
    """Each page in turn, opened once for all tests that only look at it."""
    with visiting(browser, server, request.param) as tab:
        tab.page = request.param
        yield tab


def faults(tab):
    """Formulas that are not typeset, and images that did not load."""
    return tab.evaluate(
        r"""() => {
          const found = [];
          const formulas = 'article .math, article .text_latex';
          for (const e of document.querySelectorAll(formulas))
            if (!e.querySelector('math')
                || !e.closest('details') && !e.offsetWidth)
              found.push('not typeset: ' + e.outerHTML.slice(0, 80));
          const article = document.querySelector('article');
          const walk = document.createTreeWalker(article || document.body, NodeFilter.SHOW_TEXT);
          for (let n; (n = walk.nextNode());)
            if (/\\\(|\\\[|\\begin\{|\$\$/.test(n.data)
                && !n.parentElement.closest('pre, code, script, annotation'))
              found.push('raw TeX: ' + n.data.trim().slice(0, 80));
          for (const i of document.images)
            if (getComputedStyle(i).display !== 'none' && !(i.complete && i.naturalWidth))
              found.push('image not loaded: ' + i.src);
          return found;
        }"""
    )


def prepare(tab):
    """Open all that opens, take out code that shows no colour for the first time, load axe-core."""
    tab.evaluate(
        """async () => {
          for (const box of document.querySelectorAll('article details')) box.open = true;
          await new Promise(done => setTimeout(done, 100));
          const seen = new Set(['']);
          for (const code of document.querySelectorAll('pre')) {
            const kinds = [...code.querySelectorAll('*')].map(e => e.className);
            if (kinds.every(kind => seen.has(kind))) code.textContent = 'code';
            kinds.forEach(kind => seen.add(kind));
          }
        }"""
    )
    tab.evaluate(Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf8"))


def violations(tab, **options):
    """What axe-core finds, on the whole page or on the elements that ``window.some`` holds."""
    found = tab.evaluate(
        "options => axe.run(window.some ? {include: window.some} : document, options)",
        {"resultTypes": ["violations"], "preload": False, **options},
    )
    return [
        f"{violation['id']}: {node['target']} {node['html'][:120]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def hardly_readable(tab):
    """Text without contrast: of each kind of text, by colour, size and what is behind, three.

    To look at all takes axe-core ten seconds on a long page.
    """
    kinds = tab.evaluate(
        """() => {
          const look = new Map();
          const behind = e => {
            if (!e) return '';
            if (!look.has(e)) {
              const s = getComputedStyle(e);
              const own = [s.backgroundColor, s.backgroundImage, s.opacity, s.filter,
                           s.position].join();
              const shows = own !== 'rgba(0, 0, 0, 0),none,1,none,static';
              look.set(e, (shows ? own : '') + behind(e.parentElement));
            }
            return look.get(e);
          };
          const kinds = new Map();
          const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          for (let n; (n = walk.nextNode());) {
            const e = n.parentElement, s = getComputedStyle(e);
            if (!n.data.trim() || !e.checkVisibility({visibilityProperty: true})) continue;
            const kind = [s.color, s.fontSize, s.fontWeight, behind(e)].join();
            kinds.set(kind, [...(kinds.get(kind) ?? []), e]);
          }
          window.some = [...kinds.values()].flatMap(all => [
            ...new Set([all[0], all[all.length >> 1], all[all.length - 1]])
          ]);
          return kinds.size;
        }"""
    )
    found = violations(tab, runOnly=["color-contrast"])
    tab.evaluate("window.some = undefined")
    assert kinds > 2
    return found


def use_colours(tab, colours):
    """What a page does when the reader's system changes to light or dark."""
    tab.emulate_media(color_scheme=colours)
    tab.wait_for_function("c => document.documentElement.dataset.theme === c", arg=colours)
    tab.evaluate("Promise.all(document.getAnimations().map(a => a.finished))")


@pytest.mark.parametrize(
    "colours, pale, near", [("light", "#999", "#555"), ("dark", "#666", "#aaa")]
)
def test_text_without_contrast_is_found(browser, server, colours, pale, near):
    """A word in the middle of a page, one that is folded, one on a ground of nearly its colour."""
    with visiting(browser, server, CHAPTERS[8], colours=colours) as tab:
        prepare(tab)
        assert not hardly_readable(tab)
        tab.evaluate(
            """([pale, near]) => {
              const plant = (place, css) => {
                const word = Object.assign(document.createElement('em'), {textContent: 'planted'});
                word.style.cssText = css;
                place.append(word);
              };
              const words = [...document.querySelectorAll('article section > p')];
              plant(words[words.length >> 1], `color: ${pale}`);
              plant(words.at(-1), `background: ${near}`);
              plant(document.querySelector('article details.solution p'), `color: ${pale}`);
            }""",
            [pale, near],
        )
        found = hardly_readable(tab)
    assert len(found) == 3 and all("planted" in line for line in found), "\n".join(found)


# ---- one page after the other, each opened once: first the tests that only look, then those that
# change it, in this order


def test_page_is_typeset_and_quiet(opened):
    wrong = faults(opened) + opened.problems
    assert not wrong, "\n".join(wrong)


def test_roots_and_brackets_fit(opened):
    """What bookmath and bookstyle mend for Chromium: room after a root, brackets of two sizes."""
    wrong = opened.evaluate(
        """() => {
          const right = e => e.getBoundingClientRect().right;
          const shown = e => e.getBoundingClientRect().width;
          const size = e => parseFloat(getComputedStyle(e).fontSize);
          const roots = [...document.querySelectorAll('article msqrt')].filter(shown)
            .filter(e => right(e) - right(e.lastElementChild) > 0.1 * size(e));
          const brackets = [...document.querySelectorAll('article mo[minsize]')].filter(shown)
            .filter(e => e.getBoundingClientRect().height
                         < 0.9 * size(e) * parseFloat(e.getAttribute('minsize')));
          return [...roots, ...brackets].map(e => e.closest('math').outerHTML.slice(0, 300));
        }"""
    )
    assert not wrong, "\n".join(wrong)


def test_page_is_light(opened):
    """All that a page loads, as a server would send it compressed: at most 1.2 MB."""
    bodies = {response.url: response.body() for response in opened.responses}
    sizes = {url: min(len(body), len(gzip.compress(body, 6))) for url, body in bodies.items()}
    heaviest = sorted(sizes.items(), key=lambda item: -item[1])[:8]
    assert sum(sizes.values()) <= 1.2e6, (sum(sizes.values()), heaviest)


def test_images_say_what_is_seen(opened):
    alts = opened.evaluate("[...document.images].map(i => [i.src, i.getAttribute('alt')])")
    for source, alt in alts:
        assert alt and len(alt.split()) >= 3, f"{source}: alt text {alt!r}"
        assert not re.search(r"\.(png|svg|jpe?g)\b|/_images/", alt), f"a path as alt text: {alt}"


def test_page_offers_its_source(opened, site):
    """A chapter its notebook; the other pages, their text."""
    links = opened.eval_on_selector_all(
        f"a[href$='{opened.page.rpartition('/')[2]}.ipynb']",
        "a => a.map(a => a.getAttribute('href'))",
    )
    offered = {((site / f"{opened.page}.html").parent / link).resolve() for link in links}
    notebook = ROOT / f"{opened.page}.ipynb"
    expected = [notebook.read_bytes()] if opened.page in CHAPTERS else []
    assert [path.read_bytes() for path in offered] == expected


def test_no_sideways_scrolling_on_a_phone(opened):
    opened.set_viewport_size({"width": 400, "height": 900})
    wide = opened.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
    opened.set_viewport_size({"width": 1400, "height": 900})
    assert wide <= 0, f"{wide} px too wide"


HIDDEN = """async () => {
  const hidden = [];
  for (const slider of document.querySelectorAll('.gdref form input[type=range]')) {
    if (!slider.checkVisibility()) continue;
    scrollTo(0, 0);
    slider.focus();
    await new Promise(done => setTimeout(done, 60));
    const box = slider.getBoundingClientRect();
    const seen = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    if (seen !== slider) hidden.push(slider.name);
  }
  return hidden;
}"""


@pytest.mark.parametrize("name", ["momentum", "amsgrad", "adam"])
def test_a_slider_reached_by_keyboard_is_not_behind_the_plots(browser, server, name):
    """On a phone the plots stay in view, two of them above each other in a pad."""
    with visiting(browser, server, f"chapters/{name}", width=390) as tab:
        assert tab.evaluate(HIDDEN) == []


def test_solutions_open_by_their_bar(opened, site):
    """Natively, by keyboard and by a click anywhere; closed at first."""
    for solution in opened.query_selector_all("details.solution"):
        bar = solution.query_selector(":scope > summary")
        bar.press("Enter")
        assert solution.get_attribute("open") is not None
        bar.click(position={"x": bar.bounding_box()["width"] / 2, "y": 5})
        assert solution.get_attribute("open") is None
    text = (site / f"{opened.page}.html").read_text(encoding="utf8")
    assert "<details open" not in text and 'div class="solution dropdown' not in text


def test_page_is_accessible(opened):
    prepare(opened)
    found = violations(opened, rules={"color-contrast": {"enabled": False}})
    found += hardly_readable(opened)
    assert not found, "\n".join(found)


def test_dark_page_can_be_read(opened):
    if not opened.evaluate("'axe' in window"):  # it is when the test before this one ran
        prepare(opened)
    use_colours(opened, "dark")
    found = hardly_readable(opened)
    assert not found, "\n".join(found)


# ---- a page as its reader loads it


@pytest.mark.parametrize("page", dict.fromkeys([PAGES[0], *CHAPTERS[8:10], "search"]))
def test_dark_phone(browser, server, page):
    """What the tests above see after a change, from the first moment on."""
    with visiting(browser, server, page, width=400, colours="dark") as tab:
        assert tab.evaluate("document.documentElement.dataset.theme") == "dark"
        wide = tab.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
        prepare(tab)
        found = hardly_readable(tab)
    assert wide <= 0, f"{wide} px too wide"
    assert not found, "\n".join(found)


def test_math_font_has_every_sign(site):
    font = ttLib.TTFont(site / "_static/math.woff2")
    pages = [page.read_text(encoding="utf8") for page in site.rglob("*.html")]
    formulas = "".join(re.findall(r"<math.*?</math>", "".join(pages), re.DOTALL))
    other = r"<mtext>.*?</mtext>|<annotation.*?</annotation>|<[^>]*>"
    signs = set(html.unescape(re.sub(other, "", formulas, flags=re.DOTALL)))
    assert len(signs) > 50
    drawn = {sign for sign in signs if unicodedata.category(sign) != "Cf"}
    seen = drawn - {"\N{VARIATION SELECTOR-1}"} | {"\N{SQUARE ROOT}"}  # a variant has no sign
    assert not [sign for sign in seen if ord(sign) not in font.getBestCmap()]


@pytest.mark.parametrize("page", dict.fromkeys([PAGES[0], *CHAPTERS[8:10], PAGES[-1], "search"]))
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_style_sheet_keeps_what_pages_use(browser, server, page, colours):
    """An element looks the same with all style sheets as with what bookstyle leaves of them."""
    with visiting(browser, server, page, colours=colours) as tab:
        looks = """() => {
          for (const box of document.querySelectorAll('details')) box.open = true;
          const tenths = number => Math.round(10 * number) / 10;
          const keys = [...getComputedStyle(document.body)].filter(key => !key.startsWith('--'));
          const look = style => keys.map(key => key + ': ' + style.getPropertyValue(key))
            .join('; ').replace(/[\\d.]+(?=px)/g, tenths).replaceAll('0% 0%', '0px 0px');
          const kinds = {};
          for (const e of document.body.querySelectorAll(':not(svg *, math *)')) {
            const kind = e.tagName + '.' + e.getAttribute('class');
            kinds[kind] ??= ['', '::before', '::after']
              .map(part => look(getComputedStyle(e, part))).join('; ');
          }
          return kinds;
        }"""
        ours = tab.evaluate(looks)
        assert len(ours) > 50
        tab.evaluate(
            """async () => {
              const link = document.querySelector('link[rel=stylesheet]');
              link.href = link.href.replace('site.css', 'all.css');
              await new Promise(done => link.onload = done);
              await document.fonts.ready;
              await Promise.all(document.getAnimations().map(a => a.finished));
            }"""
        )
        theirs = tab.evaluate(looks)
    changed = {
        kind: set(theirs[kind].split("; ")) ^ set(look.split("; "))
        for kind, look in ours.items()
        if theirs[kind] != look
    }
    assert not changed, "\n".join(f"{kind}: {keys}" for kind, keys in changed.items())[:2000]


@pytest.mark.parametrize("width", [1400, 400])
def test_a_link_leads_to_its_section(browser, server, width):
    """The heading stands under the bar at the top, wherever on the page it is."""
    with contextlib.closing(browser.new_page(viewport={"width": width, "height": 900})) as tab:
        tab.goto(f"{server}/{CHAPTERS[1]}.html")
        sections = tab.eval_on_selector_all("article section section", "s => s.map(e => e.id)")
        missed = []
        for section in sections[::8]:
            tab.goto("about:blank")
            tab.goto(f"{server}/{CHAPTERS[1]}.html#{section}", wait_until="load")
            tab.wait_for_timeout(300)
            top, below = tab.evaluate(
                """id => [document.getElementById(id).getBoundingClientRect().top,
                          document.documentElement.scrollHeight - scrollY - innerHeight]""",
                section,
            )
            if not (0 <= top < 150 or below < 5):
                missed.append((section, top))
    assert len(sections) > 30 and not missed


def test_readable_before_scripts_run(browser, server):
    """Text, formulas and the first figure, with scripts switched off."""
    with contextlib.closing(browser.new_context(java_script_enabled=False)) as context:
        tab = context.new_page()
        tab.goto(f"{server}/{CHAPTERS[1]}.html")
        for what in ("h2", "p", "span.math > math", "div.math > math", "figure img"):
            box = tab.locator(f"article {what}").first.bounding_box()
            assert box["width"] > 5 and box["height"] > 5, what


@pytest.mark.parametrize("scripts, colours", [(True, "light"), (True, "dark"), (False, "light")])
def test_print_has_all_that_is_folded(browser, server, scripts, colours):
    """Figures that wait for the reader, code and solutions, with scripts and without, on white."""
    options = {"java_script_enabled": scripts, "color_scheme": colours}
    with contextlib.closing(browser.new_context(**options)) as context:
        tab = context.new_page()
        tab.goto(f"{server}/{CHAPTERS[1]}.html")
        tab.emulate_media(media="print")
        hidden = """() => {
          if (window.dispatchEvent) dispatchEvent(new Event('beforeprint'));
          const shown = 'article details :is(pre, p, figure)';
          // the words of a switch, "Show the code", are not for paper
          return [...document.querySelectorAll(shown)]
            .filter(e => !e.closest('.gdref, details.hide > summary'))
            .filter(e => !e.getBoundingClientRect().height).map(e => e.outerHTML.slice(0, 200));
        }"""
        assert tab.evaluate("document.querySelectorAll('article details').length") > 5
        assert not tab.locator("article details.hide > summary").filter(visible=True).count()
        wrong = tab.evaluate(hidden)
        assert not wrong, "\n".join(wrong)
        ink = tab.locator("article p").last.evaluate("e => getComputedStyle(e).color")
        assert max(map(int, re.findall(r"\d+", ink)[:3])) < 100
        tab.pdf()
        images = "[...document.images].filter(i => i.checkVisibility() && !i.naturalWidth).length"
        assert not scripts or tab.evaluate(images) == 0


@pytest.mark.parametrize("page", dict.fromkeys([PAGES[0], *CHAPTERS[::8], PAGES[-1], "genindex"]))
def test_page_from_file(browser, site, page):
    with visiting(browser, site.as_uri(), page) as tab:
        wrong = faults(tab) + tab.problems
    assert not wrong, "\n".join(wrong)


# what a reader asks, and the pages of which one must be among the first two
QUERIES = {
    "bias correction": "adam",
    "pytorch adam": "dialects adam",  # its section on the page of the libraries, or its chapter
    "why does adam not converge": "adam amsgrad",
    "weight decay": "adamw",
    "look-ahead gradient": "nag",
    "units of the update": "adadelta",
    "stale gradients": "parallel",
    "saddle point": "challenges",
    "which optimizer should I use": "choosing",
    "gradient clipping": "strategies",
    "learning rate schedule": "schedules",
    "batch size": "gradient-descent",
    "heavy ball": "momentum",
    "Nesterov": "nag",
    "warmup": "schedules warmup",
    "early stopping": "strategies",
    "condition number": "notation challenges gradient-descent adagrad",
    "Hogwild": "parallel",
    "batch normalization": "strategies",
    "infinity norm": "adamax",
    "convex regret": "adagrad amsgrad",
    "descent lemma": "gradient-descent",
    "sparse data": "choosing adagrad",
    "decoupled weight decay": "adamw",
    "shuffling": "gradient-descent strategies",
    "descnt lemma": "gradient-descent",
}


# and the section that comes first, to which the enter key leads
ANSWERS = {
    "bias correction": "adam.html#step-4-the-correction-is-the-only-one",
    "pytorch adam": "dialects.html#adam",
    "keras momentum": "dialects.html#momentum",
    "adam": "adam.html",
}


def ask(tab, query):
    """The pages that the search finds, best first; the address of what it takes for the best."""
    tab.fill("article input[name=q]", query)
    tab.wait_for_function(
        "query => document.querySelector('article .book-found').dataset.asked === query",
        arg=query,
    )
    pages = tab.eval_on_selector_all("article .book-found > ol > li > a", "a => a.map(x => x.href)")
    return pages, tab.get_attribute("article .book-found [data-best]", "href")


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_search_answers_as_expected(browser, server, site, scheme):
    base = server if scheme == "http" else site.as_uri()
    wrong = []
    with visiting(browser, base, "search") as tab:
        asked = {question.query: question.page for question in QUESTIONS}
        for query, wanted in (asked | QUERIES).items():
            found = ask(tab, query)[0][:2]
            if not any(f"chapters/{name}.html" in hit for name in wanted.split() for hit in found):
                wrong.append(f"{query}: {found}")
        for query, wanted in ANSWERS.items():
            (first, *_), best = ask(tab, query)
            if not best.endswith(f"chapters/{wanted}") or first.split("#")[0] not in tab.evaluate(
                "href => new URL(href, location.href).href", best
            ):
                wrong.append(f"{query}: first {first}, best {best}")
        problems = tab.problems
    assert not wrong + problems, "\n".join(wrong + problems)


def test_the_enter_key_leads_to_the_best_section(browser, server):
    with visiting(browser, server, "search") as tab:
        tab.fill("article input[name=q]", "bias correction")
        tab.press("article input[name=q]", "Enter")
        tab.wait_for_url(f"**/{ANSWERS['bias correction']}")
        assert ANSWERS["bias correction"] in tab.url


def test_search_leads_into_the_section(browser, server):
    """From any page, by keyboard alone; the words are marked in a sentence of prose."""
    with visiting(browser, server, CHAPTERS[1]) as tab:
        tab.keyboard.press("/")
        tab.keyboard.type("descent lemma")
        tab.wait_for_selector("#book-search mark")
        text = tab.inner_text("#book-search .book-found li span >> nth=0")
        assert "descent lemma" in text.lower() and "\\" not in text and "prove_equal" not in text
        tab.keyboard.press("ArrowDown")
        tab.keyboard.press("ArrowDown")
        tab.keyboard.press("Enter")
        tab.wait_for_url("**/gradient-descent.html#*")
        target = tab.evaluate("decodeURIComponent(location.hash.slice(1))")
        tab.wait_for_timeout(300)
        top = tab.evaluate("id => document.getElementById(id).getBoundingClientRect().top", target)
        assert 0 <= top < 200


def test_site_offers_gdref(site):
    """The wheel beside the notebooks holds the package with its data."""
    (wheel,) = site.glob("gdref-*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    package = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "gdref").rglob("*")
        if path.suffix in (".py", ".js", ".css", ".json")
    }
    assert package <= inside, package - inside


def test_zip_opens_from_a_disk(browser, site, tmp_path):
    """make zip: the start page, a chapter with its formulas, the search and the wheel."""
    target = tmp_path / "the book.zip"
    subprocess.run([sys.executable, ROOT / "tools/zip_site.py", site, target], check=True)
    with zipfile.ZipFile(target) as archive:
        inside = set(archive.namelist())
        archive.extractall(tmp_path)
    assert {"the book/index.html", f"the book/{PAGES[0]}.html"} <= inside
    (wheel,) = (name for name in inside if name.endswith(".whl"))
    assert zipfile.ZipFile(tmp_path / wheel).testzip() is None
    base = (tmp_path / "the book").as_uri()
    for page in ("index", CHAPTERS[1], "search"):
        with visiting(browser, base, page, query="?q=gradient" * (page == "search")) as tab:
            if page == "search":
                tab.wait_for_selector("article .book-found li a")
            wrong = faults(tab) + tab.problems
        assert not wrong, "\n".join(wrong)
