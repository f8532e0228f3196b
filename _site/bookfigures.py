"""Figures on the page: light, dark and narrow renderings, small files of which a page loads one.

The dark rendering is made here from the light one: :data:`gdref.book.plots.DARK` says what each of
the book's colours becomes on a dark page, and colours between these (the edge of a line, a band)
become what is between; other colours become as light as they were dark.
"""

import hashlib
import json
from base64 import b64decode
from pathlib import Path

import numpy as np
from docutils import nodes
from matplotlib.colors import to_rgb
from PIL import Image

from gdref.book import plots

PHONE = 560  # px: up to this width a page shows the narrow rendering
# linear RGB to the cone responses of OKLab, and these to lightness and two axes of hue
CONES = np.array([[0.4122214708, 0.5363325363, 0.0514459929],
                  [0.2119034982, 0.6806995451, 0.1073969566],
                  [0.0883024619, 0.2817188376, 0.6299787005]])  # fmt: skip
OKLAB = np.array([[0.2104542553, 0.7936177850, -0.0040720468],
                  [1.9779984951, -2.4285922050, 0.4505937099],
                  [0.0259040371, 0.7827717662, -0.8086757660]])  # fmt: skip


def oklab(rgb):
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ CONES.T) @ OKLAB.T


def rgb(oklab):
    linear = (oklab @ np.linalg.inv(OKLAB).T) ** 3 @ np.linalg.inv(CONES).T
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def darkened(colours, reach=0.03):
    """Colours for a dark page, of shape (n, 3), for colours on a white one."""
    light, dark = np.array([[to_rgb(c) for c in pair] for pair in plots.DARK.items()]).swapaxes(
        0, 1
    )
    paper = list(plots.DARK).index("#ffffff")
    share = np.linspace(0, 1, 9)[:, None, None]  # each colour over the paper
    known, wanted = ((share * c + (1 - share) * c[paper]).reshape(-1, 3) for c in (light, dark))
    lowest = oklab(dark[paper])[0]

    def turned(colours):
        turned = oklab(colours)
        turned[:, 0] = 1 - (1 - lowest) * turned[:, 0]
        return rgb(turned)

    distance = ((colours[:, None] - known) ** 2).sum(2)
    weight = np.exp(-distance / reach**2 / 2)
    mended = weight @ (wanted - turned(known)) / (weight.sum(1, keepdims=True) + 1e-2)
    return np.clip(turned(colours) + mended, 0, 1)


class picture(nodes.General, nodes.Element):
    """An ``image``, and before it its ``narrow_image`` if there is one."""


class narrow_image(nodes.image):
    pass


def make_pictures(app, doctree):
    """Each stored figure, with the rendering for a phone that ``plots.picture`` puts beside it."""
    source = Path(app.env.doc2path(app.env.docname))
    images = {image["uri"].rpartition("/")[2]: image for image in doctree.findall(nodes.image)}
    if source.suffix != ".ipynb" or not images:
        return
    for cell in json.loads(source.read_text(encoding="utf8"))["cells"]:
        for output in cell.get("outputs", []):
            if png := output.get("data", {}).get("image/png"):
                name = hashlib.sha256(b64decode("".join(png))).hexdigest()  # as MyST-NB calls it
                narrow = output.get("metadata", {}).get("image/png", {}).get("narrow")
                wrap(app, images[f"{name}.png"], narrow and b64decode(narrow))


def wrap(app, image, narrow):
    box = picture("")
    image.replace_self(box)
    if narrow:
        uri = image["uri"].replace(".png", "-narrow.png")
        Path(app.srcdir, uri.lstrip("/")).write_bytes(narrow)
        box += narrow_image(uri=uri, alt=image.get("alt", ""))
    box += image


def visit_picture(self, node):
    """The browser loads the one rendering that is shown, when it comes into view."""
    *narrow, wide = node
    for shade in ("light", "dark"):
        self.body.append("<picture>")
        for image in narrow:
            source = {"srcset": address(self, image, shade), "media": f"(max-width: {PHONE}px)"}
            self.body.append(self.emptytag(image, "source", "", **source, **size(self, image)))
        tag = {"src": address(self, wide, shade), "alt": wide.get("alt", ""), "loading": "lazy"}
        tag |= size(self, wide) | {"class": f"only-{shade}"}
        self.body.append(self.emptytag(nodes.image(), "img", "", **tag))
        self.body.append("</picture>\n")
    raise nodes.SkipNode


def address(self, image, shade):
    name = self.builder.images[image["uri"]]
    return f"{self.builder.imgpath}/{name if shade == 'light' else dark_name(name)}"


def size(self, image):
    """So that the text does not jump when the image arrives."""
    with Image.open(Path(self.builder.srcdir, image["uri"])) as png:
        return {"width": png.width, "height": png.height}


def dark_name(name):
    return name.replace(".png", "-dark.png")


def go_on(self, node):
    pass


def skip(self, node):
    raise nodes.SkipNode


def finish_images(app, error):
    """Store figures with 256 colours, and once more with these for a dark page."""
    if error or app.builder.format != "html":
        return
    folder = Path(app.outdir, "_images")
    for path in folder.glob("*.png"):
        dark = folder / dark_name(path.name)
        if path.stem.endswith("-dark"):
            continue
        with Image.open(path) as image:
            if image.mode == "P" and dark.exists():
                continue
            small = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
        palette = np.array(small.getpalette()).reshape(-1, 3) / 255
        small.putpalette(np.rint(255 * darkened(palette)).astype(int).ravel().tolist())
        small.save(dark, optimize=True)


def setup(app):
    app.add_node(picture, html=(visit_picture, None), latex=(go_on, go_on))
    app.add_node(narrow_image, html=(skip, None), latex=(skip, None))
    app.connect("doctree-read", make_pictures, priority=400)  # before Sphinx collects the images
    app.connect("build-finished", finish_images)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
