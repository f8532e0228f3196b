"""Rules as Optax transformations, beside Optax' own, eager and under jit."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp  # noqa: E402

from gdref import RULES, adam, iterate, nag, schedules  # noqa: E402
from gdref.optax import transformation  # noqa: E402

KEY = jax.random.split(jax.random.key(0), 4)
X = jax.random.normal(KEY[0], (40, 5))
Y = jnp.tanh(X @ jax.random.normal(KEY[1], (5,)))
START = {
    "hidden": jax.random.normal(KEY[2], (5, 8)) / 2,
    "out": [jax.random.normal(KEY[3], (8,)) / 2, jnp.zeros(())],
}


def loss(params):
    weights, bias = params["out"]
    return ((jnp.tanh(X @ params["hidden"]) @ weights + bias - Y) ** 2).mean()


def train(optimizer, steps=30, jit=True, **extra):
    def step(params, state):
        updates, state = optimizer.update(jax.grad(loss)(params), state, params, **extra)
        return optax.apply_updates(params, updates), state

    step = jax.jit(step) if jit else step
    params, state = START, optimizer.init(START)
    for _ in range(steps):
        params, state = step(params, state)
    return jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(params)])


PAIRS = {
    "gd": (optax.sgd(0.1), {"eta": 0.1}),
    "momentum": (optax.sgd(0.1, momentum=0.9), {"eta": 0.1}),
    "adagrad": (
        optax.adagrad(0.1, initial_accumulator_value=0.0, eps=1e-3),
        {"eta": 0.1, "eps": 1e-3},
    ),
    "adadelta": (optax.adadelta(1.0, rho=0.95, eps=1e-6), {}),
    "rmsprop": (optax.rmsprop(0.01, decay=0.9, eps=1e-6), {"eta": 0.01, "eps": 1e-6}),
    "adam": (optax.adam(0.01), {"eta": 0.01}),
    "adamax": (optax.adamax(0.01, eps=0.0), {"eta": 0.01}),
    "adamw": (optax.adamw(0.01, weight_decay=0.1), {"eta": 0.01, "lam": 0.001}),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("jit", [True, False])
def test_a_network_takes_optaxs_own_path(name, jit):
    theirs, settings = PAIRS[name]
    a = train(theirs, jit=jit)
    b = train(transformation(RULES[name], **settings), jit=jit)
    assert abs(a - b).max() < 1e-12


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_the_loop_of_gdref(name):
    extra = {"grad_fn": jax.grad(loss)} if name == "nag" else {}
    got = train(transformation(RULES[name]), steps=10, **extra)
    *_, end = iterate(RULES[name], [jax.grad(loss)] * 10, START)
    end = jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(end)])
    assert abs(got - end).max() < 1e-12


def test_schedules_are_traced():
    plan = schedules.warmup(schedules.cosine(0.05, 20), 5)
    a = train(optax.adam(lambda count: plan(count + 1.0)))
    b = train(transformation(adam, eta=plan))
    assert abs(a - b).max() < 1e-12


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_the_precision_stays(dtype):
    params = jax.tree.map(lambda leaf: leaf.astype(dtype), START)
    optimizer = transformation(adam, eta=0.01, eps=2.0**-10, beta2=0.96875)
    state = optimizer.init(params)
    updates, state = jax.jit(optimizer.update)(params, state, params)
    assert {leaf.dtype for leaf in jax.tree.leaves((updates, state.variables))} == {
        jnp.dtype(dtype)
    }


def test_it_chains_with_optax():
    chained = optax.chain(optax.clip_by_global_norm(0.1), transformation(adam, eta=0.01))
    theirs = optax.chain(optax.clip_by_global_norm(0.1), optax.adam(0.01))
    assert abs(train(chained) - train(theirs)).max() < 1e-12


def test_what_it_refuses():
    with pytest.raises(TypeError, match="lr is eta here"):
        transformation(adam, lr=0.1)
    optimizer = transformation(nag)
    with pytest.raises(ValueError, match="grad_fn"):
        optimizer.update(START, optimizer.init(START), START)
    with pytest.raises(ValueError, match="needs the parameters"):
        optimizer.update(START, optimizer.init(START))
    assert np.isfinite(train(transformation(nag), grad_fn=jax.grad(loss))).all()
