"""Rules on PyTorch: tensors through the loop, and gdref.torch.Optimizer beside torch.optim."""

from itertools import islice

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import gdref  # noqa: E402
from gdref import RULES, adam, iterate_state, minimize, nag  # noqa: E402
from gdref._inputs import form  # noqa: E402
from gdref.torch import Optimizer  # noqa: E402

torch.set_num_threads(1)
every_rule = pytest.mark.parametrize("name", RULES)
HELD = {"eps": 2.0**-10, "beta1": 0.875, "beta2": 0.96875, "rho": 0.875, "gamma": 0.875}


def wavy(x):
    return 3 * x - 0.5 + 0.25 * x * x * x


@every_rule
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float64", 1e-14), ("float32", 2e-6), ("bfloat16", 0.05)]
)
def test_tensors_take_numpys_path(name, dtype, tolerance):
    settings = {key: HELD[key] for key in HELD if key in form(RULES[name])[2]}
    start = np.array([[0.5, -1.25, 2.0]])
    tensor = torch.tensor(start, dtype=getattr(torch, dtype))
    ours = islice(iterate_state(RULES[name], wavy, start, **settings), 12)
    theirs = islice(iterate_state(RULES[name], wavy, tensor, **settings), 12)
    for k, (row, other) in enumerate(zip(ours, theirs, strict=True)):
        for a, b in zip(row, other, strict=True):
            if k:
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
    train(
        lambda net: Optimizer(net.parameters(), adam, eta=0.02),
        scheduler=lambda o: torch.optim.lr_scheduler.OneCycleLR(
            o, max_lr=0.05, total_steps=40, cycle_momentum=False
        ),
    )


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


def test_a_parameter_without_a_gradient_stays():
    moved, stays = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    optimizer = Optimizer([moved, stays], adam, eta=0.1)
    moved.grad = torch.ones(2)
    optimizer.step()
    assert torch.equal(stays.detach(), torch.ones(2)) and not torch.equal(moved, stays)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
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
