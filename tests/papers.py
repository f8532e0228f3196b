"""Each rule as its paper prints it: formula, signature, defaults, units.

Nothing here reads an update from :mod:`gdref.rules`: all is typed in again, as the literature
prints it.  The tests on symbols compare the rules with these rows, those of properties take from
them what a rule has.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sympy import Abs, Max, sign, sqrt

PAPERS: dict[str, "Paper"] = {}

# What most rules have: the paper's row of one that has it not says so in ``without``.
PROPERTIES = {
    "flat": "at a gradient of 0 from the start, and without decay, nothing moves",
    "eta": "without decay, the way from the start is proportional to eta",
    "shift": "without decay, moving the origin moves the path",
    "mirror": "gradients of the other sign give the mirrored path",
    "coordinates": "the coordinates do not mix, whatever the shape of theta",
}


@dataclass(frozen=True)
class Paper:
    """A paper's row.

    step
        of the symbols before step t: the point at which the gradient is taken, theta after the
        step, and the state after it.
    state, hyperparameters
        the state before step 1, and the defaults.
    units
        which power of the unit of the loss a hyperparameter is measured in, where it is not 0:
        it says where epsilon stands.  None where no such powers keep the path.
    without
        the properties that it has not, of PROPERTIES.
    """

    step: Callable
    state: Mapping[str, float]
    hyperparameters: Mapping[str, float]
    units: Mapping[str, int] | None
    without: frozenset[str]


def paper(state=None, *, units=(), without="", **hyperparameters):
    """Add a function to PAPERS."""

    def add(step):
        lacking = frozenset(without.split())
        assert lacking <= PROPERTIES.keys() and {*(units or ())} <= hyperparameters.keys()
        powers = None if units is None else dict(units)
        PAPERS[step.__name__] = Paper(step, state or {}, hyperparameters, powers, lacking)
        return step

    return add


ADAM = {"eta": 0.001, "beta1": 0.9, "beta2": 0.999}


@paper(eta=0.01, units={"eta": -1})
def gd(s):
    """Cauchy 1847: theta_t = theta_{t-1} - eta g_t."""
    return s.theta, s.theta - s.eta * s.g, {}


@paper({"v": 0}, eta=0.01, gamma=0.9, units={"eta": -1})
def momentum(s):
    """Polyak 1964, as a velocity: theta_t - theta_{t-1} = -v_t."""
    v = s.gamma * s.v + s.eta * s.g
    return s.theta, s.theta - s.gamma * s.v - s.eta * s.g, {"v": v}


@paper({"v": 0}, eta=0.01, gamma=0.9, units={"eta": -1})
def nag(s):
    """Nesterov 1983 in Sutskever's form: the gradient is taken where the velocity leads."""
    v = s.gamma * s.v + s.eta * s.g
    return s.theta - s.gamma * s.v, s.theta - v, {"v": v}


@paper({"G": 0}, eta=0.01, eps=1e-8, units={"eps": 2})
def adagrad(s):
    """Duchi, Hazan & Singer 2011, diagonal; epsilon under the root as in Ruder 2016."""
    G = s.G + s.g**2
    return s.theta, s.theta - s.eta * s.g / sqrt(s.G + s.g**2 + s.eps), {"G": G}


@paper({"Eg2": 0, "Edx2": 0}, rho=0.95, eps=1e-6, units=None)
def adadelta(s):
    """Zeiler 2012, algorithm 1."""
    Eg2 = s.rho * s.Eg2 + (1 - s.rho) * s.g**2
    rms_dx_before, rms_g = sqrt(s.Edx2 + s.eps), sqrt(Eg2 + s.eps)
    dx = -rms_dx_before / rms_g * s.g
    Edx2 = s.rho * s.Edx2 + (1 - s.rho) * dx**2
    return s.theta, s.theta + dx, {"Eg2": Eg2, "Edx2": Edx2}


@paper({"Eg2": 0}, eta=0.001, rho=0.9, eps=1e-8, units={"eps": 2})
def rmsprop(s):
    """Tieleman & Hinton 2012, lecture 6e: divide by the root of MeanSquare."""
    mean_square = s.rho * s.Eg2 + (1 - s.rho) * s.g**2
    return s.theta, s.theta - s.eta * s.g / sqrt(mean_square + s.eps), {"Eg2": mean_square}


def moments(s):
    """The two biased averages of Kingma & Ba 2015, algorithm 1."""
    return s.beta1 * s.m + (1 - s.beta1) * s.g, s.beta2 * s.v + (1 - s.beta2) * s.g**2


@paper({"m": 0, "v": 0}, **ADAM, eps=1e-8, units={"eps": 1})
def adam(s):
    """Kingma & Ba 2015, algorithm 1."""
    m, v = moments(s)
    m_hat, v_hat = m / (1 - s.beta1**s.t), v / (1 - s.beta2**s.t)
    return s.theta, s.theta - s.eta * m_hat / (sqrt(v_hat) + s.eps), {"m": m, "v": v}


@paper({"m": 0, "u": 0}, **ADAM | {"eta": 0.002}, without="flat")
def adamax(s):
    """Kingma & Ba 2015, algorithm 2."""
    m = s.beta1 * s.m + (1 - s.beta1) * s.g
    u = Max(s.beta2 * s.u, Abs(s.g))
    return s.theta, s.theta - s.eta / (1 - s.beta1**s.t) * m / u, {"m": m, "u": u}


@paper({"m": 0, "v": 0}, **ADAM | {"eta": 0.002}, eps=1e-8, units={"eps": 1})
def nadam(s):
    """Dozat 2016, simplified: look-ahead and bias correction in terms of the old average."""
    m, v = moments(s)
    ahead = (s.beta1**2 * s.m + (1 - s.beta1**2) * s.g) / (1 - s.beta1**s.t)
    theta = s.theta - s.eta * ahead / (sqrt(v / (1 - s.beta2**s.t)) + s.eps)
    return s.theta, theta, {"m": m, "v": v}


@paper({"m": 0, "v": 0, "v_hat": 0}, **ADAM, eps=1e-8, units={"eps": 1})
def amsgrad(s):
    """Reddi, Kale & Kumar 2018, algorithm 2, without projection; epsilon as in Adam."""
    m, v = moments(s)
    v_hat = Max(s.v_hat, v)
    theta = s.theta - s.eta * m / (sqrt(v_hat) + s.eps)
    return s.theta, theta, {"m": m, "v": v, "v_hat": v_hat}


@paper({"m": 0, "v": 0}, **ADAM, eps=1e-8, lam=1e-5, multiplier=1.0, units={"eps": 1})
def adamw(s):
    """Loshchilov & Hutter 2019, algorithm 2, line 12."""
    m, v = moments(s)
    m_hat, v_hat = m / (1 - s.beta1**s.t), v / (1 - s.beta2**s.t)
    step = s.multiplier * (s.eta * m_hat / (sqrt(v_hat) + s.eps) + s.lam * s.theta)
    return s.theta, s.theta - step, {"m": m, "v": v}


@paper(eta=0.001)
def sign_descent(s):
    """Bernstein et al. 2018, algorithm 1: x_{k+1} = x_k - delta sign(g_k)."""
    return s.theta, s.theta - s.eta * sign(s.g), {}


@paper({"m": 0}, eta=0.0001, beta=0.9)
def signum(s):
    """Bernstein et al. 2018, algorithm 2: m_{k+1} = beta m_k + (1 - beta) g_k, then its sign."""
    m = s.beta * s.m + (1 - s.beta) * s.g
    return s.theta, s.theta - s.eta * sign(m), {"m": m}


@paper({"m": 0}, eta=1e-4, beta1=0.9, beta2=0.99, lam=0.0)
def lion(s):
    """Chen et al. 2023, algorithm 2: the sign of the mixture, the decay beside it, then m."""
    update = sign(s.beta1 * s.m + (1 - s.beta1) * s.g)
    m = s.beta2 * s.m + (1 - s.beta2) * s.g
    return s.theta, s.theta - s.eta * (update + s.lam * s.theta), {"m": m}
