"""The book's figures in one style.

A chapter calls :func:`use_style` once, draws in a function of a Matplotlib figure, and shows that
with :func:`picture`; the other functions take an axes and add to it.  Each rule has one colour and
line in the whole book.  On a dark page the site turns a figure's white into the page's colour and
each colour into one as light as it was dark.
"""

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from gdref import catalogue
from gdref._checks import name_of

# Inches: on a desk, and on a phone, where the site shows the narrow rendering.
WIDTH, NARROW = 7.0, 3.4

INK = "#222222"  # text
GREY = "#767676"  # axes, reference lines

COLOURS = {name: drawn.colour for name, drawn in catalogue.RULES.items()}
LINES = {name: drawn.line for name, drawn in catalogue.RULES.items()}
LABELS = {name: drawn.label for name, drawn in catalogue.RULES.items()}
# For lines that belong to no rule: batch sizes, rates, seeds.
CYCLE = ["#003ddf", "#e06b4e", "#00a691", "#580272", "#c18b00", "#4d4d4d"]

# Behind lines: tints from low to high, and a warm colour for what lies beyond.
TINTS = ["#f7f9fc", "#f1f5f9", "#ebf0f6", "#e6ecf4", "#e0e7f1", "#dbe3ee", "#d5deeb"]
WARM = ["#fbeae4", "#f6dfd7"]
LINE = "#98a1ab"  # level lines
# A landscape, from the floor of a valley to its rim.
RELIEF = ["#fff8e1", "#fbf3d6", "#f2f0d0", "#e6edd0", "#d9e9d5", "#cce4dc", "#c0dfe3", "#b6d8e8",
          "#adcfea", "#a6c5ea", "#a2bbe8", "#a0b1e4"]  # fmt: skip
# What each colour becomes on a dark page; tests/test_plots.py measures these too.
DARK = {
    INK: "#e2e6ea",
    GREY: "#9aa3ad",
    LINE: "#5d6b7b",
    "#ffffff": "#14181e",
    **{drawn.colour: drawn.dark or drawn.colour for drawn in catalogue.RULES.values()},
    **dict(zip(TINTS, ["#181f28", "#1a232e", "#1c2734", "#1f2b3a", "#212f40", "#233346", "#26374c"],
               strict=True)),
    **dict(zip(RELIEF, ["#10231f", "#11272a", "#122a34", "#142d3e", "#173047", "#1b3350", "#203658",
                        "#26395f", "#2c3c66", "#333e6c", "#3a4071", "#414275"], strict=True)),
    **dict(zip(WARM, ["#33211e", "#3d2723"], strict=True)),
}  # fmt: skip


def shades(colours: list[str], count: int) -> list[str]:
    """``count`` of some tints, spread over all of them."""
    last = max(1, count - 1)
    return [colours[round(k * (len(colours) - 1) / last)] for k in range(count)]


STYLE: dict[Any, Any] = {
    "figure.figsize": (WIDTH, 3.6),
    "figure.dpi": 150,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "white",
    # the page's typeface in its first edition, and another for signs that it lacks; Matplotlib
    # ships both: the same on every machine
    "font.family": ["STIXGeneral", "DejaVu Sans"],
    "font.size": 11.5,
    "axes.labelsize": 11.5,
    "xtick.labelsize": 10.5,
    "ytick.labelsize": 10.5,
    "legend.fontsize": 10.5,
    "legend.frameon": False,
    "mathtext.fontset": "stix",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=CYCLE),
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
    "svg.hashsalt": "gdref",
    "svg.fonttype": "none",
}


def use_style() -> None:
    """Set Matplotlib to the book's style; the first cell of a chapter calls it."""
    plt.rcParams.update(STYLE)


@dataclass(frozen=True)
class Picture:
    """A figure that was drawn twice, for a wide and for a narrow page; a notebook shows it.

    Attributes
    ----------
    wide, narrow
        the two renderings, as PNG.
    """

    wide: bytes
    narrow: bytes

    def __repr__(self) -> str:
        return "a figure"

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict, dict]:
        wide, narrow = (base64.b64encode(png).decode("ascii") for png in (self.wide, self.narrow))
        # the site takes the narrow rendering from the metadata, which other readers pass over
        return {"image/png": wide, "text/plain": repr(self)}, {"image/png": {"narrow": narrow}}


def picture(
    draw: Callable[[Figure], Any], *, height: float = 3.4, narrow: float | None = None
) -> Picture:
    """Draw a figure at the width of a desk's page and at that of a phone's.

    Parameters
    ----------
    draw
        adds axes and what is in them to an empty figure, the same at both widths; it is called
        twice, so what takes long or draws at random is computed before.
    height, narrow
        inches; the narrow rendering is by default 0.8 times as high.
    """

    def png(width: float, height: float, dpi: int) -> bytes:
        figure = Figure(figsize=(width, height))
        draw(figure)
        drawn, small = io.BytesIO(), io.BytesIO()
        figure.savefig(drawn, format="png", dpi=dpi)
        with Image.open(drawn) as image:  # 256 colours: a third of the bytes, the same to the eye
            image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
                small, format="png", optimize=True
            )
        return small.getvalue()

    return Picture(png(WIDTH, height, 150), png(NARROW, narrow or 0.8 * height, 220))


def is_narrow(figure: Any) -> bool:
    """Whether the figure is the rendering for a phone."""
    return figure.get_figwidth() < (WIDTH + NARROW) / 2


def panels(figure: Figure, count: int, *, height: float = 2.5, **options: Any):
    """``count`` axes beside each other; below each other if narrow, each ``height`` inches.

    Options are those of ``figure.subplots``.  Returns the array of axes.
    """
    if not is_narrow(figure):
        return figure.subplots(1, count, squeeze=False, **options)[0]
    figure.set_figheight(count * height)
    return figure.subplots(count, 1, squeeze=False, **options)[:, 0]


def subplots(rows: int = 1, columns: int = 1, *, height: float = 3.4, **options: Any):
    """``plt.subplots`` at the width of a desk's page alone; ``height`` in inches.

    Returns figure, axes.
    """
    return plt.subplots(rows, columns, figsize=(WIDTH, height), **options)


def style(rule: Any) -> dict:
    """Colour and line of a rule (the function or its name), as keywords for ``ax.plot``."""
    name = rule if isinstance(rule, str) else name_of(rule)
    if name not in COLOURS:
        raise ValueError(f"no style for {name!r}; there is one for {', '.join(COLOURS)}")
    return {"color": COLOURS[name], "linestyle": LINES[name]}


def line_options(rule: Any, label: str | None, options: dict) -> dict[str, Any]:
    """Keywords for ``ax.plot``: the rule's style and name, unless the caller gives others."""
    if rule is None:
        return {"label": label} | options
    name = rule if isinstance(rule, str) else name_of(rule)
    return style(rule) | {"label": LABELS[name] if label is None else label} | options


def surface_grid(surface: Any, n: int = 201):
    """``x, y, J`` of a surface on an n by n grid over its window."""
    x_low, x_high, y_low, y_high = surface.window
    x, y = np.linspace(x_low, x_high, n), np.linspace(y_low, y_high, n)
    return x, y, surface.loss(np.array(np.meshgrid(x, y)))


def contour_levels(J: np.ndarray, count: int = 12) -> np.ndarray:
    """Levels between the least and the greatest value of J.

    Their distance from the least value grows as k^2, so that the lines around a quadratic
    minimum are equally spaced; it grows geometrically where most of J is less than 1/10 of the
    range.
    """
    low, height = J.min(), np.ptp(J)
    k = np.arange(1, count + 1)
    if np.median(J - low) < height / 10:
        return low + height * np.geomspace(1e-4, 1, count + 1)[:-1]
    return low + height * (k / (count + 1)) ** 2


def contour(ax: Axes, surface: Any, *, levels: Any = None, n: int = 201):
    """Draw the level lines of a surface over its window, with its minimum as a cross.

    ``levels`` are the values of J, by default :func:`contour_levels`.  Returns the levels.
    """
    x, y, J = surface_grid(surface, n)
    levels = contour_levels(J) if levels is None else np.asarray(levels)
    tint = plt.get_cmap("Greys")(np.linspace(0.0, 0.22, len(levels) + 1))
    ax.contourf(x, y, J, [J.min() - 1, *levels, J.max() + 1], colors=tint, zorder=0)
    ax.contour(x, y, J, levels, colors="#a8a8a8", linewidths=0.6, linestyles="solid", zorder=0.5)
    if surface.minimum is not None:
        ax.plot(*surface.minimum, "+", color=INK, markersize=9, markeredgewidth=1.2, zorder=2)
    ax.set(
        xlim=surface.window[:2], ylim=surface.window[2:], xlabel=r"$\theta_1$", ylabel=r"$\theta_2$"
    )
    return levels


def level_lines(
    ax: Axes, surface: Any, *, colours: list[str] = TINTS, count: int = 12, n: int = 161
) -> None:
    """The surface of a movable figure: tints and lines of colours that the page can replace."""
    x, y, J = surface_grid(surface, n)
    levels = contour_levels(J, count)
    tints = shades(colours, len(levels) + 1)
    bands = ax.contourf(x, y, J, [J.min() - 1, *levels, J.max() + 1], colors=tints, zorder=0)
    bands.set(edgecolor=LINE, linewidth=0.3)
    if surface.minimum is not None:
        ax.plot(*surface.minimum, "+", color=INK, markersize=9, markeredgewidth=1.2, zorder=2)


def path(ax: Axes, path: Any, rule: Any = None, *, label: str | None = None, **options: Any):
    """Draw iterates, of shape (steps + 1, 2), with a ring at the start and a dot at the end.

    ``rule`` gives colour, line and label; ``label`` and Matplotlib's options go before it.
    The axes keep their limits, so that a path that leaves the plot is cut.
    Returns the line.
    """
    path = np.asarray(path, dtype=float)
    limits = ax.axis() if ax.has_data() else None
    dots: dict[str, Any] = {"marker": ".", "markersize": 3.5, "linewidth": 1.3}
    (line,) = ax.plot(*path.T, **(dots | line_options(rule, label, options)))
    colour = line.get_color()
    ax.plot(*path[0], "o", color="white", markeredgecolor=colour, markersize=7, zorder=3)
    ax.plot(*path[-1], "o", color=colour, markersize=6, zorder=3)
    if limits:
        ax.axis(limits)
    return line


def losses(
    ax: Axes,
    losses: Any,
    rule: Any = None,
    *,
    x: Any = None,
    label: str | None = None,
    log: bool = True,
    xlabel: str = "step $t$",
    ylabel: str = r"$J(\theta_t)$",
    **options: Any,
):
    """Draw a loss at the steps 0, 1, 2, ... or at ``x``, on a logarithmic axis if ``log``.

    Returns the line.
    """
    losses = np.asarray(losses, dtype=float)
    x = np.arange(len(losses)) if x is None else x
    (line,) = ax.plot(x, losses, **line_options(rule, label, options))
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if log:
        ax.set_yscale("log")
    return line


def band(
    ax: Axes,
    x: Any,
    samples: Any,
    rule: Any = None,
    *,
    label: str | None = None,
    interval: tuple[float, float] = (10, 90),
    **options: Any,
):
    """Draw the median over seeds as a line and an interval of percentiles as a band.

    ``samples`` has one row a seed and one column an entry of ``x``; NaN stays out.
    Returns ``(low, median, high)``, the numbers drawn.
    """
    low, median, high = np.nanpercentile(samples, [interval[0], 50, interval[1]], axis=0)
    (line,) = ax.plot(x, median, **line_options(rule, label, options))
    ax.fill_between(x, low, high, color=line.get_color(), alpha=0.18, linewidth=0)
    return low, median, high


def legend(ax: Axes, **options: Any):
    """A legend above the axes, where it hides no data."""
    count = min(len(ax.get_legend_handles_labels()[1]), 2 if is_narrow(ax.figure) else 3)
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2}
    return ax.legend(**(place | {"ncols": max(1, count)} | options))
