"""torch.storage: the memory behind tensors."""

from rushlight.ops.rebuilding import _load_from_bytes as _load_from_bytes
from rushlight.ops.storage import TypedStorage, UntypedStorage

__all__ = ["TypedStorage", "UntypedStorage"]
