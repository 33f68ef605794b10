"""The tables, for the terminal and for the documentation."""

from __future__ import annotations

import ast
import importlib.util
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.engines import ENGINES
from benchmarks.measure import Timing, disagreement, ratio
from benchmarks.worker import CHECKED_STEPS
from benchmarks.workloads import NAMES

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

    def tables(self) -> list[Table]:
        found = [*self._workload_tables(), self._operation_table(), self._footprint_table()]
        return [table for table in found if table.rows]

    def markdown(self) -> str:
        """A page for the documentation."""
        facts = "\n".join(f"- {name}: {fact}" for name, fact in self.machine.items())
        described = "\n".join(f"- {_description(name)}" for name in NAMES)
        return (
            "# Benchmarks\n\n"
            f"Written by `{self.command}`; see `benchmarks/`. Absolute times drift on a shared "
            "machine, ratios hardly: the engines take turns, round by round, each in a process of "
            "its own, and a ratio is the median over the rounds.\n\n"
            f"{facts}\n\nThe workloads:\n\n{described}\n\n"
            + "\n".join(table.markdown() for table in self.tables())
        )

    def _workload_tables(self) -> list[Table]:
        first, others = self.engines[0], self.engines[1:]
        tables = []
        for threads in sorted({timings[0].threads for timings in self.workloads}):
            plural = "s" if threads > 1 else ""
            times = Table(
                f"Training steps, {threads} thread{plural}",
                f"Median microseconds per step; ratio: times {first}'s; difference: the largest, "
                f"relative, between the first {CHECKED_STEPS} losses and {first}'s.",
                ["workload", *self.engines]
                + [f"{other}: ratio" for other in others]
                + [f"{other}: difference" for other in others],
            )
            memory = Table(
                f"Memory, {threads} thread{plural}",
                "MB resident at the highest point of a process that did nothing else; added: "
                "without what it held after its imports.",
                ["workload", *self.engines]
                + [f"{other}: ratio" for other in others]
                + [f"{engine}: added" for engine in self.engines],
            )
            for timings in self.workloads:
                if timings[0].threads != threads:
                    continue
                base, rest = timings[0], timings[1:]
                times.rows.append(
                    [base.workload, *map(_time, timings)]
                    + [_times(ratio(timing, base)) for timing in rest]
                    + [_small(disagreement(timing, base)) for timing in rest]
                )
                memory.rows.append(
                    [base.workload, *(_megabytes(timing.peak) for timing in timings)]
                    + [_times((timing.peak or NAN) / (base.peak or NAN)) for timing in rest]
                    + [_megabytes(timing.added) for timing in timings]
                )
            tables += [times, memory]
        return tables

    def _operation_table(self) -> Table:
        first, others = self.engines[0], self.engines[1:]
        table = Table(
            "Single operations on 8x8 matrices, 1 thread",
            "Microseconds, where almost all is the framework's own work: without a gradient "
            "(plain), with an input that needs one (recorded), and with the gradient computed "
            f"(with backward); ratio: times {first}'s.",
            ["operation", *self.engines, *(f"{other}: ratio" for other in others)],
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
        table = Table(
            "Import and installation",
            "Import: median seconds over NumPy's own; size: MB on disk of the package, and with "
            "all the packages that it requires.",
            ["", *self.engines],
        )
        if any(self.imports.values()):
            cells = [_seconds(self.imports.get(engine, [])) for engine in self.engines]
            table.rows.append(["import, s", *cells])
        if self.sizes:
            own = [self.sizes.get(engine, {}).get("own") for engine in self.engines]
            total = [sum(self.sizes.get(engine, {}).values()) or None for engine in self.engines]
            table.rows.append(["size, MB", *map(_megabytes, own)])
            table.rows.append(["size with requirements, MB", *map(_megabytes, total)])
        return table


def machine() -> dict[str, str]:
    """What the numbers were measured on."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    facts = {
        "date": date.today().isoformat(),
        "processor": f"{_processor()}, {cpus} usable",
        "system": platform.platform(),
        "Python": platform.python_version(),
    }
    for package in ("numpy", *dict.fromkeys(engine.module for engine in ENGINES.values())):
        try:
            facts[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            facts[package] = "not installed"
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


def _time(timing: Timing) -> str:
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
