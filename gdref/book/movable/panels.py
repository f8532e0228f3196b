"""The drawing: panels of layers, as themed SVG for the page and as PNG for everything else.

A layer is a list of points and a way to draw them; it becomes one SVG path, which ``core.js``
finds by its id and draws anew with other points.
"""

import io
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.transforms import Transform

from gdref.book import plots
from gdref.book.movable.numbers import Ticks, number, power
from gdref.book.movable.runs import drawn_path

WIDTH = 3.5  # inches of a panel: its text keeps its size where the page is narrow
LEFT, RIGHT, TOP, BOTTOM = 0.5, 0.12, 0.28, 0.42  # inches around the axes
GAP = 0.05
DASHED: Any = (0, (3.5, 1.5))
DOTTED: Any = (0, (0.01, 2.2))
KINDS = ("line", "dots", "bars", "area", "cross", "run")


@dataclass(frozen=True)
class Axis:
    """One axis; with ``log`` its ticks are exponents of ten."""

    ticks: Ticks
    label: str = ""
    log: bool = False
    write: Callable[[float], str] | None = None

    def place(self, values: Any) -> np.ndarray:
        """Where values lie on the axis: themselves or their logarithms."""
        with np.errstate(all="ignore"):
            return np.log10(np.maximum(values, 1e-300)) if self.log else np.asarray(values, float)

    def spec(self) -> list:
        return [*map(float, self.ticks), self.log]

    @property
    def text(self) -> Callable[[float], str]:
        return self.write or (power if self.log else number)


@dataclass(frozen=True)
class Layer:
    """Points of shape (n, 2) and how they are drawn.

    ``kind`` is one of line, dots, cross, bars (from ``base`` to the point), area (between the
    line and ``base``) and run (a line, cut with a cross where it is gone for good).  ``style``
    is solid, dashed or dotted.
    """

    name: str
    points: np.ndarray
    kind: str = "line"
    colour: str = plots.INK
    width: float = 1.6
    style: str = "solid"
    base: float = 0.0
    opacity: float = 1.0
    label: str | None = None
    order: float = 2.5


@dataclass(frozen=True)
class Panel:
    """A plot: two axes, layers, and what lies behind them and never moves."""

    name: str
    x: Axis
    y: Axis
    layers: tuple[Layer, ...]
    alt: str
    title: str = ""
    height: float = 2.4
    width: float = WIDTH
    bare: bool = False  # whether the axes fill the panel and carry no numbers
    background: Callable[[Axes], None] | None = None
    handle: tuple[str, str] | None = None  # the controls that dragging sets
    handle_label: str = "point"
    hint: str = ""

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of the axes, in inches."""
        if self.bare:
            return 0, 0, self.width, self.height
        return LEFT, BOTTOM, self.width - LEFT - RIGHT, self.height - TOP - BOTTOM

    def spec(self) -> dict:
        """The axes, as the script has them."""
        return {"x": self.x.spec(), "y": self.y.spec()}

    def layer_specs(self) -> list[dict]:
        return [
            {"name": each.name, "panel": self.name, "kind": each.kind, "base": each.base}
            for each in self.layers
        ]


def ring(name: str, spot: np.ndarray, size: float = 10.0) -> list[Layer]:
    """What the reader drags: a white disk with a dark edge."""
    return [
        Layer(f"{name}-edge", spot, "dots", plots.INK, size, order=5),
        Layer(f"{name}-disk", spot, "dots", "#ffffff", 0.7 * size, order=5.1),
    ]


def segments(layer: Layer, panel: Panel) -> np.ndarray:
    """The vertices of a layer's path in the coordinates of the axes; NaN ends a stroke."""
    x, y = panel.x.place(layer.points[:, 0]), panel.y.place(layer.points[:, 1])
    base = panel.y.place(np.array(layer.base))
    gap = np.full_like(x, math.nan)
    if layer.kind == "line":
        return np.stack([x, y], axis=1)
    if layer.kind == "area":
        seen = np.isfinite(y)
        x, y = x[seen], y[seen]
        if not len(x):
            return np.empty((0, 2))
        return np.stack([[x[0], *x, x[-1]], [base, *y, base]], axis=1)
    if layer.kind == "run":  # a line that ends in a cross where it is gone for good
        window = (*panel.x.ticks[:2], *panel.y.ticks[:2])
        path, _, gone = drawn_path(np.stack([x, y], axis=1), window)
        return np.concatenate([path, np.full((1, 2), math.nan), crosses(gone, panel)])
    if layer.kind == "cross":
        return crosses(np.stack([x, y], axis=1), panel)
    # dots are strokes with no length and round ends
    other = y + 2e-4 * (panel.y.ticks.high - panel.y.ticks.low) if layer.kind == "dots" else base
    ends = np.stack([[x, x, gap], [y, np.broadcast_to(other, y.shape), gap]])
    return ends.transpose(2, 1, 0).reshape(-1, 2)


def crosses(spots: np.ndarray, panel: Panel) -> np.ndarray:
    """The strokes of a cross at each spot, 8 points wide."""
    (x, y), gap = spots.T, np.full(len(spots), math.nan)
    dx, dy = (
        4 / 72 / inches * (axis.ticks.high - axis.ticks.low)
        for inches, axis in zip(panel.box[2:], (panel.x, panel.y), strict=True)
    )
    across = [x - dx, x + dx, gap, x - dx, x + dx, gap]
    down = [y + dy, y - dy, gap, y - dy, y + dy, gap]
    return np.array([across, down]).transpose(2, 1, 0).reshape(-1, 2)


def draw_layer(ax: Axes, layer: Layer, panel: Panel) -> None:
    vertices = segments(layer, panel)
    if not len(vertices):  # far outside, where it is cut away: the page needs the path
        vertices = np.full((2, 2), 1e6)
    look: dict[str, Any] = {
        "gid": layer.name, "color": layer.colour, "alpha": layer.opacity, "zorder": layer.order,
    }  # fmt: skip
    if layer.kind == "area":
        ax.fill(*vertices.T, linewidth=0, **look)
        return
    look["linestyle"] = {"solid": "-", "dashed": DASHED, "dotted": DOTTED}[layer.style]
    look["solid_capstyle"] = "round" if layer.kind == "dots" else "butt"
    look["dash_capstyle"] = "round" if layer.style == "dotted" else "butt"
    ax.plot(*vertices.T, linewidth=layer.width, snap=False, **look)


def draw_panel(figure: Figure, panel: Panel, left: float, bottom: float) -> Axes:
    """Draw a panel with its lower left corner at a place given in inches."""
    width, height = figure.get_size_inches()
    x, y, across, up = panel.box
    place = ((left + x) / width, (bottom + y) / height, across / width, up / height)
    ax = figure.add_axes(place)
    ax.patch.set_gid(panel.name)
    ax.patch.set_alpha(0)
    ax.set(xlim=panel.x.ticks[:2], ylim=panel.y.ticks[:2])
    if panel.background:
        panel.background(ax)
        for contours in ax.collections:
            paths = [simplified(path, ax.transData) for path in contours.get_paths()]
            contours.set_paths(paths)
    for layer in panel.layers:
        draw_layer(ax, layer, panel)
    for axis, spec, which in ((ax.xaxis, panel.x, "x"), (ax.yaxis, panel.y, "y")):
        axis.set_gid(f"{panel.name}-{which}")
        low, high, step = spec.ticks
        ticks = np.arange(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1) * step
        axis.set_ticks(ticks, [spec.text(tick) for tick in ticks])
    ax.set(xlim=panel.x.ticks[:2], ylim=panel.y.ticks[:2])
    ax.set_xlabel(panel.x.label, labelpad=2)
    if panel.bare:
        for part in (ax.xaxis, ax.yaxis, *ax.spines.values()):
            part.set_visible(False)
        return ax
    ax.text(0, 1 + 0.08 / up, panel.title or panel.y.label, transform=ax.transAxes, fontsize=10,
            gid=f"{panel.name}-title")  # fmt: skip
    return ax


def simplified(path: Path, to_pixels: Transform) -> Path:
    """A contour without the points that a tenth of a pixel does not show."""
    drawn = path.transformed(to_pixels)
    drawn.should_simplify, drawn.simplify_threshold = True, 0.1
    drawn = drawn.cleaned(simplify=True)
    vertices, codes = np.asarray(drawn.vertices), np.asarray(drawn.codes)
    kept = codes != Path.STOP
    return Path(vertices[kept], codes[kept]).transformed(to_pixels.inverted())


STYLE: dict[Any, Any] = plots.STYLE | {
    "figure.constrained_layout.use": False,
    "figure.facecolor": "none",
    "font.family": plots.STYLE["font.family"],
    "font.size": 10,
    "axes.labelsize": 10,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "path.simplify": False,
}


LEGEND: dict[str, Any] = {
    "loc": "lower left", "fontsize": 8, "frameon": False,
    "borderaxespad": 0, "handlelength": 1.5, "columnspacing": 1,
}  # fmt: skip


def png(columns: Sequence[Sequence[Panel]]) -> bytes:
    """The whole figure as an image: columns of panels, with a legend above each panel."""
    tall = max(sum(p.height + legend_rows(p)[1] for p in column) for column in columns)
    wide = [max(panel.width for panel in column) + GAP for column in columns]
    with plt.rc_context(STYLE):
        figure = Figure(figsize=(sum(wide) - GAP, tall))
        for i, column in enumerate(columns):
            top = tall
            for panel in column:
                each_row, high = legend_rows(panel)
                top -= panel.height + high
                ax = draw_panel(figure, panel, sum(wide[:i]), top)
                for line, layer in zip(artists(ax, panel), panel.layers, strict=True):
                    if line is not None and layer.label:
                        line.set_label(layer.label)
                if ax.get_legend_handles_labels()[1]:
                    corner = (sum(wide[:i]) / figure.get_figwidth(), (top + panel.height) / tall)
                    ax.legend(
                        ncols=each_row,
                        bbox_to_anchor=corner,
                        bbox_transform=figure.transFigure,
                        **LEGEND,
                    )
        buffer = io.BytesIO()
        figure.savefig(
            buffer, format="png", dpi=150, facecolor="white", metadata={"Software": None}
        )
    return buffer.getvalue()


def legend_rows(panel: Panel) -> tuple[int, float]:
    """How many entries of the legend fit beside each other, and how high it is in inches."""
    entries = [0.42 + 0.054 * len(layer.label) for layer in panel.layers if layer.label]
    if not entries:
        return 1, 0.0
    for each_row in (4, 3, 2, 1):
        rows = -(-len(entries) // each_row)
        columns = [entries[k * rows : (k + 1) * rows] for k in range(each_row)]
        if sum(max(c) for c in columns if c) <= panel.width or each_row == 1:
            break
    return each_row, 0.08 + 0.17 * rows


def artists(ax: Axes, panel: Panel) -> list:
    by_name = {artist.get_gid(): artist for artist in [*ax.lines, *ax.patches]}
    return [by_name.get(layer.name) for layer in panel.layers]


def svg(panel: Panel, identity: str) -> str:
    """A panel as compact SVG in the page's colours; each id begins with the figure's."""
    owner = f"{identity}-{panel.name}"
    with plt.rc_context(STYLE | {"svg.hashsalt": owner}):
        figure = Figure(figsize=(panel.width, panel.height))
        figure.patch.set_visible(False)
        draw_panel(figure, panel, 0, 0)
        buffer = io.StringIO()
        nothing = dict.fromkeys(["Date", "Creator", "Format", "Type"])
        figure.savefig(buffer, format="svg", metadata=nothing)
        names = {artist.get_gid() or "" for artist in figure.findobj()}
    return compact(buffer.getvalue(), identity, names)


def compact(text: str, identity: str, names: set[str]) -> str:
    """Matplotlib's SVG without what the page does not need; ids prefixed, colours themed."""
    text = text[text.index("<svg") :]
    text = re.sub(r"(?s)<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", "", text)
    text = re.sub(r"-?\d+\.\d{3,}", lambda match: f"{float(match[0]):.1f}", text)
    text = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font-size: \1", text)  # the page's own typeface
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)
    used = set(re.findall(r"#([\w-]+)", text)) | names

    def own(match):
        return f' id="{identity}-{match[1]}"' if match[1] in used else ""

    text = re.sub(r' id="([^"]*)"', own, text)
    text = re.sub(r'(url\(|href=")#', rf"\1#{identity}-", text)
    text = themed(text)
    text = re.sub(r'(?<= d=")[^"]*', shorter, text)
    text = re.sub(r"\s*\n\s*", "\n", text).strip()
    return re.sub(r"<defs>\s*</defs>\s*|<(g)>\s*</g>\s*", "", text)


def shorter(path: re.Match) -> str:
    """A path without what SVG understands by itself: the L of a line, a zero after the point."""
    text = re.sub(r"\s*\bL\s+|\s+", " ", path[0]).replace(".0 ", " ")
    return text.replace("M ", "M").strip()


def themed(text: str) -> str:
    """Colours as variables of the style sheet, each with the light colour where there is none."""

    def variable(match):
        colour = match[0].lower()
        return f"var(--gdref-{colour[1:]}, {colour})" if colour in plots.DARK else colour

    return re.sub(r"#[0-9a-fA-F]{6}\b", variable, text)


def variables() -> tuple[str, str]:
    """The light and the dark values of the variables, as lines of a style sheet."""
    light = "".join(f"--gdref-{colour[1:]}:{colour};" for colour in plots.DARK)
    dark = "".join(f"--gdref-{colour[1:]}:{other};" for colour, other in plots.DARK.items())
    return light, dark
