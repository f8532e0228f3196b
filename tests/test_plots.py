"""The book's style: colours that can be told apart, and helpers that return what they draw."""

import base64
import io
import itertools
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from gdref import RULES, adam, catalogue, problems
from gdref.book import plots

# Linear RGB as seen with a colour vision deficiency: Machado, Oliveira & Fernandes 2009.
VISION = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


@pytest.fixture(autouse=True)
def style():
    with plt.rc_context():
        plt.switch_backend("agg")
        plots.use_style()
        yield
        plt.close("all")


def linear_rgb(colour):
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def cielab(rgb):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = xyz @ rgb / np.array([0.9505, 1.0, 1.089])
    x, y, z = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def seen(colour):
    """The colour in CIELAB, as each kind of vision sees it."""
    rgb = linear_rgb(colour)
    return [cielab(np.clip(np.array(matrix) @ rgb, 0, 1)) for matrix in VISION.values()]


def alike(a, b):
    return any(np.linalg.norm(x - y) <= 15 for x, y in zip(seen(a), seen(b), strict=True))


def contrast(a, b):
    bright, dim = sorted(linear_rgb(c) @ [0.2126, 0.7152, 0.0722] + 0.05 for c in (a, b))[::-1]
    return bright / dim


def free_colours(taken, grounds=("#ffffff",), count=3):
    """Colours that a new rule could have, for the message."""
    grid = (f"#{r}{r}{g}{g}{b}{b}" for r, g, b in itertools.product("02468ace", repeat=3))
    shown = (c for c in grid if all(contrast(c, ground) >= 3 for ground in grounds))
    return list(itertools.islice((c for c in shown if not any(alike(c, u) for u in taken)), count))


def seen_together():
    """The pairs of rules that only their colours tell apart."""
    for a, b in itertools.combinations(catalogue.RULES, 2):
        one, other = catalogue.RULES[a], catalogue.RULES[b]
        if one.offered and other.offered or one.line == other.line:
            yield a, b


def test_the_colours_of_the_rules_stay_apart():
    wrong = [(a, b) for a, b in seen_together() if alike(plots.COLOURS[a], plots.COLOURS[b])]
    assert not wrong, f"{wrong}; free are {free_colours(plots.COLOURS.values())}"


def test_the_colours_of_the_rules_show_on_white():
    wrong = [name for name, colour in plots.COLOURS.items() if contrast(colour, "#ffffff") < 3]
    assert not wrong, f"{wrong}; free are {free_colours(plots.COLOURS.values())}"


def test_each_colour_has_one_for_a_dark_page():
    known = {*plots.COLOURS.values(), *plots.CYCLE, *plots.TINTS, *plots.WARM, *plots.RELIEF}
    assert known | {plots.INK, plots.GREY, plots.LINE, "#ffffff"} == set(plots.DARK)
    assert all(re.fullmatch("#[0-9a-f]{6}", c) for pair in plots.DARK.items() for c in pair)


def test_the_colours_of_the_rules_stay_apart_and_show_on_a_dark_page():
    dark = {name: plots.DARK[colour] for name, colour in plots.COLOURS.items()}
    grounds = [plots.DARK["#ffffff"], plots.DARK[plots.TINTS[-1]]]
    wrong = [(a, b) for a, b in seen_together() if alike(dark[a], dark[b])]
    wrong += [(n, ground) for n, c in dark.items() for ground in grounds if contrast(c, ground) < 3]
    assert not wrong, f"{wrong}; free are {free_colours(dark.values(), grounds)}"
    assert all(contrast(plots.DARK[c], grounds[0]) > 3 for c in (plots.INK, plots.GREY))


def test_tints_are_taken_from_the_whole_range():
    assert plots.shades(plots.TINTS, 2) == [plots.TINTS[0], plots.TINTS[-1]]
    assert plots.shades(plots.TINTS, 1) == plots.TINTS[:1]
    assert len(plots.shades(plots.TINTS, 20)) == 20


def test_every_rule_has_its_style():
    assert set(plots.COLOURS) == set(plots.LINES) == set(plots.LABELS) == set(RULES)
    assert plots.style(adam) == plots.style("adam") == {"color": "#e06b4e", "linestyle": "-"}
    with pytest.raises(ValueError, match="no style for 'adm'"):
        plots.style("adm")


def test_levels_follow_the_surface():
    _, _, ravine = plots.surface_grid(problems.ravine())
    spacing = np.sqrt(plots.contour_levels(ravine) - ravine.min())
    np.testing.assert_allclose(np.diff(spacing), spacing[0])
    _, _, rosenbrock = plots.surface_grid(problems.rosenbrock())
    levels = plots.contour_levels(rosenbrock) - rosenbrock.min()
    np.testing.assert_allclose(levels[1:] / levels[:-1], levels[1] / levels[0])


def test_a_path_takes_the_rule_s_style_and_leaves_the_axes():
    figure, ax = plots.subplots()
    assert figure.get_figwidth() == plots.WIDTH
    plots.contour(ax, problems.ravine())
    line = plots.path(ax, [[-4, 1], [30, 9]], adam)
    assert ax.axis() == problems.ravine().window
    assert line.get_color() == plots.COLOURS["adam"] and line.get_label() == "Adam"
    assert plots.path(ax, [[0, 0], [1, 1]], "nag", label="other").get_label() == "other"


def test_losses_are_drawn_from_step_0():
    _, ax = plots.subplots()
    line = plots.losses(ax, [3.0, 2.0, 1.0], adam)
    np.testing.assert_array_equal(line.get_xdata(), [0, 1, 2])
    assert ax.get_yscale() == "log"


def test_a_band_returns_what_it_draws():
    _, ax = plots.subplots()
    samples = np.arange(11.0)[:, None] + np.array([0.0, 100.0])
    samples[0, 0] = np.nan
    low, median, high = plots.band(ax, [0, 1], samples, adam)
    np.testing.assert_allclose(median, [5.5, 105])
    np.testing.assert_allclose([low[1], high[1]], [101, 109])
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), median)


def test_a_picture_is_drawn_for_a_desk_and_for_a_phone():
    widths = []

    def draw(figure):
        widths.append(figure.get_figwidth())
        left, right = plots.panels(figure, 2, height=2.0)
        below = left.get_position().y0 > right.get_position().y0
        assert below == plots.is_narrow(figure)
        plots.losses(left, [3.0, 2.0], adam)
        plots.legend(left)

    data, metadata = plots.picture(draw, height=3.0)._repr_mimebundle_()
    assert widths == [plots.WIDTH, plots.NARROW]
    stored = data["image/png"], metadata["image/png"]["narrow"]
    wide, narrow = (Image.open(io.BytesIO(base64.b64decode(png))) for png in stored)
    assert wide.size == (7 * 150, 3 * 150)
    assert narrow.size == (round(3.4 * 220), 4 * 220)  # two panels of two inches
    assert wide.mode == narrow.mode == "P"


def test_a_sign_that_the_typeface_lacks_comes_from_another(recwarn):
    plots.picture(lambda figure: figure.subplots().set_title("β₁, 10⁻⁸, v̂ₜ, ★"))
    assert not list(recwarn)
