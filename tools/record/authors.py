"""Record the paths of Schedule-Free's own package, and compare them with our rules.

    python -m tools.record.authors

It runs in an environment with PyTorch and ``schedulefree`` and stores
gdref/dialects/paths/schedulefree.json.  A row holds theta, where the gradient was taken, and x,
what the package's ``eval()`` leaves in the parameters at the end.
"""

import json
from importlib.metadata import version

import numpy as np
import schedulefree
import torch

from gdref import dialects
from gdref.dialects._recordings import from_json
from tools.record.__main__ import STORE, text_of

NAME, STEPS = "schedulefree", 60
# a decay under which the average itself is the corrected one, and a rate that undoes the box's root
DECAY = "0.967 * (1 - 0.967**(t - 1)) / (1 - 0.967**t)"
ROOT = f"sqrt(1 - ({DECAY})**t)"
WARM = "(t - max(t - 10, 0)) / 10"
ADAM = {"beta1": 0.83, "beta2": DECAY, "eps": 0.004, "lam": 0.03}
CASES = [
    ("schedule_free_sgd", "SGDScheduleFree", {"lr": 0.011, "momentum": 0.83},
     {"eta": 0.011, "beta": 0.83}),
    ("schedule_free_sgd", "SGDScheduleFree", {"lr": 0.011, "momentum": 0.83, "warmup_steps": 10},
     {"eta": f"0.011 * {WARM}", "beta": 0.83}),
    ("schedule_free_adamw", "AdamWScheduleFree",
     {"lr": 0.021, "betas": (0.83, 0.967), "eps": 0.004, "weight_decay": 0.03},
     ADAM | {"eta": f"0.021 / {ROOT}"}),
    ("schedule_free_adamw", "AdamWScheduleFree",
     {"lr": 0.021, "betas": (0.83, 0.967), "eps": 0.004, "weight_decay": 0.03, "warmup_steps": 10},
     ADAM | {"eta": f"0.021 * {WARM} / {ROOT}"}),
]  # fmt: skip


def row(rule, constructor, arguments, ours, problem="noisy"):
    start, gradient = dialects.PROBLEMS[problem]
    theta = torch.nn.Parameter(torch.tensor(start))
    optimizer = getattr(schedulefree, constructor)([theta], **arguments)
    optimizer.train()
    path = [start.tolist()]
    for t in range(1, STEPS + 1):
        theta.grad = torch.tensor(gradient(t, theta.detach().numpy()))
        optimizer.step()
        path.append(theta.tolist())
    optimizer.eval()
    ends = {"path": path, "x": theta.tolist()}
    asked = {"rule": rule, "constructor": constructor, "problem": problem}
    return asked | {"arguments": arguments, "hyperparameters": ours} | ends


def main():
    torch.set_default_dtype(torch.float64)
    rows = [row(*case) for case in CASES]
    for r in rows:
        ours = dialects.replay(r["rule"], from_json(r["hyperparameters"]), r["problem"], STEPS)
        print(r["constructor"], r["arguments"], f"{np.abs(ours - r['path']).max():.1e}")
    head = {"versions": {name: version(name).split("+")[0] for name in (NAME, "torch")}}
    data = json.loads(json.dumps(head | {"paths": rows}))
    (STORE / f"{NAME}.json").write_text(text_of(data), "utf-8")


if __name__ == "__main__":
    main()
