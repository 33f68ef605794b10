"""What a node saved, by torch's names: `grad_fn._saved_self`, `grad_fn._raw_saved_other`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from numbers import Number
from typing import Any

import numpy as np

from rushlight.autograd.packing import Packed, PackedNode, Unpacked, saved_tensors_hooks
from rushlight.core.doors import literal
from rushlight.core.node import SavedOutput
from rushlight.core.row import Primitive
from rushlight.core.state import state
from rushlight.core.table import INPUT, OUT, OUT_PART, SHAPE, STATIC
from rushlight.core.tensor import TensorBase
from rushlight.errors import FREED

# How torch calls what the rules of most rows name so.
_USUAL = {
    "x": "self", "y": "other", "out": "result", "x_shape": "self_sym_sizes", "low": "min", "high": "max",
    "first": "tensor1", "second": "tensor2", "slope": "negative_slope", "rate": "input_scale",
}  # fmt: skip
# Where torch's names are others: its name, and the parameter of the row's rules or a function of the node.
_Source = str | Callable[[Any], Any]
_OWN: dict[str, dict[str, _Source]] = {
    "AddBackward0": {"alpha": lambda node: 1}, "SubBackward0": {"alpha": lambda node: 1},
    "AddmmBackward0": {"mat1": "x", "mat2": "weight"},
    "AddcmulBackward0": {"tensor1": "first", "tensor2": "second", "value": "value"},
    "CatBackward0": {"dim": "dim"},
    "ConvolutionBackward0": {
        "input": "x", "weight": "weight", "stride": "stride", "padding": "padding",
        "dilation": "dilation", "groups": "groups", "transposed": lambda node: False,
        "output_padding": lambda node: (0,) * len(node.static["stride"]),
        "bias_sym_sizes_opt": lambda node: _shape_of(node, 2) or (0,),
    },
    "DotBackward0": {"self": "x", "tensor": "y"},
    "EluBackward0": {
        "self_or_result": "x", "alpha": "alpha", "scale": "scale", "input_scale": "rate",
        "is_result": lambda node: False,
    },
    "EmbeddingBackward0": {
        "indices": "indices", "padding_idx": lambda node: node.static["padding_idx"] % 2**64,
        "scale_grad_by_freq": "scale_grad_by_freq", "sparse": lambda node: False,
        "weight_sym_argsize_0": lambda node: _shape_of(node, 0)[0],
    },
    "ExpandBackward0": {"self_sym_sizes": "x_shape"},
    "HardtanhBackward0": {"self": "x", "min_val": "low", "max_val": "high"},
    "IndexBackward0": {"self_sym_sizes": "x_shape", "indices": "indices"},
    "IndexSelectBackward0": {
        "self_sym_sizes": "x_shape", "index": lambda node: _kept(node, "indices")[-1],
        "dim": lambda node: len(node.static["spec"]) - 1,
    },
    "LerpBackward0": {"weight": "weight"},
    "MeanBackward0": {
        "self_sym_sizes": "x_shape", "self_sym_numel": lambda node: _numel(_shape_of(node, 0)),
    },
    "MmBackward0": {"self": "x", "mat2": ("y", "weight")},  # type: ignore[dict-item]
    "BmmBackward0": {"self": "x", "mat2": "y"},
    "MvBackward0": {"self": "x", "vec": "y"},
    "NativeLayerNormBackward0": {
        "input": "x", "weight": "weight", "result1": "out1", "result2": "out2",
        "normalized_shape": lambda node: tuple(_shape_of(node, 0)[d] for d in node.static["dims"]),
    },
    "NllLossBackward0": {"target": "target", "weight": "weight", "ignore_index": "ignore_index"},
    "PowBackward0": {"self": "x", "exponent": "y"},
    "PowBackward1": {"self": "x", "exponent": "y", "result": "out"},
    "PowBackward2": {"self": "x", "exponent": "y", "result": "out"},
    "RollBackward0": {"shifts": "shifts", "dims": "dims"},
    "SelectBackward0": {
        "self_sym_sizes": "x_shape", "dim": lambda node: _place(node)[0],
        "index": lambda node: _place(node)[1],
    },
    "SliceBackward0": {
        "self_sym_sizes": "x_shape", "dim": lambda node: _place(node)[0],
        "start": lambda node: _bounds(node)[0], "end": lambda node: _bounds(node)[1],
        "step": lambda node: _place(node)[1].step or 1,
    },
    "StackBackward0": {"dim": "dim"},
    "SumBackward0": {"self_sym_sizes": "x_shape"},
    "TBackward0": {},
    "TransposeBackward0": {
        "dim0": lambda node: _exchanged(node)[0], "dim1": lambda node: _exchanged(node)[1],
    },
    "TrilBackward0": {"diagonal": "diagonal"},
    "TriuBackward0": {"diagonal": "diagonal"},
    "UnsqueezeBackward0": {"dim": lambda node: _new_dim(node)},
    "ViewBackward0": {"self_sym_sizes": "x_shape"},
    "WhereBackward0": {"condition": "condition"},
}  # fmt: skip


def names_of(row: Primitive, label: str) -> dict[str, Any]:
    """torch's names for what nodes of a row, called so, save; and where that is found."""
    if label in _OWN:
        return _OWN[label]
    rules = [row.vjp] if callable(row.vjp) else [rule for rule in row.vjp or () if rule]
    found: dict[str, Any] = {}
    for rule in rules:
        for name in list(inspect.signature(rule).parameters)[1:]:
            found[_USUAL.get(name, name)] = name
    found.pop("needs", None)
    return found


def properties(row: Primitive, label: str) -> dict[str, Any]:
    """The attributes of the class of nodes that are called so."""
    attributes: dict[str, Any] = {}
    for theirs, ours in names_of(row, label).items():
        attributes[f"_saved_{theirs}"] = property(functools.partial(saved, source=ours))
        if ours.__class__ is not str or row.source(ours)[0] in (INPUT, OUT, OUT_PART):
            attributes[f"_raw_saved_{theirs}"] = property(functools.partial(_raw, source=ours))
    return attributes


def saved(node: Any, source: Any) -> Any:
    """What a node saved under the name of a rule's parameter; None if it was not needed."""
    if node.kept is None:
        raise RuntimeError(FREED)
    found = source(node) if callable(source) else _kept(node, source)
    return tuple(found) if isinstance(found, list) else found


def _raw(node: Any, source: Any) -> SavedTensor:
    return SavedTensor(node, _index(node, source))


def _kept(node: Any, source: Any) -> Any:
    for name in (source,) if isinstance(source, str) else source:
        kind, where = node.plan.row.source(name)
        index = _index(node, name)
        if index is not None:
            found = _restored(node, node.kept[index])
            # A factor that is a number is a tensor in torch's own product.
            number = isinstance(found, Number) and node.name() in ("MulBackward0", "DivBackward0")
            return literal(np.asarray(found)) if number else found
        if kind == SHAPE:
            return _shape_of(node, where)
        if kind == STATIC and name in node.static:
            return node.static[name]
    return None


def _restored(node: Any, found: Any) -> Any:
    if isinstance(found, tuple):
        return tuple(_restored(node, part) for part in found)
    if isinstance(found, Packed | SavedOutput) and not isinstance(found, Unpacked):
        recording, state.grad = state.grad, True
        try:
            return found.restore(node)
        finally:
            state.grad = recording
    return found


def _index(node: Any, source: Any) -> int | None:
    for name in (
        (source,) if isinstance(source, str) else source if isinstance(source, tuple) else ()
    ):
        place = node.plan.row.source(name)
        if place in node.plan.gather:
            return node.plan.gather.index(place)
    return None


def _shape_of(node: Any, number: int) -> Any:
    edge = node._edges[number] if number < len(node._edges) else None
    if isinstance(edge, TensorBase):
        return edge._data_.shape
    if edge is not None:
        return edge._meta(0 if node._edge_outputs is None else node._edge_outputs[number])[0]
    place = (SHAPE, number)
    return node.kept[node.plan.gather.index(place)] if place in node.plan.gather else None


def _numel(shape: Sequence[int]) -> int:
    count = 1
    for n in shape:
        count *= n
    return count


def _place(node: Any) -> tuple[int, Any]:
    """The dimension at which an index does something, and what."""
    index = node.static["index"]
    for dim, part in enumerate(index):
        if part != slice(None):
            return dim, part
    return 0, index[0]


def _bounds(node: Any) -> tuple[int, int]:
    part = _place(node)[1]
    return part.start or 0, 2**63 - 1 if part.stop is None else part.stop


def _exchanged(node: Any) -> tuple[int, int]:
    moved = [d for d, source in enumerate(node.static["dims"]) if d != source]
    return (moved[0], moved[-1]) if moved else (0, 0)


def _new_dim(node: Any) -> int:
    index = node.static.get("index", ())
    return index.index(None) if None in index else 0


class SavedTensor:
    """A saved tensor in its node, for which functions can be set that pack and unpack it."""

    node: Any

    def __init__(self, node: Any, index: int | None) -> None:
        self.node, self.index = node, index

    @property
    def data(self) -> Any:
        """The tensor as it was saved, packed or not."""
        kept = self._kept()
        return kept.box if isinstance(kept, Packed) else self.unpack()

    def unpack(self) -> Any:
        """The tensor."""
        return _restored(self.node, self._kept())

    def _kept(self) -> Any:
        known = self._list()
        if known is None:
            raise RuntimeError(FREED)
        return None if self.index is None else known[self.index]

    def _list(self) -> Any:
        """All that the node saved; None if it has forgotten it."""
        return self.node.kept

    def _replace(self, packed: Any) -> None:
        self.node.kept = [*self.node.kept]
        self.node.kept[self.index] = packed
        self.node.versions = ()
        self.node.__class__ = PackedNode

    def register_hooks(
        self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]
    ) -> None:
        """Keep pack_hook(tensor) in its place from now on, and unpack it in backward."""
        if self._list() is None:
            raise RuntimeError(
                "Calling register_hooks on a saved tensor after it has been freed. " + FREED
            )
        kept = self._kept()
        if kept is None or self.index is None:
            raise RuntimeError(
                "Calling register_hooks on a saved tensor with value None is forbidden"
            )
        if isinstance(kept, Packed):
            raise RuntimeError(
                "Calling register_hooks on a saved tensor whose hooks have already been set. Hint: "
                "only one pair of hooks is allowed at a time."
            )
        self._replace(saved_tensors_hooks(pack_hook, unpack_hook).pack(kept, self.node))
