"""scalar: an expression of two numbers as micrograd has them, some twenty operations, with both derivatives."""

from collections.abc import Callable

import torch


def expression(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    c = a * b + b**3
    d = (a + b).relu() + c * 2
    e = d - (b - a).relu() * 3 + 1
    f = (e * a - c) / 2
    return f**2 / 10 + 10 / (f + 20) + e


def build() -> Callable[[], torch.Tensor]:
    a = torch.tensor(-1.5, requires_grad=True)
    b = torch.tensor(2.5, requires_grad=True)

    def step() -> torch.Tensor:
        a.grad = b.grad = None
        out = expression(a, b)
        out.backward()
        return out

    return step
