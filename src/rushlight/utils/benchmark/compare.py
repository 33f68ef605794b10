"""Measurements in a table: rows by what was done, columns by how."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable

from rushlight.utils.benchmark.common import (
    Measurement,
    ordered_unique,
    select_unit,
    trim_sigfig,
    unit_to_english,
)

__all__ = ["Colorize", "Compare"]

# By how far from the best: as terminals have it.
_WORST, _END = "\033[31m\033[1m", "\033[0m" * 2
_COLORS = (
    (1.0, "\033[92m\033[1m"),
    (1.1, "\033[34m\033[1m"),
    (1.999999, ""),
    (4.999999, "\033[2m\033[91m"),
)

_Row = tuple[int, str | None, str]


class Colorize(enum.Enum):
    """Among which times the best is marked."""

    NONE = "none"
    COLUMNWISE = "columnwise"
    ROWWISE = "rowwise"


class Compare:
    """A table for each label: a row for each sub-label and number of threads, a column for each description."""

    def __init__(self, results: Iterable[Measurement]) -> None:
        self._results: list[Measurement] = []
        self.extend_results(results)
        self._trim = False
        self._colorize = Colorize.NONE
        self._highlight = False

    def extend_results(self, results: Iterable[Measurement]) -> None:
        """Add measurements."""
        for result in results:
            if not isinstance(result, Measurement):
                raise ValueError(
                    f"Expected an instance of `Measurement`, got {type(result)} instead."
                )
            self._results.append(result)

    def trim_significant_figures(self) -> None:
        """Show no digits that the measurements do not bear."""
        self._trim = True

    def colorize(self, rowwise: bool = False) -> None:
        """Mark the best of each column, or of each row."""
        self._colorize = Colorize.ROWWISE if rowwise else Colorize.COLUMNWISE

    def highlight_warnings(self) -> None:
        """Mark what was measured while the machine was not quiet."""
        self._highlight = True

    def print(self) -> None:
        """Print the tables."""
        print(str(self))

    def __str__(self) -> str:
        merged = Measurement.merge(self._results)
        groups: dict[str, list[Measurement]] = {}
        for measured in merged:
            groups.setdefault(measured.label or measured.stmt, []).append(measured)
        return "\n".join(self._table(group) for group in groups.values())

    def _table(self, results: list[Measurement]) -> str:
        unit, scale = select_unit(min(r.median for r in results))
        columns = ordered_unique(r.description for r in results)
        rows = ordered_unique((r.num_threads, r.env, r.as_row_name) for r in results)
        rows.sort(key=lambda row: row[0])
        cells = {((r.num_threads, r.env, r.as_row_name), r.description): r for r in results}
        environments = len({env for _, env, _ in rows}) > 1
        names = {row: (f"({row[1]}) " if environments else "") + row[2] for row in rows}
        head = max(len(names[row]) for row in rows) + 6
        if columns == [None]:
            columns_shown = [""]
        else:
            columns_shown = ["" if c is None else str(c) for c in columns]
        digits = {c: self._digits(c, results, scale) for c in columns}
        texts = {
            key: self._number(cells[key], scale, digits[key[1]]) if key in cells else ""
            for key in ((row, c) for row in rows for c in columns)
        }
        widths = []
        for c, shown in zip(columns, columns_shown, strict=True):
            wide = max(len(texts[row, c]) for row in rows)
            for row in rows:
                texts[row, c] = texts[row, c].rjust(wide)
            widths.append(max(len(shown), wide))
        titles = [shown.center(width) for shown, width in zip(columns_shown, widths, strict=True)]
        header = " " * head + "".join(f"  |  {title}" for title in titles)
        label = results[0].label or results[0].stmt
        lines = [f"[{f' {label} '.center(len(header) - 2, '-')}]", header]
        threads = None
        for row in rows:
            if row[0] != threads:
                threads = row[0]
                lines.append(f"{threads} threads: ".ljust(len(header), "-"))
            line = f"      {names[row]}".ljust(head)
            for c, width in zip(columns, widths, strict=True):
                shown = texts[row, c].center(width)
                line += "  |  " + self._marked(shown, cells.get((row, c)), row, c, cells)
            lines.append(line)
        lines += ["", f"Times are in {unit_to_english(unit)}s ({unit})."]
        if self._highlight and any(r.has_warnings for r in results):
            lines.append(
                "(! XX%) Measurement has high variance, where XX is the IQR / median * 100."
            )
        return "\n".join(lines) + "\n"

    def _digits(self, column: str | None, results: list[Measurement], scale: float) -> int:
        """How many decimals a column shows: as many as the least sure of its numbers bears, else one."""
        if not self._trim:
            return 1
        return min(
            max(r.significant_figures - math.ceil(math.log10(r.median / scale)), 0)
            for r in results
            if r.description == column
        )

    def _number(self, measured: Measurement, scale: float, digits: int) -> str:
        value = measured.median / scale
        if self._trim:
            value = trim_sigfig(value, measured.significant_figures)
        text = f"{value:.{digits}f}"
        if self._highlight and measured.has_warnings:
            text += f" (! {measured.iqr / measured.median * 100:.0f}%)"
        return text

    def _marked(
        self, shown: str, measured: Measurement | None, row: _Row, column: str | None,
        cells: dict[tuple[_Row, str | None], Measurement],
    ) -> str:  # fmt: skip
        if self._colorize is Colorize.NONE or measured is None:
            return shown
        # Times with other numbers of threads are not compared.
        by_row = self._colorize is Colorize.ROWWISE
        best = min(
            r.median
            for key, r in cells.items()
            if (key[0] == row if by_row else key[1] == column and key[0][0] == row[0])
        )
        ratio = measured.median / best
        for most, color in _COLORS:
            if ratio <= most * (1 + 1e-9):
                return f"{color}{shown}{_END}" if color else shown
        return f"{_WORST}{shown}{_END}"
