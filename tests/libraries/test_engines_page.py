"""The code blocks of the page on engines run as they stand, and their comments say what comes out.

A line ``expression  # value`` is compared with the value's own text.
"""

import ast
import json
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "chapters" / "engines.ipynb"
CELLS = json.loads(PAGE.read_text("utf-8"))["cells"]
TEXT = "\n\n".join("".join(c["source"]) for c in CELLS if c["cell_type"] == "markdown")
BLOCKS = re.findall(r"```\{code-block\} python\n(.*?)```", TEXT, re.S)
LIBRARIES = {library for block in BLOCKS for library in re.findall(r"^import (\w+)$", block, re.M)}


def run(code):
    """Run a block; return how many of its comments were compared."""
    lines, scope, compared = code.splitlines(), {}, 0
    for statement in ast.parse(code).body:
        last = lines[statement.end_lineno - 1]
        text, _, comment = last.partition("  # ")
        if comment:
            assert isinstance(statement, ast.Expr), f"no value to compare: {last}"
            assert repr(eval(text, scope)) == comment
            compared += 1
        else:
            exec(compile(ast.Module([statement], []), "page", "exec"), scope)
    return compared


def test_the_page_shows_both_libraries():
    assert {"torch", "optax", "jax"} <= LIBRARIES and len(BLOCKS) >= 4


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0])
def test_a_block_runs_and_its_comments_are_true(block):
    for library in re.findall(r"^import (torch|optax|jax)$", block, re.M):
        pytest.importorskip(library)
    assert run(block) >= 1
    assert all(len(line) <= 88 for line in block.splitlines())


def test_the_models_of_the_page_move():
    """The PyTorch block takes Adam's first step: the rate, in each parameter."""
    torch = pytest.importorskip("torch")
    (block,) = (b for b in BLOCKS if "gdref.adam" in b and "torch.nn" in b)
    torch.manual_seed(0)
    scope = {}
    exec(block, scope)
    torch.manual_seed(0)
    before = torch.nn.Linear(3, 1)
    moved = scope["model"].weight.detach() - before.weight.detach()
    assert torch.allclose(moved.abs(), torch.full((1, 3), 0.001), rtol=1e-3)
