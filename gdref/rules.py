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

from gdref.elementary import maximum, sign, sqrt
from gdref.trees import CONTAINERS, Tree, wrap

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
        return step(t, theta, grad, *state, **hyperparameters)

    if step.__doc__ is not None:  # it is with python -OO
        rule_step.__doc__ = step.__doc__ + EVERY_RULE
    RULES[step.__name__] = rule_step
    return cast(Callable[Parameters, Step], rule_step)


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


# What `from gdref.rules import *` gives, in gdref/__init__.py: a new rule needs no entry there.
globals()["__all__"] = ["RULES", "Rule", "rule", *RULES]
