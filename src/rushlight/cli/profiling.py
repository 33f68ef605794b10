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
from typing import Any, NamedTuple

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
        write = {".json": speedscope, ".html": page}.get(self.path.suffix.lower(), flame)
        self.target.write_text(write(tally.root))
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

_ACROSS, _HIGH = 1200, 18
_COLOURS = ("#e8a33d", "#7fb069", "#5b8db8", "#c06c84", "#9a8fbf", "#8aa1a8")
_KINDS = ("kernels", "functions", "modules", "backward", "steps of optimizers")
_STYLE = (
    "text{font:11px system-ui,sans-serif;pointer-events:none}rect{stroke:#fff;stroke-width:.5}"
    "@media(prefers-color-scheme:dark){svg{background:#1b1b1b}rect{stroke:#1b1b1b}}"
)
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Where the time goes</title><style>
:root{color-scheme:light dark}body{font:14px system-ui,sans-serif;margin:16px;background:Canvas;color:CanvasText}
h1{font-size:18px;margin:0 0 4px}p{margin:0 0 8px;opacity:.75}p i{display:inline-block;width:10px;height:10px}
p span{white-space:nowrap;margin-right:12px}#said{min-height:3em}#flame{position:relative}
#flame button{position:absolute;height:21px;padding:0 3px;border:1px solid Canvas;border-radius:3px;color:#111;
font:12px system-ui,sans-serif;text-align:left;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;cursor:pointer}
#flame button:hover{filter:brightness(1.15)}</style></head><body><h1>Where the time goes</h1>
<p>LEGEND</p><p id="said"></p><div id="flame"></div><script>
const boxes = BOXES, flame = document.getElementById("flame"), said = document.getElementById("said");
const hint = "WHOLE in all. The wider, the longer; below a box stands what ran within it. Choose one to look into it.";
const made = boxes.map(([left, width, depth, colour, name, title]) => {
  const box = flame.appendChild(document.createElement("button"));
  Object.assign(box, {textContent: name, title, onclick: () => zoom(left, width, depth)});
  Object.assign(box.style, {background: colour, top: depth * 21 + "px"});
  box.onmouseenter = box.onfocus = () => said.textContent = title;
  return box;
});
flame.onmouseleave = () => said.textContent = hint;
function zoom(from, size, level) {
  made.forEach((box, i) => {
    const [left, width, depth] = boxes[i];
    const above = depth < level && left <= from + 1e-9 && left + width >= from + size - 1e-9;
    const part = above ? [0, 1] : [(left - from) / size, width / size];
    const outside = depth < level || part[0] < -1e-9 || part[0] + part[1] > 1 + 1e-9;
    box.hidden = !above && (outside || part[1] * flame.clientWidth < 2);
    box.style.opacity = above ? 0.5 : 1;
    Object.assign(box.style, {left: part[0] * 100 + "%", width: part[1] * 100 + "%"});
    // A letter or two of a name say nothing.
    box.textContent = part[1] * flame.clientWidth < 32 ? "" : boxes[i][4];
    box.style.paddingInline = part[1] * flame.clientWidth < 20 ? 0 : "3px";
  });
  flame.style.height = Math.max(...boxes.map(box => box[2] + 1)) * 21 + "px";
}
flame.ondblclick = () => zoom(0, 1, 0);
addEventListener("keydown", event => event.key === "Escape" && zoom(0, 1, 0));
addEventListener("resize", () => zoom(0, 1, 0));
said.textContent = hint;
zoom(0, 1, 0);
</script></body></html>
"""


class Box(NamedTuple):
    """A box of a flame picture: where, as parts of the whole width, how deep, its colour and what it says."""

    left: float
    width: float
    depth: int
    colour: str
    name: str
    title: str


def boxes(root: Branch) -> list[Box]:
    """The boxes of a tree: as wide as it took, what is within below."""
    whole = _whole(root)
    found: list[Box] = []

    def draw(branch: Branch, left: float, depth: int) -> None:
        for full, inner in sorted(branch.inside.items(), key=lambda pair: -pair[1].nanoseconds):
            name = full.removeprefix("autograd::engine::evaluate_function: ")
            title = f"{name}: {_time(inner.nanoseconds)} ({inner.nanoseconds / whole:.1%}), {inner.calls:,} calls"
            width, colour = inner.nanoseconds / whole, _COLOURS[inner.kind % len(_COLOURS)]
            if width < 1e-4:
                continue
            found.append(Box(left, width, depth, colour, name.removeprefix("nn.Module: "), title))
            # What only goes on under the same name is the same box.
            while len(inner.inside) == 1 and name in inner.inside:
                inner = inner.inside[name]
            draw(inner, left, depth + 1)
            left += width

    draw(root, 0.0, 0)
    return found


def _whole(root: Branch) -> int:
    return sum(branch.nanoseconds for branch in root.inside.values()) or 1


def flame(root: Branch) -> str:
    """A picture of the tree, as SVG."""
    parts: list[str] = []
    drawn = [box for box in boxes(root) if box.width * _ACROSS >= 0.4]
    for box in drawn:
        left, width, y = box.left * _ACROSS, box.width * _ACROSS, box.depth * _HIGH
        shown = escape(box.name[: int(width / 6.5)]) if width > 24 else ""
        parts.append(
            f'<g><title>{escape(box.title)}</title><rect x="{left:.1f}" y="{y}" width="{width:.1f}" '
            f'height="{_HIGH}" fill="{box.colour}"/><text x="{left + 3:.1f}" y="{y + 13}">{shown}</text></g>'
        )
    deepest = max((box.depth for box in drawn), default=0)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_ACROSS} {(deepest + 1) * _HIGH}" width="100%">'
        f"<style>{_STYLE}</style>{''.join(parts)}</svg>\n"
    )


def page(root: Branch) -> str:
    """The same as a page, in which a box can be looked into."""
    drawn = boxes(root)
    used = {box.colour for box in drawn}
    legend = " ".join(
        f'<span><i style="background:{colour}"></i> {kind}</span>'
        for colour, kind in zip(_COLOURS, _KINDS, strict=False)
        if colour in used
    )
    data = json.dumps(drawn).replace("<", "\\u003c")
    shown = _PAGE.replace("LEGEND", legend).replace("WHOLE", _time(_whole(root)))
    return shown.replace("BOXES", data)


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
