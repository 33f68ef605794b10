"""NumPy's functions and operators on tensors."""

import numpy as np
import pytest

import rushlight as torch
from tests.parity import parity

# As under torch, where torch can.
SAME = """
    np.exp(x)
    np.add(a, x)
    np.add(x, 1)
    np.sqrt(torch.tensor(4))
    np.power(x, 2)
    np.maximum(x, 2)
    np.add.reduce(x)
    x + a
    np.float64(2) * x
    x * np.float64(2)
    np.float32(2) + i
    np.int64(2) + i
    np.concatenate([x, x])
    np.stack([x, x])
    np.clip(x, 0, 0.5)
    np.reshape(x, (3, 1))
    np.transpose(x.reshape(1, 3))
    np.argmax(x)
    np.cumsum(x)
    np.squeeze(x.reshape(1, 3))
    np.repeat(x, 2)
    np.sort(x)
    np.where(x > 0)
    np.where(x > 0, 1, 2)
    np.allclose(x, x)
    np.array_equal(x, a)
    np.dot(x, x)
    np.linalg.norm(x)
    np.unique(x)
    np.median(x)
    np.tile(x, 2)
    np.zeros_like(x)
    np.expand_dims(x, 0)
    np.isin(x, [1.0])
    np.full(2, torch.tensor(3.0))
    np.histogram(x, bins=3)
    np.array([torch.ones(()), torch.ones(())])
    np.ones(3)[i]
    np.interp(x, [0, 2], [0, 2])
    np.mean([torch.ones(()), torch.zeros(())])
"""


@pytest.mark.parametrize("expression", [line.strip() for line in SAME.strip().splitlines()])
def test_as_under_torch(expression):
    parity(
        f"""
        x, i = torch.tensor([1.0, 2.0, 0.25]), torch.tensor([2, 1, 0])
        a = np.array([1.0, 2.0, 3.0])
        out = {expression}
        """
    )


# Where torch refuses, the gradient flows.
GRADIENTS = {
    "np.exp(x)": "x.exp()",
    "np.add(a, x)": "x + a",
    "np.multiply(x, x)": "x * x",
    "np.arctan2(x, y)": "x.atan2(y)",
    "np.sqrt(x) + np.log(x)": "x.sqrt() + x.log()",
    "a * x": "x * a",
    "a @ x.T": "a @ x.T",
    "np.sum(x)": "x.sum()",
    "np.sum(x, axis=0)": "x.sum(0)",
    "np.mean(x, axis=(0, 1), keepdims=True)": "x.mean((0, 1), keepdim=True)",
    "np.std(x)": "x.std(correction=0)",
    "np.var(x, axis=1, ddof=1)": "x.var(1)",
    "np.max(x, axis=1)": "x.amax(1)",
    "np.prod(x, axis=1)": "x.prod(1)",
    "np.concatenate([x, y])": "torch.cat([x, y])",
    "np.concatenate([x, y], axis=None)": "torch.cat([x.reshape(-1), y.reshape(-1)])",
    "np.stack([x, y], axis=1)": "torch.stack([x, y], 1)",
    "np.vstack([x, a])": "torch.vstack([x, torch.tensor(a)])",
    "np.reshape(x, (3, 2))": "x.reshape(3, 2)",
    "np.transpose(x)": "x.T",
    "np.expand_dims(x, 0)": "x.unsqueeze(0)",
    "np.where(x > 1, x, y)": "torch.where(x > 1, x, y)",
    "np.clip(x, 1, 2)": "x.clip(1, 2)",
    "np.dot(x[0], y[0])": "x[0] @ y[0]",
    "np.einsum('ij,kj->ik', x, y)": "torch.einsum('ij,kj->ik', x, y)",
    "np.linalg.norm(x)": "torch.linalg.norm(x)",
    "np.flip(x, 0)": "x.flip(0)",
    "np.tile(x, (2, 1))": "x.tile(2, 1)",
    "np.copy(x)": "x.clone()",
}


@pytest.mark.parametrize(("theirs", "ours"), GRADIENTS.items())
def test_gradients_flow_through_numpy(theirs, ours):
    gradients = []
    for expression in (theirs, ours):
        x = torch.tensor(
            [[0.5, 1.5, 2.5], [3.0, 0.25, 1.0]], dtype=torch.float64, requires_grad=True
        )
        y = torch.tensor(
            [[1.0, 0.5, 2.0], [0.25, 3.0, 1.5]], dtype=torch.float64, requires_grad=True
        )
        a = np.array([[1.0, 2.0, 3.0], [0.5, 1.0, 2.0]])
        out = eval(expression, {"np": np, "torch": torch, "x": x, "y": y, "a": a})
        assert isinstance(out, torch.Tensor)
        (out * out).sum().backward()
        gradients.append(
            (out.detach().numpy(), x.grad.numpy(), y.grad if y.grad is None else y.grad.numpy())
        )
    for got, wanted in zip(*gradients, strict=True):
        assert (got is None) == (wanted is None)
        assert got is None or np.allclose(got, wanted, rtol=1e-12)


def test_arrays_on_the_left():
    x, a = torch.tensor([1.0, 2.0]), np.array([3, 4])
    assert (a + x).tolist() == [4, 6]
    # As `x + a`, which is NumPy's sum under torch too.
    assert (a + x).dtype is (x + a).dtype is torch.float64
    assert (a.astype(np.float64) * x).dtype is torch.float64


def test_arrays_change_in_place():
    a = np.zeros(2)
    a += torch.ones(2)
    assert isinstance(a, np.ndarray)
    assert a.tolist() == [1, 1]
    np.add(a, torch.ones(2), out=a)
    assert a.tolist() == [2, 2]


def test_flags_of_functions_are_bytes_and_of_comparisons_flags():
    x = torch.tensor([float("nan"), 1.0])
    assert np.isnan(x).dtype is torch.uint8
    assert (np.zeros(2) < x).tolist() == [False, True]


def test_what_has_no_gradient_here_is_torchs_error():
    x = torch.ones(3, requires_grad=True)
    for function in (np.median, np.sort, np.cbrt, np.unique):
        with pytest.raises(RuntimeError, match="detach"):
            function(x)
    with torch.no_grad():
        assert np.exp(x).dtype is torch.float32
