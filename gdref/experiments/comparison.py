"""Compare all rules on the same problems with the same tuning budget; store the raw results.

    python -m gdref.experiments.comparison        writes comparison.json, some minutes

Every rule gets TRIALS settings, drawn log-uniformly from RANGES.  Each setting is run once with
each seed; a seed shuffles the batches and starts the network.  The chapter on choosing an
optimizer deals the seeds into those that select and those that judge: nothing is selected here.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from gdref import RULES, adamax, datasets, iterate, minibatch, problems

RESULTS = Path(__file__).with_name("comparison.json")
TRIALS = 64
SEEDS = list(range(11))

# The ends of each log-uniform range; "1 - x" draws how far the decay x is from 1.
RATE, ADAPTIVE_RATE = (1e-3, 1e1), (1e-4, 1e0)
INERTIA, MEMORY, EPS = (1e-2, 5e-1), (1e-4, 1e-1), (1e-10, 1e-2)
MOMENTUM = {"eta": RATE, "1 - gamma": INERTIA}
ADAM = {"eta": ADAPTIVE_RATE, "1 - beta1": INERTIA, "1 - beta2": MEMORY, "eps": EPS}
RANGES = {
    "gd": {"eta": RATE},
    "momentum": MOMENTUM,
    "nag": MOMENTUM,
    "adagrad": {"eta": RATE, "eps": EPS},
    "adadelta": {"1 - rho": INERTIA, "eps": (1e-8, 1e0)},
    "rmsprop": {"eta": ADAPTIVE_RATE, "1 - rho": (1e-3, 5e-1), "eps": EPS},
    "adam": ADAM,
    "adamax": {name: ADAM[name] for name in ("eta", "1 - beta1", "1 - beta2")},
    "nadam": ADAM,
    "amsgrad": ADAM,
    "adamw": ADAM | {"lam": (1e-6, 1e-2)},
}


def adamax_from(t, theta, grad, m=0, u=1e-8, *, eta=0.002, beta1=0.9, beta2=0.999):
    """AdaMax, which divides 0 by 0 where a feature has not occurred yet: u starts above 0."""
    return adamax(t, theta, grad, m, u, eta=eta, beta1=beta1, beta2=beta2)


def settings(rule):
    """The settings of a rule's trials, the same for all problems."""
    rng = np.random.default_rng(list(RULES).index(rule))
    drawn = []
    for _ in range(TRIALS):
        setting = {}
        for name, (low, high) in RANGES[rule].items():
            value = float(f"{np.exp(rng.uniform(np.log(low), np.log(high))):.4g}")
            decay = name.startswith("1 - ")
            setting[name.removeprefix("1 - ")] = round(1 - value, 8) if decay else value
        drawn.append(setting)
    return drawn


def words(frequencies, n=1600, seed=0):
    """Documents as 0/1 word counts with given word frequencies, and a label that each word shifts.

    Every word carries the same evidence, so that rare words matter where they occur.
    """
    rng = np.random.default_rng(seed)
    X = (rng.random((n, len(frequencies))) < frequencies).astype(float)
    evidence = 2.0 * rng.choice([-1, 1], size=len(frequencies))
    y = (rng.random(n) < problems.sigmoid(X @ evidence)).astype(int)
    X = np.column_stack([X, np.ones(n)])
    return X[: n // 2], y[: n // 2], X[n // 2 :], y[n // 2 :]


def zipf(words=1000, mean=0.012):
    """Word frequencies that fall like 1/rank, as those of a language do."""
    frequencies = 1 / np.arange(1, words + 1)
    return np.minimum(frequencies * mean / frequencies.mean(), 0.9)


class Problem:
    """A model on the training part; losses on it and on the validation part, error on the test."""

    def __init__(self, model, data, epochs, batch, **options):
        X, y, self.X_test, self.y_test = data
        held_out = len(X) // 5
        self.train = lambda seed: model(X[held_out:], y[held_out:], **options_for(seed))
        self.validation = lambda seed: model(X[:held_out], y[:held_out], **options_for(seed))
        self.epochs, self.batch = epochs, batch

        def options_for(seed):
            return options | ({"seed": seed} if model is problems.network else {})

    def run(self, rule, setting, seed):
        """Training loss, validation loss and test error after the last epoch."""
        model = self.train(seed)
        batches = minibatch.batch_gradients(model.grad, model.n, self.batch, self.epochs, rng=seed)
        step = adamax_from if rule == "adamax" else RULES[rule]
        with np.errstate(all="ignore"):  # a diverging run has the loss inf
            *_, theta = iterate(step, batches, model.theta0, **setting)
            error = (model.predict(theta, self.X_test) != self.y_test).mean()
            results = model.loss(theta), self.validation(seed).loss(theta), error
        if not np.isfinite(results).all():
            return np.inf, np.inf, 1.0
        return results


def all_problems():
    digits, tumours = datasets.digits(), datasets.breast_cancer()
    frequencies = zipf()
    even = np.full_like(frequencies, frequencies.mean())
    return {
        "softmax": Problem(problems.softmax, digits, 10, 64, penalty=1e-4),
        "network": Problem(problems.network, digits, 10, 64, hidden=16),
        "logistic": Problem(problems.logistic, tumours, 10, 32, penalty=1e-3),
        "words": Problem(problems.logistic, words(frequencies), 10, 32, penalty=1e-3),
        "even words": Problem(problems.logistic, words(even), 10, 32, penalty=1e-3),
    }


def compact(values):
    return [float(f"{x:.5g}") if np.isfinite(x) else None for x in values]


def main():
    started = time.perf_counter()
    lines = []
    compared = all_problems()
    total = len(compared) * len(RANGES) * TRIALS
    for name, problem in compared.items():
        for rule in RANGES:
            for setting in settings(rule):
                train, validation, test = zip(
                    *(problem.run(rule, setting, seed) for seed in SEEDS), strict=True
                )
                row = {"problem": name, "rule": rule, "setting": setting}
                row |= {"train": compact(train), "validation": compact(validation)}
                lines.append(json.dumps(row | {"test": compact(test)}))
                progress(len(lines), total, f"{name}, {rule}", started)
    RESULTS.write_text("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"\nWrote {RESULTS}", file=sys.stderr)


def progress(done, total, what, started):
    left = (time.perf_counter() - started) / done * (total - done)
    bar = "#" * (30 * done // total)
    text = f"\r[{bar:<30}] {done}/{total}  {what:<24} {left:4.0f} s left"
    print(text, end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
