"""What a page shows of a code cell: its role, a tag of the cell, says so.

================  ==================================================================
``teach``         code and output
``proof``         one line that says what is proved; it opens to code and output
``check``         one line that says what was checked; it opens to code and output
``plot``          the output; the code opens below it
``experiment``    the output; the code opens below it
``setup``         nothing; the code stands at the end of the page, under "Run this chapter"
================  ==================================================================

The words of the line are the comment with which the cell begins.  A ``proof`` or a ``check`` with
the further tag ``open`` is open at first.  A cell without a role is shown as MyST-NB shows it.
"""

import re

from docutils import nodes

import gdref

FOLDED = {
    "proof": "Proof by SymPy",
    "check": "Checked",
    "plot": "How the figure is made",
    "experiment": "How this is measured",
}
ROLES = ("teach", *FOLDED, "setup")
COMMENT = re.compile(r"(?:#(?!%).*\n?)+")
# in the words of a line: a formula, code, and what stands between
PART = re.compile(r"\$([^$]+)\$|`([^`]+)`|([^$`]+|.)")

RUN_TITLE = "Run this chapter"
RUN = """<ol class="simple">
<li><p>Download <a href="{root}_sources/{docname}.ipynb" download>{name}.ipynb</a> and
<a href="{root}{wheel}" download>{wheel}</a> into one folder.</p></li>
<li><p>In that folder: <code>pip install jupyterlab "./{wheel}[chapters]"</code></p></li>
<li><p><code>jupyter lab {name}.ipynb</code></p></li>
</ol>
<p>The notebook holds all code of this page, in the order of the page. It begins with:</p>
"""


class fold(nodes.General, nodes.Element):
    """A part that opens: a ``fold_title`` and what it hides."""


class fold_title(nodes.General, nodes.TextElement):
    pass


def roles_of(cell):
    tags = [name.removeprefix("tag_") for name in cell["classes"]]
    return [role for role in ROLES if role in tags]


def cells_of(doctree):
    return [c for c in doctree.findall(nodes.container) if c.get("nb_element") == "cell_code"]


def part(cell, name):
    return [child for child in cell if child.get("nb_element") == f"cell_code_{name}"]


def give_roles(app, doctree):
    setup = []
    for cell in cells_of(doctree):
        for role in roles_of(cell)[:1]:
            if role == "setup":
                cell.parent.remove(cell)
                setup.append(cell)
            elif role != "teach":
                fold_cell(cell, role)
    if setup:
        app.env.metadata[app.env.docname]["has_roles"] = True
        list(doctree.findall(nodes.section))[0].append(run_chapter(app, setup))


def fold_cell(cell, role):
    code, output = part(cell, "source"), part(cell, "output")
    words = take_comment(code[0]) if code else ""
    hidden = code + output if role in ("proof", "check") else code
    box = fold("", fold_title("", "", *inline(words or FOLDED[role])), *hidden)
    box["classes"] += ["fold", f"fold-{role}"]
    box["open"] = "tag_open" in cell["classes"]
    shown = [child for child in cell if child not in hidden]
    cell.children = []
    cell.extend([*shown, box])


def take_comment(code):
    """Remove the comment with which the code begins; return its words."""
    block = next(iter(code.findall(nodes.literal_block)), None)
    begin = COMMENT.match(block.astext()) if block else None
    if not begin:
        return ""
    rest = block.astext()[begin.end() :].lstrip("\n")
    block.rawsource = rest
    block.children = []
    block += nodes.Text(rest)
    return " ".join(line.lstrip("# ") for line in begin[0].splitlines()).strip()


def inline(words):
    """Words with formulas and code as nodes."""
    for formula, code, text in PART.findall(words):
        if formula:
            yield nodes.math("", formula)
        elif code:
            yield nodes.literal("", code)
        else:
            yield nodes.Text(text)


def run_chapter(app, cells):
    docname = app.env.docname
    text = RUN.format(
        root="../" * docname.count("/"),
        docname=docname,
        name=docname.rpartition("/")[2],
        wheel=f"gdref-{gdref.__version__}-py3-none-any.whl",
    )
    title = fold_title("", RUN_TITLE)
    box = fold("", title, nodes.raw("", text, format="html"), *cells)
    box["classes"] += ["fold", "fold-setup"]
    return box


def fold_solutions(app, doctree, docname):
    """An exercise's solution, and any box of the class ``dropdown``, opens without a script."""
    if app.builder.format != "html":
        return
    boxes = [box for box in doctree.findall(nodes.Admonition) if "dropdown" in box["classes"]]
    for box in boxes:
        title, *hidden = box.children
        for link in list(title.findall(nodes.reference)):
            link.replace_self(link.children)  # a click anywhere on the bar opens the box
        folded = fold("", fold_title("", "", *title.children), *hidden)
        folded["ids"], folded["classes"] = box["ids"], [*box["classes"], "admonition"]
        folded[0]["classes"].append("admonition-title")
        box.replace_self(folded)


def visit_fold(self, node):
    attributes = {"open": ""} if node.get("open") else {}
    self.body.append(self.starttag(node, "details", **attributes))


def depart_fold(self, node):
    self.body.append("</details>\n")


def visit_title(self, node):
    self.body.append(self.starttag(node, "summary", ""))


def depart_title(self, node):
    self.body.append("</summary>\n")


def go_on(self, node):
    pass


def setup(app):
    app.add_node(fold, html=(visit_fold, depart_fold), latex=(go_on, go_on))
    app.add_node(fold_title, html=(visit_title, depart_title), latex=(go_on, go_on))
    app.connect("doctree-read", give_roles)
    app.connect("doctree-resolved", fold_solutions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
