"""`make portable`: it must name what another machine would print differently, and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest

from tools import last_bit, portable
from tools.settings import Setting, settings

ROOT = Path(__file__).resolve().parent.parent
FLIPPED = Setting(seed=1)

START = "import numpy as np\nfrom gdref import minimize, problems, rules"
STEADY = """valley = problems.ravine()
run = minimize(valley.loss, valley.start, rules.gd, grad=valley.grad, steps=200, eta=.05)
run.x.round(6) + 0"""
# x becomes 4x(1 - x) a hundred times, as steps of gradient descent: chaotic
CHAOS = """swing = problems.Surface(
    "chaos", lambda x: 0.0, lambda x: 4 * x**2 - 3 * x, (0.3, 0.3), None, (0, 1, 0, 1))
run = minimize(swing.loss, swing.start, rules.gd, grad=swing.grad, steps=100, eta=1)"""


@pytest.mark.parametrize("kind", [float, np.float64, np.float32])
def test_a_number_moves_by_one_unit_both_ways(kind):
    rng = np.random.default_rng(0)
    value = kind(0.1)
    unit = np.spacing(np.asarray(value))
    moved = [last_bit.flip(value, rng) for _ in range(50)]
    assert all(type(x) is kind for x in moved)
    assert {float(x - value) for x in moved} == {-float(unit), float(unit)}


def test_every_number_of_an_array_moves_and_zeros_stay():
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        values = np.r_[np.linspace(-3, 3, 201), 1e-30, -0.0].astype(dtype)
        moved = last_bit.flip(values, rng)
        assert moved.dtype == dtype and moved.shape == values.shape
        neighbours = np.stack([np.nextafter(values, dtype(way)) for way in (-np.inf, np.inf)])
        zero = values == 0
        assert (moved[zero] == 0).all() and zero.sum() == 2
        assert (moved == neighbours).any(axis=0)[~zero].all()
        assert (moved == neighbours).any(axis=1).all()  # some up, some down


def test_what_is_not_a_float_stays():
    rng = np.random.default_rng(0)
    whole, things = np.arange(3), np.array([None, "x"])
    assert last_bit.flip(whole, rng) is whole and last_bit.flip(things, rng) is things
    assert last_bit.flip(7, rng) == 7


def test_each_array_of_a_dict_is_flipped():
    rng = np.random.default_rng(0)
    moved = last_bit.flip({"a": np.ones(20), "b": np.arange(3)}, rng)
    assert (moved["a"] != 1).all() and np.allclose(moved["a"], 1, rtol=1e-15, atol=0)
    assert moved["b"].tolist() == [0, 1, 2]


def test_every_gradient_of_problems_is_flipped_and_no_loss():
    """In a process of its own, since it cannot be undone."""
    code = """
import numpy as np
from gdref import problems
from tools import last_bit

rng = np.random.default_rng(5)
X, y = rng.normal(size=(30, 4)), rng.integers(0, 3, size=30)
makes = [*problems.SURFACES.values()]
for make, labels in ((problems.least_squares, y), (problems.logistic, y > 0),
                     (problems.softmax, y), (problems.network, y)):
    makes.append(lambda make=make, labels=labels: make(X, labels))

def values():
    for make in makes:
        made = make()
        at = rng2.normal(size=len(getattr(made, "theta0", made.__dict__.get("start"))))
        yield made.loss(at), made.grad(at)
    at = rng2.normal(size=3)
    loss, grad = problems.quadratic([1.0, 2.0, 3.0])
    yield loss(at), grad(at)

rng2 = np.random.default_rng(6)
before = list(values())
last_bit.install(1)
rng2 = np.random.default_rng(6)
for (loss, grad), (same, moved) in zip(before, values(), strict=True):
    assert loss == same
    near = np.stack([np.nextafter(grad, -np.inf), np.nextafter(grad, np.inf)])
    assert ((moved == near).any(axis=0) | (grad == 0)).all()
    assert (moved != grad).any()
print(len(before))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "11\n"


def test_each_setting_has_the_effect_that_it_names():
    """NumPy and OpenBLAS themselves say what they use."""
    code = """
import numpy as np
from threadpoolctl import threadpool_info
print(*(lib.get("architecture") for lib in threadpool_info() if lib["user_api"] == "blas"))
print(*np.show_config(mode="dicts")["SIMD Extensions"].get("found", ()))
"""
    pytest.importorskip("threadpoolctl")
    for name, setting in settings().items():
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | setting.environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0 and not done.stderr, f"{name}: {done.stderr}"
        kernel, found = done.stdout.splitlines()
        kernel = kernel.replace("Katmai", "Prescott")  # one kernel of two names
        assert setting.kernel.lower() in kernel.lower(), f"{name}: {kernel}"
        assert not set(setting.without) & set(found.split()), f"{name}: {found}"


def test_settings_differ_from_the_machine_and_from_each_other():
    listed = settings()
    assert len(set(listed.values())) == len(listed)
    assert listed["own"] == Setting() and not listed["own"].environment()
    assert len([name for name in listed if name.startswith("flip-")]) >= 3
    assert listed["mixed"].seed is not None


def store(path, *cells):
    """A notebook of these (source, tags), with the outputs that this machine gives."""
    code = [
        nbformat.v4.new_code_cell(source, metadata={"tags": tags})
        for source, tags in ((START, []), *cells)
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=code), path)
    for cell, (now, _) in zip(code, portable.run(path, Setting()), strict=True):
        cell.outputs = now.outputs
    nbformat.write(nbformat.v4.new_notebook(cells=code), path)


def test_planted_cells_are_named_and_their_neighbours_are_not(tmp_path, capsys):
    """All digits of a chaotic run, and an assert on its edge; stored where they hold."""
    path = tmp_path / "planted.ipynb"
    store(
        path,
        (STEADY, []),
        (f"{CHAOS}\nrun.x[0]", []),
        ("run.x[0]", ["nbval-ignore-output"]),
        ("run.nit", []),
    )
    assert [*portable.changed(path, Setting())] == []
    ((cell, words),) = portable.changed(path, FLIPPED)
    assert cell == 2 and words.startswith("text/plain") and "stored: np.float64(" in words

    notebook = nbformat.read(path, as_version=4)
    edge = notebook.cells[2].outputs[0].data["text/plain"].removeprefix("np.")
    edge = edge.removeprefix("float64(").removesuffix(")")
    store(path, (CHAOS, []), (f"assert run.x[0] == {edge}", []), ("run.nit", []))
    assert portable.main([str(path), "--setting", "own", "flip-1"]) == 1
    said = capsys.readouterr().out
    assert "cell 2, raises AssertionError" in said
    assert said.splitlines()[-2:] == [said.splitlines()[-2], "  planted 2: flip-1"]
    assert said.splitlines()[-2].startswith("1 cell(s) named in 2 runs")


@pytest.mark.parametrize("name, code", [("own", 0), ("mixed", 1)])
def test_pytest_runs_notebooks_in_the_setting(tmp_path, name, code):
    """What `make test` does, on a notebook that only this machine repeats."""
    path = tmp_path / "planted.ipynb"
    store(path, (f"{CHAOS}\nrun.x[0]", []))
    command = "-m pytest -p conftest -p no:cacheprovider --nbval --nbval-current-env"
    done = subprocess.run(
        [sys.executable, *command.split(), path],
        cwd=ROOT,
        env=os.environ | {"SETTING": name},
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stdout
    assert f"in the setting {name}: {settings()[name]}" in done.stdout


def test_the_first_line_that_differs_is_shown():
    def stream(text):
        return [nbformat.v4.new_output("stream", name="stdout", text=text)]

    assert portable.first_difference(stream("a\nb\n"), stream("a\nb\n")) == ""
    assert portable.first_difference(stream("a\nb\n"), stream("a\nc\n")) == (
        "stdout\n      stored: b\n      here:   c"
    )
    words = portable.first_difference(stream("x" * 900 + "1"), stream("x" * 900 + "2"))
    assert words.splitlines()[1].endswith("x1") and len(words) < 500


def test_pictures_are_left_out_and_their_text_is_not():
    def shown(**data):
        forms = {form.replace("_", "/"): text for form, text in data.items()}
        return [nbformat.v4.new_output("display_data", forms)]

    before = shown(text_plain="1.00", image_png="AAAA")
    assert portable.first_difference(before, shown(text_plain="1.00", image_png="BBBB")) == ""
    assert portable.first_difference(before, shown(text_plain="1.01", image_png="AAAA"))
    assert portable.first_difference(before, [])
