"""Saved tensors packed by a program's own functions: `saved_tensors_hooks`, and what hangs on it.

While such hooks are set, an interpreter runs every primitive as usual and then puts, in its node,
what the pack function made of each saved tensor in the place of the tensor. The node becomes a
`PackedNode`, which unpacks before its rules run; all other nodes know nothing of this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from rushlight.core.doors import Interpreter
from rushlight.core.node import Node, PrimitiveNode, SavedOutput, SavedOutputs
from rushlight.core.row import Primitive
from rushlight.core.state import state
from rushlight.core.table import TABLE
from rushlight.core.tape import attach
from rushlight.core.tensor import TensorBase, wrap
from rushlight.errors import FREED


class saved_tensors_hooks(Interpreter):
    """Keep pack_hook(tensor) in the graph in the place of each saved tensor, and unpack it in backward.

    >>> import rushlight as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.autograd.graph.saved_tensors_hooks(lambda t: t.numpy(), torch.from_numpy):
    ...     y = x.exp()
    >>> y.sum().backward(); x.grad
    tensor([2.7183, 2.7183])
    """

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> Self:
        if state.packing_refused is not None:
            raise RuntimeError(state.packing_refused)
        self.before = state.packing
        state.packing = self
        return super().__enter__()

    def __exit__(self, *exception: object) -> None:
        state.packing = self.before
        super().__exit__(*exception)

    def apply(self, row: Primitive, inputs: tuple[Any, ...], static: dict[str, Any]) -> Any:
        """Run a primitive, and pack what its node keeps, unless hooks further inside have done so."""
        out = super().apply(row, inputs, static)
        for tensor in out if isinstance(out, tuple) else (out,):
            node = tensor._node_
            if node is not None and isinstance(node, PrimitiveNode):
                if state.packing is self:
                    self._pack_node(node)
                break
        return out

    def _pack_node(self, node: PrimitiveNode) -> None:
        if node.kept is not None and node.plan.saves and not isinstance(node, PackedNode):
            node.kept = [self._packed(kept, node) for kept in node.kept]
            node.versions = ()
            node.__class__ = PackedNode

    def _packed(self, kept: Any, node: Node) -> Any:
        if isinstance(kept, tuple):
            return tuple([self._packed(part, node) for part in kept])
        if isinstance(kept, SavedOutputs):
            return SavedOutputs(tuple(self.pack(part, node) for part in kept.parts))  # type: ignore[misc]
        return self.pack(kept, node) if isinstance(kept, TensorBase | SavedOutput) else kept

    def pack(self, kept: TensorBase | SavedOutput, node: Node) -> Packed:
        """What stands in the graph for a saved input, or for an output of node saved as an array."""
        shown: Any = kept.restore(node) if isinstance(kept, SavedOutput) else kept
        before = shown._changes_[0]
        recording, state.grad = state.grad, False
        hooks, state.packing = state.packing, None
        try:
            box = self.pack_hook(shown)
        finally:
            state.grad, state.packing = recording, hooks
        if shown._changes_[0] != before:
            raise RuntimeError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as input to "
                "pack hook can not be modified by in-place operations as this can lead to unexpected "
                "side-effects: .clone() it in the hook"
            )
        # A node that held its own output would be held by it.
        return Packed(kept if box is shown else box, self.unpack_hook, kept)


class Packed:
    """A saved tensor as its hook packed it, and where the tensor stood in the graph."""

    __slots__ = ("box", "unpack_hook", "place", "number", "is_output")

    def __init__(
        self, box: Any, unpack_hook: Callable[[Any], Any], kept: TensorBase | SavedOutput
    ) -> None:
        self.box = box
        self.unpack_hook = unpack_hook
        self.is_output = isinstance(kept, SavedOutput)
        self.place: Any = None
        self.number = 0
        if isinstance(kept, SavedOutput):
            self.number = kept.number
        elif kept._requires_grad_:
            self.place = kept if kept._node_ is None else kept._node_
            self.number = kept._output_nr_

    def restore(self, node: Node) -> Any:
        """The tensor again, at its place in the graph."""
        recording, state.grad = state.grad, False
        try:
            box = self.box
            found = self.unpack_hook(box.restore(node) if isinstance(box, SavedOutput) else box)
        finally:
            state.grad = recording
        if not isinstance(found, TensorBase):
            raise TypeError(
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                f"{type(found).__name__}"
            )
        place = node if self.is_output else self.place
        if isinstance(place, Node):
            return SavedOutput(found._data_, self.number).restore(place)
        restored = wrap(found._data_)
        if place is not None and state.grad:
            # What is done with the values counts for the leaf.
            attach(TABLE["clone"], (place,), {}, restored)
        return restored


class PackedNode(PrimitiveNode):
    """The node of a row whose saved tensors are packed."""

    __slots__ = ()

    def _gradients(self, g: Any) -> Any:
        """Unpack, and run the row's rules."""
        packed = self.kept
        if packed is None:
            raise RuntimeError(FREED)
        try:
            self.kept = [self._unpacked(kept) for kept in packed]
            return super()._gradients(g)
        finally:
            self.kept = packed

    def _unpacked(self, kept: Any) -> Any:
        if isinstance(kept, tuple):
            return tuple(map(self._unpacked, kept))
        if isinstance(kept, SavedOutputs):
            return Unpacked(kept.restore(self))
        if isinstance(kept, Packed):
            restored = kept.restore(self)
            return Unpacked(restored) if kept.is_output else restored
        return kept


class Unpacked(SavedOutput):
    """An output, or a list of them, that is a tensor already."""

    __slots__ = ()

    def __init__(self, restored: Any) -> None:
        self.array = restored

    def restore(self, node: Node) -> Any:
        """The tensor."""
        return self.array


class save_on_cpu(saved_tensors_hooks):
    """Keep saved tensors in the memory of the CPU, which is where they are."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda tensor: tensor, lambda tensor: tensor)


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Refuse `saved_tensors_hooks` in the block, with this message."""
    if state.packing is not None:
        raise RuntimeError(error_message)
    before, state.packing_refused = state.packing_refused, error_message
    try:
        yield
    finally:
        state.packing_refused = before
