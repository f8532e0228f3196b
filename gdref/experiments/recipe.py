"""Train the small language model: the recipe, each of its parts left out, and other rules.

    python -m gdref.experiments.recipe        writes recipe.json, about half an hour of one core

A run that is stored already is not run again, so that an interrupted experiment goes on where it
was, and a rule that is new is added to what is there.  Nothing is selected for the reader: all runs
are stored, and the chapter makes its tables from them.
"""

import inspect
import itertools
import json
import math
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gdref import RULES, datasets, language, schedules
from gdref.problems import Model

RESULTS = Path(__file__).with_name("recipe.json")

STEPS, BATCH, CONTEXT = 400, 16, 24
SIZE: dict[str, int] = {"context": CONTEXT, "width": 48, "heads": 4, "layers": 1}
POINTS = 16  # of a stored curve, after the start

# The recipe.  The decay is per step and per unit of the rate, as libraries have it.
RECIPE: dict[str, Any] = {
    "rule": "adamw", "eta": 1e-2, "beta1": 0.9, "beta2": 0.95, "lam": 0.1,
    "warm": 0.1, "fall": "cosine", "clip": 1.0, "decayed": "matrices",
}  # fmt: skip

# What each variant changes; the rate is tuned for each anew.
LEFT_OUT: dict[str, dict] = {
    "the whole recipe": {},
    "no warm-up": {"warm": 0},
    "a fixed rate": {"fall": "none"},
    "WSD instead of cosine": {"fall": "wsd"},
    "no clipping": {"clip": np.inf},
    "no decay": {"lam": 0.0},
    "all decayed": {"decayed": "all"},
    "beta2 0.999": {"beta2": 0.999},
}
RATES = [2.5e-3, 5e-3, 1e-2, 2e-2, 4e-2]
# Some of them again in runs of this many steps.
LONG = 800
AGAIN = ["the whole recipe", "a fixed rate", "WSD instead of cosine"]
SELECT, JUDGE = [0, 1], [100, 101, 102, 103, 104]  # the seeds that select a setting, and that judge

# The comparison: the ends of log-uniform ranges; "1 - x" draws how far a decay is from 1.
TRIALS = 12
SEARCH = [0, 1]  # the seeds of each trial
INERTIA = (1e-2, 5e-1)
RANGES: dict[str, dict] = {
    "adamw": {"eta": (1e-3, 1e-1), "1 - beta1": INERTIA, "1 - beta2": (1e-3, 3e-1),
              "lam": (1e-3, 1e0)},
    "momentum": {"eta": (1e-2, 1e1), "1 - gamma": INERTIA, "lam": (1e-6, 1e-2)},
    "lion": {"eta": (1e-4, 1e-2), "1 - beta1": INERTIA, "1 - beta2": (1e-3, 3e-1),
             "lam": (1e-2, 1e1)},
    "muon": {"eta": (1e-3, 3e-1), "1 - gamma": INERTIA, "lam": (1e-3, 1e0),
             "rest": (1e-3, 1e-1)},
}  # fmt: skip


def shape_of(recipe: dict, steps: int):
    """The schedule of a recipe as a factor of the rate: it rises to 1 and falls to 0."""
    warm = round(recipe["warm"] * steps)
    fall = {
        "none": lambda n: 1.0,
        "cosine": lambda n: schedules.cosine(1.0, n),
        "wsd": lambda n: schedules.join(lambda t: 1.0, n - steps // 5,
                                        schedules.polynomial(1.0, steps // 5)),
    }[recipe["fall"]](steps - warm)  # fmt: skip
    if not warm:
        return fall if callable(fall) else lambda t: fall
    return schedules.warmup(fall, warm, 1 / warm)


def clipped(grads: dict, most: float) -> dict:
    """The gradients, all made shorter by one factor if together they are longer than that."""
    length = math.sqrt(sum(float((g**2).sum()) for g in grads.values()))
    return {name: g * min(1.0, most / length) for name, g in grads.items()} if length else grads


def settings_of(name: str, recipe: dict, shape, decayed: bool) -> dict:
    """The hyperparameters of a rule: numbers, and schedules of the step."""
    known = inspect.signature(RULES[name]).parameters
    eta, lam = recipe["eta"], recipe["lam"] if decayed else 0.0
    chosen = {key: recipe[key] for key in ("beta1", "beta2", "gamma", "eps") if key in recipe}
    if "multiplier" in known:  # AdamW's own schedule, for step and decay
        chosen |= {"eta": eta, "lam": eta * lam, "multiplier": shape}
    else:
        chosen |= {"eta": lambda t: eta * shape(t), "lam": lam}
    return {key: value for key, value in chosen.items() if key in known}


def groups(theta: dict, recipe: dict, steps: int) -> Iterator[tuple]:
    """Which rule takes which arrays: (its name, their names, hyperparameters, penalty)."""
    shape = shape_of(recipe, steps)
    matrices = {name for name, value in theta.items() if value.ndim == 2}
    for decayed in (True, False):
        names = {n for n in theta if (recipe["decayed"] == "all" or n in matrices) == decayed}
        if recipe["rule"] == "muon":  # for the matrices within the blocks; AdamW for the rest
            hidden = {name for name in names & matrices if name[0].isdigit()}
            yield "muon", hidden, settings_of("muon", recipe, shape, decayed), 0.0
            names -= hidden
            rest = RECIPE | {"eta": recipe["rest"], "lam": recipe["lam"]}
            yield "adamw", names, settings_of("adamw", rest, shape, decayed), 0.0
        else:  # a rule without a decay of its own has a penalty instead
            own = "lam" in inspect.signature(RULES[recipe["rule"]]).parameters
            penalty = 0.0 if own or not decayed else recipe["lam"]
            settings = settings_of(recipe["rule"], recipe, shape, decayed)
            yield recipe["rule"], names, settings, penalty


def train(model: Model, recipe: dict, steps: int, seed: int) -> Iterator[dict]:
    """The parameters after each step, from the start on."""
    rng = np.random.default_rng(seed)
    theta: Any = model.theta0
    state: dict = dict.fromkeys(theta, ())
    parts = list(groups(theta, recipe, steps))
    yield theta
    for t in range(1, steps + 1):
        batch = rng.integers(model.n, size=BATCH)
        grads = clipped(model.grad(theta, batch), recipe["clip"])
        theta, state = step(t, theta, grads, state, parts)
        yield theta


def step(t: int, theta: dict, grads: dict, state: dict, parts: list) -> tuple:
    """The parameters and the states of the rules after step t."""
    new = {}
    for rule, names, settings, penalty in parts:
        now = at_step(settings, t)
        for name in names:
            w = theta[name].T  # outputs x inputs, as Muon has matrices
            g = grads[name].T + penalty * w
            new[name] = RULES[rule](t, w, lambda _, g=g: g, *state[name], **now)
    return {k: new[k][0].T for k in theta}, {k: new[k][1:] for k in theta}


def at_step(settings: dict, t: int) -> dict:
    """The hyperparameters with their values at step t."""
    return {key: value(t) if callable(value) else value for key, value in settings.items()}


@cache
def texts() -> tuple:
    return datasets.prose()


def problem(seed: int, **options: Any) -> tuple[Model, Model]:
    """The model on the training text, started by the seed; and on the text that is held out."""
    train_text, test_text, _ = texts()
    options = SIZE | options
    return (
        language.transformer(train_text, seed=seed, **options),
        language.transformer(test_text, seed=seed, **options),
    )


def run(recipe: dict, seed: int, broken_off: int | None = None) -> dict:
    """Losses on the held-out text: a curve on a part of it, and the end on all of it.

    A run that is broken off at a step has the schedule of the whole one.
    """
    model, held_out = problem(seed)
    whole = np.arange(0, held_out.n, CONTEXT)
    part = whole[:: len(whole) // 64]
    steps = recipe.get("steps", STEPS)
    last = steps if broken_off is None else broken_off
    curve: list[float] = []
    iterates = itertools.islice(train(model, recipe, steps, seed), last + 1)
    with np.errstate(all="ignore"):  # a run that diverges has no end
        for t, theta in enumerate(iterates):
            if t % (steps // POINTS) == 0:
                curve.append(float(held_out.loss(theta, part)))
                if not np.isfinite(curve[-1]):
                    return {"end": None, "curve": None}
        end = float(held_out.loss(theta, whole))
    if not np.isfinite(end):
        return {"end": None, "curve": None}
    return {"end": round(end, 4), "curve": [round(loss, 3) for loss in curve]}


def drawn(rule: str) -> list[dict]:
    """The settings of a rule's trials."""
    rng = np.random.default_rng(list(RANGES).index(rule))
    found = []
    for _ in range(TRIALS):
        setting: dict[str, Any] = {"rule": rule}
        for name, (low, high) in RANGES[rule].items():
            value = float(f"{np.exp(rng.uniform(np.log(low), np.log(high))):.3g}")
            decay = name.startswith("1 - ")
            setting[name.removeprefix("1 - ")] = round(1 - value, 6) if decay else value
        found.append(RECIPE | setting)
    return found


def best(found: dict, recipes: list[dict], seeds: list[int]) -> int:
    """The number of the recipe with the lowest mean over the seeds."""

    def mean(recipe):
        ends = [found[key(recipe, seed)]["end"] for seed in seeds]
        return np.mean([np.inf if end is None else end for end in ends])

    return int(np.argmin([mean(recipe) for recipe in recipes]))


def key(recipe: dict, seed: int) -> str:
    """What a run is stored under."""
    return json.dumps(readable(recipe) | {"seed": seed}, sort_keys=True)


def readable(recipe: dict) -> dict:
    return {name: None if value == np.inf else value for name, value in recipe.items()}


def load() -> dict:
    """The stored runs, by their keys."""
    if not RESULTS.exists():
        return {}
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))
    return {json.dumps(row["run"], sort_keys=True): row for row in rows}


def store(found: dict) -> None:
    lines = [json.dumps(found[name]) for name in sorted(found)]
    RESULTS.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def searches() -> dict[str, list[dict]]:
    """What is searched: the rates of each variant, and the trials of each rule."""
    found = {
        name: [RECIPE | change | {"eta": rate} for rate in RATES]
        for name, change in LEFT_OUT.items()
    }
    found |= {longer(name): [r | {"steps": LONG} for r in found[name][1:]] for name in AGAIN}
    return found | {rule: drawn(rule) for rule in RANGES}


def longer(name: str) -> str:
    return f"{name}, {LONG} steps"


def seeds_of(name: str) -> list[int]:
    """The seeds that select."""
    return SEARCH if name in RANGES else SELECT


def is_stored(name: str, found: dict) -> bool:
    """Whether a search is there, with all its runs."""
    recipes = searches().get(name)
    if not recipes or any(key(r, seed) not in found for r in recipes for seed in seeds_of(name)):
        return False
    chosen = recipes[best(found, recipes, seeds_of(name))]
    return all(key(chosen, seed) in found for seed in JUDGE)


def main() -> None:
    found, started = load(), time.perf_counter()
    before = len(found)
    spaces = {k: v for k, v in searches().items() if k not in RANGES or k in RULES}
    total = sum(len(spaces[name]) * len(seeds_of(name)) + len(JUDGE) for name in spaces)

    def make(recipe, seed, what):
        name = key(recipe, seed)
        if name not in found:
            found[name] = {"run": json.loads(name)} | run(recipe, seed)
            store(found)
            progress(len(found), before, total, what, started)

    for name, recipes in spaces.items():
        for recipe, seed in itertools.product(recipes, seeds_of(name)):
            make(recipe, seed, name)
        chosen = recipes[best(found, recipes, seeds_of(name))]
        for seed in JUDGE:
            make(chosen, seed, name)
    sample = json.dumps({"sample": "the whole recipe"})
    if AGAIN and sample not in found:
        found[sample] = sampled(spaces[longer(AGAIN[0])], found)
        store(found)
    print(f"\n{len(found)} runs in {RESULTS}", file=sys.stderr)


def sampled(recipes: list[dict], found: dict, length: int = 400) -> dict:
    """What the model writes after the best of the runs."""
    model, _ = problem(JUDGE[0])
    chosen = recipes[best(found, recipes, SELECT)]
    *_, theta = train(model, chosen, chosen["steps"], JUDGE[0])
    alphabet = texts()[2]
    begin = np.array([alphabet.index(letter) for letter in "the "])
    drawn_letters = language.sample(model.predict, theta, begin, length, CONTEXT, rng=0)
    text = "".join(alphabet[k] for k in drawn_letters)
    return {"run": {"sample": "the whole recipe"}, "text": text}


def progress(done, before, total, what, started):
    left = (time.perf_counter() - started) / (done - before) * (total - done)
    bar = "#" * (30 * done // total)
    text = f"\r[{bar:<30}] {done}/{total}  {what:<36} {left:5.0f} s left"
    print(text, end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
