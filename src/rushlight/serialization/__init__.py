"""Objects with tensors in files: torch's .pt; and in `serialization.safetensors`, that format."""

from rushlight.serialization.annotations import FILE_LIKE, MAP_LOCATION  # noqa: F401
from rushlight.serialization.api import (
    DEFAULT_PROTOCOL,
    get_unsafe_globals_in_checkpoint,
    load,
    save,
)
from rushlight.serialization.names import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    safe_globals,
)

__all__ = [
    "DEFAULT_PROTOCOL",
    "add_safe_globals",
    "clear_safe_globals",
    "get_safe_globals",
    "get_unsafe_globals_in_checkpoint",
    "load",
    "safe_globals",
    "save",
]
