"""The lines that the page on engines shows for PyTorch and Optax run as they stand."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "chapters" / "engines.ipynb"


def blocks():
    text = "".join(
        "".join(cell["source"]) + "\n"
        for cell in __import__("json").loads(PAGE.read_text())["cells"]
        if cell["cell_type"] == "markdown"
    )
    return re.findall(r"```\{code-block\} python\n(.*?)```", text, re.S)


def test_the_page_shows_both():
    assert sorted(b.splitlines()[0] for b in blocks()) == [
        "import gdref.optax",
        "import gdref.torch",
    ]


def test_pytorch():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    scope = {"torch": torch, "gdref": __import__("gdref")}
    (code,) = (b for b in blocks() if "gdref.torch" in b)
    exec(code, scope)
    before = torch.nn.Linear(3, 1)
    torch.manual_seed(0)
    before = torch.nn.Linear(3, 1)
    moved = scope["model"].weight.detach() - before.weight.detach()
    assert torch.allclose(moved.abs(), torch.full((1, 3), 0.001), rtol=1e-3)


def test_optax():
    optax, jnp = pytest.importorskip("optax"), pytest.importorskip("jax.numpy")
    scope = {"optax": optax, "gdref": __import__("gdref")}
    scope |= {"params": {"w": jnp.ones(2)}, "grads": {"w": jnp.ones(2)}}
    (code,) = (b for b in blocks() if "gdref.optax" in b)
    exec(code, scope)
    assert jnp.allclose(scope["params"]["w"], 1 - 0.001, rtol=1e-6)
