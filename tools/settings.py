"""Threads, BLAS kernel, vector instructions, last bits: the one place where they are set.

Nothing here makes two machines alike.  OpenBLAS picks its kernel by the processor, NumPy its vector
instructions, and each rounds and sums in its own way.  What a chapter prints must survive that, so
its stored outputs are compared in settings that are not the machine's own: one of them in every
`make test` (conftest.py), all of them by `make portable`.

Whoever imports this, before NumPy, has one thread of BLAS a process: tests and chapters run in
several processes at once.
"""

import os
import platform
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

LAST_BIT = Path(__file__).resolve().parent / "last_bit.py"
SEEDS = (1, 2, 3)


@dataclass(frozen=True)
class Setting:
    """A machine to imitate.

    Attributes
    ----------
    kernel
        OpenBLAS's name for a kernel, or "" for the machine's own.
    without
        NumPy's names for the vector instructions that it must not use.
    seed
        seed of the random last bits of the gradients of gdref.problems, or None to leave them.
    """

    kernel: str = ""
    without: tuple[str, ...] = ()
    seed: int | None = None

    def __str__(self):
        parts = [
            self.kernel and f"the {self.kernel} kernel of OpenBLAS",
            self.without and f"NumPy without {' '.join(self.without)}",
            self.seed is not None and f"gradients with random last bits, seed {self.seed}",
        ]
        return ", ".join(filter(None, parts)) or "as this machine is"

    def environment(self) -> dict[str, str]:
        """The variables under which a notebook's kernel runs in this setting."""
        variables = {}
        if self.kernel:
            variables["OPENBLAS_CORETYPE"] = self.kernel
        if self.without:
            variables["NPY_DISABLE_CPU_FEATURES"] = " ".join(self.without)
        if self.seed is not None:
            variables["IPYTHONDIR"] = _profile(self.seed)
        return variables


@cache
def _numpy() -> dict:
    import numpy

    return numpy.show_config(mode="dicts")  # type: ignore[return-value]


def instructions() -> tuple[str, ...]:
    """The vector instructions beyond its baseline that NumPy uses on this processor."""
    return tuple(_numpy()["SIMD Extensions"].get("found", ()))


def kernels() -> tuple[str, ...]:
    """Kernels of OpenBLAS that this processor runs; none where NumPy has another BLAS."""
    if "openblas" not in _numpy()["Build Dependencies"]["blas"]["name"]:
        return ()
    if platform.machine().lower() in ("arm64", "aarch64"):
        return ("ARMV8", "CORTEXA57")
    if {"AVX2", "X86_V3"} & set(instructions()):
        return ("Prescott", "Sandybridge", "Haswell")
    return ("Prescott",)


def settings() -> dict[str, Setting]:
    """Every setting by its name, in one order; 'mixed' is all kinds at once."""
    every = instructions()
    wide = tuple(name for name in every if "512" in name or name == "X86_V4")
    found = {"own": Setting()}
    found |= {kernel.lower(): Setting(kernel) for kernel in kernels()}
    if wide and wide != every:
        found["no-avx512"] = Setting(without=wide)
    if every:
        found["baseline"] = Setting(without=every)
    found |= {f"flip-{seed}": Setting(seed=seed) for seed in SEEDS}
    found["mixed"] = Setting(next(iter(kernels()), ""), every, seed=0)
    return found


@cache
def _folder():
    return tempfile.TemporaryDirectory(prefix="gdref-")  # deleted when this process ends


@cache
def _profile(seed) -> str:
    """A folder for IPYTHONDIR whose kernels begin with tools/last_bit.py."""
    path = Path(_folder().name) / f"flip-{seed}"
    startup = path / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "last_bit.py").write_text(
        f"__import__('runpy').run_path({str(LAST_BIT)!r})['install']({seed})\n"
    )
    return str(path)
