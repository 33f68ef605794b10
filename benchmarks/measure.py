"""The measurements: engines take turns, each in its own child process."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.engines import ENGINES
from benchmarks.workloads import NOISY, WITHOUT_NOISE

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# These make OpenBLAS use the kernels of another processor, at half the speed.
FORCED_KERNELS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
# The checkout that an engine runs from, if it is not the installed one.
CHECKOUTS: dict[str, Path] = {}
PAUSE = 0.1
WEIGHTS = "weights.npz"
NOT_WRITTEN = "not written for it"


@dataclass
class Timing:
    """One workload under one engine; what could not run says so in `error`."""

    engine: str
    workload: str
    threads: int
    error: str = ""
    losses: list[float] = field(default_factory=list)
    # Seconds that the first steps took beyond as many later ones: with nothing in the cache, and from it.
    cold: float | None = None
    warm: float | None = None
    refusals: list[str] = field(default_factory=list)
    rounds: list[float] = field(default_factory=list)
    samples: int = 0
    imported: int | None = None
    peak: int | None = None

    @property
    def added(self) -> int | None:
        """Bytes beyond what the process held after its imports."""
        return None if self.peak is None or self.imported is None else self.peak - self.imported

    @property
    def microseconds(self) -> float:
        """The median of the rounds' medians."""
        return statistics.median(self.rounds) if self.rounds else float("nan")


def environment(engine: str, folder: str | None = None) -> dict[str, str]:
    """The variables of a process that runs this engine; folder: where it keeps what it has compiled."""
    found = {k: v for k, v in os.environ.items() if k not in FORCED_KERNELS}
    if folder is not None:
        found["BENCHMARK_WEIGHTS"] = f"{folder}/{WEIGHTS}"
        for name, value in ENGINES[engine].cache.items():
            found[name] = value.format(folder=f"{folder}/{engine}")
    if engine in CHECKOUTS:
        found["PYTHONPATH"] = str(CHECKOUTS[engine] / "src")
    return found


def stands_for(engine: str) -> str:
    """What another checkout calls it."""
    return "rushlight" if engine == "before" else engine


class Child:
    """One engine in a process of its own, which waits while others run."""

    def __init__(self, engine: str, threads: int, folder: str | None = None) -> None:
        self.engine = engine
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=CHECKOUTS.get(engine),
            env=environment(engine, folder) | dict.fromkeys(THREAD_VARIABLES, str(threads)),
        )
        self.failure = self.ask(engine=stands_for(engine), threads=threads).get("error", "")

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for its answer; a dead child answers with an error."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            return {"error": f"the process ended with code {self.process.wait()}"}
        return json.loads(answer)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def workload(
    name: str, engines: Sequence[str], threads: int, rounds: int, seconds: float
) -> list[Timing]:
    """Time a workload: a fresh process per engine, all loaded, then run in turns.

    An engine that compiles has run before in another process, which fills its cache.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        if not all(ENGINES[engine].speaks_torch for engine in engines):
            with Child("rushlight", threads) as child:
                child.ask(do="save", name=name, file=f"{folder}/{WEIGHTS}")
        cold = {e: _first_steps(name, e, threads, folder) for e in engines if ENGINES[e].cache}
        children = [stack.enter_context(Child(engine, threads, folder)) for engine in engines]
        timings = compete(name, children, threads, rounds, seconds)
        for timing in timings:
            took = cold.get(timing.engine)
            if took and timing.rounds and not timing.error:
                usual = statistics.median(timing.rounds) / 1e6 * len(took)
                timing.cold = max(sum(took) - usual, 0.0)
                timing.warm = max(timing.warm - usual, 0.0) if timing.warm is not None else None
        if name in NOISY and not all(ENGINES[engine].noise for engine in engines):
            for timing in timings:
                if not timing.error:
                    with Child(timing.engine, threads, folder) as child:
                        answer = child.ask(do="load", name=f"{name}:{WITHOUT_NOISE}")
                        timing.losses = answer.get("losses", [])
        return timings


def _first_steps(name: str, engine: str, threads: int, folder: str) -> list[float]:
    """Seconds of each of the first steps, with nothing in the cache."""
    with Child(engine, threads, folder) as child:
        return child.ask(do="load", name=name).get("seconds", [])


def operations(
    cases: Sequence[str], engines: Sequence[str], threads: int, rounds: int, seconds: float
) -> Iterator[list[Timing]]:
    """Time many small cases; a process serves them all."""
    with ExitStack() as stack:
        children = [stack.enter_context(Child(engine, threads)) for engine in engines]
        for case in cases:
            yield compete(f"ops:{case}", children, threads, rounds, seconds)


def compete(
    name: str, children: Sequence[Child], threads: int, rounds: int, seconds: float
) -> list[Timing]:
    """Load a workload in every child, then let the children take turns: A B A B."""
    timings = []
    for child in children:
        timing = Timing(child.engine, name, threads, error=child.failure)
        engine = ENGINES[child.engine]
        if not (timing.error or engine.speaks_torch or engine.has(name)):
            timing.error = NOT_WRITTEN
        answer = {} if timing.error else child.ask(do="load", name=name)
        timing.error = timing.error or answer.get("error", "")
        timing.losses = answer.get("losses", [])
        timing.warm = sum(answer["seconds"]) if answer.get("seconds") else None
        timings.append(timing)
    for _ in range(rounds):
        for child, timing in zip(children, timings, strict=True):
            if timing.error:
                continue
            # Let the threads of the engine that ran before fall asleep.
            time.sleep(PAUSE)
            answer = child.ask(do="run", seconds=seconds)
            timing.error = answer.get("error", "")
            if not timing.error:
                timing.rounds.append(statistics.median(answer["nanoseconds"]) / 1000)
                timing.samples += len(answer["nanoseconds"])
    for child, timing in zip(children, timings, strict=True):
        if not timing.error:
            answer = child.ask(do="memory")
            timing.imported, timing.peak = answer.get("imported"), answer.get("peak")
            timing.refusals = child.ask(do="compiled").get("refusals", [])
    return timings


def ratio(timing: Timing, baseline: Timing) -> float:
    """How many times the baseline's time: the median over rounds, each compared with its twin."""
    pairs = zip(timing.rounds, baseline.rounds, strict=False)
    ratios = [mine / other for mine, other in pairs]
    return statistics.median(ratios) if ratios else float("nan")


def disagreement(timing: Timing, baseline: Timing) -> float:
    """The largest relative difference between the first losses of two engines."""
    pairs = zip(timing.losses, baseline.losses, strict=False)
    return max((abs(a - b) / abs(b) for a, b in pairs), default=float("nan"))


def imports(engines: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """Seconds that each engine's import takes once NumPy is imported, a number per round."""
    program = (
        "import time, numpy; start = time.perf_counter(); import {}; "
        "print(time.perf_counter() - start)"
    )
    found: dict[str, list[float]] = {engine: [] for engine in engines}
    for turn in range(rounds + 1):
        for engine in engines:
            command = [sys.executable, "-c", program.format(ENGINES[engine].module)]
            # What everybody has after the first import: compiled files beside the sources.
            variables = environment(engine)
            variables.pop("PYTHONDONTWRITEBYTECODE", None)
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, env=variables
            )
            if done.returncode == 0 and turn > 0:
                found[engine].append(float(done.stdout))
    return found
