"""`Timer` runs a statement many times, and says how long it takes."""

from __future__ import annotations

import enum
import textwrap
import timeit
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from rushlight.utils.benchmark.common import Measurement, TaskSpec, set_torch_threads

__all__ = ["Language", "Timer", "timer"]

timer = timeit.default_timer


class Language(enum.Enum):
    """What a statement is written in."""

    PYTHON = 0
    CPP = 1


class Timer:
    """A statement to be timed, with one thread unless num_threads says otherwise.

    >>> Timer("x + 1", globals={"x": 1}).timeit(10).number_per_run
    10
    """

    _timer_cls: type[timeit.Timer] = timeit.Timer

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: Language | str = Language.PYTHON,
    ) -> None:
        import rushlight

        if not isinstance(stmt, str):
            raise ValueError("Currently only a `str` stmt is supported.")
        if language in (Language.CPP, "cpp", "c++"):
            raise NotImplementedError(
                "statements in C++ are not timed: they would be compiled against torch's own library"
            )
        if language not in (Language.PYTHON, "py", "python"):
            raise ValueError(f"Invalid language `{language}`.")
        if global_setup:
            raise ValueError(f"global_setup is C++ only, got `{global_setup}`. Most likely this code can simply be "
                             "moved to `setup`.")  # fmt: skip
        # The caller's dictionary is left as it is.
        names = {"torch": rushlight, **(globals or {})}
        stmt, setup = (textwrap.dedent(text).strip() for text in (stmt, setup))
        self._globals = names
        self._timer = self._timer_cls(stmt, setup, timer, names)
        self._task_spec = TaskSpec(
            stmt, setup, global_setup, label, sub_label, description, env, num_threads
        )

    def _timeit(self, number: int) -> float:
        # A clock that has not moved would be no time at all.
        return max(self._timer.timeit(number), 1e-9)

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """Run it that often, as one measurement."""
        with set_torch_threads(self._task_spec.num_threads):
            self._timeit(max(number // 100, 2))
            return Measurement(number, [self._timeit(number)], self._task_spec)

    def repeat(self, repeat: int = -1, number: int = -1) -> NoReturn:
        """An error, as in torch: `blocked_autorange` takes several measurements."""
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    def autorange(self, callback: Any = None) -> NoReturn:
        """An error, as in torch: `blocked_autorange` finds how often to run it."""
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    def _block(self, min_run_time: float) -> int:
        """How many runs make the clock's own time small."""
        with set_torch_threads(self._task_spec.num_threads):
            overhead = float(np.median([self._timeit(0) for _ in range(5)]))
            number = 1
            while True:
                spent = self._timeit(number)
                if overhead / spent <= 1e-4 and spent >= min_run_time / 1000:
                    return number
                if spent > min_run_time:
                    return number
                number *= 10

    def _measured(
        self, number: int, enough: Callable[[list[float]], bool], least: float, most: float | None,
        callback: Callable[[int, float], Any] | None,
    ) -> Measurement:  # fmt: skip
        total = 0.0
        times: list[float] = []
        with set_torch_threads(self._task_spec.num_threads):
            while total < least or not enough(times):
                spent = self._timeit(number)
                if callback is not None:
                    callback(number, spent)
                times.append(spent)
                total += spent
                if most is not None and total >= most:
                    break
        return Measurement(number, times, self._task_spec)

    def blocked_autorange(
        self, callback: Callable[[int, float], Any] | None = None, min_run_time: float = 0.2
    ) -> Measurement:
        """Run it in blocks for at least that many seconds."""
        number = self._block(min_run_time)
        return self._measured(number, lambda times: True, min_run_time, None, callback)

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Callable[[int, float], Any] | None = None,
    ) -> Measurement:
        """Run it in blocks until the middle half of the times lies within that part of the median."""
        number = self._block(0.05)

        def enough(times: list[float]) -> bool:
            found = len(times) > 3 and Measurement(number, times, self._task_spec).meets_confidence(
                threshold
            )
            return bool(found)

        return self._measured(number, enough, min_run_time, max_run_time, callback)

    def collect_callgrind(self, number: int = 100, **options: Any) -> NoReturn:
        """An error: instructions are counted by valgrind itself."""
        raise NotImplementedError(
            "instructions are not counted here: use Timer.timeit, or run the program under valgrind"
        )
