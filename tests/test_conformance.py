"""The conformance suite: programs in other languages, vectors, the command, adapters."""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from gdref import RULES, adapters
from gdref.conformance import check, implementations, replay, vectors, write_vectors
from gdref.conformance.__main__ import main
from gdref.diagnosis import mistakes
from gdref.diagnosis.runs import as_run
from gdref.dialects.tables import WITHOUT
from gdref.elementary import sqrt

C = Path(__file__).resolve().parent.parent / "examples" / "adam.c"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Compile Adam in C, with an error in it if one is given."""
    compiler = shutil.which("cc") or pytest.skip("no C compiler here")

    def build(right="", wrong=""):
        folder = tmp_path_factory.mktemp("c")
        (folder / "adam.c").write_text(
            C.read_text().replace(right, wrong) if right else C.read_text()
        )
        command = [
            compiler,
            "-O2",
            "-ffp-contract=off",
            folder / "adam.c",
            "-lm",
            "-o",
            folder / "adam",
        ]
        subprocess.run(command, check=True)
        return str(folder / "adam")

    return build


def test_a_program_in_c_conforms(compiled):
    verdict = check(adapters.from_command(compiled(), "adam"), "adam")
    assert verdict.conforms, str(verdict)


@pytest.mark.parametrize(
    "right, wrong, id",
    [
        ("pow(beta2, t)", "beta2", "adam-11"),
        ("(sqrt(v_hat) + eps)", "sqrt(v_hat + eps)", "adam-14"),
        ("/ (1 - pow(beta1, t))", "", "adam-06"),
    ],
)
def test_an_error_in_the_program_is_named(compiled, right, wrong, id):
    verdict = check(adapters.from_command(compiled(right, wrong), "adam"), "adam")
    assert verdict.ids == (id,)


@pytest.mark.parametrize("rule", RULES)
def test_the_vectors_are_taken_by_the_rule_and_by_no_mistake(rule):
    content = json.loads(json.dumps(vectors(rule)))

    def step_of(function):
        def step(t, theta, gradient, state, hyperparameters):
            with np.errstate(all="ignore"):
                return function(t, theta, lambda x: gradient, *state, **hyperparameters)

        return step

    assert replay(content, step_of(RULES[rule])) == ""
    # a fixed gradient cannot tell where it was asked for
    point = "gradient asked for|look-ahead|gradient taken|gradient at|library form|stays at"
    passed = [
        mistake.error
        for mistake in mistakes(rule)
        if mistake.kind != "default" and not replays(content, step_of(mistake.function))
    ]
    assert [error for error in passed if not re.search(point, error)] == []


def replays(content, step):
    """What is said of a step function; an exception counts as a difference."""
    try:
        return replay(content, step)
    except (ZeroDivisionError, ValueError) as error:  # ValueError: shapes that do not fit
        return str(error)


def test_vectors_are_written_with_a_schema(tmp_path):
    files = write_vectors(tmp_path)
    written = {file.stem for file in files}
    assert written >= {*RULES, "momentum-pytorch", "nag-keras", "adam-optax", "nadam-32"}
    assert "adadelta-optax" not in written, "it is no form of our rule"
    content = json.loads((tmp_path / "adam.json").read_text())
    assert content["schema"] == 1 and "beta_1" in content["formula"]
    step = content["runs"][0]["steps"][0]
    assert set(step) == {"t", "hyperparameters", "asked", "gradient", "theta", "state"}


def test_the_command_says_the_verdict_and_fails(tmp_path, capsys, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "from gdref import adam, momentum\n"
        "class Sum:\n"
        "    def __init__(self, params, lr=0.01, momentum=0.9):\n"
        "        self.params, self.lr, self.momentum, self.v = params, lr, momentum, 0\n"
        "    def step(self, grads):\n"
        "        self.v = self.momentum * self.v + grads[0]\n"
        "        self.params[0] -= self.lr * self.v\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert main(["--function", "mine:adam", "--rule", "adam"]) == 0
    assert "ok" in capsys.readouterr().out
    names = ["--names", "eta=lr,gamma=momentum", "--junit", "out.xml"]
    assert main(["--call", "mine:Sum", "--rule", "momentum", *names]) == 1
    assert "rate applied outside the velocity" in capsys.readouterr().out
    suite = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert suite.get("failures") == "1" and suite[0][0].tag == "failure"
    assert main(["--call", "mine:Sum", "--rule", "momentum", *names, "--constant"]) == 0


def test_adapters_for_other_styles():
    """CS231n's update, a dictionary of state, a class whose step returns the parameters."""

    def update(w, dw, config):
        config["v"] = config["rho"] * config.get("v", 0) + (1 - config["rho"]) * dw**2
        return w - config["learning_rate"] * dw / sqrt(config["v"] + config["epsilon"]), config

    names = {"eta": "learning_rate", "rho": "rho", "eps": "epsilon"}
    assert check(adapters.from_update(update, names), "rmsprop").conforms

    def step(theta, g, state, lr, gamma):
        v = gamma * state.get("v", 0) + lr * g
        return theta - v, {"v": v}

    assert check(adapters.from_dict(step, {"eta": "lr", "gamma": "gamma"}), "momentum").conforms

    class Descent:
        def __init__(self, params, lr):
            self.x, self.lr = params[0], lr

        def step(self, grads):
            self.x = self.x - self.lr * grads[0]
            return [self.x]

    assert check(adapters.from_class(Descent, {"eta": "lr"}), "gd").conforms


@pytest.mark.parametrize("library", ["pytorch", "keras", "optax"])
def test_the_libraries_table_names_every_rule_that_a_library_has(library):
    found = implementations(library)
    without = WITHOUT - {("adafactor", "keras")}  # in float32, so that no path of it is recorded
    assert [one.rule for one in found] == [r for r in RULES if (r, library) not in without]
    assert all("eta" in one.names for one in found if one.rule != "adadelta")


def test_a_program_may_take_matrices(tmp_path):
    """The size is said as 3x2, and the numbers come row by row."""
    (tmp_path / "mine.py").write_text(
        "import sys\n"
        "import numpy as np\n"
        "from gdref import muon\n"
        "def say(word, x): print(word, *np.ravel(x).tolist(), flush=True)\n"
        "def hear(): return np.array(input().split()[1:], float).reshape(shape)\n"
        "def grad(x):\n"
        "    say('grad', x)\n"
        "    return hear()\n"
        "_, _, size, *values = input().split()\n"
        "values = {k: float(v) for k, v in (pair.split('=') for pair in values)}\n"
        "shape, state = tuple(map(int, size.split('x'))), ()\n"
        "theta = hear()\n"
        "for line in sys.stdin:\n"
        "    word, *rest = line.split()\n"
        "    if word == 'end': break\n"
        "    values |= {k: float(v) for k, v in (pair.split('=') for pair in rest[1:])}\n"
        "    theta, *state = muon(int(rest[0]), theta, grad, *state, **values)\n"
        "    say('theta', theta)\n"
    )
    run = adapters.from_command([sys.executable, str(tmp_path / "mine.py")], "muon")
    assert check(run, "muon").conforms


def test_what_fails_everywhere_is_said_to_fail():
    verdict = check(lambda start, gradients, values: [theta.T for theta in start], "muon")
    assert not verdict.conforms and "no run of it ends" in str(verdict)


def test_coarse_rounding_is_held_against_what_is_nearest():
    """Half precision in the path of the rule and of its mistakes, none of which is as near."""

    def coarse(rule):
        def step(t, theta, grad, *state, **hyperparameters):
            new, *state = rule(t, theta, grad, *state, **hyperparameters)
            return theta + (new - theta) * (1 + 1e-3 * (-1) ** t), *state

        return as_run(step)

    known = {m.id: m.function for m in mistakes("muon") if m.kind != "default"}
    assert not check(coarse(RULES["muon"]), "muon").conforms
    verdict = check(coarse(RULES["muon"]), "muon", limit=0.1)
    assert verdict.conforms and "to 0.1 of a step" in str(verdict)
    for id in ("muon-05", "muon-15", "muon-31", "muon-36"):
        assert check(coarse(known[id]), "muon", limit=0.1).ids == (id,)


def test_one_value_may_have_two_names():
    names = {"beta": "b1, b2", "eta": "pair[1]"}
    assert adapters.renamed({"beta": 0.5, "eta": 2}, names) == {
        "b1": 0.5, "b2": 0.5, "pair": (0.0, 2.0),
    }  # fmt: skip


def test_a_program_that_does_not_answer_is_ended():
    sleeps = [sys.executable, "-c", "import time; time.sleep(60)"]
    begun = time.perf_counter()
    run = adapters.from_command(sleeps, "gd", seconds=0.5)
    with pytest.raises((EOFError, BrokenPipeError)):
        run(np.ones(2), [lambda x: x], {"eta": 0.1})
    assert time.perf_counter() - begun < 10
