r"""Optimizers in other forms, for :mod:`gdref.grade` and :mod:`gdref.conformance`.

``from_...`` takes an implementation in its own form and returns a run: a function ``run(start,
gradients, hyperparameters)`` that returns theta after each step (:mod:`gdref.diagnosis.runs`).
A function in the form of the rules needs none; on tensors it goes through :func:`on_arrays`.
``names`` translates our names of hyperparameters to theirs, for example ``{"eta": "lr"}``.

    >>> from gdref.adapters import from_update
    >>> from gdref.diagnosis.runs import diagnose_run
    >>> def sgd_momentum(w, dw, config):  # the form of CS231n
    ...     v = config["momentum"] * config.get("velocity", 0) - config["learning_rate"] * dw
    ...     return w + v, config | {"velocity": v}
    >>> run = from_update(sgd_momentum, {"eta": "learning_rate", "gamma": "momentum"})
    >>> print(diagnose_run(run, "momentum"))
    right: every step is that of momentum
"""

import functools
import inspect
import shlex
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gdref.diagnosis.runs import Run

__all__ = [
    "from_class", "from_command", "from_dict", "from_keras", "from_optax", "from_torch",
    "from_update", "keras_in", "on_arrays",
]  # fmt: skip

Names = Mapping[str, str]
PAIR = {"betas": ("beta1", "beta2")}  # arguments that hold two of ours


def renamed(values: Mapping[str, Any], names: Names, t: int = 1) -> dict[str, Any]:
    """Our values under their names at step t.

    ``{"beta1": "betas[0]"}`` fills a pair, ``{"beta": "b1, b2"}`` gives one value two names.
    """
    found: dict[str, Any] = {}
    for ours, value in values.items():
        for theirs in names[ours].split(", ") if ours in names else ():
            number = float(value(t)) if callable(value) else float(value)
            if theirs.endswith("]"):
                key, place = theirs[:-1].split("[")
                pair = list(found.get(key, (0.0, 0.0)))
                pair[int(place)] = number
                found[key] = tuple(pair)
            else:
                found[theirs] = number
    return found


def _changes(values: Mapping[str, Any]) -> bool:
    return any(callable(value) for value in values.values())


def from_update(update: Callable, names: Names) -> Run:
    """``w, config = update(w, dw, config)``: hyperparameters and state in one dictionary."""

    def run(start, gradients, values):
        theta, path = start.copy(), []
        config: dict[str, Any] = {}
        for t, gradient in enumerate(gradients, 1):
            config = {**config, **renamed(values, names, t)}
            theta, config = update(theta, gradient(theta), config)
            path.append(np.array(theta))
        return path

    return run


def from_dict(step: Callable, names: Names) -> Run:
    """``theta, state = step(theta, grad, state, **hyperparameters)``; the first state is ``{}``."""

    def run(start, gradients, values):
        theta, path = start.copy(), []
        state: dict[str, Any] = {}
        for t, gradient in enumerate(gradients, 1):
            theta, state = step(theta, gradient(theta), state, **renamed(values, names, t))
            path.append(np.array(theta))
        return path

    return run


def from_class(make: Callable, names: Names) -> Run:
    """``optimizer = make(params, **hyperparameters)``; ``optimizer.step(grads)`` changes params.

    ``params`` and ``grads`` are lists of arrays.  If ``step`` returns something, that is taken as
    the new parameters.  A value that changes is set as the attribute of its name.
    """

    def run(start, gradients, values):
        params, path = [start.copy()], []
        optimizer = make(params, **renamed(values, names))
        for t, gradient in enumerate(gradients, 1):
            if _changes(values):
                for name, value in renamed(values, names, t).items():
                    setattr(optimizer, name, value)
            new = optimizer.step([gradient(params[0])])
            if new is not None:
                params = list(new) if isinstance(new, list | tuple) else [new]
            path.append(np.array(params[0]))
        return path

    return run


# ---- functions on tensors


class _OnArrays:
    """A function on tensors as one on arrays; its signature and its source stay."""

    def __init__(self, function: Callable):
        functools.update_wrapper(self, function)
        self.__code__ = function.__code__

    def __call__(self, t, theta, grad, *state, **named):
        import torch

        def tensor(x):
            return torch.tensor(np.array(x)) if isinstance(x, np.ndarray) else x

        def gradient(x):
            g = tensor(np.asarray(grad(_array(x))))
            lent.append((g, g.clone()))
            return g

        tensors = [tensor(x) for x in (theta, *state)]
        named = {name: tensor(x) for name, x in named.items()}
        lent = [(x, x.clone()) for x in [*tensors, *named.values()] if torch.is_tensor(x)]
        out = self.__wrapped__(t, tensors[0], gradient, *tensors[1:], **named)  # type: ignore[attr-defined]
        if not all(torch.equal(x, before) for x, before in lent):
            raise ValueError("a tensor is read-only here")
        return tuple(map(_array, out)) if isinstance(out, tuple) else _array(out)


def _array(x: Any) -> Any:
    return x.detach().numpy() if hasattr(x, "detach") else x


def on_arrays(function: Callable) -> Callable:
    """A function in the form of the rules on PyTorch's tensors as one on NumPy's arrays."""
    if inspect.isclass(function) or not hasattr(function, "__code__"):
        return function  # the grader says what it is
    return _OnArrays(function)


# ---- libraries


def from_torch(make: Callable, names: Names) -> Run:
    """``optimizer = make([parameter], **hyperparameters)``, of :mod:`torch.optim` or like it."""
    import torch

    def run(start, gradients, values):
        theta = torch.nn.Parameter(torch.tensor(start))
        try:
            optimizer = make([theta], **renamed(values, names))
        except ValueError:  # what the constructor refuses may be set afterwards
            optimizer = make([theta])
        path = []
        for t, gradient in enumerate(gradients, 1):
            for group in optimizer.param_groups:
                group |= renamed(values, names, t)
            theta.grad = torch.as_tensor(gradient(theta.detach().numpy()))
            optimizer.step()
            path.append(theta.detach().numpy().copy())
        return path

    return run


def from_optax(make: Callable, names: Names) -> Run:
    """``transformation = make(**hyperparameters)``; a rate that changes is a function."""
    import jax
    import jax.numpy as jnp
    import optax

    jax.config.update("jax_enable_x64", True)

    def run(start, gradients, values):
        arguments = renamed(values, names)
        for ours, value in values.items():
            if callable(value) and ours in names:
                table = jnp.array([value(t) for t in range(1, len(gradients) + 2)])
                arguments[names[ours]] = lambda count, table=table: table[count]
        optimizer = make(**arguments)
        theta, path = jnp.asarray(start), []
        state = optimizer.init(theta)
        for gradient in gradients:
            g = jnp.asarray(gradient(np.asarray(theta)))
            updates, state = optimizer.update(g, state, theta)
            theta = optax.apply_updates(theta, updates)
            path.append(np.asarray(theta))
        return path

    return run


def from_keras(make: Callable, names: Names) -> Run:
    """``optimizer = make(**hyperparameters)``, of ``keras.optimizers``."""
    import keras

    def run(start, gradients, values):
        theta, path = keras.Variable(start, dtype=str(start.dtype)), []
        optimizer = make(**renamed(values, names))
        for t, gradient in enumerate(gradients, 1):
            if _changes(values):
                optimizer.learning_rate = renamed(values, names, t)[names["eta"]]
            g = keras.ops.convert_to_tensor(gradient(np.asarray(theta.value)))
            optimizer.apply([g], [theta])
            path.append(keras.ops.convert_to_numpy(theta).copy())
        return path

    return run


def keras_in(dtype: str) -> None:
    """Keras keeps a rate in its float type: set it, and let JAX have it."""
    import keras

    keras.config.set_floatx(dtype)
    if keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)


# ---- a program in any language


def from_command(command: str | Sequence[str], rule: str, *, seconds: float = 10.0) -> Run:
    """A program that speaks the line protocol on its standard input and output.

    ::

        <- begin adam 4 eta=0.13 beta1=0.6 beta2=0.8 eps=0.03      rule, size, hyperparameters
        <- theta 0.9 -1.4 0.35 2.2                                 where it starts
        <- step 1                                                  take step 1
        -> grad 0.9 -1.4 0.35 2.2                                  asks for the gradient at a point
        <- gradient 9.4 -8.7 4.9 6.2
        -> theta 0.77 -1.27 0.22 2.07                              the new parameters
        <- step 2 eta=0.14                                         values that change are said here
        ...
        <- end

    A matrix of three rows and two columns has ``3x2`` for its size; its numbers come row by row.

    ``<-`` goes to the program, ``->`` comes from it; a line a message.  A program that does not
    answer within ``seconds`` is ended.
    """
    arguments = shlex.split(command) if isinstance(command, str) else list(command)

    def run(start, gradients, values):
        lines = Lines(arguments, seconds)
        try:
            now = {k: v(1) if callable(v) else v for k, v in values.items()}
            size = "x".join(map(str, start.shape))
            lines.send(f"begin {rule} {size} {_settings(now)}")
            lines.send(f"theta {_numbers(start)}")
            path = []
            for t, gradient in enumerate(gradients, 1):
                changed = {k: v(t) for k, v in values.items() if callable(v)}
                lines.send(f"step {t} {_settings(changed)}".rstrip())
                while True:
                    word, *numbers = lines.receive().split()
                    point = np.array(numbers, float).reshape(start.shape)
                    if word == "theta":
                        path.append(point)
                        break
                    if word != "grad":
                        raise ValueError(f"the program says {word!r}; it must say grad or theta")
                    lines.send(f"gradient {_numbers(gradient(point))}")
            lines.send("end")
            return path
        finally:
            lines.close()

    return run


def _numbers(values) -> str:
    return " ".join(repr(float(x)) for x in np.ravel(values))


def _settings(values: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={float(value)!r}" for name, value in values.items())


class Lines:
    """A running program, line by line."""

    def __init__(self, arguments: list[str], seconds: float):
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.seconds = seconds

    def send(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def receive(self) -> str:
        assert self.process.stdout
        timer = threading.Timer(self.seconds, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if not line.strip():
            raise EOFError("the program ended, did not answer in time, or wrote an empty line")
        return line

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
