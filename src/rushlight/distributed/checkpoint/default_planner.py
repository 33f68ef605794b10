"""What is said to `save` and `load` of how: of torch's planners, what has a meaning here."""

from __future__ import annotations

from typing import Any

__all__ = ["DefaultLoadPlanner", "DefaultSavePlanner"]


class DefaultSavePlanner:
    """As `save` does without one: its options change nothing of what is written."""

    def __init__(self, flatten_state_dict: bool = True, *options: Any, **more: Any) -> None:
        self.flatten_state_dict = flatten_state_dict


class DefaultLoadPlanner:
    """As `load` does without one; with allow_partial_load names that the folder has not are left as they are."""

    def __init__(
        self,
        flatten_state_dict: bool = True,
        flatten_sharded_tensors: bool = True,
        allow_partial_load: bool = False,
    ) -> None:
        self.flatten_state_dict = flatten_state_dict
        self.flatten_sharded_tensors = flatten_sharded_tensors
        self.allow_partial_load = allow_partial_load


class _EmptyStateDictLoadPlanner(DefaultLoadPlanner):
    """Fills an empty state dict with all that is in the folder, or with what is under these names."""

    def __init__(self, keys: Any = None, *options: Any, **more: Any) -> None:
        super().__init__(*options, **more)
        self.keys = keys
