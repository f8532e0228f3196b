"""A figure that the reader moves: the path of a rule on a surface, its loss, its state.

The figure is Matplotlib's own SVG.  Where scripts run, ``figure.js`` redraws its lines in place,
with the functions that :mod:`gdref.book.javascript` makes from the rules; where none run, in print
and in the PDF, the figure stands as it was drawn here.
"""

import base64
import html
import io
import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.transforms import Bbox, Transform

from gdref import catalogue
from gdref._checks import name_of
from gdref._inputs import check_hyperparameters, form
from gdref.book import plots
from gdref.book.javascript import rule_source, surface_source
from gdref.loop import iterate_state
from gdref.rules import RULES

BEGIN, END = "<!-- movable figure -->", "<!-- end of movable figure -->"

# Round values, close enough to feel continuous.
DECAY_CHOICES = [
    *(0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.82, 0.84, 0.86, 0.88),
    *(0.9, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999),
]
LEADING = "1 1.1 1.2 1.3 1.4 1.5 1.6 1.8 2 2.2 2.5 2.8 3 3.5 4 4.5 5 5.5 6 7 8 9".split()

HALF, HEIGHT = 3.5, 3.6  # inches
DASHED: Any = (0, (3.5, 1.5))
RADII = {"dots": 1.5, "end": 3.5}  # points


@dataclass(frozen=True)
class Run:
    """A run of a rule: ``path`` of shape (steps + 1, 2), ``losses`` and the ``state`` by name."""

    rule: str
    settings: dict[str, float]
    path: np.ndarray
    losses: np.ndarray
    state: dict[str, np.ndarray]


@dataclass(frozen=True)
class Movable:
    """The figure; a notebook shows it.

    Attributes
    ----------
    runs
        the runs that the figure shows before the reader moves anything, one a rule.
    text, html, png
        its three forms.
    """

    runs: tuple[Run, ...]
    text: str
    html: str
    png: bytes

    @property
    def path(self) -> np.ndarray:
        return self.runs[0].path

    @property
    def losses(self) -> np.ndarray:
        return self.runs[0].losses

    @property
    def state(self) -> dict[str, np.ndarray]:
        return self.runs[0].state

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {
            "text/html": self.html,
            "image/png": base64.b64encode(self.png).decode("ascii"),
            "text/plain": self.text,
        }


def movable(
    rule: Callable,
    surface: Any,
    *,
    alt: str,
    steps: int = 50,
    max_steps: int = 200,
    start: tuple[float, float] | None = None,
    compare: Iterable | Mapping | None = None,
    versus: Callable | None = None,
    show: str | None = None,
    choices: Mapping[str, Iterable[float]] | None = None,
    examples: Iterable | None = None,
    name: str | None = None,
    **hyperparameters: float,
) -> Movable:
    """Make the figure of a rule on a surface.

    Parameters
    ----------
    rule
        any rule of the gdref form.
    surface
        a :class:`gdref.problems.Surface`; it is drawn, and its loss is the loss shown.
    alt
        what is seen before the reader moves anything, in one or two sentences.
    steps, max_steps
        the number of steps at first, and the largest that the reader can choose.
    start
        the start at first; by default the surface's.
    compare
        the rules that the reader can compare with: a list of rules, or a mapping from rule to
        its hyperparameters.  A hyperparameter that is not given has the value of ``rule`` if
        ``rule`` is called with it, and the default otherwise.  By default every rule of gdref.
    versus
        the rule compared with at first.
    show
        the state variable shown at first, by its name in the code; ``"step"`` for the last step.
    choices
        by name of a hyperparameter, the values the reader can choose from; by default round
        values around the one given.  A hyperparameter with one value has no slider.
    examples
        surfaces whose gradients are used in turn, one a step, in place of the surface's own:
        stochastic descent in a fixed order.
    name
        identifies the figure on its page; needed only for two figures of one rule and surface.
    **hyperparameters
        the values at first; the rule's defaults otherwise.
    """
    rules = {name_of(rule): rule}
    values = {name_of(rule): settings_of(rule, hyperparameters)}
    others = list(RULES.values() if compare is None else compare)
    others += [] if versus is None else [versus]
    for other in others:
        if name_of(other) not in rules:
            known = form(other)[2]
            given = {key: value for key, value in hyperparameters.items() if key in known}
            given |= compare.get(other, {}) if isinstance(compare, Mapping) else {}
            rules[name_of(other)] = other
            values[name_of(other)] = settings_of(other, given)

    unknown = set(choices or {}) - {key for settings in values.values() for key in settings}
    if unknown:
        raise TypeError(f"choices for {sorted(unknown)}: no rule of the figure has these")

    parts = [surface] if examples is None else list(examples)
    x, y = surface.start if start is None else start
    at_first = [name_of(rule)] + ([] if versus is None else [name_of(versus)])
    runs = tuple(
        compute(rules[each], surface, parts, (float(x), float(y)), steps, values[each])
        for each in at_first
    )
    identity = "gdref-" + slug(name or f"{name_of(rule)}-{surface.name}")
    quantity = ["step", *runs[0].state].index(show) if show else min(1, len(runs[0].state))
    least = None if surface.minimum is None else float(surface.loss(np.array(surface.minimum)))
    figure = {
        "rule": name_of(rule),
        "start": (float(x), float(y)),
        "window": surface.window,
        "minimum": least,
        "values": values,
        "choices": {
            f"{each}.{key}": offered
            for each, settings in values.items()
            for key, value in settings.items()
            if len(offered := offered_choices(key, value, choices or {})) > 1
        },
        "initial": {each: form(function)[1] for each, function in rules.items()},
        "quantities": {each: quantities(form(function)[0]) for each, function in rules.items()},
        "labels": {each: label_of(each) for each in rules},
        "colours": {each: colour_of(each) for each in rules},
        "radii": RADII,
        "symbols": {key: symbol_of(key) for settings in values.values() for key in settings},
    }
    plane, panels, png = drawing(identity, surface, runs, quantity, least)
    sentences = [sentence(run, surface.window) for run in runs]
    form_ = controls(figure, at_first, quantity, steps, max(steps, max_steps))
    script_ = script(figure, rules, surface, parts)
    html_ = page(identity, surface, runs, alt, plane, panels, sentences, form_, script_)
    return Movable(runs, "\n".join(sentences), html_, png)


# ---- the computation


def settings_of(rule: Callable, given: Mapping[str, float]) -> dict[str, float]:
    """Every hyperparameter of a rule with its value, checked."""
    _, _, known = form(rule)
    constants, schedules = check_hyperparameters(rule, known, dict(given), 0.0)
    if schedules:
        raise TypeError(f"{', '.join(schedules)}: the figure takes no schedule, only a number")
    return {key: float(constants.get(key, value)) for key, value in known.items()}


def compute(rule, surface, parts, start, steps, settings) -> Run:
    gradients = (part.grad for part in itertools.cycle(parts))
    with np.errstate(all="ignore"):  # a path may diverge: that is something to look at
        states = iterate_state(rule, gradients, np.array(start), **settings)
        theta, *state = zip(*itertools.islice(states, steps + 1), strict=True)
        path = np.stack(theta)
        losses = np.asarray(surface.loss(path.T))
    names, _, _ = form(rule)
    by_name = {
        key: np.stack([np.broadcast_to(value, (2,)) for value in values]).astype(float)
        for key, values in zip(names, state, strict=True)
    }
    return Run(name_of(rule), settings, path, losses, by_name)


def offered_choices(name: str, value: float, given: Mapping) -> list[float]:
    """The values of a hyperparameter that the reader can choose, the first value among them."""
    if name in given:
        offered = [float(choice) for choice in given[name]]
    elif catalogue.kind(name) == "decay":
        offered = [float(choice) for choice in DECAY_CHOICES]
    elif name == "multiplier" or value == 0:
        offered = []
    else:
        reach, leading = (1e4, ["1", "3"]) if name == "eps" else (50, LEADING)
        low, high = value / reach, value * reach
        exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)))
        offered = [float(f"{lead}e{k}") for k in exponents for lead in leading]
        offered = [choice for choice in offered if low <= choice <= high]
    return sorted({value, *offered})


def quantities(state: Iterable[str]) -> list[str]:
    """What the lower plot can show: the step, then the state."""
    return ["Δθ", *(symbol_of(name) for name in state)]


def symbol_of(name: str) -> str:
    return catalogue.text(name)


def label_of(name: str) -> str:
    return plots.LABELS.get(name, name.replace("_", " "))


def colour_of(name: str) -> str:
    return plots.COLOURS.get(name, plots.CYCLE[0])


# ---- numbers and axes, as figure.js has them


def number(value: float, digits: int = 4) -> str:
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite"
    rounded = float(f"{value:.{digits}g}")
    if rounded and not 1e-3 <= abs(rounded) < 1e5:
        lead, exponent = f"{rounded:.{digits - 1}e}".split("e")
        lead = lead.rstrip("0").rstrip(".") if "." in lead else lead
        return f"{lead}e{int(exponent):+d}".replace("-", "\u2212")
    return (repr(int(rounded)) if rounded == int(rounded) else repr(rounded)).replace("-", "\u2212")


def power(k: float) -> str:
    """Ten to the k, for a tick."""
    return "10" + str(int(k)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def nice(least: float, most: float) -> float:
    """A round distance of ticks, such that at most six intervals hold the range."""
    unit = 10.0 ** math.floor(math.log10((most - least) / 6))
    steps = (k * unit for k in (1, 2, 5, 10, 20))
    return next(s for s in steps if math.ceil(most / s) - math.floor(least / s) <= 6)


def linear(values: np.ndarray, limit: float = 1e12) -> tuple[float, float, float]:
    """Low end, high end and distance of ticks of an axis for 0 and the values below a limit."""
    drawn = values[np.abs(values) < limit]
    low, high = min(0.0, *drawn), max(0.0, *drawn)
    if low == high:
        return 0.0, 1.0, 0.2
    least, most = (end and end + math.copysign(0.02, end) * (high - low) for end in (low, high))
    step = nice(least, most)
    return math.floor(least / step) * step, math.ceil(most / step) * step, step


def decades(values: np.ndarray) -> tuple[int, int, float]:
    """The same for the exponents of ten of the positive values.

    A run that diverges must not press the others flat: the axis ends six decades above the first
    value, and it has at most 16 decades.
    """
    limit = 1e6 * values[0] if values[0] > 0 else 1e300
    drawn = values[(values > 0) & (values < limit)]
    if not drawn.size:
        return -1, 0, 1
    low = math.floor(math.log10(max(drawn.min(), drawn.max() * 1e-16)))
    high = max(math.ceil(math.log10(drawn.max())), low + 1)
    return low, high, max(1, nice(low, high))


def counts(steps: int) -> tuple[int, int, float]:
    """The same for the steps 0, 1, ..., in whole numbers."""
    return 0, max(1, steps), max(1, nice(0, max(1, steps)))


# ---- the drawing


def drawing(identity: str, surface, runs, quantity: int, least: float | None):
    """The two halves as SVG, which the script redraws, and the whole as PNG."""
    with plt.rc_context(plots.STYLE | {"figure.constrained_layout.use": False}):
        figure = Figure(figsize=(2 * HALF, HEIGHT))
        plane, *panels = draw(figure, surface, runs, quantity, least)
        halves = []
        for side, parts in enumerate([[plane], panels]):
            for axes in figure.axes:
                axes.set_visible(axes in parts)
            halves.append(svg(figure, identity, side))
        for axes in figure.axes:
            axes.set_visible(True)
        for artist in figure.findobj(lambda artist: "versus" in (artist.get_gid() or "")):
            artist.set_visible(len(runs) > 1)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    return *halves, buffer.getvalue()


def draw(figure: Figure, surface, runs, quantity: int, least: float | None) -> list[Axes]:
    """Draw the surface with the paths, the losses, the state.  The script finds parts by gid."""

    def axes(name, x, y, width, height):
        ax = figure.add_axes((x / (2 * HALF), y / HEIGHT, width / (2 * HALF), height / HEIGHT))
        ax.patch.set_gid(name)
        ax.xaxis.set_gid(name + "-t")
        ax.yaxis.set_gid(name + "-y")
        return ax

    def scale(axis, set_limits, low, high, step, write):
        ticks = np.arange(math.ceil(low / step), math.floor(high / step + 1e-9) + 1) * step
        axis.set_ticks(ticks, [write(tick) for tick in ticks])
        set_limits(low, high)

    def title(ax, text, **options):
        ax.text(0, 1 + 0.08 / (ax.get_position().height * HEIGHT), text, transform=ax.transAxes,
                fontsize=9, **options)  # fmt: skip

    plane = axes("plane", 0.45, 0.45, HALF - 0.55, HEIGHT - 0.75)
    plots.contour(plane, surface)
    for contours in plane.collections:
        contours.set_paths([simplified(path, plane.transData) for path in contours.get_paths()])
    plane.set(xlabel="θ₁", ylabel="")
    title(plane, "θ₂")
    shown = list(zip([runs[0], runs[-1]], ["", "-versus"], strict=True))[::-1]
    for run, suffix in shown:
        points = run.path[: finite_steps(run.path)]
        colour = colour_of(run.rule)
        line: dict[str, Any] = {"color": colour, "linewidth": 1.3, "zorder": 2.5}
        plane.plot(*points.T, gid="path" + suffix, linestyle=DASHED if suffix else "-", **line)
        dot: dict[str, Any] = {"color": colour, "markeredgewidth": 0, "zorder": 3}
        for name, where in (("dots", points), ("end", points[-1:])):
            plane.plot(*where.T, "o", gid=name + suffix, markersize=2 * RADII[name], **dot)
    ring = {"markersize": 8, "markeredgecolor": plots.INK, "markeredgewidth": 1.4}
    plane.plot(*runs[0].path[0], "o", gid="start", color="white", zorder=4, **ring)

    panel = (HEIGHT - 1.3) / 2
    loss = axes("loss", 0.55, HEIGHT - 0.3 - panel, HALF - 0.75, panel)
    state = axes("state", 0.55, 0.45, HALF - 0.75, panel)
    for ax in (loss, state):
        box = ax.get_position()
        ax.set_position((box.x0 + 0.5, box.y0, box.width, box.height))
    time = counts(len(runs[0].path) - 1)
    above = np.concatenate([run.losses for run in runs]) - (least or 0)
    for run, suffix in shown:
        J = run.losses if least is None else np.log10(np.maximum(run.losses - least, 1e-300))
        dashes = DASHED if suffix else "-"
        loss.plot(J, gid="losses" + suffix, color=colour_of(run.rule), linestyle=dashes)
    scale(loss.xaxis, loss.set_xlim, *time, lambda t: "")
    if least is None:
        limit = 1e3 * max(1.0, abs(above[0]))
        scale(loss.yaxis, loss.set_ylim, *linear(above, limit), number)
    else:
        scale(loss.yaxis, loss.set_ylim, *decades(above), power)
    offset = f" {'−' if least > 0 else '+'} {number(abs(least))}" if least else ""
    title(loss, f"J(θ){offset}")

    run = runs[0]
    values = np.vstack([np.full(2, np.nan), np.diff(run.path, axis=0)])
    if quantity:
        values = list(run.state.values())[quantity - 1]
    for i, dashes in enumerate(["-", DASHED]):
        state.plot(np.arange(len(values))[not quantity :], values[not quantity :, i],
                   gid=f"state-{i + 1}", color=colour_of(run.rule), linestyle=dashes)  # fmt: skip
    scale(state.xaxis, state.set_xlim, *time, number)
    scale(state.yaxis, state.set_ylim, *linear(values.ravel()), number)
    state.set_xlabel("step t")
    shown_quantity = f"{quantities(run.state)[quantity]} of {label_of(run.rule)}"
    title(state, f"{shown_quantity}: θ₁ solid, θ₂ dashed", gid="state-title")
    return [plane, loss, state]


def simplified(path: Path, to_pixels: Transform) -> Path:
    """A contour without the points that a tenth of a pixel does not show."""
    drawn = path.transformed(to_pixels)
    drawn.should_simplify, drawn.simplify_threshold = True, 0.1
    drawn = drawn.cleaned(simplify=True)
    vertices, codes = np.asarray(drawn.vertices), np.asarray(drawn.codes)
    kept = codes != Path.STOP
    return Path(vertices[kept], codes[kept]).transformed(to_pixels.inverted())


def finite_steps(path: np.ndarray) -> int:
    """How many iterates there are before the first that is not finite."""
    bad = ~np.isfinite(path).all(axis=1)
    return int(bad.argmax()) if bad.any() else len(path)


def svg(figure: Figure, identity: str, side: int) -> str:
    """One half of the figure as compact SVG; each id that is left begins with the figure's."""
    buffer = io.StringIO()
    with plt.rc_context({"svg.hashsalt": f"{identity}-{side}"}):
        half = Bbox([[side * HALF, 0], [(side + 1) * HALF, HEIGHT]])
        nothing = dict.fromkeys(["Date", "Creator", "Format", "Type"])
        figure.savefig(buffer, format="svg", bbox_inches=half, metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"-?\d+\.\d{3,}", lambda match: f"{float(match[0]):.1f}", text)
    used = set(re.findall(r"#([\w-]+)", text)) | {artist.get_gid() for artist in figure.findobj()}

    def own(match):
        return f' id="{identity}-{match[1]}"' if match[1] in used else ""

    text = re.sub(r' id="([^"]*)"', own, text)
    text = re.sub(r'(url\(|href=")#', rf"\1#{identity}-", text)
    return re.sub(r"\s*\n\s*", "\n", text).strip()


# ---- the page


def page(identity, surface, runs, alt, plane, panels, sentences, controls, script) -> str:
    """The HTML of the figure."""
    left, right = surface.window[:2]
    return f"""{BEGIN}
<div class="gdref" id="{identity}">
<style>{resource("laboratory.css")}</style>
<div class="gdref-plots">
<div class="gdref-plot">{labelled(plane, alt)}<div class="gdref-start" role="slider" tabindex="0"
aria-label="start; the arrow keys move it" aria-valuemin="{left}" aria-valuemax="{right}"
aria-valuenow="{runs[0].path[0, 0]}" hidden></div></div>
<div class="gdref-plot">{labelled(panels, "The loss, and below it the state, at each step.")}</div>
</div>
<p class="gdref-status" role="status">{"<br>".join(map(html.escape, sentences))}</p>
{controls}
<details><summary>The numbers</summary>
<div class="gdref-table" tabindex="0" role="group" aria-label="The numbers">
{"".join(table(run) for run in runs)}</div>
</details>
<script>
{script}
</script>
</div>
{END}"""


def labelled(svg: str, label: str) -> str:
    return svg.replace("<svg", f'<svg role="img" aria-label="{html.escape(label)}"', 1)


def sentence(run: Run, window: tuple[float, float, float, float]) -> str:
    """Where a run ends, in words."""
    steps = len(run.path) - 1
    if finite_steps(run.path) <= steps:
        return f"{label_of(run.rule)}: diverged; not finite from step {finite_steps(run.path)} on"
    theta = ", ".join(number(x) for x in run.path[-1])
    x, y = run.path[-1]
    inside = window[0] <= x <= window[1] and window[2] <= y <= window[3]
    return f"{label_of(run.rule)} at t = {steps}: θ = ({theta}), J = {number(run.losses[-1])}" + (
        "" if inside else ", outside the plot"
    )


def table(run: Run) -> str:
    """The numbers of about twenty steps."""
    columns = {"θ": run.path} | {symbol_of(key): values for key, values in run.state.items()}
    steps = len(run.path) - 1
    every = max(1, math.ceil(steps / 20))
    rows = [
        (t, run.losses[t], *(values[t, i] for values in columns.values() for i in (0, 1)))
        for t in sorted({*range(0, steps + 1, every), steps})
    ]
    settings = [f"{symbol_of(key)} = {number(value, 10)}" for key, value in run.settings.items()]
    head = "".join(
        f'<th scope="col">{name}</th>'
        for name in ("t", "J", *(f"{name}, {i}" for name in columns for i in (1, 2)))
    )
    body = "".join(
        f'<tr><th scope="row">{t}</th>{"".join(f"<td>{number(x)}</td>" for x in values)}</tr>'
        for t, *values in rows
    )
    return (
        f"<table><caption>{', '.join([label_of(run.rule), *settings])}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def controls(figure: Mapping, at_first, quantity: int, steps: int, max_steps: int) -> str:
    """The form: the steps and the hyperparameters, what to compare with, what to show, reset."""
    groups, quantities, compared = [], [], []
    for rule, label in figure["labels"].items():
        main = rule == figure["rule"]
        sliders = [slider("steps", "steps t", max_steps, steps, str(steps))] if main else []
        for key, value in figure["values"][rule].items():
            offered = figure["choices"].get(f"{rule}.{key}")
            if offered:
                last, position, text = len(offered) - 1, offered.index(value), number(value, 10)
                sliders.append(slider(f"{rule}.{key}", symbol_of(key), last, position, text))
        which = "" if main else f' data-rule="{rule}" hidden'
        groups.append(f"<fieldset{which}><legend>{label}</legend>{''.join(sliders)}</fieldset>")

        options = [
            f'<option value="{rule}.{k}"{" selected" * (main and k == quantity)}>{symbol}</option>'
            for k, symbol in enumerate(figure["quantities"][rule])
        ]
        hidden = "" if rule in at_first else " hidden disabled"
        quantities.append(f'<optgroup label="{label}" data-rule="{rule}"{hidden}>')
        quantities += [*options[1:], options[0], "</optgroup>"]
        if not main:
            compared.append((rule, label, rule in at_first))
    compared = [("", "nothing", len(at_first) == 1), ("kept", "this path, kept", False), *compared]
    radios = "".join(
        f'<label><input type="radio" name="versus" value="{value}" autocomplete="off"'
        f"{' checked' * chosen}>{text}</label>"
        for value, text, chosen in compared
    )
    return f"""<form hidden autocomplete="off">
{"".join(groups)}
<fieldset class="gdref-versus"><legend>compare with</legend>{radios}</fieldset>
<div class="gdref-last">
<label>lower plot <select name="quantity">{"".join(quantities)}</select></label>
<button type="reset">reset</button>
</div>
</form>"""


def slider(name: str, label: str, last: int, position: int, text: str) -> str:
    return (
        f'<label>{label} <span aria-hidden="true">{text}</span><input type="range" '
        f'name="{name}" min="0" max="{last}" value="{position}" autocomplete="off"></label>'
    )


def script(figure: Mapping, rules: Mapping, surface: Any, parts: Iterable) -> str:
    """The shared script, called with the functions made for this figure."""
    functions = ",\n".join(f"{each}: {rule_source(function)}" for each, function in rules.items())
    gradients = ",\n".join(f"({surface_source(part)}).grad" for part in parts)
    numbers = json.dumps(figure, ensure_ascii=False).replace("</", r"<\/")
    return f"""(() => {{
{resource("laboratory.js")}
movable(document.currentScript.parentElement, {numbers},
{{{functions}}},
({surface_source(surface)}).loss,
[{gradients}]);
}})();"""


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def resource(name: str) -> str:
    return files("gdref.book.movable").joinpath(name).read_text(encoding="utf-8").strip()
