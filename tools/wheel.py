"""Build the wheel of gdref, without a network: python tools/wheel.py FOLDER"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def build(target):
    """Write the wheel into a folder, from a copy of its sources: nothing is left beside these."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, folder)
        shutil.copytree(
            ROOT / "gdref", Path(folder, "gdref"), ignore=shutil.ignore_patterns("__pycache__")
        )
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", folder]
        options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(target)]
        subprocess.run(command + options, check=True)


if __name__ == "__main__":
    build(sys.argv[1])
