"""Formulas as MathML, made when the book is built.

A page shows its formulas before any script runs, and a screen reader reads them.
"""

import re

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

CONVERTER = LatexToMathML(fancy_error=False, annotation=True)  # TeX, to be copied
NUMBERED = re.compile(r"\\(begin|end)\{(align|equation|gather|multline)\}")
# a tall bracket with an index or a power: Chromium makes it tall only in a row of its own
TALL_BASE = re.compile(r"(<msu[bp](?:sup)?>)(<mo [^>]*minsize[^>]*>[^<]*</mo>)")
TAG = re.compile(r"<annotation.*?</annotation>|<[^>]*>", re.DOTALL)
LONG = 24  # signs
log = logging.getLogger(__name__)


def mathml(tex, node):
    display = isinstance(node, nodes.math_block)
    try:
        formula = CONVERTER.convert_with_local_state(tex, displaystyle=display)
    except LatexError as error:
        log.warning("no formula: %s in %s", error, tex, location=node)
        return ""
    return TALL_BASE.sub(r"\1<mrow>\2</mrow>", formula)


def rows(tex):
    r"""Formulas as they stand in a source: ``\\`` begins a row, an empty line a formula."""
    formulas = [part for part in tex.split("\n\n") if part.strip()]
    if len(formulas) == 1 and r"\\" not in tex:
        return tex
    return r"\begin{aligned}" + r" \\ ".join(formulas) + r"\end{aligned}"


def visit_math(self, node):
    """A formula in a line; one that may be wider than a phone is a box that scrolls."""
    formula = mathml(node.astext(), node)
    signs = TAG.sub("", formula)
    kind = "math long" if len(signs) > LONG else "math"
    self.body.append(self.starttag(node, "span", "", CLASS=f"{kind} notranslate nohighlight"))
    self.body.append(formula + "</span>")
    raise nodes.SkipNode


def visit_math_block(self, node):
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node["number"]:
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    tex = node.astext()
    # Sphinx counts the equations: the environment must not do so too
    tex = NUMBERED.sub(r"\\\1{\2*}", tex) if node["nowrap"] else rows(tex)
    self.body.append(mathml(tex, node) + "</div>\n")
    raise nodes.SkipNode


def named_formulas(body):
    """A head of a table or a link that is a formula alone gets a name that is read aloud."""
    return ALONE.sub(_with_name, body)


# <th ...><p>formula</p></th>, <a ...>formula</a>
ALONE = re.compile(
    r"<(?P<tag>th|a)\b(?P<attributes>[^>]*)>(?P<inside>(?:<p>)?"
    r'<span class="(?:std std-ref"><span class=")?math[^"]*">(?:(?!</math>).)*?</math></span>'
    r"(?:</span>)?(?:</p>)?)</(?P=tag)>",
    re.DOTALL,
)
TEX = re.compile(r"<annotation[^>]*>(.*?)</annotation>", re.DOTALL)


def _with_name(found):
    tex = TEX.search(found["inside"])
    words = " ".join(re.sub(r"[\\{}$]|&[a-z]+;", " ", tex[1] if tex else "").split())
    tag, attributes, inside = found["tag"], found["attributes"], found["inside"]
    if tag == "th":  # axe-core wants text in it, not a label
        hidden = inside.replace("<span ", '<span aria-hidden="true" ', 1)
        name = f'<span class="visually-hidden">{words}</span>'
        return f"<th{attributes}>{hidden.replace('<p>', '<p>' + name, 1)}</th>"
    return f'<a{attributes} aria-label="{words}">{inside}</a>'


def setup(app):
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
