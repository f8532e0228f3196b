"""What was found in libraries still happens in the versions that the findings name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

for library in ("torch", "keras", "optax"):
    pytest.importorskip(library)

FINDINGS = Path(__file__).resolve().parents[2] / "findings"


@pytest.mark.parametrize("file", sorted(FINDINGS.glob("*.py")), ids=lambda file: file.stem)
def test_a_finding_is_reproduced(file):
    environment = os.environ | {"KERAS_BACKEND": os.environ.get("KERAS_BACKEND", "jax")}
    done = subprocess.run(
        [sys.executable, file], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"`{file.name}`" in (FINDINGS / "README.md").read_text("utf-8")
