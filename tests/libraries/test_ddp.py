"""The page of parallel descent shows the stored script for PyTorch, and what it prints."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "examples" / "ddp.py"
CELLS = json.loads((ROOT / "chapters" / "parallel.ipynb").read_text("utf-8"))["cells"]
TEXT = "\n\n".join("".join(c["source"]) for c in CELLS if c["cell_type"] == "markdown")
BLOCKS = re.findall(r"```\{code-block\} python\n(.*?)```", TEXT, re.S)
RECORDED = re.findall(r"^(\d+) processes: loss (\d+\.\d+)$", TEXT, re.M)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_the_page_shows_the_stored_script():
    code = SCRIPT.read_text("utf-8").split('"""\n\n', 1)[1]
    assert "\n".join(BLOCKS) == code


def test_one_and_three_processes_agree_and_five_do_not():
    loss = dict(RECORDED)
    assert set(loss) == {"1", "3", "5"} and loss["1"] == loss["3"] != loss["5"]


@pytest.mark.parametrize(("processes", "loss"), RECORDED)
def test_the_recorded_output(processes, loss):
    launch = ["-m", "torch.distributed.run", "--nproc-per-node", processes]
    port = ["--master-addr", "127.0.0.1", "--master-port", str(free_port())]
    done = subprocess.run(
        [sys.executable, *launch, *port, SCRIPT], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [processes, "processes:", "loss", loss]
