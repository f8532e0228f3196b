"""gdref as its wheel installs it, away from the repository."""

import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest

import gdref
from tools import wheel as tool

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    tool.build(folder)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def run(wheel, tmp_path_factory):
    """Run Python code where gdref is installed, in a folder of its own, without its sources."""
    folder = tmp_path_factory.mktemp("elsewhere")
    builder = venv.EnvBuilder(symlinks=os.name != "nt")
    builder.create(folder / "venv")
    python = builder.ensure_directories(folder / "venv").env_exe
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", wheel], check=True)
    (site,) = (folder / "venv").glob("**/site-packages")
    # what gdref needs, from the environment of the tests; its own .pth files are not read
    (site / "others.pth").write_text(str(Path(np.__file__).parents[1]))

    def run(code, *options):
        # -I: neither this folder nor PYTHONPATH
        done = subprocess.run(
            [python, "-I", *options, "-c", code], cwd=folder, capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.strip()

    return run


def test_all_that_is_needed_is_in_it(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    sources = [path for path in (ROOT / "gdref").rglob("*") if path.is_file()]
    package = {p.relative_to(ROOT).as_posix() for p in sources if p.suffix != ".pyc"}
    assert "gdref/py.typed" in package and len(package) > 30
    assert {name for name in inside if not name.startswith("gdref-")} == package


EVERYTHING = """
import importlib, pkgutil, sys
import gdref
assert "site-packages" in gdref.__file__ and "gdref" not in sys.argv
for module in pkgutil.walk_packages(gdref.__path__, "gdref."):
    try:
        importlib.import_module(module.name)
    except ImportError as error:
        assert not (error.name or "").startswith("gdref"), error
        print(module.name, "needs", error.name)
"""


def test_every_module_is_imported(run):
    """Or says which library it needs, and none of these is needed by the rules."""
    needy = {line.split()[0] for line in run(EVERYTHING).splitlines()}
    allowed = {"torch", "optax", "compiled", "symbolic", "book", "experiments"}
    assert {name.split(".")[1] for name in needy} <= allowed


def test_its_data_is_found(run):
    pytest.importorskip("sympy")
    pytest.importorskip("matplotlib")
    code = """
from gdref import dialects, gd, problems
from gdref.book.movable import movable
from gdref.experiments import comparison
print(len(dialects.recorded("adam")) > 0)
figure = movable(gd, problems.ravine(), alt="A path.")
print("<style" in figure.html, "<script" in figure.html)
print(comparison.RESULTS.is_file())
"""
    assert run(code).split() == ["True"] * 4


@pytest.mark.parametrize("optimisation", ["-O", "-OO"])
def test_without_docstrings_and_asserts(run, optimisation):
    code = """
import gdref
result = gdref.minimize(lambda x: x**2, 1.0, gdref.adam, steps=3, eta=0.1)
print(gdref.adam.__doc__ is None, result.nit)
"""
    assert run(code, optimisation) == f"{optimisation == '-OO'} 3"


def test_the_version_stands_in_one_place(wheel, run):
    """In gdref/__init__.py; the wheel, its metadata and the citation repeat it."""
    assert wheel.name == f"gdref-{gdref.__version__}-py3-none-any.whl"
    code = "import gdref, importlib.metadata as m; print(gdref.__version__, m.version('gdref'))"
    assert run(code).split() == [gdref.__version__] * 2
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {gdref.__version__}\n" in citation
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", changes, re.M)[0] == gdref.__version__


IMPORT = """
import time
start = time.process_time()
import numpy
middle = time.process_time()
import sys
before = set(sys.modules)
start_gdref = time.process_time()
import gdref
end = time.process_time()
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print(middle - start, end - start_gdref, *sorted(new - sys.stdlib_module_names))
"""


def test_import_brings_numpy_alone_and_is_quick(run):
    """Within 20 ms beyond NumPy; on a slow machine, a quarter of what NumPy takes."""
    runs = [run(IMPORT).split() for _ in range(6)]
    assert [names for _, _, *names in runs] == [["gdref"]] * 6
    numpy, ours = (min(float(each[k]) for each in runs) for k in (0, 1))
    assert ours < max(0.02, numpy / 4)
