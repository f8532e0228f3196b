"""gdref as its wheel installs it, away from the repository."""

import functools
import os
import re
import shutil
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


def fresh_environment(folder):
    """A Python in a folder, with all packages of this one but gdref, which is in no search path."""
    builder = venv.EnvBuilder(symlinks=os.name != "nt")
    builder.create(folder / "venv")
    (site,) = (folder / "venv").glob("**/site-packages")
    # the .pth files of that folder, one of which would bring gdref, are not read
    (site / "others.pth").write_text(str(Path(np.__file__).parents[1]))
    return builder.ensure_directories(folder / "venv").env_exe


def output_of(python, code, *options):
    """What code prints in the folder of an environment, without PYTHONPATH."""
    folder = Path(python).parents[2]
    command = [python, "-I", *options, "-c", code]
    surroundings = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


@pytest.fixture(scope="module")
def run(wheel, tmp_path_factory):
    """Run Python code where gdref is installed."""
    python = fresh_environment(tmp_path_factory.mktemp("elsewhere"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", wheel], check=True)
    return functools.partial(output_of, python)


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
    assert run(code, "-W", "ignore").split() == ["True"] * 4


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


def test_installing_from_a_clone_leaves_nothing_untracked(tmp_path):
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("no git repository here")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    options = ["--no-deps", "--no-build-isolation", "--target", tmp_path / "site"]
    subprocess.run([*pip, *options, "."], cwd=clone, check=True)
    assert (tmp_path / "site" / "gdref" / "rules.py").is_file()
    status = ["git", "status", "--porcelain"]
    said = subprocess.run(status, cwd=clone, capture_output=True, text=True, check=True)
    assert said.stdout == ""
    (clone / "left").touch()  # it would be seen
    said = subprocess.run(status, cwd=clone, capture_output=True, text=True, check=True)
    assert said.stdout == "?? left\n"


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


FIRST_CELL = """
from IPython.core.interactiveshell import InteractiveShell

result = InteractiveShell.instance().run_cell(open("cell.py").read())
print(result.error_in_exec or "installed")
"""


def test_the_first_cell_of_a_chapter_installs_it(wheel, tmp_path):
    """From the wheel beside the notebook; without it, it says what to do."""
    pytest.importorskip("IPython")
    notebooks = pytest.importorskip("tools.notebooks")
    python = fresh_environment(tmp_path)
    (tmp_path / "cell.py").write_text(notebooks.install_part("adam", address=""))
    before = output_of(python, FIRST_CELL).splitlines()[-1]
    assert before.startswith(f"There is no gdref, and {wheel.name} could not be installed. Put it")
    shutil.copy(wheel, tmp_path)
    assert output_of(python, FIRST_CELL).splitlines()[-1] == "installed"
    assert "site-packages" in output_of(python, "import gdref; print(gdref.__file__)")
