"""torch.cuda on a machine that offers none: it says so, and does nothing where nothing is to be done."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from rushlight import dtypes
from rushlight.cuda import amp
from rushlight.device import device as _device
from rushlight.errors import OutOfMemoryError
from rushlight.ops.legacy import LegacyType

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

__all__ = [
    "BFloat16Tensor",
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "Event",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "OutOfMemoryError",
    "ShortTensor",
    "Stream",
    "amp",
    "current_device",
    "current_stream",
    "default_generators",
    "device",
    "device_count",
    "empty_cache",
    "get_arch_list",
    "get_device_capability",
    "get_device_name",
    "get_device_properties",
    "get_rng_state",
    "get_rng_state_all",
    "init",
    "initial_seed",
    "ipc_collect",
    "is_available",
    "is_bf16_supported",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "max_memory_cached",
    "max_memory_reserved",
    "mem_get_info",
    "memory_allocated",
    "memory_cached",
    "memory_reserved",
    "memory_stats",
    "reset_max_memory_allocated",
    "reset_peak_memory_stats",
    "seed",
    "seed_all",
    "set_device",
    "set_rng_state",
    "set_rng_state_all",
    "stream",
    "synchronize",
]

# ---- what is here -------------------------------------------------------------------------------

default_generators: tuple[Any, ...] = ()


def is_available() -> bool:
    """False: rushlight runs on the CPU.

    >>> is_available()
    False
    """
    return False


def is_initialized() -> bool:
    """False."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def _none() -> NoReturn:
    raise AssertionError(
        "Torch not compiled with CUDA enabled: rushlight runs on the CPU. Ask "
        "torch.cuda.is_available() first"
    )


# ---- what needs a device ------------------------------------------------------------------------


def init() -> None:
    """An error: there is no CUDA device."""
    _none()


def current_device() -> int:
    """An error: there is no CUDA device."""
    _none()


def get_device_name(device: Any = None) -> str:
    """An error: there is no CUDA device."""
    _none()


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """An error: there is no CUDA device."""
    _none()


def get_device_properties(device: Any = None) -> Any:
    """An error: there is no CUDA device."""
    _none()


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """An error: there is no CUDA device."""
    _none()


def set_device(device: Any) -> None:
    """An error, unless the device is the CPU."""
    if not (isinstance(device, (str, _device)) and _device(device).type == "cpu"):
        _none()


def synchronize(device: Any = None) -> None:
    """An error: there is no CUDA device to wait for."""
    _none()


def current_stream(device: Any = None) -> Stream:
    """An error: there is no CUDA device."""
    _none()


def ipc_collect() -> None:
    """An error: there is no CUDA device."""
    _none()


def get_rng_state(device: Any = "cuda") -> Tensor:
    """An error: there is no CUDA device."""
    _none()


def initial_seed() -> int:
    """An error: there is no CUDA device."""
    _none()


class device:
    """The block `with torch.cuda.device(0):`, in which torch would use another GPU."""

    def __init__(self, device: Any) -> None:
        self.idx = device

    def __enter__(self) -> None:
        if self.idx is not None and self.idx != -1:
            raise RuntimeError("PyTorch was compiled without CUDA support: there is no CUDA device")

    def __exit__(self, *exception: Any) -> None:
        """Nothing."""


class stream:
    """The block `with torch.cuda.stream(None):`; there are no streams to choose from."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(self, *exception: Any) -> None:
        """Nothing."""


class Stream:
    """A queue of work for a GPU: an error, for there is none."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Stream:
        """An error: there is no CUDA device."""
        raise RuntimeError("torch.cuda.Stream requires CUDA support: rushlight runs on the CPU")


class Event:
    """A mark in a GPU's queue, to measure time: an error, for there is none; use time.perf_counter."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Event:
        """An error: there is no CUDA device."""
        raise RuntimeError(
            "Tried to instantiate dummy base class Event: rushlight runs on the CPU; measure with "
            "time.perf_counter()"
        )


BFloat16Tensor = LegacyType("BFloat16Tensor", dtypes.bfloat16, __name__)
BoolTensor = LegacyType("BoolTensor", dtypes.bool_, __name__)
ByteTensor = LegacyType("ByteTensor", dtypes.uint8, __name__)
CharTensor = LegacyType("CharTensor", dtypes.int8, __name__)
DoubleTensor = LegacyType("DoubleTensor", dtypes.float64, __name__)
FloatTensor = LegacyType("FloatTensor", dtypes.float32, __name__)
HalfTensor = LegacyType("HalfTensor", dtypes.float16, __name__)
IntTensor = LegacyType("IntTensor", dtypes.int32, __name__)
LongTensor = LegacyType("LongTensor", dtypes.int64, __name__)
ShortTensor = LegacyType("ShortTensor", dtypes.int16, __name__)

# ---- what there is nothing of -------------------------------------------------------------------


def get_arch_list() -> list[str]:
    """No architecture."""
    return []


def manual_seed(seed: int) -> None:
    """Nothing: there is no generator on a GPU."""


def manual_seed_all(seed: int) -> None:
    """Nothing: there is no generator on a GPU."""


def seed() -> None:
    """Nothing: there is no generator on a GPU."""


def seed_all() -> None:
    """Nothing: there is no generator on a GPU."""


def get_rng_state_all() -> list[Tensor]:
    """The states of no generators."""
    return []


def set_rng_state(new_state: Tensor, device: Any = "cuda") -> None:
    """Nothing: there is no generator on a GPU."""


def set_rng_state_all(new_states: Iterable[Tensor]) -> None:
    """Nothing: there is no generator on a GPU."""


def empty_cache() -> None:
    """Nothing: there is no cache."""


def _no_bytes(name: str) -> Any:
    def function(device: Any = None) -> int:
        return 0

    function.__name__ = function.__qualname__ = name
    function.__doc__ = "0 bytes."
    return function


memory_allocated = _no_bytes("memory_allocated")
memory_cached = _no_bytes("memory_cached")
memory_reserved = _no_bytes("memory_reserved")
max_memory_allocated = _no_bytes("max_memory_allocated")
max_memory_cached = _no_bytes("max_memory_cached")
max_memory_reserved = _no_bytes("max_memory_reserved")


def memory_stats(device: Any = None) -> OrderedDict[str, Any]:
    """No figures."""
    return OrderedDict()


def reset_peak_memory_stats(device: Any = None) -> None:
    """Nothing: there are no figures."""


def reset_max_memory_allocated(device: Any = None) -> None:
    """Nothing: there are no figures."""
