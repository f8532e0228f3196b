"""Run the chapters and store their outputs, or edit a chapter as text.

    python tools/notebooks.py execute [CHAPTER ...]   run notebooks, store outputs in place
    python tools/notebooks.py text CHAPTER ...        write text/CHAPTER.md (MyST), to be edited
    python tools/notebooks.py notebook CHAPTER ...    bring the edited text back into the notebook
    python tools/notebooks.py normalise [CHAPTER ...] bring what another tool stored into form
    python tools/notebooks.py first-cell [CHAPTER ...] renew what installs gdref where it is missing

What is stored depends on the cells alone, so that differences stay readable and branches merge: no
time stamps, no execution counts, no version of the machine's Python, and each cell keeps its id.
Pictures have 256 colours, a third of the bytes.
"""

import argparse
import base64
import hashlib
import io
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jupytext
import nbformat
import yaml
from jupytext.combine import combine_inputs_with_outputs
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from tools import settings as settings  # noqa: E402  one thread; the kernels inherit it

CHAPTERS = ROOT / "chapters"
TEXT = ROOT / "text"
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
SECONDS = 600  # the longest that one cell may take


def normalise(notebook):
    """Leave only what the author wrote and what the cells put out."""
    notebook.metadata = nbformat.from_dict(KERNEL)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    taken = set()
    for cell in notebook.cells:
        cell.metadata = only(cell.metadata, ("tags", "mystnb"))
        cell["id"] = cell_id(cell, taken)
        taken.add(cell["id"])
        if cell.cell_type == "code":
            cell.execution_count = None
        for output in cell.get("outputs", []):
            if "execution_count" in output:
                output.execution_count = None
            if "metadata" in output:
                # written by myst_nb.glue, and by gdref.book.plots.picture
                output.metadata = only(output.metadata, ("scrapbook", "image/png"))
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = with_256_colours(output.data["image/png"])
    return notebook


def with_256_colours(picture):
    """A PNG in base64 with a palette; one that has a palette already is left as it is."""
    image = Image.open(io.BytesIO(base64.b64decode(picture)))
    if image.mode == "P":
        return picture
    if image.mode == "RGBA" and image.getextrema()[3] == (255, 255):
        image = image.convert("RGB")
    method = Image.Quantize.FASTOCTREE if image.mode == "RGBA" else Image.Quantize.MEDIANCUT
    small, buffer = image.quantize(256, method=method, dither=Image.Dither.NONE), io.BytesIO()
    small.save(buffer, "PNG", optimize=True, dpi=image.info.get("dpi", (150, 150)))
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def only(metadata, names):
    return nbformat.from_dict({name: metadata[name] for name in names if metadata.get(name)})


def cell_id(cell, taken):
    """The id the cell has, or one made from its text if it has none of its own."""
    if cell.get("id") and cell["id"] not in taken:
        return cell["id"]
    text = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
    while text in taken:
        text = hashlib.sha256(text.encode()).hexdigest()[:8]
    return text


# ---- the first cell installs gdref where it is missing

INSTALL = """\
# Where gdref is missing, as on Colab, this installs it.
import importlib.util

if importlib.util.find_spec("gdref") is None:
    wheel = "{wheel}"
    %pip install --quiet {what}
    importlib.invalidate_caches()
    if importlib.util.find_spec("gdref") is None:
        raise ImportError(
            f"There is no gdref, and {{wheel}} could not be installed. "
            "{advice}"
        )

"""
# what it replaces: itself, and the comment that stood there before
INSTALLS = re.compile(
    r"\A# Where gdref is missing(?s:.*?)\n        \)\n+|\A# In a fresh environment.*\n# +pip.*\n"
)
WHEEL = re.compile(r"gdref-[0-9][\w.]*-py3-none-any\.whl")
# what a chapter needs beyond the extra "chapters"
EXTRAS = {"parallel": ",parallel", "engines": ",compiled,jax"}
PACKAGES = {"course": " pytest"}


def wheel_name():
    text = (ROOT / "gdref" / "__init__.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'^__version__ = "(.+)"$', text, re.M)
    return f"gdref-{version}-py3-none-any.whl"


def site_address():
    """Where the site stands, as _config.yml says, or '' if it does not."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    return config.get("html", {}).get("baseurl", "").rstrip("/")


def install_part(chapter, address):
    """The first lines of a chapter's first code cell."""
    extras, packages = "chapters" + EXTRAS.get(chapter, ""), PACKAGES.get(chapter, "")
    if address:
        wheel, what = f"{address}/{wheel_name()}", f'"gdref[{extras}] @ {{wheel}}"'
        advice = "Is there a network?"
    else:
        wheel, what = wheel_name(), f'"./{{wheel}}[{extras}]"'
        advice = "Put it beside this notebook; the book's site has it."
    return INSTALL.format(wheel=wheel, what=what + packages, advice=advice)


def with_install_part(notebook, chapter, address):
    """The notebook with the current part, and with the wheel's current name wherever it stands."""
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    first.source = install_part(chapter, address) + INSTALLS.sub("", first.source)
    for cell in notebook.cells:
        cell.source = WHEEL.sub(wheel_name(), cell.source)
    return notebook


def renew_first_cell(path):
    write(with_install_part(read(path), path.stem, site_address()), path)
    return ""


def read(path):
    return nbformat.read(path, as_version=4)


def write(notebook, path):
    nbformat.write(normalise(notebook), path)


def execute(path):
    """Run a notebook from a clean kernel in its own folder; return what went wrong, or ''."""
    started = time.perf_counter()
    notebook = read(path)
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
    )
    try:
        client.execute()
    except (CellControlSignal, DeadKernelError) as error:
        print(f"  {path.stem:<18} FAILED, nothing stored", flush=True)
        return f"{path.stem}: {COLOUR.sub('', str(error))}"
    write(notebook, path)
    print(f"  {path.stem:<18} {time.perf_counter() - started:5.1f} s", flush=True)
    return ""


def execute_all(paths):
    print(f"Running {len(paths)} notebook(s) from a clean kernel:", flush=True)
    with ThreadPoolExecutor(max_workers=2) as pool:
        failures = [failure for failure in pool.map(execute, paths) if failure]
    return "\n\n".join(failures)


def to_text(path):
    text = TEXT / f"{path.stem}.md"
    if text.exists() and text.stat().st_mtime > path.stat().st_mtime:
        return f"{text.name} is newer than the notebook: bring it back first, or delete it."
    TEXT.mkdir(exist_ok=True)
    jupytext.write(read(path), text, fmt="md:myst")
    os.utime(text, (path.stat().st_mtime,) * 2)
    print(f"Edit {text.relative_to(ROOT)}, then: make notebook CHAPTER={path.stem}")
    return ""


def from_text(path):
    text = TEXT / f"{path.stem}.md"
    if not text.exists():
        return f"There is no {text.relative_to(ROOT)}: make text CHAPTER={path.stem} first."
    notebook = jupytext.read(text, fmt="md:myst")
    for cell in notebook.cells:
        cell.pop("id", None)  # drawn at random; a new cell gets a stable one when written
    if path.exists():
        stored = read(path)
        notebook = combine_inputs_with_outputs(notebook, stored, fmt="md:myst")
        unchanged = {(cell.get("id"), cell.source) for cell in stored.cells}
        for cell in notebook.cells:
            if cell.cell_type == "code" and (cell.get("id"), cell.source) not in unchanged:
                cell.outputs, cell.execution_count = [], None
    write(notebook, path)
    print(f"Wrote {path.relative_to(ROOT)}; new outputs: make execute CHAPTER={path.stem}")
    return ""


def to_form(path):
    write(read(path), path)
    return ""


ACTIONS = {
    "text": to_text,
    "notebook": from_text,
    "normalise": to_form,
    "first-cell": renew_first_cell,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["execute", *ACTIONS])
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help="such as adam")
    arguments = parser.parse_args()
    if arguments.chapters:
        paths = [CHAPTERS / f"{Path(name).stem}.ipynb" for name in arguments.chapters]
    else:
        paths = sorted(CHAPTERS.glob("*.ipynb"))
    if arguments.action in ("text", "notebook") and not arguments.chapters:
        parser.error("name a chapter, such as adam")
    missing = [path.stem for path in paths if not path.exists()]
    if missing and arguments.action != "notebook":
        parser.error(f"no such chapter: {', '.join(missing)}")
    if arguments.action == "execute":
        failed = execute_all(paths)
    else:
        act = ACTIONS[arguments.action]
        failed = "\n".join(message for path in paths if (message := act(path)))
    if failed:
        sys.exit(failed)


if __name__ == "__main__":
    main()
