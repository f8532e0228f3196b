"""Move every gradient of gdref.problems by one unit in its last place, up or down at random.

Another BLAS kernel, or another order of the terms, rounds the last bit differently.  A number on a
page that this moves is a number that another machine would print differently.
"""

import functools

import numpy as np


def flip(value, rng):
    """The neighbour of each number, above or below; 0 stays, and so does what is not a float.

    An exact zero comes from a symmetry or from a product with 0: it is 0 on every machine.
    """
    if isinstance(value, dict):
        return {key: flip(part, rng) for key, part in value.items()}
    if not isinstance(value, float | np.floating | np.ndarray):
        return value
    numbers = np.asarray(value)
    if numbers.dtype.kind != "f":
        return value
    ways = np.where(rng.random(numbers.shape) < 0.5, -np.inf, np.inf).astype(numbers.dtype)
    moved = np.where(numbers == 0, numbers, np.nextafter(numbers, ways))
    return moved if isinstance(value, np.ndarray) else type(value)(moved)


def flipped(grad, rng):
    """A function that returns what grad does, with its last bit flipped."""

    @functools.wraps(grad)
    def last_bit_flipped(*arguments, **options):
        return flip(grad(*arguments, **options), rng)

    return last_bit_flipped


def install(seed):
    """From now on each Surface, Model and quadratic of gdref.problems has flipped gradients."""
    from gdref import problems

    rng = np.random.default_rng(seed)

    def flip_all(kind):
        begin = kind.__init__

        @functools.wraps(begin)
        def __init__(self, *arguments, **options):
            begin(self, *arguments, **options)
            object.__setattr__(self, "grad", flipped(self.grad, rng))  # it is frozen

        kind.__init__ = __init__

    flip_all(problems.Surface)
    flip_all(problems.Model)
    problems._quadratic_grad = flipped(problems._quadratic_grad, rng)
