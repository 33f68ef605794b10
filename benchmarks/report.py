"""The tables, for the terminal and for the documentation."""

from __future__ import annotations

import ast
import importlib.util
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.engines import ENGINES
from benchmarks.measure import FORCED_KERNELS, NOT_WRITTEN, Timing, disagreement, ratio
from benchmarks.worker import CHECKED_STEPS
from benchmarks.workloads import MORE, NAMES

MISSING = "-"
NAN = float("nan")


@dataclass
class Table:
    """Rows of text under a title."""

    title: str
    note: str
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)

    def markdown(self) -> str:
        lines = [f"## {self.title}", "", self.note, "", _line(self.columns)]
        lines.append(_line(["---", *["---:"] * (len(self.columns) - 1)]))
        lines += [_line(row) for row in self.rows]
        return "\n".join(lines) + "\n"

    def show(self) -> None:
        """Print to the terminal."""
        from rich.console import Console
        from rich.table import Table as Rich

        table = Rich(
            title=self.title, caption=self.note, header_style="bold", row_styles=["", "dim"]
        )
        for index, column in enumerate(self.columns):
            table.add_column(column, justify="right" if index else "left")
        for row in self.rows:
            table.add_row(*row)
        Console().print(table)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


@dataclass
class Results:
    """Everything that one call of `python -m benchmarks` measured."""

    engines: list[str]
    command: str
    machine: dict[str, str]
    workloads: list[list[Timing]] = field(default_factory=list)
    operations: list[list[Timing]] = field(default_factory=list)
    imports: dict[str, list[float]] = field(default_factory=dict)
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, numbers: dict[str, Any]) -> Results:
        results = cls(**numbers)
        for group in (results.workloads, results.operations):
            group[:] = [[Timing(**timing) for timing in timings] for timings in group]  # type: ignore[arg-type]
        return results

    def add(self, other: Results) -> None:
        """Take in what another run of the same engines measured."""
        if other.engines != self.engines:
            raise SystemExit(f"runs of other engines: {self.engines} and {other.engines}")
        self.command += f"` and `{other.command}"
        self.workloads += other.workloads
        self.operations += other.operations
        self.imports |= other.imports
        self.sizes |= other.sizes

    def tables(self) -> list[Table]:
        found = [*self._workload_tables(), self._operation_table(), self._footprint_table()]
        return [table for table in found if table.rows]

    def markdown(self, picture: str = "") -> str:
        """A page for the documentation; picture: the name of a file beside it."""
        facts = "\n".join(f"- {name}: {fact}" for name, fact in self.machine.items())
        described = "\n".join(f"- {_description(name)}" for name in self._names())
        drawn = f"![Steps in a second, times torch's]({picture})\n\n" if picture else ""
        remarks = "".join(f"- {remark}\n" for remark in self.remarks())
        return (
            "# Benchmarks\n\n"
            f"Written by `{self.command}`; see `benchmarks/`. Absolute times drift on a shared "
            "machine, ratios hardly: the engines take turns, round by round, each in a process of "
            "its own that is held to as many processors as threads, and a ratio is the median over "
            f"the rounds.\n\n{drawn}{facts}\n\nThe workloads:\n\n{described}\n\n"
            + "\n".join(table.markdown() for table in self.tables())
            + (f"\n## What could not be measured\n\n{remarks}" if remarks else "")
        )

    def _names(self) -> list[str]:
        return list(dict.fromkeys(timings[0].workload for timings in self.workloads)) or [*NAMES]

    def remarks(self) -> list[str]:
        """What failed, and what did not run compiled."""
        found: dict[str, None] = {}
        for timing in (t for group in self.workloads + self.operations for t in group):
            who = f"{timing.engine}, {timing.workload}"
            if timing.error and timing.error != NOT_WRITTEN:
                found[f"{who}: {timing.error.splitlines()[0][:300]}"] = None
            for refusal in timing.refusals:
                found[f"{who}: refused: {refusal.splitlines()[0][:300]}"] = None
        return list(found)

    @property
    def ours(self) -> str | None:
        """The engine whose time peers' are divided by."""
        mine = [name for name in self.engines if ENGINES[name].ours]
        return mine[-1] if mine and len(mine) < len(self.engines) else None

    def _workload_tables(self) -> list[Table]:
        tables = []
        for threads in sorted({timings[0].threads for timings in self.workloads}):
            plural = f"{threads} thread" + ("s" if threads > 1 else "")
            for title, names in (("Training steps", NAMES), ("Scalars and inference", MORE)):
                of = _taking_part(
                    timings
                    for timings in self.workloads
                    if timings[0].threads == threads and timings[0].workload in names
                )
                if of:
                    tables.append(self._times(f"{title}, {plural}", of))
                    if any(timing.cold is not None for timings in of for timing in timings):
                        tables.append(self._compiling(f"{title}: compiling, {plural}", of))
                    tables.append(self._memory(f"{title}: memory, {plural}", of))
        return tables

    def _times(self, title: str, of: list[list[Timing]]) -> Table:
        engines, ours = [timing.engine for timing in of[0]], self.ours
        first = engines[0]
        others = [name for name in engines if name not in (first, ours)]
        note = f"Median microseconds per step; difference: the largest, relative, between the first {CHECKED_STEPS} "
        note += (
            f"losses and {first}'s (without dropout where an engine draws other numbers than torch)"
        )
        columns = ["workload", *engines]
        if ours is not None:
            note += f"; ahead: the time of the best peer, times {ours}'s."
            columns += ["ahead", "best peer"]
        else:
            note += f"; ratio: times {first}'s."
            columns += [f"{other}: ratio" for other in others]
        table = Table(title, note, columns + [f"{e}: difference" for e in engines[1:]])
        for timings in of:
            row = [timings[0].workload, *map(_time, timings)]
            if ours is not None:
                best, ahead = best_peer(timings, ours)
                row += [_times(ahead), best]
            else:
                row += [_times(ratio(t, timings[0])) for t in timings if t.engine in others]
            table.rows.append(row + [_small(disagreement(t, timings[0])) for t in timings[1:]])
        return table

    def _compiling(self, title: str, of: list[list[Timing]]) -> Table:
        names = [timing.engine for timing in of[0] if ENGINES[timing.engine].cache]
        table = Table(
            title,
            f"Seconds that the first {CHECKED_STEPS} steps take beyond as many later ones: in a new process with "
            "nothing in the cache (cold), and with what that has left there (cached).",
            ["workload", *(f"{n}: {how}" for n in names for how in ("cold", "cached"))],
        )
        for timings in of:
            by = {timing.engine: timing for timing in timings}
            table.rows.append(
                [timings[0].workload]
                + [_took(took) for name in names for took in (by[name].cold, by[name].warm)]
            )
        return table

    def _memory(self, title: str, of: list[list[Timing]]) -> Table:
        first, *others = engines = [timing.engine for timing in of[0]]
        table = Table(
            title,
            f"MB resident at the highest point of a process that did nothing else (ratio: times {first}'s); "
            "added: without what it held after its imports.",
            ["workload", *engines]
            + [f"{other}: ratio" for other in others]
            + [f"{engine}: added" for engine in engines],
        )
        for timings in of:
            base = timings[0]
            table.rows.append(
                [base.workload, *(_megabytes(timing.peak) for timing in timings)]
                + [_times((timing.peak or NAN) / (base.peak or NAN)) for timing in timings[1:]]
                + [_megabytes(timing.added) for timing in timings]
            )
        return table

    def _operation_table(self) -> Table:
        if not self.operations:
            return Table("", "", [])
        engines = [timing.engine for timing in self.operations[0]]
        first, others = engines[0], engines[1:]
        table = Table(
            "Single operations on 8x8 matrices, 1 thread",
            "Microseconds, where almost all is the framework's own work: without a gradient "
            "(plain), with an input that needs one (recorded), and with the gradient computed "
            f"(with backward); ratio: times {first}'s.",
            ["operation", *engines, *(f"{other}: ratio" for other in others)],
        )
        for timings in self.operations:
            operation, mode = timings[0].workload.partition(":")[2].split(", ")
            table.rows.append(
                [f"`{operation}` {mode}"]
                + [_time(timing) for timing in timings]
                + [_times(ratio(timing, timings[0])) for timing in timings[1:]]
            )
        return table

    def _footprint_table(self) -> Table:
        engines = list(self.imports or self.sizes)
        table = Table(
            "Import and installation",
            "Import: median seconds over NumPy's own; size: MB on disk of the package, and with "
            "all the packages that it requires.",
            ["", *engines],
        )
        if any(self.imports.values()):
            cells = [_seconds(self.imports.get(engine, [])) for engine in engines]
            table.rows.append(["import, s", *cells])
        if self.sizes:
            own = [self.sizes.get(engine, {}).get("own") for engine in engines]
            total = [sum(self.sizes.get(engine, {}).values()) or None for engine in engines]
            table.rows.append(["size, MB", *map(_megabytes, own)])
            table.rows.append(["size with requirements, MB", *map(_megabytes, total)])
        return table


def _taking_part(of: Iterable[list[Timing]]) -> list[list[Timing]]:
    """Without the engines for which none of the workloads is written; the first stays."""
    of = list(of)
    absent = [all(timing.error == NOT_WRITTEN for timing in row) for row in zip(*of, strict=True)]
    return [[t for at, t in enumerate(timings) if at == 0 or not absent[at]] for timings in of]


def best_peer(timings: Sequence[Timing], ours: str) -> tuple[str, float]:
    """The fastest of the others that are not ours, and its time over ours."""
    mine = next((timing for timing in timings if timing.engine == ours), None)
    peers = [t for t in timings if not ENGINES[t.engine].ours and t.rounds and not t.error]
    if not peers or mine is None or mine.error or not mine.rounds:
        return MISSING, NAN
    best = min(peers, key=lambda timing: timing.microseconds)
    return best.engine, ratio(best, mine)


def machine() -> dict[str, str]:
    """What the numbers were measured on."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    facts = {
        "date": date.today().isoformat(),
        "processor": f"{_processor()}, {cpus} usable",
        "system": platform.platform(),
        "Python": platform.python_version(),
    }
    names = dict.fromkeys(engine.module for engine in ENGINES.values())
    for package in ("numpy", *names):
        try:
            facts[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            facts[package] = "not installed"
    if importlib.util.find_spec("rushlight") is not None:
        from rushlight.compiler.installation import unforced_kernels

        facts["NumPy's OpenBLAS"] = f"kernels for {unforced_kernels() or 'an unknown processor'}"
    forced = [name for name in FORCED_KERNELS if name in os.environ]
    if forced:
        facts["not handed on to the engines"] = f"{', '.join(forced)}, which slow OpenBLAS down"
    if hasattr(os, "getloadavg"):
        facts["load before"] = f"{os.getloadavg()[0]:.1f} processes"
    return facts


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _description(workload: str) -> str:
    """The workload's own first line: its module is parsed for it, not imported."""
    spec = importlib.util.find_spec(f"benchmarks.workloads.{workload}")
    assert spec is not None
    assert spec.origin is not None
    text = ast.get_docstring(ast.parse(Path(spec.origin).read_text())) or workload
    return text.splitlines()[0].rstrip(".")


def _took(seconds: float | None) -> str:
    return MISSING if seconds is None else f"{seconds:.2f}"


def _time(timing: Timing) -> str:
    if timing.error == NOT_WRITTEN:
        return MISSING
    if timing.error:
        return "failed"
    us = timing.microseconds
    return f"{us:,.0f}" if us >= 100 else f"{us:.3g}"


def _times(value: float) -> str:
    return f"{value:.2f}x" if value == value else MISSING


def _small(value: float) -> str:
    return f"{value:.0e}" if value == value else MISSING


def _megabytes(size: int | None) -> str:
    return MISSING if size is None else f"{size / 1e6:,.1f}"


def _seconds(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.3f}" if times else MISSING
