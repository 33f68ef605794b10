"""The devices of `torch.cuda`, where CuPy has some: which there are, their memory, waiting for them."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from rushlight.absent import no_cuda
from rushlight.device import check_device, gpu
from rushlight.device import device as _device


class Properties(NamedTuple):
    """What a device says of itself."""

    name: str
    major: int
    minor: int
    total_memory: int
    multi_processor_count: int


def _library() -> Any:
    library = gpu.library()
    return no_cuda() if library is None else library


def _index(device: Any) -> int:
    library = _library()
    if device is None:
        return int(library.current())
    if isinstance(device, int):
        device = _device("cuda", device)
    return check_device(device).index or 0


def is_available() -> bool:
    """Whether CuPy is installed and finds a device.

    >>> import rushlight as torch
    >>> torch.cuda.is_available() == (torch.cuda.device_count() > 0)
    True
    """
    return gpu.library() is not None


def is_initialized() -> bool:
    """Whether a device was used already."""
    return gpu.found is not None


def device_count() -> int:
    """How many devices there are."""
    library = gpu.library()
    return 0 if library is None else library.count()


def current_device() -> int:
    """The number of the device that is used where none is named."""
    return _index(None)


def set_device(device: Any) -> None:
    """Make a device the one that is used where none is named; the CPU changes nothing."""
    if isinstance(device, str | _device) and _device(device).type == "cpu":
        return
    _library().device(_index(device)).use()


def get_device_properties(device: Any = None) -> Properties:
    """Name, capability, memory and processors of a device."""
    said = _library().properties(_index(device))
    name = said["name"]
    return Properties(
        name.decode() if isinstance(name, bytes) else str(name),
        int(said["major"]), int(said["minor"]), int(said["totalGlobalMem"]),
        int(said["multiProcessorCount"]),
    )  # fmt: skip


def get_device_name(device: Any = None) -> str:
    """The name of a device."""
    return get_device_properties(device).name


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """(major, minor) of what a device can do."""
    said = get_device_properties(device)
    return said.major, said.minor


def synchronize(device: Any = None) -> None:
    """Wait until a device has done all that it was given."""
    library = _library()
    library.device(_index(device)).synchronize()


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Bytes of a device that are free, and that there are."""
    return _library().memory(_index(device))


def memory_allocated(device: Any = None) -> int:
    """Bytes in which arrays lie; 0 where there is no device."""
    return int(_library().pool(_index(device)).used_bytes()) if is_available() else 0


def memory_reserved(device: Any = None) -> int:
    """Bytes that are held for arrays; 0 where there is no device."""
    return int(_library().pool(_index(device)).total_bytes()) if is_available() else 0


def empty_cache() -> None:
    """Give back what is held and not used."""
    if is_available():
        _library().pool(_index(None)).free_all_blocks()


class device:
    """The block `with torch.cuda.device(0):`, in which another device is used where none is named."""

    def __init__(self, device: Any) -> None:
        self.idx = device

    def __enter__(self) -> None:
        self.before = -1
        if self.idx is None or self.idx == -1:
            return
        if not is_available():
            raise RuntimeError("PyTorch was compiled without CUDA support: there is no CUDA device")
        self.before = current_device()
        set_device(self.idx)

    def __exit__(self, *exception: Any) -> None:
        if self.before != -1:
            set_device(self.before)


class Stream:
    """A queue of work for a device. All work goes into one here, so that its order is the program's."""

    def __init__(self, device: Any = None, priority: int = 0, **_: Any) -> None:
        if not is_available():
            raise RuntimeError("torch.cuda.Stream requires CUDA support: rushlight runs on the CPU")
        self.device = check_device(_device("cuda", _index(device)))
        self.priority = priority

    def synchronize(self) -> None:
        """Wait until the work is done."""
        synchronize(self.device)

    def query(self) -> bool:
        """Whether all work is done: it is waited for, and then is."""
        synchronize(self.device)
        return True

    def wait_stream(self, stream: Any) -> None:
        """Nothing: what was given first is done first."""

    def wait_event(self, event: Any) -> None:
        """Nothing: what was given first is done first."""

    def record_event(self, event: Any = None) -> Any:
        """A mark after the work so far."""
        event = Event() if event is None else event
        event.record(self)
        return event


class Event:
    """A mark in the queue of a device, to measure time; recorded when the work before it is done."""

    def __init__(self, enable_timing: bool = False, blocking: bool = False, **_: Any) -> None:
        if not is_available():
            raise RuntimeError(
                "Tried to instantiate dummy base class Event: rushlight runs on the CPU; measure with "
                "time.perf_counter()"
            )
        self.enable_timing = enable_timing
        self.time: float | None = None

    def record(self, stream: Any = None) -> None:
        """Mark this moment, after the work so far."""
        synchronize(None if stream is None else stream.device)
        self.time = time.perf_counter()

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this mark to another."""
        if not (self.enable_timing and end_event.enable_timing):
            raise ValueError("Both events must be created with argument 'enable_timing=True'.")
        if self.time is None or end_event.time is None:
            raise ValueError("Both events must be recorded before calculating elapsed time.")
        return (end_event.time - self.time) * 1e3

    def synchronize(self) -> None:
        """Nothing: a mark is made when the work before it is done."""

    def wait(self, stream: Any = None) -> None:
        """Nothing: what was given first is done first."""

    def query(self) -> bool:
        """Whether the work before it is done."""
        return True


def current_stream(device: Any = None) -> Stream:
    """The queue that work goes into."""
    _library()
    return Stream(device)


default_stream = current_stream
