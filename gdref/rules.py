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

from gdref.elementary import clip, maximum, sqrt, where
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
