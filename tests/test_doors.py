"""Whoever watches the doors sees every random number and every look at values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight import nn, random
from rushlight.core.doors import Interpreter
from rushlight.core.tensor import TensorBase
from rushlight.utils import data
from rushlight.vision.transforms import RandomErasing

F = nn.functional


class Draws(Interpreter):
    """Remembers what was drawn, in a form in which it can be drawn again."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def draw(self, numbers: Any, generator: Any, inputs: Any, static: Any) -> Any:
        """Remember it."""
        own = generator and random.Generator()
        if own:
            own.set_state(generator.get_state())
        out = super().draw(numbers, generator, inputs, static)
        arrays = [t._data_.copy() if isinstance(t, TensorBase) else t for t in inputs]
        parts = out if isinstance(out, tuple) else (out,)
        self.calls.append((numbers, own, arrays, static, [part._data_.copy() for part in parts]))
        return out


def channels_last() -> torch.Tensor:
    return torch.ones(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)


chances = torch.linspace(0.1, 0.9, 5)
DRAWS: dict[str, Callable[[], Any]] = {
    "rand": lambda: torch.rand(3, 2),
    "rand, 64 bits": lambda: torch.rand(3, 2, dtype=torch.float64, requires_grad=True),
    "randn_like": lambda: torch.randn_like(channels_last()),
    "randint": lambda: torch.randint(2, 9, (4,)),
    "randint_like": lambda: torch.randint_like(chances, 9),
    "randperm": lambda: torch.randperm(7),
    "normal": lambda: torch.normal(chances, chances),
    "normal, numbers": lambda: torch.normal(1.0, 2.0, (20,)),
    "bernoulli": lambda: torch.bernoulli(chances),
    "bernoulli, number": lambda: torch.bernoulli(chances, 0.5),
    "multinomial": lambda: torch.multinomial(chances, 3),
    "poisson": lambda: torch.poisson(chances),
    "binomial": lambda: torch.binomial(chances * 9, chances),
    "normal_": lambda: channels_last().normal_(1, 2),
    "uniform_": lambda: torch.zeros(5, 3).t().uniform_(1, 2),
    "uniform_, recorded": lambda: (torch.zeros(5, requires_grad=True) * 1).uniform_(),
    "random_": lambda: torch.zeros(5, dtype=torch.int64).random_(),
    "bernoulli_": lambda: torch.zeros(5, 3).t().bernoulli_(chances),
    "exponential_": lambda: torch.zeros(5).exponential_(2),
    "geometric_": lambda: torch.zeros(5).geometric_(0.3),
    "cauchy_": lambda: torch.zeros(5).cauchy_(),
    "log_normal_": lambda: torch.zeros(5).log_normal_(),
    "dropout": lambda: F.dropout(channels_last(), 0.3),
    "dropout2d": lambda: F.dropout2d(channels_last()),
    "alpha_dropout": lambda: F.alpha_dropout(torch.ones(9), 0.3, True),
    "native_dropout": lambda: torch.native_dropout(torch.ones(9), 0.3, True),
    "rrelu": lambda: F.rrelu(torch.linspace(-1, 1, 9), training=True),
    "fractional_max_pool2d": lambda: F.fractional_max_pool2d(torch.ones(1, 2, 9, 9), 2, 4),
    "gumbel_softmax": lambda: F.gumbel_softmax(torch.ones(2, 3)),
    "Gamma": lambda: torch.distributions.Gamma(chances, 1.0).rsample(),
    "Dirichlet": lambda: torch.distributions.Dirichlet(chances).rsample(),
    "trunc_normal_": lambda: nn.init.trunc_normal_(torch.zeros(9)),
    "orthogonal_": lambda: nn.init.orthogonal_(torch.zeros(3, 4)),
    "sparse_": lambda: nn.init.sparse_(torch.zeros(3, 4), 0.4),
    "Linear": lambda: nn.Linear(3, 4).weight,
    "random_unstructured": lambda: nn.utils.prune.random_unstructured(
        nn.Linear(3, 4), "weight", 0.3
    ),
    "RandomSampler": lambda: list(data.RandomSampler(range(9))),
    "WeightedRandomSampler": lambda: list(data.WeightedRandomSampler([1.0, 2.0], 4)),
    "random_split": lambda: data.random_split(range(9), [4, 5]),
    "RandomErasing": lambda: RandomErasing(1.0, value="random")(torch.ones(3, 9, 9)),
}


@pytest.mark.parametrize("program", DRAWS)
def test_every_random_number_can_be_drawn_again_from_what_came_to_the_door(program):
    torch.manual_seed(3)
    watch = Draws()
    with watch:
        DRAWS[program]()
    end = torch.get_rng_state()
    assert watch.calls
    torch.manual_seed(3)
    for numbers, generator, arrays, static, drawn in watch.calls:
        assert getattr(random, numbers.__name__) is numbers
        again = numbers(*arrays, generator=generator, **static)
        parts = again if isinstance(again, tuple) else (again,)
        for a, b in zip(parts, drawn, strict=True):
            np.testing.assert_array_equal(a, b)
    assert torch.equal(torch.get_rng_state(), end)


class Looks(Interpreter):
    """Remembers what Python looked at, and what it was told."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def read(self, tensor: TensorBase, why: str) -> Any:
        """Values."""
        self.asked.append(f"read {why}")
        return super().read(tensor, why)

    def number(self, tensor: TensorBase, why: str) -> Any:
        """One value."""
        self.asked.append(f"number {why}")
        return super().number(tensor, why)

    def check(self, tensor: TensorBase, why: str) -> Any:
        """Values that may raise an error."""
        self.asked.append(f"check {why}")
        return super().check(tensor, why)


ones = torch.ones(3)
LOOKS: dict[str, Callable[[], Any]] = {
    "number .item()": lambda: ones[0].item(),
    "read .tolist()": lambda: ones.tolist(),
    "read .numpy()": lambda: np.asarray(ones),
    "number a decision by its value (`if`, `while`, `and`, bool())": lambda: bool(ones[0]),
    "number a Python number (float(), int(), ...)": lambda: float(ones[0]),
    "read printing": lambda: (repr(ones), f"{ones[0]:.2f}"),
    "read where it is not zero": lambda: ones.nonzero(),
    "read the different elements": lambda: ones.unique(),
    "number the number of classes": lambda: F.one_hot(torch.tensor([1, 0])),
    "check that the labels are classes": lambda: F.multi_margin_loss(
        torch.ones(2, 3), torch.tensor([0, 1])
    ),
    "read the order of samples": lambda: list(data.RandomSampler(range(3))),
    "number an index": lambda: ones[torch.tensor(1)],
}


@pytest.mark.parametrize("asked", LOOKS)
def test_a_look_at_values_says_what_it_asks(asked):
    watch = Looks()
    with watch:
        LOOKS[asked]()
    assert asked in watch.asked


def test_a_check_may_be_passed_over():
    class Trusting(Interpreter):
        def check(self, tensor: TensorBase, why: str) -> Any:
            return np.zeros_like(super().check(tensor, why))

    with Trusting():
        F.gaussian_nll_loss(ones, ones, -ones)
    with pytest.raises(ValueError, match="negative"):
        F.gaussian_nll_loss(ones, ones, -ones)


def test_probabilities_of_a_tensor_that_lies_otherwise_in_memory_keep_their_places():
    never_first = torch.tensor([0.0, 1.0, 1.0])
    drawn = torch.zeros(3, 4).t().bernoulli_(never_first)
    assert drawn.tolist() == [[0.0, 1.0, 1.0]] * 4
