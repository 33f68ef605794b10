"""Many programs, in processes of their own, and what they find by kind."""

from __future__ import annotations

import argparse
import multiprocessing
import queue
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import torch

from tests.fuzz.known import known
from tests.fuzz.lockstep import Difference, run
from tests.fuzz.programs import write
from tests.fuzz.shrinking import as_test, shrink

HANGS = 120.0
TORCH_ENDED = "torch itself ended the process."


@dataclass
class Kind:
    """One operation that differs in one aspect."""

    count: int = 0
    seeds: list[int] = field(default_factory=list)
    text: str = ""


@dataclass
class Report:
    """What a run has found."""

    programs: int = 0
    lines: int = 0
    refused: int = 0
    stopped: int = 0
    kinds: dict[str, Kind] = field(default_factory=dict)
    explained: Counter[str] = field(default_factory=Counter)

    def add(self, message: dict[str, Any]) -> None:
        self.programs += message["programs"]
        self.lines += message["lines"]
        self.refused += message["refused"]
        self.stopped += message["stopped"]
        self.explained.update(message["explained"])
        for signature, seed, text in message["found"]:
            kind = self.kinds.setdefault(signature, Kind())
            kind.count += 1
            kind.seeds.append(seed)
            kind.text = min(kind.text or text, text or kind.text, key=len)

    def line(self) -> str:
        bad = sum(kind.count for kind in self.kinds.values())
        return (
            f"{self.programs} programs, {self.lines} lines ({self.refused} refused by both), "
            f"{bad} differ in {len(self.kinds)} kinds"
        )

    def __str__(self) -> str:
        parts = []
        for signature, kind in sorted(self.kinds.items(), key=lambda item: -item[1].count):
            seeds = " ".join(map(str, kind.seeds[:6]))
            parts.append(f"## {kind.count} x {signature}   (seeds {seeds})\n\n{kind.text}")
        if self.explained:
            parts.append("Explained by tests/fuzz/known.py:")
            parts += [f"  {count} x {reason}" for reason, count in self.explained.most_common()]
        if self.stopped:
            parts.append(
                f"{self.stopped} programs ended early: at what --without leaves out, or at a "
                "call that failed, and had changed something in torch alone."
            )
        return "\n".join([*parts, self.line()])


def signature(operation: str, difference: Difference) -> str:
    """The kind of a difference: operation, aspect, and which error where there is one."""
    detail = ""
    if difference.aspect == "error":
        want, got = (str(e).split(":")[0] for e in (difference.want, difference.got))
        detail = f" ({want}, not {got})"
    gradient = " of a gradient" if difference.path.endswith(".grad") else ""
    return f"{operation}: {difference.aspect}{gradient}{detail}"


def work(
    first: int, step: int, count: int, until: float, options: Any, results: Any, now: Any
) -> None:
    """Run every step-th program from the first on."""
    torch.set_num_threads(1)
    message = empty()
    shrunk: Counter[str] = Counter()
    sent = time.monotonic()
    seed = first
    while seed < count and time.time() < until:
        now.value = seed
        result = write(seed, options.without)
        message["programs"] += 1
        message["lines"] += len(result.program)
        message["refused"] += result.refused
        message["stopped"] += result.stopped
        if result.difference is not None:
            entry = known(result.difference)
            if entry is not None:
                message["explained"][entry.reason] += 1
            else:
                name = signature(result.program[-1].operation.name, result.difference)
                text = ""
                shrunk[name] += 1
                if shrunk[name] <= 2 and not options.quick:
                    program = shrink(result.program, result.difference, options.without)
                    found = run(map(str, program), options.without)
                    text = as_test(program, found or result.difference)
                message["found"].append((name, seed, text))
        seed += step
        if time.monotonic() - sent > 1:
            results.put(message)
            message, sent = empty(), time.monotonic()
    results.put(message)
    now.value = -1


def empty() -> dict[str, Any]:
    return {
        "programs": 0,
        "lines": 0,
        "refused": 0,
        "stopped": 0,
        "found": [],
        "explained": Counter(),
    }


@dataclass
class Worker:
    """A process, the program it is at, and since when."""

    process: Any
    now: Any
    at: int = -2
    since: float = 0.0


def alone(seed: int, without: Any) -> None:
    """A program with torch on both sides."""
    write(seed, without, torch)


def ends_alone(seed: int, without: Any) -> bool:
    """Whether a program ends the process where nothing but torch runs it."""
    process = multiprocessing.get_context("spawn").Process(target=alone, args=(seed, without))
    process.start()
    process.join(HANGS)
    process.kill()
    return (process.exitcode or 0) < 0


def fuzz(options: argparse.Namespace) -> Report:
    """Run programs in processes of their own: one that crashes or hangs is a difference too."""
    spawn = multiprocessing.get_context("spawn")
    results = spawn.Queue()
    until = time.time() + (60 * options.minutes if options.minutes else 1e9)
    end = options.seed + options.programs if options.programs else 1 << 60
    report, workers, shown = Report(), [], time.monotonic()

    def start(first: int) -> Worker:
        now = spawn.Value("q", first)
        arguments = (first, options.jobs, end, until, options, results, now)
        process = spawn.Process(target=work, args=arguments, daemon=True)
        process.start()
        return Worker(process, now, first, time.monotonic())

    workers = [start(options.seed + job) for job in range(options.jobs)]
    while workers:
        try:
            report.add(results.get(timeout=0.5))
        except queue.Empty:
            pass
        else:
            continue
        for number, worker in enumerate(workers):
            if worker.now.value != worker.at:
                worker.at, worker.since = worker.now.value, time.monotonic()
            hangs = worker.at >= 0 and time.monotonic() - worker.since > HANGS
            if worker.process.is_alive() and not hangs:
                continue
            seed = worker.now.value
            if seed < 0:
                workers.pop(number)
                break
            worker.process.kill()
            why = "hangs" if hangs else f"crash (exit code {worker.process.exitcode})"
            if not hangs and ends_alone(seed, options.without):
                report.add({**empty(), "programs": 1, "explained": [TORCH_ENDED]})
            else:
                found = [(why, seed, f"seed {seed}: {why}")]
                report.add({**empty(), "programs": 1, "found": found})
            workers[number] = start(seed + options.jobs)
        if time.monotonic() - shown > options.every:
            print(report.line(), file=sys.stderr, flush=True)
            shown = time.monotonic()
            if options.report:
                options.report.write_text(str(report) + "\n")
    while not results.empty():
        report.add(results.get())
    return report
