"""One formula on every engine: JAX, the array-API standard at its strictest, trees; as NumPy."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gdref import RULES, adam, iterate, iterate_state, minimize, schedules
from gdref._inputs import form
from gdref.elementary import clip, matmul, maximum, minimum, norm, sign, sqrt, transpose, where
from gdref.rules import WHOLE, by_coordinate
from gdref.trees import Tree, is_tree, wrap
from tests.kinds import scheduled

jax = pytest.importorskip("jax")
strict = pytest.importorskip("array_api_strict")
jax.config.update("jax_enable_x64", True)
jnp = jax.numpy

every_rule = pytest.mark.parametrize("name", RULES)
every_library = pytest.mark.parametrize("library", [jnp, strict], ids=["jax", "strict"])
START = np.array([[0.5, -1.25, 2.0], [-0.25, 3.0, -1.5]])


def wavy(x):
    return 3 * x - 0.5 + 0.25 * x * x * x


def calm(rule):
    """Values with which the last bit does not decide.

    A smaller rate where the default is so large that the path blows up on this loss.  SOAP
    divides the coordinates of a basis by their sizes: one that is 0 up to rounding gets a whole
    step, of the sign of the rounding, unless epsilon is larger.
    """
    rate = {"eta": 0.1} if form(rule)[2].get("eta", 0) >= 1 else {}
    return rate | ({"eps": 0.01} if rule is RULES["soap"] else {})


def rows(rule, theta, n=10, grad=wavy, **settings):
    return list(islice(iterate_state(rule, grad, theta, **settings), n))


def total(xp, x):
    return xp.sum(x * x)


@every_rule
@every_library
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-14), ("float32", 2e-6)])
def test_it_takes_numpys_path(name, library, dtype, tolerance):
    theta = library.asarray(START, dtype=getattr(library, dtype))
    rule, settings = RULES[name], calm(RULES[name])
    pairs = zip(rows(rule, START, **settings), rows(rule, theta, **settings), strict=True)
    for ours, theirs in list(pairs)[1:]:
        for a, b in zip(ours, theirs, strict=True):
            assert type(b) is type(theta) and b.dtype == theta.dtype
            # a product of matrices is as exact as its largest entry
            size = max(1, abs(a).max()) if WHOLE.get(name) == "matrix" else 1
            np.testing.assert_allclose(np.asarray(b), a, rtol=tolerance, atol=tolerance * size)


@every_rule
@every_library
def test_minimize_keeps_the_array_type(name, library):
    theta = library.asarray(START)
    for grad in (wavy, None):  # None: finite differences
        result = minimize(lambda x: total(library, x), theta, RULES[name], grad=grad, steps=3)
        assert type(result.x) is type(theta) and result.success
        assert result.path.shape == (4, 2, 3) and type(result.path) is type(theta)
        assert all(type(s) is type(theta) for s in result.state)


@every_rule
def test_jit_grad_and_vmap_of_a_step(name):
    rule = RULES[name]
    step = jax.jit(lambda t, theta, *state: rule(t, theta, wavy, *state))
    now = (jnp.asarray(START),)
    for t, ours in enumerate(rows(rule, START)[1:], start=1):
        now = step(t, *now)
        for a, b in zip(ours, now, strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-12)

    def after(theta):
        return rule(1, theta, wavy, **eps_of(rule))[0].sum()

    slope, h = jax.grad(after)(jnp.asarray(START)), 1e-6
    ahead, behind = START.copy(), START.copy()
    ahead[0, 1] += h
    behind[0, 1] -= h
    difference = (after(jnp.asarray(ahead)) - after(jnp.asarray(behind))) / (2 * h)
    assert slope[0, 1] == pytest.approx(float(difference), rel=1e-4, abs=1e-6)
    many = jax.vmap(lambda theta: rule(1, theta, wavy)[0])(jnp.asarray(START))
    alone = [rule(1, part, wavy)[0] for part in START]
    np.testing.assert_allclose(many, alone, rtol=1e-12)


def eps_of(rule):
    """A large epsilon: without it the first step of an adaptive rule has no slope."""
    return {"eps": 0.5} if "eps" in form(rule)[2] else {}


@every_rule
def test_the_loop_runs_inside_jit(name):
    rule = RULES[name]
    last = jax.jit(lambda theta: list(islice(iterate(rule, wavy, theta), 4))[-1])
    *_, ours = islice(iterate(rule, wavy, START), 4)
    np.testing.assert_allclose(last(jnp.asarray(START)), ours, rtol=1e-12)


PLANS = [
    schedules.exponential(0.1, 3, 0.5),
    schedules.exponential(0.1, 3, 0.5, staircase=True),
    schedules.piecewise_constant([2, 5], [0.1, 0.05, 0.01]),
    schedules.polynomial(0.1, 4, 0.01, power=2),
    schedules.polynomial(0.1, 4, cycle=True),
    schedules.inverse_time(0.1, 2, 0.3),
    schedules.step(0.1, 3, 0.5),
    schedules.cosine(0.1, 6.5, 0.02),
    schedules.warmup(schedules.cosine(0.1, 4), 3, start=0.01),
    schedules.join(schedules.step(0.1, 1, 0.5), 2, 0.01),
]


@pytest.mark.parametrize("plan", PLANS, ids=repr)
def test_schedules_take_traced_steps(plan):
    for t in range(1, 12):
        assert float(jax.jit(plan)(float(t))) == pytest.approx(plan(t), rel=1e-12, abs=1e-15)
    at_once = plan(jnp.arange(1, 12) * 1.0)
    np.testing.assert_allclose(at_once, [plan(t) for t in range(1, 12)], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(plan(np.arange(1, 12)), at_once, rtol=1e-12, atol=1e-15)


@every_rule
def test_schedules_and_steps_inside_scan(name):
    """t is traced, every hyperparameter is a schedule of it."""
    rule, plan = RULES[name], PLANS[8]
    settings = scheduled(rule, plan)

    def step(carry, t):
        values = {key: value(t) if callable(value) else value for key, value in settings.items()}
        return rule(t, carry[0], wavy, *carry[1:], **values), None

    start = jnp.asarray(START)
    shapes = map(np.shape, rule(1, START, wavy)[1:])
    carry = (start, *map(jnp.full, shapes, map(float, form(rule)[1])))
    end, _ = jax.lax.scan(step, carry, jnp.arange(1.0, 9.0))
    for a, b in zip(rows(rule, START, 9, **settings)[-1], end, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-11, atol=1e-11)


@every_rule
def test_hyperparameters_may_be_traced(name):
    """jit, vmap and grad over a hyperparameter, through the checked loop."""
    rule = RULES[name]

    known = scheduled(rule, 0.5)
    counts = {key: known.pop(key) for key in list(known) if known[key] != 0.5}  # have no slope

    def end(theta, values):
        *_, last = islice(iterate(rule, wavy, theta, **values, **counts), 4)
        return last.sum()

    values = {key: jnp.asarray([0.25, 0.5, 0.75]) for key in known}
    many = jax.vmap(lambda values: end(jnp.asarray(START), values))(values)
    alone = [end(START, dict.fromkeys(known, value)) for value in (0.25, 0.5, 0.75)]
    np.testing.assert_allclose(many, alone, rtol=1e-11)
    slopes = jax.jit(jax.grad(lambda values: end(jnp.asarray(START), values)))(known)
    eager = jax.grad(lambda values: end(jnp.asarray(START), values))(known)
    np.testing.assert_allclose([*eager.values()], [*slopes.values()], rtol=1e-10)
    h = 1e-5
    for key in known:
        ahead, behind = (end(START, known | {key: 0.5 + step}) for step in (h, -h))
        assert float(slopes[key]) == pytest.approx((ahead - behind) / (2 * h), rel=1e-4, abs=1e-6)


def test_an_array_of_rates_traced_or_not():
    for theta in (jnp.asarray(START), strict.asarray(START)):
        for rate in (np.array([0.1, 0.2, 0.3]), theta[0, :] * 0 + 0.1, [[0.1], [0.2]]):
            rate = np.asarray(rate)
            expected = rows(adam, START, 4, eta=rate)[-1][0]
            for either in (rate, _like(theta, rate)):
                got = rows(adam, theta, 4, eta=either)[-1][0]
                assert type(got) is type(theta)
                np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-12)

    def size(rate, theta):
        return (rows(adam, theta, 4, eta=rate)[-1][0] ** 2).sum()

    slope = jax.grad(size)(jnp.asarray([0.1, 0.2, 0.3]), jnp.asarray(START))
    h = np.array([0.0, 1e-5, 0.0])
    difference = (size([0.1, 0.2, 0.3] + h, START) - size([0.1, 0.2, 0.3] - h, START)) / 2e-5
    assert float(slope[1]) == pytest.approx(difference, rel=1e-6)
    under_jit = jax.jit(lambda rate: rows(adam, jnp.asarray(START), 4, eta=rate)[-1][0])
    rate = np.array([0.1, 0.2, 0.3])
    np.testing.assert_allclose(under_jit(rate), rows(adam, START, 4, eta=rate)[-1][0], rtol=1e-12)
    with pytest.raises(ValueError, match="broadcast to the shape of theta"):
        iterate(adam, wavy, jnp.asarray(START), eta=jnp.ones(2))
    with pytest.raises(ValueError, match="eta is .*; it must be finite and not negative"):
        iterate(adam, wavy, jnp.asarray(START), eta=jnp.asarray([0.1, -0.1, 0.1]))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.5])
def test_a_bad_scalar_of_another_library_is_refused(bad):
    for value in (jnp.asarray(bad), strict.asarray(bad), np.float32(bad), np.array(bad)):
        with pytest.raises(ValueError, match="eta is .*; it must be finite and not negative"):
            iterate(adam, wavy, jnp.asarray(START), eta=value)


def _like(theta, values):
    return theta.__array_namespace__().asarray(values, dtype=theta.dtype)


@every_rule
@every_library
def test_scalars(name, library):
    """An array without an axis stays one, in its precision."""
    for dtype in ("float32", "float64"):
        theta = library.asarray(0.75, dtype=getattr(library, dtype))
        rule, settings = RULES[name], calm(RULES[name])
        pairs = list(zip(rows(rule, 0.75, **settings), rows(rule, theta, **settings), strict=True))
        for ours, theirs in pairs[1:]:
            for a, b in zip(ours, theirs, strict=True):
                assert type(b) is type(theta) and b.dtype == theta.dtype and b.shape == ()
                assert float(b) == pytest.approx(a, rel=2e-5)


@every_rule
@every_library
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_comes_through_as_in_numpy(name, library, bad):
    """One bad gradient spoils its own coordinate and no other."""

    def grad(x):
        g = np.array([[1.0, bad, 2.0], [0.5, -1.0, 3.0]])
        return g if isinstance(x, np.ndarray) else library.asarray(g)

    ours = rows(RULES[name], START, 4, grad)[-1]
    theirs = rows(RULES[name], library.asarray(START), 4, grad)[-1]
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(np.asarray(b), a, rtol=1e-12)
    assert not by_coordinate(RULES[name]) or np.isfinite(ours[0]).sum() >= 5


@every_rule
def test_minimize_inside_jit_and_its_result(name):
    """What a trace cannot know is not asked; the numbers are those of the eager run."""

    def end(theta):
        result = minimize(lambda x: (x * x).sum(), theta, RULES[name], grad=wavy, steps=4)
        return result.x, result.losses, result.state

    eager = minimize(lambda x: (x * x).sum(), START, RULES[name], grad=wavy, steps=4)
    x, losses, state = jax.jit(end)(jnp.asarray(START))
    np.testing.assert_allclose(x, eager.x, rtol=1e-12)
    np.testing.assert_allclose(losses, eager.losses, rtol=1e-12)
    for a, b in zip(eager.state, state, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-15)


@every_rule
def test_jax_in_single_precision_as_it_starts(name):
    """Without its 64-bit mode: eager, jit, schedules, bit by bit the precision of float32."""
    with jax.enable_x64(False):
        theta = jnp.asarray(START)
        assert theta.dtype == jnp.float32
        settings = {"eta": PLANS[8]} if "eta" in form(RULES[name])[2] else {}
        settings = calm(RULES[name]) | settings
        pairs = list(zip(rows(RULES[name], START, 8, **settings),
                         rows(RULES[name], theta, 8, **settings), strict=True))  # fmt: skip
        for ours, theirs in pairs[1:]:
            for a, b in zip(ours, theirs, strict=True):
                assert b.dtype == jnp.float32
                np.testing.assert_allclose(b, a, rtol=5e-5, atol=5e-6)
        fixed = calm(RULES[name])
        step = jax.jit(lambda t, theta, *state: RULES[name](t, theta, wavy, *state, **fixed))
        now = (theta,)
        for t, row in enumerate(rows(RULES[name], START, 5, **fixed)[1:], start=1):
            now = step(t, *now)
            np.testing.assert_allclose(now[0], row[0], rtol=5e-4, atol=5e-5)


shapes = st.sampled_from([(), (2,), (1, 3)])  # few, since JAX compiles for each
leaf = shapes.flatmap(
    lambda shape: arrays(
        st.sampled_from([np.float32, np.float64]), shape, elements=st.floats(-4, 4, width=32)
    )
)
trees = st.recursive(
    leaf,
    lambda part: (
        st.dictionaries(st.text("abc", min_size=1), part, min_size=1, max_size=3)
        | st.lists(part, min_size=1, max_size=3)
        | st.tuples(part, part)
    ),
    max_leaves=6,
).filter(is_tree)


def drawn(data, rule, values):
    """A value of each hyperparameter; counts of steps stay as they are."""
    return {key: value or data.draw(values, key) for key, value in scheduled(rule, 0).items()}


@settings(max_examples=25)
@given(tree=trees, name=st.sampled_from(sorted(RULES)), data=st.data())
def test_any_tree_with_any_hyperparameters(tree, name, data):
    """Leaf by leaf the rule alone, on NumPy's arrays and on JAX'; and its form comes back."""
    rule = RULES[name]
    chosen = drawn(data, rule, st.sampled_from([0.125, 0.5, 0.875]))

    def grad(p):
        return jax.tree.map(wavy, p)

    for convert in (np.asarray, jnp.asarray):
        made = jax.tree.map(convert, tree)
        theta, *state = rows(rule, made, 4, grad, **chosen)[-1]
        for part in (theta, *state):
            assert jax.tree.structure(part) == jax.tree.structure(tree)
        for k, alone in enumerate(jax.tree.leaves(made)):
            expected = rows(rule, alone, 4, **chosen)[-1]
            for value, part in zip(expected, (theta, *state), strict=True):
                got = jax.tree.leaves(part)[k]
                assert got.dtype == alone.dtype and got.shape == value.shape
                np.testing.assert_array_equal(np.asarray(got), np.asarray(value))


@settings(max_examples=25)
@given(
    theta=arrays(np.float64, shapes, elements=st.floats(-4, 4)),
    name=st.sampled_from(sorted(RULES)),
    data=st.data(),
)
def test_any_hyperparameters_on_any_library(theta, name, data):
    values = st.floats(0.01, 0.9)
    chosen = drawn(data, RULES[name], values)
    ours = rows(RULES[name], theta, 6, **chosen)[-1]
    for library in (jnp, strict):
        theirs = rows(RULES[name], library.asarray(theta), 6, **chosen)[-1]
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(np.asarray(b), a, rtol=1e-9, atol=1e-12)


@every_library
def test_elementary_on_arrays(library):
    x = library.asarray([-2.0, 0.25, 9.0])
    same = np.testing.assert_array_equal
    same(np.asarray(sqrt(abs(x))), np.sqrt([2.0, 0.25, 9.0]))
    for number in (1, 1.0):
        same(np.asarray(maximum(x, number)), [1, 1, 9])
        same(np.asarray(maximum(number, x)), [1, 1, 9])
        same(np.asarray(minimum(x, number)), [-2, 0.25, 1])
        same(np.asarray(where(x > 0, x, number)), [1, 0.25, 9])
    same(np.asarray(clip(x, -1, 1)), [-1, 0.25, 1])
    same(np.asarray(sign(x)), [-1, 1, 1])
    assert float(norm(x)) == pytest.approx(np.sqrt(4 + 0.0625 + 81))
    matrix = library.asarray(START)
    np.testing.assert_allclose(np.asarray(matmul(matrix, transpose(matrix))), START @ START.T)


@every_library
def test_elementary_lets_a_nan_through(library):
    x = library.asarray([np.nan, 1.0])
    for value in (maximum(x, 0.0), minimum(x, 0.0), clip(x, 0.0, 2.0), sign(x), sqrt(x)):
        assert np.isnan(np.asarray(value)[0]) and not np.isnan(np.asarray(value)[1])


# --------------------------------------------------------------------------- trees

LEAVES = {"layer": {"W": START, "b": np.array([0.5, -0.5])}, "out": [np.array(2.0), 1.5]}


@every_rule
@pytest.mark.parametrize("convert", [lambda x: x, jnp.asarray], ids=["numpy", "jax"])
def test_a_tree_is_its_leaves(name, convert):
    tree = jax.tree.map(convert, LEAVES)

    def grad(p):  # in another order of the keys
        new = jax.tree.map(wavy, p)
        return {"out": new["out"], "layer": {"b": new["layer"]["b"], "W": new["layer"]["W"]}}

    for k, row in enumerate(rows(RULES[name], tree, grad=grad)):
        assert list(row[0]) == ["layer", "out"] and isinstance(row[0]["out"], list)
        alone = [rows(RULES[name], leaf)[k][0] for leaf in jax.tree.leaves(tree)]
        for a, b in zip(jax.tree.leaves(row[0]), alone, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-14)
    step = RULES[name](1, tree, grad)
    assert list(step[0]) == ["layer", "out"]
    for a, b in zip(step[0]["out"], rows(RULES[name], tree, 2, grad)[1][0]["out"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14)


@every_rule
def test_a_tree_under_jit(name):
    tree = jax.tree.map(jnp.asarray, LEAVES)
    step = jax.jit(lambda p: RULES[name](1, p, lambda q: jax.tree.map(wavy, q)))
    eager = RULES[name](1, tree, lambda q: jax.tree.map(wavy, q))
    for a, b in zip(jax.tree.leaves(step(tree)), jax.tree.leaves(eager), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_a_tree_without_a_gradient_function_and_its_path():
    def loss(p):
        return float((p["w"] ** 2).sum() + p["b"] ** 2)

    result = minimize(loss, {"w": np.ones(2), "b": 3.0}, adam, steps=4, eta=0.1)
    assert result.path["w"].shape == (5, 2) and result.path["b"].shape == (5,)
    assert result.losses[0] > result.losses[-1] and result.success


@pytest.mark.parametrize(
    ("grad", "error", "words"),
    [
        (lambda p: p["w"], TypeError, "tree of the form of theta"),
        (lambda p: {"w": p["w"]}, ValueError, "keys 'w', 'b'"),
        (lambda p: {"w": p["w"][:1], "b": p["b"]}, ValueError, r"\['w'\].*shape of theta, \(2,\)"),
        (lambda p: {"w": p["w"], "b": None}, TypeError, r"\['b'\] is None"),
    ],
)
def test_a_gradient_of_another_form_is_refused(grad, error, words):
    with pytest.raises(error, match=words):
        iterate(adam, grad, {"w": np.ones(2), "b": 1.0})


def test_what_is_a_tree():
    assert is_tree({"a": 1}) and is_tree([np.ones(2), 1.0]) and is_tree((np.ones(2),))
    assert not is_tree([1.0, 2.0]) and not is_tree([[1, 2], [3, 4]]) and not is_tree(np.ones(2))
    assert isinstance(2 * wrap({"a": 1.0}) + 1, Tree)
    with pytest.raises(TypeError, match="all leaves alike"):
        wrap({"a": 1.0})["a"]
