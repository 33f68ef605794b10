"""A library addressed by torch's names, and how torch's test inputs get into it."""

from __future__ import annotations

import dataclasses
import io
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

NAMED = (torch.dtype, torch.layout, torch.memory_format)
STORED = (torch.nn.Module, torch.nn.utils.rnn.PackedSequence)


class MissingName(LookupError):
    """The library has nothing under this name."""


class Library:
    """torch or rushlight: both sides of a comparison run through the same code."""

    def __init__(self, module: types.ModuleType) -> None:
        self.module: Any = module

    def find(self, path: str) -> Any:
        """What torch calls `torch.<path>`."""
        found = self.module
        for part in path.split("."):
            if not hasattr(found, part):
                raise MissingName(path)
            found = getattr(found, part)
        return found

    def seed(self) -> None:
        """Start the random numbers anew."""
        self.module.default_generator.manual_seed(0)

    def tensors(self, value: Any) -> list[Any]:
        """All tensors of a nested result, in order."""
        return [leaf for leaf in leaves(value) if isinstance(leaf, self.module.Tensor)]

    def array(self, tensor: Any) -> np.ndarray:
        """The values of a tensor."""
        return np.asarray(tensor.numpy(force=True))

    def like(self, tensor: Any, numbers: np.random.RandomState) -> Any:
        """A tensor of normal numbers with this one's shape and type; the same in both libraries."""
        array = self.array(tensor)
        drawn = numbers.standard_normal(array.shape)
        if array.dtype.kind == "c":
            drawn = drawn + 1j * numbers.standard_normal(array.shape)
        return self.module.from_numpy(np.asarray(drawn).astype(array.dtype))


def leaves(value: Any) -> Iterator[Any]:
    """The items of nested lists, tuples and dicts, in order."""
    if isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)
    else:
        yield value


class Carrier:
    """Takes torch's objects over into a library; `wanting` lists the tensors that want gradients.

    Every tensor becomes a leaf of its own memory, and one that is given twice stays one.
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        self.wanting: list[Any] = []
        self.known: dict[int, tuple[Any, Any]] = {}

    def __call__(self, value: Any) -> Any:
        """The same value, with the library's objects for torch's."""
        find = self.library.find
        if isinstance(value, torch.Tensor):
            if id(value) not in self.known:
                self.known[id(value)] = value, self.tensor(value)
            return self.known[id(value)][1]
        if isinstance(value, NAMED):
            return find(str(value).removeprefix("torch."))
        if isinstance(value, torch.device):
            return find("device")(str(value))
        if isinstance(value, torch.Size):
            return find("Size")(tuple(value))
        if isinstance(value, STORED):
            return self.stored(value)
        if isinstance(value, list | tuple):
            return type(value)(self(item) for item in value)
        if isinstance(value, dict):
            return {key: self(item) for key, item in value.items()}
        if isinstance(value, slice):
            return slice(self(value.start), self(value.stop), self(value.step))
        if dataclasses.is_dataclass(value) and type(value).__module__.startswith("torch."):
            fields = {f.name: self(getattr(value, f.name)) for f in dataclasses.fields(value)}
            return find(public(type(value)))(**fields)
        if callable(value) and (getattr(value, "__module__", None) or "").startswith("torch"):
            return find(public(value))
        return value

    def tensor(self, source: torch.Tensor) -> Any:
        """A leaf with the source's values, type, order in memory, and wish for a gradient."""
        array = self.placed(source.numpy(force=True))
        tensor = self.library.module.from_numpy(array)
        if isinstance(source, torch.nn.Parameter):
            tensor = self.library.find("nn.Parameter")(tensor, source.requires_grad)
        elif source.requires_grad:
            tensor.requires_grad_()
        if source.requires_grad:
            self.wanting.append(tensor)
        return tensor

    def placed(self, array: np.ndarray) -> np.ndarray:
        """The values in memory of their own, in the same order."""
        return array.copy(order="K")

    def stored(self, value: Any) -> Any:
        """Through a file in torch's format."""
        file = io.BytesIO()
        torch.save(value, file)
        file.seek(0)
        return self.library.module.load(file, weights_only=False)


def public(value: Any) -> str:
    """The name under which users find a function or class of torch."""
    for prefix, owner in (("nn.functional.", torch.nn.functional), ("nn.", torch.nn), ("", torch)):
        if getattr(owner, value.__name__, None) is value:
            return prefix + value.__name__
    return f"{value.__module__}.{value.__qualname__}".removeprefix("torch.")
