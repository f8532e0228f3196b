"""What there is to minimise: surfaces in the plane and small models, with exact gradients.

A surface takes the point with its two coordinates along the first axis, so that a thousand
points are one array of shape (2, 1000); it takes SymPy symbols too.  A model holds its data and
takes its parameters as one flat vector, so that every rule works on it unchanged.

All of them pickle: each knows the function that made it and its arguments.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

import numpy as np


class _Made:
    """An object that pickles as the call that made it, so that it may hold any function."""

    made_by: tuple | None

    def __reduce__(self):
        if self.made_by is None:  # made by hand
            return super().__reduce__()
        make, args, kwargs = self.made_by
        return functools.partial(make, *args, **kwargs), ()


Arguments = ParamSpec("Arguments")
Thing = TypeVar("Thing", bound=_Made)


def _remembered(make: Callable[Arguments, Thing]) -> Callable[Arguments, Thing]:
    @functools.wraps(make)
    def made(*args, **kwargs):
        thing = make(*args, **kwargs)
        object.__setattr__(thing, "made_by", (made, args, kwargs))  # it is frozen
        return thing

    return made


@dataclass(frozen=True)
class Surface(_Made):
    """A function of two variables with its gradient.

    Attributes
    ----------
    name
        what the literature calls it.
    loss, grad
        functions of a point ``theta`` of shape (2,) or (2, n); ``grad`` has the shape of theta.
    start
        a start that shows the surface's character.
    minimum
        the minimum (nearest to the start), or None if there is none.
    window
        ``(x_low, x_high, y_low, y_high)``: the part worth plotting.
    """

    name: str
    loss: Callable
    grad: Callable
    start: tuple[float, float]
    minimum: tuple[float, float] | None
    window: tuple[float, float, float, float]
    made_by: tuple | None = field(default=None, repr=False, compare=False)


def quadratic(curvatures: Any) -> tuple[Callable, Callable]:
    r"""Loss and gradient of :math:`J(\theta) = \tfrac12\sum_i \lambda_i\theta_i^2`.

    ``curvatures`` are the :math:`\lambda_i`, along the first axis of theta.
    """
    curvatures = np.asarray(curvatures, dtype=float)
    return (
        functools.partial(_quadratic_loss, curvatures),
        functools.partial(_quadratic_grad, curvatures),
    )


def _quadratic_loss(curvatures, theta):
    return (_along(curvatures, theta) * np.asarray(theta) ** 2).sum(axis=0) / 2


def _quadratic_grad(curvatures, theta):
    return _along(curvatures, theta) * np.asarray(theta)


def _along(curvatures, theta):
    """The curvatures as an array that broadcasts along the first axis of theta."""
    return curvatures.reshape(curvatures.shape + (1,) * (np.ndim(theta) - curvatures.ndim))


@_remembered
def ravine(condition: float = 20.0) -> Surface:
    r"""A long valley of condition number :math:`\kappa`, :math:`J = \tfrac12(x^2 + \kappa y^2)`."""
    return Surface(
        "ravine",
        lambda theta: (theta[0] ** 2 + condition * theta[1] ** 2) / 2,
        lambda theta: np.array([theta[0], condition * theta[1]]),
        start=(-4.0, 1.0),
        minimum=(0.0, 0.0),
        window=(-5.0, 2.0, -1.5, 1.5),
    )


@_remembered
def rosenbrock() -> Surface:
    r"""Rosenbrock's curved valley, :math:`J = (1 - x)^2 + 100(y - x^2)^2`."""

    def grad(theta):
        x, y = theta
        return np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])

    return Surface(
        "Rosenbrock",
        lambda theta: (1 - theta[0]) ** 2 + 100 * (theta[1] - theta[0] ** 2) ** 2,
        grad,
        start=(-1.2, 1.0),
        minimum=(1.0, 1.0),
        window=(-2.0, 2.0, -1.0, 3.0),
    )


@_remembered
def beale() -> Surface:
    r"""Beale's function: a plateau with sharp corners,
    :math:`J = (1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2`.
    """

    def residuals(theta):
        x, y = theta
        return 1.5 - x + x * y, 2.25 - x + x * y**2, 2.625 - x + x * y**3

    def grad(theta):
        x, y = theta
        a, b, c = residuals(theta)
        return np.array(
            [
                2 * a * (y - 1) + 2 * b * (y**2 - 1) + 2 * c * (y**3 - 1),
                2 * a * x + 4 * b * x * y + 6 * c * x * y**2,
            ]
        )

    return Surface(
        "Beale",
        lambda theta: sum(r**2 for r in residuals(theta)),
        grad,
        start=(1.0, 1.5),
        minimum=(3.0, 0.5),
        window=(-0.5, 4.5, -1.5, 2.0),
    )


@_remembered
def saddle() -> Surface:
    r"""A saddle between two minima, :math:`J = \tfrac12 x^2 - \tfrac12 y^2 + \tfrac14 y^4`."""
    return Surface(
        "saddle",
        lambda theta: theta[0] ** 2 / 2 - theta[1] ** 2 / 2 + theta[1] ** 4 / 4,
        lambda theta: np.array([theta[0], theta[1] ** 3 - theta[1]]),
        start=(-1.5, 0.001),
        minimum=(0.0, 1.0),
        window=(-2.0, 1.0, -1.5, 1.5),
    )


@_remembered
def monkey_saddle() -> Surface:
    r"""The monkey saddle, :math:`J = x^3 - 3xy^2`, whose gradient and curvature vanish at 0."""
    return Surface(
        "monkey saddle",
        lambda theta: theta[0] ** 3 - 3 * theta[0] * theta[1] ** 2,
        lambda theta: np.array([3 * theta[0] ** 2 - 3 * theta[1] ** 2, -6 * theta[0] * theta[1]]),
        start=(0.8, 0.01),
        minimum=None,
        window=(-1.0, 1.0, -1.0, 1.0),
    )


@_remembered
def plateau() -> Surface:
    r"""A flat plain around one well, :math:`J = r^2/(1 + r^2)` with :math:`r^2 = x^2 + 4y^2`."""

    def r2(theta):
        return theta[0] ** 2 + 4 * theta[1] ** 2

    return Surface(
        "plateau",
        lambda theta: r2(theta) / (1 + r2(theta)),
        lambda theta: np.array([2 * theta[0], 8 * theta[1]]) / (1 + r2(theta)) ** 2,
        start=(-4.0, 1.5),
        minimum=(0.0, 0.0),
        window=(-5.0, 2.0, -2.5, 2.5),
    )


SURFACES = {
    surface.__name__: surface
    for surface in (ravine, rosenbrock, beale, saddle, monkey_saddle, plateau)
}


@dataclass(frozen=True)
class Model(_Made):
    """A model with its training data.

    Attributes
    ----------
    loss, grad
        functions of ``(theta, batch=slice(None))``: the mean loss over the examples with these
        indices (plus the penalty), and its gradient, in the shape of theta.
    predict
        ``predict(theta, X)``: the prediction for new examples.
    n
        number of training examples.
    theta0
        a start: zeros where the loss is convex, seeded random weights for the network.
    """

    loss: Callable
    grad: Callable
    predict: Callable
    n: int
    theta0: np.ndarray
    made_by: tuple | None = field(default=None, repr=False, compare=False)


EVERY = slice(None)


@_remembered
def least_squares(X: np.ndarray, y: np.ndarray, penalty: float = 0.0) -> Model:
    r"""Linear regression.

    .. math:: J = \tfrac12\,\overline{(x^\top\theta - y)^2} + \tfrac12\lambda'|\theta|^2

    ``penalty`` is :math:`\lambda'`; the bar is the mean over the examples.
    """

    def residual(theta, batch):
        return X[batch] @ theta - y[batch]

    def grad(theta, batch=EVERY):
        r = residual(theta, batch)
        return X[batch].T @ r / len(r) + penalty * theta

    return Model(
        lambda theta, batch=EVERY: (
            (residual(theta, batch) ** 2).mean() / 2 + penalty / 2 * (theta @ theta)
        ),
        grad,
        lambda theta, X: X @ theta,
        len(X),
        np.zeros(X.shape[1]),
    )


@_remembered
def logistic(X: np.ndarray, y: np.ndarray, penalty: float = 0.0) -> Model:
    r"""Logistic regression.

    .. math:: J = \overline{\log(1 + e^{z}) - yz} + \tfrac12\lambda'|\theta|^2

    :math:`z = x^\top\theta`; the labels y are 0 and 1.
    """

    def loss(theta, batch=EVERY):
        z = X[batch] @ theta
        return (np.logaddexp(0, z) - y[batch] * z).mean() + penalty / 2 * (theta @ theta)

    def grad(theta, batch=EVERY):
        x = X[batch]
        return x.T @ (sigmoid(x @ theta) - y[batch]) / len(x) + penalty * theta

    return Model(loss, grad, lambda theta, X: X @ theta > 0, len(X), np.zeros(X.shape[1]))


@_remembered
def softmax(X: np.ndarray, y: np.ndarray, penalty: float = 0.0) -> Model:
    r"""Softmax regression, :math:`J = \overline{-\log p_y} + \tfrac12\lambda'|\theta|^2`.

    :math:`p = \operatorname{softmax}(x^\top W)`; theta is W of shape (features, classes),
    flattened; the labels y are 0, 1, ..., classes - 1.
    """
    classes = int(y.max()) + 1

    def scores(theta, X):
        return X @ theta.reshape(X.shape[1], classes)

    def loss(theta, batch=EVERY):
        return cross_entropy(scores(theta, X[batch]), y[batch]) + penalty / 2 * (theta @ theta)

    def grad(theta, batch=EVERY):
        x = X[batch]
        return (x.T @ cross_entropy_gradient(scores(theta, x), y[batch])).ravel() + penalty * theta

    return Model(
        loss,
        grad,
        lambda theta, X: scores(theta, X).argmax(axis=1),
        len(X),
        np.zeros(X.shape[1] * classes),
    )


@_remembered
def network(
    X: np.ndarray, y: np.ndarray, hidden: int = 32, penalty: float = 0.0, seed: int = 0
) -> Model:
    r"""A network with one hidden layer, softmax(tanh(X W1 + b1) W2 + b2), and cross-entropy loss.

    theta holds W1, b1, W2, b2, flattened; the start is drawn with variance 1/inputs for the
    weights and 0 for the biases, from the seed.
    """
    inputs, classes = X.shape[1], int(y.max()) + 1
    shapes = ((inputs, hidden), (hidden,), (hidden, classes), (classes,))
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes]).tolist()
    parts = list(map(slice, [0, *ends], ends))

    def layers(theta):  # slices: np.split would take a third of a small step
        return [theta[part].reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

    def forward(theta, X):
        W1, b1, W2, b2 = layers(theta)
        activation = np.tanh(X @ W1 + b1)
        return activation, activation @ W2 + b2

    def loss(theta, batch=EVERY):
        return cross_entropy(forward(theta, X[batch])[1], y[batch]) + penalty / 2 * (theta @ theta)

    def grad(theta, batch=EVERY):
        x = X[batch]
        activation, scores = forward(theta, x)
        d_scores = cross_entropy_gradient(scores, y[batch])
        d_hidden = (d_scores @ layers(theta)[2].T) * (1 - activation**2)
        parts = (x.T @ d_hidden, d_hidden.sum(0), activation.T @ d_scores, d_scores.sum(0))
        return np.concatenate([part.ravel() for part in parts]) + penalty * theta

    rng = np.random.default_rng(seed)
    theta0 = np.concatenate(
        [
            (rng.normal(size=shape) / np.sqrt(shape[0])).ravel()
            if len(shape) == 2
            else np.zeros(shape)
            for shape in shapes
        ]
    )
    return Model(loss, grad, lambda theta, X: forward(theta, X)[1].argmax(axis=1), len(X), theta0)


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z)) without overflow."""
    return np.exp(-np.logaddexp(0, -z))


def cross_entropy(scores: np.ndarray, y: np.ndarray) -> float:
    """Mean of -log softmax(scores)[y] over the rows."""
    top = scores.max(axis=1)
    log_sum = top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
    return (log_sum - scores[np.arange(len(y)), y]).mean()


def cross_entropy_gradient(scores: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient of :func:`cross_entropy` with respect to the scores: (softmax - one-hot)/rows."""
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    return p / len(y)
