"""Helpers of torch.distributed that libraries import."""

from __future__ import annotations

from typing import Any


def _apply_to_tensors(fn: Any, container: Any) -> Any:
    """The container with fn of each tensor in it."""
    from rushlight._tensor import Tensor
    from rushlight.utils.trees import tree_map_only

    return tree_map_only(Tensor, fn, container)


def _sync_module_states(*args: Any, **options: Any) -> None:
    """Nothing: one process has its own state."""


def _verify_param_shape_across_processes(*args: Any, **options: Any) -> None:
    """Nothing: one process agrees with itself."""
