r"""A small language model: a transformer in NumPy, with its gradient written by hand.

The parameters are a dict of arrays, a tree that rules and loop take as it is.  Each function below
is a part of the model: it returns its value and a function that takes the derivative of the loss
with respect to that value and returns those with respect to what the part was given, in the same
order.  To differentiate the model is to call these functions in the reverse order.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from gdref.problems import EVERY, Model, _remembered, cross_entropy, cross_entropy_gradient

Array = np.ndarray
Part = tuple[Array, Callable]


def linear(x: Array, W: Array, b: Array) -> Part:
    """x W + b, for rows x along the last axis."""

    def back(d):
        rows = x.reshape(-1, x.shape[-1]), d.reshape(-1, d.shape[-1])
        return d @ W.T, rows[0].T @ rows[1], rows[1].sum(0)

    return x @ W + b, back


def layer_norm(x: Array, gain: Array, bias: Array, eps: float = 1e-5) -> Part:
    """Each row less its mean, over its standard deviation, times a gain, plus a bias."""
    centred = x - x.mean(-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(-1, keepdims=True) + eps)
    z = centred / spread

    def back(d):
        c = d * gain
        shift = c.mean(-1, keepdims=True)
        along = (c * z).mean(-1, keepdims=True)
        rows = tuple(range(x.ndim - 1))
        return (c - shift - z * along) / spread, (d * z).sum(rows), d.sum(rows)

    return gain * z + bias, back


def silu(x: Array) -> Part:
    """x times the logistic function of x."""
    share = (1 + np.tanh(x / 2)) / 2
    return x * share, lambda d: (d * share * (1 + x * (1 - share)),)


def attention(q: Array, k: Array, v: Array, heads: int) -> Part:
    """Each place takes a mean of the values v at itself and before, weighed by softmax(q k).

    q, k and v have the shape (batch, places, width); each head has its own part of the width.
    """
    batch, places, width = q.shape
    scale = 1 / np.sqrt(width // heads).astype(q.dtype)
    hidden = np.triu(np.full((places, places), -np.inf, q.dtype), k=1)  # what comes later

    def split(x):
        return x.reshape(batch, places, heads, -1).swapaxes(1, 2)

    def joined(x):
        return x.swapaxes(1, 2).reshape(batch, places, width)

    def turned(x):
        return x.swapaxes(-1, -2)

    q, k, v = split(q), split(k), split(v)
    scores = q @ turned(k) * scale + hidden
    p = np.exp(scores - scores.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)

    def back(d):
        d = split(d)
        dp = d @ turned(v)
        d_scores = p * (dp - (p * dp).sum(-1, keepdims=True)) * scale
        return tuple(map(joined, (d_scores @ k, turned(d_scores) @ q, turned(p) @ d)))

    return joined(p @ v), back


def block(x: Array, theta: dict, layer: int, heads: int) -> tuple[Array, Callable]:
    """Attention and two dense layers, each behind a norm and added to what comes in.

    The function back takes the derivative with respect to the value and a dict in which it puts
    those with respect to the parameters; it returns the one with respect to x.
    """

    def part(function, name, x):
        keys = [key for key in theta if key.startswith(f"{layer} {name} ")]
        value, inner = function(x, *(theta[key] for key in keys))

        def back(d, grads):
            d, *others = inner(d)
            grads.update(zip(keys, others, strict=True))
            return d

        return value, back

    z, norm_back = part(layer_norm, "norm", x)
    qkv = [part(linear, name, z) for name in ("query", "key", "value")]
    mixed, attention_back = attention(qkv[0][0], qkv[1][0], qkv[2][0], heads)
    y, out_back = part(linear, "out", mixed)
    x = x + y
    z, norm2_back = part(layer_norm, "norm2", x)
    z, up_back = part(linear, "up", z)
    z, silu_back = silu(z)
    y, down_back = part(linear, "down", z)

    def back(d, grads):
        (inner,) = silu_back(down_back(d, grads))
        d = d + norm2_back(up_back(inner, grads), grads)
        derivatives = attention_back(out_back(d, grads))
        rows = zip(qkv, derivatives, strict=True)
        return d + norm_back(sum(back(dx, grads) for (_, back), dx in rows), grads)

    return x + y, back


@_remembered
def transformer(
    letters: Array, context: int = 32, width: int = 32, heads: int = 4, layers: int = 2,
    seed: int = 0, dtype: type = np.float32,
) -> Model:  # fmt: skip
    r"""A language model on letters, :math:`J = \overline{-\log p(\text{next letter})}`.

    Parameters
    ----------
    letters
        the text as numbers 0, 1, ...; see :func:`gdref.datasets.prose`.
    context
        how many letters an example has; the model predicts the next one after each of them.
    width, heads, layers
        numbers for each place, heads of the attention (they divide the width), blocks.
    seed, dtype
        of the start: weights of variance 1/inputs, an output layer of zeros, so that the first
        loss is the logarithm of the number of letters.

    Returns
    -------
    Model
        whose theta is a dict; an example is the place at which its window begins;
        ``predict(theta, X)`` gives the scores of what follows each letter of X.
    """
    n = int(letters.max()) + 1
    windows = np.lib.stride_tricks.sliding_window_view(letters, context + 1)

    def forward(theta, X):
        x = theta["letter"][X] + theta["place"][: X.shape[1]]
        backs = []
        for layer in range(layers):
            x, block_back = block(x, theta, layer, heads)
            backs.append(block_back)
        z, norm_back = layer_norm(x, theta["norm gain"], theta["norm bias"])
        scores, head_back = linear(z, theta["head W"], theta["head b"])

        def back(d):
            grads = {}
            d, grads["head W"], grads["head b"] = head_back(d)
            d, grads["norm gain"], grads["norm bias"] = norm_back(d)
            for into in reversed(backs):
                d = into(d, grads)
            one_hot = (X.reshape(-1, 1) == np.arange(n)).astype(d.dtype)
            grads["letter"] = one_hot.T @ d.reshape(-1, width)
            grads["place"] = np.zeros_like(theta["place"])
            grads["place"][: X.shape[1]] = d.sum(0)
            return {name: grads[name] for name in theta}

        return scores, back

    def rows(theta, batch):
        X = windows[batch]
        scores, back = forward(theta, X[:, :-1])
        return scores.reshape(-1, n), X[:, 1:].ravel(), lambda d: back(d.reshape(scores.shape))

    def loss(theta, batch=EVERY):
        scores, y, _ = rows(theta, batch)
        return cross_entropy(scores, y)

    def grad(theta, batch=EVERY):
        scores, y, back = rows(theta, batch)
        return back(cross_entropy_gradient(scores, y))

    theta0: Any = start(n, context, width, layers, np.random.default_rng(seed))
    theta0 = {name: np.asarray(value, dtype) for name, value in theta0.items()}
    return Model(loss, grad, lambda theta, X: forward(theta, X)[0], len(windows), theta0)


def start(n: int, context: int, width: int, layers: int, rng: np.random.Generator) -> dict:
    """The parameters at the start, by their names; those of a block begin with its number."""

    def weights(inputs, outputs):
        return rng.normal(size=(inputs, outputs)) / np.sqrt(inputs)

    theta = {"letter": rng.normal(size=(n, width)), "place": rng.normal(size=(context, width))}
    theta = {name: value / 2 for name, value in theta.items()}
    for layer in range(layers):
        for norm in ("norm", "norm2"):
            theta[f"{layer} {norm} gain"] = np.ones(width)
            theta[f"{layer} {norm} bias"] = np.zeros(width)
        shapes = dict.fromkeys(("query", "key", "value", "out"), (width, width))
        shapes |= {"up": (width, 4 * width), "down": (4 * width, width)}
        for name, shape in shapes.items():
            theta[f"{layer} {name} W"] = weights(*shape)
            theta[f"{layer} {name} b"] = np.zeros(shape[1])
    theta |= {"norm gain": np.ones(width), "norm bias": np.zeros(width)}
    return theta | {"head W": np.zeros((width, n)), "head b": np.zeros(n)}


def sample(
    predict: Callable, theta: dict, letters: Array, length: int, context: int,
    rng: np.random.Generator | int | None = None,
) -> Array:  # fmt: skip
    """Go on with a text: each next letter is drawn with the probability that the model gives it."""
    rng = np.random.default_rng(rng)
    text = list(letters)
    for _ in range(length):
        scores = predict(theta, np.array([text[-context:]]))[0, -1].astype(float)
        p = np.exp(scores - scores.max())
        text.append(int(rng.choice(len(p), p=p / p.sum())))
    return np.array(text)
