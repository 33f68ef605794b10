"""What a tensor of a mesh answers when a public function asks it: see `dtensor.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.core.tensor import wants_grad
from rushlight.distributed.tensor.dtensor import DTensor, made, moved_to, part_of
from rushlight.distributed.tensor.moving import Whole
from rushlight.distributed.tensor.placement_types import (
    DTensorSpec,
    Partial,
    Placement,
    Replicate,
    Shard,
    TensorMeta,
    compact_strides,
    local_place,
)
from rushlight.distributed.tensor.rules import POINTWISE, VIEWS, Call, Choice, choices, cost
from rushlight.ops.creation import empty
from rushlight.overriding.asking import DisableTorchFunctionSubclass
from rushlight.size import Size
from rushlight.utils.trees import tree_flatten, tree_unflatten

# What is asked of the tensor on this process as it is.
_OF_ITSELF = {
    "requires_grad_", "register_hook", "retain_grad", "is_floating_point", "is_complex", "is_signed",
    "element_size", "hash", "data_ptr", "untyped_storage", "storage", "is_contiguous", "share_memory_",
    "is_shared", "register_post_accumulate_grad_hook", "get_device", "_is_view", "is_inference", "_version",
}  # fmt: skip
_TOLD = {"size", "numel", "nelement", "dim", "ndimension", "stride", "len", "shape", "ndim"}
_INPLACE_OPERATORS = set(
    ["iadd", "isub", "imul", "itruediv", "ifloordiv", "imod", "ipow", "iand", "ior", "ixor"]
)
_TURNED = {"T", "mT", "H", "mH", "data", "real", "imag"}
_WITHOUT = {"tolist", "numpy"}
# What Python asks of one element is that of this process, also where a sum is still to be made.
_VALUES = {"item", "__float__", "__int__", "__bool__", "__index__", "__complex__"}

_implicit = [0]


class implicit_replication:
    """The block in which plain tensors count as whole ones."""

    def __enter__(self) -> None:
        _implicit[0] += 1

    def __exit__(self, *exception: object) -> None:
        _implicit[0] -= 1


def asked(
    cls: type[Any],
    func: Callable[..., Any],
    types: Any,
    args: tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
) -> Any:
    """The answer of a tensor of a mesh to a public function."""
    raw = func.__name__
    if raw in ("__get__", "__set__", "__delete__"):
        raw, kind = cast(Any, func).__self__.fget.__name__, raw
        if kind != "__get__" or raw not in _TURNED:
            return _as_it_is(func, args, kwargs or {})
    bare = raw.strip("_") if len(raw) > 1 else raw
    if raw in _OF_ITSELF or bare in _OF_ITSELF:
        return _as_it_is(func, args, kwargs or {})
    if bare in _TOLD and isinstance(args[0], DTensor):
        found = getattr(args[0], "__len__" if bare == "len" else bare)
        return found(*args[1:], **(kwargs or {})) if callable(found) else found
    if bare in _WITHOUT:
        raise RuntimeError(
            f".{bare}() is not supported for tensor subclasses"
            + (f", got {cls.__name__}" if bare == "tolist" else ".")
        )
    if raw in _VALUES and isinstance(args[0], DTensor):
        return func(part_of(args[0]), *args[1:], **(kwargs or {}))
    if raw == "backward":
        return _backward(args, kwargs or {})
    inplace = (raw.endswith("_") and not raw.endswith("__")) or bare in _INPLACE_OPERATORS
    with DisableTorchFunctionSubclass():
        return _Operation(func, bare, args, kwargs or {}, inplace or raw == "__setitem__").run()


def _as_it_is(func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    with DisableTorchFunctionSubclass():
        return func(*args, **kwargs)


def _local(value: Any) -> Any:
    whole = (Replicate(),) * value._spec.mesh.ndim if isinstance(value, DTensor) else ()
    return part_of(moved_to(value, whole)) if isinstance(value, DTensor) else value


def _backward(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Backward begins at the whole, whose gradient is whole; `inputs` are leaves as they are."""
    kept = {k: v if k == "inputs" else _local(v) for k, v in kwargs.items()}
    with DisableTorchFunctionSubclass():
        root, *rest = [_local(v) for v in args]
        return root.backward(*rest, **kept)


class _Operation:
    """One call of a function on tensors of a mesh."""

    def __init__(self, func: Any, name: str, args: Any, kwargs: Any, inplace: bool) -> None:
        self.func, self.name, self.inplace = func, name, inplace
        self.out = kwargs.pop("out", None) if "out" in kwargs else None
        self.flat, self.tree = tree_flatten((args, kwargs))
        self.places = [i for i, v in enumerate(self.flat) if isinstance(v, DTensor)]
        if not self.places:
            self.flat.append(None)
        self.tensors: list[DTensor] = [self.flat[i] for i in self.places]
        known: Any = self.tensors[0] if self.tensors else self.out
        self.mesh = known._spec.mesh
        self._replicate_plain()
        cuts = [sum(isinstance(p, Shard) for p in t.placements) for t in self.tensors]
        self.leader = 0 if inplace else cuts.index(max(cuts))
        shapes = [tuple(t.shape) for t in self.tensors]
        self.call = Call(name, args, kwargs, self.tensors, shapes, self.leader, func)
        self.call.outline = self.outlined
        self._outline: Any = None

    def _replicate_plain(self) -> None:
        """Numbers that are tensors are whole; other plain tensors are not known to be."""
        for _i, value in enumerate(self.flat):
            if not isinstance(value, Tensor) or isinstance(value, DTensor):
                continue
            if value._data_.ndim and value._data_.size != 1 and not _implicit[0]:
                raise RuntimeError(
                    f"{self.name}: got mixed torch.Tensor and DTensor, need to convert all torch.Tensor to DTensor "
                    "before calling distributed operators!"
                )

    def outlined(self) -> Any:
        """What the function would give of whole tensors: shapes alone."""
        if self._outline is None:
            flat = list(self.flat)
            for place, tensor in zip(self.places, self.tensors, strict=True):
                flat[place] = empty(tuple(tensor.shape), dtype=tensor.dtype, device="meta")
            flat = [
                v.to("meta") if isinstance(v, Tensor) and v._data_.size != 1 else v for v in flat
            ]
            args, kwargs = tree_unflatten(flat, self.tree)
            with no_grad():
                self._outline = self.func(*args, **kwargs)
        return self._outline

    def _choose(self) -> tuple[list[tuple[Placement, ...]], tuple[Placement, ...], Any]:
        """How each tensor is to lie, how results will, and what runs in place of the function."""
        taken: list[list[Placement]] = [[] for _ in self.tensors]
        given: list[Placement] = []
        run = None
        for side in range(self.mesh.ndim):
            self.call.parts = self.mesh.size(side)
            self.call.current = [t.placements[side] for t in self.tensors]
            best = self._cheapest(side, run is None)
            for places, placement in zip(taken, best.taken, strict=True):
                places.append(placement)
            given.append(best.given)
            if best.run is not None:
                run = (best.run, side)
        return [tuple(p) for p in taken], tuple(given), run

    def _cheapest(self, side: int, may_run: bool) -> Choice:
        best, least = None, float("inf")
        for choice in choices(self.call):
            if choice.run is not None and not may_run:
                continue
            price = 0.0
            for tensor, before, after in zip(
                self.tensors, self.call.current, choice.taken, strict=True
            ):
                price += cost(before, after, tensor.numel() + 1, self.call.parts)
            if best is None or price < least:
                best, least = choice, price
        return cast(Choice, best)

    def run(self) -> Any:
        if not self.tensors:
            return self._into_out(self.func(*self.call.args, **self.call.kwargs))
        if self.inplace and self.name not in POINTWISE:
            return self._change_whole()
        taken, given, run = self._choose()
        if self.inplace:
            target = self.tensors[0]
            ways = zip(target.placements, taken[0], given, strict=True)
            if any(isinstance(old, Partial) and {old, new, out} != {old} for old, new, out in ways):
                self._refuse(target)
            given = self.tensors[0].placements
            taken[0] = given
        parts = [
            self._part(tensor, places, given)
            for tensor, places in zip(self.tensors, taken, strict=True)
        ]
        if run is not None:
            where = self.mesh.get_coordinate() or (0,) * self.mesh.ndim
            result = run[0](*parts, where[run[1]])
        elif self.name in VIEWS or self.name == "expand":
            sizes = local_place(self.call.result or (), self.mesh, given)[0]
            method = "expand" if self.name == "expand" else "reshape"
            result = getattr(parts[0], method)(sizes)
        else:
            result = self._called(parts)
        if self.inplace:
            return self.tensors[0]
        for part, tensor in zip(parts, self.tensors, strict=True):
            if result is part:
                return tensor
        return self._into_out(self._told(result, given))

    def _part(
        self, tensor: DTensor, places: tuple[Placement, ...], given: tuple[Placement, ...]
    ) -> Tensor:
        local = part_of(moved_to(tensor, places))
        if not wants_grad(local):
            return local
        sides = [
            i
            for i, (own, out) in enumerate(zip(places, given, strict=True))
            if isinstance(own, Replicate) and not isinstance(out, Replicate)
        ]
        return cast(Tensor, Whole.apply(local, self.mesh, sides)) if sides else local

    def _called(self, parts: list[Tensor]) -> Any:
        flat = list(self.flat)
        for place, part in zip(self.places, parts, strict=True):
            flat[place] = part
        args, kwargs = tree_unflatten(flat, self.tree)
        return self.func(*args, **kwargs)

    def _told(self, result: Any, given: tuple[Placement, ...]) -> Any:
        """Results say how they lie."""
        found, tree = tree_flatten(result)
        if not any(isinstance(v, Tensor) for v in found):
            return result
        cut = any(isinstance(p, Shard) for p in given)
        if cut and self.name in POINTWISE:
            shape = np.broadcast_shapes(*self.call.shapes)
            whole = [(shape, compact_strides(shape))] * len(found)
        elif cut:
            shown = tree_flatten(self.outlined())[0]
            whole = [(tuple(v.shape), v.stride()) for v in shown]
        else:
            whole = [
                (tuple(v.shape), v.stride()) if isinstance(v, Tensor) else ((), ()) for v in found
            ]
        told = [
            made(v, DTensorSpec(self.mesh, given, TensorMeta(Size(shape), strides, v.dtype)))
            if isinstance(v, Tensor)
            else v
            for v, (shape, strides) in zip(found, whole, strict=True)
        ]
        return tree_unflatten(told, tree)

    def _refuse(self, target: DTensor) -> None:
        raise RuntimeError(
            f"{self.name}_: in-place operations that require placement changes are not supported. The input has "
            f"placements {target.placements}, and is to be summed first: use the operation that gives a new tensor"
        )

    def _change_whole(self) -> Any:
        """A change that is not element by element: of the whole, of which each takes its part."""
        target = self.tensors[0]
        whole = (Replicate(),) * self.mesh.ndim
        if any(isinstance(p, Partial) for p in target.placements):
            self._refuse(target)
        parts = [part_of(moved_to(t, whole)) for t in self.tensors]
        if target.placements == whole:
            self._called(parts)
            return target
        parts[0] = parts[0].clone()
        self._called(parts)
        changed = made(parts[0], DTensorSpec(self.mesh, whole, target._spec.tensor_meta))
        part_of(target).copy_(part_of(moved_to(changed, target.placements)))
        return target

    def _into_out(self, result: Any) -> Any:
        if self.out is None:
            return result
        value = moved_to(result, self.out.placements) if isinstance(result, DTensor) else result
        part_of(self.out).copy_(part_of(value) if isinstance(value, DTensor) else value)
        return self.out
