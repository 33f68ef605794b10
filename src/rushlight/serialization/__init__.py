"""Objects with tensors in files: torch's .pt; and in `serialization.safetensors`, that format."""

from rushlight.serialization.annotations import FILE_LIKE, MAP_LOCATION  # noqa: F401
from rushlight.serialization.api import (
    DEFAULT_PROTOCOL,
    _is_zipfile,  # noqa: F401
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
from rushlight.serialization.places import (
    LoadEndianness, SourceChangeWarning, StorageType, check_module_version_greater_or_equal,
    default_restore_location, get_crc32_options, get_default_load_endianness,
    get_default_mmap_options, location_tag, mkdtemp, normalize_storage_type, register_package,
    set_crc32_options, set_default_load_endianness, set_default_mmap_options, skip_data,
    storage_to_tensor_type, validate_cuda_device, validate_hpu_device,
)  # fmt: skip

__all__ = [
    "DEFAULT_PROTOCOL",
    "MAP_LOCATION",
    "LoadEndianness",
    "SourceChangeWarning",
    "StorageType",
    "add_safe_globals",
    "check_module_version_greater_or_equal",
    "clear_safe_globals",
    "default_restore_location",
    "get_crc32_options",
    "get_default_load_endianness",
    "get_default_mmap_options",
    "get_safe_globals",
    "get_unsafe_globals_in_checkpoint",
    "load",
    "location_tag",
    "mkdtemp",
    "normalize_storage_type",
    "register_package",
    "safe_globals",
    "save",
    "set_crc32_options",
    "set_default_load_endianness",
    "set_default_mmap_options",
    "skip_data",
    "storage_to_tensor_type",
    "validate_cuda_device",
    "validate_hpu_device",
]  # fmt: skip
