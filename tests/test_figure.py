"""The figures that the reader moves, in Chromium: they compute what gdref computes, and they move.

Agreement is relative to the size of the iterate, the larger of its two coordinates: a coordinate
that crosses 0 has no digits of its own.
"""

import atexit
import itertools
import json
import re
import shutil
import subprocess
import warnings
from dataclasses import replace

import numpy as np
import pytest
import sympy

from gdref import RULES, adam, gd, iterate_state, momentum, nag, problems, rmsprop
from gdref._inputs import form
from gdref.book.expressions import largest_modulus
from gdref.book.movable import (
    Curve,
    Map,
    Plot,
    Points,
    Run,
    Slider,
    formula,
    landing,
    movable,
    thumbnails,
)
from gdref.book.movable.page import once
from gdref.book.movable.runs import best_rate, compute, cut
from gdref.rules import by_coordinate
from gdref.symbolic import hyperparameter, t

STEPS = 100
BY_COORDINATE = [rule for rule in RULES.values() if by_coordinate(rule)]
RTOL = 1e-9
STARTS = ("the surface's", (0.3, 0.7))
SETTINGS = {
    "defaults": {},
    "odd": dict(eta=0.0037, gamma=0.63, rho=0.71, beta1=0.57, beta2=0.83, eps=3e-6, lam=0.13,
                multiplier=0.7),
    "fast": dict(eta=0.05, gamma=0.3, rho=0.95, beta1=0.3, beta2=0.95, eps=1e-3, lam=0.0,
                 multiplier=1.0),
    "no memory": dict(eta=0.02, gamma=0.0, rho=0.0, beta1=0.0, beta2=0.0, eps=1e-8, lam=0.0,
                      multiplier=1.0),
}  # fmt: skip


@pytest.fixture
def open_page(browser, tmp_path):
    """Open a page of figures; whatever the page complains about fails the test."""
    complaints, contexts = [], []

    def opened(*figures, width=760, theme="light", scripts=True, address="", **options):
        context = browser.new_context(
            viewport={"width": width, "height": 844}, java_script_enabled=scripts, offline=True,
            **options,
        )  # fmt: skip
        contexts.append(context)
        context.set_default_timeout(5000)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        background, colour = ("#fff", "#222") if theme == "light" else ("#14181e", "#ced6dd")
        file = tmp_path / "figures.html"
        file.write_text(
            f"<!doctype html><html lang='en' data-theme='{theme}'><head><title>Figures</title>"
            "<meta charset='utf-8'><meta name='viewport' content='width=device-width'></head>"
            f"<body style='background: {background}; color: {colour}; font-family: sans-serif'>"
            f"<main><h1>Figures</h1>{''.join(figure.html for figure in figures)}</main>",
            encoding="utf-8",
        )
        page.goto(file.as_uri() + address)
        page.on("request", lambda request: complaints.append(request.url))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


RAVINE = problems.ravine()
WIDE = replace(RAVINE, window=(-5.0, 3.0, -1.5, 1.5))
SHORT = dict(alt="A path.", eta=0.04, gamma=0.8, steps=40)


@pytest.fixture(scope="module")
def figure():
    return movable(momentum, RAVINE, compare={nag: {"eta": 0.04}, adam: {"eta": 0.2}}, **SHORT,
                   presets=[("no friction", dict(gamma=0.99, steps=90, versus=nag)),
                            ("adam", {"versus": "adam", "adam.beta1": 0.5, "start": (1.0, -1.0)})],
                   )  # fmt: skip


# ---- formulas of each kind

beta, gamma = hyperparameter("beta1"), hyperparameter("gamma")
a = sympy.Symbol("a", positive=True)
n, k = sympy.symbols("n k", integer=True, nonnegative=True)
x, s = sympy.Symbol("x", real=True), sympy.Symbol("s", positive=True)
rho = largest_modulus([[1 + gamma - a, -gamma], [1, 0]])


def filled_share():
    """A curve over whole numbers on a logarithmic axis, an area, a fixed line, a play button."""
    return formula(
        Curve(1 - beta**t, label="filled share"),
        Curve(1 - beta**t, kind="area"),
        Curve(sympy.Rational(95, 100), style="dotted", label="95 %"),
        x=(t, 1, 1000), y=(0, 1), log="x", play=beta, name="filled share",
        sliders={beta: Slider(0.9, 0, 0.999, "decay")},
        say="After 10 steps {share:%}; 95 % after {full:3} steps at β = {beta1}.",
        numbers={"share": 1 - beta**10, "full": sympy.log(0.05) / sympy.log(beta)},
        presets=[("none", {beta: 0.5}), ("long", {"beta1": 0.999})],
        alt="A rising curve.",
    )  # fmt: skip


def pad():
    """Two plots: a map with a point to drag, and the runs that follow it."""
    run = {"variable": x, "start": 1, "steps": 60}
    return formula(
        Plot(Map(rho, [0.5, 0.8, 0.9], beyond=1), x=(a, 0, 4), y=(gamma, 0, 1), drag=True,
             xlabel="ηλ", notes=[(3.2, 0.2, "diverges")]),
        Plot(Run(momentum, x**2 / 2, settings={"eta": a, "gamma": gamma}, colour=momentum,
                 label="momentum", **run),
             Run(gd, x**2 / 2, settings={"eta": a}, colour=gd, style="dashed", **run),
             x=60, y=(-2, 2), ylabel="θ"),
        sliders={a: Slider(1.5, 0, 4, positions=200, label="ηλ"),
                 gamma: Slider(0.8, 0, 0.99, label="momentum γ")},
        say="The factor is {rho}: it {how}.", name="pad", alt="A map.",
        numbers={"rho": rho, "how": [("diverges", rho > 1), ("swings", (1 + gamma - a)**2
                                     < 4 * gamma), ("creeps", True)]},
    )  # fmt: skip


def singular_values():
    """An iterated function, a slider of whole numbers, and a fourth one behind "more"."""
    b, c, d = sympy.symbols("b c d", real=True)
    return formula(
        Curve(b * s + c * s**3 + d * s**5, repeat=n, label="after n steps"),
        Points([(1, 1), (b / 4, c / 4 + 1)]),
        x=(s, 0, 1.2), sliders={n: Slider(5, 0, 8, "whole"), b: Slider(3.4445, 1, 4),
                                c: Slider(-4.775, -6, 0), d: Slider(2.0315, 0, 3)},
        name="singular values", alt="A curve that flattens near 1.",
    )  # fmt: skip


def sums():
    """A sum whose number of terms moves, bars, Max, Piecewise, a log axis, a phase plane."""
    theta = sympy.Symbol("theta", real=True)
    return formula(
        Plot(Curve(sympy.Sum(gamma**k, (k, 0, t)), kind="bars"),
             Curve(sympy.Max(1, sympy.Piecewise((t, t < 5), (t / 2, True))), colour=adam),
             x=(t, 1, 30), y=(0.5, 30), log="y"),
        Plot(Run(momentum, theta**4 / 4, theta, start=a, steps=n, show=("theta", "v"),
                 settings={"gamma": gamma, "eta": a / 10}),
             Curve((sympy.cos(s), sympy.sin(s)), over=(s, 0, 2 * sympy.pi)),
             x=(-1, 2), y=(-1, 1), xlabel="θ", ylabel="v"),
        sliders={gamma: Slider(0.9, choices=[0, 0.5, 0.8, 0.9]), a: Slider(1, 0.01, 2, "log"),
                 n: Slider(20, 0, 40, "whole")},
        name="sums", alt="Bars that rise.", say="{total} of {limit:2}",
        numbers={"total": sympy.Sum(gamma**k, (k, 0, n)), "limit": 1 / (1 - gamma)},
    )  # fmt: skip


FORMULAS = [filled_share, pad, singular_values, sums]


@pytest.fixture(scope="module")
def formulas():
    return [make() for make in FORMULAS]


@pytest.fixture(scope="module")
def land():
    return landing(WIDE, [gd, momentum, rmsprop, adam], others=[nag], steps=50, alt="Four paths.")


@pytest.fixture(scope="module")
def every(figure, formulas, land):
    return [figure, *formulas, land]


# ---- without a browser


def test_the_figures_are_the_same_every_time(figure, formulas):
    again = [make() for make in FORMULAS]
    assert [each.html for each in again] == [each.html for each in formulas]
    assert [each.png for each in again] == [each.png for each in formulas]
    assert all(each.png.startswith(b"\x89PNG") for each in again)


def test_its_forms_and_numbers(figure):
    bundle = figure._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/png", "text/plain"}
    steps = iterate_state(momentum, RAVINE.grad, np.array(RAVINE.start), eta=0.04, gamma=0.8)
    expected = list(itertools.islice(steps, 41))
    np.testing.assert_array_equal(figure.path, [theta for theta, _ in expected])
    np.testing.assert_array_equal(figure.state["v"][1:], [v for _, v in expected[1:]])
    assert bundle["text/plain"] == "momentum at t = 40: θ = (−0.04649, −0.002694), J = 0.001153"


def test_what_a_formula_draws_and_says():
    share = filled_share()
    steps = np.arange(1, 301)
    points = share.points(beta1=0.5)
    drawn = points["a0"][:, 0]
    assert drawn[0] == 1 and drawn[-1] == 1000 and (drawn == np.round(drawn)).all()
    np.testing.assert_allclose(points["a0"][:, 1], 1 - 0.5**drawn, rtol=1e-14)
    assert share.numbers(beta1=0.5)["share"] == 1 - 0.5**10
    assert repr(share) == "After 10 steps 65.1 %; 95 % after 28.4 steps at β = 0.9."
    assert repr(pad()) == "The factor is 0.8944: it swings."

    run = iterate_state(momentum, lambda theta: theta, np.array([1.0]), eta=1.5, gamma=0.8)
    expected = [theta[0] for theta, _ in itertools.islice(run, 61)]
    np.testing.assert_allclose(pad().points()["b0"][:, 1], expected, rtol=1e-12)

    value = np.linspace(0, 1.2, 201)
    for _ in range(5):
        value = 3.4445 * value - 4.775 * value**3 + 2.0315 * value**5
    np.testing.assert_allclose(singular_values().points()["a0"][:, 1], value, atol=1e-12)
    partial = np.cumsum(0.9 ** np.arange(31))[1:]
    np.testing.assert_allclose(sums().points()["a0"][:, 1], partial, rtol=1e-13)
    assert len(steps) == 300


def test_the_spectral_radius_is_that_of_the_matrix():
    figure = pad()
    for step, kept in itertools.product((0.1, 1.0, 2.5, 4.0), (0.0, 0.3, 0.9)):
        numbers = figure.numbers(a=step, gamma=kept)
        matrix = np.array([[1 + kept - step, -kept], [1, 0]])
        assert numbers["rho"] == pytest.approx(np.abs(np.linalg.eigvals(matrix)).max(), rel=1e-7)


def test_they_are_small_and_need_nothing_from_elsewhere(every):
    sizes = {"momentum": 100_000, "pad": 70_000, "landing": 110_000}
    pictures = thumbnails([("Adam", "adam.html", adam)], RAVINE)
    for each in every:
        name = re.search(r'id="gdref-([a-z]+)', each.html)[1]
        assert len(each.html.encode()) < sizes.get(name, 45_000), (name, len(each.html.encode()))
        assert not re.search(r"(src|href)\s*=\s*[\"'](?!#)|@import|fetch\(|url\((?!#)", each.html)
    assert len(pictures.html.encode()) < 30_000
    lab = movable(adam, problems.beale(), alt="A path.", steps=100).html
    assert len(lab.encode()) < 160_000


def test_ids_are_unique_and_its_own(every):
    other = movable(momentum, RAVINE, name="other", **SHORT)
    markup = re.sub(r"(?s)<script.*?</script>", "", "".join(f.html for f in [*every, other]))
    ids = re.findall(r'\bid="([^"]*)"', markup)
    assert len(ids) == len(set(ids)) and all(name.startswith("gdref-") for name in ids)


def test_one_expression_neutralises_each(every):
    pattern = r"(?s)<!-- movable figure -->.*?<!-- end of movable figure -->"
    for each in every:
        assert re.sub(pattern, "FIGURE", each.html + each.html) == "FIGUREFIGURE"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"beta1": 0.9}, TypeError),
        ({"gamma": 1.5}, ValueError),
        ({"eta": lambda t: 0.1 / t}, TypeError),
        ({"choices": {"rate": [0.1]}}, TypeError),
        ({"show": "u"}, ValueError),
        ({"compare": {gd: {"gamma": 0.9}}}, TypeError),
        ({"presets": [("", {"beta1": 0.9})]}, ValueError),
        ({"presets": [("", {"versus": "lion"})]}, ValueError),
    ],
)
def test_wrong_options_are_errors(options, error):
    with pytest.raises(error):
        movable(momentum, RAVINE, alt="A path.", **options)


@pytest.mark.parametrize(
    ("parts", "options", "message"),
    [
        ([Curve(beta * s)], {"sliders": {}}, "no slider gives"),
        ([Curve(beta * s)], {"say": "{nothing}"}, "asks for"),
        ([Curve(beta * s)], {"sliders": {beta: Slider(2.0)}}, "is not in"),
        ([Curve(beta * s)], {"sliders": {beta: Slider(0.5, scale="cubic")}}, "scale is"),
        ([Curve(beta * s)], {"presets": [("", {gamma: 1})]}, "no slider"),
        ([Curve(beta * s, kind="spline")], {}, "kind is"),
        ([Curve(beta * sympy.zeta(s + 2))], {}, "cannot be printed"),
        ([Curve(beta * s)], {"numbers": {"z": gamma}}, "gives gamma a value|gives .* a value"),
        ([Map(beta * s, [1])], {}, "a map and a point"),
        ([Plot(Map(beta * s, [1]), x=(s, 0, 1), y=(gamma, 0, 1))], {"x": None}, "gives .* a value"),
        ([Plot(x=(s, 0, 1), y=(beta, 0, 1), drag=True)], {"x": None}, "no slider"),
        ([Curve(beta)], {"x": (0, 1)}, "needs a symbol"),
        ([Curve(sympy.Symbol("beta1") * s)], {"sliders": {beta: Slider(0.5),
                                               sympy.Symbol("beta1"): Slider(0.5)}}, "one name"),
        ([Run(gd, s**2, s, settings={"gamma": 0.9})], {"x": 50}, "has no gamma"),
    ],
)  # fmt: skip
def test_wrong_formulas_are_errors(parts, options, message):
    options = {"x": (s, 0, 1), "sliders": {beta: Slider(0.5)}, "name": "f", "alt": "A."} | options
    if options["x"] is None:
        del options["x"]
    with pytest.raises((ValueError, TypeError), match=message):
        formula(*parts, **options)


def test_a_rule_compared_with_starts_at_a_rate_that_works():
    for surface in (problems.ravine(), problems.beale(), problems.rosenbrock()):
        for rule in (gd, momentum, nag, adam):
            settings = best_rate(rule, surface)
            runs = {
                factor: compute(rule, surface, [surface], surface.start, 60,
                                settings | {"eta": settings["eta"] * factor}).losses
                for factor in (0.4, 1, 1000)
            }  # fmt: skip
            assert np.mean(np.log(runs[1])) < np.mean(np.log(runs[0.4]))
            assert runs[1][-1] < runs[1][0] / 3
    # without a minimum the path stays in the picture; where no rate does that, the default stands
    fall = replace(RAVINE, start=(9.0, 9.0))
    assert best_rate(gd, fall) == {"eta": 0.01}
    given = movable(gd, RAVINE, alt="A.", compare={nag: {"eta": 0.003}}, versus=nag)
    assert given.runs[1].settings == {"eta": 0.003, "gamma": 0.9}
    shared = movable(gd, RAVINE, alt="A.", eta=0.001, versus=nag, compare=[momentum])
    assert shared.runs[1].settings["eta"] == 0.001
    best = best_rate(momentum, RAVINE, steps=50)
    assert best["eta"] > 0.005 and f'"momentum":{{"eta":{best["eta"]},' in shared.html


def test_where_a_path_is_cut():
    window = RAVINE.window
    out = np.array([[-4.0, 1.0], [100.0, 0.0], [0.0, 0.0], [200.0, 0.0], [np.nan, 0.0]])
    assert cut(out, window) == 3
    assert cut(out[:3], window) == 3
    assert cut(out[3:], window) == 0


def test_a_page_needs_the_shared_parts_once(every):
    text = "".join(each.html for each in every)
    lean = once(text)
    assert lean.count("<style") == 1 and once(lean) == lean
    assert lean.count('<script class="gdref-shared">') == 3
    assert len(lean) < len(text) - 4 * 20_000


# ---- what the page computes


def cases(surface):
    """Each rule with each setting and start, as the page takes them."""
    for rule in BY_COORDINATE:
        _, initial, known = form(rule)
        for setting, values in SETTINGS.items():
            for start in STARTS:
                yield {
                    "label": f"{rule.__name__}, {setting}, {start}",
                    "rule": rule.__name__,
                    "initial": initial,
                    "start": list(surface.start if isinstance(start, str) else start),
                    "settings": known | {k: v for k, v in values.items() if k in known},
                }


def in_gdref(surface, case, start):
    """Rows ``[theta, ...state]`` of both coordinates for the steps 0, 1, ..., 100."""
    rule = RULES[case["rule"]]
    steps = iterate_state(rule, surface.grad, np.array(start), **case["settings"])
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.array([
            np.stack([np.broadcast_to(part, (2,)) for part in step], axis=-1)
            for step in itertools.islice(steps, STEPS + 1)
        ], dtype=float)  # fmt: skip


def apart(a, b):
    """The largest difference of theta over the steps, relative to the iterate."""
    size = np.maximum(np.abs(a[..., 0]).max(axis=-1), 1e-300)
    with np.errstate(invalid="ignore"):
        difference = np.abs(a - b)[..., 0].max(axis=-1)
    finite = np.isfinite(size)
    return (difference[finite] / size[finite]).max()


PATH = "document.querySelector('.gdref').gdref.model.runs()[0].path"


def in_page(page, cases):
    history = page.evaluate(
        """cases => cases.map(({rule, settings, start}) => document.querySelector(".gdref")
            .gdref.model.run(rule, settings, start, 100).history)""",
        [{key: case[key] for key in ("rule", "settings", "start")} for case in cases],
    )
    return [np.array(rows, dtype=float) for rows in history]


@pytest.mark.parametrize("name", problems.SURFACES)
def test_the_page_computes_the_paths_of_gdref(name, open_page):
    """Whole paths, wherever gdref's own path is no chaos: a start that differs by 1e-12 must end
    within 1e-9.  Where it is, no two orders of rounding agree; the next test covers these."""
    surface = problems.SURFACES[name]()
    page = open_page(movable(gd, surface, alt="A path.", compare=BY_COORDINATE))
    every = list(cases(surface))
    compared = {rule.__name__: 0 for rule in BY_COORDINATE}
    for case, computed in zip(every, in_page(page, every), strict=True):
        expected = in_gdref(surface, case, case["start"])
        moved = in_gdref(surface, case, np.array(case["start"]) * (1 + 1e-12))
        if apart(expected, moved) > 1e-9:
            continue
        compared[case["rule"]] += 1
        finite, there = np.isfinite(expected), np.isfinite(computed)
        alive = finite[..., 0]  # beyond, 0 * theta is NaN here and 0 in the page
        np.testing.assert_array_equal(alive, there[..., 0], err_msg=case["label"])
        np.testing.assert_array_equal(finite[alive], there[alive], err_msg=case["label"])
        assert apart(expected, computed) <= RTOL, case["label"]
    assert min(compared.values()) >= 2, compared


@pytest.mark.parametrize("name", problems.SURFACES)
def test_the_page_computes_the_steps_of_gdref(name, open_page):
    """Each single step, theta and state, from each of gdref's own iterates, chaotic or not."""
    surface = problems.SURFACES[name]()
    page = open_page(movable(gd, surface, alt="A path.", compare=BY_COORDINATE))
    for case in cases(surface):
        expected = in_gdref(surface, case, case["start"])
        size = np.abs(expected).max(axis=1, keepdims=True)
        usable = (size < 1e100).all(axis=(1, 2)) & (size[:, 0, 0] > 1e-100)
        before = np.flatnonzero(usable[:-1] & usable[1:])
        after = page.evaluate(
            """({rule, settings, rows, steps}) => {
                const {rules, gradients} = document.querySelector(".gdref").gdref.model;
                return rows.map((row, i) => rules[rule](steps[i] + 1, row, gradients[0], settings));
            }""",
            {"rule": case["rule"], "settings": case["settings"],
             "rows": expected[before].tolist(), "steps": before.tolist()},
        )  # fmt: skip
        if len(before):
            scale = np.maximum(size[before], size[before + 1])
            scale[scale == 0] = 1  # a state that has not begun
            error = np.abs(np.array(after, dtype=float) - expected[before + 1]) / scale
            assert error.max() <= RTOL, case["label"]


def test_loss_of_the_page(open_page):
    for surface in (make() for make in problems.SURFACES.values()):
        figure = movable(gd, surface, alt="A path.", compare=[])
        losses = open_page(figure).evaluate(
            "document.querySelector('.gdref').gdref.model.runs()[0].losses"
        )
        np.testing.assert_allclose(losses, figure.losses, rtol=RTOL, atol=1e-300)


def test_adamax_before_its_first_gradient_is_not_a_number_as_in_gdref(open_page):
    surface = problems.ravine()
    figure = movable(RULES["adamax"], surface, alt="A path.", start=(-4.0, 0.0), compare=[])
    page = open_page(figure)
    path = np.array(page.evaluate(PATH), dtype=float)
    np.testing.assert_array_equal(np.isnan(path), np.isnan(figure.path))
    assert np.isnan(path[1, 1])
    assert "diverges; cut at step 1" in page.get_by_role("status").inner_text()
    assert "NaN" not in page.locator(".gdref-plots").inner_html()


def test_gradients_in_turn(open_page):
    def one_coordinate(i):
        return problems.Surface(
            f"coordinate {i}",
            lambda theta: 2 * theta[i] ** 2,
            lambda theta: np.array([4 * theta[0] * (i == 0), 4 * theta[1] * (i == 1)]),
            start=(-4.0, 1.0), minimum=None, window=RAVINE.window,
        )  # fmt: skip

    figure = movable(RULES["adagrad"], RAVINE, alt="A path.", eta=0.5, compare=[],
                     examples=[one_coordinate(0), one_coordinate(1)])  # fmt: skip
    path = open_page(figure).evaluate(PATH)
    assert figure.path[1, 1] == figure.path[0, 1] != figure.path[2, 1]
    np.testing.assert_allclose(path, figure.path, rtol=RTOL)


@pytest.mark.parametrize("make", FORMULAS, ids=lambda make: make.__name__)
def test_the_page_computes_the_formulas(make, open_page):
    """Points and numbers, at first, at the ends of the sliders and at random settings."""
    figure = make()
    page = open_page(figure)
    sliders = page.evaluate("[...document.querySelectorAll('input[type=range]')].map(i => i.name)")
    lengths = page.evaluate(
        "[...document.querySelectorAll('input[type=range]')].map(i => Number(i.max) + 1)"
    )
    draw = np.random.default_rng(0)
    positions = [[int(draw.integers(length)) for length in lengths] for _ in range(12)]
    positions += [[0] * len(lengths), [length - 1 for length in lengths]]
    for position in [None, *positions]:
        values, layers, numbers = page.evaluate(
            """position => {
                const {state, update, model} = document.querySelector(".gdref").gdref;
                const inputs = document.querySelectorAll("input[type=range]");
                position?.forEach((value, i) => { inputs[i].value = value; });
                update();
                const out = model(state());
                return [state(), out.layers, out.numbers];
            }""",
            position,
        )
        assert list(values) == sliders
        for name, expected in figure.points(**values).items():
            computed = np.array(layers[name], dtype=float)
            np.testing.assert_array_equal(np.isfinite(expected), np.isfinite(computed))
            size = np.abs(np.where(np.isfinite(expected), expected, 0)).max(initial=1e-300)
            close = dict(rtol=RTOL, atol=RTOL * min(size, 1.0))
            np.testing.assert_allclose(computed, expected, **close)
        for name, expected in figure.numbers(**values).items():
            np.testing.assert_allclose(float(numbers[name]), expected, rtol=RTOL, err_msg=name)


def test_the_landing_figure_computes_the_paths_of_gdref(land, open_page):
    page = open_page(land)
    for run in land.runs:
        path = page.evaluate(
            "([rule, start]) => document.querySelector('.gdref').gdref.model.run(rule, start)",
            [run.rule, list(WIDE.start)],
        )
        np.testing.assert_allclose(path, run.path, rtol=RTOL, atol=1e-12)


# ---- how they move


def numbers(text):
    return np.array(re.findall(r"-?[\d.]+", text), dtype=float)


def drawn(page):
    """What the plots show: where each line goes and what stands beside the ticks."""
    lines = page.locator(".gdref-plot g[id]").evaluate_all(
        """groups => groups.map(g => [g.id, g.querySelector(":scope > path")?.getAttribute("d")])"""
    )
    ticks = page.locator(".gdref-plot svg").evaluate_all(
        """plots => plots.map(plot => [...plot.querySelectorAll("text")]
            .filter(text => text.textContent).map(text => {
                const box = text.getBoundingClientRect();
                return [text.textContent, box.left + box.width / 2, box.top];
            }))"""
    )
    return {name: numbers(d) for name, d in lines if d}, ticks


def still(figure):
    """The figure as it stands in the file: without controls and scripts."""
    html = re.sub(r"(?s)<script.*?</script>", "", figure.html)
    return replace(figure, html=html)


LABORATORIES = list(zip(problems.SURFACES, [None, gd] * 3, strict=True))


@pytest.mark.parametrize(("name", "versus"), LABORATORIES)
def test_the_script_redraws_what_matplotlib_drew(name, versus, open_page):
    figure = movable(adam, problems.SURFACES[name](), alt="A path.", eta=0.05, versus=versus,
                     compare=[gd])  # fmt: skip
    compare_drawings(figure, ("path", "losses", "state-1"), open_page)


@pytest.mark.parametrize("make", FORMULAS, ids=lambda make: make.__name__)
def test_the_script_redraws_the_formulas(make, open_page):
    figure = make()
    compare_drawings(figure, tuple(figure.points()), open_page)


def test_the_script_redraws_the_landing_figure(land, open_page):
    compare_drawings(land, ("path-gd", "path-adam", "ball-adam", "halo-momentum"), open_page,
                     reduced_motion="reduce")  # fmt: skip


def compare_drawings(figure, parts, open_page, **options):
    lines, ticks = drawn(open_page(figure, **options))
    still_lines, still_ticks = drawn(open_page(still(figure), **options))
    for part in parts:
        (key,) = [key for key in lines if key.endswith(f"-{part}")]
        if not lines[key].size:
            continue
        # Matplotlib leaves out what lies outside the figure; a dot's end is relative in the page.
        redrawn, original = (each[key].reshape(-1, 2) for each in (lines, still_lines))
        assert np.abs(redrawn[0] - original[0]).max() < 0.2, part
        seen = ((redrawn > 0) & (redrawn < 700)).all(axis=1)
        if len(redrawn) == len(original) and seen.all() and not part.startswith(("ball", "dots")):
            np.testing.assert_allclose(redrawn, original, atol=0.2)
    for redrawn, original in zip(ticks, still_ticks, strict=True):
        redrawn, original = sorted(redrawn), sorted(original)
        assert [text for text, *_ in redrawn] == [text for text, *_ in original]
        for (_, *at), (_, *was) in zip(redrawn, original, strict=True):
            np.testing.assert_allclose(at, was, atol=1.5)


def test_without_scripts_the_figures_stand(every, open_page):
    page = open_page(*every, scripts=False)
    assert page.locator("svg[role=img]").count() == 3 + 6 + 1
    assert all(svg.is_visible() for svg in page.locator("svg[role=img]").all())
    assert not page.locator("form:visible, .gdref-handle:visible").count()
    page.locator("summary", has_text="The numbers").click()
    assert page.locator("tbody tr").count() == 21
    assert page.get_by_role("status").all_inner_texts() == [
        "" if each is every[3] else each.text
        for each in every  # which has no sentence
    ]


def read(page, index=0):
    """The path that a laboratory shows, and the settings that its controls show."""
    root = page.locator(".gdref").nth(index)
    path = root.evaluate("root => root.gdref.model.runs()[0].path")
    settings = root.locator(".gdref-sliders > label").evaluate_all(
        """labels => labels.filter(label => !label.closest("fieldset")).map(label =>
            [label.querySelector("input").name, label.querySelector("span").textContent])"""
    )
    values = {
        name.split(".")[-1]: float(text.replace("−", "-"))
        for name, text in settings
        if not name.startswith("start.")
    }
    return np.array(path), int(values.pop("steps")), values


@pytest.mark.parametrize("rule", BY_COORDINATE, ids=lambda rule: rule.__name__)
def test_every_slider_moves_the_path_to_where_gdref_has_it(rule, open_page):
    # long steps, where the length of a step is the rate: else it has one sign all along
    rate = {"eta": 0.3} if form(rule)[2].get("eta", 1) < 0.001 else {}
    # from where a smaller value makes another path: between 5 and 6 no threshold does, and
    # ADOPT's epsilon counts where it is more than the root alone
    rate |= {"radam": {"threshold": 6.05}, "adopt": {"eps": 10.0}}.get(rule.__name__, {})
    figure = movable(rule, RAVINE, alt="A path.", steps=STEPS, compare=[], **rate)
    page = open_page(figure)
    if page.locator(".gdref-more > summary").count():
        page.locator(".gdref-more > summary").click()
    sliders = page.locator("input[type=range]:not([name=steps], [name^=start])")
    shown = [figure.path]
    for i in range(sliders.count()):
        slider = sliders.nth(i)
        before = slider.input_value()
        slider.press("ArrowLeft")
        slider.press("ArrowLeft")
        assert slider.input_value() != before
        path, steps, values = read(page)
        run = iterate_state(rule, RAVINE.grad, np.array(RAVINE.start), **values)
        expected = np.array([theta for theta, *_ in itertools.islice(run, steps + 1)])
        size = np.abs(expected).max(axis=1, keepdims=True)
        assert (np.abs(path - expected) <= RTOL * size + 1e-12).all()
        assert not any(np.array_equal(path, other) for other in shown)
        shown.append(path)


def test_steps_start_comparison_and_reset(figure, open_page):
    page = open_page(figure)
    at_first = drawn(page)
    status, handle = page.get_by_role("status"), page.get_by_role("slider", name="start;")

    page.get_by_role("slider", name="steps").press("End")
    assert len(read(page)[0]) == 201
    assert "momentum at t = 200" in status.inner_text()

    handle.press("ArrowRight")
    np.testing.assert_allclose(read(page)[0][0], [-3.95, 1])
    handle.press("Shift+ArrowDown")
    np.testing.assert_allclose(read(page)[0][0], [-3.95, 0.8])
    assert handle.get_attribute("aria-valuetext") == "start θ₁ = −3.95, start θ₂ = 0.8"
    for _ in range(14):
        handle.press("Shift+ArrowRight")
    assert read(page)[0][0][0] == RAVINE.window[1]

    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y + 40, steps=4)
    page.mouse.up()
    dragged = read(page)[0][0]
    assert dragged[0] < RAVINE.window[1] - 0.5 and dragged[1] < 0.6
    box = handle.bounding_box()
    centre = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    np.testing.assert_allclose(centre, [x - 60, y + 40], atol=2.5)
    page.mouse.click(x - 120, y - 20)
    assert read(page)[0][0][0] < dragged[0]
    outside = read(page)[0]
    page.mouse.click(page.locator("svg").first.bounding_box()["x"] + 3, y)
    np.testing.assert_array_equal(read(page)[0], outside)

    page.locator(".gdref-more > summary").click()
    assert not page.get_by_role("group", name="NAG").is_visible()
    page.get_by_label("compare with").select_option("NAG")
    assert page.get_by_role("group", name="NAG").is_visible()
    assert "NAG at t = 200" in status.inner_text()
    versus = page.locator("[id$='-path-versus'] path")
    assert len(versus.get_attribute("d")) > 1000
    page.get_by_label("lower plot").select_option(label="Δθ")
    page.get_by_label("compare with").select_option("kept")
    kept = versus.get_attribute("d")
    page.get_by_role("slider", name="γ").first.press("Home")
    assert versus.get_attribute("d") == kept
    assert page.locator("[id$='-path'] path").get_attribute("d") != kept
    assert "momentum, kept at t = 200" in status.inner_text()

    page.get_by_role("button", name="reset").click()
    np.testing.assert_allclose(read(page)[0], figure.path, rtol=RTOL)
    now = drawn(page)
    assert now[1] == at_first[1]
    assert {k: v.tolist() for k, v in now[0].items()} == {
        k: v.tolist() for k, v in at_first[0].items()
    }
    assert status.inner_text() == repr(figure)


def test_presets_and_the_address(figure, every, open_page):
    page = open_page(*every, reduced_motion="reduce")
    lab = page.locator("#gdref-momentum-ravine")
    assert page.url.endswith("figures.html")
    lab.get_by_role("button", name="no friction").click()
    path, steps, values = read(page)
    assert (steps, values) == (90, {"eta": 0.04, "gamma": 0.99})
    assert "NAG at t = 90" in lab.get_by_role("status").inner_text()
    lab.get_by_role("button", name="adam").click()  # what it leaves out is as at first
    state = lab.evaluate("root => root.gdref.state()")
    assert (state["steps"], state["momentum.gamma"]) == (40, 0.8)
    assert (state["versus"], state["adam.beta1"], state["start.x"]) == ("adam", 0.5, 1)

    pad_ = page.locator("#gdref-pad")
    pad_.get_by_role("slider", name="ηλ and").press("Shift+ArrowRight")
    assert pad_.get_by_role("slider", name="ηλ and").get_attribute("aria-valuetext") == (
        "ηλ = 1.7, momentum γ = 0.8"
    )
    link = pad_.get_by_role("link", name="link to this setting").get_attribute("href")
    assert page.url == link and link.endswith("#gdref-pad")
    assert "a%3A1.7" in link and "momentum-ravine=" in link

    again = open_page(*every, address=link[link.index("?") :], reduced_motion="reduce")
    for name in ("#gdref-momentum-ravine", "#gdref-pad"):
        states = [p.locator(name).evaluate("root => root.gdref.state()") for p in (page, again)]
        assert states[0] == states[1]
    texts = [p.get_by_role("status").all_inner_texts() for p in (page, again)]
    assert texts[0] == texts[1]
    lab.get_by_role("button", name="reset").click()
    pad_.get_by_role("button", name="reset").click()
    assert "?" not in page.url


@pytest.mark.parametrize(
    "address",
    [
        "?pad=a:nonsense,b:1,gamma",
        "?momentum-ravine=versus:lion",
        "?momentum-ravine=versus:kept",
        "?x",
    ],
)
def test_an_address_that_means_nothing_does_no_harm(address, figure, open_page):
    page = open_page(pad(), figure, address=address)
    assert page.get_by_role("status").first.inner_text() == repr(pad())
    assert page.get_by_role("status").nth(1).inner_text() == repr(figure)


def touch(page, start, *way):
    """A drag by a finger."""
    session = page.context.new_cdp_session(page)

    def send(kind, *points):
        points = [{"x": float(x), "y": float(y)} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", start)
    for point in way:
        send("touchMove", point)
    send("touchEnd")


def centre_of(locator):
    box = locator.bounding_box()
    return np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])


@pytest.mark.parametrize("name", ["gdref-pad", "gdref-momentum-ravine", "gdref-landing"])
def test_a_finger_drags_the_point(name, every, open_page):
    page = open_page(*every, width=390, has_touch=True, reduced_motion="reduce")
    root = page.locator(f"#{name}")
    handle = root.locator(".gdref-handle")
    handle.scroll_into_view_if_needed()
    before, scrolled = root.evaluate("root => root.gdref.state()"), page.evaluate("scrollY")
    at = centre_of(handle)
    touch(page, at, at + [10, 6], at + [30, 20], at + [50, 30])
    after = root.evaluate("root => root.gdref.state()")
    moved = [key for key in before if before[key] != after[key]]
    assert len(moved) == 2, moved
    assert np.abs(centre_of(handle) - at - [50, 30]).max() < 4
    assert page.evaluate("scrollY") == scrolled


def test_play_pause_and_the_axes_in_motion(figure, open_page):
    page = open_page(figure)
    status, steps = page.get_by_role("status"), page.get_by_role("slider", name="steps")
    ticks = drawn(page)[1]
    page.get_by_role("button", name="play").click()
    page.wait_for_function("document.querySelector('[name=steps]').value > 2")
    assert status.get_attribute("aria-live") == "off"
    page.get_by_role("button", name="pause").click()
    paused = int(steps.input_value())
    assert 2 < paused < 40 and len(read(page)[0]) == paused + 1
    page.wait_for_timeout(100)
    assert int(steps.input_value()) == paused
    page.get_by_role("button", name="play").click()
    page.wait_for_function(f"document.querySelector('[name=steps]').value > {paused}")
    assert [len(each) for each in drawn(page)[1]] == [len(each) for each in ticks]
    page.wait_for_function("document.querySelector('[name=steps]').value == 40")
    page.wait_for_function("document.querySelector('[data-play]').textContent.includes('play')")
    assert status.inner_text() == repr(figure) and status.get_attribute("aria-live") == "polite"


def test_the_landing_figure_lives(land, open_page):
    page = open_page(land)
    steps = "Number(document.querySelector('[name=steps]').value)"
    page.wait_for_function(f"{steps} > 1 && {steps} < 50")  # it runs on load
    handle = page.locator(".gdref-handle")
    assert handle.get_attribute("data-hint") == "drag me"
    page.get_by_role("button", name="pause").click()
    here = page.evaluate(steps)
    page.get_by_role("button", name="step").click()
    assert page.evaluate(steps) == here + 1
    path = page.locator("[id$='-path-nag'] path")
    assert not path.get_attribute("d")
    page.get_by_role("checkbox", name="NAG").click()
    assert path.get_attribute("d")
    assert "NAG" in page.get_by_role("status").inner_text()
    before = centre_of(handle)
    page.mouse.move(*before)
    page.mouse.down()
    page.mouse.move(*(before + [40, 50]), steps=3)
    assert page.evaluate(steps) == here + 1  # it waits while the ball is held
    page.mouse.up()
    page.wait_for_function(f"{steps} > 0 && {steps} < 50")  # and rolls again
    assert handle.get_attribute("data-hint") is None
    page.get_by_role("button", name="again").click()
    page.wait_for_function(f"{steps} == 50", timeout=8000)
    assert "Step 50 of 50" in page.get_by_role("status").inner_text()


def test_reduced_motion_shows_the_end_at_once(land, open_page):
    page = open_page(land, reduced_motion="reduce")
    assert page.get_by_role("status").inner_text() == repr(land)
    page.wait_for_timeout(150)
    assert page.get_by_role("status").inner_text() == repr(land)


def test_a_path_that_diverges_is_cut_with_a_cross(open_page):
    figure = movable(gd, RAVINE, alt="A path.", compare=[], steps=50, max_steps=2000, eta=0.101,
                     choices={"eta": [0.101, 0.3]})  # fmt: skip
    page = open_page(figure)
    cross = page.locator("[id$='-cut'] path")
    assert "outside the plot" in page.get_by_role("status").inner_text()
    assert not cross.get_attribute("d")
    page.get_by_role("slider", name="steps").press("End")
    page.get_by_role("slider", name="η").press("End")
    run = compute(gd, RAVINE, [RAVINE], RAVINE.start, 2000, {"eta": 0.3})
    expected = f"diverges; cut at step {cut(run.path, RAVINE.window)}"
    assert expected in page.get_by_role("status").inner_text()
    assert cross.is_visible()
    assert not re.search("NaN|Infinity|undefined", page.locator(".gdref-plots").inner_html())
    page.locator("summary", has_text="The numbers").click()
    page.wait_for_function("document.querySelector('.gdref-table').innerHTML.includes('infinite')")
    made = movable(gd, RAVINE, alt="A path.", compare=[], eta=0.3)
    assert repr(made) == f"gradient descent: {expected}"


def test_a_run_of_a_formula_is_cut_too(open_page):
    page = open_page(pad())
    line = page.locator("#gdref-pad-b0 path")
    assert line.get_attribute("d").count("M") == 1
    page.get_by_role("slider", name="γ").last.press("Home")
    page.get_by_role("slider", name="ηλ").last.press("End")
    assert "diverges" in page.get_by_role("status").inner_text()
    assert line.get_attribute("d").count("M") == 2 and line.get_attribute("d").count("L") < 10
    theta = sympy.Symbol("theta", real=True)
    made = formula(Run(gd, theta**2, theta, settings={"eta": a}), x=50, y=(-1, 1), name="f",
                   sliders={a: Slider(2, 0, 3)}, alt="A run.")  # fmt: skip
    lines = [drawn(open_page(each))[0]["gdref-f-a0"] for each in (made, still(made))]
    assert len(made.points()["a0"]) == 51 and max(map(len, lines)) < 30
    np.testing.assert_allclose(lines[0][:2], lines[1][:2], atol=0.2)


def test_two_figures_on_a_page_do_not_meet(figure, open_page):
    other = movable(momentum, RAVINE, name="other", versus=gd, **SHORT)
    page = open_page(figure, other, figure)  # the last: one output, shown twice
    page.get_by_role("slider", name="steps").nth(1).press("Home")
    assert [len(read(page, i)[0]) for i in range(3)] == [41, 1, 41]
    page.get_by_label("compare with").nth(2).select_option("NAG")
    statuses = page.get_by_role("status").all_inner_texts()
    assert ["NAG" in text for text in statuses] == [False, False, True]
    assert ["gradient descent" in text for text in statuses] == [False, True, False]
    drawn_versus = page.locator("[id$='-path-versus'] path").evaluate_all(
        "paths => paths.map(path => (path.getAttribute('d') ?? '').length > 0)"
    )
    assert drawn_versus == [False, True, True]


def test_the_table_follows(figure, open_page):
    page = open_page(figure)
    page.locator("summary", has_text="The numbers").click()
    last = page.locator("tbody tr").last
    assert last.inner_text().split() == ["40", "0.001153", "−0.04649", "−0.002694", *(
        f"{v:.4g}".replace("-", "−") for v in figure.state["v"][-1])]  # fmt: skip
    page.get_by_role("slider", name="steps").press("ArrowLeft")
    assert last.locator("th").inner_text() == "39"
    page.get_by_label("compare with").select_option("Adam")
    assert page.locator(".gdref-table caption").all_inner_texts() == [
        "momentum, η = 0.04, γ = 0.8",
        "Adam, η = 0.2, β₁ = 0.9, β₂ = 0.999, ϵ = 1e−8",
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_they_fit_and_are_accessible(every, width, theme, open_page):
    page = open_page(*every, width=width, theme=theme, reduced_motion="reduce")
    for summary in page.locator("summary").all():
        summary.click()
    page.get_by_label("compare with").select_option("NAG")
    page.locator("#gdref-landing").get_by_role("checkbox", name="NAG").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for svg in page.locator("svg[role=img]").all():
        box = svg.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        assert box["width"] > 300
        small = svg.evaluate(
            """svg => [...svg.querySelectorAll("text")].filter(text => text.textContent)
                .map(text => parseFloat(getComputedStyle(text).fontSize)
                    * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width)"""
        )
        assert min(small, default=12) > 10
    targets = page.locator("button, select, summary, input, .gdref-handle, .gdref-link")
    for target in targets.all():
        if target.is_visible() and target.get_attribute("type") != "checkbox":  # in its label
            assert target.bounding_box()["height"] >= 24, target.evaluate("e => e.outerHTML")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page).response["violations"]
    assert not [(problem["id"], problem["nodes"][0]["html"][:200]) for problem in found]


def test_on_a_phone_the_plot_stays_in_view_while_a_slider_moves(every, open_page):
    page = open_page(*every, width=390)
    for name in ("momentum-ravine", "pad", "filled-share", "singular-values"):
        root = page.locator(f"#gdref-{name}")
        slider = root.locator("input[type=range]").nth(1 if name != "filled-share" else 0)
        slider.evaluate("e => e.scrollIntoView({block: 'end'})")
        box = root.locator("svg[role=img]").first.bounding_box()
        at = slider.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= at["y"] + 1, name
        assert at["y"] + at["height"] <= 845


def luminance(colour):
    rgb = np.array([float(part) for part in re.findall(r"[\d.]+", colour)[:3]]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("media", ["screen", "print"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_figure_has_the_colours_of_the_page(theme, media, every, open_page):
    page = open_page(*every, theme=theme, reduced_motion="reduce")
    page.emulate_media(media=media, reduced_motion="reduce")
    dark = theme == "dark" and media == "screen"
    looks = page.locator(".gdref").evaluate_all(
        """roots => roots.map(root => [getComputedStyle(root).backgroundColor,
            ...[...root.querySelectorAll("svg text")].map(text => getComputedStyle(text).fill)])"""
    )
    for paper, *inks in looks:
        assert (luminance(paper) < 0.03) == dark
        for ink in inks:
            bright, dim = sorted((luminance(paper), luminance(ink)), reverse=True)
            assert (bright + 0.05) / (dim + 0.05) > 7
    if media == "print":
        assert not page.locator("form:visible, .gdref-handle:visible").count()
        assert all(svg.is_visible() for svg in page.locator("svg[role=img]").all())


def test_elsewhere_it_follows_the_reader_s_colours(open_page):
    page = open_page(filled_share(), color_scheme="dark")
    paper = "getComputedStyle(document.querySelector('.gdref')).backgroundColor"
    assert luminance(page.evaluate(paper)) > 0.9  # the page says that it is light
    page.evaluate("document.documentElement.removeAttribute('data-theme')")
    assert luminance(page.evaluate(paper)) < 0.03
    page.evaluate("document.body.dataset.jpThemeLight = 'true'")  # a notebook says it too
    assert luminance(page.evaluate(paper)) > 0.9


def test_it_works_as_a_notebook_inserts_it(figure, formulas, open_page):
    """A notebook sets innerHTML, then puts a new script in the place of each it finds."""
    page = open_page()
    page.evaluate(
        """htmls => htmls.forEach(html => {
            const host = document.createElement("div");
            host.className = "jp-OutputArea";
            host.innerHTML = html;
            host.querySelectorAll("script").forEach(old => {
                const script = document.createElement("script");
                script.textContent = old.textContent;
                old.parentNode.replaceChild(script, old);
            });
            document.body.appendChild(host);
        })""",
        [figure.html, formulas[0].html],
    )
    page.get_by_role("slider", name="steps").press("Home")
    assert len(read(page)[0]) == 1
    page.get_by_role("slider", name="β₁").press("Home")
    assert "at β = 0." in page.get_by_role("status").nth(1).inner_text()
    assert "?" not in page.url  # the address is the notebook's


def test_the_shared_parts_once_are_enough(every, open_page):
    whole = replace(every[0], html=once("".join(each.html for each in every)))
    page = open_page(whole, reduced_motion="reduce")
    assert page.locator("form:visible").count() == len(every)


def test_small_pictures_lead_to_the_chapters(open_page):
    pictures = thumbnails([("Adam", "adam.html", adam), ("Momentum", "m.html", momentum)], RAVINE)
    page = open_page(pictures, width=390, scripts=False)
    assert [link.get_attribute("href") for link in page.get_by_role("link").all()] == [
        "adam.html",
        "m.html",
    ]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


class Firefox:
    """Debian's Firefox by its own protocol, WebDriver BiDi; Playwright cannot drive it."""

    def __init__(self, command, profile):
        websocket = pytest.importorskip("websocket", reason="websocket-client is not installed")
        options = ["--headless", "--remote-debugging-port=0", "--profile", str(profile)]
        self.process = subprocess.Popen([command, *options], stderr=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)  # should what follows fail
        found = (re.search(r"ws://[\d.]+:\d+", line) for line in self.process.stderr)
        address = next(filter(None, found))[0] + "/session"
        self.socket = websocket.create_connection(address, suppress_origin=True, timeout=60)
        self.id = 0
        self.ask("session.new", capabilities={})
        self.tab = self.ask("browsingContext.getTree")["contexts"][0]["context"]

    def ask(self, method, **parameters):
        self.id += 1
        self.socket.send(json.dumps({"id": self.id, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.id:
                assert "result" in answer, answer
                return answer["result"]

    def open(self, file, width):
        viewport = {"width": width, "height": 844}
        self.ask("browsingContext.setViewport", context=self.tab, viewport=viewport)
        self.ask("browsingContext.navigate", context=self.tab, url=file.as_uri(), wait="complete")

    def evaluate(self, expression):
        expression = f"JSON.stringify({expression})"
        answer = self.ask("script.evaluate", expression=expression, target={"context": self.tab},
                          awaitPromise=True)  # fmt: skip
        assert answer["type"] == "success", answer
        return json.loads(answer["result"].get("value", "null"))

    def close(self):
        self.socket.close()
        self.process.terminate()
        self.process.wait(30)


def test_firefox_computes_and_draws_the_same(every, tmp_path):
    command = shutil.which("firefox-esr") or shutil.which("firefox")
    if command is None:
        pytest.skip("no Firefox found: NOT tested in it (apt-get install firefox-esr)")
    file = tmp_path / "figures.html"
    body = "".join(figure.html for figure in every)
    file.write_text(f"<!doctype html><html lang='en'><meta charset='utf-8'><body>{body}")
    (tmp_path / "profile").mkdir()
    firefox = Firefox(command, tmp_path / "profile")
    try:
        firefox.open(file, 390)
        layers = "[...document.querySelectorAll('.gdref-formula')].map(root => {"
        layers += "const {model, state} = root.gdref, out = model(state());"
        layers += (
            "return [out.layers, out.numbers, root.querySelector('[role=status]').textContent]})"
        )
        for figure, (drawn_, said, text) in zip(every[1:5], firefox.evaluate(layers), strict=True):
            for name, expected in figure.points().items():
                computed = np.array(drawn_[name], dtype=float)
                np.testing.assert_allclose(computed, expected, rtol=RTOL, atol=RTOL)
            for name, expected in figure.numbers().items():
                np.testing.assert_allclose(said[name], expected, rtol=RTOL)
            assert text == ("" if figure is every[3] else repr(figure))
        path = firefox.evaluate("document.querySelector('.gdref').gdref.model.runs()[0].path")
        np.testing.assert_allclose(path, every[0].path, rtol=RTOL, atol=1e-12)
        assert firefox.evaluate("document.documentElement.scrollWidth") <= 390
        moved = firefox.evaluate(
            """(() => {
                const root = document.querySelector("#gdref-pad");
                const slider = root.querySelector("input");
                const handle = root.querySelector(".gdref-handle");
                const line = root.querySelector("#gdref-pad-b0 path");
                const before = line.getAttribute("d");
                slider.value = 150;
                slider.dispatchEvent(new Event("input", {bubbles: true}));
                const box = root.querySelector("svg").getBoundingClientRect();
                return [line.getAttribute("d") !== before, box.width, handle.style.left];
            })()"""
        )
        assert moved[0] and moved[1] > 300 and float(moved[2].rstrip("%")) > 60
    finally:
        firefox.close()
