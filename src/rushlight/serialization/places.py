"""Where storages of a file lie, and what is set for all files: bytes' order, checksums, how maps are made."""

from __future__ import annotations

import enum
import os
from collections.abc import Callable
from types import TracebackType
from typing import Any

from rushlight.absent import refused
from rushlight.ops.storage import UntypedStorage
from rushlight.outline import outlined

__all__ = [
    "LoadEndianness", "SourceChangeWarning", "check_module_version_greater_or_equal",
    "default_restore_location", "get_crc32_options", "get_default_load_endianness",
    "get_default_mmap_options", "location_tag", "normalize_storage_type", "register_package",
    "set_crc32_options", "set_default_load_endianness", "set_default_mmap_options", "skip_data",
    "validate_cuda_device", "validate_hpu_device",
]  # fmt: skip

# Gives the tag of a storage's place, or None if it is not there.
Tagger = Callable[[Any], str | None]
# Brings a storage to a place, or gives None if it does not know it.
Restorer = Callable[[Any, str], Any]

skip_data = refused("files without the values", "save the tensors on the meta device", __name__)

# `mmap.MAP_SHARED` and `mmap.MAP_PRIVATE`, which Windows has not.
MAP_SHARED, MAP_PRIVATE = 1, 2


class SourceChangeWarning(Warning):
    """That a class of a file has changed; nothing here gives it, as nothing in torch does any more."""


class LoadEndianness(enum.Enum):
    """How the bytes of numbers lie in files that do not say it."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


class _Settings:
    """What is set for all files of this process."""

    endianness: LoadEndianness | None = None
    checksums = True
    mmap_flags = MAP_PRIVATE


settings = _Settings()


def get_default_load_endianness() -> LoadEndianness | None:
    """How the bytes of files lie that do not say it; None is little."""
    return settings.endianness


def set_default_load_endianness(endianness: LoadEndianness | None) -> None:
    """Set it."""
    if not (endianness is None or isinstance(endianness, LoadEndianness)):
        raise TypeError("Invalid argument type in function set_default_load_endianness")
    settings.endianness = endianness


def get_crc32_options() -> bool:
    """Whether `save` is to compute checksums: True. Files have them in any case."""
    return settings.checksums


def set_crc32_options(compute_crc32: bool) -> None:
    """Say that checksums are not needed: what is set is remembered, and files have them all the same."""
    settings.checksums = compute_crc32


def get_default_mmap_options() -> int:
    """How `load` with mmap=True maps files: `mmap.MAP_PRIVATE`, or MAP_SHARED, by which writing changes the file."""
    return settings.mmap_flags


class set_default_mmap_options:
    """Set it, from now on or for a block."""

    def __init__(self, flags: int) -> None:
        if os.name == "nt":
            raise RuntimeError("Changing the default mmap options is not supported on Windows")
        if flags not in (MAP_PRIVATE, MAP_SHARED):
            raise ValueError(
                f"flags must be mmap.MAP_PRIVATE or mmap.MAP_SHARED, not {flags!r}: no other is known"
            )
        self.before = settings.mmap_flags
        settings.mmap_flags = flags

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        settings.mmap_flags = self.before


# ---- places --------------------------------------------------------------------------------------

_packages: list[tuple[int, Tagger, Restorer]] = []


def register_package(priority: int, tagger: Tagger, deserializer: Restorer) -> None:
    """Let files know another place: what it tags storages with, and what brings them there. Lowest goes first."""
    _packages.append((priority, tagger, deserializer))
    _packages.sort(key=lambda package: package[0])


def location_tag(storage: Any) -> str:
    """What stands in a file for where the storage lies."""
    for _, tag, _ in _packages:
        found = tag(storage)
        if found:
            return found
    raise RuntimeError(f"don't know how to determine data location of {type(storage).__name__}")


def default_restore_location(storage: Any, location: str) -> Any:
    """The storage in the place of that name."""
    for _, _, restore in _packages:
        found = restore(storage, location)
        if found is not None:
            return found
    raise RuntimeError(
        f"don't know how to restore data location of {storage.type()} (tagged with {location}): "
        "use map_location='cpu'"
    )


def _cpu_tag(storage: Any) -> str | None:
    place = getattr(storage, "device", None)
    return "cpu" if place is not None and place.type == "cpu" else None


def _meta_tag(storage: Any) -> str | None:
    place = getattr(storage, "device", None)
    return "meta" if place is not None and place.type == "meta" else None


def _cpu(storage: Any, location: str) -> Any:
    return storage if location == "cpu" else None


def _cuda(storage: Any, location: str) -> Any:
    return validate_cuda_device(location) if location.partition(":")[0] == "cuda" else None


def _meta(storage: Any, location: str) -> Any:
    return UntypedStorage.on(outlined(storage.array)) if location == "meta" else None


register_package(10, _cpu_tag, _cpu)
register_package(20, lambda storage: None, _cuda)
register_package(22, _meta_tag, _meta)


def validate_cuda_device(location: str) -> int:
    """An error: there is no such device."""
    raise RuntimeError(
        "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is "
        "False. If you are running on a CPU-only machine, please use torch.load with "
        "map_location=torch.device('cpu') to map your storages to the CPU."
    )


def validate_hpu_device(location: str) -> int:
    """An error: there is no such device."""
    raise RuntimeError(
        "The HPU device module is not registered. If you are running on a CPU-only machine, please "
        "use torch.load with map_location=torch.device('cpu') to map your storages to the CPU."
    )


def normalize_storage_type(storage_type: Any) -> Any:
    """The type of storages by torch's own name."""
    return storage_type


def check_module_version_greater_or_equal(
    module: Any, req_version_tuple: tuple[int, ...], error_if_malformed: bool = True
) -> bool:
    """Whether the module's `__version__`, in numbers, is no less."""
    try:
        given = tuple(
            type(want)(have)
            for want, have in zip(req_version_tuple, module.__version__.split("."), strict=False)
        )
    except Exception as error:
        message = (
            f"'{module.__name__}' module version string is malformed '{module.__version__}' and "
            f"cannot be compared with tuple {req_version_tuple}"
        )
        if error_if_malformed:
            raise RuntimeError(message) from error
        return False
    return given >= req_version_tuple
