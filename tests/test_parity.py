"""The comparison itself: it must be able to fail."""

import sys
import types

import numpy as np
import pytest
import torch

from tests.parity import Comparison, parity


def differences(want: object, got: object) -> list[str]:
    return list(Comparison(torch, torch).values("x", want, got))


def grown(value: float) -> torch.Tensor:
    leaf = torch.ones(2, requires_grad=True)
    (leaf * value).sum().backward()
    return leaf


@pytest.mark.parametrize(
    ("want", "got", "part"),
    [
        (torch.ones(2), torch.ones(2) * 1.001, "values"),
        (torch.ones(2), torch.ones(2, dtype=torch.float64), "dtype"),
        (torch.ones(2), torch.ones(1), "shape"),
        (torch.ones(2), torch.ones(2, requires_grad=True), "requires_grad"),
        (grown(1.0), grown(2.0), "x.grad"),
        (grown(1.0), torch.ones(2, requires_grad=True), "x.grad"),
        (torch.ones(2), [1.0, 1.0], "a tensor"),
        (torch.nn.Parameter(torch.ones(1)), torch.ones(1, requires_grad=True), "Parameter"),
        (torch.nn.Linear(2, 1), torch.nn.Linear(2, 1, bias=False), "repr"),
        (torch.nn.ReLU(), torch.nn.ReLU().eval(), "training"),
        ({"a": 1}, {"b": 1}, "keys"),
        ({"a": 1}, {"a": 2}, "x['a']"),
        ([1, 2], (1, 2), "list"),
        (torch.Size([2]), torch.Size([3]), "x[0]"),
        (1, True, "1, not True"),
        (1.0, 1.1, "values"),
        ("a", "b", "'a', not 'b'"),
        (np.array(["a"]), np.array(["b"]), "['a']"),
        (torch.tensor([1, 2]), torch.tensor([1, 3]), "[1 3]"),
        (torch.float32, torch.float64, "float32"),
        (ValueError(), TypeError(), "ValueError"),
        (torch.linalg.LinAlgError(), RuntimeError(), "LinAlgError"),
    ],
)
def test_a_difference_is_found(want: object, got: object, part: str) -> None:
    assert part in "\n".join(differences(want, got))
    assert not differences(want, want)


def test_printed_numbers_may_differ_in_their_last_digit() -> None:
    comparison = Comparison(torch, torch)
    assert not list(comparison.texts("printed", "loss 1.2345", "loss 1.2346"))
    assert list(comparison.texts("printed", "loss 1.2345", "loss 1.2355"))
    assert list(comparison.texts("printed", "loss 1.2345", "cost 1.2345"))
    assert list(comparison.texts("printed", "3 steps", "4 steps"))


def test_torch_agrees_with_itself() -> None:
    program = """
    import torch.nn.functional as functional
    from torch import nn as layers
    model = layers.Linear(3, 2)
    loss = functional.mse_loss(model(torch.rand(4, 3)), torch.zeros(4, 2))
    loss.backward()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    optimizer.step()
    wrong = attempt(lambda: torch.ones(2) @ torch.ones(3))
    print(loss)
    """
    run = parity(program, candidate="torch")
    assert isinstance(run["wrong"], RuntimeError)


def test_a_program_that_fails_or_leaves_nothing_is_refused() -> None:
    with pytest.raises(AssertionError, match="under torch itself"):
        parity("undefined + 1", candidate="torch")
    with pytest.raises(AssertionError, match="did not raise"):
        parity("x = 1", raises=ValueError, candidate="torch")
    with pytest.raises(AssertionError, match="leaves no name"):
        parity("_x = torch.ones(1)", candidate="torch")
    with pytest.raises(AssertionError, match="no exception"):
        parity("x = attempt(lambda: 1)", candidate="torch")
    with pytest.raises(AssertionError, match="does not match"):
        parity(
            "torch.ones(2) @ torch.ones(3)",
            raises=RuntimeError,
            match="no such words",
            candidate="torch",
        )


def test_imports_reach_the_framework_and_not_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = types.ModuleType("fake_torch")
    fake.__dict__.update(vars(torch), __name__="fake_torch", pi_squared=10)
    monkeypatch.setitem(sys.modules, "fake_torch", fake)
    with pytest.raises(AssertionError, match="under torch itself"):
        parity("import torch; x = torch.pi_squared", candidate="fake_torch")
    with pytest.raises(AssertionError, match="only fake_torch raised"):
        parity("from torch import pi\nx = 1 / (torch.__name__ == 'torch')", candidate="fake_torch")
