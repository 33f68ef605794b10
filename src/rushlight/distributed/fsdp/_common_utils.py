"""What the older interface keeps about a module."""

from rushlight.distributed._composable_state import _State


class _FSDPState(_State):
    """What it keeps: no module is one, for `fully_shard` is the newer interface."""
