"""`rushlight run --profile` and `--flame`: where a program's time goes, beside what the machine can do at most."""

from __future__ import annotations

import json
import linecache
import os
import shutil
import sys
import time
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from rushlight.cli.watcher import Watcher, cannot_be_written, say, target
from rushlight.profiler import places
from rushlight.profiler.tally import Branch, Sum, Tally
from rushlight.threads import get_num_threads

_ROWS = 12
_WIDE = 110
# One measurement, whoever asks for it.
_shared: list[Tally] = []


class Profiling(Watcher):
    """Measures the program, and prints tables at its end."""

    def __init__(self, value: Any) -> None:
        self.begun = 0.0
        self.process = os.getpid()

    def watch(self) -> None:
        """Begin."""
        import rushlight.nn
        import rushlight.optim
        import rushlight.utils.data  # noqa: F401  what is not loaded is not measured

        if not _shared:
            _shared.append(Tally())
            places.start(_shared[0])
        self.begun = time.perf_counter()

    def report(self) -> None:
        """End, and say what was seen."""
        if os.getpid() != self.process:
            return
        took = time.perf_counter() - self.begun
        tally = _shared[0]
        if tally.begun and not tally.ended:
            places.stop(tally)
        self.tell(tally, took)

    def tell(self, tally: Tally, took: float) -> None:
        """The tables."""
        print("\n".join(tables(tally, took)), file=sys.stderr)


class Flame(Profiling):
    """Draws the same as a picture."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        path = Path(value)
        problem = cannot_be_written(path)
        if path.suffix.lower() not in (".svg", ".html", ".json"):
            problem = "the suffix says the format: .svg, .html, or .json for speedscope.app"
        self.path, self.target = path, target("flame", path, problem)

    def tell(self, tally: Tally, took: float) -> None:
        """The picture."""
        drawn = speedscope(tally.root) if self.path.suffix == ".json" else flame(tally.root)
        self.target.write_text(drawn)
        say(f"the flame picture is in {self.path}")


# ---- the machine ----------------------------------------------------------------------------------


def limits() -> tuple[float, float]:
    """GFLOP/s and GB/s from memory of this machine, measured once and kept beside what is compiled."""
    from rushlight.compiler.build import NoCompiler, cache_folder
    from rushlight.compiler.limits import limits as measured

    threads = get_num_threads()
    kept = cache_folder() / f"limits-{os.uname().nodename}-{threads}.json"
    try:
        flops, moved = json.loads(kept.read_text())
        return float(flops), float(moved)
    except (OSError, ValueError):
        pass
    try:
        found = measured(threads)
        result = found.flops, found.bandwidth[-1][1]
    except NoCompiler:
        result = _by_numpy()
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(result))
    except OSError:
        pass
    return result


def _by_numpy() -> tuple[float, float]:
    """Without a compiler: a product of matrices, and a copy."""
    a, big = np.ones((512, 512), np.float32), np.ones(1 << 23, np.float32)

    def best(run: Any, work: float) -> float:
        times = []
        for _ in range(4):
            start = time.perf_counter_ns()
            run()
            times.append(time.perf_counter_ns() - start)
        return work / min(times)

    return best(lambda: a @ a, 2.0 * 512**3), best(big.copy, 2.0 * big.nbytes)


# ---- tables ---------------------------------------------------------------------------------------


def tables(tally: Tally, took: float) -> list[str]:
    """The lines that are printed: by operation, by module, by line."""
    if not tally.operations:
        return [
            "",
            f"{_time(took * 1e9)} in all; no operation of torch ran, so that there is nothing to tell",
        ]
    flops, bandwidth = limits()
    spent = sum(s.nanoseconds for s in tally.operations.values()) or 1
    cost = _cost_of_a_mark() * tally.marks / 1e9
    lines = [
        "",
        f"{_time(took * 1e9)} in all, {spent / 1e9 / max(took, 1e-9):.0%} of it in operations; measuring took about "
        f"{_time(cost * 1e9)} ({cost / max(took, 1e-9):.0%})",
        f"this machine at most: {flops:,.0f} GFLOP/s, {bandwidth:,.0f} GB/s from memory",
        *(["compiled functions ran eagerly, to be measured"] if _compiles() else []),
        "",
        f"{'operation':<22}{'calls':>8}{'time':>10}{'share':>7}{'each':>10}{'GFLOP/s':>9}{'GB/s':>6}{'limit':>7}",
    ]  # fmt: skip
    for name, sum_ in _largest(tally.operations):
        ns = max(sum_.nanoseconds, 1)
        least = max(sum_.flops / flops, sum_.bytes / bandwidth)
        lines.append(
            f"{name:<22.22}{sum_.calls:>8,}{_time(ns):>10}{ns / spent:>7.1%}{_time(ns / sum_.calls):>10}"
            f"{sum_.flops / ns:>9.1f}{sum_.bytes / ns:>6.1f}{min(least / ns, 1.0):>7.0%}"
        )
    lines += _rest(tally.operations)
    if tally.module_sums:
        lines += ["", f"{'module (forward, its own time)':<46}{'calls':>8}{'time':>10}"]
        for name, sum_ in _largest(tally.module_sums):
            lines.append(f"{name:<46.46}{sum_.calls:>8,}{_time(sum_.nanoseconds):>10}")
        lines += _rest(tally.module_sums)
    lines += ["", f"{'time':>10}{'share':>8}  line, with its backward"]
    width = min(_WIDE, shutil.get_terminal_size((_WIDE, 24)).columns)
    whole = sum(s.nanoseconds for s in tally.lines.values()) or 1
    for (file, number), sum_ in _largest(tally.lines):
        text = linecache.getline(file, number).strip()
        place = f"{os.path.basename(file)}:{number}"
        lines.append(
            f"{_time(sum_.nanoseconds):>10}{sum_.nanoseconds / whole:>8.1%}  {place}  {text}"[
                :width
            ]
        )
    return lines


def _compiles() -> bool:
    """Whether the program has compiled functions; who has none has not loaded what makes them."""
    rooms = (sys.modules.get(f"{name}.compiler.compile") for name in ("rushlight", "torch"))
    return any(room is not None and room.count() for room in rooms)


def _largest(sums: dict[Any, Sum]) -> list[tuple[Any, Sum]]:
    return sorted(sums.items(), key=lambda pair: -pair[1].nanoseconds)[:_ROWS]


def _rest(sums: dict[Any, Sum]) -> list[str]:
    more = len(sums) - _ROWS
    return [f"and {more} more"] if more > 0 else []


def _time(nanoseconds: float) -> str:
    for unit, size in (("s", 1e9), ("ms", 1e6)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.2f} {unit}"
    return f"{nanoseconds / 1e3:.1f} us"


def _cost_of_a_mark() -> float:
    """Nanoseconds that it takes to make a mark and to end it, measured on marks of nothing."""
    idle, count = Tally(), 2000
    start = time.perf_counter_ns()
    for _ in range(count):
        idle.end(idle.begin(0, "nothing"))
    return (time.perf_counter_ns() - start) / count


# ---- pictures -------------------------------------------------------------------------------------

_WIDE, _HIGH = 1200, 18
_STYLE = (
    "text{font:11px system-ui,sans-serif;pointer-events:none}rect{stroke:#fff;stroke-width:.5}"
    "@media(prefers-color-scheme:dark){svg{background:#1b1b1b}rect{stroke:#1b1b1b}}"
)
_COLOURS = ("#e8a33d", "#7fb069", "#5b8db8", "#c06c84", "#9a8fbf", "#8aa1a8")


def flame(root: Branch) -> str:
    """A picture of the tree: as wide as it took, what is within above; a page or an SVG file by itself."""
    whole = sum(branch.nanoseconds for branch in root.inside.values()) or 1
    boxes: list[str] = []
    deepest = 0

    def draw(branch: Branch, left: float, depth: int) -> None:
        nonlocal deepest
        for name, inner in sorted(branch.inside.items(), key=lambda pair: -pair[1].nanoseconds):
            width = inner.nanoseconds / whole * _WIDE
            if width < 0.4:
                continue
            deepest = max(deepest, depth)
            title = f"{name}: {_time(inner.nanoseconds)} ({inner.nanoseconds / whole:.1%}), {inner.calls:,} calls"
            shown = escape(name[: int(width / 6.5)]) if width > 24 else ""
            y = depth * _HIGH
            boxes.append(
                f'<g><title>{escape(title)}</title><rect x="{left:.1f}" y="{y}" width="{width:.1f}" '
                f'height="{_HIGH}" fill="{_COLOURS[inner.kind % len(_COLOURS)]}"/>'
                f'<text x="{left + 3:.1f}" y="{y + 13}">{shown}</text></g>'
            )
            draw(inner, left, depth + 1)
            left += width

    draw(root, 0.0, 0)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {(deepest + 1) * _HIGH}" width="100%">'
        f"<style>{_STYLE}</style>{''.join(boxes)}</svg>\n"
    )


def speedscope(root: Branch) -> str:
    """The tree for https://www.speedscope.app, which opens it without sending it anywhere."""
    frames: dict[str, int] = {}
    samples: list[list[int]] = []
    weights: list[int] = []

    def walk(branch: Branch, above: list[int]) -> None:
        for name, inner in branch.inside.items():
            here = [*above, frames.setdefault(name, len(frames))]
            if inner.own > 0:
                samples.append(here)
                weights.append(inner.own)
            walk(inner, here)

    walk(root, [])
    profile = {
        "type": "sampled", "name": "rushlight", "unit": "nanoseconds", "startValue": 0, "endValue": sum(weights),
        "samples": samples, "weights": weights,
    }  # fmt: skip
    return json.dumps(
        {
            "$schema": "https://www.speedscope.app/file-format-schema.json",
            "shared": {"frames": [{"name": name} for name in frames]},
            "profiles": [profile],
        }
    )
