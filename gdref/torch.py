"""Any rule as a PyTorch optimizer.

    optimizer = gdref.torch.Optimizer(model.parameters(), gdref.adam, eta=0.001)

It is a ``torch.optim.Optimizer``: parameter groups, ``state_dict``, learning rate schedulers and
closures work as in PyTorch.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch

from gdref._asking import Asked, attempt
from gdref._checks import name_of
from gdref._inputs import check_hyperparameters, check_value, exact, form
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
        parameter from 1.

    Raises
    ------
    TypeError, ValueError
        as :func:`gdref.iterate`, at construction; at a step for a sparse gradient and for a value
        of a schedule that is not allowed.
    RuntimeError
        at a step without a closure, if the rule needs one.

    Notes
    -----
    A parameter group holds the rule's ``eta`` under PyTorch's name, ``group["lr"]``, so that the
    schedulers of ``torch.optim.lr_scheduler`` change it.  They need a number there: take one of
    them or a function of t, not both.

    A rule that asks for its gradient at another point, as :func:`gdref.nag` does, needs
    ``step(closure)``: the closure is called with all parameters moved there.  A parameter whose
    ``grad`` is None is left out.

    ``state_dict`` holds the state and the numbers, not the functions: make the optimizer that
    loads it with the same schedules.  It then goes on bit by bit.
    """

    def __init__(self, params: Iterable, rule: Rule, **hyperparameters: Any):
        self.rule = rule
        names, initial, self._known = form(rule)
        self._initial = dict(zip(names, initial, strict=True))
        check_hyperparameters(rule, self._known, hyperparameters, 0.0)
        super().__init__(params, _with_lr(self._known | hyperparameters))

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with hyperparameters of their own, which are checked."""
        group = dict(param_group)
        if "eta" in group:
            if "lr" in group:
                raise TypeError("a parameter group has lr and eta, which are the same; give one")
            group = _with_lr(group)
        ours = {name: value for name, value in group.items() if name not in PYTORCHS_OWN}
        if "eta" in self._known:
            ours = _with_eta(ours)
        check_hyperparameters(self.rule, self._known, dict.fromkeys(ours, 0.0), 0.0)  # the names
        super().add_param_group(group)
        try:
            for parameter in group["params"]:
                self._check_parameter(parameter, group)
        except (TypeError, ValueError):
            self.param_groups.pop()
            raise

    def _check_parameter(self, parameter, group):
        if parameter.is_complex():
            raise TypeError(
                "a parameter is complex; it must be real: a complex number is two of them, its "
                "real and its imaginary part (torch.view_as_real)"
            )
        for name, value in self._values(group).items():
            if not callable(value):
                where = " (the group's lr)" if name == "eta" else ""
                check_value(name, value, parameter.detach(), where, exact(value))

    def _values(self, group):
        """The rule's hyperparameters in a group, by our names."""
        return {name: group["lr" if name == "eta" else name] for name in self._known}

    @torch.no_grad()
    def step(self, closure: Callable | None = None) -> Any:
        """Take one step; returns the loss of the closure's first call, if there is a closure."""
        rows = [
            row
            for group in self.param_groups
            for row in self._rows(group, closure is not None)
            if closure is not None or row.parameter.grad is not None
        ]
        loss = None
        while True:
            steps = [self._tried(row, closure is None) for row in rows]
            if not any(isinstance(step, Asked) for step in steps):
                break
            if closure is None:
                raise RuntimeError(
                    f"{name_of(self.rule)} asks for its gradient at another point: call "
                    "step(closure) with a function that computes the loss and calls backward"
                )
            value = _evaluated(closure, rows, steps)
            loss = value if loss is None else loss
            rows = [row for row in rows if row.parameter.grad is not None]
            for row in rows:
                row.gradients.append(row.parameter.grad)
        for row, (theta, *state) in zip(rows, steps, strict=True):
            others = [row.theta, row.parameter.grad]
            kept = [_own(value, others) for value in state]
            self.state[row.parameter].update(zip(self._initial, kept, strict=True), step=row.t)
            row.parameter.copy_(theta)
        return loss

    def _rows(self, group, all_of_them):
        values = self._values(group)
        changing = {name: value for name, value in values.items() if callable(value)}
        seen: dict[tuple, dict] = {}  # the same for all parameters of a group, as a rule
        for parameter in group["params"]:
            if parameter.grad is None and not (all_of_them and parameter.requires_grad):
                continue
            stored = self.state.get(parameter, {})
            t = stored.get("step", 0) + 1
            key = t, parameter.dtype
            if changing and key not in seen:
                seen[key] = values | {
                    name: check_value(
                        name, schedule(t), parameter, f" at step {t}", exact(schedule)
                    )
                    for name, schedule in changing.items()
                }
            state = [stored.get(name, initial) for name, initial in self._initial.items()]
            yield _Row(parameter, parameter.detach(), t, state, seen[key] if changing else values)

    def _tried(self, row, without_closure):
        """The step of one parameter, or where it asks for a gradient that is not known."""
        g = row.parameter.grad if without_closure else None
        for gradient in row.gradients if g is None else [g]:
            if gradient.layout != torch.strided:
                raise TypeError(f"a gradient is sparse; {name_of(self.rule)} needs a dense one")
        return attempt(self.rule, row.t, row.theta, row.state, row.settings, row.gradients, g)

    def state_dict(self) -> dict[str, Any]:
        """As in PyTorch; a schedule is None there."""
        stored = super().state_dict()
        for group in stored["param_groups"]:
            group.update({name: None for name, value in group.items() if callable(value)})
        return stored

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As in PyTorch; schedules stay those with which this optimizer was made."""
        own = [
            {name: value for name, value in group.items() if callable(value)}
            for group in self.param_groups
        ]
        for schedules, stored in zip(own, state_dict["param_groups"], strict=False):
            for name in _with_lr(self._known):
                if (name in schedules) is not (stored.get(name) is None):
                    was, now = ("a number", "a schedule")[:: 1 if name in schedules else -1]
                    raise ValueError(
                        f"{name} was {was} when the state was stored; here it is {now}"
                    )
        super().load_state_dict(state_dict)
        for schedules, group in zip(own, self.param_groups, strict=True):
            group.update(schedules)

    def __getstate__(self) -> dict[str, Any]:
        ours = {name: self.__dict__[name] for name in ("rule", "_initial", "_known")}
        return super().__getstate__() | ours


@dataclass
class _Row:
    """What one step of one parameter needs."""

    parameter: torch.Tensor
    theta: torch.Tensor
    t: int
    state: list
    settings: dict[str, Any]
    gradients: list[torch.Tensor] = field(default_factory=list)


def _evaluated(closure, rows, steps):
    """Call the closure with each parameter moved to where its rule asks, and move them back."""
    points = [
        (row, step.point, row.theta.clone())
        for row, step in zip(rows, steps, strict=True)
        if isinstance(step, Asked) and step.point is not row.theta
    ]
    for row in rows:  # the closure writes into the gradients
        row.gradients = [g.clone() for g in row.gradients]
    for row, point, _ in points:
        row.parameter.copy_(point)
    try:
        with torch.enable_grad():
            return closure()
    finally:
        for row, _, theta in points:
            row.parameter.copy_(theta)


def _own(value, others):
    """A state value that no other tensor shares: PyTorch writes into parameters and gradients."""
    if not isinstance(value, torch.Tensor):
        return value
    place = value.untyped_storage().data_ptr()
    shared = any(place == other.untyped_storage().data_ptr() for other in others)
    return value.clone() if shared else value


# what a group may hold beside hyperparameters: names, and what PyTorch's schedulers add
PYTORCHS_OWN = (
    "params name param_names differentiable initial_lr max_lr min_lr max_momentum base_momentum "
    "swa_lr"
).split()


def _with_lr(names):
    return {"lr" if key == "eta" else key: value for key, value in names.items()}


def _with_eta(names):
    return {"eta" if key == "lr" else key: value for key, value in names.items()}
