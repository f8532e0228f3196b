"""The landing page: rules that roll down a wide ravine, and small pictures of the chapters."""

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gdref._checks import name_of
from gdref._inputs import form
from gdref.book import plots
from gdref.book.javascript import rule_source, surface_source
from gdref.book.movable.laboratory import colour_of, label_of, start_sliders
from gdref.book.movable.numbers import Ticks, number
from gdref.book.movable.page import (
    BEGIN,
    END,
    Control,
    Shown,
    call,
    identity,
    key,
    page,
    shared,
    slider,
    style_sheet,
    version,
)
from gdref.book.movable.panels import Axis, Layer, Panel, png, ring, svg
from gdref.book.movable.runs import Run, best_rate, compute, drawn_path, offered


@dataclass(frozen=True, repr=False)
class Landing(Shown):
    """The figure; a notebook shows it.  ``runs`` has one run a rule, at its best rate."""

    runs: tuple[Run, ...]
    text: str
    html: str
    png: bytes


def landing(
    surface: Any,
    rules: Sequence[Callable],
    *,
    others: Iterable[Callable] | None = None,
    steps: int = 60,
    settings: Mapping[Callable, Mapping[str, float]] | None = None,
    size: tuple[float, float] = (9.0, 3.2),
    alt: str,
    name: str = "landing",
) -> Landing:
    """Make the figure of the landing page: a surface and rules that run on load.

    Parameters
    ----------
    surface
        a :class:`gdref.problems.Surface`.
    rules
        the rules that run at first.
    others
        the rules that the reader can add; by default those that :mod:`gdref.catalogue` offers.
    steps
        how many steps the rules take, in about four seconds.
    settings
        by rule its hyperparameters; a rule without has its best rate on this surface
        (:func:`gdref.book.movable.runs.best_rate`).
    size
        width and height in inches, which is the shape of the picture.
    alt
        what is seen at the end, in a sentence.
    """
    every = [*rules, *(offered() if others is None else others)]
    by_name = {name_of(rule): rule for rule in every}
    given = {name_of(rule): dict(values) for rule, values in (settings or {}).items()}
    values = {
        each: given.get(each) or best_rate(rule, surface, steps=steps)
        for each, rule in by_name.items()
    }
    active = {name_of(rule) for rule in rules}
    start = (float(surface.start[0]), float(surface.start[1]))
    runs = {
        each: compute(rule, surface, [surface], start, steps, values[each])
        for each, rule in by_name.items()
    }
    land = landscape(surface, runs, active, size, alt)
    sliders = [
        Control("steps", "step", tuple(map(float, range(steps + 1))), float(steps)),
        *start_sliders(surface.window, start),
    ]
    spec = {
        "panels": {"land": land.spec()},
        "layers": land.layer_specs(),
        "choices": {control.name: control.choices for control in sliders},
        "labels": {control.name: control.label for control in sliders},
        "presets": [],
        "living": True,
        "steps": steps,
        "window": surface.window,
        "values": values,
        "initial": {each: form(rule)[1] for each, rule in by_name.items()},
        "names": {each: label_of(each) for each in by_name},
    }
    ends = [
        f"{label_of(each)} {number(run.losses[-1], 2)}"
        for each, run in runs.items()
        if each in active
    ]
    text = f"Step {steps} of {steps}. Loss: {', '.join(ends)}."
    functions = ",\n".join(f"{each}: {rule_source(rule)}" for each, rule in by_name.items())
    ground = surface_source(surface)
    html_ = page(
        identity(name),
        [[land]],
        kind="landing",
        status=html.escape(text),
        form=player(by_name, active, sliders),
        scripts=[
            shared("core.js"),
            shared("landing.js"),
            call(
                spec,
                f"tools => gdrefBook.{version('landing.js')}.model(tools,\n{{{functions}}},\n"
                f"({ground}).loss,\n({ground}).grad)",
            ),
        ],
    )
    return Landing(tuple(runs.values()), text, html_, png([[land]]))


def landscape(surface, runs: Mapping[str, Run], active: set[str], size, alt: str) -> Panel:
    """The surface in colour, and for each rule a path with a light edge, a ball and a cross."""
    layers = []
    for order, (each, run) in enumerate(runs.items()):
        path, end, gone = drawn_path(run.path, surface.window)
        if each not in active:
            path = end = gone = np.empty((0, 2))
        colour, above = colour_of(each), 3 + order / 100
        layers += [
            Layer(f"halo-{each}", path, "line", "#ffffff", 5.0, opacity=0.7, order=2.5),
            Layer(f"path-{each}", path, "line", colour, 2.5, order=above),
            Layer(f"edge-{each}", end, "dots", "#ffffff", 16.0, order=above + 1),
            Layer(f"ball-{each}", end, "dots", colour, 12.0, order=above + 1.001),
            Layer(f"cut-{each}", gone, "cross", colour, 2.5, order=above + 1),
        ]
    start = next(iter(runs.values())).path[:1]
    x, y = (Axis(Ticks(low, high, high - low)) for low, high in
            (surface.window[:2], surface.window[2:]))  # fmt: skip
    return Panel(
        "land", x, y, (*layers, *ring("land", start, 18.0)), alt, height=size[1], width=size[0],
        bare=True, handle=("start.x", "start.y"), handle_label="the ball's start",
        hint="drag me",
        background=lambda ax: plots.level_lines(ax, surface, colours=plots.RELIEF, count=14),
    )  # fmt: skip


def player(rules: Mapping, active: set[str], sliders: Sequence[Control]) -> str:
    """Play, step, again, and a chip for each rule."""
    chips = "".join(
        f'<label><input type="checkbox" name="{each}" autocomplete="off"'
        f"{' checked' * (each in active)}>{key(colour_of(each))}{label_of(each)}</label>"
        for each in rules
    )
    return f"""<form hidden autocomplete="off">
<div class="gdref-last"><button type="button" data-play="steps">▶ play</button>
<button type="button" data-step>step</button><button type="button" data-again>again</button>
<button type="reset">reset</button></div>
<div class="gdref-chips" role="group" aria-label="Rules">{chips}</div>
<div hidden>{"".join(map(slider, sliders))}</div>
</form>"""


# ---- small pictures


@dataclass(frozen=True, repr=False)
class Pictures(Shown):
    """Small pictures that lead somewhere; a notebook shows them."""

    text: str
    html: str
    png: bytes


def thumbnail(
    rule: Callable,
    surface: Any,
    *,
    steps: int = 60,
    settings: Mapping[str, float] | None = None,
    name: str,
) -> tuple[Panel, str]:
    """A rule's path on a surface as a small picture without axes: the panel and its SVG."""
    best = best_rate(rule, surface, steps=steps, given=settings) if settings is None else settings
    run = compute(rule, surface, [surface], surface.start, steps, best)
    path, end, gone = drawn_path(run.path, surface.window)
    colour = colour_of(name_of(rule))
    x, y = (Axis(Ticks(low, high, high - low)) for low, high in
            (surface.window[:2], surface.window[2:]))  # fmt: skip
    layers = (
        Layer("halo", path, "line", "#ffffff", 4.0, opacity=0.7, order=2.5),
        Layer("path", path, "line", colour, 1.8, order=3),
        Layer("end", end, "dots", colour, 6.0, order=4),
        Layer("cut", gone, "cross", colour, 2.0, order=4),
    )
    panel = Panel(
        "thumb", x, y, layers, f"{label_of(name_of(rule))} on {surface.name}", height=1.2,
        width=1.8, bare=True,
        background=lambda ax: plots.level_lines(ax, surface, colours=plots.RELIEF, count=5, n=61),
    )  # fmt: skip
    return panel, svg(panel, identity(name))


def thumbnails(
    entries: Iterable[tuple[str, str, Callable]],
    surface: Any,
    *,
    steps: int = 60,
    settings: Mapping[Callable, Mapping[str, float]] | None = None,
    name: str = "thumbnails",
) -> Pictures:
    """A row of small pictures, each a link: ``entries`` are (label, address, rule)."""
    entries, chosen, panels, items = list(entries), settings or {}, [], []
    for label, address, rule in entries:
        panel, drawn = thumbnail(rule, surface, steps=steps, settings=chosen.get(rule),
                                 name=f"{name}-{name_of(rule)}")  # fmt: skip
        panels.append(panel)
        drawn = drawn.replace("<svg", '<svg aria-hidden="true"', 1)
        items.append(f'<li><a href="{html.escape(address)}">{drawn}{html.escape(label)}</a></li>')
    html_ = (
        f'{BEGIN}\n<div class="gdref"><style class="gdref-shared">{style_sheet()}</style>'
        f'<ul class="gdref-thumbnails">{"".join(items)}</ul></div>\n{END}'
    )
    columns = [panels[i::5] for i in range(min(5, len(panels)))]
    return Pictures(", ".join(label for label, *_ in entries), html_, png(columns))
