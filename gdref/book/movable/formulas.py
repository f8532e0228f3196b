"""Formulas that the reader moves: closed forms that a chapter proves, with sliders for symbols."""

import html
import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from matplotlib.axes import Axes

from gdref.book import plots
from gdref.book.expressions import code_name, function_of, shown_name
from gdref.book.javascript import rule_source, source
from gdref.book.movable.marks import Curve, Map, Mark, Names, look
from gdref.book.movable.numbers import Ticks, decades, linear, nice, number, round_choices
from gdref.book.movable.page import Control, Shown, call, controls, identity, page, shared
from gdref.book.movable.panels import Axis, Panel, png, ring


@dataclass(frozen=True)
class Slider:
    """What the reader can give a symbol.

    Attributes
    ----------
    first
        the value at first.
    low, high
        the range; or ``choices``, every value.
    scale
        "linear", "whole" (whole numbers), "log", or "decay" for numbers crowded towards 1.
    label
        by default the symbol.
    positions
        about how many values a linear slider has.
    """

    first: float
    low: float = 0.0
    high: float = 1.0
    scale: str = "linear"
    choices: Sequence[float] | None = None
    label: str | None = None
    positions: int = 100

    def control(self, symbol: sympy.Symbol) -> Control:
        offered = self.choices
        if offered is None:
            if not self.low <= self.first <= self.high:
                raise ValueError(f"{symbol}: {self.first} is not in [{self.low}, {self.high}]")
            offered = round_choices(self.low, self.high, self.scale, self.positions)
        values = tuple(sorted({float(self.first), *map(float, offered)}))
        return Control(code_name(symbol), self.label or shown_name(symbol), values, self.first)


class Plot:
    """One plot of a figure: its axes and its marks.

    Parameters
    ----------
    *marks
        :class:`Curve`, :class:`Points`, :class:`Run`, and at most one :class:`Map`, drawn in
        this order.
    x, y
        ``(symbol, low, high)`` or ``(low, high)``.  Without y the axis holds 0 and what is drawn
        at first.  An x that is one number n is the steps from 0 to n.
    xlabel, ylabel
        by default the symbol.
    log
        which axes are logarithmic: "x", "y" or "xy".
    drag
        whether the reader can drag a point of the plane; both axes then need symbols that have
        sliders.
    notes
        ``(x, y, text)``: words that stand in the plot.
    height
        in inches; the width is 3.5.
    alt
        what is seen, if the plot needs words of its own.
    """

    def __init__(
        self,
        *marks: Mark | Map,
        x: Any,
        y: tuple | None = None,
        xlabel: str | None = None,
        ylabel: str | None = None,
        log: str = "",
        drag: bool = False,
        notes: Iterable[tuple[float, float, str]] = (),
        height: float = 2.3,
        alt: str | None = None,
    ):
        self.marks = [mark for mark in marks if isinstance(mark, Mark)]
        self.maps = [mark for mark in marks if isinstance(mark, Map)]
        self.x = (0, x) if isinstance(x, int | float) else tuple(x)
        self.y = None if y is None else tuple(y)
        self.xlabel, self.ylabel, self.log = xlabel, ylabel, log
        self.drag, self.notes, self.height, self.alt = drag, list(notes), height, alt
        self.x_symbol = self.x[0] if len(self.x) == 3 else None
        self.y_symbol = self.y[0] if self.y is not None and len(self.y) == 3 else None
        if (drag or self.maps) and not (self.x_symbol and self.y_symbol):
            raise TypeError("a map and a point to drag need a symbol on both axes")

    def complete(self, mark: Mark) -> Mark:
        """The mark, its curve over the x axis if it has no range of its own."""
        if isinstance(mark, Curve) and mark.over is None:
            if self.x_symbol is None:
                raise TypeError("a curve needs a symbol on the x axis, or its own range `over`")
            return Curve(mark.y, self.x, mark.repeat, "x" in self.log, **look(mark))
        return mark

    def handle(self, names: Names) -> tuple[str, str]:
        """The two sliders that the point sets."""
        missing = {self.x_symbol, self.y_symbol} - set(names)
        if missing:
            raise ValueError(f"the point sets {', '.join(map(str, missing))}, which has no slider")
        return names[self.x_symbol], names[self.y_symbol]

    def axis(self, which: str, values: np.ndarray) -> Axis:
        ends, symbol = (self.x, self.x_symbol) if which == "x" else (self.y, self.y_symbol)
        label = self.xlabel if which == "x" else self.ylabel
        log = which in self.log
        if ends is None:
            ticks = decades(values) if log else linear(values)
        else:
            low, high = map(float, ends[-2:])
            if log:
                low, high = math.log10(low), math.log10(high)
            step = nice(low, high)
            ticks = Ticks(low, high, max(1, step) if log else step)
        if label is None:
            label = shown_name(symbol) if symbol else ("step t" if which == "x" else "")
        return Axis(ticks, label, log)


@dataclass(frozen=True, repr=False)
class Formula(Shown):
    """The figure; a notebook shows it.

    ``points(**values)`` and ``numbers(**values)`` are what it draws and says when the sliders
    have these values, by name, the others their first.
    """

    text: str
    html: str
    png: bytes
    points: Callable[..., dict[str, np.ndarray]]
    numbers: Callable[..., dict[str, float]]


def formula(
    *parts: Plot | Mark | Map,
    sliders: Mapping[sympy.Symbol, Slider],
    alt: str,
    say: str = "",
    numbers: Mapping[str, Any] | None = None,
    presets: Iterable[tuple[str, Mapping]] = (),
    play: sympy.Symbol | None = None,
    name: str,
    **plot_options: Any,
) -> Formula:
    """Make a figure of formulas with sliders.

    Parameters
    ----------
    *parts
        one or two :class:`Plot`; or the marks of a single plot, whose options are then given
        here: ``x``, ``y``, ``log``, ...
    sliders
        by symbol a :class:`Slider`.  The first three are seen, the others stand behind "more".
    alt
        what is seen at first, in a sentence.
    say
        a sentence below the figure.  ``{name}`` stands for a number: a slider's, by the name of
        its symbol in code, or one of ``numbers``.  ``{name:3}`` has three digits, ``{name:%}`` is
        a percentage.
    numbers
        by name an expression; or a list of ``(words, condition)``, of which the first that is
        true is said; the last condition is True.
    presets
        ``(label, settings)``: buttons that set the sliders.
    play
        the symbol whose slider a play button moves.
    name
        identifies the figure on its page and in the address.

    Raises
    ------
    ValueError
        if an expression has a symbol without a slider, or cannot be printed as JavaScript.

    Examples
    --------
    >>> import sympy
    >>> beta, t = sympy.Symbol("beta", positive=True), sympy.Symbol("t", integer=True)
    >>> formula(
    ...     Curve(1 - beta**t, label="filled share"), x=(t, 0, 60), y=(0, 1),
    ...     sliders={beta: Slider(0.9, 0, 0.999, scale="decay")}, name="filled-share",
    ...     say="After 10 steps the average is {share:%} full.", numbers={"share": 1 - beta**10},
    ...     alt="The filled share rises from 0 and flattens towards 1.",
    ... )
    After 10 steps the average is 65.1 % full.
    """
    given = [part for part in parts if isinstance(part, Plot)]
    marks = [part for part in parts if not isinstance(part, Plot)]
    if given and (marks or plot_options):
        raise TypeError("marks and options of a plot stand in one of the Plots")
    plots_ = dict(zip("abcd", given or [Plot(*marks, **plot_options)], strict=False))
    presets = list(presets)
    model = Model(sliders, plots_, Sentence(say, numbers or {}, list(sliders)))
    script = model.javascript()
    panels = [panel(key, plot, model, alt if key == "a" else "") for key, plot in plots_.items()]
    fields = list(model.controls.values())
    spec = {
        "panels": {each.name: each.spec() for each in panels},
        "layers": [layer for each in panels for layer in each.layer_specs()],
        "choices": {control.name: control.choices for control in fields},
        "labels": {control.name: control.label for control in fields},
        "say": say,
        "words": model.sentence.words,
        "presets": [model.settings(settings) for _, settings in presets],
    }
    text = model.sentence.text(model.at({}))
    html_ = page(
        identity(name),
        [[each] for each in panels],
        kind="formula",
        status=html.escape(text),
        form=controls(
            fields,
            presets=[label for label, _ in presets],
            play=None if play is None else model.names[play],
        ),
        scripts=[shared("core.js"), call(spec, script)],
    )
    image = png([[each] for each in panels])
    return Formula(text or alt, html_, image, model.points, model.numbers)


class Model:
    """What the sliders move: the marks of all plots and the sentence."""

    def __init__(self, sliders: Mapping[sympy.Symbol, Slider], plots_: Mapping, sentence):
        self.controls = {symbol: slider.control(symbol) for symbol, slider in sliders.items()}
        self.names: Names = {symbol: control.name for symbol, control in self.controls.items()}
        if len(set(self.names.values())) < len(self.names):
            raise ValueError(f"two sliders have one name: {sorted(self.names.values())}")
        self.sentence = sentence
        self.handles = {key: plot.handle(self.names) for key, plot in plots_.items() if plot.drag}
        self.marks: dict[str, Mark] = {
            f"{key}{k}": plot.complete(mark)
            for key, plot in plots_.items()
            for k, mark in enumerate(plot.marks)
        }
        for mark in self.marks.values():
            foreign = mark.symbols() - set(self.names)
            if foreign:
                raise ValueError(f"no slider gives {', '.join(sorted(map(str, foreign)))} a value")

    def at(self, values: Mapping[str, float]) -> dict[sympy.Symbol, float]:
        """The value of each symbol, its first unless another is given by name."""
        unknown = set(values) - set(self.names.values())
        if unknown:
            known = ", ".join(sorted(self.names.values()))
            raise TypeError(f"no slider {', '.join(sorted(unknown))}; there are {known}")
        return {
            symbol: float(values.get(control.name, control.first))
            for symbol, control in self.controls.items()
        }

    def points(self, **values: float) -> dict[str, np.ndarray]:
        return {key: mark.points(self.at(values)) for key, mark in self.marks.items()}

    def numbers(self, **values: float) -> dict[str, float]:
        return self.sentence.numbers(self.at(values))

    def settings(self, given: Mapping) -> dict[str, float]:
        """A preset by the names of the sliders."""
        by_name = {}
        for key, value in given.items():
            name = key if isinstance(key, str) else self.names.get(key, "")
            if name not in self.names.values():
                raise ValueError(f"a preset sets {key}, which has no slider")
            by_name[name] = float(value)
        return by_name

    def javascript(self) -> str:
        """The same for the page: from the values of the sliders to points and numbers."""
        functions = {k: f for mark in self.marks.values() for k, f in mark.functions().items()}
        sources = [rule_source(function) for function in functions.values()]
        layers = [f"{key}: {mark.javascript(self.names)}" for key, mark in self.marks.items()]
        for key, names in self.handles.items():
            layers += [f'"{key}-{part}": [[{", ".join(names)}]]' for part in ("edge", "disk")]
        said = self.sentence.expressions.items()
        numbers = ", ".join(f"{name}: {source(each, self.names)}" for name, each in said)
        lines = [
            "({spread, whole, total, repeat, run}) => {",
            *sources,
            f"return ({{{', '.join(self.names.values())}}}) => ({{layers: {{",
            ",\n".join(layers) + "},",
            f"numbers: {{{numbers}}}}});",
            "}",
        ]
        return "\n".join(lines)


def panel(key: str, plot: Plot, model: Model, alt: str) -> Panel:
    """The panel of a plot, its marks where they are at first."""
    drawn = {name: points for name, points in model.points().items() if name[0] == key}
    heights = np.concatenate([np.zeros(0), *(points[:, 1] for points in drawn.values())])
    x, y = plot.axis("x", heights), plot.axis("y", heights)
    floor = 10**y.ticks.low if y.log else y.ticks.low
    colours = itertools.cycle(plots.CYCLE)
    layers = []
    for name, points in drawn.items():
        mark = model.marks[name]
        colour = colour_of(mark.colour)
        if colour is None:
            colour = next(colours) if mark.symbols() else plots.GREY
        layers.append(mark.layer(name, points, colour, floor))
    handle = model.handles.get(key)
    if handle:
        first = model.at({})
        layers += ring(key, np.array([[first[plot.x_symbol], first[plot.y_symbol]]]))
    labels = ", ".join(mark.label for mark in plot.marks if mark.label)
    alt = plot.alt or alt or f"{labels or y.label or 'A curve'} against {x.label}."

    def background(ax: Axes) -> None:
        for each in plot.maps:
            each.draw(ax, plot.x_symbol, plot.y_symbol, x, y)
        for at_x, at_y, text in plot.notes:
            place_x, place_y = float(x.place(at_x)), float(y.place(at_y))
            ax.text(place_x, place_y, text, fontsize=9.5, ha="center", va="center", zorder=2)

    return Panel(key, x, y, tuple(layers), alt, height=plot.height, background=background,
                 handle=handle, handle_label=f"{x.label} and {y.label}")  # fmt: skip


def colour_of(colour: Any) -> str | None:
    """A colour given as one or as a rule."""
    if colour is None or (isinstance(colour, str) and colour.startswith("#")):
        return colour
    return plots.style(colour)["color"]


class Sentence:
    """A template with numbers and words in it."""

    SLOT = re.compile(r"\{(\w+)(?::([^}]*))?\}")

    def __init__(self, template: str, numbers: Mapping[str, Any], symbols: list[sympy.Symbol]):
        self.template, self.symbols = template, symbols
        self.words: dict[str, list[str]] = {}
        self.expressions: dict[str, sympy.Expr] = {}
        for name, value in numbers.items():
            if isinstance(value, list):
                self.words[name] = [text for text, _ in value]
                value = sympy.Piecewise(*((k, condition) for k, (_, condition) in enumerate(value)))
            self.expressions[name] = sympy.sympify(value)
        self.functions = {name: function_of(e, symbols) for name, e in self.expressions.items()}
        known = {*map(code_name, symbols), *self.expressions}
        unknown = {slot for slot, _ in self.SLOT.findall(template)} - known
        if unknown:
            raise ValueError(f"{template!r} asks for {sorted(unknown)}; there are {sorted(known)}")

    def numbers(self, values: Mapping[sympy.Symbol, float]) -> dict[str, float]:
        given = [values[symbol] for symbol in self.symbols]
        return {name: float(f(*given)) for name, f in self.functions.items()}

    def text(self, values: Mapping[sympy.Symbol, float]) -> str:
        numbers = {code_name(symbol): value for symbol, value in values.items()}
        numbers |= self.numbers(values)

        def fill(match):
            name, form_ = match.groups()
            if name in self.words:
                return self.words[name][int(numbers[name])]
            if form_ == "%":
                return f"{number(100 * numbers[name], 3)} %"
            return number(numbers[name], int(form_ or 4))

        return self.SLOT.sub(fill, self.template)
