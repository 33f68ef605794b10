"""`Timer` runs a statement many times, and says how long it takes."""

from __future__ import annotations

import statistics
import timeit
from typing import Any

from rushlight.threads import get_num_threads, set_num_threads


class Measurement:
    """Times of a statement, in seconds a run."""

    def __init__(self, number_per_run: int, raw_times: list[float], task: dict[str, Any]) -> None:
        self.number_per_run, self.raw_times, self.task = number_per_run, raw_times, task

    @property
    def times(self) -> list[float]:
        """The time of one run, several times."""
        return [time / self.number_per_run for time in self.raw_times]

    @property
    def mean(self) -> float:
        """The mean time."""
        return statistics.fmean(self.times)

    @property
    def median(self) -> float:
        """The median time."""
        return statistics.median(self.times)

    @property
    def iqr(self) -> float:
        """How far the middle half of the times is apart."""
        if len(self.times) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.times, n=4)
        return high - low

    def __repr__(self) -> str:
        name = self.task.get("label") or self.task["stmt"]
        return (
            f"<rushlight.utils.benchmark Measurement>\n{name}\n  Median: {self.median * 1e6:.2f} us"
        )


class Timer:
    """A statement to be timed, with one thread unless num_threads says otherwise.

    >>> Timer("x + 1", globals={"x": 1}).timeit(10).number_per_run
    10
    """

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Any = timeit.default_timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: Any = None,
    ) -> None:
        import rushlight

        names = {"torch": rushlight, **(globals or {})}
        self._timer = timeit.Timer(stmt, setup, timer, names)
        self._threads = num_threads
        self._task = {
            "stmt": stmt, "label": label, "sub_label": sub_label, "description": description, "env": env,
        }  # fmt: skip

    def _run(self, number: int) -> float:
        before = get_num_threads()
        set_num_threads(self._threads)
        try:
            return max(self._timer.timeit(number), 1e-9)
        finally:
            set_num_threads(before)

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """Run it that often."""
        self._run(max(number // 100, 2))
        return Measurement(number, [self._run(number)], self._task)

    def blocked_autorange(self, callback: Any = None, min_run_time: float = 0.2) -> Measurement:
        """Run it in blocks for at least that many seconds."""
        number = 1
        while (spent := self._run(number)) < min_run_time / 1000 and number < 10**9:
            number *= 10
        times = [spent]
        while sum(times) < min_run_time:
            times.append(self._run(number))
        return Measurement(number, times, self._task)

    adaptive_autorange = blocked_autorange


class Compare:
    """Measurements in lines."""

    def __init__(self, results: list[Measurement]) -> None:
        self._results = list(results)

    def extend_results(self, results: list[Measurement]) -> None:
        """Add measurements."""
        self._results += results

    def print(self) -> None:
        """Print them."""
        print(self)

    def __str__(self) -> str:
        names = [m.task.get("description") or m.task["stmt"] for m in self._results]
        lines = zip(names, self._results, strict=True)
        return "\n".join(f"{name}: {m.median * 1e6:.2f} us" for name, m in lines)
