r"""Many workers, simulated: when they meet the server, and what they do when they meet.

The two questions are kept apart.  The *times* follow from a cost model and a seed alone
(:func:`exchanges`, :func:`synchronous_times`).  What is *computed* follows from the order of the
workers: as a gradient at an old point (:func:`stale`, for :func:`gdref.iterate`), or as local
steps and a meeting (:func:`local`).  The update rules are those of :mod:`gdref.rules`; nothing
here changes one.
"""

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np

from gdref._inputs import form


@dataclass(frozen=True)
class Costs:
    """What computing and sending cost, in seconds and bytes.

    Attributes
    ----------
    compute
        mean seconds for one gradient on one worker.
    spread
        share of that time that is random, 0 to 1: compute (1 - spread + spread E) with E
        exponential of mean 1.  At 0 all workers are equally fast.
    latency
        seconds until the first byte of a message arrives.
    bandwidth
        bytes a second of every link.
    message
        bytes of one gradient, or of one copy of theta.
    servers
        machines over which the server's copy of theta is spread; each has a link.
    """

    compute: float = 0.1
    spread: float = 0.0
    latency: float = 5e-5
    bandwidth: float = 1.25e9
    message: float = 4e6
    servers: int = 1

    def __post_init__(self):
        for name, value in vars(self).items():
            low = 1 if name == "servers" else 0
            high = 1 if name == "spread" else math.inf
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}; it must be from {low} to {high}")
        if self.bandwidth == 0:
            raise ValueError("bandwidth is 0; it must be positive")

    @property
    def transfer(self) -> float:
        """Seconds to send one message over one link."""
        return self.latency + self.message / self.bandwidth

    @property
    def occupied(self) -> float:
        """Seconds for which one message keeps the server's links busy."""
        return self.message / self.bandwidth / self.servers

    def computing(self, rng: np.random.Generator, size: Any = None) -> Any:
        """Random seconds for one gradient, or an array of them."""
        return self.compute * (1 - self.spread + self.spread * rng.exponential(size=size))

    def allreduce(self, workers: int) -> float:
        """Seconds until every worker has the mean of all gradients, without a server.

        The better of a ring, 2 (p - 1) messages of 1/p of the size one after the other, and a
        tree, 2 ceil(log2 p) whole messages.
        """
        hops = 2 * (workers - 1)
        ring = hops * (self.latency + self.message / self.bandwidth / workers)
        tree = 2 * math.ceil(math.log2(workers)) * self.transfer
        return min(ring, tree)


def synchronous_times(
    workers: int, costs: Costs, rng: np.random.Generator | int = 0
) -> Iterator[float]:
    """When step 1, 2, ... ends if every step waits for the slowest worker.

    Examples
    --------
    >>> from itertools import islice
    >>> [round(s, 4) for s in islice(synchronous_times(2, Costs(latency=0, message=0)), 3)]
    [0.1, 0.2, 0.3]
    """
    check_workers(workers)
    return _synchronous_times(workers, costs, np.random.default_rng(rng))


def _synchronous_times(workers, costs, rng):
    now = 0.0
    exchange = costs.allreduce(workers)
    while True:
        now += float(costs.computing(rng, workers).max()) + exchange
        yield now


def exchanges(
    workers: int, costs: Costs, rng: np.random.Generator | int = 0, period: int = 1
) -> Iterator[tuple[float, int]]:
    """The meetings of the workers with the server, in order: ``(seconds, worker)``.

    Every worker computes ``period`` gradients, sends a message, and goes on when the answer is
    there.  The server takes one message after the other, in the order of their arrival.  Nobody
    waits for another worker, except at the server.

    Examples
    --------
    >>> from itertools import islice
    >>> meetings = exchanges(2, Costs(compute=1, latency=0, message=0))
    >>> list(islice(meetings, 4))
    [(1.0, 0), (1.0, 1), (2.0, 0), (2.0, 1)]
    """
    check_workers(workers)
    if period < 1:
        raise ValueError(f"period is {period}; it must be at least 1")
    return _exchanges(workers, costs, np.random.default_rng(rng), period)


def _exchanges(workers, costs, rng, period):
    first = costs.computing(rng, (workers, period)).sum(axis=1) + costs.latency
    arrivals = [(float(seconds), worker) for worker, seconds in enumerate(first)]
    heapq.heapify(arrivals)
    free = 0.0
    while True:
        arrived, worker = heapq.heappop(arrivals)
        free = max(free, arrived) + costs.occupied
        # a worker's own link may be slower than the links of all servers together
        done = max(free, arrived + costs.message / costs.bandwidth)
        yield done, worker
        work = costs.computing(rng, period).sum()
        again = float(done + costs.transfer + work + costs.latency)
        heapq.heappush(arrivals, (again, worker))


def delays(workers: Iterable[int]) -> list[int]:
    """How many updates old each gradient is: those that came since its worker's last meeting.

    Examples
    --------
    >>> delays([0, 1, 0, 1, 1])
    [0, 1, 1, 1, 0]
    """
    fetched: dict[int, int] = {}
    result = []
    for update, worker in enumerate(workers):
        result.append(update - fetched.get(worker, 0))
        fetched[worker] = update + 1
    return result


def stale(gradients: Any, ages: int | list[int]) -> Iterator[Callable]:
    """Gradient functions for :func:`gdref.iterate` that look at an old point.

    Parameters
    ----------
    gradients
        a gradient function, or an iterable of them, one a step.
    ages
        how many steps old the point is, for every step or as a list, one a step.  Before there
        is a point of that age the oldest one is taken.

    Each function remembers the point at which it is asked, so it is to be asked once, in turn,
    as ``iterate`` does.

    Examples
    --------
    >>> from gdref import gd, iterate
    >>> from itertools import islice
    >>> [float(x) for x in islice(iterate(gd, stale(lambda x: x, 1), 1.0, eta=0.5), 4)]
    [1.0, 0.5, 0.0, -0.25]
    """
    if callable(gradients):
        gradients = repeat(gradients)
    known = [ages] if isinstance(ages, int) else list(ages)
    if min(known, default=0) < 0:
        raise ValueError(f"ages is {ages}; a gradient cannot come from the future")
    in_turn = repeat(ages) if isinstance(ages, int) else known
    return _stale(gradients, in_turn, max(known, default=0))


def _stale(gradients, ages, oldest):
    points: deque = deque(maxlen=oldest + 1)
    for grad, age in zip(gradients, ages, strict=False):  # either may be endless

        def at_old_point(theta, grad=grad, age=age):
            points.append(theta)
            return grad(points[max(0, len(points) - 1 - age)])

        yield at_old_point


def local(
    rule: Callable,
    gradients: Iterable[Callable],
    theta: Any,
    workers: Iterable[int],
    meet: Callable,
    *,
    period: int = 1,
    **hyperparameters: Any,
) -> Iterator:
    """The server's theta_0, theta_1, ..., after every meeting with a worker.

    Each worker has its own theta and its own state of the rule.  It takes ``period`` steps of
    the rule, then meets the server.

    Parameters
    ----------
    gradients
        gradient functions, one for every local step in the order in which the workers meet the
        server; the run ends when they or the workers end.
    workers
        the order in which the workers meet the server, as :func:`exchanges` gives it.
    meet
        a function ``meet(server, mine, fetched)`` that returns the server's new theta and the
        worker's: :func:`add`, :func:`overwrite`, or :func:`elastic`.  ``fetched`` is what the
        worker left its last meeting with.

    Examples
    --------
    >>> from gdref import gd
    >>> grads = [lambda x: x] * 4
    >>> [float(x) for x in local(gd, grads, 1.0, [0, 1, 0, 1], add, eta=0.5)]
    [1.0, 0.5, 0.0, -0.25, -0.25]
    """
    gradients = iter(gradients)
    start = (0, theta, theta, *form(rule)[1])
    own: dict[int, tuple] = {}
    yield theta
    for worker in workers:
        t, mine, fetched, *state = own.get(worker, start)
        for _ in range(period):
            grad = next(gradients, None)
            if grad is None:
                return
            t += 1
            mine, *state = rule(t, mine, grad, *state, **hyperparameters)
        theta, mine = meet(theta, mine, fetched)
        own[worker] = (t, mine, mine, *state)
        yield theta


def add(server: Any, mine: Any, fetched: Any) -> tuple:
    """Downpour: the server adds what the worker has moved; the worker takes the new copy."""
    server = server + (mine - fetched)
    return server, server


def overwrite(server: Any, mine: Any, fetched: Any) -> tuple:
    """Shared memory without locks, at its worst: the coordinates that the worker has moved get
    its values, whatever others have written there since; the others stay."""
    server = np.where(mine != fetched, mine, server)
    return server, server


def elastic(alpha: float) -> Callable:
    """Elastic averaging: server and worker each go the share alpha of the way to the other."""

    def meet(server, mine, fetched):
        pull = alpha * (mine - server)
        return server + pull, mine - pull

    return meet


def check_workers(workers):
    if isinstance(workers, bool) or not isinstance(workers, int | np.integer) or workers < 1:
        raise ValueError(f"workers is {workers!r}; it must be a whole number, at least 1")
