"""What the PDF needs beyond Jupyter Book: mends to the LaTeX that its extensions write."""

import re
from pathlib import Path

import sphinx_proof.nodes
from bookroles import fold
from docutils import nodes
from sphinx_design.shared import PassthroughTextElement

# the class asks for a package of Debian's largest TeX archive, for letters that no chapter uses
BBM = r"\ProvidesPackage{bbm}\newcommand\mathbbm[1]{\mathbb{#1}}"
FAR_EXERCISE = re.compile(
    r"\\hyperref\[\\detokenize\{(?P<doc>[^:}]+):(?P<label>[^}]+)\}\]"
    r"\{Exercise \\ref\{\\detokenize\{(?P=doc):(?P=label)\}\}\}"
)
# names in the running text may break after an underscore; those in titles become bookmarks
LINE = re.compile(r"^(?!.*section\{).*sphinxcode.*", re.MULTILINE)
NAME = re.compile(r"(?<=\\sphinxcode\{\\sphinxupquote\{)[^{}]+")

# letters that the font of the text lacks; it has the others of their kind
LETTERS = {"ₙ": r"\(_n\)", "ₜ": r"\(_t\)"}


def docname_of(env, node, tag):
    """The page that a theorem stands on; the original loses it when a title has an apostrophe."""
    while node is not None and "docname" not in getattr(node, "attributes", ()):
        node = node.parent
    return node["docname"] if node is not None else None


def mend_tree(app, doctree, docname):
    if app.builder.name != "latex":
        return
    for cell in list(doctree.findall(nodes.container)):
        claims = [name for name in cell["ids"] if name.startswith("claim-")]
        if claims:  # a container has no label in LaTeX
            cell.parent.insert(cell.parent.index(cell), nodes.target("", "", ids=claims))
    for proof in list(doctree.findall(sphinx_proof.nodes.proof_node)):
        proof.replace_self(plain_proof(proof[0]))
    for box in list(doctree.findall(fold)):
        box.parent.replace(box, unfold(box))
    for text in list(doctree.findall(PassthroughTextElement)):  # titles and links of cards
        title = "sd-card-title" in text.parent.get("classes", [])
        parts = [nodes.strong("", "", *text.children)] if title else text.children
        text.replace_self(nodes.paragraph("", "", *parts))
    for table in doctree.findall(nodes.table):
        if len(list(table.findall(nodes.row))) > 30 or len(table.astext()) > 1500:
            set_widths(table)  # it breaks across pages, and its texts into lines


def unfold(box):
    """What paper keeps of what the page folds: a proof's line and formulas, a check's line."""
    title, *hidden = box.children
    if box.get("open"):
        return hidden
    if not {"fold-proof", "fold-check"} & set(box["classes"]):
        return []
    line = nodes.paragraph("", "", nodes.emphasis("", "", *title.children))
    return [line, *(found for found in results(hidden) if "fold-proof" in box["classes"])]


def results(hidden):
    """The formulas and tables of an output; printed text and a lone 0 say no more than the line."""
    for part in hidden:
        if part.get("nb_element") == "cell_code_output":
            part.children = [c for c in part if not isinstance(c, nodes.literal_block)]
            if part.astext().strip() not in ("", "0"):
                yield part


def plain_proof(box):
    """The parts of a proof, without a box that would have an empty title."""
    first = box[0][0]
    box[0].replace(first, nodes.Text(first.removeprefix("Proof.")))
    box[0].insert(0, nodes.emphasis("", "Proof."))
    end = nodes.raw("", r"\nobreak\hfill\(\square\)", format="latex")
    if isinstance(box[-1], nodes.paragraph):
        box[-1] += [nodes.Text(" "), end]
    else:
        box += nodes.paragraph("", "", end)
    return box.children


def set_widths(table):
    """Columns as wide as their longest cell, at most 40 letters, with room for every word."""
    rows = [[cell.astext() for cell in row] for row in table.findall(nodes.row)]
    table["classes"] += ["longtable", "colwidths-given"]
    for spec, cells in zip(table.findall(nodes.colspec), zip(*rows, strict=True), strict=True):
        word = max((len(word) for cell in cells for word in cell.split()), default=0)
        spec["colwidth"] = max(3 * word // 2, min(40, max(map(len, cells)))) + 3


def breakable(name):
    return name[0].replace(r"\_", r"\_\allowbreak{}")


def mend_latex(app, error):
    if error or app.builder.name != "latex":
        return

    def exercise(found):
        """An exercise of another chapter is labelled, and numbered, as in its own."""
        numbers = app.env.toc_fignumbers[found["doc"]]["exercise"][found["label"]]
        number = ".".join(map(str, numbers))
        return rf"\hyperref[exercise:{found['label']}]{{Exercise {number}}}"

    folder = Path(app.outdir)
    (folder / "bbm.sty").write_text(BBM, encoding="utf8")
    for path in folder.glob("*.tex"):
        text = FAR_EXERCISE.sub(exercise, path.read_text("utf8"))
        text = LINE.sub(lambda line: NAME.sub(breakable, line[0]), text)
        for letter, formula in LETTERS.items():
            text = text.replace(letter, formula)
        path.write_text(text, encoding="utf8")


def setup(app):
    sphinx_proof.nodes.find_parent = docname_of
    app.connect("doctree-resolved", mend_tree)
    app.connect("build-finished", mend_latex)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
