"""The laboratory: the path of a rule on a surface, its loss and its state, beside another's."""

import html
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gdref import catalogue
from gdref._checks import name_of
from gdref._inputs import form
from gdref.book import plots
from gdref.book.expressions import shown_name
from gdref.book.javascript import rule_source, surface_source
from gdref.book.movable.numbers import (
    DECAYS,
    Ticks,
    counts,
    decades,
    linear,
    log_choices,
    nice,
    number,
    round_choices,
)
from gdref.book.movable.page import (
    Control,
    Shown,
    call,
    controls,
    identity,
    key,
    page,
    shared,
    slider,
    variable,
    version,
)
from gdref.book.movable.panels import Axis, Layer, Panel, png, ring
from gdref.book.movable.runs import (
    Run,
    best_rate,
    compute,
    cut,
    drawn_path,
    offered,
    rate_of,
    settings_of,
)


@dataclass(frozen=True, repr=False)
class Movable(Shown):
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
    presets: Iterable[tuple[str, Mapping]] = (),
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
        its hyperparameters.  A rule whose rate is not given has its best on this surface
        (:func:`gdref.book.movable.runs.best_rate`); another hyperparameter has the value that
        ``rule`` is called with, and the default otherwise.  By default those that
        :mod:`gdref.catalogue` offers.
    versus
        the rule compared with at first; what ``compare`` does not give it, the rate too, it has
        from ``rule``.
    show
        the state variable shown at first, by its name in the code; ``"step"`` for the last step.
    choices
        by name of a hyperparameter, the values the reader can choose from; by default round
        values around the one given.  A hyperparameter with one value has no slider.
    examples
        surfaces whose gradients are used in turn, one a step, in place of the surface's own:
        stochastic descent in a fixed order.
    presets
        ``(label, settings)``: buttons for what to try.  ``settings`` may have hyperparameters of
        the rule by name, those of another as ``"adam.beta1"``, ``steps``, ``start``, ``versus``
        and ``show``; whatever it leaves out is as at first.
    name
        identifies the figure on its page; needed only for two figures of one rule and surface.
    **hyperparameters
        the values at first; the rule's defaults otherwise.
    """
    x, y = map(float, surface.start if start is None else start)
    parts = [surface] if examples is None else list(examples)
    rules = {name_of(rule): rule}
    values = {name_of(rule): settings_of(rule, hyperparameters)}
    others = list(offered() if compare is None else compare)
    others += [] if versus is None else [versus]
    for other in others:
        if name_of(other) not in rules:
            own = compare.get(other, {}) if isinstance(compare, Mapping) else {}
            rules[name_of(other)] = other
            alike = {key: v for key, v in hyperparameters.items() if key in form(other)[2]} | own
            if other is versus or rate_of(other) in own:
                values[name_of(other)] = settings_of(other, alike)
            else:
                values[name_of(other)] = best_rate(other, surface, parts, (x, y), steps, alike)
    given = {key: [float(v) for v in offered] for key, offered in (choices or {}).items()}
    unknown = set(given) - {key for settings in values.values() for key in settings}
    if unknown:
        raise TypeError(f"choices for {sorted(unknown)}: no rule of the figure has these")

    at_first = [name_of(rule)] + ([] if versus is None else [name_of(versus)])
    runs = tuple(
        compute(rules[each], surface, parts, (x, y), steps, values[each]) for each in at_first
    )
    quantity = ["step", *runs[0].state].index(show) if show else min(1, len(runs[0].state))
    least = None if surface.minimum is None else float(surface.loss(np.array(surface.minimum)))
    sliders = {each: hyperparameter_sliders(each, values[each], given) for each in rules}
    most = max(steps, max_steps)
    always = [
        Control("steps", "steps t", tuple(map(float, range(most + 1))), float(steps)),
        *sliders[name_of(rule)],
        *start_sliders(surface.window, (x, y)),
    ]
    every = [
        *always,
        *(c for each, group in sliders.items() if each != name_of(rule) for c in group),
    ]
    presets = list(presets)
    spec = {
        "panels": {},
        "layers": [],
        "choices": {control.name: control.choices for control in every},
        "labels": {control.name: control.label for control in every},
        "presets": [
            preset_settings(settings, name_of(rule), rules, every, runs[0].state)
            for _, settings in presets
        ],
        "rule": name_of(rule),
        "window": surface.window,
        "minimum": least,
        "values": values,
        "initial": {each: form(function)[1] for each, function in rules.items()},
        "quantities": {each: quantities(form(function)[0]) for each, function in rules.items()},
        "names": {each: label_of(each) for each in rules},
        "colours": {each: variable(colour_of(each)) for each in rules},
        "symbols": {key: symbol_of(key) for settings in values.values() for key in settings},
    }
    columns = laboratory_panels(surface, runs, quantity, least, alt)
    for panel in (p for column in columns for p in column):
        spec["panels"][panel.name] = panel.spec()
        spec["layers"] += panel.layer_specs()
    chosen, groups = choice_fields(spec, at_first, quantity, sliders)
    own = identity(name or f"{name_of(rule)}-{surface.name}")
    text = [sentence(run, surface.window) for run in runs]
    keys = [key(colour_of(run.rule), "dashed" if i else "solid") for i, run in enumerate(runs)]
    html_ = page(
        own,
        columns,
        kind="laboratory",
        status="<br>".join(k + html.escape(line) for k, line in zip(keys, text, strict=True)),
        form=controls(
            always,
            presets=[label for label, _ in presets],
            play="steps",
            play_to="here",
            chosen=chosen,
            more=groups,
        ),
        after=numbers_table(runs),
        scripts=[
            shared("core.js"),
            shared("laboratory.js"),
            call(spec, model_source(rules, surface, parts)),
        ],
    )
    return Movable(runs, "\n".join(text), html_, png(columns))


# ---- what the reader can choose


def hyperparameter_sliders(rule: str, settings: Mapping, given: Mapping) -> list[Control]:
    """A slider for each hyperparameter with more than one value to choose."""
    found = []
    for name, value in settings.items():
        if name in given:
            offered = given[name]
        elif catalogue.kind(name) == "decay":
            offered = DECAYS
        elif name == "multiplier" or value == 0:
            continue
        elif name == "eps":
            offered = log_choices(value / 1e4, value * 1e4, "1 3")
        else:
            offered = log_choices(value / 50, value * 50)
        values = tuple(sorted({value, *map(float, offered)}))
        if len(values) > 1:
            found.append(Control(f"{rule}.{name}", symbol_of(name), values, value))
    return found


def start_sliders(window, start) -> list[Control]:
    found = []
    for i, (axis, label) in enumerate([("x", "start θ₁"), ("y", "start θ₂")]):
        low, high = window[2 * i : 2 * i + 2]
        offered = round_choices(low, high, "linear", 200)
        values = tuple(sorted({*offered, start[i]}))
        found.append(Control(f"start.{axis}", label, values, start[i]))
    return found


def preset_settings(settings, main: str, rules, every, state) -> dict[str, Any]:
    """A preset by the names of the controls."""
    names = {control.name for control in every}
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if name == "start":
            found |= {"start.x": float(value[0]), "start.y": float(value[1])}
        elif name == "versus":
            other = name_of(value) if callable(value) else value or ""
            if other not in {"", *rules}:
                raise ValueError(f"a preset compares with {other}, which is not in `compare`")
            found["versus"] = other
        elif name == "show":
            found["quantity"] = f"{main}.{['step', *state].index(value)}"
        else:
            control = name if name in names else f"{main}.{name}"
            if control not in names:
                raise ValueError(f"a preset sets {name}, which has no slider")
            found[control] = float(value)
    return found


def choice_fields(spec: Mapping, at_first, quantity: int, sliders) -> tuple[str, str]:
    """What to compare with and what the lower plot shows; the sliders of the rules compared."""
    compared, shown, groups = [], [], []
    for rule, label in spec["names"].items():
        main, hidden = rule == spec["rule"], "" if rule in at_first else " hidden disabled"
        options = [
            f'<option value="{rule}.{k}"{" selected" * (main and k == quantity)}>{symbol}</option>'
            for k, symbol in enumerate(spec["quantities"][rule])
        ]
        listed = "".join([*options[1:], options[0]])
        shown.append(f'<optgroup label="{label}" data-rule="{rule}"{hidden}>{listed}</optgroup>')
        if not main:
            selected = " selected" * (rule in at_first)
            compared.append(f'<option value="{rule}"{selected}>{label}</option>')
            groups.append(
                f'<fieldset data-rule="{rule}"{hidden}><legend>{label}</legend>'
                f'<div class="gdref-sliders">{"".join(map(slider, sliders[rule]))}</div></fieldset>'
            )
    return (
        '<label>compare with <select name="versus" autocomplete="off">'
        '<option value="">nothing</option><option value="kept">this path, kept</option>'
        f"{''.join(compared)}</select></label>\n"
        '<label>lower plot <select name="quantity" autocomplete="off">'
        f"{''.join(shown)}</select></label>\n",
        "".join(groups),
    )


def quantities(state: Iterable[str]) -> list[str]:
    """What the lower plot can show: the step, then the state."""
    return ["Δθ", *(symbol_of(name) for name in state)]


def symbol_of(name: str) -> str:
    return shown_name(name)


def label_of(name: str) -> str:
    return plots.LABELS.get(name, name.replace("_", " "))


def colour_of(name: str) -> str:
    return plots.COLOURS.get(name, plots.CYCLE[0])


# ---- the drawing


def laboratory_panels(surface, runs, quantity: int, least: float | None, alt: str):
    """The plane with the paths; beside it the losses above the state."""
    window, steps = surface.window, len(runs[0].path) - 1
    shown = list(zip([runs[0], *runs[1:]], ["", "-versus"], strict=False))
    if len(shown) == 1:
        shown.append((None, "-versus"))
    plane, loss = [], []
    above = np.concatenate([run.losses for run in runs]) - (least or 0.0)
    for run, suffix in reversed(shown):
        nothing = np.empty((0, 2))
        path, end, gone = (nothing,) * 3 if run is None else drawn_path(run.path, window)
        heights = nothing if run is None else np.stack([np.arange(steps + 1), run.losses], axis=1)
        colour = plots.INK if run is None else colour_of(run.rule)
        style = "dashed" if suffix else "solid"
        plane += [
            Layer("path" + suffix, path, "line", colour, 1.3, style),
            Layer("dots" + suffix, path, "dots", colour, 3.0, order=3),
            Layer("end" + suffix, end, "dots", colour, 7.0, order=3),
            Layer("cut" + suffix, gone, "cross", colour, 2.0, order=3),
        ]
        loss.append(
            Layer("losses" + suffix, heights - [0, least or 0.0], "line", colour, 1.6, style)
        )
    plane += ring("plane", runs[0].path[:1])
    x, y = (
        Axis(Ticks(low, high, nice(low, high)), label)
        for low, high, label in ((*window[:2], "θ₁"), (*window[2:], "θ₂"))
    )
    time = Axis(counts(steps), "step t")
    offset = f" {'−' if least > 0 else '+'} {number(abs(least))}" if least else ""
    height = Axis(linear(above, 1e3 * max(1.0, abs(above[0]))) if least is None else decades(above),
                  f"J(θ){offset}", least is not None)  # fmt: skip
    run = runs[0]
    values = np.vstack([np.full(2, np.nan), np.diff(run.path, axis=0)])
    if quantity:
        values = list(run.state.values())[quantity - 1]
    values = values[: cut(run.path, window)]
    state = [
        Layer(f"state-{i + 1}", np.stack([np.arange(len(values)), values[:, i]], axis=1),
              ("line", "dots")[i], colour_of(run.rule), (1.6, 3.0)[i])
        for i in (0, 1)
    ]  # fmt: skip
    title = f"{quantities(run.state)[quantity]} of {label_of(run.rule)}: θ₁ line, θ₂ dots"
    finite = values[~np.isnan(values)]
    return [
        [Panel("plane", x, y, tuple(plane), alt, height=3.5, handle=("start.x", "start.y"),
               handle_label="start", background=lambda ax: plots.level_lines(ax, surface))],
        [Panel("loss", time, height, tuple(loss), "The loss at each step.", height=1.75),
         Panel("state", time, Axis(linear(finite)), tuple(state), "The state at each step.", title,
               1.75)],
    ]  # fmt: skip


# ---- words, numbers and the script


def sentence(run: Run, window: tuple[float, float, float, float]) -> str:
    """Where a run ends, in words."""
    steps, n = len(run.path) - 1, cut(run.path, window)
    if n <= steps:
        return f"{label_of(run.rule)}: diverges; cut at step {n}"
    theta = ", ".join(number(x) for x in run.path[-1])
    x, y = run.path[-1]
    inside = window[0] <= x <= window[1] and window[2] <= y <= window[3]
    return f"{label_of(run.rule)} at t = {steps}: θ = ({theta}), J = {number(run.losses[-1])}" + (
        "" if inside else ", outside the plot"
    )


def numbers_table(runs: Iterable[Run]) -> str:
    return f"""<details class="gdref-numbers"><summary>The numbers</summary>
<div class="gdref-table" tabindex="0" role="group" aria-label="The numbers">
{"".join(table(run) for run in runs)}</div>
</details>
"""


def table(run: Run) -> str:
    """The numbers of about twenty steps."""
    columns = {"θ": run.path} | {symbol_of(key): values for key, values in run.state.items()}
    steps = len(run.path) - 1
    every = max(1, -(-steps // 20))
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


def model_source(rules: Mapping, surface: Any, parts: Iterable) -> str:
    """The call of the shared model with the functions made for this figure."""
    functions = ",\n".join(f"{each}: {rule_source(function)}" for each, function in rules.items())
    gradients = ",\n".join(f"({surface_source(part)}).grad" for part in parts)
    return (
        f"tools => gdrefBook.{version('laboratory.js')}.model(tools,\n{{{functions}}},\n"
        f"({surface_source(surface)}).loss,\n[{gradients}])"
    )
