"""Compare all rules on the same problems with the same tuning budget; store the raw results.

    python -m gdref.experiments.comparison        writes comparison.json, half an hour of one core

Every rule gets TRIALS settings, drawn log-uniformly from RANGES.  Each setting is run once with
each seed; a seed shuffles the batches and starts the network.  The chapter on choosing an
optimizer deals the seeds into those that select and those that judge: nothing is selected here.
What is stored already is not run again: one more rule costs only its own runs.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gdref import RULES, adamax, datasets, iterate_state, minibatch, problems
from gdref.rules import WHOLE

RESULTS = Path(__file__).with_name("comparison.json")
TRIALS = 64
SEEDS = list(range(11))

# The ends of each log-uniform range; "1 - x" draws how far the decay x is from 1.
RATE, ADAPTIVE_RATE = (1e-3, 1e1), (1e-4, 1e0)
INERTIA, MEMORY, EPS = (1e-2, 5e-1), (1e-4, 1e-1), (1e-10, 1e-2)
SHARE, DECAY = (1e-4, 1e0), (1e-4, 1e0)  # a share of a length; a decay that the rate multiplies
SHORT = (1e-3, 3e-1)  # of memories that the papers keep shorter than Adam's
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
    "lion": {"eta": ADAPTIVE_RATE, "1 - beta1": INERTIA, "1 - beta2": SHORT, "lam": DECAY},
    "radam": ADAM,
    "adabelief": ADAM | {"eps": (1e-20, 1e-4)},
    "adopt": ADAM,
    "schedule_free_sgd": {"eta": (1e-2, 1e2), "1 - beta": INERTIA},
    "schedule_free_adamw": ADAM | {"eta": RATE, "lam": DECAY},
    "lars": MOMENTUM | {"eta": (1e-2, 1e1), "trust": (1e-2, 1e0), "lam": (1e-6, 1e-2)},
    "lamb": ADAM | {"eta": SHARE, "lam": DECAY},
    "adafactor": {"eta": SHARE, "power": (3e-1, 1.5), "eps1": (1e-20, 1e-4), "eps2": (1e-4, 1e1),
                  "d": (1e-1, 1e1)},
    "shampoo": {"eta": (1e-2, 1e2), "eps": (1e-8, 1e0)},
    "soap": {"eta": ADAPTIVE_RATE, "1 - beta1": INERTIA, "1 - beta2": SHORT, "eps": EPS},
    "muon": {"eta": ADAPTIVE_RATE, "1 - gamma": INERTIA, "lam": DECAY, "rest": ADAPTIVE_RATE},
}  # fmt: skip

# These have nothing to do on a single vector: SOAP is Adam there, Muon takes steps of one length,
# and Shampoo has a square matrix of all parameters.
OF_MATRICES = {"shampoo", "soap", "muon"}
# Where a run is judged if not at theta: the place of x in the state of Schedule-Free.
JUDGED_AT = {"schedule_free_sgd": 2, "schedule_free_adamw": 2}


def adamax_from(t, theta, grad, m=0, u=1e-8, *, eta=0.002, beta1=0.9, beta2=0.999):
    """AdaMax, which divides 0 by 0 where a feature has not occurred yet: u starts above 0."""
    return adamax(t, theta, grad, m, u, eta=eta, beta1=beta1, beta2=beta2)


def settings(rule, again=0):
    """The settings of a rule's trials, the same for all problems; or others, drawn once again."""
    place = list(RULES).index(rule)
    rng = np.random.default_rng([place, again] if again else place)
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
    """A model on the training part; losses on it and on the validation part, error on the test.

    ``shapes`` are those of the arrays that theta holds one after the other; None: it is a vector.
    """

    def __init__(self, model, data, epochs, batch, shapes=None, **options):
        X, y, self.X_test, self.y_test = data
        held_out = len(X) // 5
        self.train = lambda seed: model(X[held_out:], y[held_out:], **options_for(seed))
        self.validation = lambda seed: model(X[:held_out], y[:held_out], **options_for(seed))
        self.epochs, self.batch, self.shapes = epochs, batch, shapes

        def options_for(seed):
            return options | ({"seed": seed} if model is problems.network else {})

    def rules(self):
        """The rules that take part."""
        return [rule for rule in RANGES if self.shapes or rule not in OF_MATRICES]

    def end(self, rule, setting, seed):
        """The parameters after the last epoch."""
        model = self.train(seed)
        batches = minibatch.batch_gradients(model.grad, model.n, self.batch, self.epochs, rng=seed)
        with np.errstate(all="ignore"):  # a diverging run has the loss inf
            if rule in WHOLE:
                shapes = self.shapes or [model.theta0.shape]
                return by_array(rule, batches, model.theta0, shapes, setting)
            step = adamax_from if rule == "adamax" else RULES[rule]
            *_, last = iterate_state(step, batches, model.theta0, **setting)
        return last[JUDGED_AT.get(rule, 0)]

    def run(self, rule, setting, seed):
        """Training loss, validation loss and test error after the last epoch."""
        theta = self.end(rule, setting, seed)
        model = self.train(seed)
        with np.errstate(all="ignore"):
            error = (model.predict(theta, self.X_test) != self.y_test).mean()
            results = model.loss(theta), self.validation(seed).loss(theta), error
        if not np.isfinite(results).all():
            return np.inf, np.inf, 1.0
        return results


def for_array(rule, setting, bias):
    """Which rule takes an array, and its setting: what the authors say of biases is done.

    Muon leaves them to AdamW, here with its defaults and a rate of its own; LARS and LAMB fix their
    ratio at 1 and do not decay them, which is momentum and Adam.
    """
    others = {"muon": "adamw", "lars": "momentum", "lamb": "adam"}
    if bias and rule == "muon":
        return others[rule], {"eta": setting["rest"]}
    left_out = {"trust", "lam"} if bias and rule in others else {"rest"}
    own = {name: value for name, value in setting.items() if name not in left_out}
    return others.get(rule, rule) if bias else rule, own


def by_array(rule, batches, theta, shapes, setting):
    """The end of a run of a rule that uses each array as a whole; matrices are outputs x inputs."""
    ends = np.cumsum([np.prod(shape) for shape in shapes]).tolist()
    parts = list(zip(shapes, map(slice, [0, *ends], ends), strict=False))

    def arrays(flat):
        return [flat[part].reshape(shape).T for shape, part in parts]

    layers = any(len(shape) == 2 for shape in shapes)
    steps = [for_array(rule, setting, layers and len(shape) < 2) for shape in shapes]
    states: list[Any] = [() for _ in shapes]
    for t, grad in enumerate(batches, start=1):
        new = []
        gradients = arrays(grad(theta))
        for k, (w, g) in enumerate(zip(arrays(theta), gradients, strict=True)):
            name, own = steps[k]
            w, *states[k] = RULES[name](t, w, lambda _, g=g: g, *states[k], **own)
            new.append(w.T.ravel())
        theta = np.concatenate(new)
        if not np.isfinite(theta).all():
            break
    return theta


# W1, b1, W2, b2 of the network on the digits.
NETWORK = [(65, 16), (16,), (16, 10), (10,)]


def all_problems():
    digits, tumours = datasets.digits(), datasets.breast_cancer()
    frequencies = zipf()
    even = np.full_like(frequencies, frequencies.mean())
    return {
        "softmax": Problem(problems.softmax, digits, 10, 64, [(65, 10)], penalty=1e-4),
        "network": Problem(problems.network, digits, 10, 64, NETWORK, hidden=16),
        "logistic": Problem(problems.logistic, tumours, 10, 32, penalty=1e-3),
        "words": Problem(problems.logistic, words(frequencies), 10, 32, penalty=1e-3),
        "even words": Problem(problems.logistic, words(even), 10, 32, penalty=1e-3),
    }


def compact(values):
    return [float(f"{x:.5g}") if np.isfinite(x) else None for x in values]


def load() -> dict[tuple, str]:
    """The stored rows as they are written, by problem, rule and setting."""
    if not RESULTS.exists():
        return {}
    lines = RESULTS.read_text(encoding="utf-8").splitlines()[1:-1]
    return {key(json.loads(line)): line for line in (line.removesuffix(",") for line in lines)}


def key(row: dict) -> tuple:
    return row["problem"], row["rule"], json.dumps(row["setting"])


def store(found: dict[tuple, str], wanted: list[dict]) -> None:
    lines = [found[key(row)] for row in wanted if key(row) in found]
    RESULTS.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def trials(compared: dict) -> Iterator[dict]:
    """Everything that is run, in the order in which it is stored."""
    for name, problem in compared.items():
        for rule in problem.rules():
            for setting in settings(rule):
                yield {"problem": name, "rule": rule, "setting": setting}


def main() -> None:
    started, found, compared = time.perf_counter(), load(), all_problems()
    wanted = list(trials(compared))
    new = [row for row in wanted if key(row) not in found]
    for done, row in enumerate(new, start=1):
        name, rule = row["problem"], row["rule"]
        runs = (compared[name].run(rule, row["setting"], seed) for seed in SEEDS)
        train, validation, test = zip(*runs, strict=True)
        results = {"train": compact(train), "validation": compact(validation)}
        found[key(row)] = json.dumps(row | results | {"test": compact(test)})
        progress(done, len(new), f"{name}, {rule}", started)
        if done % TRIALS == 0 or done == len(new):
            store(found, wanted)
    print(f"\n{len(wanted)} rows in {RESULTS}", file=sys.stderr)


def progress(done, total, what, started):
    left = (time.perf_counter() - started) / done * (total - done)
    bar = "#" * (30 * done // total)
    text = f"\r[{bar:<30}] {done}/{total}  {what:<24} {left:4.0f} s left"
    print(text, end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
