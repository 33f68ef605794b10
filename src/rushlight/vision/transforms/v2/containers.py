"""Transforms made of transforms, or of a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rushlight import random as streams
from rushlight.core.doors import draw
from rushlight.nn import ModuleList
from rushlight.ops.creation import tensor
from rushlight.ops.sampling import multinomial
from rushlight.vision.transforms.base import chance
from rushlight.vision.transforms.v2.transform import Transform

Step = Callable[..., Any]


class _Several(Transform):
    def __init__(self, transforms: Sequence[Step]) -> None:
        super().__init__()
        if not isinstance(transforms, (Sequence, ModuleList)):
            raise TypeError("Argument transforms should be a sequence of callables")
        self.transforms = transforms


def _one_after_the_other(steps: Any, inputs: tuple[Any, ...]) -> Any:
    unpacks = len(inputs) > 1
    for step in steps:
        outputs = step(*inputs)
        inputs = outputs if unpacks else (outputs,)
    return inputs if unpacks else inputs[0]


class _Listed(_Several):
    def extra_repr(self) -> str:
        """One transform a line."""
        return "\n".join(f"    {step}" for step in self.transforms)


class Compose(_Listed):
    """One transform after the other."""

    def __init__(self, transforms: Sequence[Step]) -> None:
        super().__init__(transforms)
        if not transforms:
            raise ValueError("Pass at least one transform")

    def forward(self, *inputs: Any) -> Any:
        """All that is given, through all of them."""
        return _one_after_the_other(self.transforms, inputs)


class RandomApply(_Listed):
    """All of the transforms, with probability p, or none."""

    def __init__(self, transforms: Any, p: float = 0.5) -> None:
        super().__init__(transforms)
        if not 0.0 <= p <= 1.0:
            raise ValueError("`p` should be a floating point value in the interval [0.0, 1.0].")
        self.p = p

    def forward(self, *inputs: Any) -> Any:
        """All that is given, changed or not."""
        if chance() >= self.p:
            return inputs if len(inputs) > 1 else inputs[0]
        return _one_after_the_other(self.transforms, inputs)


class RandomChoice(_Several):
    """One of the transforms, with probabilities p."""

    def __init__(self, transforms: Sequence[Step], p: list[float] | None = None) -> None:
        super().__init__(transforms)
        weights = [1.0] * len(transforms) if p is None else p
        if len(weights) != len(transforms):
            raise ValueError(
                f"Length of p doesn't match the number of transforms: {len(weights)} != {len(transforms)}"
            )
        total = sum(weights)
        self.p = [weight / total for weight in weights]

    def forward(self, *inputs: Any) -> Any:
        """All that is given, through one of them."""
        index = int(multinomial(tensor(self.p), 1))
        return self.transforms[index](*inputs)


class RandomOrder(_Several):
    """All of the transforms, in random order."""

    def forward(self, *inputs: Any) -> Any:
        """All that is given, through all of them."""
        order = draw(streams.randperm, None, n=len(self.transforms)).tolist()
        return _one_after_the_other([self.transforms[i] for i in order], inputs)


class Identity(Transform):
    """Nothing changes."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The value itself."""
        return inpt


class Lambda(Transform):
    """A function as a transform of the values of some types, or of all."""

    def __init__(self, lambd: Step, *types: type) -> None:
        super().__init__()
        self.lambd = lambd
        self.types = types or (object,)

    def _is_for(self, value: Any) -> bool:
        return isinstance(value, self.types)

    def _needs_transform_list(self, flat_inputs: list[Any]) -> list[bool]:
        if self.types == (object,):
            return [True] * len(flat_inputs)
        return super()._needs_transform_list(flat_inputs)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """What the function makes of one value."""
        return self.lambd(inpt)

    def extra_repr(self) -> str:
        """The function's name and the types."""
        name = getattr(self.lambd, "__name__", "")
        return ", ".join(([name] if name else []) + [f"types={[t.__name__ for t in self.types]}"])
