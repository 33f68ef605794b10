"""Memory shared with other libraries through DLPack."""

from rushlight.ops.legacy import from_dlpack, to_dlpack

__all__ = ["from_dlpack", "to_dlpack"]
