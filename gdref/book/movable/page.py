"""The page of a figure: its HTML, its controls, and the three forms that a notebook stores."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from gdref.book.movable.numbers import number
from gdref.book.movable.panels import Layer, Panel, svg, themed, variables

BEGIN, END = "<!-- movable figure -->", "<!-- end of movable figure -->"


class Shown:
    """What a notebook shows: ``html``, ``png`` and ``text``, whichever it can."""

    html: str
    png: bytes
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {
            "text/html": self.html,
            "image/png": base64.b64encode(self.png).decode("ascii"),
            "text/plain": self.text,
        }


@dataclass(frozen=True)
class Control:
    """A slider: a position in a list of values."""

    name: str
    label: str
    choices: tuple[float, ...]
    first: float

    @property
    def position(self) -> int:
        return self.choices.index(self.first)


def page(
    identity: str,
    columns: Sequence[Sequence[Panel]],
    *,
    kind: str,
    status: str,
    form: str,
    scripts: Iterable[str],
    after: str = "",
) -> str:
    """The HTML of a figure; ``kind`` is its class, ``after`` what follows the controls."""
    plots_ = "".join(
        '<div class="gdref-column">'
        + "".join(plot(panel, identity) for panel in column)
        + "</div>\n"
        for column in columns
    )
    return f"""{BEGIN}
<div class="gdref gdref-{kind}" id="{identity}">
<style class="gdref-shared">{style_sheet()}</style>
<div class="gdref-body">
<div class="gdref-plots">
{plots_}</div>
<div class="gdref-side">
<p class="gdref-status" role="status">{status}</p>
{form}
</div>
</div>
{after}{"".join(scripts)}
</div>
{END}"""


def plot(panel: Panel, identity: str) -> str:
    """One panel with its legend and, if it has one, its handle."""
    drawn = svg(panel, identity)
    shape = ' preserveAspectRatio="none"' if panel.bare else ""
    words = f'role="img" aria-label="{html.escape(panel.alt)}"'
    drawn = drawn.replace("<svg", f"<svg {words}{shape}", 1)
    handle = ""
    if panel.handle:
        low, high, _ = panel.x.ticks
        hint = f' data-hint="{panel.hint}"' if panel.hint else ""
        handle = (
            f'<div class="gdref-handle"{hint} role="slider" tabindex="0" data-panel="{panel.name}" '
            f'data-handle="{" ".join(panel.handle)}" aria-label="{handle_label(panel)}" '
            f'aria-valuemin="{low}" aria-valuemax="{high}" aria-valuenow="{low}" hidden></div>'
        )
    return f'{legend(panel.layers)}<div class="gdref-plot">{drawn}{handle}</div>'


def handle_label(panel: Panel) -> str:
    return html.escape(panel.handle_label) + "; the arrow keys move it"


def legend(layers: Iterable[Layer]) -> str:
    entries = "".join(
        f"<li>{key(layer.colour, layer.style, layer.kind)}{html.escape(layer.label)}</li>"
        for layer in layers
        if layer.label
    )
    return f'<ul class="gdref-legend">{entries}</ul>' if entries else ""


def key(colour: str, style: str = "solid", kind: str = "line") -> str:
    look = kind if kind in ("dots", "area", "bars") else style
    return f'<span class="gdref-key gdref-{look}" style="color: {variable(colour)}"></span>'


def variable(colour: str) -> str:
    """A colour as the style sheet has it."""
    return themed(colour)


def controls(
    sliders: Sequence[Control],
    *,
    presets: Iterable[str] = (),
    play: str | None = None,
    play_to: str = "end",
    chosen: str = "",
    more: str = "",
) -> str:
    """The form: three sliders, the rest behind "more", presets, play, reset, the address.

    ``play`` names the slider that the button moves, to its "end" or back to where it is, "here".
    """
    drawn = [slider(control) for control in sliders]
    behind = "".join(drawn[3:])
    if behind or more:
        fields = f'<div class="gdref-sliders">{behind}</div>' if behind else ""
        more = f'<details class="gdref-more"><summary>more</summary>{fields}{more}</details>'
    buttons = "".join(
        f'<button type="button" data-preset="{i}">{html.escape(label)}</button>'
        for i, label in enumerate(presets)
    )
    if buttons:
        buttons = f'<div class="gdref-presets" role="group" aria-label="Try">{buttons}</div>'
    player = (
        f'<button type="button" data-play="{play}" data-to="{play_to}">▶ play</button>'
        if play
        else ""
    )
    return f"""<form hidden autocomplete="off">
<div class="gdref-sliders">{"".join(drawn[:3])}</div>
{buttons}<div class="gdref-last">{player}{chosen}<button type="reset">reset</button>
<a class="gdref-link" href="#">link to this setting</a></div>
{more}</form>"""


def slider(control: Control) -> str:
    label, text = html.escape(control.label), number(control.first, 10)
    return (
        f'<label>{label} <span aria-hidden="true">{text}</span><input type="range" '
        f'name="{control.name}" min="0" max="{len(control.choices) - 1}" '
        f'value="{control.position}" aria-valuetext="{label} = {text}" autocomplete="off"></label>'
    )


# ---- scripts and the style sheet


def resource(name: str) -> str:
    return files("gdref.book.movable").joinpath(name).read_text(encoding="utf-8").strip()


def version(name: str) -> str:
    """A name for what a script does: figures of two versions can share a page."""
    digest = hashlib.sha256(resource(name).encode()).hexdigest()[:8]
    return f"{name.removesuffix('.js')}_{digest}"


def shared(name: str) -> str:
    """A script that is the same for every figure; the browser runs it once a page."""
    code = f"(window.gdrefBook ??= {{}}).{version(name)} ??= (() => {{\n{resource(name)}\n}})();"
    return f'<script class="gdref-shared">\n{code}\n</script>\n'


def call(spec: Mapping, make: str) -> str:
    """The script of one figure: what it is, and the generated functions behind it."""
    numbers = json.dumps(whole(spec), ensure_ascii=False, separators=(",", ":"))
    numbers = numbers.replace("</", r"<\/")
    return (
        "<script>\n"
        f"gdrefBook.{version('core.js')}.figure(document.currentScript.parentElement,\n"
        f"{numbers},\n{make});\n</script>"
    )


def whole(value):
    """The same with 3 for 3.0, as JavaScript writes it."""
    if isinstance(value, Mapping):
        return {key: whole(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def style_sheet() -> str:
    light, dark = variables()
    css = resource("figure.css").replace("/*light*/", light).replace("/*dark*/", dark)
    return re.sub(r"\s*\n\s*", "\n", css)


def once(text: str) -> str:
    """A page with each style sheet and script that its figures share once, the first time."""
    seen = set()

    def first(match):
        if match[0] in seen:
            return ""
        seen.add(match[0])
        return match[0]

    return re.sub(r'(?s)<(style|script) class="gdref-shared">.*?</\1>\n?', first, text)


def identity(name: str) -> str:
    return "gdref-" + re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
