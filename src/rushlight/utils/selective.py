"""Selective checkpoints: which results a program would rather keep than compute again.

A policy is asked about every row that is an operator of ATen, with its result. What it keeps is given to the
second run in the place of what the row would compute; the row is recorded as always.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from copy import copy
from typing import Any, ClassVar, Self

from rushlight.core.doors import Interpreter
from rushlight.core.row import Primitive
from rushlight.core.turned import held
from rushlight.random import default_generator

__all__ = [
    "SAC_IGNORED_OPS",
    "CheckpointPolicy",
    "DefaultDeviceType",
    "GraphExecGroup",
    "SelectiveCheckpointContext",
    "create_selective_checkpoint_contexts",
    "get_device_states",
    "set_device_states",
]  # fmt: skip


class CheckpointPolicy(enum.Enum):
    """What is to become of the result of an operation in a checkpoint."""

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3
    MUST_CPU_OFFLOAD = 4
    PREFER_CPU_OFFLOAD = 5


class SelectiveCheckpointContext:
    """What a policy is told besides the operation: whether this is the second run."""

    def __init__(self, *, is_recompute: bool, op_output: Any = None) -> None:
        self.is_recompute = is_recompute
        self.op_output = op_output


# The operations that no policy is asked about: those that only ask.
SAC_IGNORED_OPS: set[Any] = set()

_KEPT = (CheckpointPolicy.MUST_SAVE, CheckpointPolicy.PREFER_SAVE)
_DIFFERENT = (
    "This can happen if the operations in the checkpointed region are nondeterministic or depend on "
    "global state that changed between forward and backward."
)


class _Entry:
    """What became of the result of one operation: kept, to be computed again, or taken already."""

    def __init__(self, result: Any = None) -> None:
        parts = result if isinstance(result, tuple) else () if result is None else (result,)
        self.several = isinstance(result, tuple)
        self.parts = [part.detach() for part in parts]
        self.versions = [part._version for part in self.parts]
        self.taken = False

    def take(self, changed_is_fine: bool) -> Any:
        """The arrays, once."""
        if self.taken:
            raise RuntimeError(
                "Trying to backward an extra time. You are only allowed to backward once on any region "
                "computed under selective activation checkpoint."
            )
        if not changed_is_fine and self.versions != [part._version for part in self.parts]:
            raise RuntimeError(
                "Tensor cached during selective activation checkpoint has been mutated"
            )
        arrays = tuple(map(held, self.parts))
        self.taken, self.parts = True, []
        return arrays if self.several else arrays[0]


_Entries = dict[Any, list[_Entry]]


class _Asking(Interpreter):
    """In the first run: asks the policy about each operation, and keeps what it says."""

    def __init__(self, policy: Callable[..., Any], entries: _Entries) -> None:
        self.policy, self.entries = policy, entries

    def apply(self, row: Primitive, inputs: tuple[Any, ...], static: dict[str, Any]) -> Any:
        """Run the row; keep its result if the policy says so."""
        out = super().apply(row, inputs, static)
        operator = _operator(row, inputs, static)
        if operator is not None:
            context = SelectiveCheckpointContext(is_recompute=False, op_output=out)
            wish = self.policy(context, operator, *inputs, **static)
            kept = wish if isinstance(wish, bool) else wish in _KEPT
            # A view costs nothing to make.
            entry = _Entry(out) if kept and not row.view else _Entry()
            self.entries.setdefault(operator, []).append(entry)
        return out


class _Taking(Interpreter):
    """In the second run: gives rows what was kept of them."""

    def __init__(self, entries: _Entries, changed_is_fine: bool) -> None:
        self.entries, self.changed_is_fine = entries, changed_is_fine
        self.seen: dict[Any, int] = {}

    def __enter__(self) -> Self:
        self.seen.clear()
        return super().__enter__()

    def apply(self, row: Primitive, inputs: tuple[Any, ...], static: dict[str, Any]) -> Any:
        """Run the row, or record it with the result that was kept."""
        operator = _operator(row, inputs, static)
        if operator is None:
            return super().apply(row, inputs, static)
        index = self.seen[operator] = self.seen.get(operator, -1) + 1
        entries = self.entries.get(operator, [])
        if index >= len(entries):
            raise RuntimeError(
                f"{operator} invocation index {index} encountered during backward but not found in "
                f"storage. {_DIFFERENT}"
            )
        entry = entries[index]
        if not entry.versions:
            return super().apply(row, inputs, static)
        kept = entry.take(self.changed_is_fine)
        known = copy(row)
        known.forward = known.narrow = lambda *arrays, **static: kept
        known.promote = known.layout = None
        return super().apply(known, inputs, static)


def _operator(row: Primitive, inputs: tuple[Any, ...], static: dict[str, Any]) -> Any:
    from rushlight.library.aten import of_row

    operator = of_row(row, inputs, static)
    return None if operator in SAC_IGNORED_OPS else operator


def create_selective_checkpoint_contexts(
    policy_fn_or_list: Callable[..., Any] | Sequence[Any],
    allow_cache_entry_mutation: bool = False,
) -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    """The contexts for both runs of a checkpoint by a policy, or by a list of operators to keep.

    A policy is called with a `SelectiveCheckpointContext`, the operator and its arguments, and returns a
    `CheckpointPolicy` (or whether to keep the result).

    >>> import rushlight as torch
    >>> from functools import partial
    >>> from rushlight.utils.checkpoint import checkpoint
    >>> x = torch.ones(2, 2, requires_grad=True)
    >>> keep = partial(create_selective_checkpoint_contexts, [torch.ops.aten.mm.default])
    >>> checkpoint(lambda x: (x @ x).exp(), x, use_reentrant=False, context_fn=keep).sum().backward()
    >>> x.grad
    tensor([[29.5562, 29.5562],
            [29.5562, 29.5562]])
    """
    if callable(policy_fn_or_list):
        policy = policy_fn_or_list
    elif isinstance(policy_fn_or_list, list):
        listed = policy_fn_or_list
        for operator in listed:
            _need_form(operator)

        def policy(context: Any, operator: Any, *args: Any, **kwargs: Any) -> Any:
            return operator in listed

    else:
        raise TypeError("policy_fn_or_list must be either a function or a list of ops.")
    entries: _Entries = {}
    return _Asking(policy, entries), _Taking(entries, allow_cache_entry_mutation)


def _need_form(operator: Any) -> None:
    from rushlight.library.operators import OpOverload, OpOverloadPacket

    if isinstance(operator, OpOverload):
        return
    advice = ""
    if isinstance(operator, OpOverloadPacket):
        advice = (
            "Please update the OpOverloadPacket to a specific OpOverload. For example, if you have "
            "`torch.ops.aten.mm`, change it to `torch.ops.aten.mm.default`."
        )
    raise ValueError(
        f"Expected op in `op_list` to be an OpOverload but got: {operator} of type {type(operator)}. "
        f"{advice}"
    )


class DefaultDeviceType:
    """The device whose state a checkpoint keeps where its arguments do not tell: there is the CPU."""

    _default_device_type = "cpu"

    @staticmethod
    def set_device_type(device: str = "cpu") -> None:
        """Set it."""
        DefaultDeviceType._default_device_type = device

    @staticmethod
    def get_device_type() -> str:
        """Its name."""
        return DefaultDeviceType._default_device_type


def get_device_states(*args: Any) -> tuple[list[int], list[Any]]:
    """The numbers of the devices of tensors among args, and the states of their random numbers: none."""
    return [], []


def set_device_states(
    devices: Sequence[int], states: Sequence[Any], *, device_type: str | None = None
) -> None:
    """Set the states that `get_device_states` gave."""
    for state in states:
        default_generator.set_state(state)


class GraphExecGroup:
    """Checkpoints whose second runs belong together: within the block they share what they computed."""

    def __enter__(self) -> None:
        GraphExecGroup._open.append(self)

    def __exit__(self, *exception: object) -> None:
        GraphExecGroup._open.remove(self)

    _open: ClassVar[list[Any]] = []

    @classmethod
    def _get_current_group(cls) -> Any:
        return cls._open[-1] if cls._open else None
