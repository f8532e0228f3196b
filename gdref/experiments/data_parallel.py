"""Synchronous data-parallel descent in several processes, and the same run in one process.

    python -m gdref.experiments.data_parallel --workers 4                  processes on this machine
    python -m gdref.experiments.data_parallel --scheduler tcp://HOST:8786  a running Dask cluster

Every worker holds its own part of the examples.  In each step it returns the mean gradient over
the examples of the batch that it holds; the mean of these, weighted by their numbers, is the
gradient of the whole batch.  The rule is gdref's and does not know of the workers: they are one
more gradient function.  The exit code is 1 if the two runs differ by more than rounding.

On a cluster every worker needs gdref; the data travel from here, once.
"""

import argparse
import sys
import time
from contextlib import ExitStack

import numpy as np

try:
    from distributed import Client, LocalCluster
except ImportError as error:
    raise ImportError(f"{error}; this needs Dask: pip install 'gdref[parallel]'") from error

from gdref import RULES, datasets, iterate, minibatch, problems

ROUNDING = 1e-12


def part_of_gradient(examples, theta, rows):
    """On a worker: the sum of the gradients of some of its examples."""
    return len(rows) * problems.logistic(*examples).grad(theta, rows)


def parallel_gradients(client, X, y, batches):
    """One gradient function a step, computed by all workers of the cluster at once."""
    workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
    shares = np.array_split(np.arange(len(X)), len(workers))
    shards = [
        client.scatter((X[share], y[share]), workers=[worker], hash=False)
        for share, worker in zip(shares, workers, strict=True)
    ]

    def gradient(theta, batch):
        parts = []
        for share, shard, worker in zip(shares, shards, workers, strict=True):
            rows = np.flatnonzero(np.isin(share, batch))
            if len(rows):
                parts.append(
                    client.submit(
                        part_of_gradient, shard, theta, rows, workers=[worker], pure=False
                    )
                )
        return sum(client.gather(parts)) / len(batch)

    return (lambda theta, batch=batch: gradient(theta, batch) for batch in batches)


def run(client, rule, size, epochs, seed, **hyperparameters):
    """Both runs: the last theta of each and the seconds that each took."""
    X, y, *_ = datasets.breast_cancer()
    model = problems.logistic(X, y)
    batches = list(minibatch.batches(model.n, size, epochs, rng=seed))
    ends, seconds = [], []
    for gradients in (
        (lambda theta, batch=batch: model.grad(theta, batch) for batch in batches),
        parallel_gradients(client, X, y, batches),
    ):
        start = time.perf_counter()
        *_, theta = iterate(rule, gradients, model.theta0, **hyperparameters)
        ends.append(theta)
        seconds.append(time.perf_counter() - start)
    return model, len(batches), ends, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2, help="processes on this machine")
    parser.add_argument("--scheduler", help="address of a Dask scheduler, instead of --workers")
    parser.add_argument("--rule", choices=sorted(RULES), default="momentum")
    parser.add_argument("--eta", type=float, default=0.01)
    parser.add_argument("--size", type=int, default=64, help="examples in a batch")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.workers < 1:
        parser.error(f"--workers is {options.workers}; it must be at least 1")

    with ExitStack() as stack:
        address = options.scheduler or stack.enter_context(
            LocalCluster(
                n_workers=options.workers,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address=None,
            )
        )
        client = stack.enter_context(Client(address))
        processes = len(client.scheduler_info(n_workers=-1)["workers"])
        model, steps, (one, several), seconds = run(
            client, RULES[options.rule], options.size, options.epochs, options.seed, eta=options.eta
        )

    difference = np.linalg.norm(several - one) / np.linalg.norm(one)
    print(f"{options.rule}: {steps} steps with {processes} processes")
    print(f"loss {model.loss(several):.6f}; in one process {model.loss(one):.6f}")
    print(f"relative difference of theta below {ROUNDING:g}: {difference < ROUNDING}")
    print(f"seconds: {seconds[1]:.2f}; in one process {seconds[0]:.3f}", file=sys.stderr)
    return int(not difference < ROUNDING)


if __name__ == "__main__":
    sys.exit(main())
