"""What students hand in: wrong rules with what the grader must say, right ones in other styles.

As (id, rule, what it is, what the message must contain, code); of a right one nothing is said.
"""

SUBMISSIONS = [
    (
        "w003",
        "gd",
        "mean of the gradient over the coordinates",
        "in `theta = theta - eta * g` the mean over all parameters of `g` is used",
        """
import numpy as np

def my_gd(t, theta, grad, *, eta=0.01):
    grads = grad(theta)
    return (theta - eta * np.mean(grads),)
""",
    ),
    (
        "w005",
        "gd",
        "sign of the gradient (signSGD)",
        "in `g = grad(theta)` only the sign of the gradient is used",
        """
import numpy as np

def my_gd(t, theta, grad, *, eta=0.01):
    g = grad(theta)
    return (theta - eta * np.sign(g),)
""",
    ),
    (
        "w007",
        "gd",
        "learning rate divided by sqrt(t)",
        "in `theta = theta - eta * g` the rate is divided by the root of t",
        """
from math import sqrt

def my_gd(t, theta, grad, *, eta=0.01):
    step = eta / sqrt(t)
    theta = theta - step * grad(theta)
    return (theta,)
""",
    ),
    (
        "w009",
        "gd",
        "two steps in one: the gradient is called twice",
        "grad is called 2 times a step, gd calls it once: with mini-batches each call costs a pass and may give another gradient. Call it once and keep g",
        """
def my_gd(t, theta, grad, *, eta=0.01):
    theta = theta - eta * grad(theta)
    theta = theta - eta * grad(theta)
    return (theta,)
""",
    ),
    (
        "w012",
        "gd",
        "random noise added to the gradient",
        "two runs from the same start differ: something survives from the first (a global, an attribute of the function, a default array changed in place) or is random",
        """
import numpy as np

def my_gd(t, theta, grad, *, eta=0.01):
    g = grad(theta)
    noisy = g + 0.1 * np.random.randn(*np.shape(g))
    return (theta - eta * noisy,)
""",
    ),
    (
        "w014",
        "gd",
        "nothing returned",
        "the rule returns None: end it with `return (theta,)` (print shows a value, it does not return it)",
        """
def my_gd(t, theta, grad, *, eta=0.01):
    theta = theta - eta * grad(theta)
""",
    ),
    (
        "w019",
        "gd",
        "the function has another name",
        "the file defines no my_gd",
        """
def gradient_descent(t, theta, grad, *, eta=0.01):
    return (theta - eta * grad(theta),)
""",
    ),
    (
        "w021",
        "gd",
        "gradient squared",
        "in `theta = theta - eta * g` `g` is squared",
        """
def my_gd(t, theta, grad, *, eta=0.01):
    g = grad(theta)
    return (theta - eta * g ** 2,)
""",
    ),
    (
        "w023",
        "gd",
        "eta hard-coded",
        "eta has no effect: the number 0.01 stands in its place",
        """
def my_gd(t, theta, grad, *, eta=0.01):
    return (theta - 0.01 * grad(theta),)
""",
    ),
    (
        "w026",
        "momentum",
        "velocity added: walks uphill",
        "uphill",
        """
def my_momentum(t, theta, grad, v=0, *, lr=0.01, momentum=0.9):
    g = grad(theta)
    v = momentum * v + lr * g
    theta = theta + v
    return theta, v
""",
    ),
    (
        "w028",
        "momentum",
        "learning rate twice: in the velocity and in the step",
        "rate applied twice",
        """
def my_momentum(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    v = gamma * v + eta * grad(theta)
    return theta - eta * v, v
""",
    ),
    (
        "w030",
        "momentum",
        "gamma multiplies velocity and gradient (bracket)",
        "in `v = gamma * v + eta * grad(theta)` wrong brackets: `gamma * (v + eta * grad(theta))`",
        """
def my_momentum(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    v = gamma * (v + eta * grad(theta))
    return theta - v, v
""",
    ),
    (
        "w032",
        "momentum",
        "the new velocity is not stored (old one returned)",
        "v comes back as 0, not as an array: is it computed and kept?",
        """
def my_momentum(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    step = gamma * v + eta * grad(theta)
    return theta - step, v
""",
    ),
    (
        "w034",
        "momentum",
        "velocity reset each step",
        "velocity forgotten",
        """
import numpy as np

def my_momentum(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    v = np.zeros_like(theta)
    v = gamma * v + eta * grad(theta)
    return theta - v, v
""",
    ),
    (
        "w036",
        "momentum",
        "gamma hard-coded to 0.9",
        "gamma has no effect: the number 0.9 stands in its place",
        """
def my_momentum(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    v = 0.9 * v + eta * grad(theta)
    return theta - v, v
""",
    ),
    (
        "w038",
        "momentum",
        "minus inside: v = gamma v - eta g, and still theta - v",
        "gradient enters the velocity with the wrong sign",
        """
def my_momentum(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    v = gamma * v - eta * grad(theta)
    theta = theta - v
    return theta, v
""",
    ),
    (
        "w040",
        "momentum",
        "velocity changed in place",
        "theta, the state or the gradient is changed in place",
        """
import numpy as np

def my_momentum(t, theta, grad, v=None, *, eta=0.01, gamma=0.9):
    if v is None:
        v = np.zeros_like(theta)
    v *= gamma
    v += eta * grad(theta)
    return theta - v, v
""",
    ),
    (
        "w042",
        "momentum",
        "gamma forgotten",
        "velocity not decayed",
        """
def my_momentum(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    v = v + eta * grad(theta)
    return theta - v, v
""",
    ),
    (
        "w044",
        "momentum",
        "two errors: velocity averaged (1 - gamma) and walked uphill",
        "uphill",
        """
def my_momentum(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    v = gamma * v + (1 - gamma) * eta * grad(theta)
    theta = theta + v
    return theta, v
""",
    ),
    (
        "w047",
        "nag",
        "look-ahead without gamma (theta - v)",
        "look-ahead by the whole velocity",
        """
def my_nag(t, theta, grad, v=0, *, lr=0.01, momentum=0.9):
    g = grad(theta - v)
    v = momentum * v + lr * g
    return theta - v, v
""",
    ),
    (
        "w049",
        "nag",
        "plain momentum: gradient at theta",
        "look-ahead dropped (momentum)",
        """
def my_nag(t, x, grad, velocity=0, *, learning_rate=0.01, momentum=0.9):
    gradient = grad(x)
    velocity = momentum * velocity + learning_rate * gradient
    x = x - velocity
    return x, velocity
""",
    ),
    (
        "w051",
        "nag",
        "look-ahead with the new velocity: v is updated first",
        "in `v = gamma * v + eta * grad(theta - gamma * v)` γ is squared",
        """
def my_nag(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    v = gamma * v
    g = grad(theta - gamma * v)
    v = v + eta * g
    return theta - v, v
""",
    ),
    (
        "w053",
        "nag",
        "gradient multiplied by (1 - gamma)",
        "average instead of sum: (1 - gamma) added",
        """
def my_nag(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    v = gamma * v + (1 - gamma) * eta * grad(theta - gamma * v)
    return theta - v, v
""",
    ),
    (
        "w055",
        "nag",
        "two errors: no gamma in the look-ahead and rate twice",
        "the rate is applied twice, inside the velocity and to it",
        """
def my_nag(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    v = gamma * v + eta * grad(theta - v)
    theta = theta - eta * v
    return theta, v
""",
    ),
    (
        "w057",
        "adagrad",
        "epsilon outside the root",
        "epsilon outside the root",
        """
import numpy as np

def my_adagrad(t, theta, grad, cache=0, *, lr=0.01, eps=1e-8):
    dx = grad(theta)
    cache = cache + dx ** 2
    theta = theta - lr * dx / (np.sqrt(cache) + eps)
    return theta, cache
""",
    ),
    (
        "w059",
        "adagrad",
        "nothing accumulated: G = g**2 (=+ for +=)",
        "sum forgotten",
        """
import numpy as np

def my_adagrad(t, theta, grad, G=0, *, eta=0.01, eps=1e-8):
    g = grad(theta)
    G =+ g**2
    return theta - eta / np.sqrt(G + eps) * g, G
""",
    ),
    (
        "w061",
        "adagrad",
        "the old sum is used in the step",
        "the present gradient left out of the root",
        """
import numpy as np

def my_adagrad(t, theta, grad, G=0, *, eta=0.01, eps=1e-8):
    g = grad(theta)
    theta = theta - eta * g / np.sqrt(G + eps)
    G = G + g**2
    return theta, G
""",
    ),
    (
        "w063",
        "adagrad",
        "decaying average instead of the sum (RMSProp)",
        "average instead of sum (RMSProp)",
        """
import numpy as np

def my_adagrad(t, theta, grad, G=0, *, eta=0.01, eps=1e-8):
    g = grad(theta)
    G = 0.9 * G + 0.1 * np.square(g)
    return theta - eta / np.sqrt(G + eps) * g, G
""",
    ),
    (
        "w065",
        "adagrad",
        "epsilon forgotten",
        "epsilon dropped",
        """
import numpy as np

def my_adagrad(t, theta, grad, G=0, *, eta=0.01, eps=1e-8):
    g = grad(theta)
    G = G + g**2
    return theta - eta / np.sqrt(G) * g, G
""",
    ),
    (
        "w067",
        "adagrad",
        "the gradient is missing from the step",
        "in `theta = theta - eta / sqrt(G + eps) * g` the factor `g` is missing",
        """
import numpy as np

def my_adagrad(t, theta, grad, G=0, *, eta=0.01, eps=1e-8):
    g = grad(theta)
    G = G + g**2
    return theta - eta / np.sqrt(G + eps), G
""",
    ),
    (
        "w069",
        "adagrad",
        "state G changed in place",
        "theta, the state or the gradient is changed in place",
        """
import numpy as np

def my_adagrad(t, theta, grad, G=None, *, eta=0.01, eps=1e-8):
    g = grad(theta)
    if G is None:
        G = np.zeros_like(g)
    G += g**2
    return theta - eta / np.sqrt(G + eps) * g, G
""",
    ),
    (
        "w072",
        "adadelta",
        "a learning rate 0.001 is added (Keras)",
        "the update is multiplied by a rate",
        """
import numpy as np

def my_adadelta(t, theta, grad, Eg2=0, Edx2=0, *, lr=0.001, rho=0.95, eps=1e-6):
    g = grad(theta)
    Eg2 = rho * Eg2 + (1 - rho) * g ** 2
    delta = np.sqrt(Edx2 + eps) / np.sqrt(Eg2 + eps) * g
    Edx2 = rho * Edx2 + (1 - rho) * delta ** 2
    return theta - lr * delta, Eg2, Edx2
""",
    ),
    (
        "w075",
        "adadelta",
        "states returned in the other order",
        "states exchanged",
        """
import numpy as np

def my_adadelta(t, theta, grad, Eg2=0, Edx2=0, *, rho=0.95, eps=1e-6):
    g = grad(theta)
    Eg2 = rho * Eg2 + (1 - rho) * g**2
    dx = -np.sqrt(Edx2 + eps) / np.sqrt(Eg2 + eps) * g
    Edx2 = rho * Edx2 + (1 - rho) * dx**2
    return theta + dx, Edx2, Eg2
""",
    ),
    (
        "w077",
        "adadelta",
        "no epsilon in the numerator: never moves",
        "epsilon dropped in the numerator",
        """
import numpy as np

def my_adadelta(t, theta, grad, Eg2=0, Edx2=0, *, rho=0.95, eps=1e-6):
    g = grad(theta)
    Eg2 = rho * Eg2 + (1 - rho) * g**2
    dx = -np.sqrt(Edx2) / np.sqrt(Eg2 + eps) * g
    Edx2 = rho * Edx2 + (1 - rho) * dx**2
    return theta + dx, Eg2, Edx2
""",
    ),
    (
        "w080",
        "adadelta",
        "second average never updated",
        "Edx2 comes back as 0, not as an array: is it computed and kept?",
        """
import numpy as np

def my_adadelta(t, theta, grad, Eg2=0, Edx2=0, *, rho=0.95, eps=1e-6):
    g = grad(theta)
    Eg2 = rho * Eg2 + (1 - rho) * g**2
    dx = np.sqrt(Edx2 + eps) / np.sqrt(Eg2 + eps) * g
    return theta - dx, Eg2, Edx2
""",
    ),
    (
        "w082",
        "adadelta",
        "old Eg2 in the denominator",
        "old average of the gradients",
        """
import numpy as np

def my_adadelta(t, theta, grad, Eg2=0, Edx2=0, *, rho=0.95, eps=1e-6):
    g = grad(theta)
    dx = np.sqrt(Edx2 + eps) / np.sqrt(Eg2 + eps) * g
    Eg2 = rho * Eg2 + (1 - rho) * g**2
    Edx2 = rho * Edx2 + (1 - rho) * dx**2
    return theta - dx, Eg2, Edx2
""",
    ),
    (
        "w084",
        "rmsprop",
        "rho and 1 - rho exchanged",
        "rho and 1 - rho exchanged",
        """
import numpy as np

def my_rmsprop(t, theta, grad, s=0, *, lr=0.001, rho=0.9, eps=1e-8):
    g = grad(theta)
    s = (1 - rho) * s + rho * g**2
    return theta - lr * g / np.sqrt(s + eps), s
""",
    ),
    (
        "w086",
        "rmsprop",
        "wrong bracket: (rho * Eg2 + (1 - rho)) * g**2",
        "in `Eg2 = rho * Eg2 + (1 - rho) * g ** 2` wrong brackets: `(rho * Eg2 + (1 - rho)) * g ** 2`",
        """
import numpy as np

def my_rmsprop(t, theta, grad, Eg2=0, *, eta=0.001, rho=0.9, eps=1e-8):
    g = grad(theta)
    Eg2 = (rho * Eg2 + (1 - rho)) * g**2
    return theta - eta / np.sqrt(Eg2 + eps) * g, Eg2
""",
    ),
    (
        "w088",
        "rmsprop",
        "no square root",
        "root missing",
        """
def my_rmsprop(t, theta, grad, s=0, *, eta=0.001, rho=0.9, eps=1e-8):
    g = grad(theta)
    s = rho * s + (1 - rho) * g ** 2
    return theta - eta * g / (s + eps), s
""",
    ),
    (
        "w090",
        "rmsprop",
        "sum instead of average ((1 - rho) forgotten)",
        "(1 - rho) missing",
        """
import numpy as np

def my_rmsprop(t, theta, grad, s=0, *, eta=0.001, rho=0.9, eps=1e-8):
    g = grad(theta)
    s = rho * s + g**2
    return theta - eta * g / np.sqrt(s + eps), s
""",
    ),
    (
        "w093",
        "rmsprop",
        "rho default 0.99 (PyTorch)",
        "the default of rho is 0.99",
        """
import numpy as np

def my_rmsprop(t, theta, grad, Eg2=0, *, eta=0.001, rho=0.99, eps=1e-8):
    g = grad(theta)
    Eg2 = rho * Eg2 + (1 - rho) * g**2
    return theta - eta / np.sqrt(Eg2 + eps) * g, Eg2
""",
    ),
    (
        "w096",
        "rmsprop",
        "two errors: epsilon outside the root and (1 - rho) forgotten",
        "epsilon outside the root",
        """
import numpy as np

def my_rmsprop(t, theta, grad, s=0, *, eta=0.001, rho=0.9, eps=1e-8):
    g = grad(theta)
    s = rho * s + g**2
    return theta - eta * g / (np.sqrt(s) + eps), s
""",
    ),
    (
        "w099",
        "adam",
        "only v is corrected",
        "bias correction of m dropped",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    vhat = v / (1 - beta2**t)
    return theta - lr * m / (np.sqrt(vhat) + eps), m, v
""",
    ),
    (
        "w101",
        "adam",
        "the betas are exchanged",
        "β₁ and β₂ are exchanged",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta2 * m + (1 - beta2) * g
    v = beta1 * v + (1 - beta1) * g**2
    m_hat = m / (1 - beta2**t)
    v_hat = v / (1 - beta1**t)
    return theta - eta * m_hat / (np.sqrt(v_hat) + eps), m, v
""",
    ),
    (
        "w103",
        "adam",
        "the corrected averages are stored (correction accumulates)",
        "corrected averages returned as the state",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m = m / (1 - beta1**t)
    v = v / (1 - beta2**t)
    theta = theta - eta * m / (np.sqrt(v) + eps)
    return theta, m, v
""",
    ),
    (
        "w105",
        "adam",
        "no epsilon at all",
        "epsilon dropped",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return theta - eta * m_hat / np.sqrt(v_hat), m, v
""",
    ),
    (
        "w108",
        "adam",
        "(1 - beta)**t: the bracket is wrong",
        "`(1 - beta)**t` stands for `1 - beta**t` in every correction",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1)**t
    v_hat = v / (1 - beta2)**t
    return theta - eta * m_hat / (np.sqrt(v_hat) + eps), m, v
""",
    ),
    (
        "w110",
        "adam",
        "v averages m**2 instead of g**2",
        "in `v = beta2 * v + (1 - beta2) * g ** 2` `m` stands where `g` belongs",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * m**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return theta - eta * m_hat / (np.sqrt(v_hat) + eps), m, v
""",
    ),
    (
        "w112",
        "adam",
        "beta1 in the average of squares",
        "in `v = beta2 * v + (1 - beta2) * g ** 2` β₁ stands where β₂ belongs",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta1 * v + (1 - beta1) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return theta - eta * m_hat / (np.sqrt(v_hat) + eps), m, v
""",
    ),
    (
        "w114",
        "adam",
        "an own step counter in a global: does not use t",
        "two runs from the same start differ: something survives from the first (a global, an attribute of the function, a default array changed in place) or is random",
        """
import numpy as np

step_count = 0

def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    global step_count
    step_count += 1
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**step_count)
    v_hat = v / (1 - beta2**step_count)
    return theta - eta * m_hat / (np.sqrt(v_hat) + eps), m, v
""",
    ),
    (
        "w116",
        "adam",
        "m and v are returned in the other order",
        "states exchanged",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return theta - eta * m_hat / (np.sqrt(v_hat) + eps), v, m
""",
    ),
    (
        "w118",
        "adam",
        "learning rate divided by sqrt(t) (the paper's theorem, not its rule)",
        "in `theta = theta - eta * m_hat / (sqrt(v_hat) + eps)` the rate is divided by the root of t",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return theta - eta / np.sqrt(t) * m_hat / (np.sqrt(v_hat) + eps), m, v
""",
    ),
    (
        "w120",
        "adam",
        "weight decay (L2) in the gradient by default",
        "in `g = grad(theta)` a penalty, 0.01 * theta, is added to the gradient",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    g = grad(theta)
    g = g + weight_decay * theta
    m = betas[0] * m + (1 - betas[0]) * g
    v = betas[1] * v + (1 - betas[1]) * g**2
    mh = m / (1 - betas[0]**t)
    vh = v / (1 - betas[1]**t)
    return theta - lr * mh / (np.sqrt(vh) + eps), m, v
""",
    ),
    (
        "w122",
        "adam",
        "epsilon default 1e-7 (Keras)",
        "the default of epsilon is 1e-07",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    g = grad(theta)
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g**2
    m_hat = m / (1 - beta_1 ** t)
    v_hat = v / (1 - beta_2 ** t)
    return theta - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon), m, v
""",
    ),
    (
        "w124",
        "adam",
        "betas hard-coded",
        "beta1 has no effect: the number 0.9 stands in its place",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g**2
    m_hat = m / (1 - 0.9**t)
    v_hat = v / (1 - 0.999**t)
    return theta - eta * m_hat / (np.sqrt(v_hat) + eps), m, v
""",
    ),
    (
        "w127",
        "adam",
        "gradient asked for twice, the second time at the moved theta",
        "grad is called 2 times a step, adam calls it once: with mini-batches each call costs a pass and may give another gradient. Call it once and keep g",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    m = beta1 * m + (1 - beta1) * grad(theta)
    v = beta2 * v + (1 - beta2) * grad(theta - eta * m)**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return theta - eta * m_hat / (np.sqrt(v_hat) + eps), m, v
""",
    ),
    (
        "w132",
        "adam",
        "** 1/2 is a division by 2, not a root",
        "in `theta = theta - eta * m_hat / (sqrt(v_hat) + eps)` `** 1 / 2` is half of it: the exponent needs brackets, `** (1 / 2)`",
        """
def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return theta - eta * m_hat / (v_hat ** 1/2 + eps), m, v
""",
    ),
    (
        "w134",
        "adam",
        "computes in float16",
        "m comes back as float16",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta).astype(np.float16)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return theta - eta * m_hat / (np.sqrt(v_hat) + eps), m, v
""",
    ),
    (
        "w141",
        "adam",
        "a hyperparameter without a default (eta)",
        "eta has no default",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, eta, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return theta - eta * m_hat / (np.sqrt(v_hat) + eps), m, v
""",
    ),
    (
        "w144",
        "adamax",
        "no bias correction",
        "bias correction dropped",
        """
import numpy as np

def my_adamax(t, theta, grad, m=0, u=0, *, lr=0.002, beta1=0.9, beta2=0.999):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    u = np.maximum(beta2 * u, np.abs(g))
    return theta - lr * m / u, m, u
""",
    ),
    (
        "w146",
        "adamax",
        "the maximum does not decay (beta2 forgotten)",
        "maximum not decayed",
        """
import numpy as np

def my_adamax(t, theta, grad, m=0, u=0, *, lr=0.002, beta1=0.9, beta2=0.999):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    u = np.where(u > abs(g), u, abs(g))
    return theta - lr / (1 - beta1**t) * m / u, m, u
""",
    ),
    (
        "w148",
        "adamax",
        "corrected with beta2 instead of beta1",
        "bias correction with beta2",
        """
import numpy as np

def my_adamax(t, theta, grad, m=0, u=0, *, eta=0.002, beta1=0.9, beta2=0.999):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    u = np.maximum(beta2 * u, np.abs(g))
    return theta - eta / (1 - beta2**t) * m / u, m, u
""",
    ),
    (
        "w151",
        "adamax",
        "default eta 0.001 (Keras)",
        "the default of learning_rate is 0.001",
        """
import numpy as np

def my_adamax(t, theta, grad, m=0, u=0, *, learning_rate=0.001, beta_1=0.9, beta_2=0.999):
    g = grad(theta)
    m = beta_1 * m + (1 - beta_1) * g
    u = np.maximum(beta_2 * u, np.abs(g))
    return theta - (learning_rate / (1 - beta_1**t)) * m / u, m, u
""",
    ),
    (
        "w154",
        "nadam",
        "(1 - beta1) forgotten before g in the step",
        "the gradient's share without (1 - beta1)",
        """
import numpy as np

def my_nadam(t, theta, grad, m=0, v=0, *, eta=0.002, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return theta - eta * (beta1 * m_hat + g / (1 - beta1**t)) / (np.sqrt(v_hat) + eps), m, v
""",
    ),
    (
        "w157",
        "nadam",
        "epsilon inside the root",
        "epsilon inside the root",
        """
import numpy as np

def my_nadam(t, theta, grad, m=0, v=0, *, eta=0.002, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    bc = 1 - beta1**t
    look = (beta1 * m + (1 - beta1) * g) / bc
    return theta - eta * look / np.sqrt(v / (1 - beta2**t) + eps), m, v
""",
    ),
    (
        "w161",
        "amsgrad",
        "the maximum is not kept: compared with 0 each time",
        "v_hat comes back as 0, not as an array: is it computed and kept?",
        """
import numpy as np

def my_amsgrad(t, theta, grad, m=0, v=0, vhat=0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    vmax = np.maximum(vhat, v)
    return theta - lr * m / (np.sqrt(vmax) + eps), m, v, vhat
""",
    ),
    (
        "w164",
        "amsgrad",
        "minimum for maximum",
        "minimum instead of maximum",
        """
import numpy as np

def my_amsgrad(t, theta, grad, m=0, v=0, v_hat=np.inf, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    v_hat = np.minimum(v_hat, v)
    return theta - eta * m / (np.sqrt(v_hat) + eps), m, v, v_hat
""",
    ),
    (
        "w166",
        "amsgrad",
        "maximum over the coordinates too",
        "v_hat comes back as 17.5565, a float64",
        """
import numpy as np

def my_amsgrad(t, theta, grad, m=0, v=0, v_hat=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    v_hat = max(v_hat, np.max(v))
    return theta - eta * m / (np.sqrt(v_hat) + eps), m, v, v_hat
""",
    ),
    (
        "w168",
        "amsgrad",
        "only three values are returned: v_hat is lost",
        "the rule returns 3 values",
        """
import numpy as np

def my_amsgrad(t, theta, grad, m=0, v=0, v_hat=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    v_hat = np.maximum(v_hat, v)
    theta = theta - eta * m / (np.sqrt(v_hat) + eps)
    return theta, m, v
""",
    ),
    (
        "w171",
        "adamw",
        "decay multiplied by eta once more",
        "decay multiplied by the rate (PyTorch's): that is PyTorch's AdamW and Optax' adamw",
        """
import numpy as np

def my_adamw(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8, lam=1e-5, multiplier=1.0):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    mh = m / (1 - beta1**t)
    vh = v / (1 - beta2**t)
    return theta - multiplier * eta * (mh / (np.sqrt(vh) + eps) + lam * theta), m, v
""",
    ),
    (
        "w174",
        "adamw",
        "decay forgotten: that is Adam",
        "decay dropped",
        """
import numpy as np

def my_adamw(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8, lam=1e-5, multiplier=1.0):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    mh = m / (1 - beta1**t)
    vh = v / (1 - beta2**t)
    return theta - multiplier * eta * mh / (np.sqrt(vh) + eps), m, v
""",
    ),
    (
        "w176",
        "adamw",
        "the decay is applied after the step, to the new theta",
        "decay of the theta that went out",
        """
import numpy as np

def my_adamw(t, p, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8, lam=1e-5, multiplier=1.0):
    g = grad(p)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    mh = m / (1 - beta1**t)
    vh = v / (1 - beta2**t)
    p = p - multiplier * eta * mh / (np.sqrt(vh) + eps)
    p = p * (1 - multiplier * lam)
    return p, m, v
""",
    ),
    (
        "w178",
        "adamw",
        "decayed twice: coupled and decoupled",
        "a penalty in the gradient, and the decay besides",
        """
import numpy as np

def my_adamw(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8, lam=1e-5, multiplier=1.0):
    g = grad(theta) + lam * theta
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    mh = m / (1 - beta1**t)
    vh = v / (1 - beta2**t)
    return theta - multiplier * (eta * mh / (np.sqrt(vh) + eps) + lam * theta), m, v
""",
    ),
    (
        "w183",
        "adamw",
        "decay of the wrong variable: lam * g",
        "the decay takes the gradient for theta",
        """
import numpy as np

def my_adamw(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8, lam=1e-5, multiplier=1.0):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    mh = m / (1 - beta1**t)
    vh = v / (1 - beta2**t)
    return theta - multiplier * (eta * mh / (np.sqrt(vh) + eps) + lam * g), m, v
""",
    ),
    (
        "r001",
        "gd",
        "one-liner, names x and lr",
        "",
        """
my_gd = lambda t, x, grad, *, lr=0.01: (x - lr * grad(x),)
""",
    ),
    (
        "r002",
        "gd",
        "type hints and a docstring",
        "",
        '''
from typing import Callable
import numpy as np


def my_gd(t: int, theta: np.ndarray, grad: Callable[[np.ndarray], np.ndarray], *,
          learning_rate: float = 0.01) -> tuple[np.ndarray]:
    """Vanilla gradient descent.

    theta <- theta - learning_rate * grad(theta)
    """
    gradient = grad(theta)
    new_theta = theta - learning_rate * gradient
    return (new_theta,)
''',
    ),
    (
        "r003",
        "gd",
        "np.subtract, np.multiply",
        "",
        """
import numpy as np

def my_gd(t, w, grad, *, alpha=0.01):
    return np.subtract(w, np.multiply(alpha, grad(w))),
""",
    ),
    (
        "r004",
        "gd",
        "minus sign folded into the direction",
        "",
        """
def my_gd(t, theta, grad, *, eta=0.01):
    direction = -grad(theta)
    update = direction * eta
    return (update + theta,)
""",
    ),
    (
        "r005",
        "momentum",
        "walrus",
        "",
        """
def my_momentum(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    return theta - (v_new := gamma * v + eta * grad(theta)), v_new
""",
    ),
    (
        "r006",
        "momentum",
        "names lr and momentum, None as start",
        "",
        """
import numpy as np

def my_momentum(t, w, grad, velocity=None, *, lr=0.01, momentum=0.9):
    if velocity is None:
        velocity = np.zeros_like(w)
    velocity = momentum * velocity + lr * grad(w)
    return w - velocity, velocity
""",
    ),
    (
        "r007",
        "momentum",
        "dialect: Keras' sign, v = momentum v - lr g; theta + v",
        "",
        """
def my_momentum(t, theta, grad, v=0, *, learning_rate=0.01, momentum=0.9):
    v = momentum * v - learning_rate * grad(theta)
    return theta + v, v
""",
    ),
    (
        "r009",
        "momentum",
        "expanded: theta written out without v",
        "",
        """
def my_momentum(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    g = grad(theta)
    new_theta = theta - gamma * v - eta * g
    new_v = theta - new_theta
    return new_theta, new_v
""",
    ),
    (
        "r010",
        "momentum",
        "a copy is changed in place",
        "",
        """
import numpy as np

def my_momentum(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    vel = np.array(v, dtype=np.asarray(theta).dtype, copy=True) * gamma
    vel = vel + eta * grad(theta)
    out = np.copy(theta)
    out -= vel
    return out, vel
""",
    ),
    (
        "r011",
        "nag",
        "gamma v computed once, names of other libraries",
        "",
        """
def my_nag(t, params, grad, velocity=0, *, learning_rate=0.01, momentum=0.9):
    inertia = momentum * velocity
    lookahead = params - inertia
    velocity = inertia + learning_rate * grad(lookahead)
    params = params - velocity
    return params, velocity
""",
    ),
    (
        "r012",
        "nag",
        "the step from the look-ahead point by eta g: the same",
        "",
        """
def my_nag(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    ahead = theta - gamma * v
    new = ahead - eta * grad(ahead)
    return new, theta - new
""",
    ),
    (
        "r013",
        "nag",
        "**kwargs for the hyperparameters",
        "",
        """
def my_nag(t, theta, grad, v=0, **kwargs):
    eta = kwargs.get("eta", 0.01)
    gamma = kwargs.get("gamma", 0.9)
    v = gamma * v + eta * grad(theta - gamma * v)
    return theta - v, v
""",
    ),
    (
        "r014",
        "nag",
        "helper function for the velocity",
        "",
        """
def _velocity(v, g, eta, gamma):
    return gamma * v + eta * g

def my_nag(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    v = _velocity(v, grad(theta - gamma * v), eta, gamma)
    return theta - v, v
""",
    ),
    (
        "r015",
        "adagrad",
        "cs231n names, other order of the factors",
        "",
        """
import numpy as np

def my_adagrad(t, x, grad, cache=0, *, learning_rate=0.01, eps=1e-8):
    dx = grad(x)
    cache = cache + dx * dx
    x = x - (learning_rate * dx) / np.sqrt(cache + eps)
    return x, cache
""",
    ),
    (
        "r016",
        "adagrad",
        "a power -1/2",
        "",
        """
import numpy as np

def my_adagrad(t, theta, grad, G=0, *, eta=0.01, epsilon=1e-8):
    g = grad(theta)
    G = np.add(G, np.power(g, 2))
    return theta - eta * g * (G + epsilon) ** -0.5, G
""",
    ),
    (
        "r017",
        "adagrad",
        "the scale is computed in a nested function",
        "",
        """
import numpy as np

def my_adagrad(t, theta, grad, G=0, *, eta=0.01, eps=1e-8):
    def rate(total):
        return eta / np.sqrt(total + eps)

    g = grad(theta)
    G = G + np.square(g)
    return theta - rate(G) * g, G
""",
    ),
    (
        "r018",
        "adadelta",
        "an RMS helper",
        "",
        """
import numpy as np

def rms(avg, eps):
    return np.sqrt(avg + eps)

def my_adadelta(t, theta, grad, Eg2=0, Edx2=0, *, rho=0.95, eps=1e-6):
    g = grad(theta)
    Eg2 = rho * Eg2 + (1 - rho) * g**2
    dx = rms(Edx2, eps) / rms(Eg2, eps) * g
    Edx2 = rho * Edx2 + (1 - rho) * dx**2
    return theta - dx, Eg2, Edx2
""",
    ),
    (
        "r019",
        "adadelta",
        "one root of the quotient, theta moved before Edx2",
        "",
        """
import numpy as np

def my_adadelta(t, w, grad, s=0, delta=0, *, rho=0.95, epsilon=1e-6):
    gw = grad(w)
    s = rho * s + (1 - rho) * np.square(gw)
    step = np.sqrt((delta + epsilon) / (s + epsilon)) * gw
    w = w - step
    delta = rho * delta + (1 - rho) * step * step
    return w, s, delta
""",
    ),
    (
        "r020",
        "rmsprop",
        "names lr, alpha, square_avg",
        "",
        """
import numpy as np

def my_rmsprop(t, p, grad, square_avg=0, *, lr=0.001, alpha=0.9, eps=1e-8):
    g = grad(p)
    square_avg = alpha * square_avg + (1 - alpha) * (g * g)
    avg = np.sqrt(square_avg + eps)
    return p - lr * (g / avg), square_avg
""",
    ),
    (
        "r021",
        "rmsprop",
        "the incremental form of the average",
        "",
        """
import numpy as np

def my_rmsprop(t, theta, grad, Eg2=0, *, eta=0.001, rho=0.9, eps=1e-8):
    g = grad(theta)
    Eg2 = Eg2 + (1 - rho) * (g**2 - Eg2)
    theta = theta - eta * g / np.sqrt(Eg2 + eps)
    return theta, Eg2
""",
    ),
    (
        "r022",
        "rmsprop",
        "decay and 1 - decay in variables, decorator",
        "",
        """
import functools
import numpy as np

def logged(f):
    @functools.wraps(f)
    def inner(*args, **kw):
        return f(*args, **kw)
    return inner

@logged
def my_rmsprop(t, theta, grad, Eg2=0, *, eta=0.001, decay=0.9, eps=1e-8):
    keep, take = decay, 1.0 - decay
    g = grad(theta)
    Eg2 = keep * Eg2 + take * g ** 2
    return theta - eta / (Eg2 + eps) ** 0.5 * g, Eg2
""",
    ),
    (
        "r023",
        "rmsprop",
        "hyperparameters also positional",
        "",
        """
import numpy as np

def my_rmsprop(t, theta, grad, cache=0.0, eta=1e-3, rho=9e-1, eps=1e-8):
    dx = grad(theta)
    cache = rho * cache + (1.0 - rho) * dx**2
    theta = theta - eta * dx / np.sqrt(cache + eps)
    return theta, cache
""",
    ),
    (
        "r024",
        "adam",
        "PyTorch's order: denom and step_size",
        "",
        """
import numpy as np

def my_adam(t, p, grad, exp_avg=0, exp_avg_sq=0, *, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
    beta1, beta2 = betas
    g = grad(p)
    exp_avg = exp_avg + (g - exp_avg) * (1 - beta1)
    exp_avg_sq = exp_avg_sq * beta2 + (1 - beta2) * g * g
    bias_correction1 = 1 - beta1 ** t
    bias_correction2 = 1 - beta2 ** t
    step_size = lr / bias_correction1
    denom = np.sqrt(exp_avg_sq) / np.sqrt(bias_correction2) + eps
    return p - step_size * exp_avg / denom, exp_avg, exp_avg_sq
""",
    ),
    (
        "r025",
        "adam",
        "a helper for the moving average, a helper for the correction",
        "",
        '''
import numpy as np

def ema(old, new, beta):
    """Exponential moving average."""
    return beta * old + (1 - beta) * new

def debias(x, beta, t):
    return x / (1 - beta ** t)

def my_adam(t, w, grad, s=0, r=0, *, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    g = grad(w)
    s, r = ema(s, g, beta_1), ema(r, g * g, beta_2)
    return w - learning_rate * debias(s, beta_1, t) / (np.sqrt(debias(r, beta_2, t)) + epsilon), s, r
''',
    ),
    (
        "r026",
        "adam",
        "np.power, np.square, np.divide",
        "",
        """
import numpy as np

def my_adam(t, x, grad, mt=0, vt=0, *, alpha=0.001, b1=0.9, b2=0.999, eps=1e-8):
    grads = grad(x)
    mt = np.add(b1 * mt, (1 - b1) * grads)
    vt = np.add(b2 * vt, (1 - b2) * np.square(grads))
    mt_hat = np.divide(mt, 1 - np.power(b1, t))
    vt_hat = np.divide(vt, 1 - np.power(b2, t))
    x = x - np.divide(alpha * mt_hat, np.sqrt(vt_hat) + eps)
    return x, mt, vt
""",
    ),
    (
        "r027",
        "adam",
        "v before m, root as ** 0.5",
        "",
        """
def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    v = (1 - beta2) * g ** 2 + beta2 * v
    v_hat = v / (1 - beta2 ** t)
    m = (1 - beta1) * g + beta1 * m
    m_hat = m / (1 - beta1 ** t)
    denominator = eps + v_hat ** 0.5
    step = m_hat / denominator
    return theta - step * eta, m, v
""",
    ),
    (
        "r028",
        "adam",
        "defaults None for the state and the rate",
        "",
        """
import numpy as np

def my_adam(t, theta, grad, m=None, v=None, *, lr=None, beta1=0.9, beta2=0.999, eps=1e-8):
    lr = 0.001 if lr is None else lr
    m = np.zeros_like(theta) if m is None else m
    v = np.zeros_like(theta) if v is None else v
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g ** 2
    return theta - lr * (m / (1 - beta1 ** t)) / (np.sqrt(v / (1 - beta2 ** t)) + eps), m, v
""",
    ),
    (
        "r029",
        "adam",
        "a NamedTuple is returned",
        "",
        """
from typing import NamedTuple
import numpy as np

class AdamStep(NamedTuple):
    theta: np.ndarray
    m: np.ndarray
    v: np.ndarray

def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return AdamStep(theta - eta * m_hat / (np.sqrt(v_hat) + eps), m, v)
""",
    ),
    (
        "r030",
        "adam",
        "asserts and a comment, constants in a dict",
        "",
        """
import numpy as np

DEFAULTS = dict(eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8)

def my_adam(t, theta, grad, m=0, v=0, **hyper):
    h = {**DEFAULTS, **hyper}
    assert t >= 1
    g = grad(theta)
    m = h["beta1"] * m + (1 - h["beta1"]) * g
    v = h["beta2"] * v + (1 - h["beta2"]) * g**2
    mhat, vhat = m / (1 - h["beta1"]**t), v / (1 - h["beta2"]**t)
    return theta - h["eta"] * mhat / (np.sqrt(vhat) + h["eps"]), m, v
""",
    ),
    (
        "r031",
        "adam",
        "the optional weight_decay is 0 by default",
        "",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    g = grad(theta)
    if weight_decay != 0:
        g = g + weight_decay * theta
    m = betas[0] * m + (1 - betas[0]) * g
    v = betas[1] * v + (1 - betas[1]) * g * g
    m_hat = m / (1 - betas[0] ** t)
    v_hat = v / (1 - betas[1] ** t)
    return theta - lr * m_hat / (np.sqrt(v_hat) + eps), m, v
""",
    ),
    (
        "r032",
        "adam",
        "a class instance is called",
        "",
        """
import numpy as np

class Adam:
    def __call__(self, t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        g = grad(theta)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        return theta - eta * m_hat / (np.sqrt(v_hat) + eps), m, v

my_adam = Adam()
""",
    ),
    (
        "r033",
        "adamax",
        "np.where for the maximum",
        "",
        """
import numpy as np

def my_adamax(t, theta, grad, m=0, u=0, *, lr=0.002, beta1=0.9, beta2=0.999):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    a, b = beta2 * u, np.abs(g)
    u = np.where(a > b, a, b)
    m_hat = m / (1 - beta1**t)
    return theta - lr * m_hat / u, m, u
""",
    ),
    (
        "r034",
        "adamax",
        "np.fmax, betas, other names",
        "",
        """
import numpy as np

def my_adamax(t, p, grad, exp_avg=0, exp_inf=0, *, lr=2e-3, betas=(0.9, 0.999)):
    b1, b2 = betas
    grads = grad(p)
    exp_avg = b1 * exp_avg + (1 - b1) * grads
    exp_inf = np.fmax(b2 * exp_inf, np.absolute(grads))
    clr = lr / (1 - b1 ** t)
    return p - clr * (exp_avg / exp_inf), exp_avg, exp_inf
""",
    ),
    (
        "r035",
        "adamax",
        "max((a + b + |a - b|) / 2)",
        "",
        """
def my_adamax(t, theta, grad, m=0, u=0, *, alpha=0.002, beta1=0.9, beta2=0.999):
    g = grad(theta)
    m = m * beta1 + g * (1 - beta1)
    a, b = beta2 * u, abs(g)
    u = (a + b + abs(a - b)) / 2
    return theta - alpha * m / (u * (1 - beta1 ** t)), m, u
""",
    ),
    (
        "r036",
        "nadam",
        "the correction taken out of the bracket",
        "",
        """
import numpy as np

def my_nadam(t, theta, grad, m=0, v=0, *, eta=0.002, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    ahead = (beta1 * m + (1 - beta1) * g) / (1 - beta1**t)
    return theta - eta * ahead / (np.sqrt(v / (1 - beta2**t)) + eps), m, v
""",
    ),
    (
        "r037",
        "nadam",
        "Ruder's blog: eta/(sqrt + eps) * (...)",
        "",
        """
import numpy as np

def my_nadam(t, w, grad, mt=0, vt=0, *, learning_rate=0.002, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    gt = grad(w)
    mt = beta_1 * mt + (1 - beta_1) * gt
    vt = beta_2 * vt + (1 - beta_2) * np.power(gt, 2)
    mt_hat = mt / (1 - beta_1 ** t)
    vt_hat = vt / (1 - beta_2 ** t)
    factor = learning_rate / (np.sqrt(vt_hat) + epsilon)
    return w - factor * (beta_1 * mt_hat + ((1 - beta_1) * gt) / (1 - beta_1 ** t)), mt, vt
""",
    ),
    (
        "r038",
        "nadam",
        "dialect: Dozat's beta1**(t + 1) in the first summand (the chapter has both)",
        "",
        """
import numpy as np

def my_nadam(t, theta, grad, m=0, v=0, *, eta=0.002, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_bar = beta1 * m / (1 - beta1**(t + 1)) + (1 - beta1) * g / (1 - beta1**t)
    return theta - eta * m_bar / (np.sqrt(v / (1 - beta2**t)) + eps), m, v
""",
    ),
    (
        "r039",
        "amsgrad",
        "np.where, other names",
        "",
        """
import numpy as np

def my_amsgrad(t, x, grad, m=0, v=0, vmax=0, *, lr=0.001, b1=0.9, b2=0.999, eps=1e-8):
    g = grad(x)
    m = b1 * m + (1.0 - b1) * g
    v = b2 * v + (1.0 - b2) * g * g
    vmax = np.where(v > vmax, v, vmax)
    return x - lr * m / (np.sqrt(vmax) + eps), m, v, vmax
""",
    ),
    (
        "r040",
        "amsgrad",
        "root of the maximum is the maximum of the roots",
        "",
        """
import numpy as np

def my_amsgrad(t, theta, grad, m=0, v=0, v_hat=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    denom = np.maximum(np.sqrt(v_hat), np.sqrt(v)) + eps
    return theta - eta * m / denom, m, v, np.maximum(v_hat, v)
""",
    ),
    (
        "r041",
        "amsgrad",
        "None as start, tuple as variable",
        "",
        """
import numpy as np

def my_amsgrad(t, theta, grad, m=None, v=None, v_hat=None, *, lr=1e-3, betas=(0.9, 0.999), epsilon=1e-8):
    zeros = np.zeros_like(theta)
    m, v, v_hat = (zeros if s is None else s for s in (m, v, v_hat))
    g = grad(theta)
    m = betas[0] * m + (1 - betas[0]) * g
    v = betas[1] * v + (1 - betas[1]) * g**2
    v_hat = np.maximum(v_hat, v)
    result = (theta - lr * m / (np.sqrt(v_hat) + epsilon), m, v, v_hat)
    return result
""",
    ),
    (
        "r042",
        "adamw",
        "theta is decayed before the step, the gradient taken first",
        "",
        """
import numpy as np

def my_adamw(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8, lam=1e-5, multiplier=1.0):
    g = grad(theta)
    theta = theta * (1 - multiplier * lam)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return theta - multiplier * eta * m_hat / (np.sqrt(v_hat) + eps), m, v
""",
    ),
    (
        "r043",
        "adamw",
        "a nested Adam step and the decay of the old theta",
        "",
        """
import numpy as np

def my_adamw(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8, lam=1e-5, multiplier=1.0):
    def adam_direction(g, m, v):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        return m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v

    d, m, v = adam_direction(grad(theta), m, v)
    return theta - multiplier * (lam * theta + eta * d), m, v
""",
    ),
    (
        "r044",
        "adamw",
        "names of other libraries: lr, betas, weight_decay for lam (not times lr)",
        "",
        """
import numpy as np

def my_adamw(t, theta, grad, m=0, v=0, *, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-5, multiplier=1.0):
    b1, b2 = betas
    g = grad(theta)
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g * g
    upd = lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
    return theta - multiplier * (upd + weight_decay * theta), m, v
""",
    ),
    (
        "r046",
        "adamw",
        "the multiplier folded into rate and decay first",
        "",
        """
import numpy as np

def my_adamw(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8, lam=1e-5, multiplier=1.0):
    rate, shrink = multiplier * eta, 1 - multiplier * lam
    g = grad(theta)
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    c1, c2 = 1 - beta1**t, 1 - beta2**t
    return shrink * theta - rate * (m / c1) / (np.sqrt(v / c2) + eps), m, v
""",
    ),
    (
        "w185",
        "gd",
        "learning-rate decay with a hard-coded factor",
        "in `theta = theta - eta * g` the rate is multiplied by 0.99 to the power t",
        """
def my_gd(t, theta, grad, *, eta=0.01):
    lr = eta * 0.99 ** t
    return (theta - lr * grad(theta),)
""",
    ),
    (
        "w187",
        "gd",
        "the state is an own count, returned besides theta",
        "the rule returns 2 values",
        """
def my_gd(t, theta, grad, *, eta=0.01):
    theta = theta - eta * grad(theta)
    return theta, t + 1
""",
    ),
    (
        "w189",
        "gd",
        "a generator: yield for return",
        "it contains `yield`",
        """
def my_gd(t, theta, grad, *, eta=0.01):
    while True:
        theta = theta - eta * grad(theta)
        yield (theta,)
""",
    ),
    (
        "w196",
        "gd",
        "indentation error",
        "Python cannot read it: unexpected indent",
        """
def my_gd(t, theta, grad, *, eta=0.01):
    g = grad(theta)
      theta = theta - eta * g
    return (theta,)
""",
    ),
    (
        "w199",
        "momentum",
        "old velocity in the step, known names",
        "theta moved by the old velocity",
        """
def my_momentum(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    new_theta = theta - v
    v = gamma * v + eta * grad(theta)
    return new_theta, v
""",
    ),
    (
        "w201",
        "momentum",
        "velocity bias-corrected as in Adam",
        "bias correction of the velocity added",
        """
def my_momentum(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    v = gamma * v + eta * grad(theta)
    v_hat = v / (1 - gamma**t)
    return theta - v_hat, v
""",
    ),
    (
        "w203",
        "momentum",
        "state and rest in a nested tuple",
        "v comes back as a tuple",
        """
def my_momentum(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    v = gamma * v + eta * grad(theta)
    return theta, (v,)
""",
    ),
    (
        "w206",
        "adagrad",
        "exponent 1/3 for the root",
        "in `theta = theta - eta / sqrt(G + eps) * g` the third root is taken",
        """
import numpy as np

def my_adagrad(t, theta, grad, G=0, *, eta=0.01, eps=1e-8):
    g = grad(theta)
    G = G + g**2
    return theta - eta / np.cbrt(G + eps) * g, G
""",
    ),
    (
        "w208",
        "adagrad",
        "bracket: sum squared, (G + g)**2",
        "in `G = G + g ** 2` wrong brackets: `(G + g) ** 2`",
        """
import numpy as np

def my_adagrad(t, theta, grad, G=0, *, eta=0.01, eps=1e-8):
    g = grad(theta)
    G = (G + g)**2
    return theta - eta / np.sqrt(G + eps) * g, G
""",
    ),
    (
        "w211",
        "rmsprop",
        "square of the average of gradients",
        "in `theta = theta - eta / sqrt(Eg2 + eps) * g` `Eg2` is squared",
        """
import numpy as np

def my_rmsprop(t, theta, grad, s=0, *, eta=0.001, rho=0.9, eps=1e-8):
    g = grad(theta)
    s = rho * s + (1 - rho) * g
    return theta - eta * g / np.sqrt(s**2 + eps), s
""",
    ),
    (
        "w213",
        "rmsprop",
        "multiplied by the root instead of divided",
        "in `theta = theta - eta / sqrt(Eg2 + eps) * g` it is multiplied by `sqrt(Eg2 + eps)` instead of divided",
        """
import numpy as np

def my_rmsprop(t, theta, grad, Eg2=0, *, eta=0.001, rho=0.9, eps=1e-8):
    g = grad(theta)
    Eg2 = rho * Eg2 + (1 - rho) * g**2
    return theta - eta * np.sqrt(Eg2 + eps) * g, Eg2
""",
    ),
    (
        "w215",
        "rmsprop",
        "rho to the power t in the average",
        "rho has the power t in the average `Eg2`",
        """
import numpy as np

def my_rmsprop(t, theta, grad, Eg2=0, *, eta=0.001, rho=0.9, eps=1e-8):
    g = grad(theta)
    Eg2 = rho**t * Eg2 + (1 - rho**t) * g**2
    return theta - eta / np.sqrt(Eg2 + eps) * g, Eg2
""",
    ),
    (
        "w217",
        "adadelta",
        "epsilon only once: missing in the denominator",
        "epsilon dropped in the denominator",
        """
import numpy as np

def my_adadelta(t, theta, grad, Eg2=0, Edx2=0, *, rho=0.95, eps=1e-6):
    g = grad(theta)
    Eg2 = rho * Eg2 + (1 - rho) * g**2
    dx = np.sqrt(Edx2 + eps) / np.sqrt(Eg2) * g
    Edx2 = rho * Edx2 + (1 - rho) * dx**2
    return theta - dx, Eg2, Edx2
""",
    ),
    (
        "w219",
        "adam",
        "t from 0 inside: t = t - 1 makes the correction divide by 0",
        "t counts from 0",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    t = t - 1
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return theta - eta * m_hat / (np.sqrt(v_hat) + eps), m, v
""",
    ),
    (
        "w222",
        "adam",
        "eta hard-coded in the step",
        "eta has no effect: the number 0.001 stands in its place",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return theta - 0.001 * m_hat / (np.sqrt(v_hat) + eps), m, v
""",
    ),
    (
        "w224",
        "adam",
        "two errors: betas exchanged in the corrections only and epsilon inside the root",
        "two mistakes: bias corrections exchanged",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta2**t)
    v_hat = v / (1 - beta1**t)
    return theta - eta * m_hat / np.sqrt(v_hat + eps), m, v
""",
    ),
    (
        "w226",
        "adam",
        "correction by 1 + beta**t (sign)",
        "`1 + beta**t` stands for `1 - beta**t` in every correction",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 + beta1**t)
    v_hat = v / (1 + beta2**t)
    return theta - eta * m_hat / (np.sqrt(v_hat) + eps), m, v
""",
    ),
    (
        "w229",
        "adam",
        "all coordinates share the mean of v",
        "in `v_hat = v / (1 - beta2 ** t)` the mean over all parameters of `v` is used",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return theta - eta * m_hat / (np.sqrt(np.mean(v_hat)) + eps), m, v
""",
    ),
    (
        "w233",
        "adamax",
        "known error: u overwritten by |g|, no maximum",
        "in `u = maximum(beta2 * u, abs(g))` `abs(g)` alone stands for the maximum",
        """
import numpy as np

def my_adamax(t, theta, grad, m=0, u=0, *, eta=0.002, beta1=0.9, beta2=0.999):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    u = np.abs(g)
    return theta - eta / (1 - beta1**t) * m / u, m, u
""",
    ),
    (
        "w235",
        "adamax",
        "average of |g| instead of the maximum",
        "average instead of maximum",
        """
import numpy as np

def my_adamax(t, theta, grad, m=0, u=0, *, eta=0.002, beta1=0.9, beta2=0.999):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    u = beta2 * u + (1 - beta2) * np.abs(g)
    return theta - eta / (1 - beta1**t) * m / u, m, u
""",
    ),
    (
        "w237",
        "nadam",
        "no correction at all",
        "every bias correction is dropped",
        """
import numpy as np

def my_nadam(t, theta, grad, m=0, v=0, *, eta=0.002, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_bar = beta1 * m + (1 - beta1) * g
    return theta - eta * m_bar / (np.sqrt(v) + eps), m, v
""",
    ),
    (
        "w240",
        "amsgrad",
        "maximum of the corrected v (Keras, Wikipedia)",
        "both corrected, and the maximum is of the corrected average",
        """
import numpy as np

def my_amsgrad(t, theta, grad, m=0, v=0, v_hat=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    v_hat = np.maximum(v_hat, v / (1 - beta2**t))
    return theta - eta * m / (1 - beta1**t) / (np.sqrt(v_hat) + eps), m, v, v_hat
""",
    ),
    (
        "w243",
        "adamw",
        "decay towards the mean of theta",
        "in `theta = theta - decay` the mean over all parameters of `decay` is used",
        """
import numpy as np

def my_adamw(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8, lam=1e-5, multiplier=1.0):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    mh, vh = m / (1 - beta1**t), v / (1 - beta2**t)
    return theta - multiplier * (eta * mh / (np.sqrt(vh) + eps) + lam * np.mean(theta)), m, v
""",
    ),
    (
        "w245",
        "adamw",
        "theta only shrunk: the Adam step is lost",
        "in `theta = theta - eta * m_hat / (sqrt(v_hat) + eps)` the term `eta * m_hat / (sqrt(v_hat) + eps)` is missing",
        """
import numpy as np

def my_adamw(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8, lam=1e-5, multiplier=1.0):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    new = theta - multiplier * eta * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
    new = theta - multiplier * lam * theta
    return new, m, v
""",
    ),
    (
        "r047",
        "momentum",
        "the name mu for gamma (Sutskever, cs231n)",
        "",
        """
def my_momentum(t, x, grad, v=0, *, learning_rate=0.01, mu=0.9):
    dx = grad(x)
    v = mu * v + learning_rate * dx
    x = x - v
    return x, v
""",
    ),
    (
        "r048",
        "momentum",
        "the name beta for gamma (Ng's course, Goh)",
        "",
        """
def my_momentum(t, w, grad, z=0, *, alpha=0.01, beta=0.9):
    z = beta * z + alpha * grad(w)
    w = w - z
    return w, z
""",
    ),
    (
        "r049",
        "momentum",
        "library switches that are off: nesterov=False, dampening=0",
        "",
        """
def my_momentum(t, p, grad, buf=0, *, lr=0.01, momentum=0.9, dampening=0, nesterov=False):
    d_p = lr * grad(p)
    buf = momentum * buf + (1 - dampening) * d_p
    step = d_p + momentum * buf if nesterov else buf
    return p - step, buf
""",
    ),
    (
        "r050",
        "rmsprop",
        "the name gamma for rho (Ruder)",
        "",
        """
import numpy as np

def my_rmsprop(t, theta, grad, Eg=0, *, eta=0.001, gamma=0.9, epsilon=1e-8):
    g = grad(theta)
    Eg = gamma * Eg + (1 - gamma) * g ** 2
    return theta - eta * g / np.sqrt(Eg + epsilon), Eg
""",
    ),
    (
        "r051",
        "rmsprop",
        "the name beta for rho (Ng's course, d2l)",
        "",
        """
import numpy as np

def my_rmsprop(t, w, grad, s=0, *, lr=0.001, beta=0.9, eps=1e-8):
    dw = grad(w)
    s = beta * s + (1 - beta) * np.multiply(dw, dw)
    return w - lr * dw / np.sqrt(s + eps), s
""",
    ),
    (
        "r052",
        "gd",
        "the name step_size (JAX)",
        "",
        """
def my_gd(t, params, grad, *, step_size=0.01):
    return (params - step_size * grad(params),)
""",
    ),
    (
        "r053",
        "gd",
        "the name gamma for the rate (Wikipedia)",
        "",
        """
def my_gd(n, x, grad, *, gamma=0.01):
    x_next = x - gamma * grad(x)
    return (x_next,)
""",
    ),
    (
        "r054",
        "adam",
        "element by element with np.ndindex",
        "",
        """
import math
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = np.asarray(grad(theta))
    m_new = np.zeros_like(g)
    v_new = np.zeros_like(g)
    out = np.zeros_like(g)
    m = np.broadcast_to(m, g.shape)
    v = np.broadcast_to(v, g.shape)
    for i in np.ndindex(g.shape):
        m_new[i] = beta1 * m[i] + (1 - beta1) * g[i]
        v_new[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i]
        mh = m_new[i] / (1 - beta1 ** t)
        vh = v_new[i] / (1 - beta2 ** t)
        out[i] = theta[i] - eta * mh / (math.sqrt(vh) + eps)
    return out, m_new, v_new
""",
    ),
    (
        "r055",
        "adam",
        "the paper's section 2: alpha_t and epsilon hat = eps sqrt(1 - beta2**t)",
        "",
        """
import numpy as np

def my_adam(t, theta, grad, m=0, v=0, *, alpha=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
    g_t = grad(theta)
    m_t = beta1 * m + (1.0 - beta1) * g_t
    v_t = beta2 * v + (1.0 - beta2) * (g_t ** 2)
    alpha_t = alpha * np.sqrt(1.0 - beta2 ** t) / (1.0 - beta1 ** t)
    epsilon_hat = epsilon * np.sqrt(1.0 - beta2 ** t)
    return theta - alpha_t * m_t / (np.sqrt(v_t) + epsilon_hat), m_t, v_t
""",
    ),
    (
        "r056",
        "adam",
        "the amsgrad switch of the libraries, off",
        "",
        """
import numpy as np

def my_adam(t, p, grad, m=0, v=0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8, amsgrad=False):
    if amsgrad:
        raise NotImplementedError
    g = grad(p)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return p - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v
""",
    ),
    (
        "r057",
        "adam",
        "functools.partial of a general function",
        "",
        """
from functools import partial
import numpy as np

def _adam(t, theta, grad, m=0, v=0, *, eta, beta1, beta2, eps):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return theta - eta * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v

my_adam = partial(_adam, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8)
""",
    ),
    (
        "r058",
        "nag",
        "zero velocity as np.zeros(()) and a lambda",
        "",
        """
import numpy as np

def my_nag(t, theta, grad, v=np.zeros(()), *, eta=0.01, gamma=0.9):
    peek = lambda: theta - gamma * v
    new = gamma * v + eta * grad(peek())
    return theta - new, new
""",
    ),
    (
        "r059",
        "adagrad",
        "the optional lr_decay is 0",
        "",
        """
import numpy as np

def my_adagrad(t, p, grad, state_sum=0, *, lr=0.01, lr_decay=0, eps=1e-8):
    clr = lr / (1 + (t - 1) * lr_decay)
    g = grad(p)
    state_sum = state_sum + g * g
    return p - clr * g / np.sqrt(state_sum + eps), state_sum
""",
    ),
]
