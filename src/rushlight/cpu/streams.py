"""The order of work on the processor, which is the order of the calls."""

from __future__ import annotations

from typing import Any


class Stream:
    """The order of work on the processor, which is the order of the calls."""

    def __init__(self, priority: int = -1) -> None:
        pass

    def wait_stream(self, stream: Any) -> None:
        """Nothing: what was called has been done."""

    def record_event(self) -> None:
        """Nothing to record."""

    def wait_event(self, event: Any) -> None:
        """Nothing to wait for."""


class Event:
    """A point in the order of work: all before it has been done."""

    def __init__(self, *args: Any, **options: Any) -> None:
        pass

    def query(self) -> bool:
        """True: it has been reached."""
        return True

    def record(self, stream: Any = None) -> None:
        """Nothing to record."""

    def synchronize(self) -> None:
        """Nothing to wait for."""

    def wait(self, stream: Any = None) -> None:
        """Nothing to wait for."""


class StreamContext:
    """A block whose work is of a stream; None changes nothing."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        global _current
        self._before = _current
        _current = self.stream or _current

    def __exit__(self, *error: Any) -> None:
        global _current
        _current = self._before


_current = Stream()


def stream(stream: Any) -> StreamContext:
    """A block whose work is of that stream."""
    return StreamContext(stream)


def current_stream(device: Any = None) -> Stream:
    """The stream of this block."""
    return _current
