"""torch.storage: the memory behind tensors."""

import io
from typing import Any

from rushlight.ops.storage import TypedStorage, UntypedStorage
from rushlight.serialization import load

__all__ = ["TypedStorage", "UntypedStorage"]

# Older names of the same.
_StorageBase = UntypedStorage
_LegacyStorage = TypedStorage


def _load_from_bytes(b: bytes) -> Any:
    """The storage in a pickle that torch wrote with pickle.dump."""
    return load(io.BytesIO(b), weights_only=False)
