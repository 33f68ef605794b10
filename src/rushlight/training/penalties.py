"""Penalties: what a training adds to the loss for the size of the parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rushlight._tensor import Tensor
from rushlight.training import checks

# A penalty is any function of the trained parameters that gives one number to add to the loss.
Penalty = Callable[[Sequence[Tensor]], Tensor]


def l1(strength: float, *, biases: bool = True) -> Penalty:
    """strength times the sum of |w| over the parameters, which drives small ones to zero.

    With biases=False, parameters of fewer than two dimensions are left out.

    >>> import rushlight as torch
    >>> l1(0.5)([torch.tensor([1.0, -3.0])])
    tensor(2.)
    """
    return _Norm("l1", strength, lambda w: w.abs().sum(), biases)


def l2(strength: float, *, biases: bool = True) -> Penalty:
    """strength times the sum of w**2 over the parameters.

    Its gradient is 2 * strength * w: `weight_decay=2 * strength` of SGD. With biases=False,
    parameters of fewer than two dimensions are left out.

    >>> import rushlight as torch
    >>> l2(0.5)([torch.tensor([1.0, -3.0])])
    tensor(5.)
    """
    return _Norm("l2", strength, lambda w: w.square().sum(), biases)


def listed(given: Any) -> list[Penalty]:
    """One penalty, or several, as a list."""
    found: list[Any] = checks.functions("penalty", given)
    for name, maker in (("l1", l1), ("l2", l2)):
        if maker in found:
            raise TypeError(f"penalty: {name} needs its strength: write penalty={name}(0.01)")
    return found


class _Norm:
    def __init__(
        self, name: str, strength: float, norm: Callable[[Tensor], Tensor], biases: bool
    ) -> None:
        checks.number(f"the strength of {name}", strength, 0)
        self.name, self.strength, self.norm, self.biases = name, strength, norm, biases

    def __call__(self, parameters: Sequence[Tensor]) -> Tensor:
        chosen = [w for w in parameters if self.biases or w.ndim > 1]
        if not chosen:
            raise ValueError(f"{self.name}: there are no parameters to keep small")
        total: Any = sum(self.norm(w) for w in chosen)
        return total * self.strength

    def __repr__(self) -> str:
        return f"{self.name}({self.strength})"
