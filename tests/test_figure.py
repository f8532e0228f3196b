"""The figure that the reader moves, in Chromium: it computes what gdref computes, and it moves.

Agreement is relative to the size of the iterate, the larger of its two coordinates: a coordinate
that crosses 0 has no digits of its own.
"""

import itertools
import re
import warnings
from dataclasses import replace

import numpy as np
import pytest

from gdref import RULES, adam, gd, iterate_state, momentum, nag, problems
from gdref._inputs import form
from gdref.book.movable import movable

STEPS = 100
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
def open_page(browser):
    """Open a page of figures; whatever the page complains about fails the test."""
    complaints, contexts = [], []

    def opened(*figures, width=760, theme="light", scripts=True):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=scripts, offline=True
        )
        contexts.append(context)
        context.set_default_timeout(5000)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url))
        background, colour = ("#fff", "#222") if theme == "light" else ("#14181e", "#ced6dd")
        page.set_content(
            f"<!doctype html><html lang='en' data-theme='{theme}'><head><title>Figures</title>"
            "<meta name='viewport' content='width=device-width'></head>"
            f"<body style='background: {background}; color: {colour}; font-family: sans-serif'>"
            f"<main><h1>Figures</h1>{''.join(figure.html for figure in figures)}</main>"
        )
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


RAVINE = problems.ravine()
SHORT = dict(alt="A path.", eta=0.04, gamma=0.8, steps=40)


@pytest.fixture(scope="module")
def figure():
    return movable(momentum, RAVINE, compare={nag: {}, adam: {"eta": 0.2}}, **SHORT)


# ---- without a browser


def test_the_figure_is_the_same_every_time(figure):
    again = movable(momentum, RAVINE, compare={nag: {}, adam: {"eta": 0.2}}, **SHORT)
    assert again.html == figure.html
    assert again.png == figure.png
    assert again.png.startswith(b"\x89PNG")


def test_its_forms_and_numbers(figure):
    bundle = figure._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/png", "text/plain"}
    steps = iterate_state(momentum, RAVINE.grad, np.array(RAVINE.start), eta=0.04, gamma=0.8)
    expected = list(itertools.islice(steps, 41))
    np.testing.assert_array_equal(figure.path, [theta for theta, _ in expected])
    np.testing.assert_array_equal(figure.state["v"][1:], [v for _, v in expected[1:]])
    assert bundle["text/plain"] == "momentum at t = 40: θ = (−0.04649, −0.002694), J = 0.001153"


def test_it_is_small_and_needs_nothing_from_elsewhere():
    for surface in problems.SURFACES.values():
        html = movable(adam, surface(), alt="A path.", steps=100).html
        assert len(html.encode()) < 200_000
        assert not re.search(r"(src|href)\s*=\s*[\"'](?!#)|@import|fetch\(|url\((?!#)", html)


def test_ids_are_unique_and_its_own(figure):
    other = movable(momentum, RAVINE, name="other", **SHORT)
    markup = re.sub(r"(?s)<script>.*?</script>", "", figure.html + other.html)
    ids = re.findall(r'\bid="([^"]*)"', markup)
    assert len(ids) == len(set(ids))
    assert all(name.startswith(("gdref-momentum-ravine", "gdref-other")) for name in ids)


def test_one_expression_neutralises_it(figure):
    pattern = r"(?s)<!-- movable figure -->.*?<!-- end of movable figure -->"
    assert re.sub(pattern, "FIGURE", figure.html + figure.html) == "FIGUREFIGURE"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"beta1": 0.9}, TypeError),
        ({"gamma": 1.5}, ValueError),
        ({"eta": lambda t: 0.1 / t}, TypeError),
        ({"choices": {"rate": [0.1]}}, TypeError),
        ({"show": "u"}, ValueError),
        ({"compare": {gd: {"gamma": 0.9}}}, TypeError),
    ],
)
def test_wrong_options_are_errors(options, error):
    with pytest.raises(error):
        movable(momentum, RAVINE, alt="A path.", **options)


# ---- what the page computes


def cases(surface):
    """Each rule with each setting and start, as the page takes them."""
    for rule in RULES.values():
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


def in_page(page, cases):
    history = page.evaluate(
        """cases => cases.map(({rule, settings, start}) =>
            document.querySelector(".gdref").gdref.run(rule, settings, start, 100).history)""",
        [{key: case[key] for key in ("rule", "settings", "start")} for case in cases],
    )
    return [np.array(rows, dtype=float) for rows in history]


@pytest.mark.parametrize("name", problems.SURFACES)
def test_the_page_computes_the_paths_of_gdref(name, open_page):
    """Whole paths, wherever gdref's own path is no chaos: a start that differs by 1e-12 must end
    within 1e-9.  Where it is, no two orders of rounding agree; the next test covers these."""
    surface = problems.SURFACES[name]()
    page = open_page(movable(gd, surface, alt="A path."))
    every = list(cases(surface))
    compared = dict.fromkeys(RULES, 0)
    for case, computed in zip(every, in_page(page, every), strict=True):
        expected = in_gdref(surface, case, case["start"])
        moved = in_gdref(surface, case, np.array(case["start"]) * (1 + 1e-12))
        if apart(expected, moved) > 1e-9:
            continue
        compared[case["rule"]] += 1
        finite = np.isfinite(expected)
        np.testing.assert_array_equal(finite, np.isfinite(computed), err_msg=case["label"])
        assert apart(expected, computed) <= RTOL, case["label"]
    assert min(compared.values()) >= 2, compared


@pytest.mark.parametrize("name", problems.SURFACES)
def test_the_page_computes_the_steps_of_gdref(name, open_page):
    """Each single step, theta and state, from each of gdref's own iterates, chaotic or not."""
    surface = problems.SURFACES[name]()
    page = open_page(movable(gd, surface, alt="A path."))
    for case in cases(surface):
        expected = in_gdref(surface, case, case["start"])
        size = np.abs(expected).max(axis=1, keepdims=True)
        usable = (size < 1e100).all(axis=(1, 2)) & (size[:, 0, 0] > 1e-100)
        before = np.flatnonzero(usable[:-1] & usable[1:])
        after = page.evaluate(
            """({rule, settings, rows, steps}) => {
                const {rules, gradients} = document.querySelector(".gdref").gdref;
                return rows.map((row, i) => rules[rule](steps[i] + 1, row, gradients[0], settings));
            }""",
            {"rule": case["rule"], "settings": case["settings"],
             "rows": expected[before].tolist(), "steps": before.tolist()},
        )  # fmt: skip
        if len(before):
            scale = np.maximum(size[before], size[before + 1])
            error = np.abs(np.array(after, dtype=float) - expected[before + 1]) / scale
            assert error.max() <= RTOL, case["label"]


def test_loss_of_the_page(open_page):
    for surface in (make() for make in problems.SURFACES.values()):
        figure = movable(gd, surface, alt="A path.", compare=[])
        losses = open_page(figure).evaluate(
            "document.querySelector('.gdref').gdref.runs()[0].losses"
        )
        np.testing.assert_allclose(losses, figure.losses, rtol=RTOL, atol=1e-300)


def test_adamax_before_its_first_gradient_is_not_a_number_as_in_gdref(open_page):
    surface = problems.ravine()
    figure = movable(RULES["adamax"], surface, alt="A path.", start=(-4.0, 0.0), compare=[])
    page = open_page(figure)
    path = np.array(page.evaluate("document.querySelector('.gdref').gdref.path()"), dtype=float)
    np.testing.assert_array_equal(np.isnan(path), np.isnan(figure.path))
    assert np.isnan(path[1, 1])
    assert "diverged; not finite from step 1 on" in page.get_by_role("status").inner_text()
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
    path = open_page(figure).evaluate("document.querySelector('.gdref').gdref.path()")
    assert figure.path[1, 1] == figure.path[0, 1] != figure.path[2, 1]
    np.testing.assert_allclose(path, figure.path, rtol=RTOL)


# ---- how it moves


def numbers(text):
    return np.array(re.findall(r"-?[\d.]+", text), dtype=float)


def drawn(page):
    """What the two plots show: where each line goes and what stands beside the ticks."""
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


@pytest.mark.parametrize(
    ("name", "versus"), list(zip(problems.SURFACES, [None, gd] * 3, strict=True))
)
def test_the_script_redraws_what_matplotlib_drew(name, versus, open_page):
    figure = movable(adam, problems.SURFACES[name](), alt="A path.", eta=0.05, versus=versus,
                     compare=[gd])  # fmt: skip
    page = open_page(figure)
    lines, ticks = drawn(page)
    # As it stands in the file: the drawing alone, without controls and script.
    plots = re.search(r"(?s)<style>.*</form>", figure.html)[0]
    still = open_page(replace(figure, html=f'<div class="gdref">{plots}</div>'))
    still_lines, still_ticks = drawn(still)
    for part in ("path", "losses", "state-1", "state-2"):
        (key,) = [key for key in lines if key.endswith(f"-{part}")]
        # Matplotlib leaves out points of a straight line, and what lies outside the figure.
        redrawn, original = (each[key].reshape(-1, 2) for each in (lines, still_lines))
        size = min(len(redrawn), len(original))
        seen = ((redrawn[:size] > 0) & (redrawn[:size] < 260)).all(axis=1)
        together = size if seen.all() else int(seen.argmin())
        assert together >= 2 or part == "path"
        np.testing.assert_allclose(redrawn[0], original[0], atol=0.2)
        if len(redrawn) == len(original):
            np.testing.assert_allclose(redrawn[:together], original[:together], atol=0.2)
        if seen.all():
            np.testing.assert_allclose(redrawn[-1], original[-1], atol=0.2)
    for redrawn, original in zip(ticks, still_ticks, strict=True):
        redrawn, original = sorted(redrawn), sorted(original)
        assert [text for text, *_ in redrawn] == [text for text, *_ in original]
        for (_, *at), (_, *was) in zip(redrawn, original, strict=True):
            np.testing.assert_allclose(at, was, atol=1.5)


def test_without_scripts_the_figure_stands(figure, open_page):
    page = open_page(figure, scripts=False)
    assert page.locator("svg[role=img]").count() == 2
    assert page.locator("svg").first.is_visible()
    assert not page.locator("form").is_visible()
    assert not page.locator(".gdref-start").is_visible()
    page.locator("summary").click()
    assert page.locator("tbody tr").count() == 21
    assert page.get_by_role("status").inner_text() == repr(figure)


def read(page, index=0):
    """The path that a figure shows, and the settings that its controls show."""
    root = page.locator(".gdref").nth(index)
    path = root.evaluate("root => root.gdref.path()")
    settings = (
        root.locator("fieldset")
        .first.locator("label")
        .evaluate_all(
            """labels => labels.map(label => [label.querySelector("input").name.split(".").at(-1),
                                          label.querySelector("span").textContent])"""
        )
    )
    values = {name: float(text.replace("−", "-")) for name, text in settings}
    return np.array(path), int(values.pop("steps")), values


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_slider_moves_the_path_to_where_gdref_has_it(rule, open_page):
    figure = movable(rule, RAVINE, alt="A path.", steps=STEPS, compare=[])
    page = open_page(figure)
    sliders = page.locator("fieldset").first.locator("input[type=range]")
    shown = [figure.path]
    for i in range(1, sliders.count()):
        slider = sliders.nth(i)
        before = slider.input_value()
        slider.press("ArrowLeft")
        slider.press("ArrowLeft")
        assert slider.input_value() != before
        path, steps, values = read(page)
        run = iterate_state(rule, RAVINE.grad, np.array(RAVINE.start), **values)
        expected = np.array([theta for theta, *_ in itertools.islice(run, steps + 1)])
        size = np.abs(expected).max(axis=1, keepdims=True)
        assert (np.abs(path - expected) / size).max() <= RTOL
        assert not any(np.array_equal(path, other) for other in shown)
        shown.append(path)


def test_steps_start_comparison_and_reset(figure, open_page):
    page = open_page(figure)
    at_first = drawn(page)
    status, handle = page.get_by_role("status"), page.get_by_role("slider", name="start")

    page.get_by_role("slider", name="steps").press("End")
    assert len(read(page)[0]) == 201
    assert "momentum at t = 200" in status.inner_text()

    handle.press("ArrowRight")
    np.testing.assert_allclose(read(page)[0][0], [-3.93, 1])
    handle.press("Shift+ArrowDown")
    np.testing.assert_allclose(read(page)[0][0], [-3.93, 0.7])
    assert handle.get_attribute("aria-valuetext") == "θ₁ = −3.93, θ₂ = 0.7"
    for _ in range(40):
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
    np.testing.assert_allclose(centre, [x - 60, y + 40], atol=2)
    page.mouse.click(x - 120, y - 20)
    assert read(page)[0][0][0] < dragged[0]
    outside = read(page)[0]
    page.mouse.click(page.locator("svg").first.bounding_box()["x"] + 3, y)
    np.testing.assert_array_equal(read(page)[0], outside)

    assert not page.get_by_role("group", name="NAG").is_visible()
    page.get_by_role("radio", name="NAG").click()
    assert page.get_by_role("group", name="NAG").is_visible()
    assert "NAG at t = 200" in status.inner_text()
    versus = page.locator("[id$='-path-versus'] path")
    assert len(versus.get_attribute("d")) > 1000
    page.get_by_role("combobox").select_option(label="Δθ")
    page.get_by_role("radio", name="this path, kept").click()
    kept = versus.get_attribute("d")
    page.get_by_role("slider", name="γ").press("Home")
    assert versus.get_attribute("d") == kept
    assert page.locator("[id$='-path'] path").get_attribute("d") != kept
    assert "momentum, kept at t = 200" in status.inner_text()

    page.get_by_role("button", name="reset").click()
    page.wait_for_function("document.querySelector('.gdref').gdref.path().length === 41")
    np.testing.assert_allclose(read(page)[0], figure.path, rtol=RTOL)
    now = drawn(page)
    assert now[1] == at_first[1]
    assert {k: v.tolist() for k, v in now[0].items()} == {
        k: v.tolist() for k, v in at_first[0].items()
    }
    assert status.inner_text() == repr(figure)


def test_a_path_that_diverges_is_said_and_drawn_as_far_as_it_goes(open_page):
    figure = movable(gd, RAVINE, alt="A path.", compare=[], steps=50, max_steps=2000, eta=0.11)
    page = open_page(figure)
    assert "outside the plot" in page.get_by_role("status").inner_text()
    page.get_by_role("slider", name="steps").press("End")
    page.get_by_role("slider", name="η").press("End")
    assert "diverged; not finite from step" in page.get_by_role("status").inner_text()
    assert not re.search("NaN|Infinity|undefined", page.locator(".gdref-plots").inner_html())
    assert "infinite" in page.locator(".gdref-table").inner_html()


def test_two_figures_on_a_page_do_not_meet(figure, open_page):
    other = movable(momentum, RAVINE, name="other", versus=gd, **SHORT)
    page = open_page(figure, other, figure)  # the last: one output, shown twice
    page.get_by_role("slider", name="steps").nth(1).press("Home")
    assert [len(read(page, i)[0]) for i in range(3)] == [41, 1, 41]
    page.get_by_role("radio", name="NAG").nth(2).click()
    statuses = page.get_by_role("status").all_inner_texts()
    assert ["NAG" in text for text in statuses] == [False, False, True]
    assert ["gradient descent" in text for text in statuses] == [False, True, False]
    drawn_versus = page.locator("[id$='-path-versus'] path").evaluate_all(
        "paths => paths.map(path => path.getAttribute('d').length > 0)"
    )
    assert drawn_versus == [False, True, True]


def test_the_table_follows(figure, open_page):
    page = open_page(figure)
    page.locator("summary").click()
    last = page.locator("tbody tr").last
    assert last.inner_text().split() == ["40", "0.001153", "−0.04649", "−0.002694", *(
        f"{v:.4g}".replace("-", "−") for v in figure.state["v"][-1])]  # fmt: skip
    page.get_by_role("slider", name="steps").press("ArrowLeft")
    assert last.locator("th").inner_text() == "39"
    page.get_by_role("radio", name="Adam").click()
    assert page.locator(".gdref-table caption").all_inner_texts() == [
        "momentum, η = 0.04, γ = 0.8",
        "Adam, η = 0.2, β₁ = 0.9, β₂ = 0.999, ϵ = 1e−8",
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_it_fits_and_is_accessible(figure, width, theme, open_page):
    page = open_page(figure, width=width, theme=theme)
    page.locator("summary").click()
    page.get_by_role("radio", name="NAG").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for svg in page.locator("svg[role=img]").all():
        box = svg.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        assert box["width"] > 300
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page).response["violations"]
    assert not [(problem["id"], problem["nodes"][0]["html"][:200]) for problem in found]


def test_it_works_as_a_notebook_inserts_it(figure, open_page):
    """A notebook sets innerHTML, then puts a new script in the place of each it finds."""
    page = open_page()
    page.evaluate(
        """html => {
            const host = document.createElement("div");
            host.innerHTML = html;
            host.querySelectorAll("script").forEach(old => {
                const script = document.createElement("script");
                script.textContent = old.textContent;
                old.parentNode.replaceChild(script, old);
            });
            document.body.appendChild(host);
        }""",
        figure.html,
    )
    page.get_by_role("slider", name="steps").press("Home")
    assert len(read(page)[0]) == 1


def test_it_prints_without_controls(figure, open_page):
    page = open_page(figure)
    page.emulate_media(media="print")
    assert not page.locator("form").is_visible()
    assert page.locator("svg").first.is_visible()
