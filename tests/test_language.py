"""The transformer: its gradient against differences, what it may see, and the text it learns."""

import itertools

import numpy as np
import pytest

from gdref import RULES, adam, datasets, iterate, language, minibatch
from gdref.gradients import central_difference, check_gradient
from tools import prose


def small(seed=0, **options):
    """A model with 5 letters in float64, and random parameters: at the start much is 0."""
    rng = np.random.default_rng(seed)
    letters = np.r_[np.arange(5), rng.integers(5, size=60)]
    options = {"context": 4, "width": 6, "heads": 2, "dtype": np.float64} | options
    model = language.transformer(letters, **options)
    return model, {k: v + 0.5 * rng.normal(size=v.shape) for k, v in model.theta0.items()}


@pytest.mark.parametrize(
    "options", [{}, {"layers": 1, "heads": 1}, {"heads": 3, "context": 7}, {"layers": 3}], ids=str
)
def test_every_number_of_the_gradient(options):
    model, theta = small(**options)
    batch = np.array([3, 11, 40])
    error = check_gradient(
        lambda theta: model.loss(theta, batch), lambda theta: model.grad(theta, batch), theta
    )
    assert error < 1e-8


def test_a_planted_mistake_is_found():
    model, theta = small(layers=1, heads=1, width=3)
    # that of the keys' bias is 0: see below
    names = [name for name in theta if not name.endswith("key b")][::2]
    for name in names:

        def wrong(theta, name=name):
            g = model.grad(theta)
            return g | {name: 1.1 * g[name]}

        assert check_gradient(model.loss, wrong, theta) > 1e-5, name


PARTS = {
    "linear": (language.linear, [(2, 3, 4), (4, 5), (5,)]),
    "layer norm": (language.layer_norm, [(2, 3, 4), (4,), (4,)]),
    "silu": (language.silu, [(3, 4)]),
    "attention": (lambda *qkv: language.attention(*qkv, 2), [(2, 5, 4)] * 3),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_alone(name):
    """The derivative of a random mean of its values, for each thing that it is given."""
    part, shapes = PARTS[name]
    rng = np.random.default_rng(1)
    given = [rng.normal(size=shape) for shape in shapes]
    value, back = part(*given)
    weights = rng.normal(size=value.shape)
    for k, derivative in enumerate(back(weights)):

        def mean(x, k=k):
            return (weights * part(*given[:k], x, *given[k + 1 :])[0]).sum()

        assert derivative == pytest.approx(central_difference(mean)(given[k]), abs=1e-7)


def test_no_place_sees_what_comes_later():
    model, theta = small(context=6)
    rng = np.random.default_rng(2)
    X = rng.integers(5, size=(8, 6))
    scores = model.predict(theta, X)
    for place in range(1, 6):
        other = X.copy()
        other[:, place:] = rng.integers(5, size=(8, 6 - place))
        assert np.array_equal(model.predict(theta, other)[:, :place], scores[:, :place])
        assert not np.allclose(model.predict(theta, other)[:, place:], scores[:, place:])


def test_the_first_loss_is_that_of_guessing():
    train, _, alphabet = datasets.prose()
    model = language.transformer(train)
    assert model.loss(model.theta0, range(50)) == pytest.approx(np.log(len(alphabet)), abs=1e-5)
    assert {value.dtype for value in model.theta0.values()} == {np.dtype(np.float32)}
    assert {g.dtype for g in model.grad(model.theta0, [0]).values()} == {np.dtype(np.float32)}


def test_the_bias_of_the_keys_changes_nothing():
    """It adds the same number to all scores of a query, and softmax does not see it."""
    model, theta = small()
    moved = theta | {name: value + 1 for name, value in theta.items() if name.endswith("key b")}
    assert model.loss(moved) == pytest.approx(model.loss(theta), rel=1e-12)
    g = model.grad(theta)
    assert all(abs(g[name]).max() < 1e-13 for name in g if name.endswith("key b"))


def test_a_rule_takes_its_parameters_as_a_tree():
    model, _ = small(dtype=np.float32)
    gradients = minibatch.batch_gradients(model.grad, model.n, 8, 20, rng=0)
    *_, theta = iterate(adam, gradients, model.theta0, eta=0.01)
    assert theta.keys() == model.theta0.keys()
    assert model.loss(theta) < 0.9 * model.loss(model.theta0)


def test_sampling_repeats_with_its_seed():
    model, theta = small()
    drawn = [language.sample(model.predict, theta, [0, 1], 30, 4, rng=k) for k in (5, 5, 6)]
    assert drawn[0].tolist() == drawn[1].tolist() != drawn[2].tolist()
    assert len(drawn[0]) == 32 and set(drawn[0]) <= set(range(5))


def test_sampling_follows_the_probabilities():
    """With the output layer alone the letters are independent."""
    model, theta = small()
    p = np.array([0.4, 0.3, 0.2, 0.08, 0.02])
    theta = theta | {"head W": 0 * theta["head W"], "head b": np.log(p)}
    drawn = language.sample(model.predict, theta, [0], 4000, 4, rng=0)[1:]
    assert np.bincount(drawn) / 4000 == pytest.approx(p, abs=0.03)


# ---- the text


def test_the_text_is_the_books_prose():
    """Chapters change and the text stays; still most of its sentences stand in them."""
    train, test, alphabet = datasets.prose()
    assert 100_000 < len(train) + len(test) and set(alphabet) <= set(prose.LETTERS)
    assert 0.08 < len(test) / len(train) < 0.13
    stored = "".join(alphabet[k] for k in train[:20_000]).splitlines()[:-1]
    now = set(prose.prose(prose.pages()).splitlines())
    assert np.mean([sentence in now for sentence in stored]) > 0.6


def test_train_and_test_are_apart():
    train, test, _ = datasets.prose()

    def windows(text, length=60):
        return {bytes(w) for w in np.lib.stride_tricks.sliding_window_view(text, length)}

    train, test = (windows(text.astype(np.uint8)) for text in (train, test))
    assert len(test & train) < 0.02 * len(test)


MARKDOWN = r"""
# A heading without a full stop.

The rate $\eta$ is **small** in `gd` ({ref}`label`), and *falls* {cite}`a2020b`.
- 1. It's “quoted” – see [the page](page.html) {cite:t}`a2020b`.
1. A list has [items](x.html) and $f(x) = 1$ here.

```{note}
This stands in a directive and is left out.
```

$$
a = b.
$$
Short.
A sentence with a role {ref}`in-it` is left out.
"""


def test_what_a_line_becomes():
    assert list(prose.sentences(MARKDOWN)) == [
        "the rate x is small in gd, and falls.",
        "a list has items and x here.",
    ]


def test_the_rules_that_treat_leaves_alike_are_the_same_on_the_tree():
    """The tree of the model, and each of its arrays alone."""
    model, theta = small()
    g = model.grad(theta)
    for name in ("gd", "momentum", "adam", "adamw"):
        rule = RULES[name]
        tree, *_ = rule(1, theta, lambda _: g)
        for key, value in itertools.islice(theta.items(), 5):
            alone, *_ = rule(1, value, lambda _, key=key: g[key])
            assert np.array_equal(tree[key], alone)
