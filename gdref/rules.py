r"""Every update rule of the book, in the order of the chapters: the book on one page.

A rule is a pure function of one form,

    theta, *state = rule(t, theta, grad, *state, **hyperparameters)

``t``
    the number of the step; the first is 1.
``theta``
    the parameters: a Python float, a NumPy array of any shape, or a SymPy expression.
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

import numpy as np

from gdref.elementary import maximum, sqrt


def rule(step):
    """Let NumPy scalars among t and the hyperparameters pass as Python numbers.

    NumPy lets a Python number adopt the precision of an array, but a ``np.float64`` widens a
    float32 array.  With this decorator float32 parameters stay float32 either way.
    """

    @functools.wraps(step)
    def rule_step(t, theta, grad, *state, **hyperparameters):
        if isinstance(t, np.generic):
            t = t.item()
        for name, value in hyperparameters.items():
            if isinstance(value, np.generic):
                hyperparameters[name] = value.item()
        return step(t, theta, grad, *state, **hyperparameters)

    return rule_step


@rule
def gd(t, theta, grad, *, eta=0.01):
    g = grad(theta)
    theta = theta - eta * g
    return (theta,)


@rule
def momentum(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    v = gamma * v + eta * grad(theta)
    theta = theta - v
    return theta, v


@rule
def nag(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    v = gamma * v + eta * grad(theta - gamma * v)
    theta = theta - v
    return theta, v


@rule
def adagrad(t, theta, grad, G=0, *, eta=0.01, eps=1e-8):
    g = grad(theta)
    G = G + g**2
    theta = theta - eta / sqrt(G + eps) * g
    return theta, G


@rule
def adadelta(t, theta, grad, Eg2=0, Edx2=0, *, rho=0.95, eps=1e-6):
    g = grad(theta)
    Eg2 = rho * Eg2 + (1 - rho) * g**2
    dx = -sqrt(Edx2 + eps) / sqrt(Eg2 + eps) * g
    Edx2 = rho * Edx2 + (1 - rho) * dx**2
    theta = theta + dx
    return theta, Eg2, Edx2


@rule
def rmsprop(t, theta, grad, Eg2=0, *, eta=0.001, rho=0.9, eps=1e-8):
    g = grad(theta)
    Eg2 = rho * Eg2 + (1 - rho) * g**2
    theta = theta - eta / sqrt(Eg2 + eps) * g
    return theta, Eg2


@rule
def adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    theta = theta - eta * m_hat / (sqrt(v_hat) + eps)
    return theta, m, v


@rule
def adamax(t, theta, grad, m=0, u=0, *, eta=0.002, beta1=0.9, beta2=0.999):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    u = maximum(beta2 * u, abs(g))
    theta = theta - eta / (1 - beta1**t) * m / u
    return theta, m, u


@rule
def nadam(t, theta, grad, m=0, v=0, *, eta=0.002, beta1=0.9, beta2=0.999, eps=1e-8):
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
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    v_hat = maximum(v_hat, v)
    theta = theta - eta * m / (sqrt(v_hat) + eps)
    return theta, m, v, v_hat


@rule
def adamw(
    t, theta, grad, m=0, v=0,
    *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8, lam=0.01, multiplier=1.0,
):
    decay = multiplier * lam * theta
    theta, m, v = adam(t, theta, grad, m, v, eta=multiplier * eta, beta1=beta1, beta2=beta2, eps=eps)
    theta = theta - decay
    return theta, m, v


RULES = {
    step.__name__: step
    for step in (gd, momentum, nag, adagrad, adadelta, rmsprop, adam, adamax, nadam, amsgrad, adamw)
}
