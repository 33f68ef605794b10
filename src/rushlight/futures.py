"""`torch.futures`: values that come later."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

__all__ = ["Future", "collect_all", "wait_all"]

T = TypeVar("T")


class Future(Generic[T]):
    """A value, or an exception, that another part of the program sets.

    >>> future = Future()
    >>> later = future.then(lambda f: f.wait() + 1)
    >>> future.set_result(1)
    >>> later.wait()
    2
    """

    def __init__(self, *, devices: Any = None) -> None:
        self._come = threading.Condition()
        self._done = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._waiting: list[Callable[[], None]] = []

    def done(self) -> bool:
        """Whether it has its value or exception."""
        return self._done

    def wait(self) -> T:
        """The value, once it is there; or the exception, raised."""
        with self._come:
            self._come.wait_for(self.done)
        return self._given()

    def value(self) -> T:
        """The value that is there; an error if none is yet."""
        if not self._done:
            raise RuntimeError("value() was called on a Future that is not done: wait() for it")
        return self._given()

    def _given(self) -> T:
        if self._error is not None:
            raise self._error
        return self._value

    def _finish(self, value: Any, error: BaseException | None) -> None:
        with self._come:
            if self._done:
                raise RuntimeError(
                    "Future can only be marked completed once: it has its value already"
                )
            self._value, self._error, self._done = value, error, True
            waiting, self._waiting = self._waiting, []
            self._come.notify_all()
        for call in waiting:
            call()

    def set_result(self, result: T) -> None:
        """Give it its value."""
        self._finish(result, None)

    def set_exception(self, result: BaseException) -> None:
        """Let whoever waits for it get this exception."""
        if not isinstance(result, Exception):
            raise AssertionError(f"{result} is of type {type(result)}, not an Exception.")
        self._finish(None, result)

    def _when_done(self, call: Callable[[], None]) -> None:
        with self._come:
            if not self._done:
                self._waiting.append(call)
                return
        call()

    def then(self, callback: Callable[[Future[T]], Any]) -> Future[Any]:
        """A future of callback(this one), which is called when this one is done."""
        result: Future[Any] = Future()

        def call() -> None:
            try:
                value = callback(self)
            except Exception as error:
                told = f"Got the following error when running the callback: {type(error).__name__}: {error}"
                result.set_exception(RuntimeError(told))
            else:
                result.set_result(value)

        self._when_done(call)
        return result

    def add_done_callback(self, callback: Callable[[Future[T]], Any]) -> None:
        """Call callback(this one) when it is done; what it raises is printed and goes no further."""

        def call() -> None:
            try:
                callback(self)
            except Exception:
                traceback.print_exc(file=sys.stderr)

        self._when_done(call)


def collect_all(futures: Sequence[Future[Any]]) -> Future[list[Future[Any]]]:
    """A future that is done, with the list of them, when all of these are."""
    result: Future[list[Future[Any]]] = Future()
    listed = list(futures)
    left = [len(listed)]
    lock = threading.Lock()

    def one_done() -> None:
        with lock:
            left[0] -= 1
            last = not left[0]
        if last:
            result.set_result(listed)

    for future in listed:
        future._when_done(one_done)
    if not listed:
        result.set_result(listed)
    return result


def wait_all(futures: Sequence[Future[Any]]) -> list[Any]:
    """The values of all, once they are there; the first exception is raised."""
    return [future.wait() for future in collect_all(futures).wait()]
