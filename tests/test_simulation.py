"""The simulation of many workers: its times, its delays, and what one worker must give."""

import math
from itertools import islice

import numpy as np
import pytest

from gdref import RULES, gd, iterate, momentum
from gdref.experiments import simulation
from gdref.experiments.simulation import (
    Costs,
    add,
    delays,
    elastic,
    exchanges,
    local,
    overwrite,
    stale,
)

NO_NETWORK = Costs(compute=1.0, latency=0.0, message=0.0)
TARGETS = np.random.default_rng(0).normal(size=(40, 3))
GRADIENTS = [lambda theta, a=a: theta - a for a in TARGETS]
START = np.array([1.0, -2.0, 3.0])


def meetings(workers, count, costs=NO_NETWORK, rng=0, period=1):
    return list(islice(exchanges(workers, costs, rng, period), count))


def order(workers, count, **options):
    return [worker for _, worker in meetings(workers, count, **options)]


# times


def test_one_worker_waits_for_itself_alone():
    costs = Costs(compute=2.0, latency=0.5, bandwidth=10.0, message=30.0)
    assert costs.transfer == 3.5 and costs.occupied == 3.0
    times = [seconds for seconds, _ in meetings(1, 3, costs)]
    # computes, sends; then receives, computes, sends
    assert times == pytest.approx([5.5, 5.5 + 9.0, 5.5 + 18.0])


def test_a_longer_period_sends_less():
    costs = Costs(compute=2.0, latency=0.5, bandwidth=10.0, message=30.0)
    times = [seconds for seconds, _ in meetings(1, 3, costs, period=4)]
    assert np.diff(times) == pytest.approx(4 * 2.0 + 2 * 3.5)


def test_the_server_s_link_is_the_limit():
    costs = Costs(compute=1.0, latency=0.0, bandwidth=10.0, message=1.0, servers=2)
    for workers, rate in ((1, 1 / 1.2), (4, 4 / 1.2), (200, 20.0)):
        times = np.array([seconds for seconds, _ in meetings(workers, 4000, costs)])
        assert 3000 / (times[3999] - times[999]) == pytest.approx(rate, rel=0.01)


def test_messages_are_answered_in_the_order_of_their_arrival():
    costs = Costs(compute=1.0, spread=1.0, latency=0.1, bandwidth=10.0, message=1.0, servers=3)
    times = [seconds for seconds, _ in meetings(7, 500, costs)]
    assert times == sorted(times)


def test_without_randomness_the_workers_take_turns():
    assert order(3, 9) == [0, 1, 2] * 3


def test_the_seed_decides():
    costs = Costs(spread=0.5)
    assert meetings(5, 50, costs, rng=1) == meetings(5, 50, costs, rng=1)
    assert meetings(5, 50, costs, rng=1) != meetings(5, 50, costs, rng=2)


def test_the_mean_time_does_not_depend_on_the_spread():
    rng = np.random.default_rng(0)
    for spread in (0.0, 0.3, 1.0):
        times = Costs(compute=3.0, spread=spread).computing(rng, 100_000)
        assert times.mean() == pytest.approx(3.0, rel=0.02)
        assert times.std() == pytest.approx(3.0 * spread, rel=0.02, abs=1e-12)
        assert times.min() >= 3.0 * (1 - spread)


@pytest.mark.parametrize("workers", [1, 4, 64])
def test_the_slowest_of_p_takes_the_harmonic_number(workers):
    costs = Costs(compute=1.0, spread=0.4, latency=0.0, message=0.0)
    steps = 20_000
    *_, end = islice(simulation.synchronous_times(workers, costs, 0), steps)
    harmonic = sum(1 / k for k in range(1, workers + 1))
    assert end / steps == pytest.approx(0.6 + 0.4 * harmonic, rel=0.02)


def test_allreduce():
    costs = Costs(latency=1.0, bandwidth=1.0, message=1000.0)
    assert costs.allreduce(1) == 0
    assert costs.allreduce(2) == pytest.approx(2 * (1 + 500))
    assert costs.allreduce(8) == pytest.approx(14 * (1 + 125))  # a ring: little to send
    small = Costs(latency=1.0, bandwidth=1.0, message=1.0)
    assert small.allreduce(1000) == pytest.approx(2 * 10 * 2)  # a tree: few hops


@pytest.mark.parametrize(
    "bad",
    [
        {"compute": -1.0},
        {"spread": 1.5},
        {"latency": math.nan},
        {"servers": 0},
        {"bandwidth": 0.0},
    ],
)
def test_costs_that_make_no_sense(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        Costs(**bad)


@pytest.mark.parametrize("workers", [0, -1, 2.5, True])
def test_a_number_of_workers_that_makes_no_sense(workers):
    with pytest.raises(ValueError, match="workers"):
        exchanges(workers, NO_NETWORK)
    with pytest.raises(ValueError, match="workers"):
        simulation.synchronous_times(workers, NO_NETWORK)


def test_other_bad_input():
    with pytest.raises(ValueError, match="period"):
        exchanges(2, NO_NETWORK, period=0)
    for ages in (-1, [0, -2]):
        with pytest.raises(ValueError, match="ages"):
            stale(GRADIENTS, ages)


# delays


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_in_turns_every_gradient_is_p_minus_1_updates_old(workers):
    found = delays(order(workers, 60))
    assert found[:workers] == list(range(workers))
    assert set(found[workers:]) == {workers - 1}


def test_the_mean_delay_is_p_minus_1_at_any_spread():
    found = delays(order(20, 20_000, costs=Costs(spread=0.9)))
    assert np.mean(found[1000:]) == pytest.approx(19, rel=0.01) and max(found) > 40


def test_stale_takes_the_old_point():
    path = list(islice(iterate(gd, stale(lambda x: x, 2), 1.0, eta=0.5), 30))
    for k in range(3, 30):
        assert path[k] == path[k - 1] - 0.5 * path[k - 3]
    assert path[:4] == [1.0, 0.5, 0.0, -0.5]  # before there is an old point: the oldest


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_no_delay_and_one_worker_are_the_rule_itself(rule):
    plain = np.array(list(iterate(rule, GRADIENTS, START)))
    assert np.array_equal(plain, list(iterate(rule, stale(GRADIENTS, 0), START)))
    alone = local(rule, GRADIENTS, START, [0] * 10, overwrite, period=4)
    np.testing.assert_array_equal(list(alone), plain[::4])


def test_a_list_of_ages_that_ends_ends_the_run():
    assert len(list(iterate(gd, stale(GRADIENTS, [0, 1, 1]), START))) == 4


# methods


def test_pushing_steps_is_pushing_stale_gradients():
    """For gradient descent the server may apply the gradient or add the worker's step."""
    workers = order(4, 40, costs=Costs(spread=0.7))
    added = np.array(list(local(gd, GRADIENTS, START, workers, add, eta=0.1)))
    pushed = np.array(list(iterate(gd, stale(GRADIENTS, delays(workers)), START, eta=0.1)))
    assert max(delays(workers)) > 3
    np.testing.assert_allclose(added, pushed, rtol=1e-12)


def test_elastic_neither_adds_nor_loses():
    server, mine = elastic(0.3)(np.array([1.0, 2.0]), np.array([5.0, 0.0]), None)
    np.testing.assert_allclose(server, [2.2, 1.4])
    np.testing.assert_allclose(server + mine, [6.0, 2.0])


def test_elastic_workers_do_not_share_their_state():
    """Worker 1 starts from theta_0 with no velocity, whatever worker 0 has done."""
    one = lambda x: np.ones(1)  # noqa: E731
    path = list(local(momentum, [one] * 6, np.zeros(1), [0, 0, 1], elastic(1.0), period=2, eta=1.0))
    assert path[1] == -(1 + 1.9)
    assert path[3] == -(1 + 1.9)  # at alpha = 1 the server takes over the worker's theta


def test_fetched_is_what_the_worker_left_its_last_meeting_with():
    left, fetched = [], []

    def meet(server, mine, last):
        fetched.append(last)
        left.append(mine / 2)
        return server + 1, left[-1]

    list(local(gd, GRADIENTS, START, [0, 0, 1, 0], meet))
    for got, expected in zip(fetched, [START, left[0], START, left[1]], strict=True):
        assert got is expected


def test_overwriting_loses_what_others_wrote_and_only_there():
    fetched = np.zeros(3)
    first, _ = overwrite(fetched, np.array([1.0, 1.0, 0.0]), fetched)
    second, mine = overwrite(first, np.array([0.0, 5.0, 7.0]), fetched)
    assert second.tolist() == [1.0, 5.0, 7.0] and mine is second
    kept, _ = add(first, np.array([0.0, 5.0, 7.0]), fetched)
    assert kept.tolist() == [1.0, 6.0, 7.0]


def test_overwriting_without_a_conflict_is_adding():
    sparse = [lambda x, k=k: np.eye(4)[k % 4] * (x - 1) for k in range(40)]
    workers = [0, 1, 2, 3] * 10
    paths = [
        list(local(gd, sparse, np.zeros(4), workers, meet, eta=0.5)) for meet in (add, overwrite)
    ]
    np.testing.assert_allclose(*paths, rtol=1e-15)


def test_a_run_ends_when_the_gradients_end():
    assert len(list(local(gd, GRADIENTS[:7], START, [0] * 10, add, period=3))) == 3


@pytest.mark.parametrize("tau", range(6))
def test_the_stability_limit_of_a_delay(tau):
    limit = 2 * math.sin(math.pi / (4 * tau + 2))
    for factor, stays in ((0.99, True), (1.01, False)):
        path = islice(iterate(gd, stale(lambda x: x, tau), 1.0, eta=factor * limit), 8000)
        end = max(abs(x) for x in list(path)[-50:])
        assert (end < 1e-3) == stays and (end > 1e3) != stays
