"""What the site needs beyond Jupyter Book.

Anchors for checked claims, small images, scripts that wait, and gdref as a wheel, beside the
notebooks that a reader downloads.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pydata_sphinx_theme
from docutils import nodes
from PIL import Image
from sphinx.util import logging

log = logging.getLogger(__name__)

# parts of the theme that no page asks for
UNUSED = ["scripts/fontawesome.js", "locales", "vendor/fontawesome/webfonts/*.ttf", "**/*.map"]
IMAGE = re.compile(r'<img (?P<rest>[^>]*src="[^"]*_images/(?P<name>[^"]+\.png)")')

# the theme measures all code on the page in one go, to let the keyboard reach what scrolls
MEASURE = re.compile(r"\.forEach\(e=>\{(e\.tabIndex=[^}]*)\}\)")
# names, punctuation and space in code have the colour of the text: half of a page's elements
PLAIN_CODE = re.compile(r'<span class="(?:n|nn|p|w)">([^<]*)</span>')


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
    if pagename != "search":  # whose inline script needs the others at once
        context["script_files"] = [deferred(script) for script in context["script_files"]]
    if "body" in context:
        body = IMAGE.sub(lambda tag: size_image(app, tag), context["body"])
        body = PLAIN_CODE.sub(r"\1", body)
        # a role that screen readers no longer know
        context["body"] = body.replace('role="doc-biblioentry"', 'role="listitem"')


def deferred(script):
    if not script.filename or "documentation_options" in script.filename:
        return script
    attributes = script.attributes | {"defer": "defer"}
    return type(script)(script.filename, priority=script.priority, **attributes)


def size_image(app, tag):
    """Say how large an image is, so that the text does not jump when it arrives."""
    names = {name: source for source, (_, name) in app.env.images.items()}
    with Image.open(Path(app.srcdir, names[tag["name"]])) as image:
        width, height = image.size
    return f'<img loading="lazy" width="{width}" height="{height}" {tag["rest"]}'


def measure_in_turn(app):
    """Let the browser answer the reader between one block of code and the next."""
    script = "scripts/pydata-sphinx-theme.js"
    theme = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static"
    code = (theme / script).read_text(encoding="utf8")
    code, found = MEASURE.subn(r".forEach(e=>setTimeout(()=>{\1}))", code)
    if not found:
        log.warning("%s no longer measures code as bookext expects", script)
    Path(app.outdir, "_static", script).write_text(code, encoding="utf8")


def shrink_images(app):
    """Store the figures with 256 colours: a third of the bytes, and no difference to the eye."""
    for path in Path(app.outdir, "_images").glob("*.png"):
        with Image.open(path) as image:
            if image.mode == "P":
                continue
            small = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        small.save(path, optimize=True)


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
    measure_in_turn(app)
    shrink_images(app)
    build_wheel(app)
    static = Path(app.outdir, "_static")
    for pattern in UNUSED:
        for path in static.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def setup(app):
    app.connect("env-get-outdated", site_changed)
    app.connect("doctree-read", anchor_claims)
    app.connect("html-page-context", mend_page)
    app.connect("build-finished", finish_site)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
