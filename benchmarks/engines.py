"""What a step of each rule costs on each engine, beside what the memory of the machine allows.

    python benchmarks/engines.py             some ten minutes, best alone on the machine
    python benchmarks/engines.py --again     once more; of each time the better one is kept
    python benchmarks/engines.py adam gd     these rules alone, and nothing stored
    python benchmarks/engines.py --show      the stored results again

It needs numba, PyTorch, JAX and Optax.  The results go to gdref/experiments/engines.json, with the
machine.  The exit code is 1 if a target is missed.

The contestants, all on arrays of the same length and type:

memory      the floor: a loop that reads and writes as many arrays as the rule does, and adds
roots       the same, with as many square roots and divisions as the rule has
compiled    gdref.compile(rule).update
fused, foreach, default
            the optimizer of PyTorch, with this argument; fused exists for some rules only
optax       the transformation of Optax under jax.jit, its buffers donated
numpy       the rule itself on arrays

There is no other contestant in NumPy: the rule is what one writes.

Contestants take turns, so that other work on the machine disturbs all alike; the best time of
each counts.  For one thread the process is bound to one core and its processor time is taken.
For two, the loops and the libraries share the work between two threads and the clock is taken.
"""

import argparse
import datetime
import functools
import importlib.metadata
import inspect
import json
import math
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from gdref import RULES
from gdref._inputs import form
from gdref.experiments import engines

SIZES = [10**k for k in range(3, 8)]
TYPES = ["float64", "float32"]
ROUNDS = 30  # how often a contestant runs at most ...
SECONDS = 1.5  # ... and for how long in all, but three times at least
SAMPLE = 0.002  # a sample lasts this long; a short step is repeated within it

# the optimizer of each library that reads and writes what the rule does
TORCH = {
    "gd": ("SGD", {"lr": 0.01}),
    "momentum": ("SGD", {"lr": 0.01, "momentum": 0.9}),
    "nag": ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    "adagrad": ("Adagrad", {}),
    "adadelta": ("Adadelta", {}),
    "rmsprop": ("RMSprop", {}),
    "adam": ("Adam", {}),
    "adamax": ("Adamax", {}),
    "nadam": ("NAdam", {}),
    "amsgrad": ("Adam", {"amsgrad": True}),
    "adamw": ("AdamW", {}),
}
OPTAX = {
    "gd": ("sgd", {}),
    "momentum": ("sgd", {"momentum": 0.9}),
    "nag": ("sgd", {"momentum": 0.9, "nesterov": True}),
    "adagrad": ("adagrad", {}),
    "adadelta": ("adadelta", {}),
    "rmsprop": ("rmsprop", {}),
    "adam": ("adam", {}),
    "adamax": ("adamax", {}),
    "nadam": ("nadam", {}),
    "amsgrad": ("amsgrad", {}),
    "adamw": ("adamw", {}),
}


# ----------------------------------------------------------------------------- contestants


def cost(rule):
    """How many square roots and divisions the loop of a rule has, for each parameter."""
    from gdref.compiled import compile

    _, inside = compile(rule).source.split("(theta.size):")
    return inside.count("sqrt("), inside.count(" / ")


@functools.cache
def floor(states, roots, divisions, parallel):
    """A loop that reads theta, g and the state, writes theta and the state, and does no more.

    With roots and divisions, these are taken of the state, each of another number.
    """
    import numba

    names = [f"s{k}" for k in range(states)]
    terms = [f"math.sqrt({name}[i])" for name in names[:roots]]
    assert len(terms) == roots, "more roots than state"
    terms += [f"{name}[i]" for name in names[roots:divisions]]
    assert len(terms) >= divisions, "more divisions than state"
    x = "g[i]" + "".join(f" {'/' if k < divisions else '*'} {x}" for k, x in enumerate(terms))
    lines = [
        f"def loop({', '.join(['theta', 'g', *names])}):",
        f"    for i in {'prange' if parallel else 'range'}(theta.size):",
        f"        x = {x}",
        *(f"        {name}[i] = {name}[i] + g[i]" for name in names),
        "        theta[i] = theta[i] + x",
    ]
    namespace = {"math": math, "prange": numba.prange}
    exec("\n".join(lines), namespace)
    return numba.njit(namespace["loop"], error_model="numpy", parallel=parallel)


def in_torch(name, theta, g, **how):
    """A step of PyTorch's optimizer, or None if there is none or it cannot be constructed so."""
    import torch

    if name not in TORCH:
        return None
    constructor, options = TORCH[name]
    parameter = torch.nn.Parameter(torch.from_numpy(theta.copy()))
    parameter.grad = torch.from_numpy(g.copy())
    constructor = getattr(torch.optim, constructor)
    if not set(how) <= set(inspect.signature(constructor).parameters):
        return None
    return constructor([parameter], **options, **how).step


def in_optax(name, theta, g):
    """A step of Optax under jit; what went in is given away to be overwritten."""
    import jax
    import optax

    if name not in OPTAX:
        return None
    constructor, options = OPTAX[name]
    transformation = getattr(optax, constructor)(0.01, **options)
    g = jax.device_put(g.copy())

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def one_step(theta, state, g):
        updates, state = transformation.update(g, state, theta)
        return optax.apply_updates(theta, updates), state

    theta = jax.device_put(theta.copy())
    now = [theta, transformation.init(theta)]

    def step():
        now[:] = one_step(*now, g)
        jax.block_until_ready(now)

    step()
    assert now[0].dtype == g.dtype
    return step


def contestants(name, n, dtype, threads):
    """The step of each contestant as a function without arguments."""
    from gdref.compiled import WORTH_SHARING, compile

    rule = RULES[name]
    states = len(form(rule)[0])
    rng = np.random.default_rng(0)
    # away from 0, so that no number of any loop becomes subnormal, which would cost time
    theta, g, *state = (rng.uniform(0.5, 1.5, n).astype(dtype) for _ in range(2 + states))
    fast = compile(rule, parallel=threads > 1)
    parallel = threads > 1 and n >= WORTH_SHARING
    roots, divisions = cost(rule)
    plain = floor(states, 0, 0, parallel)
    steps = {
        "memory": lambda: plain(theta, g, *state),
        "compiled": lambda: fast.update(5, theta, g, *state),
        "fused": in_torch(name, theta, g, fused=True),
        "optax": in_optax(name, theta, g),
    }
    if roots or divisions:
        with_roots = floor(states, roots, divisions, parallel)
        steps["roots"] = lambda: with_roots(theta, g, *state)
    if threads == 1:
        steps["foreach"] = in_torch(name, theta, g, foreach=True)
        steps["default"] = in_torch(name, theta, g)
        steps["numpy"] = lambda: rule(5, theta, lambda _: g, *state)
    return {contestant: step for contestant, step in steps.items() if step}


def measured(steps, n, clock):
    """Nanoseconds a parameter for each contestant: the best of its samples, taken in turns."""
    samples = {contestant: [] for contestant in steps}
    repeats = {}
    for contestant, step in steps.items():
        step()
        start = clock()
        step()
        repeats[contestant] = max(1, int(SAMPLE / (clock() - start)))
    for k in range(ROUNDS):
        for contestant, step in steps.items():
            taken = samples[contestant]
            if k >= 3 and sum(taken) * repeats[contestant] > SECONDS:
                continue
            start = clock()
            for _ in range(repeats[contestant]):
                step()
            taken.append((clock() - start) / repeats[contestant])
    return {contestant: round(min(taken) / n * 1e9, 4) for contestant, taken in samples.items()}


def compile_seconds(names):
    """How long gdref.compile takes for each rule, trace and check included; numba has started."""
    from gdref import compiled

    compiled.compile(RULES["gd"])  # starts LLVM and SymPy
    best = dict.fromkeys(names, math.inf)
    for _ in range(3):
        for name in names:
            compiled._compiled.cache_clear()
            start = time.process_time()
            compiled.compile(RULES[name])
            best[name] = min(best[name], time.process_time() - start)
    return {name: round(seconds, 3) for name, seconds in best.items()}


def run(names, threads):
    """All measurements with one number of threads, in a process of their own."""
    if threads == 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import jax
    import numba
    import torch

    jax.config.update("jax_enable_x64", True)
    torch.set_num_threads(threads)
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    results = {"compile_seconds": compile_seconds(names)} if threads == 1 else {}
    results["nanoseconds"] = []
    clock = time.process_time if threads == 1 else time.perf_counter
    for dtype in TYPES:
        for n in SIZES:
            for name in names:
                times = measured(contestants(name, n, dtype, threads), n, clock)
                row = {"threads": threads, "dtype": dtype, "n": n, "rule": name} | times
                results["nanoseconds"].append(row)
                print(json.dumps(row), file=sys.stderr)
    return results


# --------------------------------------------------------------------------------- results


def machine():
    """What the times depend on."""
    import llvmlite.binding as llvm

    known = llvm.get_host_cpu_features()
    vectors = ["sse4.2", "avx", "avx2", "fma", "avx512f", "neon", "sve"]
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((x.split(": ")[1] for x in lines if x.startswith("model name")), model)
    return {
        "date": datetime.date.today().isoformat(),
        "processor": model,
        "vectors": [name for name in vectors if known.get(name)],
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {
            "Python": platform.python_version(),
            **{
                name: importlib.metadata.version(name)
                for name in ("numpy", "sympy", "numba", "llvmlite", "torch", "jax", "optax")
            },
        },
    }


def child(names, threads):
    """Run this file again with a number of threads; huge pages for PyTorch as for NumPy."""
    one = {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "MKL", "OPENBLAS")}
    environment = os.environ | one | {"THP_MEM_ALLOC_ENABLE": "1", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, __file__, *names, "--threads", str(threads)]
    return json.loads(subprocess.run(command, env=environment, check=True, stdout=-1).stdout)


def store(results):
    nanoseconds = ",\n".join("  " + json.dumps(row) for row in results.pop("nanoseconds"))
    head = json.dumps(results, indent=1)[:-2]
    engines.RESULTS.write_text(f'{head},\n "nanoseconds": [\n{nanoseconds}\n ]\n}}\n')


def better(results, before):
    """Of two runs on one machine, the smaller of each two times: the best of more samples."""
    if {**results["machine"], "date": ""} != {**before["machine"], "date": ""}:
        raise SystemExit("The stored results are from another machine or other versions.")

    def least(new, old):
        return {key: min(new[key], old[key]) if new[key] != old[key] else new[key] for key in new}

    pairs = zip(results["nanoseconds"], before["nanoseconds"], strict=True)
    return {
        "machine": results["machine"],
        "compile_seconds": least(results["compile_seconds"], before["compile_seconds"]),
        "nanoseconds": [least(new, old) for new, old in pairs],
    }


def report(results):
    """Print the tables of the largest size and the targets; return the targets that are missed."""
    missed = []
    for threads in (1, 2):
        for dtype in TYPES:
            print(f"\n{threads} thread(s), {dtype}, {max(SIZES):,} parameters: ns a parameter")
            print(engines.markdown(engines.rows(max(SIZES), dtype, threads, results)))
            for n in SIZES:
                for row in engines.rows(n, dtype, threads, results):
                    where = f"{row['rule']}, {dtype}, {n:,}, {threads} thread(s)"
                    if n == max(SIZES) and threads == 1 and row["to floor"] > 1.10:
                        missed.append(f"{where}: {row['to floor']:.2f} times its floor")
                    if row.get("fused") and row["compiled"] > row["fused"]:
                        ratio = row["compiled"] / row["fused"]
                        missed.append(f"{where}: {ratio:.2f} times PyTorch's fused")
    for name, seconds in results["compile_seconds"].items():
        if seconds > 1:
            missed.append(f"{name}: compiled in {seconds:.2f} s")
    print("\nCompiled in, s:", results["compile_seconds"])
    print("Targets missed:", *(missed or ["none"]), sep="\n  ")
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("rules", nargs="*", metavar="rule", help="all rules if none is named")
    parser.add_argument("--show", action="store_true", help="show the stored results")
    parser.add_argument("--again", action="store_true", help="keep the better of old and new")
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    names = arguments.rules or list(RULES)
    if arguments.threads:
        print(json.dumps(run(names, arguments.threads)))
        return 0
    if arguments.show:
        return 1 if report(engines.load()) else 0
    one, two = child(names, 1), child(names, 2)
    results = {
        "machine": machine(),
        "compile_seconds": one["compile_seconds"],
        "nanoseconds": one["nanoseconds"] + two["nanoseconds"],
    }
    if arguments.again and not arguments.rules:
        results = better(results, engines.load())
    missed = report(results)
    if not arguments.rules:
        store(results)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
