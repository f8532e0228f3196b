r"""Every update rule of the book, in the order of the chapters: the book on one page.

A rule is a pure function of one form,

    theta, *state = rule(t, theta, grad, *state, **hyperparameters)

``t``
    the number of the step; the first is 1.
``theta``
    the parameters: a Python float, an array of any shape from any library (NumPy, PyTorch, JAX or
    what follows the array-API standard), a SymPy expression, or a tree (dict, list) of these.
``grad``
    a function of theta that returns the gradient, in the shape of theta.
state
    the positional arguments that have defaults; the defaults are the state before step 1.
hyperparameters
    the keyword-only arguments; the defaults are those of the paper.

A rule changes none of its arguments and returns the new theta, then the new state.  It trusts
its arguments: :func:`gdref.iterate` and :func:`gdref.minimize` check them, once, at the call.
"""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar, cast

import numpy as np

from gdref.elementary import (
    as_matrix,
    clip,
    column_sums,
    columns,
    inverse_root,
    matmul,
    maximum,
    minimum,
    norm,
    outer,
    renewed,
    reshape,
    rms,
    row_sums,
    rows,
    shape,
    sign,
    sqrt,
    transpose,
    trust_ratio,
    turn,
    where,
)
from gdref.trees import CONTAINERS, Tree, each, wrap

Parameters = ParamSpec("Parameters")
Step = TypeVar("Step")


class Rule(Protocol):
    """What :func:`gdref.iterate` takes as a rule: one of this module, or a function like them."""

    def __call__(
        self, t: Any, theta: Any, grad: Any, /, *state: Any, **hyperparameters: Any
    ) -> tuple[Any, ...]: ...


class Rules(dict[str, Rule]):
    """The rules by name; a name that is none raises KeyError with the names that are."""

    def __missing__(self, name):
        raise KeyError(f"there is no rule {name!r}; the rules are {', '.join(self)}")


RULES = Rules()


def rule(step: Callable[Parameters, Step]) -> Callable[Parameters, Step]:
    """Mark a function as a rule: trees work, float32 parameters stay float32, RULES has it.

    NumPy lets a Python number adopt the precision of an array, but a ``np.float64`` widens a
    float32 array; so NumPy scalars among t and the hyperparameters pass as Python numbers.
    """

    @functools.wraps(step)
    def rule_step(t, theta, grad, *state, **hyperparameters):
        if isinstance(t, np.generic):
            t = t.item()
        for name, value in hyperparameters.items():
            if isinstance(value, np.generic):
                hyperparameters[name] = value.item()
        if isinstance(theta, CONTAINERS):
            return _on_tree(step, t, theta, grad, state, hyperparameters)
        if getattr(theta, "is_Matrix", False):
            return _on_symbols(step, t, theta, grad, state, hyperparameters)
        return step(t, theta, grad, *state, **hyperparameters)

    if step.__doc__ is not None:  # it is with python -OO
        rule_step.__doc__ = step.__doc__ + EVERY_RULE
    RULES[step.__name__] = rule_step
    return cast(Callable[Parameters, Step], rule_step)


def array_rule(step: Callable[Parameters, Step]) -> Callable[Parameters, Step]:
    """Mark a function as a rule that uses each array as a whole, its norm for one."""
    rule_step = rule(step)
    WHOLE[step.__name__] = "array"
    return rule_step


def matrix_rule(step: Callable[Parameters, Step]) -> Callable[Parameters, Step]:
    """Mark a function as a rule of matrices: a vector is a column, a number one entry."""

    step_of_matrices = cast(Callable[..., Any], step)

    @functools.wraps(step)
    def on_matrices(t, theta, grad, *state, **hyperparameters):
        matrix = as_matrix(theta)
        if matrix is theta:
            return step_of_matrices(t, theta, grad, *state, **hyperparameters)

        def gradient(at):
            # theta itself: for another array it would ask for a gradient elsewhere
            return as_matrix(grad(theta if at is matrix else _like(at, matrix, theta)))

        new = step_of_matrices(
            t,
            matrix,
            gradient,
            *map(as_matrix, state),
            **{name: as_matrix(value) for name, value in hyperparameters.items()},
        )
        return tuple(_like(value, matrix, theta) for value in new)

    rule_step = rule(on_matrices)
    WHOLE[step.__name__] = "matrix"
    return cast(Callable[Parameters, Step], rule_step)


# The rules that do not go coordinate by coordinate, and what they use as a whole.
WHOLE: dict[str, str] = {}


def by_coordinate(rule: Callable) -> bool:
    """Whether a rule treats each coordinate by itself; a rule that is not of RULES counts."""
    return getattr(rule, "__name__", "") not in WHOLE


def check_by_coordinate(rule: Callable, must: str) -> None:
    """Raise TypeError if a rule cannot do what needs each coordinate by itself."""
    if not by_coordinate(rule):
        name = getattr(rule, "__name__", "")
        raise TypeError(
            f"{name} cannot {must}: it uses each {WHOLE[name]} as a whole, not coordinate by "
            "coordinate"
        )


def _like(value, matrix, theta):
    """What has the shape of the matrix, in the shape of theta again."""
    if isinstance(value, Tree):
        return each(_like, value, matrix, theta)
    return reshape(value, shape(theta)) if shape(value) == shape(matrix) != () else value


def _on_symbols(step, t, theta, grad, state, hyperparameters):
    """The step on a SymPy matrix: on arrays of its entries."""

    def entries(value):
        return np.array(value.tolist()) if getattr(value, "is_Matrix", False) else value

    def matrix(value):
        return type(theta)(value.tolist()) if np.ndim(value) == 2 else value

    new = step(
        t,
        entries(theta),
        lambda at: entries(grad(matrix(at))),
        *map(entries, state),
        **hyperparameters,
    )
    return tuple(map(matrix, new))


def _on_tree(step, t, theta, grad, state, hyperparameters):
    """The step on the leaves; what comes back has the form of theta again."""
    tree = wrap(theta)

    def wrapped(value):
        return wrap(value, tree.form) if isinstance(value, CONTAINERS) else value

    after = step(
        t, tree, lambda at: wrapped(grad(at.unwrap())), *map(wrapped, state), **hyperparameters
    )
    return tuple(value.unwrap() if isinstance(value, Tree) else value for value in after)


EVERY_RULE = """
    Notes
    -----
    Every rule: ``t`` is the number of the step, from 1.  ``theta`` is a float, an array of any
    shape and library, a SymPy expression or a tree of these, ``grad`` a function of theta that
    returns the gradient in the shape of theta.  The state's defaults are its values before step 1.
    The rule returns the new theta, then the new state, as a tuple; it changes no argument and keeps
    theta's type and precision.
    It trusts its arguments; :func:`gdref.iterate` checks them and raises TypeError or ValueError.
    """


@rule
def gd(t, theta, grad, *, eta=0.01):
    r"""Gradient descent (Cauchy 1847).

    .. math::

       \theta_t = \theta_{t-1} - \eta\,\nabla J(\theta_{t-1})

    State: none.

    Hyperparameters
    ---------------
    eta
        learning rate, :math:`\eta \ge 0`, in units of theta squared by loss.  The useful range
        ends at 2/(largest curvature).  0.01 is a convention; no default suits all losses.
    """
    g = grad(theta)
    theta = theta - eta * g
    return (theta,)


@rule
def momentum(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    r"""Momentum, the heavy ball (Polyak 1964).

    .. math::

       v_t &= \gamma v_{t-1} + \eta\,\nabla J(\theta_{t-1}) \\
       \theta_t &= \theta_{t-1} - v_t

    State: ``v``, the velocity, in the shape and the units of theta.

    Hyperparameters
    ---------------
    eta
        learning rate, :math:`\eta \ge 0`; stable on a curvature :math:`\lambda` below
        :math:`(2 + 2\gamma)/\lambda`.
    gamma
        friction, in [0, 1): the share of the velocity that is kept.  0.9 is the usual choice;
        0 gives gradient descent.
    """
    v = gamma * v + eta * grad(theta)
    theta = theta - v
    return theta, v


@rule
def nag(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    r"""Nesterov's accelerated gradient, with a constant momentum (Nesterov 1983).

    .. math::

       v_t &= \gamma v_{t-1} + \eta\,\nabla J(\theta_{t-1} - \gamma v_{t-1}) \\
       \theta_t &= \theta_{t-1} - v_t

    The gradient is asked for at the look-ahead point.  State: ``v``, the velocity, in the shape
    and the units of theta.

    Hyperparameters
    ---------------
    eta
        learning rate, :math:`\eta \ge 0`; stable on a curvature :math:`\lambda` below
        :math:`(2 + 2\gamma)/((1 + 2\gamma)\lambda)`.
    gamma
        as for :func:`momentum`.
    """
    v = gamma * v + eta * grad(theta - gamma * v)
    theta = theta - v
    return theta, v


@rule
def adagrad(t, theta, grad, G=0, *, eta=0.01, eps=1e-8):
    r"""Adagrad with a diagonal matrix (Duchi, Hazan & Singer 2011).

    .. math::

       G_t &= G_{t-1} + g_t^2 \\
       \theta_t &= \theta_{t-1} - \frac{\eta}{\sqrt{G_t + \epsilon}}\,g_t

    State: ``G``, the sum of the squared gradients, in the shape of theta.

    Hyperparameters
    ---------------
    eta
        learning rate, :math:`\eta \ge 0`, in the units of theta: the length of the first step
        of each parameter.  0.01 is a convention.
    eps
        keeps the denominator from 0, :math:`\epsilon \ge 0`, in units of a squared gradient.
    """
    g = grad(theta)
    G = G + g**2
    theta = theta - eta / sqrt(G + eps) * g
    return theta, G


@rule
def adadelta(t, theta, grad, Eg2=0, Edx2=0, *, rho=0.95, eps=1e-6):
    r"""Adadelta (Zeiler 2012).

    .. math::

       E[g^2]_t &= \rho E[g^2]_{t-1} + (1 - \rho) g_t^2 \\
       \Delta\theta_t &= -\frac{\sqrt{E[\Delta\theta^2]_{t-1} + \epsilon}}
                               {\sqrt{E[g^2]_t + \epsilon}}\,g_t \\
       E[\Delta\theta^2]_t &= \rho E[\Delta\theta^2]_{t-1} + (1 - \rho) \Delta\theta_t^2 \\
       \theta_t &= \theta_{t-1} + \Delta\theta_t

    State: ``Eg2`` and ``Edx2``, the averages of the squared gradients and of the squared updates,
    each in the shape of theta.

    Hyperparameters
    ---------------
    rho
        decay of both averages, in [0, 1); 0.95 is Zeiler's.
    eps
        :math:`\epsilon \ge 0`; 1e-6 is Zeiler's.  It sets the length of the first steps, about
        :math:`\sqrt{\epsilon/(1 - \rho)}`; with 0 nothing moves.
    """
    g = grad(theta)
    Eg2 = rho * Eg2 + (1 - rho) * g**2
    dx = -sqrt(Edx2 + eps) / sqrt(Eg2 + eps) * g
    Edx2 = rho * Edx2 + (1 - rho) * dx**2
    theta = theta + dx
    return theta, Eg2, Edx2


@rule
def rmsprop(t, theta, grad, Eg2=0, *, eta=0.001, rho=0.9, eps=1e-8):
    r"""RMSProp (Tieleman & Hinton 2012).

    .. math::

       E[g^2]_t &= \rho E[g^2]_{t-1} + (1 - \rho) g_t^2 \\
       \theta_t &= \theta_{t-1} - \frac{\eta}{\sqrt{E[g^2]_t + \epsilon}}\,g_t

    State: ``Eg2``, the average of the squared gradients, in the shape of theta.

    Hyperparameters
    ---------------
    eta
        learning rate, :math:`\eta \ge 0`, in the units of theta; 0.001 is a convention.
    rho
        decay of the average, in [0, 1); 0.9 is Hinton's.
    eps
        keeps the denominator from 0, :math:`\epsilon \ge 0`, in units of a squared gradient.
    """
    g = grad(theta)
    Eg2 = rho * Eg2 + (1 - rho) * g**2
    theta = theta - eta / sqrt(Eg2 + eps) * g
    return theta, Eg2


@rule
def adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    r"""Adam (Kingma & Ba 2015).

    .. math::

       m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t \\
       v_t &= \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
       \hat m_t &= m_t / (1 - \beta_1^t) \\
       \hat v_t &= v_t / (1 - \beta_2^t) \\
       \theta_t &= \theta_{t-1} - \eta\,\frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon}

    State: ``m`` and ``v``, the averages of the gradients and of their squares, each in the shape
    of theta.  The defaults are those of the paper.

    Hyperparameters
    ---------------
    eta
        learning rate, :math:`\eta \ge 0`, in the units of theta: about the length of a step.
    beta1, beta2
        decays of the two averages, in [0, 1).
    eps
        keeps the denominator from 0, :math:`\epsilon \ge 0`, in the units of a gradient.
    """
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    theta = theta - eta * m_hat / (sqrt(v_hat) + eps)
    return theta, m, v


@rule
def adamax(t, theta, grad, m=0, u=0, *, eta=0.002, beta1=0.9, beta2=0.999):
    r"""AdaMax (Kingma & Ba 2015, section 7.1).

    .. math::

       m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t \\
       u_t &= \max(\beta_2 u_{t-1}, |g_t|) \\
       \theta_t &= \theta_{t-1} - \frac{\eta}{1 - \beta_1^t}\,\frac{m_t}{u_t}

    State: ``m``, the average of the gradients, and ``u``, their decaying maximum, each in the
    shape of theta.

    The defaults are those of the paper, which has no epsilon: a parameter whose gradient has
    been 0 since the first step divides 0 by 0 (NaN in an array, ZeroDivisionError on a float).

    Hyperparameters
    ---------------
    eta
        learning rate, :math:`\eta \ge 0`, in the units of theta; with
        :math:`\beta_1 < \beta_2` no step is longer than
        :math:`\eta(1 - \beta_1)/(1 - \beta_1/\beta_2)`, 1.009 eta at the defaults.
    beta1, beta2
        decays, in [0, 1).
    """
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    u = maximum(beta2 * u, abs(g))
    theta = theta - eta / (1 - beta1**t) * m / u
    return theta, m, u


@rule
def nadam(t, theta, grad, m=0, v=0, *, eta=0.002, beta1=0.9, beta2=0.999, eps=1e-8):
    r"""Nadam, Adam with Nesterov's momentum, in the simplified form (Dozat 2016).

    .. math::

       m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t \\
       v_t &= \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
       \hat m_t &= m_t / (1 - \beta_1^t) \\
       \hat v_t &= v_t / (1 - \beta_2^t) \\
       \theta_t &= \theta_{t-1} - \frac{\eta}{\sqrt{\hat v_t} + \epsilon}
                   \left(\beta_1 \hat m_t + \frac{1 - \beta_1}{1 - \beta_1^t}\,g_t\right)

    Dozat corrects the first summand by :math:`1 - \beta_1^{t+1}`; the chapter has both forms.
    State: ``m`` and ``v`` as for :func:`adam`.

    Hyperparameters
    ---------------
    eta
        learning rate, :math:`\eta \ge 0`, in the units of theta; 0.002 was Keras' first default.
    beta1, beta2, eps
        as for :func:`adam`.
    """
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    m_ahead = beta1 * m_hat + (1 - beta1) * g / (1 - beta1**t)
    theta = theta - eta * m_ahead / (sqrt(v_hat) + eps)
    return theta, m, v


@rule
def amsgrad(t, theta, grad, m=0, v=0, v_hat=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    r"""AMSGrad (Reddi, Kale & Kumar 2018), with an epsilon.

    .. math::

       m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t \\
       v_t &= \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
       \hat v_t &= \max(\hat v_{t-1}, v_t) \\
       \theta_t &= \theta_{t-1} - \eta\,\frac{m_t}{\sqrt{\hat v_t} + \epsilon}

    There is no bias correction; the hat marks the maximum.  State: ``m``, ``v`` and ``v_hat``,
    each in the shape of theta.

    Hyperparameters
    ---------------
    eta
        learning rate, :math:`\eta \ge 0`, in the units of theta.
    beta1, beta2
        decays, in [0, 1); the defaults are Adam's.
    eps
        keeps the denominator from 0, :math:`\epsilon \ge 0`; the paper has none.
    """
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    v_hat = maximum(v_hat, v)
    theta = theta - eta * m / (sqrt(v_hat) + eps)
    return theta, m, v, v_hat


@rule
def adamw(
    t, theta, grad, m=0, v=0, *,
    eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8, lam=1e-5, multiplier=1.0,
):  # fmt: skip
    r"""AdamW, Adam with decoupled weight decay (Loshchilov & Hutter 2019).

    .. math::

       m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t \\
       v_t &= \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
       \hat m_t &= m_t / (1 - \beta_1^t) \\
       \hat v_t &= v_t / (1 - \beta_2^t) \\
       \theta_t &= \theta_{t-1} - \alpha_t\left(\eta\,\frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon}
                   + \lambda\,\theta_{t-1}\right)

    The step is Adam's own; the decay enters neither average.  State: ``m`` and ``v`` as for
    :func:`adam`.

    Hyperparameters
    ---------------
    eta, beta1, beta2, eps
        as for :func:`adam`.
    lam
        weight decay :math:`\lambda \ge 0` a step, not multiplied by eta.  The paper names no
        default; 1e-5 is PyTorch's 0.01 times its rate 0.001.
    multiplier
        the schedule :math:`\alpha_t \ge 0`, which scales step and decay alike; 1 is none.
    """
    decay = multiplier * lam * theta
    eta = multiplier * eta
    theta, m, v = adam(t, theta, grad, m, v, eta=eta, beta1=beta1, beta2=beta2, eps=eps)
    theta = theta - decay
    return theta, m, v


@array_rule
def lars(t, theta, grad, v=0, *, eta=1.0, gamma=0.9, lam=0.0, trust=0.001):
    r"""LARS, layer-wise adaptive rates with momentum (You, Gitman & Ginsburg 2017).

    .. math::

       r_t &= \frac{\nu\,\lVert\theta_{t-1}\rVert}
                   {\lVert g_t\rVert + \lambda\lVert\theta_{t-1}\rVert} \\
       v_t &= \gamma v_{t-1} + \eta\,r_t\,(g_t + \lambda\,\theta_{t-1}) \\
       \theta_t &= \theta_{t-1} - v_t

    The lengths are those of a whole array, in a tree of each leaf: a layer.  Where the numerator or
    the denominator is 0, :math:`r_t` is 1, as in the libraries.  State: ``v``, the velocity, in the
    shape and the units of theta.

    Hyperparameters
    ---------------
    eta
        learning rate, :math:`\eta \ge 0`, without a unit.  The paper has one for each size of the
        batch; 1 is timm's default.
    gamma
        as for :func:`momentum`.
    lam
        weight decay :math:`\lambda \ge 0`, in units of the loss by theta squared, within the ratio;
        0 is Optax' and timm's default.
    trust
        trust coefficient :math:`\nu \ge 0`: without momentum and decay a step moves a layer by the
        share :math:`\eta\nu` of its length.  0.001 is Optax' and timm's default.
    """
    g = grad(theta)
    length = norm(theta)
    ratio = trust_ratio(length, norm(g) + lam * length, trust)
    v = gamma * v + eta * ratio * (g + lam * theta)
    theta = theta - v
    return theta, v


@array_rule
def lamb(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-6, lam=0.0):
    r"""LAMB, Adam's direction at the length that the layer allows (You et al. 2020).

    .. math::

       m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t \\
       v_t &= \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
       \hat m_t &= m_t / (1 - \beta_1^t) \\
       \hat v_t &= v_t / (1 - \beta_2^t) \\
       u_t &= \frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon} + \lambda\,\theta_{t-1} \\
       \theta_t &= \theta_{t-1} - \eta\,\frac{\lVert\theta_{t-1}\rVert}{\lVert u_t\rVert}\,u_t

    The lengths are those of a whole array, in a tree of each leaf: a layer.  Where one of them is
    0, their ratio is 1, as in the authors' code.  The paper's :math:`\phi` is the identity.
    State: ``m`` and ``v`` as for :func:`adam`.

    Hyperparameters
    ---------------
    eta
        learning rate, :math:`\eta \ge 0`, without a unit: a step moves a layer by this share of its
        length.  The paper tunes it; 0.001 is the default of the authors' code.
    beta1, beta2
        as for :func:`adam`.
    eps
        as for :func:`adam`; 1e-6 is the default of the authors' code.
    lam
        weight decay :math:`\lambda \ge 0`, within the ratio, in units of 1 by theta; it turns the
        step towards 0 and leaves its length.  0 is the default of the authors' code.
    """
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    u = m_hat / (sqrt(v_hat) + eps) + lam * theta
    theta = theta - eta * trust_ratio(norm(theta), norm(u)) * u
    return theta, m, v


@matrix_rule
def adafactor(t, theta, grad, R=0, C=0, *, eta=0.01, eps1=1e-30, eps2=1e-3, d=1.0, power=0.8):
    r"""Adafactor, without momentum (Shazeer & Stern 2018, algorithms 4 and 5).

    .. math::

       \beta_t &= 1 - t^{-p} \\
       R_t &= \beta_t R_{t-1} + (1 - \beta_t)(g_t^2 + \epsilon_1)\,1_m \\
       C_t &= \beta_t C_{t-1} + (1 - \beta_t)\,1_n^\top(g_t^2 + \epsilon_1) \\
       V_t &= R_t C_t / (1_n^\top R_t) \\
       U_t &= g_t / \sqrt{V_t}, \qquad
       \hat U_t = U_t / \max(1, \mathrm{RMS}(U_t)/d) \\
       \theta_t &= \theta_{t-1} - \max(\epsilon_2, \mathrm{RMS}(\theta_{t-1}))
                   \min(\eta, 1/\sqrt t)\,\hat U_t

    theta is a matrix of n rows and m columns.  State: ``R``, the averages of the row sums, n by 1,
    and ``C``, those of the column sums, 1 by m: n + m numbers instead of n m.  A vector is a
    column; then :math:`V_t = R_t`, and nothing is factored, as the paper wants it.  The defaults
    are those of the paper (algorithm 6).

    Hyperparameters
    ---------------
    eta
        largest relative rate, :math:`\eta \ge 0`, without a unit; from step :math:`1/\eta^2` on
        the rate is :math:`1/\sqrt t`.
    eps1
        keeps V from 0, :math:`\epsilon_1 \ge 0`, in units of a squared gradient.
    eps2
        the least scale of theta, :math:`\epsilon_2 \ge 0`, in the units of theta: with it a matrix
        that starts at 0 moves.
    d
        clipping threshold, above 0: the root mean square that a step may have.
    power
        :math:`p > 0`: the averages reach back over about :math:`t^p` steps.
    """
    g = grad(theta)
    beta = 1 - t**-power
    R = beta * R + (1 - beta) * row_sums(g**2 + eps1)
    C = beta * C + (1 - beta) * column_sums(g**2 + eps1)
    V = matmul(R / column_sums(R), C)  # R C of two small numbers would be 0
    U = g / sqrt(V)
    U = U / maximum(1, rms(U) / d)
    theta = theta - maximum(eps2, rms(theta)) * minimum(eta, 1 / sqrt(t)) * U
    return theta, R, C


@matrix_rule
def shampoo(t, theta, grad, L=0, R=0, *, eta=0.1, eps=1e-4):
    r"""Shampoo (Gupta, Koren & Singer 2018), for matrices.

    .. math::

       L_t &= L_{t-1} + G_t G_t^\top \\
       R_t &= R_{t-1} + G_t^\top G_t \\
       \theta_t &= \theta_{t-1}
                   - \eta\,(L_t + \epsilon I)^{-1/4}\, G_t\, (R_t + \epsilon I)^{-1/4}

    A number is a matrix of one entry, a vector a column.  State: ``L``, rows by rows, and ``R``,
    columns by columns.  The paper starts them at :math:`\epsilon I`, which is the same.

    Hyperparameters
    ---------------
    eta
        learning rate, :math:`\eta \ge 0`, in the units of theta.
    eps
        :math:`\epsilon \ge 0`, in the units of a squared gradient; 0 gives the pseudo-power.  The
        paper has no values; both defaults are those of the package torch_optimizer.
    """
    G = grad(theta)
    L = L + matmul(G, transpose(G))
    R = R + matmul(transpose(G), G)
    left, right = inverse_root(L, 4, eps), inverse_root(R, 4, eps)
    theta = theta - eta * matmul(matmul(left, G), right)
    return theta, L, R


@matrix_rule
def soap(t, theta, grad, L=0, R=0, QL=0, QR=0, m=0, v=0, *,
         eta=0.003, beta1=0.95, beta2=0.95, eps=1e-8, every=10):  # fmt: skip
    r"""SOAP, Adam in the eigenbases of Shampoo (Vyas et al. 2025).

    .. math::

       m_t &= \beta_1 m_{t-1} + (1 - \beta_1)\,G_t \\
       G'_t &= Q_L^\top G_t\, Q_R, \qquad m'_t = Q_L^\top m_t\, Q_R \\
       v_t &= \beta_2 v_{t-1} + (1 - \beta_2)\,G_t'^2 \\
       \theta_t &= \theta_{t-1} - \eta\, Q_L\,
                   \frac{m'_t/(1 - \beta_1^k)}{\sqrt{v_t/(1 - \beta_2^k)} + \epsilon}\, Q_R^\top,
                   \qquad k = t - 1 \\
       L_t &= \beta_2 L_{t-1} + (1 - \beta_2)\,G_t G_t^\top \\
       R_t &= \beta_2 R_{t-1} + (1 - \beta_2)\,G_t^\top G_t

    Here :math:`Q_L, Q_R` are the bases of the steps before.  After step t, where :math:`k` is a
    multiple of ``every``, :math:`Q_L` becomes the Q of the QR decomposition of :math:`L_t Q_L`,
    and :math:`Q_R` likewise.  As in the authors' code step 1 moves nothing: it sets :math:`L_1`,
    :math:`R_1` and, as the bases, their eigenvectors.  State: ``L``, ``QL``, rows by rows, ``R``,
    ``QR``, columns by columns, ``m`` and ``v`` in the shape of theta.  A vector has no bases (one
    entry each): from step 2 on the rule is Adam, as in the authors' code.

    Hyperparameters
    ---------------
    eta
        learning rate, :math:`\eta \ge 0`, in the units of theta.
    beta1, beta2
        decays of m and of v, L and R, in [0, 1).
    eps
        keeps the denominator from 0, :math:`\epsilon \ge 0`, in the units of a gradient; outside
        the root, as for :func:`adam`.
    every
        steps between new bases, a whole number of at least 1.  All defaults: the authors' code.
    """
    G = grad(theta)
    k = maximum(t - 1, 1)
    m = beta1 * m + (1 - beta1) * where(t > 1, 1, 0) * G
    turned = turn(transpose(QL), G, QR)
    v = beta2 * v + (1 - beta2) * turned**2
    m_hat = turn(transpose(QL), m, QR) / (1 - beta1**k)
    step = m_hat / where(t > 1, sqrt(v / (1 - beta2**k)) + eps, 1)
    theta = theta - eta * turn(QL, step, transpose(QR))
    L = beta2 * L + (1 - beta2) * outer(G)
    R = beta2 * R + (1 - beta2) * outer(transpose(G))
    QL = renewed(t, every, L, QL)
    QR = renewed(t, every, R, QR)
    return theta, L, R, QL, QR, m, v


# p(s) = a s + b s^3 + c s^5 of the authors: its slope at 0 is steep, and it does not converge to 1
NEWTON_SCHULZ = 3.4445, -4.7750, 2.0315


def newton_schulz(X, coefficients=(NEWTON_SCHULZ,) * 5, eps=1e-7):
    r"""About the orthogonal factor :math:`UV^\top` of a matrix :math:`X = U\Sigma V^\top`.

    .. math::

       X \leftarrow X / (\lVert X\rVert_F + \epsilon), \qquad
       X \leftarrow aX + bXX^\top X + c\,(XX^\top)^2X \quad\text{for each } (a, b, c)

    Only matrix products are needed.  Each step is the polynomial :math:`as + bs^3 + cs^5` on the
    singular values; what comes out depends on ``coefficients``, one triple a step.
    """
    if isinstance(X, Tree):
        return each(newton_schulz, X, coefficients, eps)
    if rows(X) > columns(X):  # the smaller product
        return transpose(newton_schulz(transpose(X), coefficients, eps))
    X = X / (norm(X) + eps)
    for a, b, c in coefficients:
        S = matmul(X, transpose(X))
        X = a * X + matmul(b * S + c * matmul(S, S), X)
    return X


@matrix_rule
def muon(t, theta, grad, M=0, *, eta=0.02, gamma=0.95, lam=0.0):
    r"""Muon, momentum orthogonalised by a Newton-Schulz iteration (Jordan et al. 2024).

    .. math::

       M_t &= \gamma M_{t-1} + G_t \\
       O_t &= \operatorname{NS}(G_t + \gamma M_t) \\
       \theta_t &= (1 - \eta\lambda)\,\theta_{t-1}
                   - \eta\sqrt{\max(1, A/B)}\;O_t

    For a matrix :math:`\theta` of A rows and B columns, outputs and inputs of a layer, as PyTorch
    stores it; :math:`G_t` is its gradient and ``newton_schulz`` takes five steps.  A vector is
    a column, a number a matrix of one entry.  State: ``M``, sum of past gradients.

    Hyperparameters
    ---------------
    eta
        learning rate :math:`\eta > 0`: about the largest singular value of a step of a matrix that
        is not taller than wide; 0.02 in the authors' code.
    gamma
        momentum :math:`0 \le \gamma < 1`; 0.95 in the authors' code, there ``momentum``.
    lam
        weight decay :math:`\lambda \ge 0`, multiplied by eta, as in Liu et al. 2025; 0 in the
        authors' code.

    Look-ahead and shape factor are those of the authors' code; the box of their text orthogonalises
    :math:`M_t` and has no factor.
    """
    G = grad(theta)
    M = gamma * M + G
    O = newton_schulz(G + gamma * M)  # noqa: E741
    theta = (1 - eta * lam) * theta - eta * sqrt(maximum(1, rows(theta) / columns(theta))) * O
    return theta, M


@rule
def sign_descent(t, theta, grad, *, eta=0.001):
    r"""Sign descent, signSGD (Bernstein, Wang, Azizzadenesheli & Anandkumar 2018).

    .. math::

       \theta_t = \theta_{t-1} - \eta\,\mathrm{sign}(\nabla J(\theta_{t-1}))

    State: none.

    Hyperparameters
    ---------------
    eta
        learning rate, :math:`\eta \ge 0`, in the units of theta: the length of each step of each
        parameter whose gradient is not 0.  0.001 is a convention.
    """
    g = grad(theta)
    theta = theta - eta * sign(g)
    return (theta,)


@rule
def signum(t, theta, grad, m=0, *, eta=0.0001, beta=0.9):
    r"""Signum, the sign of an average of gradients (Bernstein et al. 2018).

    .. math::

       m_t &= \beta m_{t-1} + (1 - \beta) g_t \\
       \theta_t &= \theta_{t-1} - \eta\,\mathrm{sign}(m_t)

    State: ``m``, the average of the gradients, in the shape of theta.

    Hyperparameters
    ---------------
    eta
        as for :func:`sign_descent`; 0.0001 is a convention.
    beta
        decay of the average, in [0, 1); 0 gives sign descent.
    """
    g = grad(theta)
    m = beta * m + (1 - beta) * g
    theta = theta - eta * sign(m)
    return theta, m


@rule
def lion(t, theta, grad, m=0, *, eta=1e-4, beta1=0.9, beta2=0.99, lam=0.0):
    r"""Lion, evolved sign momentum (Chen et al. 2023).

    .. math::

       c_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t \\
       m_t &= \beta_2 m_{t-1} + (1 - \beta_2) g_t \\
       \theta_t &= \theta_{t-1} - \eta\,(\mathrm{sign}(c_t) + \lambda\,\theta_{t-1})

    The step mixes the present gradient with one decay, the memory keeps it with another.  State:
    ``m``, the average of the gradients, in the shape of theta.

    Hyperparameters
    ---------------
    eta
        as for :func:`sign_descent`; 3 to 10 times smaller than for :func:`adamw`, the authors say.
    beta1, beta2
        decays of the mixture and of the memory, in [0, 1); equal ones give :func:`signum`.
    lam
        weight decay, :math:`\lambda \ge 0`, per unit of eta, in units of 1/theta: theta is drawn
        into the box :math:`|\theta| \le 1/\lambda`.  The authors' programs have 0.
    """
    g = grad(theta)
    c = beta1 * m + (1 - beta1) * g
    m = beta2 * m + (1 - beta2) * g
    theta = theta - eta * (sign(c) + lam * theta)
    return theta, m


@rule
def schedule_free_sgd(t, theta, grad, z=0, x=0, W=0, *, eta=1.0, beta=0.9):
    r"""Schedule-Free SGD (Defazio, Yang, Mehta, Mishchenko, Khaled & Cutkosky 2024).

    .. math::

       z_t &= z_{t-1} - \eta_t\,\nabla J(\theta_{t-1}) \\
       W_t &= W_{t-1} + \eta_t^2, \qquad c_t = \eta_t^2 / W_t \\
       x_t &= (1 - c_t)\,x_{t-1} + c_t\,z_t \\
       \theta_t &= (1 - \beta)\,z_t + \beta\,x_t

    Theta is the paper's y, where the gradient is taken.  **Evaluate and save x.**  State: ``z``,
    which takes the steps, and ``x``, its weighted mean, which both begin where theta does; ``W``,
    the sum of the weights; each in the shape of theta.

    Hyperparameters
    ---------------
    eta
        learning rate, :math:`\eta \ge 0`; a schedule may begin with 0.  At a constant rate stable
        on a curvature :math:`\lambda` below :math:`2/((1 - \beta)\lambda)`.  1.0 is the authors'.
    beta
        share of x in theta, in [0, 1); 0.9 is the authors' default.
    """
    z, x = where(t > 1, z, theta), where(t > 1, x, theta)
    z = z - eta * grad(theta)
    W = W + 0 * theta + eta**2  # in the shape of theta
    c = eta**2 / where(W > 0, W, 1)
    x = (1 - c) * x + c * z
    theta = (1 - beta) * z + beta * x
    return theta, z, x, W


@rule
def schedule_free_adamw(
    t, theta, grad, z=0, x=0, v=0, W=0, *,
    eta=0.0025, beta1=0.9, beta2=0.999, eps=1e-8, lam=0.0,
):  # fmt: skip
    r"""Schedule-Free AdamW (Defazio, Yang, Mehta, Mishchenko, Khaled & Cutkosky 2024, algorithm 1).

    .. math::

       v_t &= \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
       \eta_t &= \eta\,\sqrt{1 - \beta_2^t} \\
       z_t &= z_{t-1} - \eta_t\left(\frac{g_t}{\sqrt{v_t} + \epsilon}
              + \lambda\,\theta_{t-1}\right) \\
       W_t &= W_{t-1} + \eta_t^2, \qquad c_t = \eta_t^2 / W_t \\
       x_t &= (1 - c_t)\,x_{t-1} + c_t\,z_t \\
       \theta_t &= (1 - \beta_1)\,z_t + \beta_1\,x_t

    Theta is the paper's y, where the gradient is taken.  **Evaluate and save x.**  The bias
    correction stands in the rate, and so in the weights and in the decay.  State: ``z``, ``x`` and
    ``W`` as for :func:`schedule_free_sgd`; ``v``, the average of the squared gradients; each in the
    shape of theta.

    Hyperparameters
    ---------------
    eta
        learning rate, :math:`\eta \ge 0`, in the units of theta; a schedule may begin with 0.
        0.0025 is the authors' default.
    beta1
        share of x in theta, in [0, 1).
    beta2
        decay of the average of the squares, in [0, 1).
    eps
        keeps the denominator from 0, :math:`\epsilon \ge 0`, in the units of a gradient.
    lam
        weight decay :math:`\lambda \ge 0`, here multiplied by the rate; the default is none.
    """
    z, x = where(t > 1, z, theta), where(t > 1, x, theta)
    g = grad(theta)
    v = beta2 * v + (1 - beta2) * g**2
    eta = eta * sqrt(1 - beta2**t)
    z = z - eta * (g / (sqrt(v) + eps) + lam * theta)
    W = W + 0 * theta + eta**2  # in the shape of theta
    c = eta**2 / where(W > 0, W, 1)
    x = (1 - c) * x + c * z
    theta = (1 - beta1) * z + beta1 * x
    return theta, z, x, v, W


@rule
def radam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8, threshold=4):
    r"""RAdam, rectified Adam (Liu et al. 2020).

    .. math::

       m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad \hat m_t = m_t / (1 - \beta_1^t) \\
       v_t &= \beta_2 v_{t-1} + (1 - \beta_2) g_t^2, \qquad \hat v_t = v_t / (1 - \beta_2^t) \\
       \rho_\infty &= \frac{2}{1 - \beta_2} - 1, \qquad
       \rho_t = \rho_\infty - \frac{2 t \beta_2^t}{1 - \beta_2^t} \\
       \theta_t &= \theta_{t-1} - \eta\, r_t\,\frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon},
       \quad r_t = \sqrt{\frac{(\rho_t - 4)(\rho_t - 2)\rho_\infty}
                              {(\rho_\infty - 4)(\rho_\infty - 2)\rho_t}}
       \qquad \text{where } \rho_t > \text{threshold} \\
       \theta_t &= \theta_{t-1} - \eta\,\hat m_t \qquad \text{elsewhere}

    State: ``m`` and ``v`` as for :func:`adam`.

    Hyperparameters
    ---------------
    eta
        learning rate, :math:`\eta \ge 0`: in the units of theta where the step is rectified, in
        units of theta squared by loss in the first steps, four at the default decay.
    beta1, beta2
        decays, in [0, 1).  With :math:`\beta_2 \le 0.6` no step is ever divided by the root.
    eps
        as for :func:`adam`; the paper has none.
    threshold
        the length :math:`\rho_t` above which steps are rectified; 4 is the paper's, and less counts
        as 4, below which r is not real.  PyTorch has 5, Optax by default.
    """
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    rectified = rho > maximum(threshold, 4)
    root = where(rectified, sqrt(v_hat) + eps, 1.0)
    # 5 for both where the step is not rectified: then r is 1
    rho, rho_inf = where(rectified, rho, 5.0), where(rectified, rho_inf, 5.0)
    r = sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
    theta = theta - eta * r * m_hat / root
    return theta, m, v


@rule
def adopt(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.9999, eps=1e-6):
    r"""ADOPT, Adam whose denominator does not know the present gradient (Taniguchi et al. 2024).

    .. math::

       c_t &= \operatorname{clip}\Big(\frac{g_t}{\max(\sqrt{v_{t-1}}, \epsilon)},
              \pm (t - 1)^{1/4}\Big) \\
       m_t &= \beta_1 m_{t-1} + (1 - \beta_1) c_t \\
       \theta_t &= \theta_{t-1} - \eta\, m_t \\
       v_t &= \beta_2 v_{t-1} + (1 - \beta_2) g_t^2

    The first gradient only starts the average, :math:`v_0 = v_1 = g_1^2`: the bound of the clip
    is 0 then, and nothing moves.  The paper calls that step 0.  State: ``m``, the average of the
    clipped quotients, without units, and ``v`` as for :func:`adam`, each in the shape of theta.

    Hyperparameters
    ---------------
    eta
        learning rate, :math:`\eta \ge 0`, in the units of theta.
    beta1, beta2
        decays, in [0, 1); the paper's defaults.
    eps
        lower bound of the denominator, :math:`\epsilon > 0`, in the units of a gradient.
    """
    g = grad(theta)
    v = where(t > 1, v, g**2)
    bound = sqrt(sqrt(t - 1))
    c = clip(g / maximum(sqrt(v), eps), -bound, bound)
    m = beta1 * m + (1 - beta1) * c
    theta = theta - eta * m
    v = beta2 * v + (1 - beta2) * g**2
    return theta, m, v


@rule
def adabelief(t, theta, grad, m=0, s=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-16):
    r"""AdaBelief (Zhuang et al. 2020).

    .. math::

       m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t \\
       s_t &= \beta_2 s_{t-1} + (1 - \beta_2)(g_t - m_t)^2 + \epsilon \\
       \theta_t &= \theta_{t-1} - \eta\,\frac{m_t / (1 - \beta_1^t)}
                   {\sqrt{s_t / (1 - \beta_2^t)} + \epsilon}

    State: ``m`` as for :func:`adam`, and ``s``, the average of the squared distances between a
    gradient and ``m``, each in the shape of theta.

    Hyperparameters
    ---------------
    eta
        learning rate, :math:`\eta \ge 0`, in the units of theta; a step can be many times as long.
    beta1, beta2
        decays, in [0, 1).
    eps
        :math:`\epsilon > 0`, added to the root and, at every step, to ``s``, which so stays
        above :math:`\epsilon`; 1e-16 is the paper's.
    """
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * (g - m) ** 2 + eps
    m_hat = m / (1 - beta1**t)
    s_hat = s / (1 - beta2**t)
    theta = theta - eta * m_hat / (sqrt(s_hat) + eps)
    return theta, m, s


# What `from gdref.rules import *` gives, in gdref/__init__.py: a new rule needs no entry there.
globals()["__all__"] = ["RULES", "Rule", "rule", *RULES]
