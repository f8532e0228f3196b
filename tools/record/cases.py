"""What is recorded, and what is run: settings of the rules and of the libraries' optimizers."""
# ruff: noqa: E501

import ast

from gdref import catalogue
from gdref.dialects import DIALECTS, defaults
from gdref.dialects._expressions import call, convert

# --- what is recorded --------------------------------------------------------------------------

# a problem of gdref.dialects, or its short name
PROBLEMS = {"seen": "sparse, all seen at step 1"}

# values that are nobody's default; a rule without a row has those of gdref.catalogue
ODD = """
gd(eta=0.0037)
momentum(eta=0.0023, gamma=0.83)
nag(eta=0.0019, gamma=0.77)
adagrad(eta=0.17, eps=0.003)
adadelta(rho=0.87, eps=0.0002)
rmsprop(eta=0.013, rho=0.81, eps=0.0005)
adam(eta=0.021, beta1=0.83, beta2=0.967, eps=0.004)
adamax(eta=0.019, beta1=0.79, beta2=0.951)
nadam(eta=0.017, beta1=0.86, beta2=0.973, eps=0.006)
amsgrad(eta=0.023, beta1=0.81, beta2=0.957, eps=0.005)
adamw(eta=0.018, beta1=0.84, beta2=0.961, eps=0.003, lam=0.0007, multiplier=0.9)
sign_descent(eta=0.0137)
signum(eta=0.0113, beta=0.83)
lion(eta=0.0127, beta1=0.79, beta2=0.943, lam=0.17)
"""
# beside these, values that change from step to step
SCHEDULED = """
gd(eta=0.006 / (1 + 0.05 * (t - 1)))
momentum(eta=0.003 / (1 + 0.05 * (t - 1)))
nag(eta=0.0025 * 0.97**(t - 1))
adam(eta=0.03 / sqrt(t))
adamw(multiplier=1 - (t - 1) / 80)
adamw(eta=0.03 / sqrt(t))
signum(eta=0.02 / sqrt(t))
lion(eta=0.02 / sqrt(t))
"""
# what readers use beside our rules
OTHER = """
pytorch  noisy   SGD(lr=0.0037, weight_decay=0.13)
pytorch  noisy   SGD(lr=0.0023, momentum=0.83, dampening=0.4)
pytorch  noisy   SGD(lr=0.003 * 0.97**(t - 1), momentum=0.83, dampening=0.4)
pytorch  noisy   SGD(lr=0.0025 * 0.97**(t - 1), momentum=0.77, nesterov=True)
pytorch  noisy   SGD(lr=0.0019, momentum=0.77, nesterov=True)
pytorch  sparse  Adagrad(lr=0.17, eps=0.05)
pytorch  sparse  Adagrad(lr=0.17, eps=0.05, lr_decay=0.02)
pytorch  sparse  Adagrad(lr=0.17, eps=0.05, initial_accumulator_value=0.2)
pytorch  sparse  Adagrad(lr=0.17, eps=0.0, initial_accumulator_value=0.2)
pytorch  sparse  Adagrad(lr=0.17, eps=0.0, initial_accumulator_value=0.2, lr_decay=0.02)
pytorch  sparse  Adagrad(lr=0.17, weight_decay=0.13)
pytorch  sparse  Adadelta(lr=0.5, rho=0.87, eps=0.0002)
pytorch  sparse  Adadelta(rho=0.87, eps=0.0002, weight_decay=0.13)
pytorch  sparse  RMSprop(lr=0.013, alpha=0.81, eps=0.02)
pytorch  noisy   RMSprop(lr=0.013, alpha=0.81, eps=0.0)
pytorch  sparse  RMSprop(lr=0.013, centered=True, eps=0.02)
pytorch  sparse  RMSprop(lr=0.013, momentum=0.7, eps=0.02)
pytorch  sparse  RMSprop(lr=0.013, weight_decay=0.13, eps=0.02)
pytorch  sparse  Adam(lr=0.021, weight_decay=0.13)
pytorch  sparse  Adam(lr=0.021, weight_decay=0.13, decoupled_weight_decay=True)
pytorch  noisy   Adam(lr=0.021, weight_decay=0.13, decoupled_weight_decay=True, amsgrad=True, betas=(0.8, 0.9))
pytorch  noisy   Adam(lr=0.023, betas=(0.81, 0.957), eps=0.005, amsgrad=True)
pytorch  seen    Adamax(lr=0.019, eps=0.003)
pytorch  noisy   Adamax(lr=0.019, weight_decay=0.13)
pytorch  noisy   Adamax(lr=0.019, eps=0.0)
pytorch  noisy   NAdam(lr=0.017, betas=(0.86, 0.973), momentum_decay=1e9)
pytorch  sparse  AdamW(lr=0.018, weight_decay=0.13)
pytorch  noisy   AdamW(lr=0.018, weight_decay=0.13, amsgrad=True, betas=(0.8, 0.9))
keras    noisy   SGD(learning_rate=0.0025 * 0.97**(t - 1), momentum=0.77, nesterov=True)
keras    noisy   SGD(learning_rate=0.003 * 0.97**(t - 1), momentum=0.83)
keras    sparse  Adagrad(learning_rate=0.17, epsilon=0.05)
keras    sparse  Adadelta(learning_rate=1.0, epsilon=0.0002)
keras    sparse  Adadelta(learning_rate=0.5, epsilon=0.0002)
keras    sparse  RMSprop(learning_rate=0.013, centered=True, epsilon=0.02)
keras    sparse  RMSprop(learning_rate=0.013, momentum=0.7, epsilon=0.02)
keras    sparse  Adam(learning_rate=0.021, epsilon=0.02)
keras    sparse  Adam(learning_rate=0.021, weight_decay=0.13)
keras    noisy   Adam(learning_rate=0.021, weight_decay=0.13, amsgrad=True, beta_2=0.9)
keras    noisy   Adam(learning_rate=0.021, amsgrad=True, beta_2=0.9)
keras    seen    Adamax(learning_rate=0.019, epsilon=0.003)
keras    noisy   Adamax(learning_rate=0.019, epsilon=0.0)
keras    sparse  AdamW(learning_rate=0.018, weight_decay=0.13)
keras    noisy   AdamW(learning_rate=0.018, weight_decay=0.13, amsgrad=True, beta_2=0.9)
optax    noisy   sgd(learning_rate=0.003 * 0.97**(t - 1), momentum=0.83)
optax    noisy   sgd(learning_rate=0.0025 * 0.97**(t - 1), momentum=0.77, nesterov=True)
optax    noisy   sgd(learning_rate=0.0019, momentum=0.77, nesterov=True)
optax    sparse  adagrad(learning_rate=0.17, eps=0.05)
optax    sparse  adadelta(learning_rate=1.0, eps=0.0002)
optax    sparse  adadelta(learning_rate=0.5, eps=0.0002)
optax    sparse  rmsprop(learning_rate=0.013, centered=True, eps=0.02)
optax    sparse  rmsprop(learning_rate=0.013, momentum=0.7, eps=0.02)
optax    sparse  rmsprop(learning_rate=0.013, initial_scale=0.3, eps=0.02)
optax    sparse  rmsprop(learning_rate=0.013, bias_correction=True, eps=0.02)
optax    sparse  rmsprop(learning_rate=0.013, eps_in_sqrt=False, eps=0.02)
optax    sparse  rmsprop(learning_rate=0.013, eps_in_sqrt=False, bias_correction=True, eps=0.02)
optax    sparse  adam(learning_rate=0.021, eps_root=0.01)
optax    sparse  adam(learning_rate=0.021, nesterov=True)
optax    noisy   nadam(learning_rate=0.017, b1=0.86, b2=0.973)
optax    seen    adamax(learning_rate=0.019, eps=0.003)
optax    noisy   adamax(learning_rate=0.019, eps=0.0)
optax    sparse  amsgrad(learning_rate=0.023, b2=0.957, eps_root=0.01)
optax    noisy   amsgrad(learning_rate=0.023, b2=0.957, bias_correction_nu=False)
optax    noisy   amsgrad(learning_rate=0.023, b2=0.957, bias_correction_mu=False, bias_correction_nu=False)
optax    sparse  adamw(learning_rate=0.018, weight_decay=0.13)
optax    sparse  adamw(learning_rate=0.018, weight_decay=0.13, eps_root=0.01)
optax    sparse  adamw(learning_rate=0.018, weight_decay=0.13, nesterov=True)
pytorch  noisy   SGD(lr=0.0023, momentum=0.83)
optax    noisy   sgd(learning_rate=0.0023, momentum=0.83)
pytorch  noisy   Adadelta(lr=1.0, rho=0.87, eps=0.0002)
keras    noisy   RMSprop(learning_rate=0.013, rho=0.81, epsilon=0.02)
optax    noisy   rmsprop(learning_rate=0.013, decay=0.81, eps=0.02)
optax    noisy   adam(learning_rate=0.021, b1=0.83, b2=0.967, eps=0.004)
pytorch  noisy   SGD(lr=0.0025, momentum=0.7 + 0.1 / t, nesterov=True)
keras    noisy   SGD(learning_rate=0.0025, momentum=0.7 + 0.1 / t, nesterov=True)
optax    noisy   sgd(learning_rate=0.0025, momentum=0.7 + 0.1 / t, nesterov=True)
pytorch  noisy   AdamW(lr=0.023, weight_decay=0.0, amsgrad=True, betas=(0.81, 0.957), eps=0.005)
keras    noisy   AdamW(learning_rate=0.021, weight_decay=0.0, amsgrad=True, beta_2=0.9)
keras    sparse  Lion(learning_rate=0.0127, beta_2=0.943)
keras    sparse  Lion(learning_rate=0.0127, weight_decay=0.13)
keras    noisy   Lion(learning_rate=0.0127, beta_1=0.83, beta_2=0.83)
optax    noisy   sign_sgd(learning_rate=0.0137)
optax    noisy   signum(learning_rate=0.0113, beta=0.83)
optax    sparse  lion(learning_rate=0.0127, b2=0.943)
"""
SCHEDULES = """
keras    ExponentialDecay(initial_learning_rate=0.13, decay_steps=7, decay_rate=0.8)
keras    ExponentialDecay(initial_learning_rate=0.13, decay_steps=7, decay_rate=0.8, staircase=True)
keras    PiecewiseConstantDecay(boundaries=[5, 12, 30], values=[0.1, 0.05, 0.02, 0.01])
keras    PolynomialDecay(initial_learning_rate=0.13, decay_steps=15, end_learning_rate=0.01, power=2.0)
keras    PolynomialDecay(initial_learning_rate=0.13, decay_steps=15, end_learning_rate=0.01, power=2.0, cycle=True)
keras    PolynomialDecay(initial_learning_rate=0.13, decay_steps=15, end_learning_rate=0.01)
keras    InverseTimeDecay(initial_learning_rate=0.13, decay_steps=7, decay_rate=0.8)
keras    InverseTimeDecay(initial_learning_rate=0.13, decay_steps=7, decay_rate=0.8, staircase=True)
keras    CosineDecay(initial_learning_rate=0.13, decay_steps=30, alpha=0.1)
keras    CosineDecay(initial_learning_rate=0.02, decay_steps=30, alpha=0.1, warmup_target=0.13, warmup_steps=6)
pytorch  StepLR(step_size=7, gamma=0.8)
pytorch  MultiStepLR(milestones=[5, 12, 30], gamma=0.5)
pytorch  ExponentialLR(gamma=0.95)
pytorch  PolynomialLR(total_iters=15, power=2.0)
pytorch  CosineAnnealingLR(T_max=30, eta_min=0.013)
pytorch  LinearLR(start_factor=0.25, end_factor=1.0, total_iters=6)
optax    exponential_decay(init_value=0.13, transition_steps=7, decay_rate=0.8)
optax    exponential_decay(init_value=0.13, transition_steps=7, decay_rate=0.8, staircase=True)
optax    piecewise_constant_schedule(init_value=0.1, boundaries_and_scales={5: 0.5, 12: 0.4, 30: 0.5})
optax    polynomial_schedule(init_value=0.13, end_value=0.01, power=2.0, transition_steps=15)
optax    cosine_decay_schedule(init_value=0.13, decay_steps=30, alpha=0.1)
optax    linear_schedule(init_value=0.02, end_value=0.13, transition_steps=6)
optax    warmup_cosine_decay_schedule(init_value=0.02, peak_value=0.13, warmup_steps=6, decay_steps=36, end_value=0.013)
"""


def rows(text):
    """The lines of a table: some words, then a call; the call's arguments as texts."""
    for line in text.strip().splitlines():
        words, bracket, rest = line.partition("(")
        *first, name = words.split()
        yield *first, *call(name + bracket + rest)


def odd_values(rule):
    """A value for each hyperparameter of a rule: those above, or the catalogue's."""
    above = next((convert(values, {}) for name, values in rows(ODD) if name == rule), {})
    return above or {name: catalogue.HYPERPARAMETERS[name].odd for name in defaults(rule)}


def scheduled_values(rule):
    """The same with values that change from step to step, where there are such."""
    return [odd_values(rule) | convert(v, {}) for name, v in rows(SCHEDULED) if name == rule]


def others():
    """Library, problem, constructor and arguments of what readers use beside our rules.

    An optimizer without a row there has one with the odd values under its own names.
    """
    seen = set()
    for library, problem, name, arguments in rows(OTHER):
        seen.add((library, name))
        yield library, PROBLEMS.get(problem, problem), name, convert(arguments, {})
    for entry in DIALECTS:
        if entry.kind == "other names" and (entry.library, entry.constructor) not in seen:
            seen.add((entry.library, entry.constructor))
            arguments = convert(entry.names, odd_values(entry.rule))
            yield entry.library, "noisy", entry.constructor, arguments


def schedules():
    """Library, name and arguments of the libraries' schedules."""
    for library, name, arguments in rows(SCHEDULES):
        yield library, name, {k: ast.literal_eval(v) for k, v in arguments.items()}
