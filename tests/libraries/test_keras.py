"""Rules on a Keras model: its variables' arrays as a tree, beside Keras' own optimizers."""

import os
from itertools import islice

import numpy as np
import pytest

os.environ["KERAS_BACKEND"] = "jax"
jax = pytest.importorskip("jax")
keras = pytest.importorskip("keras")
jax.config.update("jax_enable_x64", True)

from gdref import RULES, adam, dialects, iterate, iterate_state, minimize, nag  # noqa: E402
from gdref._inputs import form  # noqa: E402
from tests.kinds import HELD  # noqa: E402

every_rule = pytest.mark.parametrize("name", RULES)
STEPS = 12


@pytest.fixture(autouse=True)
def float64():
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(before)


def network():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1)])
    model.build((None, 5))
    return model


X = np.random.default_rng(0).normal(size=(40, 5))
Y = np.tanh(X.sum(1, keepdims=True))


def slope_of(model):
    """The gradient as a function of the list of the model's arrays."""

    def loss(arrays):
        predicted, _ = model.stateless_call(arrays, [], X)
        return ((predicted - Y) ** 2).mean()

    return jax.jit(jax.grad(loss))


def arrays_of(model):
    return [variable.value for variable in model.trainable_variables]


def vector(arrays):
    return np.concatenate([np.asarray(a, float).ravel() for a in arrays])


FROM_KERAS = [
    ("SGD", {"learning_rate": 0.1}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("RMSprop", {"learning_rate": 0.01}),
    ("Adam", {"learning_rate": 0.01}),
    ("Adam", {"learning_rate": 0.01, "weight_decay": 0.1}),
    ("Adam", {"learning_rate": 0.01, "amsgrad": True}),
    ("AdamW", {"learning_rate": 0.01, "weight_decay": 0.1}),
    ("Adamax", {"learning_rate": 0.01, "epsilon": 0.0}),
]


@pytest.mark.parametrize(("name", "arguments"), FROM_KERAS)
def test_a_model_takes_keras_own_path(name, arguments):
    rule, settings = dialects.from_library("keras", name, **arguments)
    model = network()
    grad = slope_of(model)
    steps = iterate_state(rule, grad, arrays_of(model), **settings)
    *_, (ours, *state) = islice(steps, STEPS + 1)
    optimizer = getattr(keras.optimizers, name)(**arguments)
    for _ in range(STEPS):
        optimizer.apply(grad(arrays_of(model)), model.trainable_variables)
    if rule is nag:  # Keras keeps the look-ahead point
        ours = [theta - settings["gamma"] * v for theta, v in zip(ours, state[0], strict=True)]
    assert abs(vector(ours) - vector(arrays_of(model))).max() < 1e-12
    assert abs(vector(ours) - vector(arrays_of(network()))).max() > 1e-3


@every_rule
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float64", 1e-13), ("float32", 5e-6), ("bfloat16", 0.05)]
)
def test_the_arrays_of_a_variable_take_numpys_path(name, dtype, tolerance):
    start = np.array([[0.5, -1.25, 2.0]])
    settings = {key: HELD[key] for key in HELD if key in form(RULES[name])[2]}
    variable = keras.Variable(start, dtype=dtype)

    def wavy(x):
        return 3 * x - 0.5 + 0.25 * x * x * x

    ours = islice(iterate_state(RULES[name], wavy, start, **settings), 1, 10)
    theirs = islice(iterate_state(RULES[name], wavy, variable.value, **settings), 1, 10)
    for row, other in zip(ours, theirs, strict=True):
        for a, b in zip(row, other, strict=True):
            assert keras.ops.is_tensor(b) and keras.backend.standardize_dtype(b.dtype) == dtype
            np.testing.assert_allclose(np.asarray(b, float), a, rtol=tolerance, atol=tolerance)


def test_a_variable_is_taken_as_its_array():
    variable = keras.Variable([1.0, 2.0])
    *_, end = islice(iterate(adam, lambda x: x, variable, eta=0.25), 2)
    assert keras.ops.is_tensor(end) and not isinstance(end, keras.Variable)
    np.testing.assert_allclose(end, [0.75, 1.75], rtol=1e-6)
    np.testing.assert_array_equal(variable.value, [1.0, 2.0])
    model = network()
    grad = slope_of(model)
    result = minimize(lambda p: 0.0, list(model.trainable_variables), adam, grad=grad, steps=2)
    assert all(map(keras.ops.is_tensor, result.x))


def test_what_was_trained_goes_back_into_the_model():
    model = network()
    *_, end = islice(iterate(adam, slope_of(model), arrays_of(model), eta=0.01), 51)
    before = float(((model(X) - Y) ** 2).mean())
    for variable, value in zip(model.trainable_variables, end, strict=True):
        variable.assign(value)
    assert float(((model(X) - Y) ** 2).mean()) < before / 2
