"""What the search knows: the sections of all pages, with their headings and their prose.

``search.js`` reads it with MiniSearch, from a server and from a disk alike.
"""

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

# not prose: code, displayed formulas, markup; a section of its own
SILENT = (nodes.literal_block, nodes.math_block, nodes.raw, nodes.comment, nodes.image)
OWN = (nodes.section, addnodes.desc)
REFERENCE = 0.55  # what a page of the reference part counts, against a chapter's 1
MINOR = {"Exercises": 0.6, "Further reading": 0.4, "Solution": 0.5}


def collect(app, doctree, docname):
    """Keep the sections of a page: heading, anchor, weight, terms of the index, prose."""
    if app.builder.format != "html":
        return
    chapter = bool(app.env.titles[docname].get("secnumber") or docname in app.env.toc_secnumbers)
    weight = 1 if chapter or docname == app.config.root_doc else REFERENCE
    found = []
    for part in doctree.findall(lambda node: isinstance(node, OWN)):
        heading = heading_of(part)
        if not heading:
            continue
        words, terms = [], []
        read(part, words, terms)
        text = re.sub(r"\s+", " ", " ".join(words)).strip()
        anchor = "" if part.parent is doctree else (part["ids"] or part[0]["ids"] or [""])[0]
        factor = next((f for name, f in MINOR.items() if heading.startswith(name)), 1)
        found.append([heading, anchor, weight * factor, " ".join(terms), text])
    app.env.search_sections[docname] = found


def heading_of(part):
    if isinstance(part, addnodes.desc):
        return part[0].get("fullname") or ""
    title = next((child for child in part if isinstance(child, nodes.title)), None)
    return prose(title) if title else ""


def read(node, words, terms):
    """The prose of a part without the parts in it."""
    for child in node.children:
        if isinstance(child, addnodes.index):
            terms += [entry[1].replace("; ", " ") for entry in child["entries"]]
        elif isinstance(child, (*SILENT, *OWN, nodes.title, addnodes.desc_signature)):
            continue
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
    """A formula as one would say it in a line: its names, without TeX's signs."""
    return re.sub(r"[{}$]|\\[,;! ]", "", re.sub(r"\\([A-Za-z]+) ?", r"\1 ", node.astext())).strip()


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
