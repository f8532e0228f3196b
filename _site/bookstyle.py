"""One style sheet and small fonts, with only what the pages use.

The theme and the extensions bring a dozen style sheets, which a browser must have before it shows
anything, and an icon font of 2,000 icons.
"""

import html
import re
import string
import unicodedata
from importlib.metadata import files
from pathlib import Path

import lightningcss
import matplotlib
import pydata_sphinx_theme
from fontTools import subset
from fontTools.ttLib import TTFont

SHEET = "_static/styles/site.css"
LINK = re.compile(r'<link (?=[^>]*rel="stylesheet")[^>]*href="[^"]*_static/([^"?]+)[^>]*>')
ROOT = "\N{SQUARE ROOT}"
ITALIC = [chr(n) for n in (0x210E, *range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C))]
CODE = re.compile(r"<(?:code|pre).*?</(?:code|pre)>", re.DOTALL)
FORMULA = re.compile(r"<math.*?(?:<annotation|</math>)", re.DOTALL)


def one_sheet(app, pagename, templatename, context, doctree):
    """Let the layout have one link in place of what the theme writes: a dozen links, a script."""

    def replace(css):
        app.style_sheets.update(dict.fromkeys(LINK.findall(css)))
        return f'<link rel="stylesheet" href="{context["pathto"](SHEET, resource=True)}"/>'

    context["one_sheet"] = replace


def bundle(app, words):
    """Join the style sheets, without the classes and names that no page and no script says."""
    static, sheet = Path(app.outdir, "_static"), Path(app.outdir, SHEET)
    whole = sheet.with_name("all.css")  # by which the tests check the shortened one
    imports = "".join(f'@import "../{name}";\n' for name in app.style_sheets)
    whole.write_text(imports, encoding="utf8")
    css = "".join(path.read_text(encoding="utf8") for path in static.rglob("*.css"))
    unused = set(re.findall(r"[.#](-?[A-Za-z_][\w-]*)", css)) - words
    sheet.write_text(lightningcss.bundle_css(str(whole), unused_symbols=unused), encoding="utf8")


def shrink(font, target, characters, features=()):
    options = subset.Options(layout_features=features, flavor="woff2", hinting=False)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=map(ord, characters))
    subsetter.subset(font)
    subset.save_font(font, target, options)


def math_font(app, pages):
    """The part of STIX Two Math that formulas use, and text where its own font has a gap."""
    used = set("".join(formula for page in pages for formula in FORMULA.findall(page)))
    used |= {
        sign
        for page in pages
        for sign in html.unescape(page)
        if sign > "\N{LATIN SMALL LETTER Y WITH DIAERESIS}"
    }
    used.add(ROOT)  # an element, not a letter of the page
    # browsers show the variable x as the letter of this name
    used |= {c for c in ITALIC if unicodedata.normalize("NFKC", c) in used}
    installed = next(f for f in files("ziamath") if f.name == "STIXTwoMath-Regular.ttf")
    font = TTFont(installed.locate())
    raise_scripts(font)
    narrow_roots(font)
    shrink(font, Path(app.outdir, "_static/math.woff2"), used, ["ssty", "ss02"])


def code_font(app, pages):
    """The part of DejaVu Sans Mono, which Matplotlib brings, that code uses: all of ASCII."""
    used = {sign for page in pages for code in CODE.findall(page) for sign in html.unescape(code)}
    fonts = Path(matplotlib.get_data_path(), "fonts/ttf")
    font = TTFont(fonts / "DejaVuSansMono.ttf")
    del font["FFTM"]  # time stamps of an editor
    shrink(font, Path(app.outdir, "_static/code.woff2"), used | set(string.printable))


def raise_scripts(font):
    """TeX lowers an index by the depth of what it stands at, unless that is a single letter;
    browsers do so for a letter too, and the index of a beta falls out of the line."""
    constants = font["MATH"].table.MathConstants
    constants.SubscriptBaselineDropMin.Value = 0
    constants.SuperscriptBaselineDropMax.Value = 400


def narrow_roots(font):
    """Chromium leaves the room of the widest root sign after each root: make them equally wide."""
    variants = font["MATH"].table.MathVariants
    small = font.getBestCmap()[ord(ROOT)]
    root = variants.VertGlyphConstruction[variants.VertGlyphCoverage.glyphs.index(small)]
    names = {record.VariantGlyph for record in root.MathGlyphVariantRecord}
    names |= {part.glyph for part in root.GlyphAssembly.PartRecords}
    width, _ = font["hmtx"][small]
    for name in names:
        wide, bearing = font["hmtx"][name]
        font["glyf"][name].coordinates.scale((width / wide, 1))
        font["glyf"][name].recalcBounds(font["glyf"])
        font["hmtx"][name] = (width, round(bearing * width / wide))


def icon_fonts(app):
    css = Path(app.outdir, SHEET).read_text(encoding="utf8")
    icons = {c for c in css if "\ue000" <= c <= "\uf8ff"}
    icons |= {chr(int(code, 16)) for code in re.findall(r"\\(f[0-9a-f]{3})\b", css)}
    fonts = "vendor/fontawesome/webfonts"
    theme = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static"
    for font in (theme / fonts).glob("*.woff2"):
        shrink(TTFont(font), Path(app.outdir, "_static", fonts, font.name), icons)


def finish_style(app, error):
    if error or app.builder.format != "html":
        return
    if app.style_sheets:  # or else no page was written
        pages = [page.read_text(encoding="utf8") for page in Path(app.outdir).rglob("*.html")]
        scripts = [script.read_text(encoding="utf8") for script in Path(app.outdir).rglob("*.js")]
        bundle(app, {word for text in pages + scripts for word in re.findall(r"[\w-]+", text)})
        math_font(app, pages)
        code_font(app, pages)
    icon_fonts(app)


def setup(app):
    app.style_sheets = {}  # in the order of the links
    app.connect("html-page-context", one_sheet)
    app.connect("build-finished", finish_style, priority=900)  # when the theme has done its part
    return {"parallel_read_safe": True, "parallel_write_safe": False}
