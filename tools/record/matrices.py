"""Record the paths that packages for PyTorch take with rules of matrices.

    python -m tools.record.matrices

needs torch, pytorch_optimizer and torch_optimizer, and writes gdref/dialects/paths/matrices.json.
A path's gradients do not depend on theta: they are stored with it.
"""

import importlib.metadata
import json
from pathlib import Path

import numpy as np
import torch

STORED = Path(__file__).parents[2] / "gdref" / "dialects" / "paths" / "matrices.json"
SHAPES = [(3, 2), (2, 3), (4, 4)]
BETAS = {"lr": 0.13, "betas": [0.6, 0.8], "eps": 1e-30, "weight_decay": 0.0}
OURS = {"eta": 0.13, "beta1": 0.6, "beta2": 0.8, "eps": 1e-30}

# package, class, its arguments, our rule, its hyperparameters, and whether the paths are the same
CASES = [
    ("pytorch_optimizer", "Shampoo", {"lr": 0.13, "matrix_eps": 0.03},
     "shampoo", {"eta": 0.13, "eps": 0.03}, True),
    ("torch_optimizer", "Shampoo", {"lr": 0.13, "epsilon": 0.03},
     "shampoo", {"eta": 0.13, "eps": 0.03}, False),
    ("pytorch_optimizer", "SOAP", BETAS | {"precondition_frequency": 100},
     "soap", OURS | {"every": 100}, True),
    ("pytorch_optimizer", "SOAP", BETAS | {"precondition_frequency": 3},
     "soap", OURS | {"every": 3}, False),
]  # fmt: skip


def gradients(shape, steps=12):
    """Fractions that look irregular and come out the same on every machine."""
    i = 1 + np.arange(np.prod(shape)).reshape(shape)
    return [(t * t * 7919 + i * i * 104729 + i * t * 611) % 1009 / 1009 - 0.5
            for t in range(1, steps + 1)]  # fmt: skip


def path(package, kind, arguments, shape):
    theta = torch.nn.Parameter(torch.tensor(np.ones(shape)))
    optimizer = getattr(importlib.import_module(package), kind)([theta], **arguments)
    rows = [theta.detach().numpy().tolist()]
    for g in gradients(shape):
        theta.grad = torch.tensor(g)
        optimizer.step()
        rows.append(theta.detach().numpy().tolist())
    return rows


def main():
    torch.set_default_dtype(torch.float64)
    rows = [
        {"package": package, "class": kind, "arguments": arguments, "rule": rule,
         "hyperparameters": ours, "same": same, "shape": shape,
         "gradients": [g.tolist() for g in gradients(shape)],
         "path": path(package, kind, arguments, shape)}
        for package, kind, arguments, rule, ours, same in CASES
        for shape in SHAPES
    ]  # fmt: skip
    names = ["torch", *dict.fromkeys(row["package"] for row in rows)]
    versions = {name: importlib.metadata.version(name) for name in names}
    lines = ",\n".join(json.dumps(row) for row in rows)
    STORED.write_text(f'{{"versions": {json.dumps(versions)}, "paths": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
