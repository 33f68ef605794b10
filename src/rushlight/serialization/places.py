"""Where storages of a file lie, and what is set for all files: bytes' order, checksums, how maps are made."""

from __future__ import annotations

import enum
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from rushlight.device import CPU, device, gpu
from rushlight.elsewhere import moved
from rushlight.ops import legacy
from rushlight.ops import storage as storage_room
from rushlight.ops.storage import UntypedStorage
from rushlight.outline import outlined

__all__ = [
    "LoadEndianness", "SourceChangeWarning", "StorageType", "check_module_version_greater_or_equal",
    "default_restore_location", "get_crc32_options", "get_default_load_endianness",
    "get_default_mmap_options", "location_tag", "mkdtemp", "normalize_storage_type", "register_package",
    "set_crc32_options", "set_default_load_endianness", "set_default_mmap_options", "skip_data",
    "storage_to_tensor_type", "validate_cuda_device", "validate_hpu_device",
]  # fmt: skip

# Gives the tag of a storage's place, or None if it is not there.
Tagger = Callable[[Any], str | None]
# Brings a storage to a place, or gives None if it does not know it.
Restorer = Callable[[Any, str], Any]

# `mmap.MAP_SHARED` and `mmap.MAP_PRIVATE`, which Windows has not.
MAP_SHARED, MAP_PRIVATE = 1, 2


class SourceChangeWarning(Warning):
    """That a class of a file has changed; nothing here gives it, as nothing in torch does any more."""


class LoadEndianness(enum.Enum):
    """How the bytes of numbers lie in files that do not say it."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


class _Loading:
    """How files are read; `torch.utils.serialization.config.load`."""

    __slots__ = ("calculate_storage_offsets", "endianness", "mmap", "mmap_flags")

    def __init__(self) -> None:
        self.mmap = False
        self.endianness: LoadEndianness | None = None
        self.mmap_flags: int | None = None if os.name == "nt" else MAP_PRIVATE
        self.calculate_storage_offsets = False


class _Saving:
    """How files are written; `torch.utils.serialization.config.save`. Checksums are written in any case."""

    __slots__ = ("compute_crc32", "storage_alignment", "use_pinned_memory_for_d2h")

    def __init__(self) -> None:
        self.compute_crc32 = True
        self.use_pinned_memory_for_d2h = False
        self.storage_alignment = 64


class _Settings:
    """Whether files of this process are without the values now."""

    skips_data = False


loading, saving, settings = _Loading(), _Saving(), _Settings()


class skip_data:
    """A block in which `save` leaves room for the values in a file, and `load` makes room for them: zeros.

    >>> import rushlight as torch, io
    >>> file = io.BytesIO()
    >>> with torch.serialization.skip_data():
    ...     torch.save(torch.ones(2), file)
    >>> _ = file.seek(0)
    >>> torch.load(file)
    tensor([0., 0.])
    """

    def __init__(self, materialize_fake_tensors: bool = False) -> None:
        self.materialize_fake_tensors = materialize_fake_tensors

    def __enter__(self) -> None:
        self.before = settings.skips_data
        settings.skips_data = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        settings.skips_data = self.before


def get_default_load_endianness() -> LoadEndianness | None:
    """How the bytes of files lie that do not say it; None is little."""
    return loading.endianness


def set_default_load_endianness(endianness: LoadEndianness | None) -> None:
    """Set it."""
    if not (endianness is None or isinstance(endianness, LoadEndianness)):
        raise TypeError("Invalid argument type in function set_default_load_endianness")
    loading.endianness = endianness


def get_crc32_options() -> bool:
    """Whether `save` is to compute checksums: True. Files have them in any case."""
    return saving.compute_crc32


def set_crc32_options(compute_crc32: bool) -> None:
    """Say that checksums are not needed: what is set is remembered, and files have them all the same."""
    saving.compute_crc32 = compute_crc32


def get_default_mmap_options() -> int | None:
    """How `load` with mmap=True maps files: `mmap.MAP_PRIVATE`, or MAP_SHARED, by which writing changes the file."""
    return loading.mmap_flags


class set_default_mmap_options:
    """Set it, from now on or for a block."""

    def __init__(self, flags: int) -> None:
        if os.name == "nt":
            raise RuntimeError("Changing the default mmap options is not supported on Windows")
        if flags not in (MAP_PRIVATE, MAP_SHARED):
            raise ValueError(
                "Invalid argument in function set_default_mmap_options, expected mmap.MAP_PRIVATE or "
                f"mmap.MAP_SHARED, but got {flags}"
            )
        self.before = loading.mmap_flags
        loading.mmap_flags = flags

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        loading.mmap_flags = self.before


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
        found: Any = restore(storage, location)
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
    if location != "cpu":
        return None
    there = storage.device.type == "cuda"
    return UntypedStorage.on(moved(storage.array, CPU)) if there else storage


def _cuda(storage: Any, location: str) -> Any:
    if location.partition(":")[0] != "cuda":
        return None
    place = gpu.at(validate_cuda_device(location))
    return storage if storage.device is place else UntypedStorage.on(moved(storage.array, place))


def _cuda_tag(storage: Any) -> str | None:
    place = getattr(storage, "device", None)
    return str(place) if place is not None and place.type == "cuda" else None


def _xpu(storage: Any, location: str) -> Any:
    if location.partition(":")[0] == "xpu":
        raise _not_there("XPU", "torch.xpu.is_available() is False")


def _meta(storage: Any, location: str) -> Any:
    return UntypedStorage.on(outlined(storage.array)) if location == "meta" else None


register_package(10, _cpu_tag, _cpu)
register_package(20, _cuda_tag, _cuda)
register_package(22, _meta_tag, _meta)
register_package(24, lambda storage: None, _xpu)


def _not_there(kind: str, why: str) -> RuntimeError:
    return RuntimeError(
        f"Attempting to deserialize object on a {kind} device but {why}. If you are running on a "
        "CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your "
        "storages to the CPU."
    )


def validate_cuda_device(location: str) -> int:
    """The number of a GPU; an error if it is not there."""
    if not location.startswith("cuda"):
        raise ValueError(f"Expected a cuda device, but got: {location}")
    library = gpu.library()
    if library is None:
        raise _not_there("CUDA", "torch.cuda.is_available() is False")
    index = device(location).index or 0
    if index >= library.count():
        raise _not_there(f"CUDA device {index}", f"torch.cuda.device_count() is {library.count()}")
    return index


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


class StorageType:
    """The type of a storage by its name, as files spell it: `StorageType("FloatStorage").dtype`."""

    def __init__(self, name: str) -> None:
        self._dtype = getattr(storage_room, name).dtype

    @property
    def dtype(self) -> Any:
        """The type of its elements."""
        return self._dtype

    def __str__(self) -> str:
        return f"StorageType(dtype={self.dtype})"


@contextmanager
def mkdtemp() -> Iterator[str]:
    """A folder that is gone after the block."""
    import tempfile  # what it imports takes longer than this whole room

    with tempfile.TemporaryDirectory() as folder:
        yield folder


def storage_to_tensor_type(storage: Any) -> type:
    """The older class of tensors on such a storage."""
    return getattr(legacy, f"{storage.dtype.word}Tensor")
