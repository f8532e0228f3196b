"""Each rule as its paper prints it: formula, signature, defaults, units.

Nothing here reads an update from :mod:`gdref.rules`: all is typed in again, as the literature
prints it.  The tests on symbols compare the rules with these rows, those of properties take from
them what a rule has.  A row of one number runs on symbols; that of a rule of whole arrays or
matrices (WHOLE of :mod:`gdref.rules`) runs on matrices of numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from sympy import Abs, Max, Piecewise, Rational, sign, sqrt

PAPERS: dict[str, "Paper"] = {}

# What most rules have: the paper's row of one that has it not says so in ``without``.
PROPERTIES = {
    "flat": "at a gradient of 0 from the start, and without decay, nothing moves",
    "eta": "without decay, the way from the start is proportional to eta",
    "shift": "without decay, moving the origin moves the path",
    "mirror": "gradients of the other sign give the mirrored path",
    "against": "under a gradient that does not change each step goes against it",
    "coordinates": "the coordinates do not mix, whatever the shape of theta",
    "shape": "every state has the shape of theta",
    "symbols": "some steps on symbols are short enough to be written down",
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


def length(x):
    return np.linalg.norm(x)


@paper(
    {"v": 0}, eta=1.0, gamma=0.9, lam=0.0, trust=0.001, units=None,
    without="eta shift coordinates",
)  # fmt: skip
def lars(s):
    """You, Gitman & Ginsburg 2017, algorithm 1."""
    local = s.trust * length(s.theta) / (length(s.g) + s.lam * length(s.theta))
    v = s.gamma * s.v + s.eta * local * (s.g + s.lam * s.theta)
    return s.theta, s.theta - v, {"v": v}


@paper(
    {"m": 0, "v": 0}, **ADAM, eps=1e-6, lam=0.0, units={"eps": 1}, without="eta shift coordinates"
)
def lamb(s):
    """You et al. 2020, algorithm 2."""
    m, v = moments(s)
    r = m / (1 - s.beta1**s.t) / (np.sqrt(v / (1 - s.beta2**s.t)) + s.eps)
    u = r + s.lam * s.theta
    return s.theta, s.theta - s.eta * length(s.theta) / length(u) * u, {"m": m, "v": v}


def root_mean_square(x):
    return np.sqrt(np.mean(x**2))


@paper(
    {"R": 0, "C": 0}, eta=0.01, eps1=1e-30, eps2=1e-3, d=1.0, power=0.8, units={"eps1": 2},
    without="eta shift coordinates shape",
)  # fmt: skip
def adafactor(s):
    """Shazeer & Stern 2018, algorithm 4, with the hyperparameters of algorithm 6."""
    beta2 = 1 - s.t**-s.power
    squares = s.g**2 + s.eps1
    R = beta2 * s.R + (1 - beta2) * squares.sum(axis=1, keepdims=True)
    C = beta2 * s.C + (1 - beta2) * squares.sum(axis=0, keepdims=True)
    U = s.g / np.sqrt(R @ C / R.sum())
    U = U / max(1, root_mean_square(U) / s.d)
    alpha = max(s.eps2, root_mean_square(s.theta)) * min(s.eta, 1 / np.sqrt(s.t))
    return s.theta, s.theta - alpha * U, {"R": R, "C": C}


def power(S, exponent):
    """A power of a symmetric matrix."""
    values, vectors = np.linalg.eigh(S)
    return vectors @ np.diag(values**exponent) @ vectors.T


@paper({"L": 0, "R": 0}, eta=0.1, eps=1e-4, units={"eps": 2}, without="coordinates shape")
def shampoo(s):
    """Gupta, Koren & Singer 2018, algorithm 1; its L_0 = R_0 = eps I is added in the root."""
    rows, columns = s.g.shape
    L, R = s.L + s.g @ s.g.T, s.R + s.g.T @ s.g
    left, right = (
        power(L + s.eps * np.eye(rows), -1 / 4),
        power(R + s.eps * np.eye(columns), -1 / 4),
    )
    return s.theta, s.theta - s.eta * left @ s.g @ right, {"L": L, "R": R}


@paper(
    {"L": 0, "R": 0, "QL": 0, "QR": 0, "m": 0, "v": 0},
    eta=0.003, beta1=0.95, beta2=0.95, eps=1e-8, every=10, units={"eps": 1},
    without="coordinates shape against",
)  # fmt: skip
def soap(s):
    """Vyas et al. 2025, algorithm 3, with the first step and the corrections of the authors' code.

    Of a vector the code turns nothing.  The sign of each basis vector is free.
    """
    vector = min(s.g.shape) == 1
    k = s.t - 1  # the steps that have moved
    theta, m, v = s.theta, s.m, s.v
    if k == 0:
        m, v = 0 * s.g, 0 * s.g
    else:
        bases = (s.QL, len(s.g)), (s.QR, len(s.g.T))
        QL, QR = (Q if len(Q) == n else np.eye(n) for Q, n in bases)
        m = s.beta1 * s.m + (1 - s.beta1) * s.g
        turned = QL.T @ s.g @ QR
        v = s.beta2 * s.v + (1 - s.beta2) * turned * turned
        m_hat, v_hat = QL.T @ m @ QR / (1 - s.beta1**k), v / (1 - s.beta2**k)
        theta = s.theta - s.eta * QL @ (m_hat / (np.sqrt(v_hat) + s.eps)) @ QR.T
    new = {}
    for name, G in {"L": s.g, "R": s.g.T}.items():
        if vector and len(G) > 1:
            new |= {name: np.zeros((1, 1)), "Q" + name: np.eye(1)}
            continue
        new[name] = s.beta2 * getattr(s, name) + (1 - s.beta2) * G @ G.T
        Q = getattr(s, "Q" + name)
        if k == 0:
            Q = np.linalg.eigh(new[name])[1][:, ::-1]
        elif k % s.every == 0:
            Q = np.linalg.qr(new[name] @ Q)[0]
        new["Q" + name] = Q * np.where(Q[0] < 0, -1, 1)
    return s.theta, theta, {key: new[key] for key in ("L", "R", "QL", "QR")} | {"m": m, "v": v}


@paper({"M": 0}, eta=0.02, gamma=0.95, lam=0.0, units=None, without="coordinates symbols")
def muon(s):
    """Jordan et al. 2024, with the shape factor of the authors' code."""
    M = s.gamma * s.M + s.g
    U, values, V = np.linalg.svd(s.g + s.gamma * M, full_matrices=False)
    values = values / (np.linalg.norm(values) + 1e-7)
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    height, width = s.theta.shape
    step = s.eta * max(1, height / width) ** 0.5 * (U * values @ V)
    return s.theta, (1 - s.eta * s.lam) * s.theta - step, {"M": M}


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


def average_of(s, z, weight):
    """Defazio et al. 2024, algorithm 1, lines 10 and 11; W is the sum of the weights so far."""
    W = s.W + weight
    c = weight * Piecewise((1 / W, W > 0), (1, True))
    return W, (1 - c) * Piecewise((s.x, s.t > 1), (s.theta, True)) + c * z


@paper({"z": 0, "x": 0, "W": 0}, eta=1.0, beta=0.9, units={"eta": -1})
def schedule_free_sgd(s):
    """Defazio et al. 2024, equations (3) to (5); the weights are those of algorithm 1."""
    z = Piecewise((s.z, s.t > 1), (s.theta, True)) - s.eta * s.g
    W, x = average_of(s, z, s.eta**2)
    return s.theta, s.beta * x + (1 - s.beta) * z, {"z": z, "x": x, "W": W}


@paper(
    {"z": 0, "x": 0, "v": 0, "W": 0},
    eta=0.0025, beta1=0.9, beta2=0.999, eps=1e-8, lam=0.0, units={"eps": 1},
)  # fmt: skip
def schedule_free_adamw(s):
    """Defazio et al. 2024, algorithm 1."""
    v = s.beta2 * s.v + (1 - s.beta2) * s.g**2
    rate = s.eta * sqrt(1 - s.beta2**s.t)
    z = Piecewise((s.z, s.t > 1), (s.theta, True))
    z = z - rate * s.g / (sqrt(v) + s.eps) - rate * s.lam * s.theta
    W, x = average_of(s, z, rate**2)
    return s.theta, s.beta1 * x + (1 - s.beta1) * z, {"z": z, "x": x, "v": v, "W": W}


@paper({"m": 0, "v": 0}, **ADAM, eps=1e-8, threshold=4, units=None)
def radam(s):
    """Liu et al. 2020, algorithm 2; epsilon as in Adam; the threshold, 4 there, may be higher."""
    m, v = moments(s)
    m_hat, decayed = m / (1 - s.beta1**s.t), s.beta2**s.t
    longest = 2 / (1 - s.beta2) - 1
    length = longest - 2 * s.t * decayed / (1 - decayed)
    quotient = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
    adaptive = 1 / (sqrt(v / (1 - decayed)) + s.eps)
    rectified = s.theta - s.eta * sqrt(quotient) * m_hat * adaptive
    theta = Piecewise((rectified, length > Max(s.threshold, 4)), (s.theta - s.eta * m_hat, True))
    return s.theta, theta, {"m": m, "v": v}


@paper(
    {"m": 0, "v": 0},
    eta=0.001,
    beta1=0.9,
    beta2=0.9999,
    eps=1e-6,
    units={"eps": 1},
    without="against",
)
def adopt(s):
    """Taniguchi et al. 2024, algorithm 2, whose step t is our t + 1: its step 0 sets v only."""
    v = Piecewise((s.v, s.t > 1), (s.g**2, True))
    bound = (s.t - 1) ** Rational(1, 4)
    quotient = s.g / Max(sqrt(v), s.eps)
    clipped = Max(-bound, -Max(-bound, -quotient))  # SymPy does not know that this is a Min
    m = s.beta1 * s.m + (1 - s.beta1) * clipped
    return s.theta, s.theta - s.eta * m, {"m": m, "v": s.beta2 * v + (1 - s.beta2) * s.g**2}


@paper({"m": 0, "s": 0}, **ADAM, eps=1e-16, units=None)
def adabelief(s):
    """Zhuang et al. 2020, algorithm 2: epsilon is added to the average and to its root."""
    m = s.beta1 * s.m + (1 - s.beta1) * s.g
    variance = s.beta2 * s.s + (1 - s.beta2) * (s.g - m) ** 2 + s.eps
    root = sqrt(variance / (1 - s.beta2**s.t))
    return s.theta, s.theta - s.eta * m / (1 - s.beta1**s.t) / (root + s.eps), {
        "m": m, "s": variance,
    }  # fmt: skip
