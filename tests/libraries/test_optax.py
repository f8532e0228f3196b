"""Rules as Optax transformations, beside Optax' own, eager and under jit."""

import itertools
import pickle
from operator import attrgetter

import numpy as np
import pytest

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp  # noqa: E402

from gdref import RULES, adam, dialects, iterate, iterate_state, nag, schedules  # noqa: E402
from gdref._inputs import form  # noqa: E402
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


FROM_OPTAX = [
    ("sgd", {"learning_rate": 0.1}),
    ("sgd", {"learning_rate": 0.1, "momentum": 0.9}),
    ("adagrad", {"learning_rate": 0.1}),
    ("adadelta", {"learning_rate": 1.0}),
    ("rmsprop", {"learning_rate": 0.01}),
    ("rmsprop", {"learning_rate": 0.01, "eps_in_sqrt": False}),
    ("rmsprop", {"learning_rate": 0.01, "bias_correction": True}),
    ("rmsprop", {"learning_rate": 0.01, "eps_in_sqrt": False, "bias_correction": True}),
    ("adam", {"learning_rate": 0.01, "b1": 0.7, "eps": 1e-3}),
    ("adamax", {"learning_rate": 0.01, "eps": 0.0}),
    ("amsgrad", {"learning_rate": 0.01, "bias_correction_mu": False, "bias_correction_nu": False}),
    ("amsgrad", {"learning_rate": 0.01, "bias_correction_nu": False}),
    ("adamw", {"learning_rate": 0.01}),
    ("contrib.schedule_free_sgd", {"learning_rate": 0.1}),
    ("contrib.schedule_free_adamw", {"learning_rate": 0.01, "weight_decay": 0.1}),
]


@pytest.mark.parametrize("jit", [True, False])
@pytest.mark.parametrize(("name", "arguments"), FROM_OPTAX)
def test_every_exact_conversion_is_optaxs_path(name, arguments, jit):
    rule, settings = dialects.from_library("optax", name, **arguments)
    a = train(attrgetter(name)(optax)(**arguments), steps=15, jit=jit)
    b = train(transformation(rule, **settings), steps=15, jit=jit)
    assert abs(a - b).max() < 1e-12


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_the_loop_of_gdref(name):
    extra = {"grad_fn": jax.grad(loss)} if name == "nag" else {}
    # the axes that no gradient has seen are the eigenvalue routine's choice, and SOAP goes along
    # them: without jit both runs ask it for the same matrix
    jit = name != "soap"
    got = train(transformation(RULES[name]), steps=10, jit=jit, **extra)
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


def sharpness_aware(t, theta, grad, *, eta=0.1, radius=0.05):
    """Asks at theta, then a step uphill."""
    uphill = theta + radius * grad(theta)
    return (theta - eta * grad(uphill),)


def twice_ahead(t, theta, grad, v=0.0, *, eta=0.1):
    ahead = theta - eta * grad(theta - v)
    v = eta * grad(ahead)
    return theta - v, v


@pytest.mark.parametrize("rule", [sharpness_aware, twice_ahead])
def test_rules_that_ask_twice(rule):
    got = train(transformation(rule), steps=10, grad_fn=jax.grad(loss))
    *_, end = iterate(rule, [jax.grad(loss)] * 10, START)
    end = jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(end)])
    assert abs(got - end).max() < 1e-12


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float64", 1e-13), ("float32", 5e-6), ("bfloat16", 0.05)]
)
def test_every_precision_is_numpys_path(name, dtype, tolerance):
    """Schedules too, under jit, step by step from the exact run's own numbers."""
    held = {"eps": 2.0**-10, "beta1": 0.875, "beta2": 0.96875, "rho": 0.875, "gamma": 0.875}
    settings = {key: held[key] for key in form(RULES[name])[2] if key in held}
    if "eta" in form(RULES[name])[2]:
        settings["eta"] = schedules.cosine(0.05, 9)
    start = np.array([[0.5, -1.25, 2.0]])
    params = {"w": jnp.asarray(start, dtype)}
    optimizer = transformation(RULES[name], **settings)

    def wavy(x):
        return 3 * x - 0.5 + 0.25 * x * x * x

    def grad_fn(p):
        return {"w": wavy(p["w"])}

    @jax.jit
    def step(params, state):
        updates, state = optimizer.update(grad_fn(params), state, params, grad_fn=grad_fn)
        return optax.apply_updates(params, updates), state

    state = optimizer.init(params)
    for row in itertools.islice(iterate_state(RULES[name], wavy, start, **settings), 1, 9):
        params, state = step(params, state)
        ours = [params["w"], *(variable["w"] for variable in state.variables)]
        for a, b in zip(row, ours, strict=True):
            assert b.dtype == params["w"].dtype == jnp.dtype(dtype)
            np.testing.assert_allclose(np.asarray(b, float), a, rtol=tolerance, atol=tolerance)


def test_the_state_is_a_tree_that_scan_vmap_and_pickle_take():
    optimizer = transformation(adam, eta=schedules.cosine(0.05, 20))

    def step(carry, _):
        params, state = carry
        updates, state = optimizer.update(jax.grad(loss)(params), state, params)
        return (optax.apply_updates(params, updates), state), None

    (params, _), _ = jax.lax.scan(step, (START, optimizer.init(START)), length=12)
    scanned = jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(params)])
    assert abs(scanned - train(optimizer, steps=12)).max() < 1e-13

    state, params = optimizer.init(START), START
    for _ in range(5):
        (params, state), _ = step((params, state), None)
    params, state = pickle.loads(pickle.dumps((params, state)))
    for _ in range(7):
        (params, state), _ = step((params, state), None)
    resumed = jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(params)])
    assert bool((resumed == train(optimizer, steps=12, jit=False)).all())

    many = jax.tree.map(lambda leaf: jnp.stack([leaf, 2 * leaf]), START)
    states = jax.vmap(optimizer.init)(many)
    one = jax.vmap(lambda p, s: optimizer.update(jax.grad(loss)(p), s, p)[0])(many, states)
    alone = optimizer.update(jax.grad(loss)(START), optimizer.init(START), START)[0]
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(alone), strict=True):
        np.testing.assert_allclose(a[0], b, rtol=1e-12)


def test_masks_and_groups_of_optax():
    """A part of the tree only, or other settings for each part."""
    mask = {"hidden": True, "out": False}
    ours = optax.masked(transformation(adam, eta=0.01), mask)
    theirs = optax.masked(optax.adam(0.01), mask)
    updates = [o.update(START, o.init(START), START)[0]["hidden"] for o in (ours, theirs)]
    assert abs(updates[0] - updates[1]).max() < 1e-12
    labels = {"hidden": "slow", "out": "fast"}
    ours = {"slow": transformation(adam, eta=0.001), "fast": transformation(RULES["gd"], eta=0.1)}
    theirs = {"slow": optax.adam(0.001), "fast": optax.sgd(0.1)}
    ends = [train(optax.multi_transform(both, labels)) for both in (ours, theirs)]
    assert abs(ends[0] - ends[1]).max() < 1e-12


def test_more_of_what_optax_does():
    """Steps over several batches' gradients, and a mean of the parameters."""
    ours = optax.MultiSteps(transformation(adam, eta=0.01), every_k_schedule=3)
    theirs = optax.MultiSteps(optax.adam(0.01), every_k_schedule=3)
    assert abs(train(ours) - train(theirs)).max() < 1e-12


def test_numpys_arrays_are_parameters_too():
    params = {"w": np.array([1.0, 2.0]), "b": np.float64(0.5)}
    optimizer = transformation(adam, eta=0.25)
    updates, _ = optimizer.update(params, optimizer.init(params), params)
    np.testing.assert_allclose(optax.apply_updates(params, updates)["w"], [0.75, 1.75], rtol=1e-6)


def test_what_init_and_update_refuse():
    optimizer = transformation(adam)
    with pytest.raises(ValueError, match="eps is 1e-08; float16 makes it 0"):
        optimizer.init(jnp.ones(2, jnp.float16))
    for bad in (jnp.ones(2) * 1j, jnp.arange(3)):
        with pytest.raises(TypeError, match="must be an array of floats"):
            optimizer.init({"w": bad})
    params = {"w": jnp.ones(2)}
    state = optimizer.init(params)
    with pytest.raises(ValueError, match=r"of shape \(3,\); it must have the shape of theta"):
        optimizer.update({"w": jnp.ones(3)}, state, params)
    with pytest.raises(ValueError, match="key"):
        optimizer.update({"v": jnp.ones(2)}, state, params)
    with pytest.raises(ValueError, match="eta is -0.1 at step 1"):
        transformation(adam, eta=lambda t: -0.1 * t).update(params, state, params)
    with pytest.raises(ValueError, match="grad_fn"):
        optimizer = transformation(sharpness_aware)
        optimizer.update(params, optimizer.init(params), params)


def test_what_it_refuses():
    with pytest.raises(TypeError, match="lr is eta here"):
        transformation(adam, lr=0.1)
    optimizer = transformation(nag)
    with pytest.raises(ValueError, match="grad_fn"):
        optimizer.update(START, optimizer.init(START), START)
    with pytest.raises(ValueError, match="needs the parameters"):
        optimizer.update(START, optimizer.init(START))
    assert np.isfinite(train(transformation(nag), grad_fn=jax.grad(loss))).all()
