"""PyTorch, Keras and Optax, each behind the same few methods: one array of parameters, trained.

An optimizer is made and driven by lines of code, those that gdref.dialects prints.
"""

import os
from importlib.metadata import version
from math import sqrt

import numpy as np

os.environ |= {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import keras  # noqa: E402
import optax  # noqa: E402
import torch  # noqa: E402


def use(dtype):
    """Make all three compute in a precision unless told otherwise, as in "float64"."""
    torch.set_default_dtype(getattr(torch, dtype))
    keras.config.set_floatx(dtype)
    jax.config.update("jax_enable_x64", dtype == "float64")


VERSIONS = {
    name: version("torch" if name == "pytorch" else name).split("+")[0]
    for name in ("pytorch", "keras", "optax", "jax", "numpy")
}


class Driver:
    """What the lines of code see as ``theta``, ``optimizer`` and so on, and how to take a step."""

    # a schedule, then optimizers that follow it: they must agree
    schedule = ""
    optimizers: tuple[str, ...] = ()

    def __init__(self, start, dtype="", **names):
        self.dtype = dtype or keras.config.floatx()
        self.scope = {"torch": torch, "keras": keras, "optax": optax, "jnp": jnp, "sqrt": sqrt}
        self.scope |= names | {"theta": self.new(np.array(start))}

    def run(self, *lines, t=0):
        self.scope["t"] = t
        for line in lines:
            exec(line, self.scope)

    def make(self, optimizer):
        self.run(f"optimizer = {optimizer}")

    def value(self):
        return np.array(self.scope["theta"])

    def rate(self, count):
        return float(self.scope["schedule"](count))


class PyTorch(Driver):
    schedule = "lambda optimizer: torch.optim.lr_scheduler.{}(optimizer, {})"
    optimizers = ("torch.optim.SGD([theta], lr=0.13)",)

    def new(self, start):
        return torch.tensor(start, dtype=getattr(torch, self.dtype), requires_grad=True)

    def zero(self):
        self.scope["theta"].data.zero_()

    def value(self):
        return self.scope["theta"].detach().numpy().copy()

    def step(self, gradient):
        self.scope["theta"].grad = torch.tensor(gradient, dtype=self.scope["theta"].dtype)
        self.scope["optimizer"].step()
        if "scheduler" in self.scope:
            self.scope["scheduler"].step()

    def rate(self, count):
        if not count:  # PyTorch's schedule belongs to its optimizer and counts for itself
            self.scope["scheduler"] = self.scope["schedule"](self.scope["optimizer"])
        return self.scope["scheduler"].get_last_lr()[0]


class Keras(Driver):
    schedule = "keras.optimizers.schedules.{}({})"
    optimizers = ("keras.optimizers.SGD(learning_rate=schedule)",)

    def new(self, start):
        return keras.Variable(start, dtype=self.dtype)

    def value(self):
        return np.array(self.scope["theta"].value)

    def zero(self):
        self.scope["theta"].assign(np.zeros_like(self.value()))

    def step(self, gradient):
        gradient = jnp.asarray(gradient, dtype=self.dtype)
        self.scope["optimizer"].apply([gradient], [self.scope["theta"]])


class Optax(Driver):
    schedule = "optax.{}({})"
    optimizers = (
        "optax.sgd(schedule)",
        "optax.inject_hyperparams(optax.sgd)(learning_rate=schedule)",
    )

    def make(self, optimizer):
        self.run(f"optimizer = {optimizer}", "state = optimizer.init(theta)")

    def new(self, start):
        return jnp.asarray(start, dtype=self.dtype)

    def zero(self):
        self.scope["theta"] = jnp.zeros_like(self.scope["theta"])

    def update(self, *arguments):
        return self.scope["optimizer"].update(*arguments)

    def step(self, gradient):
        gradient = jnp.asarray(gradient, dtype=self.dtype)
        theta = self.scope["theta"]
        updates, self.scope["state"] = self.update(gradient, self.scope["state"], theta)
        self.scope["theta"] = optax.apply_updates(theta, updates)


class OptaxCompiled(Optax):
    def update(self, *arguments):
        if "update" not in self.scope:
            self.scope["update"] = jax.jit(self.scope["optimizer"].update)
        return self.scope["update"](*arguments)


DRIVERS = {"pytorch": PyTorch, "keras": Keras, "optax": Optax}


def path(driver, recipe, gradient, steps):
    """The parameters step by step, as the lines of a recipe make them."""
    driver.run(*recipe.setup)
    points = [driver.value()]
    for t in range(1, steps + 1):
        driver.run(*recipe.each_step, t=t)
        driver.step(gradient(t, driver.value()))
        points.append(driver.value())
    return np.array(points)
