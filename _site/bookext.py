"""What the site needs beyond Jupyter Book.

Anchors for checked claims, light code and few scripts, and gdref as a wheel, beside the notebooks
that a reader downloads.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from bookmath import named_formulas
from docutils import nodes
from pygments.formatters import HtmlFormatter
from pygments.token import Token
from sphinx.highlighting import PygmentsBridge

from gdref.book.movable.page import once

# parts of the theme and of Sphinx that no page asks for
UNUSED = [
    "scripts/fontawesome.js*",
    "scripts/bootstrap.js*",
    "scripts/pydata-sphinx-theme.js*",
    "scripts/sphinx-book-theme.js*",
    "locales",
    "vendor/fontawesome/webfonts/*.ttf",
    "**/*.map",
    "*.js",
]
COLOURED = (Token.Name.Function, Token.Name.Class, Token.Name.Decorator, Token.Name.Builtin)


class PlainFormatter(HtmlFormatter):
    """Words, numbers, text and comments have colours; the rest of code needs no element."""

    def _get_css_classes(self, kind):
        plain = kind in Token.Name and kind not in COLOURED or kind in Token.Text
        if (
            plain
            or kind in Token.Operator
            and kind is not Token.Operator.Word
            or kind in Token.Punctuation
        ):
            return ""
        return super()._get_css_classes(kind)


def site_changed(app, env, added, changed, removed):
    """Rebuild every page when a template or the style sheet is newer than the site."""
    built = Path(app.outdir, "objects.inv")
    sources = (path for path in Path(__file__).parent.rglob("*.*") if path.suffix != ".pyc")
    if built.exists() and max(path.stat().st_mtime for path in sources) > built.stat().st_mtime:
        return env.found_docs
    return []


def anchor_claims(app, doctree):
    """Make a cell tagged ``claim-A06`` a target: any page can say ``[A06](#claim-a06)``."""
    labels = app.env.get_domain("std").anonlabels
    for cell in doctree.findall(nodes.container):
        for tag in cell["classes"]:
            name = tag.removeprefix("tag_").lower()
            if name.startswith("claim-") and name not in doctree.ids:
                cell["ids"].append(name)
                doctree.ids[name] = cell
                labels.setdefault(name, (app.env.docname, name))


def mend_page(app, pagename, templatename, context, doctree):
    """Leave the first look at a page to its text: scripts and images come after it."""
    own_scripts(app, context)
    names = ("fonts/stix-two-text-latin-400-normal.woff2", "math.woff2")
    context["early_fonts"] = [context["pathto"](f"_static/{name}", resource=True) for name in names]
    context["has_roles"] = "has_roles" in app.env.metadata.get(pagename, {})
    if "body" in context:
        # a role that screen readers no longer know; what movable figures share stands once
        body = once(context["body"]).replace('role="doc-biblioentry"', 'role="listitem"')
        context["body"] = named_formulas(body)


def own_scripts(app, context):
    """The book's scripts, which wait for the text; page.js loads those of the tips when asked."""
    tips, pathto = [*app.config.tippy_js, "tippy/"], context["pathto"]
    files = [script for script in context["script_files"] if script.filename]
    context["tips"] = [
        pathto(script.filename, resource=True)
        for script in files
        if any(script.filename.startswith(f"_static/{name}") for name in tips)
    ]
    context["script_files"] = [
        type(script)(script.filename, priority=script.priority, defer="defer")
        for script in files
        if script.filename.removeprefix("_static/")
        in [name for name, _ in app.config.html_js_files]
    ]


def build_wheel(app):
    """Put the wheel of gdref at the top of the site; needs no network."""
    root, site = Path(app.srcdir), Path(app.outdir)
    sources = [root / "pyproject.toml", *(root / "gdref").rglob("*")]
    newest = max(path.stat().st_mtime for path in sources if path.suffix != ".pyc")
    old = list(site.glob("gdref-*.whl"))
    if any(wheel.stat().st_mtime > newest for wheel in old):
        return
    for wheel in old:
        wheel.unlink()
    subprocess.run([sys.executable, root / "tools" / "wheel.py", site], check=True)


def finish_site(app, error):
    if error or app.builder.format != "html":
        return
    build_wheel(app)
    Path(app.outdir, "_modules/index.html").unlink(missing_ok=True)  # no page leads to it
    static = Path(app.outdir, "_static")
    for pattern in UNUSED:
        for path in static.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def setup(app):
    PygmentsBridge.html_formatter = PlainFormatter
    app.connect("env-get-outdated", site_changed)
    app.connect("doctree-read", anchor_claims)
    app.connect("html-page-context", mend_page)  # after the tips
    app.connect("build-finished", finish_site)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
