"""Marks: functions from the values of the sliders to points, in NumPy and in JavaScript.

A mark stands once, as a SymPy expression or as a rule of gdref.  Here it is evaluated; the page
evaluates JavaScript made from the same expression.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
from matplotlib.axes import Axes

from gdref._checks import name_of
from gdref._inputs import form
from gdref.book import plots
from gdref.book.expressions import code_name, function_of
from gdref.book.javascript import source
from gdref.book.movable.numbers import number, spread
from gdref.book.movable.panels import KINDS, Axis, Layer
from gdref.loop import iterate_state

Names = Mapping[sympy.Symbol, str]
SAMPLES = 201  # points of a curve
WHOLE = 300  # a curve over a longer range of whole numbers leaves some out


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How a mark is drawn.

    ``kind`` is line, dots, bars or area; ``style`` is solid, dashed or dotted; ``colour`` is a
    hex colour or a rule; ``base`` is where bars and areas begin.
    """

    label: str | None = None
    colour: Any = None
    kind: str | None = None
    style: str = "solid"
    width: float | None = None
    base: float = 0.0

    default_kind = "line"

    def symbols(self) -> set[sympy.Symbol]:
        """The symbols whose values move the mark."""
        raise NotImplementedError

    def points(self, values: Mapping[sympy.Symbol, float]) -> np.ndarray:
        """The points, of shape (n, 2), at these values."""
        raise NotImplementedError

    def javascript(self, names: Names) -> str:
        """The same as a JavaScript expression."""
        raise NotImplementedError

    def functions(self) -> dict[str, Callable]:
        """The rules that the JavaScript calls, by name."""
        return {}

    def layer(self, name: str, points: np.ndarray, colour: str, floor: float) -> Layer:
        """What is drawn; ``floor`` is the low end of the y axis."""
        kind = self.kind or self.default_kind
        if kind not in KINDS:
            raise ValueError(f"kind is {kind!r}; it must be one of {', '.join(KINDS)}")
        width = {"line": 1.6, "run": 1.6, "dots": 5.0, "bars": 3.0, "area": 0.0, "cross": 2.0}[kind]
        base = max(floor, self.base) if kind in ("bars", "area") else 0.0
        opacity, order = (0.25, 1.5) if kind == "area" else (1.0, 2.5)
        return Layer(name, points, kind, colour, self.width or width, self.style, base, opacity,
                     self.label, order)  # fmt: skip


@dataclass(frozen=True)
class Curve(Mark):
    """The graph of an expression, or of a pair of them, over a range of one symbol.

    Attributes
    ----------
    y
        an expression in the symbol of the x axis and those of the sliders; or a pair (x, y).
    over
        ``(symbol, low, high)``; by default the x axis.  The ends may be expressions.  Over an
        integer symbol the curve has a point at each whole number.
    repeat
        how often the expression is applied, an expression too: y(y(...y(x))).
    """

    y: Any
    over: Any = None
    repeat: Any = None
    log: bool = False

    def pair(self) -> tuple[sympy.Expr, sympy.Expr]:
        x, y = self.y if isinstance(self.y, tuple) else (self.variable, self.y)
        return sympy.sympify(x), sympy.sympify(y)

    @property
    def variable(self) -> sympy.Symbol:
        return self.range[0]

    @property
    def range(self) -> tuple:
        assert self.over is not None  # the plot has given it
        return self.over

    def symbols(self):
        parts = [*self.pair(), *map(sympy.sympify, self.range[1:]), sympy.sympify(self.repeat or 1)]
        return set().union(*(part.free_symbols for part in parts)) - {self.variable}

    def points(self, values):
        known = list(values)
        numbers = [values[symbol] for symbol in known]
        low, high = (float(function_of(end, known)(*numbers)) for end in self.range[1:])
        if self.variable.is_integer and high - low < WHOLE:
            xs = spread(low, high, int(high - low) + 1)
        else:
            xs = spread(low, high, SAMPLES, self.log)
            xs = np.floor(xs + 0.5) if self.variable.is_integer else xs
        x, y = (function_of(part, [self.variable, *known]) for part in self.pair())
        ys = xs
        if self.repeat is None:
            ys = y(xs, *numbers)
        else:
            for _ in range(int(function_of(self.repeat, known)(*numbers))):
                ys = y(ys, *numbers)
        return np.stack([x(xs, *numbers), ys], axis=1)

    def javascript(self, names):
        low, high = (source(end, names) for end in self.range[1:])
        variable = code_name(self.variable)
        inner = {**names, self.variable: variable}
        xs = f"spread({low}, {high}, {SAMPLES}, {str(self.log).lower()})"
        if self.variable.is_integer:
            xs = f"whole({low}, {high}, {str(self.log).lower()})"
        x, y = (source(part, inner) for part in self.pair())
        if self.repeat is not None:
            y = f"repeat({source(self.repeat, names)}, {variable}, {variable} => {y})"
        return f"{xs}.map({variable} => [{x}, {y}])"


@dataclass(frozen=True)
class Points(Mark):
    """Points given as pairs of expressions; ``kind="bars"`` makes a vertical line of each."""

    pairs: Sequence[tuple]
    default_kind = "dots"

    def symbols(self):
        return set().union(*(sympy.sympify(e).free_symbols for pair in self.pairs for e in pair))

    def points(self, values):
        known, numbers = list(values), list(values.values())
        rows = [[function_of(e, known)(*numbers) for e in pair] for pair in self.pairs]
        return np.array(rows, dtype=float).reshape(-1, 2)

    def javascript(self, names):
        rows = (f"[{source(x, names)}, {source(y, names)}]" for x, y in self.pairs)
        return f"[{', '.join(rows)}]"


@dataclass(frozen=True)
class Run(Mark):
    """A run of a rule of gdref on a loss of one variable, given as an expression.

    Attributes
    ----------
    rule
        any rule of the gdref form.
    loss
        an expression in ``variable`` and the symbols of the sliders; SymPy differentiates it.
    start, steps
        expressions; the x axis is the step t = 0, 1, ..., steps.
    settings
        by name of a hyperparameter, an expression; the rule's default otherwise.
    show
        what is drawn: "theta", a state variable, or a pair of these, the second over the first.

    A run that is gone for good is cut, with a cross.
    """

    rule: Callable
    loss: Any
    variable: sympy.Symbol
    start: Any = 1.0
    steps: Any = 50
    settings: Mapping[str, Any] = field(default_factory=dict)
    show: str | tuple[str, str] = "theta"
    default_kind = "run"

    def parts(self):
        _, _, known = form(self.rule)
        unknown = set(self.settings) - set(known)
        if unknown:
            raise TypeError(f"{name_of(self.rule)} has no {', '.join(sorted(unknown))}")
        return {"start": self.start, "steps": self.steps, **known, **self.settings}

    def slope(self) -> sympy.Expr:
        return sympy.diff(self.loss, self.variable)

    def symbols(self):
        parts = [*map(sympy.sympify, self.parts().values()), sympy.sympify(self.loss)]
        return set().union(*(part.free_symbols for part in parts)) - {self.variable}

    def points(self, values):
        known, numbers = list(values), list(values.values())
        now: dict[str, Any] = {
            key: float(function_of(e, known)(*numbers)) for key, e in self.parts().items()
        }
        slope = function_of(self.slope(), [self.variable, *known])
        start, steps = np.array([now.pop("start")]), int(now.pop("steps"))
        with np.errstate(all="ignore"):
            states = iterate_state(self.rule, lambda theta: slope(theta, *numbers), start, **now)
            history = [[float(np.asarray(part).flat[0]) for part in state]
                       for state in itertools.islice(states, steps + 1)]  # fmt: skip
        columns = dict(zip(["theta", *form(self.rule)[0]], np.array(history).T, strict=True))
        columns["t"] = np.arange(len(history), dtype=float)
        return np.stack([columns[name] for name in self.drawn()], axis=1)

    def drawn(self) -> tuple[str, str]:
        return ("t", self.show) if isinstance(self.show, str) else self.show

    def javascript(self, names):
        state, initial, known = form(self.rule)
        parts = {key: source(e, names) for key, e in self.parts().items()}
        variable = code_name(self.variable)
        slope = source(self.slope(), {**names, self.variable: variable})
        settings = ", ".join(f"{key}: {parts[key]}" for key in known)
        row = ", ".join(["theta", *state])
        return (
            f"run({name_of(self.rule)}, [[{', '.join([parts['start'], *map(str, initial)])}]], "
            f"[([{variable}]) => [{slope}]], {{{settings}}}, {parts['steps']})"
            f".map(([[{row}]], t) => [{', '.join(self.drawn())}])"
        )

    def functions(self):
        return {name_of(self.rule): self.rule}


@dataclass(frozen=True)
class Map:
    """A filled map of an expression over both axes, with level lines; it does not move.

    Attributes
    ----------
    z
        an expression in the symbols of the two axes.
    levels
        the values at which a line is drawn.
    beyond
        values above this one are tinted in a warm colour, and its line is drawn strongly.
    labels
        whether the lines carry their values.
    """

    z: Any
    levels: Sequence[float]
    beyond: float | None = None
    labels: bool = True
    samples: int = 161

    def draw(self, ax: Axes, x: sympy.Symbol, y: sympy.Symbol, panel_x: Axis, panel_y: Axis):
        def grid(axis):
            low, high, _ = axis.ticks
            drawn = np.linspace(low, high, self.samples)
            return drawn, 10**drawn if axis.log else drawn

        (x_drawn, xs), (y_drawn, ys) = grid(panel_x), grid(panel_y)
        z = function_of(self.z, [x, y])(*np.meshgrid(xs, ys))
        split = math.inf if self.beyond is None else self.beyond
        levels = sorted({*map(float, self.levels)} | ({split} - {math.inf}))
        below = [level for level in levels if level <= split]
        tints = plots.shades(plots.TINTS, len(below) + (split == math.inf))
        tints += plots.shades(plots.WARM, len(levels) - len(below) + 1) if split < math.inf else []
        z = np.clip(np.nan_to_num(z, nan=levels[-1] + 1), levels[0] - 1, levels[-1] + 1)
        ends = [levels[0] - 2, *levels, levels[-1] + 2]
        ax.contourf(x_drawn, y_drawn, z, ends, colors=tints, zorder=0)
        widths = [1.4 if level == split else 0.6 for level in levels]
        colours = [plots.INK if level == split else plots.LINE for level in levels]
        lines = ax.contour(x_drawn, y_drawn, z, levels, colors=colours, linewidths=widths,
                           linestyles="solid", zorder=0.5)  # fmt: skip
        if self.labels:
            ax.clabel(lines, fmt=lambda level: number(level, 3), fontsize=9, colors=plots.INK)


def look(mark: Mark) -> dict[str, Any]:
    return {name: getattr(mark, name) for name in Mark.__dataclass_fields__}
