"""The picture for the documentation: how many steps each engine takes while torch takes one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Timing, ratio
from benchmarks.workloads import NAMES

if TYPE_CHECKING:
    from benchmarks.report import Results

COLORS = {
    "torch": "#9e9e9e", "torch.compile": "#616161", "jax": "#8e6fb0", "tinygrad": "#6d9eb0",
    "onnxruntime": "#b0a06d", "rushlight": "#f2b36b", "rushlight.compile": "#d9480f", "before": "#cccccc",
}  # fmt: skip


def draw(results: Results, file: Path) -> None:
    """A panel for each number of threads, a group of bars for each workload."""
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise SystemExit('the picture needs matplotlib: pip install "rushlight[demo]"') from None

    threads = sorted({timings[0].threads for timings in results.workloads})
    with rc_context({"svg.hashsalt": "benchmarks", "font.size": 9}):
        figure = Figure(figsize=(10, 3.2 * max(len(threads), 1)), layout="constrained")
        panels = figure.subplots(max(len(threads), 1), 1, squeeze=False)[:, 0]
        for panel, count in zip(panels, threads, strict=False):
            of = [t for t in results.workloads if t[0].threads == count and t[0].workload in NAMES]
            _panel(panel, of, results.engines)
            panel.set_title(f"{count} thread" + ("s" if count > 1 else ""), loc="left")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), frameon=False)
        figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)


def _panel(panel: Any, of: list[list[Timing]], engines: list[str]) -> None:
    width = 0.8 / len(engines)
    for at, engine in enumerate(engines):
        heights = [_speed(timings, engine) for timings in of]
        places = [group + (at - (len(engines) - 1) / 2) * width for group in range(len(of))]
        bars = panel.bar(places, heights, width, color=COLORS[engine], label=engine)
        panel.bar_label(
            bars, [f"{h:.3g}" if h == h else "" for h in heights], fontsize=6, padding=1
        )
    panel.axhline(1, color="black", linewidth=0.6)
    panel.set_yscale("log")
    panel.set_xticks(range(len(of)), [timings[0].workload for timings in of])
    panel.set_ylabel(f"steps, times {engines[0]}'s")
    panel.spines[["top", "right"]].set_visible(False)


def _speed(timings: list[Timing], engine: str) -> float:
    """How many steps it takes in the time of the first engine's one."""
    timing = next(t for t in timings if t.engine == engine)
    return ratio(timings[0], timing) if timing.rounds and not timing.error else float("nan")
