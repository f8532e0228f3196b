"""Rules on PyTorch: tensors through the loop, and gdref.torch.Optimizer beside torch.optim."""

import copy
import itertools
import json
import pickle
import re
import warnings
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import gdref  # noqa: E402
from gdref import RULES, adam, dialects, iterate_state, minimize, nag  # noqa: E402
from gdref._inputs import form  # noqa: E402
from gdref.torch import Optimizer  # noqa: E402

torch.set_num_threads(1)
every_rule = pytest.mark.parametrize("name", RULES)
HELD = {"eps": 2.0**-10, "beta1": 0.875, "beta2": 0.96875, "rho": 0.875, "gamma": 0.875}


def held(name):
    """Values that half precision holds; a rate whose square it holds, if the rule keeps squares."""
    _, _, known = form(RULES[name])
    values = {key: HELD[key] for key in HELD if key in known}
    return values | ({"eta": 0.125} if "W" in form(RULES[name])[0] else {})


def wavy(x):
    return 3 * x - 0.5 + 0.25 * x * x * x


@every_rule
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float64", 1e-14), ("float32", 2e-6), ("bfloat16", 0.05)]
)
def test_tensors_take_numpys_path(name, dtype, tolerance):
    settings = held(name)
    start = np.array([[0.5, -1.25, 2.0]])
    tensor = torch.tensor(start, dtype=getattr(torch, dtype))
    # before the first step the state is a number
    ours = islice(iterate_state(RULES[name], wavy, start, **settings), 1, 12)
    theirs = islice(iterate_state(RULES[name], wavy, tensor, **settings), 1, 12)
    for row, other in zip(ours, theirs, strict=True):
        for a, b in zip(row, other, strict=True):
            assert isinstance(b, torch.Tensor) and b.dtype == tensor.dtype
            assert b.device == tensor.device
            np.testing.assert_allclose(b.double().numpy(), a, rtol=tolerance, atol=tolerance)


@every_rule
def test_minimize_keeps_tensors_and_trees(name):
    tree = {"w": torch.nn.Parameter(torch.ones(2, 3)), "b": [torch.tensor([0.5])]}
    result = minimize(
        lambda p: float((p["w"] ** 2).sum() + (p["b"][0] ** 2).sum()),
        tree,
        RULES[name],
        grad=lambda p: {"w": 2 * p["w"], "b": [2 * p["b"][0]]},
        steps=3,
    )
    assert result.x["w"].dtype == torch.float32 and not result.x["w"].requires_grad
    assert result.path["w"].shape == (4, 2, 3) and result.success
    assert torch.equal(tree["w"].detach(), torch.ones(2, 3))


def network(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Linear(5, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3)
    ).double()


DATA = torch.randn(40, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
LABELS = (DATA.sum(1) > 0).long() + (DATA[:, 0] > 1).long()


def train(make, steps=25, scheduler=None, net=None, optimizer=None, plan=None):
    net = net or network()
    optimizer = optimizer or make(net)
    plan = plan or (scheduler(optimizer) if scheduler else None)

    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(DATA), LABELS)
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
        if plan:
            plan.step()
    return net, optimizer, plan


def vector(net):
    return torch.cat([p.detach().reshape(-1) for p in net.parameters()]).numpy()


PAIRS = {
    "adam": (lambda p: torch.optim.Adam(p, lr=0.01), {"eta": 0.01}),
    "adamw": (
        lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
        {"eta": 0.01, "lam": 0.001},
    ),
    "momentum": (lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9), {"eta": 0.05}),
    "gd": (lambda p: torch.optim.SGD(p, lr=0.05), {"eta": 0.05}),
    "adadelta": (lambda p: torch.optim.Adadelta(p, rho=0.95, eps=1e-6), {}),
    "adagrad": (
        lambda p: torch.optim.Adagrad(p, lr=0.05, eps=0, initial_accumulator_value=1e-3),
        {"eta": 0.05, "eps": 1e-3},
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_network_takes_torchs_own_path(name):
    theirs, settings = PAIRS[name]
    a, *_ = train(lambda net: theirs(net.parameters()))
    b, *_ = train(lambda net: Optimizer(net.parameters(), RULES[name], **settings))
    assert abs(vector(a) - vector(b)).max() < 1e-12
    assert abs(vector(a) - vector(network())).max() > 1e-3


FROM_PYTORCH = [
    ("SGD", {"lr": 0.05}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    ("Adagrad", {"lr": 0.05, "eps": 0.0, "initial_accumulator_value": 1e-3}),
    ("Adagrad", {"lr": 0.05, "eps": 0.0, "initial_accumulator_value": 1e-3, "lr_decay": 0.1}),
    ("Adagrad", {"lr": 0.05}),
    ("Adadelta", {}),
    ("RMSprop", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01, "eps": 0.0}),
    ("Adam", {}),
    ("Adam", {"lr": 0.01, "betas": (0.7, 0.9), "eps": 1e-3}),
    ("Adam", {"lr": 0.01, "amsgrad": True}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("AdamW", {"lr": 0.01}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.0, "amsgrad": True}),
    ("Adamax", {"lr": 0.01, "eps": 0.0}),
]


@pytest.mark.parametrize(("name", "arguments"), FROM_PYTORCH)
def test_every_exact_conversion_is_torchs_path(name, arguments):
    """Rules that change their hyperparameters from step to step are among them."""
    rule, settings = dialects.from_library("pytorch", name, **arguments)
    a, *_ = train(lambda net: getattr(torch.optim, name)(net.parameters(), **arguments))
    b, optimizer, _ = train(lambda net: Optimizer(net.parameters(), rule, **settings))
    end = vector(b)
    if rule is nag:  # PyTorch keeps the look-ahead point
        v = [optimizer.state[p]["v"].reshape(-1) for p in b.parameters()]
        end = end - settings["gamma"] * torch.cat(v).numpy()
    assert abs(vector(a) - end).max() < 1e-12
    assert abs(end - vector(network())).max() > 1e-4


def test_schedulers_of_torch_change_the_rate():
    def halving(optimizer):
        return torch.optim.lr_scheduler.StepLR(optimizer, 5, 0.5)

    a, *_ = train(lambda net: torch.optim.Adam(net.parameters(), lr=0.02), scheduler=halving)
    b, *_ = train(lambda net: Optimizer(net.parameters(), adam, eta=0.02), scheduler=halving)
    c, *_ = train(
        lambda net: Optimizer(net.parameters(), adam, eta=gdref.schedules.step(0.02, 5, 0.5))
    )
    assert abs(vector(a) - vector(b)).max() < 1e-12
    assert abs(vector(a) - vector(c)).max() < 1e-12


def test_one_cycle_of_torch_runs():
    _, optimizer, plan = train(
        lambda net: Optimizer(net.parameters(), adam, eta=0.02),
        scheduler=lambda o: torch.optim.lr_scheduler.OneCycleLR(
            o, max_lr=0.05, total_steps=40, cycle_momentum=False
        ),
    )
    assert optimizer.param_groups[0]["lr"] == plan.get_last_lr()[0] != 0.02


def test_groups_have_settings_of_their_own():
    def groups(net, rate, name):
        return [
            {"params": net[0].parameters(), name: 0.003},
            {"params": net[2].parameters()},
        ]

    a, *_ = train(lambda net: torch.optim.Adam(groups(net, 0.01, "lr"), lr=0.01))
    for name in ("lr", "eta"):
        b, *_ = train(lambda net, name=name: Optimizer(groups(net, 0.01, name), adam, eta=0.01))
        assert abs(vector(a) - vector(b)).max() < 1e-12


@every_rule
def test_saved_loaded_and_resumed_bit_by_bit(name, tmp_path):
    def make(net):
        return Optimizer(net.parameters(), RULES[name])

    whole, *_ = train(make, steps=12)
    net, optimizer, _ = train(make, steps=5)
    torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "run")
    stored = torch.load(tmp_path / "run")
    fresh = network(seed=7)
    fresh.load_state_dict(stored["net"])
    again = make(fresh)
    again.load_state_dict(stored["optimizer"])
    train(make, steps=7, net=fresh, optimizer=again)
    assert np.array_equal(vector(whole), vector(fresh))


def test_nag_asks_at_the_look_ahead_by_the_closure():
    """Against the loop of gdref on the same loss, all parameters as one vector."""
    net, *_ = train(lambda net: Optimizer(net.parameters(), nag, eta=0.05, gamma=0.8), steps=10)
    model = network()
    names = [name for name, _ in model.named_parameters()]

    def grad(values):
        inputs = [v.clone().requires_grad_() for v in values]
        out = torch.func.functional_call(model, dict(zip(names, inputs, strict=True)), DATA)
        return list(torch.autograd.grad(torch.nn.functional.cross_entropy(out, LABELS), inputs))

    start = [p.detach() for p in model.parameters()]
    *_, end = islice(gdref.iterate(nag, grad, start, eta=0.05, gamma=0.8), 11)
    end = torch.cat([v.reshape(-1) for v in end]).numpy()
    assert abs(vector(net) - end).max() < 1e-13


def test_nag_without_a_closure_says_what_it_needs():
    p = torch.nn.Parameter(torch.ones(2))
    p.grad = torch.ones(2)
    with pytest.raises(RuntimeError, match=r"step\(closure\)"):
        Optimizer([p], nag).step()


def test_the_closure_is_called_as_often_as_the_rule_asks():
    """Once for every rule of the book; its loss comes back; gradients stay at the look-ahead."""
    for name in RULES:
        p, calls = torch.nn.Parameter(torch.ones(2)), []
        optimizer = Optimizer([p], RULES[name])

        def closure(p=p, calls=calls, optimizer=optimizer):
            optimizer.zero_grad(set_to_none=len(calls) % 2 == 0)
            loss = (p**2).sum()
            loss.backward()
            calls.append(loss)
            return loss

        for step in range(1, 4):
            assert optimizer.step(closure) is calls[-1] and len(calls) == step


def sharpness_aware(t, theta, grad, *, eta=0.1, radius=0.05):
    """Asks at theta, then a step uphill."""
    uphill = theta + radius * grad(theta)
    return (theta - eta * grad(uphill),)


def extragradient_from_step_3(t, theta, grad, *, eta=0.1):
    ahead = theta - eta * grad(theta) if t >= 3 else theta
    return (theta - eta * grad(ahead),)


def two_points_back(t, theta, grad, last=0.0, older=0.0, *, eta=0.1):
    """Its state is theta itself."""
    return theta - eta * grad(theta) + 0.1 * (last - older), theta, last


def reuses_the_gradient(t, theta, grad, old=0.0, *, eta=0.1):
    """Its state is the gradient itself, seen through a view."""
    g = grad(theta)
    return theta - eta * (g + 0.5 * old), g.view(-1)


OWN = [sharpness_aware, extragradient_from_step_3, two_points_back, reuses_the_gradient]


@pytest.mark.parametrize("rule", OWN, ids=lambda rule: rule.__name__)
def test_rules_of_ones_own(rule):
    """Several gradients a step; a state that is theta or the gradient, which PyTorch overwrites."""
    start = torch.tensor([1.0, -2.0], dtype=torch.float64)
    p = torch.nn.Parameter(start.clone())
    optimizer = Optimizer([p], rule)

    def closure():
        optimizer.zero_grad(set_to_none=False)
        loss = (p**4).sum()
        loss.backward()
        return loss

    path = []
    for _ in range(8):
        optimizer.step(closure)
        path.append(p.detach().clone())
    ours = list(islice(gdref.iterate(rule, lambda x: 4 * x**3, start), 9))[1:]
    np.testing.assert_allclose(torch.stack(path), torch.stack(ours), rtol=1e-14)


def test_a_rule_that_asks_again_needs_a_closure_and_changes_nothing():
    p, q = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    p.grad, q.grad = torch.ones(2), torch.ones(2)
    optimizer = Optimizer([p, q], sharpness_aware)
    with pytest.raises(RuntimeError, match="sharpness_aware asks for its gradient at another"):
        optimizer.step()
    assert torch.equal(p.detach(), torch.ones(2)) and not optimizer.state_dict()["state"]


def test_a_closure_that_fails_leaves_the_parameters():
    p = torch.nn.Parameter(torch.ones(2))
    optimizer = Optimizer([p], nag, eta=0.1)

    def closure():
        optimizer.zero_grad()
        (p**2).sum().backward()

    optimizer.step(closure)
    before = p.detach().clone()
    with pytest.raises(ZeroDivisionError):
        optimizer.step(lambda: 1 / 0)
    assert torch.equal(p.detach(), before)


def test_nag_and_a_frozen_layer():
    a, b = network(), network()
    for net in (a, b):
        net[0].requires_grad_(False)
    only_last = Optimizer(b[2].parameters(), nag, eta=0.1)
    train(None, net=a, optimizer=Optimizer(a.parameters(), nag, eta=0.1))
    train(None, net=b, optimizer=only_last)
    assert np.array_equal(vector(a), vector(b))
    assert torch.equal(a[0].weight, network()[0].weight)


def test_a_parameter_without_a_gradient_stays():
    moved, stays = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    optimizer = Optimizer([moved, stays], adam, eta=0.1)
    moved.grad = torch.ones(2)
    optimizer.step()
    assert torch.equal(stays.detach(), torch.ones(2)) and not torch.equal(moved, stays)


SCHEDULERS = {
    "StepLR": lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5),
    "CosineAnnealingLR": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 10),
    "LinearLR": lambda o: torch.optim.lr_scheduler.LinearLR(o, 0.1, total_iters=5),
    "LambdaLR": lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda count: 0.9**count),
    "CosineAnnealingWarmRestarts": lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(
        o, 7
    ),
    "OneCycleLR": lambda o: torch.optim.lr_scheduler.OneCycleLR(
        o, 0.05, total_steps=40, cycle_momentum=False
    ),
    "CyclicLR": lambda o: torch.optim.lr_scheduler.CyclicLR(
        o, 0.001, 0.05, step_size_up=4, cycle_momentum=False
    ),
    "SequentialLR": lambda o: torch.optim.lr_scheduler.SequentialLR(
        o,
        [
            torch.optim.lr_scheduler.ConstantLR(o, 0.5, 4),
            torch.optim.lr_scheduler.ExponentialLR(o, 0.8),
        ],
        [4],
    ),
}


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("name", ["gd", "momentum", "adam", "adamw"])
def test_every_scheduler_works_unchanged(name, scheduler):
    theirs = {
        "gd": lambda p: torch.optim.SGD(p, lr=0.01),
        # PyTorch's velocity is not multiplied by the rate: at a changing rate another rule
        "momentum": None,
        "adam": lambda p: torch.optim.Adam(p, lr=0.01),
        "adamw": None,
    }[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SequentialLR's own
        b, optimizer, plan = train(
            lambda net: Optimizer(net.parameters(), RULES[name], eta=0.01),
            scheduler=SCHEDULERS[scheduler],
        )
        assert optimizer.param_groups[0]["lr"] == plan.get_last_lr()[0]
        if theirs:
            a, *_ = train(lambda net: theirs(net.parameters()), scheduler=SCHEDULERS[scheduler])
            assert abs(vector(a) - vector(b)).max() < 1e-12


def test_the_scheduler_that_looks_at_the_loss():
    def end(optimizer):
        plan = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
        for loss in (3.0, 2.0, 2.0, 2.0, 2.0):
            plan.step(loss)
        return optimizer.param_groups[0]["lr"]

    p = [torch.nn.Parameter(torch.ones(2))]
    assert end(Optimizer(p, adam, eta=0.1)) == end(torch.optim.Adam(p, lr=0.1)) < 0.1


def test_optimizer_and_scheduler_are_saved_and_go_on(tmp_path):
    def make(net):
        return Optimizer(net.parameters(), adam, eta=0.02)

    def halving(optimizer):
        return torch.optim.lr_scheduler.StepLR(optimizer, 4, 0.5)

    whole, *_ = train(make, steps=12, scheduler=halving)
    net, optimizer, plan = train(make, steps=5, scheduler=halving)
    parts = (net, optimizer, plan)
    torch.save([part.state_dict() for part in parts], tmp_path / "run")
    fresh = network(seed=7)
    again = make(fresh)
    parts = (fresh, again, halving(again))
    for part, stored in zip(parts, torch.load(tmp_path / "run"), strict=True):
        part.load_state_dict(stored)
    train(make, steps=7, net=fresh, optimizer=again, plan=parts[2])
    assert np.array_equal(vector(whole), vector(fresh))


@every_rule
def test_schedules_of_gdref_go_on_bit_by_bit(name, tmp_path):
    """What is stored holds no function, so that torch.load takes it; t says where they are."""
    plan = gdref.schedules.warmup(gdref.schedules.cosine(0.2, 12, 0.01), 4, start=0.05)

    def make(net):
        return Optimizer(net.parameters(), RULES[name], **dict.fromkeys(form(RULES[name])[2], plan))

    whole, *_ = train(make, steps=12)
    net, optimizer, _ = train(make, steps=5)
    torch.save([net.state_dict(), optimizer.state_dict()], tmp_path / "run")
    weights, state = torch.load(tmp_path / "run", weights_only=True)
    fresh = network(seed=7)
    fresh.load_state_dict(weights)
    again = make(fresh)
    again.load_state_dict(state)
    train(make, steps=7, net=fresh, optimizer=again)
    assert np.array_equal(vector(whole), vector(fresh))


def test_what_is_loaded_must_fit_the_schedules():
    p = [torch.nn.Parameter(torch.ones(2))]
    plan = Optimizer(p, adam, eta=lambda t: 0.1 / t)
    number = Optimizer(p, adam, eta=0.1)
    with pytest.raises(ValueError, match="lr was a schedule when .* stored; here it is a number"):
        number.load_state_dict(plan.state_dict())
    with pytest.raises(ValueError, match="lr was a number when .* stored; here it is a schedule"):
        plan.load_state_dict(number.state_dict())
    number.load_state_dict(Optimizer(p, adam, eta=0.3).state_dict())
    assert number.param_groups[0]["lr"] == 0.3  # as in PyTorch


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_go_on_alone(copied):
    whole, *_ = train(lambda net: Optimizer(net.parameters(), nag, eta=0.05), steps=8)
    net, optimizer, _ = train(lambda net: Optimizer(net.parameters(), nag, eta=0.05), steps=3)
    before = vector(net)
    other, again = copied((net, optimizer))
    train(None, steps=5, net=other, optimizer=again)
    assert np.array_equal(vector(whole), vector(other))
    assert np.array_equal(vector(net), before)


def test_groups_may_have_names_and_come_later():
    net = network()
    optimizer = Optimizer(net[0].named_parameters(), adam, eta=0.01)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    optimizer.load_state_dict(optimizer.state_dict())
    optimizer.add_param_group({"params": net[2].named_parameters(), "lr": 0.003, "name": "last"})
    theirs = network()
    second = torch.optim.Adam(theirs[0].parameters(), lr=0.01)
    second.add_param_group({"params": theirs[2].parameters(), "lr": 0.003})
    train(None, net=net, optimizer=optimizer)
    train(None, net=theirs, optimizer=second)
    assert abs(vector(net) - vector(theirs)).max() < 1e-12
    count = len(optimizer.param_groups)
    with pytest.raises(ValueError, match="eps is -1"):
        extra = [("x", torch.nn.Parameter(torch.ones(2)))]
        optimizer.add_param_group({"params": extra, "eps": -1})
    assert len(optimizer.param_groups) == count


def test_each_parameter_counts_its_own_steps():
    """As in PyTorch: a parameter without a gradient makes no step."""
    rates = []
    p, q = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    optimizer = Optimizer([p, q], adam, eta=lambda t: rates.append(t) or 0.1)
    rates.clear()
    p.grad = torch.ones(2)
    optimizer.step()
    q.grad = torch.ones(2)
    optimizer.step()
    assert rates == [1, 2, 1]
    theirs = torch.optim.Adam([torch.nn.Parameter(torch.ones(2)) for _ in range(2)], lr=0.1)
    a, b = theirs.param_groups[0]["params"]
    a.grad = torch.ones(2)
    theirs.step()
    b.grad = torch.ones(2)
    theirs.step()
    assert torch.allclose(p, a, rtol=1e-6) and torch.allclose(q, b, rtol=1e-6)


def test_a_rate_that_is_a_tensor():
    a, *_ = train(lambda net: Optimizer(net.parameters(), adam, eta=0.0625))
    rate = torch.tensor(0.0625, dtype=torch.float64)
    b, *_ = train(lambda net: Optimizer(net.parameters(), adam, eta=rate))
    assert np.array_equal(vector(a), vector(b))


@every_rule
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_precision_of_a_parameter_stays(name, dtype):
    p = torch.nn.Parameter(torch.linspace(0.5, 2, 5, dtype=dtype))
    optimizer = Optimizer([p], RULES[name], **held(name))
    path = [p.detach().clone()]

    def closure():
        optimizer.zero_grad()
        (wavy(p) * p.detach()).sum().backward()

    for _ in range(4):
        optimizer.step(closure)
        path.append(p.detach().clone())
    assert p.dtype == dtype and torch.isfinite(p).all()
    assert all(v.dtype == dtype for k, v in optimizer.state[p].items() if k != "step")

    def grad(x):
        x = x.clone().requires_grad_()
        (wavy(x) * x.detach()).sum().backward()
        return x.grad

    ours = islice(gdref.iterate(RULES[name], grad, path[0], **held(name)), 5)
    assert all(map(torch.equal, path, ours))


def test_the_step_under_torch_compile():
    """It runs, in pieces, and takes the same path; a rule alone is one graph."""
    ends = []
    for compiled in (False, True):
        p = torch.nn.Parameter(torch.linspace(0.1, 2, 50, dtype=torch.float64))
        optimizer = Optimizer([p], adam, eta=0.1)
        step = torch.compile(optimizer.step, backend="eager") if compiled else optimizer.step
        for _ in range(5):
            p.grad = 2 * p.detach()
            step()
        ends.append(p.detach())
    assert torch.equal(*ends)
    rule = torch.compile(
        lambda t, theta, *state: adam(t, theta, wavy, *state), backend="eager", fullgraph=True
    )
    start = torch.linspace(0.1, 2, 50, dtype=torch.float64)
    now = (start,)
    for t, row in zip(itertools.count(1), islice(iterate_state(adam, wavy, start), 1, 6)):
        now = rule(t, *now)
        assert all(map(torch.equal, now, row))


def test_gradients_that_are_refused():
    p = torch.nn.Parameter(torch.ones(4))
    p.grad = torch.ones(4).to_sparse()
    with pytest.raises(TypeError, match="a gradient is sparse; adam needs a dense one"):
        Optimizer([p], adam).step()
    with pytest.raises(ValueError, match=r"eta is -0.1 at step 2; it must be finite and not"):
        p.grad = torch.ones(4)
        optimizer = Optimizer([p], adam, eta=lambda t: 0.1 if t < 2 else -0.1)
        optimizer.step()
        optimizer.step()
    with pytest.raises(ValueError, match="eps is 1e-09 at step 1; float16 makes it 0"):
        half = torch.nn.Parameter(torch.ones(4, dtype=torch.float16))
        half.grad = torch.ones_like(half)
        Optimizer([half], adam, eps=lambda t: 1e-9).step()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda p: Optimizer(p, adam, maximize=True), TypeError, "negate the gradient"),
        (lambda p: Optimizer(p, adam, betas=(0.9, 0.99)), TypeError, "beta1 and beta2 here"),
        (lambda p: Optimizer(p, adam, eta=torch.ones(2)), ValueError, "eta .* broadcast"),
        (
            lambda p: Optimizer([{"params": p, "lr": -1}], adam),
            ValueError,
            r"eta is -1 \(the group's lr\)",
        ),
        (lambda p: Optimizer([{"params": p, "lr": 1, "eta": 1}], adam), TypeError, "lr and eta"),
        (lambda p: Optimizer([{"params": p, "wieght_decay": 1}], adam), TypeError, "wieght_decay"),
        (
            lambda p: Optimizer([{"params": p, "lr": 1}], gdref.adadelta),
            TypeError,
            "adadelta has no hyperparameter lr",
        ),
        (lambda p: Optimizer(p, adam, lr=0.1), TypeError, "lr is eta here"),
        (lambda p: Optimizer(p, adam, eta=-0.1), ValueError, "not negative"),
        (lambda p: Optimizer(p, adam, beta2=1.0), ValueError, r"\[0, 1\)"),
        (lambda p: Optimizer(p, "adam"), TypeError, "function such as gdref.adam"),
        (lambda p: Optimizer([{"params": p, "eps": -1}], adam), ValueError, "eps is -1"),
        (lambda p: Optimizer([{"params": p, "rho": 1}], adam), TypeError, "no hyperparameter rho"),
        (lambda p: Optimizer([p[0].half()], adam), ValueError, "float16 makes it 0"),
        (lambda p: Optimizer([p[0] * 1j], adam), TypeError, "complex"),
    ],
)
def test_bad_input_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make([torch.ones(2)])


CHAPTER = Path(__file__).resolve().parents[2] / "chapters" / "schedule-free.ipynb"


@pytest.mark.parametrize("name", ["schedule_free_sgd", "schedule_free_adamw"])
def test_the_lines_of_the_chapter_evaluate_schedule_free_at_x(name):
    """They are run as the page prints them: x while evaluating, theta again afterwards."""
    cells = json.loads(CHAPTER.read_text("utf-8"))["cells"]
    text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    (lines,) = re.findall(r"```python\n(training = .*?)```", text, re.S)
    evaluate = "saved = {k: v.clone() for k, v in model.state_dict().items()}"
    assert lines.count("...") == 1
    model, optimizer, step = train(lambda net: Optimizer(net.parameters(), RULES[name], eta=0.05))
    theta = vector(model)
    exec(lines.replace("...", evaluate), scope := {"model": model, "optimizer": optimizer})
    x = torch.cat([optimizer.state[p]["x"].reshape(-1) for p in model.parameters()]).numpy()
    saved = torch.cat([scope["saved"][k].reshape(-1) for k, _ in model.named_parameters()])
    assert np.array_equal(saved.numpy(), x) and not np.array_equal(x, theta)
    assert np.array_equal(vector(model), theta)
