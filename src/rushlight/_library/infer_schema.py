"""torch._library.infer_schema."""

from rushlight.library.schema import infer_schema

__all__ = ["infer_schema"]
