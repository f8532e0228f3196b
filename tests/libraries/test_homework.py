"""A student's functions on PyTorch's tensors: gdref.homework."""

import pytest

torch = pytest.importorskip("torch")

from gdref.adapters import on_arrays  # noqa: E402
from gdref.homework import check, check_file  # noqa: E402

RIGHT = """
def my_adam(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    g = grad(theta)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    theta = theta - eta * m_hat / (torch.sqrt(v_hat) + eps)
    return theta, m, v
"""
WRONG = [
    ("theta = theta - eta", "theta -= eta", "changed in place"),
    ("g = grad(theta)", "g = grad(theta).mul_(1.0001)", "changed in place"),
    ("g = grad(theta)", "g = grad(theta).float()", "float32"),
    ("torch.sqrt(v_hat) + eps", "torch.sqrt(v_hat + eps)", "epsilon inside the root"),
    ("m / (1 - beta1**t)", "m", "bias correction of m dropped"),
    ("return theta, m, v", "return [theta, m, v]", "returns a list"),
    ("    g = grad(theta)", "    opt = torch.optim.Adam([theta])\n    g = grad(theta)", "yourself"),
    ("torch.sqrt", "torch.root", "has no attribute 'root' (line 7)"),
]


@pytest.mark.parametrize("settings", [None, {"eta": 0.1, "beta1": 0.5, "eps": 0.1}])
def test_a_right_one(settings, tmp_path):
    (tmp_path / "right.py").write_text(f"import torch\n{RIGHT}")
    check_file(tmp_path / "right.py", "adam", settings, "pytorch")
    namespace = {"torch": torch}
    exec(RIGHT, namespace)
    function = on_arrays(namespace["my_adam"])
    assert function.__name__ == "my_adam"
    with pytest.raises(AssertionError, match="it must return theta and the new state"):
        check(function, "rmsprop", settings)


@pytest.mark.parametrize(("before", "after", "said"), WRONG, ids=[row[2] for row in WRONG])
def test_what_is_wrong_is_said(before, after, said, tmp_path):
    assert RIGHT.count(before) == 1
    (tmp_path / "wrong.py").write_text(f"import torch\n{RIGHT.replace(before, after)}")
    with pytest.raises(AssertionError) as caught:
        check_file(tmp_path / "wrong.py", "adam", None, "pytorch")
    assert said in str(caught.value)
