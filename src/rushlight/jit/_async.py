"""`fork` and `wait`: here the work is done at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Future", "fork", "wait"]


class Future:
    """A result, or an error, that is there already or will be set."""

    def __init__(self, *, devices: Any = None) -> None:
        self._done = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[Any], Any]] = []

    def done(self) -> bool:
        """Whether there is a result or an error."""
        return self._done

    def wait(self) -> Any:
        """The result; an error is raised."""
        if not self._done:
            raise RuntimeError(
                "this Future has no result yet, and nobody works on it: set_result() first"
            )
        if self._error is not None:
            raise self._error
        return self._value

    value = wait

    def set_result(self, result: Any) -> None:
        """Give it its result."""
        if self._done:
            raise RuntimeError("Future can only be marked completed once")
        self._value, self._done = result, True
        for callback in self._callbacks:
            callback(self)

    def set_exception(self, result: BaseException) -> None:
        """Give it an error."""
        self._error = result
        self.set_result(None)

    def add_done_callback(self, callback: Callable[[Any], Any]) -> None:
        """Call callback(self) when there is a result."""
        if self._done:
            callback(self)
        else:
            self._callbacks.append(callback)

    def then(self, callback: Callable[[Any], Any]) -> Future:
        """The future of callback(self)."""
        after = Future()

        def follow(done: Any) -> None:
            try:
                after.set_result(callback(done))
            except Exception as error:
                after.set_exception(error)

        self.add_done_callback(follow)
        return after


def fork(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Future:
    """The future of func(*args, **kwargs), which is called at once."""
    future = Future()
    future.set_result(func(*args, **kwargs))
    return future


def wait(future: Future) -> Any:
    """The future's result."""
    return future.wait()
