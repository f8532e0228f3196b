"""The run in several processes equals the run in one; skipped without Dask."""

import subprocess
import sys
from pathlib import Path

import pytest

distributed = pytest.importorskip("distributed")

SCRIPT = Path(__file__).resolve().parent.parent / "gdref" / "experiments" / "data_parallel.py"
MODULE = ("-m", "gdref.experiments.data_parallel")
SECONDS = 120


def run(*arguments, script=MODULE):
    return subprocess.run(
        [sys.executable, *script, *arguments], capture_output=True, text=True, timeout=SECONDS
    )


@pytest.fixture(scope="module")
def address():
    """A running cluster of two processes."""
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    )
    with cluster:
        yield cluster.scheduler_address


def test_processes_of_its_own():
    done = run("--workers", "3", "--epochs", "2")
    assert done.returncode == 0, done.stderr
    assert "momentum: 14 steps with 3 processes" in done.stdout
    assert "below 1e-12: True" in done.stdout


def test_a_running_cluster(address):
    done = run("--scheduler", address, "--rule", "adam", "--size", "7", "--epochs", "1")
    assert done.returncode == 0, done.stderr
    assert "with 2 processes" in done.stdout


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("len(rows) * problems", "problems"),  # the sum, not the mean
        ("gather(parts)) / len(batch)", "gather(parts)) / len(parts)"),
        ("gather(parts))", "gather(parts[1:]))"),  # a worker is forgotten
    ],
)
def test_a_planted_error_is_found(address, tmp_path, right, wrong):
    text = SCRIPT.read_text()
    assert text.count(right) == 1
    script = tmp_path / "wrong.py"
    script.write_text(text.replace(right, wrong))
    done = run("--scheduler", address, "--epochs", "1", script=[script])
    assert done.returncode == 1 and "below 1e-12: False" in done.stdout, done.stderr


def test_a_number_of_workers_that_makes_no_sense():
    done = run("--workers", "0")
    assert done.returncode == 2 and "--workers is 0" in done.stderr
