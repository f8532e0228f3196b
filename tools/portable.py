"""Run the chapters as other machines would, and name each cell whose output then changes.

    python tools/portable.py                      every chapter in every setting
    python tools/portable.py adam nag             some chapters (or paths of notebooks)
    python tools/portable.py --setting mixed own  some settings
    python tools/portable.py --list               what the settings are

The settings: another BLAS kernel, fewer vector instructions, gradients whose last bit is random,
all of these at once (tools/settings.py).  The stored outputs are compared as nbval does it in
`make test`: text in every form, no pictures, nothing of a cell tagged nbval-ignore-output.
The exit code is 1 if a cell is named.  As in nbval, only code cells count, from 0.
"""

import argparse
import os
import re
import sys
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from os.path import commonprefix
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbval.plugin import (
    coalesce_streams,
    find_comment_markers,
    find_metadata_tags,
    get_sanitize_patterns,
)

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from tools.settings import settings  # noqa: E402  one thread in the kernels too

CHAPTERS = ROOT / "chapters"
SANITIZE = get_sanitize_patterns((ROOT / "tests/nbval_sanitize.cfg").read_text())
PICTURES = ("image/png", "image/jpeg")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
SECONDS = 600  # the longest that one cell may take
WIDTH = 160  # of a line that is shown


def texts(outputs):
    """What nbval compares: for each kind of output its texts in order."""
    found = defaultdict(list)
    for output in coalesce_streams(list(outputs)):
        if output.output_type == "stream":
            found[output.name].append(output.text)
        for form, text in output.get("data", {}).items():
            if form not in PICTURES:
                found[form].append(text if isinstance(text, str) else str(text))
    for pattern, replacement in SANITIZE:
        for kind in found:
            found[kind] = [re.sub(pattern, replacement, text) for text in found[kind]]
    return found


def first_difference(stored, here):
    """The first line that differs, as '' or 'stored: ... here: ...'."""
    stored, here = texts(stored), texts(here)
    for kind in [*stored, *(kind for kind in here if kind not in stored)]:
        old, new = ("\n".join(side.get(kind, [])).split("\n") for side in (stored, here))
        for a, b in zip_longest(old, new, fillvalue="(no line)"):
            if a != b:
                a, b = around(a, b)
                return f"{kind}\n      stored: {a}\n      here:   {b}"
    return ""


def around(a, b):
    """Both lines; when they are long, from shortly before they part."""
    start = len(commonprefix([a, b]))
    start = max(0, start - WIDTH // 2) if max(len(a), len(b)) > WIDTH else 0
    return tuple(("..." if start else "") + line[start : start + WIDTH] for line in (a, b))


def run(path, setting):
    """Run a notebook in a setting, on through errors; its code cells as (stored, now)."""
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    stored = [list(cell.outputs) for cell in cells]
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
    )
    client.execute(env=os.environ | setting.environment())
    return list(zip(cells, stored, strict=True))


def changed(path, setting):
    """For each cell that changes or raises: its number, and the first line that differs."""
    try:
        cells = run(path, setting)
    except (CellTimeoutError, DeadKernelError) as error:
        yield "?", str(error).strip().splitlines()[0]
        return
    for number, (cell, stored) in enumerate(cells):
        marks = dict(find_metadata_tags(cell.metadata)) | dict(find_comment_markers(cell.source))
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if errors and not marks.get("check_exception"):
            lines = COLOUR.sub("", "\n".join(errors[0].traceback)).splitlines()
            at = next((line for line in lines if re.match(r"-+> *\d", line)), "")
            yield number, f"raises {lines[-1]}\n      {at}"
        elif marks.get("check", True) and (words := first_difference(stored, cell.outputs)):
            yield number, words


def main(arguments=None):
    known = settings()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER")
    parser.add_argument("--setting", nargs="+", choices=known, default=list(known))
    parser.add_argument("--jobs", type=int, default=2, help="kernels at a time")
    parser.add_argument("--list", action="store_true", help="list the settings and stop")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(f"{name:<12} {setting}" for name, setting in known.items()))
        return 0
    paths = [
        Path(name).resolve() if name.endswith(".ipynb") else CHAPTERS / f"{name}.ipynb"
        for name in options.chapters
    ] or sorted(CHAPTERS.glob("*.ipynb"))
    if missing := [path.stem for path in paths if not path.exists()]:
        parser.error(f"no such chapter: {', '.join(missing)}")
    work = [(path, name) for path in paths for name in options.setting]

    def job(item):
        path, name = item
        started = time.perf_counter()
        return list(changed(path, known[name])), time.perf_counter() - started

    named = defaultdict(list)
    started = time.perf_counter()
    with ThreadPoolExecutor(options.jobs) as pool:
        results = zip(work, pool.map(job, work), strict=True)
        for n, ((path, name), (cells, seconds)) in enumerate(results, 1):
            said = f"{len(cells)} cell(s) change" if cells else "the same"
            print(f"{n}/{len(work)}  {path.stem:<18} {name:<12} {seconds:5.0f} s  {said}")
            for cell, words in cells:
                print(f"    cell {cell}, {words}")
                named[f"{path.stem} {cell}"].append(name)
            sys.stdout.flush()
    minutes = (time.perf_counter() - started) / 60
    print(f"{len(named)} cell(s) named in {len(work)} runs, {minutes:.1f} minutes")
    for cell, names in named.items():
        print(f"  {cell}: {', '.join(names)}")
    return int(bool(named))


if __name__ == "__main__":
    sys.exit(main())
