"""Compiled rules: equal to the rule to rounding, in place, and clear about what they refuse."""

import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gdref.elementary as elementary
from gdref import (
    RULES,
    adam,
    adamax,
    adamw,
    amsgrad,
    catalogue,
    gd,
    iterate,
    minimize,
    momentum,
    nag,
)
from gdref._inputs import form
from gdref.compiled import WORTH_SHARING, compile
from gdref.rules import WHOLE

pytest.importorskip("numba")

every_rule = pytest.mark.parametrize("name", [n for n in RULES if n not in WHOLE])
both_types = pytest.mark.parametrize("dtype", ["float64", "float32"])
shapes = st.one_of(
    st.just(()), st.tuples(st.integers(0, 70)), st.tuples(st.integers(1, 9), st.integers(1, 9))
)
SPECIAL = [0.0, -0.0, np.nan, np.inf, -np.inf, 1e-30, -1e-45, 1e-310, 1e30, -3e38, 1e200]


def draw_hyperparameters(data, rule):
    """Every hyperparameter anew, inside its range."""
    drawn = {}
    for name in form(rule)[2]:
        if catalogue.kind(name) == "decay":
            drawn[name] = data.draw(st.one_of(st.just(0.0), st.floats(0.01, 0.9999)), name)
        else:
            drawn[name] = data.draw(st.sampled_from([0.0, 1e-8, 1e-3, 0.1, 1.0]), name)
    return drawn


def close(found, expected, scale, dtype):
    """Equal to rounding; ``scale`` is the largest number that went into each parameter."""
    assert found.dtype == expected.dtype == dtype
    assert found.shape == expected.shape
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(found[~finite], expected[~finite])
    error = abs(found[finite] - expected[finite])
    assert (error <= 16 * np.finfo(dtype).eps * scale[finite]).all()


@every_rule
@both_types
@given(data=st.data())
@settings(max_examples=30)
def test_equal_to_the_rule_to_rounding(name, dtype, data):
    """Several steps; before each, both stand where the rule stands."""
    rule, fast = RULES[name], compile(RULES[name])
    hyperparameters = draw_hyperparameters(data, rule)
    shape = data.draw(shapes, "shape")
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6), "seed"))
    theta = rng.normal(size=shape).astype(dtype)
    state = [np.full_like(theta, value) for value in form(rule)[1]]
    largest = [abs(theta)] + [abs(x) for x in state]
    first = data.draw(st.sampled_from([1, 2, 50, 10**6]), "t")
    for t in range(first, first + data.draw(st.integers(1, 6), "steps")):
        a, b = (rng.normal(size=shape) * 10.0 ** rng.integers(-3, 3, shape) for _ in range(2))
        b = np.where(rng.random(shape) < 0.2, 0, b)

        def grad(point, a=a, b=b):
            return np.asarray(a * point + b, dtype)

        with np.errstate(all="ignore"):
            step = rule(t, theta, grad, *state, **hyperparameters)
        expected = [np.asarray(x, dtype) for x in step]  # NumPy 1 widens an array without axes
        before = [theta.copy(), *(x.copy() for x in state)]
        found = fast(t, theta, grad, *state, **hyperparameters)
        for x, kept in zip([theta, *state], before, strict=True):
            np.testing.assert_array_equal(x, kept)  # a rule changes no argument
        in_place = [x.copy() for x in before]
        g = grad(fast.point(t, *before, **hyperparameters))
        fast.update(t, in_place[0], g, *in_place[1:], **hyperparameters)
        largest = [np.fmax(x, abs(y)) for x, y in zip(largest, expected, strict=True)]
        for x, y, z, scale in zip(found, in_place, expected, largest, strict=True):
            np.testing.assert_array_equal(x, y)
            close(x, z, scale, dtype)
        theta, *state = expected


@every_rule
@both_types
@given(data=st.data())
@settings(max_examples=15)
def test_special_values_pass_through_as_in_numpy(name, dtype, data):
    rule, fast = RULES[name], compile(RULES[name])
    values = st.lists(st.sampled_from([*SPECIAL, 1.0, -2.0]), min_size=40, max_size=40)
    with np.errstate(all="ignore"):
        g = np.array(data.draw(values, "g"), dtype)
        theta = np.array(data.draw(values, "theta"), dtype)
        state = fast.start(theta)
        for t in (1, 2, 3):
            expected = rule(t, theta, lambda _: g, *state)
            found = fast(t, theta, lambda _: g, *state)
            for x, y in zip(found, expected, strict=True):
                np.testing.assert_allclose(x, y, rtol=16 * np.finfo(dtype).eps, equal_nan=True)
            theta, *state = expected


def test_adamax_divides_zero_by_zero():
    theta, *state = compile(adamax)(1, np.ones(40), np.zeros_like)
    assert np.isnan(theta).all()
    assert not np.any(state)


@pytest.mark.parametrize("name", ["gd", "nag", "amsgrad"])
@both_types
def test_two_threads_take_the_same_step(name, dtype):
    rng = np.random.default_rng(0)
    shape = 2 + len(form(RULES[name])[0]), WORTH_SHARING + 7
    g, *serial = (x.copy() for x in rng.uniform(1, 2, shape).astype(dtype))
    parallel = [x.copy() for x in serial]
    compile(RULES[name]).update(3, serial[0], g, *serial[1:])
    compile(RULES[name], parallel=True).update(3, parallel[0], g, *parallel[1:])
    np.testing.assert_array_equal(serial, parallel)


# ------------------------------------------------------------------------ a rule like any other


@every_rule
def test_the_form_is_that_of_the_rule(name):
    rule, fast = RULES[name], compile(RULES[name])
    assert form(fast) == form(rule)
    assert fast.__name__ == name
    assert compile(rule) is fast is compile(rule, parallel=False)
    assert pickle.loads(pickle.dumps(fast)) is fast


@every_rule
def test_the_loop_takes_it(name):
    start = np.array([[1.0, -2.0], [0.5, 3.0]])
    options = {"grad": lambda x: 2 * x, "steps": 30}
    if "eta" in form(RULES[name])[2]:
        options["eta"] = lambda t: 0.1 / t  # a schedule
    expected = minimize(lambda x: (x**2).sum(), start, RULES[name], **options)
    found = minimize(lambda x: (x**2).sum(), start, compile(RULES[name]), **options)
    assert found.success
    np.testing.assert_allclose(found.path, expected.path, rtol=1e-12)


def test_what_is_no_array_takes_the_rule_itself():
    from gdref.symbolic import trace

    fast = compile(adam)
    assert fast(1, 1.0, lambda x: 2 * x) == adam(1, 1.0, lambda x: 2 * x)
    half = np.ones(3, np.float16)
    assert fast(1, half, lambda x: x)[0].dtype == np.float16
    assert trace(fast).theta == trace(adam).theta
    path = list(zip(range(3), iterate(fast, lambda x: x, 1.0), strict=False))
    assert path == list(zip(range(3), iterate(adam, lambda x: x, 1.0), strict=False))


def test_the_gradient_is_asked_for_where_the_rule_asks():
    theta, v = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    asked = []
    compile(nag)(3, theta, lambda x: asked.append(x) or x, v, gamma=0.5)
    np.testing.assert_array_equal(asked, [theta - 0.5 * v])
    assert compile(momentum).point(3, theta, v) is theta


# -------------------------------------------------------------------------------- the source


def test_the_source_is_the_rule():
    assert compile(adam).source.splitlines() == [
        "def adam(t, theta, g, m, v, eta, beta1, beta2, eps):",
        "    real = theta.dtype.type  # float64 or float32",
        "    c1 = real(1 - beta1)",
        "    c2 = real(1 - beta2)",
        "    c3 = real(1 / (1 - beta1**t))",
        "    c4 = real(1 / (1 - beta2**t))",
        "    eta, beta1, beta2, eps = real(eta), real(beta1), real(beta2), real(eps)",
        "    for i in range(theta.size):",
        "        m_i = beta1 * m[i] + c1 * g[i]",
        "        v_i = beta2 * v[i] + c2 * (g[i] * g[i])",
        "        theta_i = theta[i] - eta * (m_i * c3) / (sqrt(v_i * c4) + eps)",
        "        m[i], v[i], theta[i] = m_i, v_i, theta_i",
    ]
    assert "in prange(theta.size)" in compile(adam, parallel=True).source


@every_rule
def test_what_depends_on_numbers_alone_stands_before_the_loop(name):
    source = compile(RULES[name]).source
    _, inside = source.split("(theta.size):")
    assert "**" not in inside
    assert not re.search(r"\bt\b|\d\.|\b\d", inside)
    # a product or a quotient of two numbers would be computed anew for each parameter
    number = r"(?:c\d+|eta|eps|beta1|beta2|rho|gamma|lam|multiplier)"
    assert not re.search(rf"\(?\b{number} [-+*/] {number}\b", inside)


@every_rule
def test_no_expression_is_computed_twice(name):
    _, inside = compile(RULES[name]).source.split("(theta.size):")
    for part in ("sqrt", "maximum", "g[i] * g[i]"):
        assert inside.count(part) <= {"adadelta": {"sqrt": 2}}.get(name, {}).get(part, 1)


@every_rule
def test_float32_stays_float32_and_the_loop_is_in_vectors(name):
    fast = compile(RULES[name])
    for dtype, vector in (("float64", r"<\d+ x double>"), ("float32", r"<\d+ x float>")):
        code = fast._step.code(np.dtype(dtype))
        (signature,) = code.signatures
        llvm = code.inspect_llvm(signature)
        assert "fpext" not in llvm  # float to double
        assert re.search(vector, llvm)


def awkward_names(t, theta, grad, i=0, real=0, *, c1=0.5, x1=0.5, m_i=0.1):
    g = grad(theta)
    i = c1 * i + (1 - c1) * g
    real = x1 * real + (1 - x1) * (i * g)
    return theta - m_i * (i * g) * abs(i - real), i, real


def many_functions(t, theta, grad, s=1, *, eta=0.1, a=2.0):
    g = grad(theta)
    s = elementary.maximum(s, elementary.sign(g) * 0.25) + elementary.cos(g / 3 - 0.5)
    half = 1 / elementary.sqrt(s**2 + a) - s**3 / t
    return theta - eta * -half * (g - (theta - s)) / (2 * s * a) - 3, -s


def same_product(t, theta, grad, v=0, *, eta=0.1):
    step = eta * grad(theta)
    return theta - step, step


def state_that_stays(t, theta, grad, v=0, w=0, *, eta=0.1):
    return theta - eta * grad(theta), theta, v


def branches(t, theta, grad, v=0, *, eta=0.1, warm=3.0):
    g = elementary.clip(grad(theta), -0.5, eta)
    v = elementary.where(abs(g) > v, g, v)
    rate = elementary.where(t > warm, eta, eta * t / warm)
    return theta - rate * elementary.where(v <= 0.2, v, g / v), v


def shared_denominator(t, theta, grad, v=0, *, eta=0.1):
    d = abs(theta) + 2
    return theta - (grad(theta) - theta) ** 2 / d, v / d


OTHERS = [awkward_names, many_functions, same_product, state_that_stays, branches]
OTHERS += [shared_denominator]


@pytest.mark.parametrize("rule", [*OTHERS, lambda t, x, g: (g(x),)])
@both_types
def test_other_rules(rule, dtype):
    fast = compile(rule)
    rng = np.random.default_rng(1)
    theta = rng.normal(size=50).astype(dtype)
    state = [rng.uniform(1, 2, 50).astype(dtype) for _ in fast.start(theta)]
    expected = rule(4, theta, np.sin, *state)
    found = fast(4, theta, np.sin, *state)
    eps = np.finfo(dtype).eps
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=64 * eps, atol=64 * eps)


def body(rule):
    _, inside = compile(rule).source.split("(theta.size):\n")
    return [line.strip() for line in inside.splitlines()]


def test_the_operations_are_those_of_the_rule_in_its_order():
    assert body(same_product) == [
        "v_i = eta * g[i]",
        "theta_i = theta[i] - v_i",
        "v[i], theta[i] = v_i, theta_i",
    ]
    assert body(shared_denominator) == [
        "x1 = abs(theta[i]) + c1",
        "v_i = v[i] / x1",
        "x2 = g[i] - theta[i]",
        "theta_i = theta[i] - x2 * x2 / x1",
        "v[i], theta[i] = v_i, theta_i",
    ]


# ----------------------------------------------------------------------------- what is refused


def by_norm(t, theta, grad, *, eta=0.1):
    g = grad(theta)
    return (theta - eta * g / elementary.norm(g),)


def by_matrix(t, theta, grad, *, eta=0.1):
    g = grad(theta)
    return (theta - eta * elementary.matmul(elementary.matmul(g, elementary.transpose(g)), g),)


def by_mean(t, theta, grad, *, eta=0.1):
    g = grad(theta)
    return (theta - eta * (g - g.mean()),)


def by_branch(t, theta, grad, *, eta=0.1):
    return (theta - eta * grad(theta) if theta > 0 else theta,)


def by_step(t, theta, grad, *, eta=0.1):
    return (theta - eta * grad(theta) if t == 1 else theta,)


def by_flag(t, theta, grad, *, eta=0.1, on=True):
    return (theta - eta * grad(theta) if on else theta,)


def by_text(t, theta, grad, *, eta=0.1, mode="plain"):
    return (theta - eta * grad(theta),)


def by_two_gradients(t, theta, grad, *, eta=0.1):
    return (theta - eta * grad(theta - eta * grad(theta)),)


def by_special_function(t, theta, grad, *, eta=0.1):
    import sympy

    return (theta - eta * sympy.zeta(grad(theta) + 2),)


def by_foreign_symbol(t, theta, grad, *, eta=0.1):
    import sympy

    return (theta - sympy.Symbol("a") * grad(theta),)


def without_tuple(t, theta, grad, *, eta=0.1):
    return theta - eta * grad(theta)


def without_gradient(t, theta, grad, *, eta=0.1):
    return (theta - eta,)


@pytest.mark.parametrize(
    "rule",
    [
        by_norm,
        by_matrix,
        by_mean,
        by_branch,
        by_step,
        by_flag,
        by_text,
        by_two_gradients,
        by_special_function,
        by_foreign_symbol,
        without_tuple,
        without_gradient,
    ],
)
def test_a_rule_without_an_elementwise_trace_is_refused(rule):
    with pytest.raises(TypeError, match=f"{rule.__name__} cannot be compiled.* elementwise trace"):
        compile(rule)


def test_no_rule_is_refused():
    with pytest.raises(TypeError, match="rule is 'adam'; it must be a function"):
        compile("adam")


def changed(k, change):
    """Arguments of amsgrad.update, of which the k-th array is not as it should be."""
    arrays = [np.ones((2, 3)) for _ in range(5)]
    arrays[k] = change(arrays[k])
    return arrays


def read_only(x):
    x.flags.writeable = False
    return x


NAMES = ["theta", "g", "m", "v", "v_hat"]


@pytest.mark.parametrize("k", range(1, 5))
@pytest.mark.parametrize(
    "change, error, message",
    [
        (lambda x: x.astype(np.float32), TypeError, "float32 and theta float64"),
        (lambda x: x.astype(int), TypeError, "an array of int64; it must be float64 or float32"),
        (lambda x: x.astype(">f8"), TypeError, "an array of >f8"),
        (lambda x: x.tolist(), TypeError, "must be a NumPy array"),
        (lambda x: np.ma.array(x), TypeError, "must be a NumPy array"),
        (lambda x: x.T.copy(), ValueError, "shape (3, 2) and theta (2, 3)"),
        (lambda x: x[:1], ValueError, "shape (1, 3) and theta (2, 3)"),
        (lambda x: np.asfortranarray(x), ValueError, "not contiguous"),
        (lambda x: np.ones((2, 6))[:, ::2], ValueError, "not contiguous"),
        (lambda x: 0.0, TypeError, "is 0.0; it must be a NumPy array"),
    ],
)
def test_update_refuses_and_changes_nothing(k, change, error, message):
    arrays = changed(k, change)
    with pytest.raises(error, match=re.escape(message)) as caught:
        compile(amsgrad).update(1, *arrays)
    assert str(caught.value).startswith(NAMES[k])
    del arrays[k]
    assert all((x == 1).all() for x in arrays)


@pytest.mark.parametrize("k", [0, 2, 3, 4])
def test_update_refuses_what_is_read_only(k):
    with pytest.raises(ValueError, match=f"^{NAMES[k]} is read-only"):
        compile(amsgrad).update(1, *changed(k, read_only))
    compile(amsgrad).update(1, *changed(1, read_only))  # the gradient may be


@pytest.mark.parametrize("k", range(1, 5))
def test_update_refuses_arrays_that_overlap(k):
    whole = np.ones(8)
    arrays = [whole[:6], *(np.ones(6) for _ in range(4))]
    arrays[k] = whole[2:]
    with pytest.raises(ValueError, match=f"theta and {NAMES[k]} overlap"):
        compile(amsgrad).update(1, *arrays)
    assert (whole == 1).all()


def test_update_says_what_is_missing_or_unknown():
    fast, x = compile(adamw), [np.ones(3) for _ in range(5)]
    with pytest.raises(TypeError, match=r"adamw has 2 state array\(s\) \(m, v\); 1 given"):
        fast.update(1, *x[:3])
    with pytest.raises(TypeError, match=r"\(m, v\); 3 given"):
        fast.update(1, *x)
    with pytest.raises(TypeError, match="no hyperparameter lr .given as 0.1.; it has eta, beta1"):
        fast.update(1, *x[:4], lr=0.1)
    with pytest.raises(TypeError, match="eta is array.*a compiled rule takes one number, no array"):
        fast.update(1, *x[:4], eta=np.ones(3))
    with pytest.raises(TypeError, match="eta is <function"):
        fast.update(1, *x[:4], eta=lambda t: 0.1)
    with pytest.raises(TypeError, match="eta is '0.1'"):
        fast(1, x[0], lambda x: x, eta="0.1")
    fast.update(np.int64(1), *x[:4], eta=np.float32(0.5))


def test_a_gradient_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"g has the shape \(1,\) and theta \(3,\)"):
        compile(gd)(1, np.ones(3), lambda x: np.ones(1))
    with pytest.raises(TypeError, match="g is float64 and theta float32"):
        compile(gd)(1, np.ones(3, np.float32), lambda x: np.ones(3))


def test_without_numba_the_error_says_what_to_install():
    program = """
import sys
sys.modules["numba"] = None
import gdref.compiled
from gdref import adam
try:
    gdref.compiled.compile(adam)
except ModuleNotFoundError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "gdref.compile needs numba: pip install 'gdref[compiled]'" in run.stdout, run.stderr


def test_numba_is_imported_only_when_a_rule_is_compiled():
    program = "import sys, gdref.compiled; print({'numba', 'sympy'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout.strip() == "set()", run.stderr


@pytest.mark.parametrize("name", WHOLE)
def test_a_rule_of_whole_arrays_is_refused(name):
    with pytest.raises(TypeError, match=f"{name} cannot be compiled: it uses each {WHOLE[name]}"):
        compile(RULES[name])
