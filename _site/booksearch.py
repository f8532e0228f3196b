"""What the search knows: the sections of all pages, with their headings and their prose.

``search.js`` reads it with MiniSearch, from a server and from a disk alike.
"""

import json
import re
import unicodedata
from pathlib import Path

from bookroles import FOLDED, RUN_TITLE, fold_title
from docutils import nodes
from sphinx import addnodes

SUB = str.maketrans("0123456789+-aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
SUPER = str.maketrans("0123456789+-in", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁱⁿ")
ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}
SIGNS = dict(zip("le ge ne neq approx sim cdot times to infty nabla in sum ldots dots sqrt".split(),
                 "≤≥≠≠≈~·×→∞∇∈Σ……√", strict=True))  # fmt: skip
SIGNS |= dict(zip("lVert rVert lvert rvert leftarrow gets rightarrow pm partial int top".split(),
                  "‖‖||←←→±∂∫ᵀ", strict=True))  # fmt: skip
SIGNS |= dict.fromkeys("mathbb mathbf mathcal big Big bigl bigr".split(), "")

# not prose: code, displayed formulas, markup; a section of its own
SILENT = (nodes.literal_block, nodes.math_block, nodes.raw, nodes.comment, nodes.image)
REFERENCE = 0.5  # what a page that lists things counts, against a chapter's 1
API = 0.3  # a function of gdref
MINOR = {"Exercises": 0.6, "Further reading": 0.4, "Solution": 0.5}


def collect(app, doctree, docname):
    """Keep the sections of a page: heading, anchor, weight, terms of the index, prose."""
    if app.builder.format != "html":
        return
    chapter = bool(app.env.titles[docname].get("secnumber") or docname in app.env.toc_secnumbers)
    weight = 1 if chapter else 0.2 if docname.endswith("bibliography") else REFERENCE
    found = []
    for part in doctree.findall(heading_of):
        heading = heading_of(part)
        words, terms = [], []
        read(part, words, terms)
        text = re.sub(r"\s+", " ", " ".join(words)).strip()
        anchor = "" if part.parent is doctree else (part["ids"] or part[0]["ids"] or [""])[0]
        weight = API if isinstance(part, addnodes.desc) else weight
        factor = next((f for name, f in MINOR.items() if heading.startswith(name)), 1)
        found.append([heading, anchor, weight * factor, " ".join(terms), text])
    app.env.search_sections[docname] = found


def heading_of(node):
    """The name of a section or of a function; none for the boxes that are sections too."""
    if isinstance(node, addnodes.desc):
        return node[0].get("fullname")
    if isinstance(node, nodes.section) and node and isinstance(node[0], nodes.title):
        return prose(node[0])
    return None


def read(node, words, terms):
    """The prose of a part without the parts in it."""
    for child in node.children:
        if isinstance(child, addnodes.index):
            terms += [entry[1].replace("; ", " ") for entry in child["entries"]]
        elif isinstance(child, fold_title) and child.astext() in (*FOLDED.values(), RUN_TITLE):
            continue
        elif isinstance(child, (*SILENT, addnodes.desc_signature)) or heading_of(child):
            continue
        elif isinstance(child, nodes.title):
            if not isinstance(node, nodes.section):
                words.append(prose(child) + ".")
        elif isinstance(child, nodes.TextElement):
            words.append(prose(child))
            terms += [e[1] for i in child.findall(addnodes.index) for e in i["entries"]]
        else:
            read(child, words, terms)


def prose(node):
    parts = (formula(n) if isinstance(n.parent, nodes.math) else n.astext()
             for n in node.findall(nodes.Text))  # fmt: skip
    return "".join(parts)


def formula(node):
    """A formula in a line of plain letters: as one would write it without TeX."""
    tex = re.sub(
        r"\\(?:[,;!]|(?:left|right|mathrm|operatorname|text|quad|qquad|displaystyle)(?![A-Za-z]))",
        "",
        node.astext(),
    )
    tex = re.sub(r"\\(hat|bar|tilde)\s*\{?(\\[A-Za-z]+|\w)\}?", lambda m: m[2] + ACCENTS[m[1]], tex)
    tex = re.sub(r"\\d?frac\s*(?:\{([^{}]+)\}|(\w))\s*(?:\{([^{}]+)\}|(\w))", r"\1\2/\3\4", tex)
    tex = re.sub(r"\\([A-Za-z]+) ?", letter, tex)
    tex = re.sub(r"_(?:\{([^{}]+)\}|(\w))", lambda m: shifted(m[1] or m[2], SUB, "_"), tex)
    tex = re.sub(r"\^(?:\{([^{}]+)\}|(\w))", lambda m: shifted(m[1] or m[2], SUPER, "^"), tex)
    return re.sub(r"[{}\\$]", "", tex).strip()


def letter(found):
    """The sign that a command of TeX stands for, or its name."""
    name = found[1].removeprefix("var")
    case = "CAPITAL" if name[0].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {case} LETTER {name.lower().replace('lambda', 'lamda')}")
    except KeyError:
        return SIGNS.get(name, name + " ")


def shifted(text, letters, sign):
    return text.translate(letters) if set(map(ord, text)) <= set(letters) else f"{sign}{text}"


def write(app, error):
    if error or app.builder.format != "html":
        return
    pages = {
        docname: [app.env.titles[docname].astext(), sections]
        for docname, sections in app.env.search_sections.items()
        if docname in app.env.found_docs
    }
    text = json.dumps(pages, ensure_ascii=False, separators=(",", ":"))
    target = Path(app.outdir, "_static", "search-data.js")
    target.write_text(f"const SECTIONS = {text};\n", encoding="utf8")


def begin(app):
    if app.builder.format == "html":
        app.builder.search = False  # ours takes its place


def keep(app, env, docnames):
    env.search_sections = getattr(env, "search_sections", {})


def search_page(app):
    yield "search", {"title": "Search"}, "search.html"


def setup(app):
    app.connect("builder-inited", begin)
    app.connect("env-before-read-docs", keep)
    app.connect("doctree-resolved", collect, priority=400)  # before solutions and cells are folded
    app.connect("html-collect-pages", search_page)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
