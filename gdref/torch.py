"""Any rule as a PyTorch optimizer.

    optimizer = gdref.torch.Optimizer(model.parameters(), gdref.adam, eta=0.001)

It is a ``torch.optim.Optimizer``: parameter groups, ``state_dict``, learning rate schedulers and
closures work as in PyTorch.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch

from gdref._checks import name_of
from gdref._inputs import check_hyperparameters, form
from gdref.rules import Rule


class Optimizer(torch.optim.Optimizer):
    """A rule of gdref, applied to each parameter by ``step``.

    Parameters
    ----------
    params
        tensors, or dicts with ``"params"`` and hyperparameters of their own, as in PyTorch.
    rule
        any rule of the gdref form.
    **hyperparameters
        as the rule names them.  A function of t is a schedule; t counts the steps of each
        parameter from 1.  PyTorch's schedulers change ``group["lr"]``, which is the rule's ``eta``.

    Raises
    ------
    TypeError, ValueError
        as :func:`gdref.iterate`, at construction; at a step for a sparse or a complex gradient.

    Notes
    -----
    A rule that asks for its gradient at another point, as :func:`gdref.nag` does, needs
    ``step(closure)``: the closure is called with all parameters moved there.  A parameter whose
    ``grad`` is None is left out.
    """

    def __init__(self, params: Iterable, rule: Rule, **hyperparameters: Any):
        self.rule = rule
        self._names, self._initial, self._known = form(rule)
        check_hyperparameters(rule, self._known, hyperparameters, 0.0)
        super().__init__(params, _with_lr(self._known | hyperparameters))

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with hyperparameters of their own, which are checked."""
        given = {key: value for key, value in param_group.items() if key != "params"}
        own = _with_eta(given) if "eta" in self._known else given
        super().add_param_group({"params": param_group["params"]} | _with_lr(own))
        group = self.param_groups[-1]
        for parameter in group["params"]:
            if parameter.is_complex():
                raise TypeError("a parameter is complex: make it two real ones")
            check_hyperparameters(self.rule, self._known, self._settings(group), parameter.detach())

    def _settings(self, group):
        names = _with_eta({key: value for key, value in group.items() if key != "params"})
        return {key: value for key, value in names.items() if key not in SCHEDULERS_OWN}

    @torch.no_grad()
    def step(self, closure: Callable | None = None) -> Any:
        """Take one step; returns the closure's loss, if there is a closure."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        work = [
            (parameter, *self._arguments(parameter, group))
            for group in self.param_groups
            for parameter in group["params"]
            if parameter.grad is not None
        ]
        points = [self._asked(*arguments) for arguments in work]
        if any(point is not None for point in points):
            loss = self._gradients_at(closure, [row[0] for row in work], points)
        for parameter, t, state, settings in work:
            g = parameter.grad
            theta, *new = self.rule(t, parameter.detach(), lambda _, g=g: g, *state, **settings)
            parameter.copy_(theta)
            self.state[parameter].update(zip(self._names, new, strict=True), step=t)
        return loss

    def _arguments(self, parameter, group):
        """The number of the step, the state and the hyperparameters of a parameter."""
        if parameter.grad.is_sparse:
            raise TypeError(f"a gradient is sparse; {name_of(self.rule)} needs a dense one")
        stored = self.state[parameter]
        t = int(stored.get("step", 0)) + 1
        state = [
            stored.get(n, initial) for n, initial in zip(self._names, self._initial, strict=True)
        ]
        settings = {
            name: value(t) if callable(value) else value
            for name, value in self._settings(group).items()
        }
        return t, state, settings

    def _asked(self, parameter, t, state, settings):
        """The point at which the rule asks for its gradient; None if it is where theta is."""
        theta = parameter.detach()

        def grad(point):
            raise _Asked(point)

        try:
            self.rule(t, theta, grad, *state, **settings)
        except _Asked as asked:
            return None if asked.point is theta else asked.point
        return None

    def _gradients_at(self, closure, parameters, points):
        """Call the closure with all parameters moved to the points, and move them back."""
        if closure is None:
            raise RuntimeError(
                f"{name_of(self.rule)} asks for its gradient at another point: call "
                "step(closure) with a function that computes the loss and calls backward"
            )
        before = [parameter.detach().clone() for parameter in parameters]
        for parameter, point in zip(parameters, points, strict=True):
            if point is not None:
                parameter.copy_(point)
        try:
            with torch.enable_grad():
                return closure()
        finally:
            for parameter, value in zip(parameters, before, strict=True):
                parameter.copy_(value)


class _Asked(Exception):
    """Carries the point at which a rule asked for its gradient."""

    def __init__(self, point):
        self.point = point


# what PyTorch's schedulers add to a group
SCHEDULERS_OWN = {"initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum", "swa_lr"}


def _with_lr(names):
    return {"lr" if key == "eta" else key: value for key, value in names.items()}


def _with_eta(names):
    return {"eta" if key == "lr" else key: value for key, value in names.items()}
