"""Selective checkpoints: which operations a program would rather keep than compute again.

Here a checkpoint computes all of its operations again; what a policy prefers is accepted and makes no
difference to any number, only to memory and time.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

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


@contextmanager
def _nothing_else() -> Any:
    yield


def create_selective_checkpoint_contexts(
    policy_fn_or_list: Callable[..., Any] | Sequence[Any],
    allow_cache_entry_mutation: bool = False,
) -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    """The contexts for both runs of a checkpoint by a policy, or by a list of operations to keep."""
    if not callable(policy_fn_or_list) and not isinstance(policy_fn_or_list, list):
        raise TypeError("policy_fn_or_list must be either a function or a list of ops.")
    return _nothing_else(), _nothing_else()


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
