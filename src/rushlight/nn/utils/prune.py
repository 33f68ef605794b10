"""Pruning: parts of a weight are held at zero by a mask."""

from __future__ import annotations

import math
import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import numpy as np

from rushlight._tensor import Tensor
from rushlight.core.doors import literal, read
from rushlight.core.tensor import Array, wrap
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]


class BasePruningMethod(ABC):
    """A way to choose what is kept; on a module it is a hook that applies its mask before forward.

    The tensor's own values stay under name_orig, the mask under name_mask.
    """

    PRUNING_TYPE: str
    _tensor_name: str

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Ones where t is kept; t is pruned already where default_mask is zero."""

    def __call__(self, module: Module, inputs: Any) -> None:
        """Put the masked tensor under its name before a forward."""
        setattr(module, self._tensor_name, self.apply_mask(module))

    def apply_mask(self, module: Module) -> Tensor:
        """The masked tensor."""
        mask = getattr(module, self._tensor_name + "_mask")
        original = getattr(module, self._tensor_name + "_orig")
        return mask.to(original.dtype) * original

    @classmethod
    def apply(
        cls,
        module: Module,
        name: str,
        *args: Any,
        importance_scores: Tensor | None = None,
        **kwargs: Any,
    ) -> BasePruningMethod:
        """Prune one parameter of a module; what was pruned before stays so."""
        hooks = module._forward_pre_hooks
        old = next(
            (
                (key, hook)
                for key, hook in hooks.items()
                if isinstance(hook, BasePruningMethod) and hook._tensor_name == name
            ),
            None,
        )
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        original = getattr(module, name)
        scores = original if importance_scores is None else importance_scores
        if old is None and not isinstance(original, Parameter):
            raise TypeError(f"what is pruned is a parameter, and {name!r} is a {type(original)}")
        _check_scores(scores, original, f"parameter {name} of {module}")
        if old is not None:
            before = old[1]
            if not isinstance(before, PruningContainer):
                before = PruningContainer(before)
            before.add_pruning_method(method)
            method = before
            mask = getattr(module, name + "_mask").clone()
        else:
            mask = literal(np.ones_like(original._data_))
        # Everything that can fail happens before the module changes.
        mask = method.compute_mask(scores, default_mask=mask)
        if old is None:
            module.register_parameter(name + "_orig", original)
            del module._parameters[name]
        else:
            del hooks[old[0]]
        module.register_buffer(name + "_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(
        self,
        t: Tensor,
        default_mask: Tensor | None = None,
        importance_scores: Tensor | None = None,
    ) -> Tensor:
        """t with zeros where this method would prune it."""
        scores = t if importance_scores is None else importance_scores
        _check_scores(scores, t, "tensor t")
        mask = literal(np.ones_like(t._data_)) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=mask)

    def remove(self, module: Module) -> None:
        """Make the zeros permanent: the masked tensor becomes the parameter."""
        name = self._tensor_name
        weight = self.apply_mask(module)
        original: Any = module._parameters[name + "_orig"]
        original.data = weight.data
        del module._parameters[name + "_orig"], module._buffers[name + "_mask"]
        delattr(module, name)
        setattr(module, name, original)


class PruningContainer(BasePruningMethod):
    """Several methods on one tensor, each choosing among what the ones before have left."""

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: tuple[Any, ...] = ()
        if args:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """Add a method for the same tensor."""
        if method is not None and not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None and method._tensor_name != self._tensor_name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Any:
        return iter(self._pruning_methods)

    def __getitem__(self, index: int) -> BasePruningMethod:
        return self._pruning_methods[index]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of the last method, within what default_mask has kept."""
        method: Any = self._pruning_methods[-1]
        mask = read(default_mask, "what is pruned").copy()
        kind = method.PRUNING_TYPE
        part: Any
        if kind == "unstructured":
            part = mask == 1
        elif kind == "structured":
            axis = method.dim % mask.ndim
            kept = mask.sum(axis=tuple(d for d in range(mask.ndim) if d != axis)) != 0
            part = (*[slice(None)] * axis, kept)
        elif kind == "global":
            part = ...
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {kind}")
        chosen = method.compute_mask(
            wrap(np.asarray(read(t, "what is pruned")[part])),
            default_mask=wrap(np.asarray(mask[part])),
        )
        mask[part] = read(chosen, "what is pruned")
        return wrap(mask)


def _check_scores(scores: Any, of: Any, called: str) -> None:
    if scores.shape != of.shape:
        raise AssertionError(
            f"importance_scores should have the same shape as {called}, "
            f"got {scores.shape} vs {of.shape}"
        )


def _check_amount(amount: Any) -> None:
    if not isinstance(amount, numbers.Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if not float(amount) >= 0 or (float(amount) > 1 and not isinstance(amount, numbers.Integral)):
        raise ValueError(
            f"amount={amount} should either be a float in the range [0, 1] or a non-negative "
            "integer"
        )


def _how_many(amount: float, size: int) -> int:
    """How many of size are pruned, for a fraction or a number."""
    number = amount if isinstance(amount, numbers.Integral) else round(amount * size)
    if number > size:
        raise ValueError(
            f"amount={number} should be smaller than the number of parameters to prune={size}"
        )
    return number


def _without(mask: Tensor, chosen: Array) -> Tensor:
    """The mask with zeros at these places of its flat form."""
    pruned = read(mask, "what is pruned").copy()
    pruned.reshape(-1)[chosen] = 0
    return wrap(pruned)


def _largest(scores: Tensor, k: int, largest: bool = True) -> Array:
    return read(scores.reshape(-1).topk(k, largest=largest).indices, "what is pruned")


class Identity(BasePruningMethod):
    """Prunes nothing, but sets mask and original up."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The default mask."""
        return default_mask


class CustomFromMask(BasePruningMethod):
    """Prunes where a given mask is zero."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Both masks together."""
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {default_mask.shape} must match self.mask shape {self.mask.shape}"
            )
        return default_mask * self.mask.to(dtype=default_mask.dtype)


class _Unstructured(BasePruningMethod):
    """Prunes single elements: an amount of those that are smallest by a measure of its own."""

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: float) -> None:
        _check_amount(amount)
        self.amount = amount

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Zeros at amount of t's elements."""
        number = _how_many(self.amount, t._data_.size)
        return _without(default_mask, self._chosen(t, number)) if number else default_mask.clone()

    def _chosen(self, t: Tensor, number: int) -> Array:
        raise NotImplementedError


class RandomUnstructured(_Unstructured):
    """Prunes single elements at random."""

    def _chosen(self, t: Tensor, number: int) -> Array:
        return _largest(literal(np.empty_like(t._data_)).uniform_(), number)


class L1Unstructured(_Unstructured):
    """Prunes the single elements that are smallest."""

    def _chosen(self, t: Tensor, number: int) -> Array:
        return _largest(t.abs(), number, largest=False)


class _Structured(BasePruningMethod):
    """Prunes whole channels along dim."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        _check_amount(amount)
        self.amount = amount
        self.dim = dim

    @abstractmethod
    def scores(self, t: Tensor) -> Tensor:
        """The importance of each channel."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Zeros at amount of t's channels."""
        if t.dim() <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. Found tensor "
                f"of shape {t.shape} with {t.dim()} dims"
            )
        if not -t.dim() <= self.dim < t.dim():
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        axis = self.dim % t.dim()
        channels = t.shape[axis]
        number = _how_many(self.amount, channels)
        if not number:
            return default_mask.clone()
        kept = np.zeros(channels, t._data_.dtype)
        kept[_largest(self.scores(t), channels - number)] = 1
        shape = [1] * t.dim()
        shape[axis] = channels
        return default_mask.to(t.dtype) * wrap(kept.reshape(shape))


class RandomStructured(_Structured):
    """Prunes whole channels at random."""

    def scores(self, t: Tensor) -> Tensor:
        """A random number for each channel."""
        return literal(np.empty(t.shape[self.dim], np.float32)).uniform_()


class LnStructured(_Structured):
    """Prunes the channels whose n-norm is smallest."""

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def scores(self, t: Tensor) -> Tensor:
        """The norm of each channel."""
        others = [d for d in range(t.dim()) if d != self.dim % t.dim()]
        return t.norm(p=self.n, dim=others)


def identity(module: Module, name: str) -> Module:
    """Set mask and original up without pruning anything."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: float) -> Module:
    """Prune amount (a number, or a fraction) of single elements at random."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(
    module: Module, name: str, amount: float, importance_scores: Tensor | None = None
) -> Module:
    """Prune amount (a number, or a fraction) of single elements, the smallest.

    >>> import rushlight as torch
    >>> layer = torch.nn.Linear(10, 1)
    >>> _ = torch.nn.utils.prune.l1_unstructured(layer, "weight", amount=0.3)
    >>> (layer.weight == 0).sum()
    tensor(3)
    """
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: float, dim: int) -> Module:
    """Prune amount (a number, or a fraction) of the channels along dim at random."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Module,
    name: str,
    amount: float,
    n: Any,
    dim: int,
    importance_scores: Tensor | None = None,
) -> Module:
    """Prune amount (a number, or a fraction) of the channels along dim, by their n-norm."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prune where mask is zero."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: dict[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters together, as if they were one vector."""
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    listed = list(parameters)
    given = {} if importance_scores is None else importance_scores
    if not isinstance(given, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    scores, masks = [], []
    for module, name in listed:
        tensor = getattr(module, name)
        scores.append(read(given.get((module, name), tensor), "what is pruned").reshape(-1))
        mask = getattr(module, name + "_mask", None)
        masks.append(
            (np.ones_like(tensor._data_) if mask is None else read(mask, "what is pruned")).reshape(
                -1
            )
        )
    method: Any = pruning_method(**kwargs)
    method._tensor_name = "temp"
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            "Only 'unstructured' PRUNING_TYPE supported for the `pruning_method`. Found method "
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    joined = PruningContainer(method).compute_mask(
        wrap(np.concatenate(scores)), default_mask=wrap(np.concatenate(masks))
    )
    start = 0
    for module, name in listed:
        shape = getattr(module, name).shape
        size = math.prod(shape)
        part = read(joined, "what is pruned")[start : start + size].reshape(shape)
        custom_from_mask(module, name, wrap(part))
        start += size


def is_pruned(module: Module) -> bool:
    """Whether the module, or one below it, is being pruned."""
    return any(
        isinstance(hook, BasePruningMethod)
        for part in module.modules()
        for hook in part._forward_pre_hooks.values()
    )


def remove(module: Module, name: str) -> Module:
    """Make the zeros of a pruned parameter permanent."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(
        f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed"
    )
