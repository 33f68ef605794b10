"""The child process: one engine, which loads workloads and runs them when told to.

It reads requests from standard input and answers on standard output, a line of JSON each.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from benchmarks.engines import ENGINES, Engine, Step

CHECKED_STEPS = 5
# Past the 32nd call of everything, from which on eager programs are C.
WARM_SECONDS, WARM_STEPS = 1.5, 36
SAMPLE_NS = 200_000


class Worker:
    """Answers requests; each public method is one."""

    def __init__(self, engine: Engine, threads: int) -> None:
        self.engine = engine
        if hasattr(os, "sched_setaffinity"):
            # As many processors as threads: some engines go by them alone.
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])
        engine.prepare(threads)
        importlib.import_module("numpy")
        self.at_start = memory("VmRSS")
        self.step: Step | None = None
        self.repeats = 1

    def load(self, name: str) -> dict[str, Any]:
        """Build a workload, take its first steps, and warm it up; the losses, and seconds of each."""
        module, _, case = name.partition(":")
        self._seed()
        build = importlib.import_module(f"{self.engine.workloads}.{module}").build
        step = self.step = self.engine.wrap(build(case) if case else build())
        losses, seconds = [], []
        if module != "ops":
            for _ in range(CHECKED_STEPS):
                start = time.perf_counter()
                result = step()
                seconds.append(time.perf_counter() - start)
                losses.append(_number(result))
        times = self.run(WARM_SECONDS, WARM_STEPS)["nanoseconds"]
        # Steps shorter than a sample are repeated within it, for the sake of the clock.
        self.repeats = max(1, round(SAMPLE_NS / min(times)))
        return {"losses": losses, "seconds": seconds}

    def save(self, name: str, file: str) -> dict[str, Any]:
        """Write the parameters with which a workload begins, by torch's names."""
        import numpy

        self._seed()
        made = importlib.import_module(f"{self.engine.workloads}.{name}")
        if not hasattr(made, "network"):
            return {}
        parameters = made.network().named_parameters()
        numpy.savez(file, **{name: p.detach().numpy() for name, p in parameters})
        return {}

    def run(self, seconds: float, samples: int = 1) -> dict[str, Any]:
        """Nanoseconds per step, a number for each sample, for about this long, and so many at least."""
        step, repeats = self.step, range(self.repeats)
        assert step is not None
        clock = time.perf_counter_ns
        times: list[int] = []
        end = clock() + seconds * 1e9
        while len(times) < samples or clock() < end:
            start = clock()
            for _ in repeats:
                step()
            times.append((clock() - start) // len(repeats))
        return {"nanoseconds": times}

    def memory(self) -> dict[str, Any]:
        """Bytes of memory: after the imports, and at the highest point so far."""
        return {"imported": self.at_start, "peak": memory("VmHWM")}

    def compiled(self) -> dict[str, Any]:
        """What was not compiled, where the engine tells."""
        return {"refusals": list(getattr(self.step, "refusals", ()))}

    def _seed(self) -> None:
        if self.engine.speaks_torch:
            import torch

            torch.manual_seed(0)


def _number(result: Any) -> float:
    """The first element of what a step gives."""
    import numpy

    for method in ("detach", "numpy"):
        if hasattr(result, method):
            result = getattr(result, method)()
    return float(numpy.ravel(result)[0])


def memory(field: str) -> int | None:
    """A line of Linux's account of this process, in bytes; elsewhere nothing is known."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(lines[field].split()[0]) * 1024


def main() -> None:
    answers = sys.stdout
    sys.stdout = sys.stderr
    worker: Worker | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if worker is None:
                worker = Worker(ENGINES[request["engine"]], request["threads"])
                answer: dict[str, Any] = {}
            else:
                method = request.pop("do")
                answer = getattr(worker, method)(**request)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
