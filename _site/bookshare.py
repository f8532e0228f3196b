"""What others ask of a page: title, description, picture, address; and where the source is.

``html: baseurl`` and ``repository: url`` in ``_config.yml`` say where the site and its source live.
Without them nothing links to a place that does not exist.
"""

import re
from pathlib import Path
from urllib.parse import urlsplit

from booksearch import prose
from docutils import nodes
from markupsafe import Markup

CITATION = re.compile(r"\s*\[[^\]]*\d{4}[^\]]*\]")
NUMBER = re.compile(r"^[\d.]+ ")  # of the chapter
BINDER = {"binderhub_url": "https://mybinder.org", "notebook_interface": "jupyterlab"}


def offer_source(app, config):
    """A link to the source, and one that runs a chapter in the browser."""
    options = config.html_theme_options
    if options.get("repository_url"):
        options.update(use_repository_button=True, launch_buttons=BINDER)
        options.setdefault("repository_branch", "main")


def describe(app, pagename, templatename, context, doctree):
    book = Markup(context["docstitle"]).striptags()
    title = NUMBER.sub("", Markup(context.get("title") or "").striptags())
    context["page_title"] = Markup.escape(
        title if book in title else f"{title} - {book}" if title else book
    )
    context["page_description"] = first_sentence(doctree) if doctree else f"{title}: {book}"
    if doctree and app.config.html_baseurl:
        name = first_picture(app, doctree) or first_picture(
            app, app.env.get_doctree(app.config.root_doc)
        )
        if name:
            context["page_picture"] = f"{app.config.html_baseurl.rstrip('/')}/_images/{name}"
    if pagename == "404":
        context["base"] = urlsplit(app.config.html_baseurl).path.rstrip("/") + "/"


def first_sentence(doctree):
    """What the page says of itself, without what it says of its reading."""
    for paragraph in doctree.findall(nodes.paragraph):
        if isinstance(paragraph.parent, nodes.section) and "Reading time" not in paragraph.astext():
            text = re.sub(r"\s+", " ", re.sub(CITATION, "", prose(paragraph))).strip()
            return re.match(r".{20,}?[.!?](?= |$)|.*", text)[0]
    return ""


def first_picture(app, doctree):
    images = (
        image for image in doctree.findall(nodes.image) if not image["uri"].endswith("-narrow.png")
    )
    return next(
        (app.builder.images.get(image["uri"]) or Path(image["uri"]).name for image in images), None
    )


def not_found(app):
    yield "404", {"title": "Not found"}, "404.html"


def site_map(app, error):
    if error or app.builder.format != "html" or not app.config.html_baseurl:
        return
    base = app.config.html_baseurl.rstrip("/")
    pages = sorted(app.builder.get_target_uri(docname) for docname in app.env.found_docs)
    urls = "".join(f"<url><loc>{base}/{page}</loc></url>\n" for page in pages)
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}</urlset>\n'
    Path(app.outdir, "sitemap.xml").write_text(text, encoding="utf8")


def setup(app):
    app.connect("config-inited", offer_source, priority=100)
    app.connect("html-page-context", describe)
    app.connect("html-collect-pages", not_found)
    app.connect("build-finished", site_map)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
