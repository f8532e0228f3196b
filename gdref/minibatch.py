"""Batches of examples: full, single or mini; and the gradient functions they make.

Batch, stochastic and mini-batch descent are one rule with three gradient functions.  This module
chooses the examples; the rule does not know which it got.

A last batch that is smaller counts as much as the others: over an epoch of 5 examples in batches of
2, 2 and 1 the mean of the three gradients is not the gradient of the mean loss.  Where that matters
take a size that divides n, leave the last batch out (``if len(batch) == size``) or weigh each
gradient by ``len(batch) / size``.
"""

from collections.abc import Callable, Iterator

import numpy as np

from gdref._checks import check_whole


def batches(
    n: int,
    size: int,
    epochs: int,
    rng: np.random.Generator | int | None = None,
) -> Iterator[np.ndarray]:
    """Index arrays of the batches, epoch by epoch; every example once an epoch.

    Parameters
    ----------
    n
        number of examples.
    size
        examples a batch, 1 to n: 1 is stochastic, n is full-batch descent.  The last batch of an
        epoch holds what remains.
    epochs
        how often to pass over the examples.
    rng
        a generator, or a seed, that shuffles the examples anew each epoch; None keeps their order.

    Examples
    --------
    >>> [batch.tolist() for batch in batches(5, size=2, epochs=1)]
    [[0, 1], [2, 3], [4]]
    """
    n = check_whole("n", n, low=1)
    size = check_whole("size", size, low=1, high=n, of="n")
    epochs = check_whole("epochs", epochs)
    if rng is not None:
        rng = np.random.default_rng(rng)
    return _batches(n, size, epochs, rng)


def _batches(n, size, epochs, rng):
    order = np.arange(n)
    for _ in range(epochs):
        if rng is not None:
            order = rng.permutation(n)
        for first in range(0, n, size):
            yield order[first : first + size]


def batch_gradients(
    grad: Callable,
    n: int,
    size: int,
    epochs: int,
    rng: np.random.Generator | int | None = None,
) -> Iterator[Callable]:
    """One gradient function a step, for :func:`gdref.iterate`: theta -> grad(theta, batch).

    ``grad(theta, batch)`` is the gradient of the mean loss over the examples with the indices
    ``batch``, as the models of :mod:`gdref.problems` give it.  The other parameters are those of
    :func:`batches`.

    Examples
    --------
    >>> from gdref import gd, iterate
    >>> data = np.array([1.0, 2.0, 3.0, 4.0])
    >>> def grad(theta, batch):
    ...     return theta - data[batch].mean()
    >>> [float(x) for x in iterate(gd, batch_gradients(grad, 4, size=2, epochs=1), 0.0, eta=1.0)]
    [0.0, 1.5, 3.5]
    """
    return (
        lambda theta, batch=batch: grad(theta, batch) for batch in batches(n, size, epochs, rng)
    )
