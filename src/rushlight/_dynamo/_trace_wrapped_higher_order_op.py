"""What torch's compiler does to functions of indices: nothing has to be done here."""

from __future__ import annotations

from typing import Any


class TransformGetItemToIndex:
    """The block in which tensors index tensors within `vmap`: they always may."""

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(self, *exception: Any) -> None:
        """Nothing."""
