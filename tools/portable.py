"""Run the chapters as other machines would, and name each cell whose output changes.

    python tools/portable.py                         every chapter under every setting
    python tools/portable.py adam nag                some chapters
    python tools/portable.py --setting mixed         some settings
    python tools/portable.py --list                  what the settings are

A setting is the kernel that OpenBLAS picks, the vector instructions that NumPy uses, or gradients
of gdref.problems whose last bit is flipped at random.  The stored outputs are compared as in
`make test`.  The exit code is 1 if a cell is named.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "chapters"
KERNELS = ("Prescott", "Sandybridge", "Haswell")
SEEDS = (1, 2, 3)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

# Read by every Python that starts with it on its path: the gradients of gdref.problems, each
# number not 0 moved to its neighbour above or below, at random.
FLIP = """
import os

seed = os.environ.get("GDREF_FLIP")
if seed:
    import functools

    import numpy as np

    from gdref import problems

    rng = np.random.default_rng(int(seed))

    def flipped(grad):
        @functools.wraps(grad)
        def last_bit_flipped(*args, **kwargs):
            g = np.asarray(grad(*args, **kwargs))
            if g.dtype.kind != "f":
                return g[()]
            beside = np.nextafter(g, np.where(rng.random(g.shape) < 0.5, -np.inf, np.inf))
            return np.where(g == 0, g, beside).astype(g.dtype)[()]

        return last_bit_flipped

    def flip_all(made):
        begin = made.__init__

        def __init__(self, *args, **kwargs):
            begin(self, *args, **kwargs)
            object.__setattr__(self, "grad", flipped(self.grad))

        made.__init__ = __init__

    flip_all(problems.Surface)
    flip_all(problems.Model)
    problems._quadratic_grad = flipped(problems._quadratic_grad)
"""


def dispatched() -> str:
    """The vector instructions beyond its baseline that NumPy has and this processor runs."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    return " ".join(name for name in __cpu_dispatch__ if __cpu_features__.get(name))


def settings() -> dict[str, dict[str, str]]:
    """The environment of each setting."""
    found: dict[str, dict[str, str]] = {"own": {}}
    found |= {kernel.lower(): {"OPENBLAS_CORETYPE": kernel} for kernel in KERNELS}
    found["fewer"] = {"NPY_DISABLE_CPU_FEATURES": dispatched()}
    found |= {f"flip-{seed}": {"GDREF_FLIP": str(seed)} for seed in SEEDS}
    # what the tests run beside the machine's own: all three kinds at once
    found["mixed"] = found["sandybridge"] | found["fewer"] | {"GDREF_FLIP": "0"}
    return found


def run(chapter: str, environment: dict[str, str], hook: Path) -> tuple[list[str], float]:
    """One line for each cell that changes or raises, and the seconds that it took."""
    started = time.monotonic()
    path = [str(hook), str(ROOT), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", "--nbval",
         "--nbval-current-env", "--nbval-sanitize-with", "tests/nbval_sanitize.cfg",
         f"chapters/{chapter}.ipynb"],
        cwd=ROOT, capture_output=True, text=True,
        env=os.environ | environment | {"PYTHONPATH": os.pathsep.join(filter(None, path))},
    )  # fmt: skip
    text = COLOUR.sub("", done.stdout)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"pytest could not run {chapter}:\n{text}{done.stderr}")
    return named(text), time.monotonic() - started


def named(text: str) -> list[str]:
    """From what pytest says: the cell, what is wrong, and the first line that differs."""
    found = []
    for part in re.split(r"(?m)^(?=Cell \d+: Cell )", text)[1:]:
        head = part.splitlines()[0].replace(": Cell", ":")
        now = re.search(r"(?m)^  ?- ?(.+)$", part)
        error = re.search(r"(?m)^-*> *\d+ (.+)$", part)  # the line of the cell that raises
        detail = now[1] if now else error[1] if error else ""
        found.append(f"{head}  {detail.strip()[:100]}".rstrip())
    if not found and "failed" in text.splitlines()[-1]:
        found = [line for line in text.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return found


def main() -> int:
    known = settings()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER")
    parser.add_argument("--setting", nargs="+", choices=known, default=list(known)[:-1])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        for name, environment in known.items():
            words = ", ".join(f"{key}={value}" for key, value in environment.items())
            print(f"{name:12} {words or 'as this machine is'}")
        return 0
    chapters = options.chapters or sorted(path.stem for path in CHAPTERS.glob("*.ipynb"))
    work = [(chapter, setting) for setting in options.setting for chapter in chapters]
    cells = []
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        (Path(folder) / "sitecustomize.py").write_text(FLIP)

        def job(item):
            chapter, setting = item
            changed, seconds = run(chapter, known[setting], Path(folder))
            return chapter, setting, changed, seconds

        for n, (chapter, setting, changed, seconds) in enumerate(pool.map(job, work), 1):
            said = f"{len(changed)} cell(s) change" if changed else "the same"
            print(
                f"{n}/{len(work)}  {setting:12} {chapter:18} {seconds:5.0f} s  {said}", flush=True
            )
            for line in changed:
                print(f"      {line}", flush=True)
            cells += [f"{chapter}, {setting}: {line}" for line in changed]
    print(f"\n{len(cells)} cell(s) named in {len(work)} runs" + "".join(f"\n  {c}" for c in cells))
    return int(bool(cells))


if __name__ == "__main__":
    sys.exit(main())
