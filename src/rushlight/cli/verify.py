"""`rushlight verify`: whether a program computes under rushlight what it computes under torch."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rushlight.cli import children
from rushlight.verify.comparing import Comparison, Culprit, Parting, Row, compare, culprit

_RECORDER = Path(__file__).parents[1] / "verify" / "recorder.py"
MATCH, DIVERGE, COULD_NOT = 0, 1, 2
_SHOWN = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its command line: options, then the script with its own arguments."""
    parser.usage = "rushlight verify [options] SCRIPT [arguments]"
    parser.description = (
        "Runs a script under rushlight and under the installed torch, each in a process of its own with the "
        "same seed, and compares losses, gradients and parameters of every backward and step. Exit status: 0 "
        "they match, 1 they diverge, 2 it could not be run."
    )
    parser.add_argument("--steps", type=_positive, default=100, metavar="N",
                        help="stop after N steps (default 100)")  # fmt: skip
    parser.add_argument("--tolerance", type=_part, default=1e-3, metavar="X",
                        help="largest difference, as a part of the scale of the values (default 0.001)")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, metavar="N",
                        help="for scripts that seed nothing themselves (default 0)")  # fmt: skip
    parser.add_argument("--timeout", type=_seconds, default=None, metavar="S",
                        help="seconds for each run")  # fmt: skip
    parser.add_argument("--python", default=sys.executable, metavar="PYTHON",
                        help="the Python in which torch is installed (default: this one)")  # fmt: skip
    parser.add_argument("-m", dest="module", action="store_true", help="SCRIPT names a module")
    parser.add_argument("script", metavar="SCRIPT", nargs="?")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="for the script")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of steps")
    return int(text)


def _part(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no part of a scale, such as 0.001")
    return number


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return number


def main(options: argparse.Namespace) -> int:
    """Verify what the command line names; returns the exit status."""
    problem = _problem(options)
    if problem is not None:
        print(f"rushlight verify: {problem}", file=sys.stderr)
        return COULD_NOT
    with tempfile.TemporaryDirectory(prefix="rushlight-verify-") as folder:
        return _Verification(options, Path(folder)).run()


def _problem(options: argparse.Namespace) -> str | None:
    """Why it cannot be run, as far as is known beforehand."""
    if options.script is None:
        return "name a script, or a module after -m (rushlight verify --help)"
    if not options.module and not Path(options.script).is_file():
        return f"there is no file {options.script}"
    try:
        origin = _torch_of(options.python)
    except OSError as error:
        return f"{options.python} cannot be run: {error.strerror}"
    if not origin or origin.startswith(children.FOLDER):
        return (
            "there is no torch in this environment to compare with: python -m pip install torch, or name a "
            "Python that has it with --python"
        )
    return None


def _torch_of(python: str) -> str:
    """Where the torch of a Python lies; empty if it has none."""
    if python == sys.executable and "torch" not in sys.modules:
        spec = importlib.util.find_spec("torch")
        return "" if spec is None else spec.origin or ""
    ask = "import importlib.util as u; s = u.find_spec('torch'); print(s.origin if s else '')"
    found = subprocess.run([python, "-c", ask], capture_output=True, text=True, env=_plain())
    return found.stdout.strip()


def _plain() -> dict[str, str]:
    """The environment of a run, in which `torch` is what is installed."""
    env = dict(os.environ, PYTHONHASHSEED=os.environ.get("PYTHONHASHSEED", "0"))
    paths = env.get("PYTHONPATH", "").split(os.pathsep)
    env["PYTHONPATH"] = os.pathsep.join(p for p in paths if p and p != children.FOLDER)
    return env


class _Verification:
    """Two runs of one program."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        self.name = ("-m " if options.module else "") + options.script
        # What each run returned to the system.
        self.codes: dict[str, int | None] = {}

    def run(self) -> int:
        """Run both, compare, and say what was found."""
        late = self._record()
        if late is not None:
            seconds = f"{self.options.timeout:g} second{'' if self.options.timeout == 1 else 's'}"
            print(f"could not run: {self.name} did not end under {late} within {seconds}")
            return COULD_NOT
        found = compare(self._file("rushlight"), self._file("torch"), self.options.tolerance)
        if (where := found.ends[1].get("imports")) is not None:
            print(f"could not run: the program imports rushlight itself, at {_near(where)}: verify takes one that says "
                  "import torch")  # fmt: skip
            return COULD_NOT
        if found.rows:
            print(_table(found.rows, found.parting, self.options.tolerance))
        return self._verdict(found)

    def _file(self, side: str, detail: int | None = None) -> Path:
        return self.folder / (side if detail is None else f"{side}-{detail}")

    def _record(self, detail: int | None = None) -> str | None:
        """Run the program under both, side by side; under which it took too long, if it did."""
        runs = {side: self._begun(side, detail) for side in ("torch", "rushlight")}
        end = None if self.options.timeout is None else time.monotonic() + self.options.timeout
        try:
            for side, run in runs.items():
                try:
                    run.wait(None if end is None else max(0.0, end - time.monotonic()))
                except subprocess.TimeoutExpired:
                    return side
        finally:
            self.codes = {side: run.poll() for side, run in runs.items()}
            for run in runs.values():
                _end(run)
        return None

    def _begun(self, side: str, detail: int | None) -> subprocess.Popen[bytes]:
        options = self.options
        file = self._file(side, detail)
        wanted = {"out": str(file), "seed": options.seed, "steps": options.steps, "detail": detail,
                  "module": options.module}  # fmt: skip
        given = [str(_RECORDER), json.dumps(wanted), options.script, *options.arguments]
        runner = (
            [sys.executable, "-m", "rushlight", "run"] if side == "rushlight" else [options.python]
        )
        said = file.with_suffix(".out"), file.with_suffix(".err")
        with said[0].open("wb") as out, said[1].open("wb") as err:
            file.touch()
            return subprocess.Popen([*runner, *given], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                    env=_plain(), start_new_session=True)  # fmt: skip

    # ---- the verdict ----------------------------------------------------------------------------

    def _verdict(self, found: Comparison) -> int:
        if found.parting is not None:
            self._say_where(found.parting, bool(found.noise))
            return DIVERGE
        sides = ("rushlight", "torch")
        errors = [
            end.get("error") or self._death(side, bool(end))
            for end, side in zip(found.ends, sides, strict=True)
        ]
        for side, error, end in zip(sides, errors, found.ends, strict=True):
            if error and not all(errors):
                at = f" at {_near(end.get('place', ''))}" if end.get("place") else ""
                print(f"could not run: under {side} the program ended{at} with {error}, under the other not"
                      f" ({_count(found)} equal before)")  # fmt: skip
                return COULD_NOT
        if all(errors):
            if not found.rows:
                print(f"could not run: under torch too the program ends with {errors[1]}")
                return COULD_NOT
            if len({str(error).partition(":")[0] for error in errors}) > 1:
                print(f"DIVERGE: the program ends under rushlight with {errors[0]}, under torch with {errors[1]}"
                      f" ({_count(found)} equal before)")  # fmt: skip
                return DIVERGE
            print(f"note: under both the program ends with an error; under torch: {errors[1]}")
        if found.counts[0] != found.counts[1]:
            print(f"DIVERGE: {self.name} makes {found.counts[0]} backwards and steps under rushlight, "
                  f"{found.counts[1]} under torch; what both made is equal")  # fmt: skip
            return DIVERGE
        if not found.rows:
            return self._by_output()
        count = sum(int(part.sum()) for part in found.noise.values())
        noise = (
            f"; not compared: {count:,} elements of {len(found.noise)} parameters, whose gradients are rounding alone"
            if count
            else ""
        )
        agree = "agrees" if len(found.rows) == 1 else "agree"
        print(f"MATCH: {_count(found)} {agree} within {self.options.tolerance:g}{noise}")
        return MATCH

    def _death(self, side: str, told: bool) -> str | None:
        """How a run ended that could not tell of its end; None if it told, or left of its own will."""
        code = self.codes.get(side)
        if told or code == 0:
            return None
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                return f"the signal {signal.Signals(-code).name}"
        return self._last_line(side)

    def _last_line(self, side: str) -> str:
        lines = (
            self._file(side).with_suffix(".err").read_text(errors="replace").strip().splitlines()
        )
        return lines[-1] if lines else "no word"

    def _by_output(self) -> int:
        """Without a backward or step, what both printed is compared."""
        texts = [self._file(side).with_suffix(".out").read_text(errors="replace").splitlines()
                 for side in ("rushlight", "torch")]  # fmt: skip
        print("no backward and no step ran: what the program printed is compared")
        for number, (a, b) in enumerate(zip(*texts, strict=False), 1):
            if not _alike(a, b, self.options.tolerance):
                print(f"DIVERGE: line {number} of the output\n  rushlight  {a}\n  torch      {b}")
                return DIVERGE
        if len(texts[0]) != len(texts[1]):
            print(f"DIVERGE: {len(texts[0])} lines under rushlight, {len(texts[1])} under torch")
            return DIVERGE
        lines = "1 line agrees" if len(texts[0]) == 1 else f"{len(texts[0])} lines agree"
        print(f"MATCH: {lines} within {self.options.tolerance:g}")
        return MATCH

    def _say_where(self, parting: Parting, noise: bool) -> None:
        at = _near(parting.place)
        if parting.kind == "order":
            print(
                f"DIVERGE at event {parting.number}: next comes a {parting.ours} under rushlight, a "
                f"{parting.theirs} under torch, at {at}"
            )
            return
        by = f" by {parting.optimizer}" if parting.optimizer else ""
        print(f"DIVERGE at event {parting.number} ({parting.kind}{by}), {at}")
        print(f"  {parting.what}{_by_how_much(parting.difference)}")
        print(f"  rushlight  {parting.ours}\n  torch      {parting.theirs}")
        found = self._operation(parting, noise)
        own = found is not None and parting.kind == "step" and found.place == parting.place
        if found is not None and not own:
            print(
                f"the first operation that differs: the {found.what} of {found.name}, {_near(found.place)}"
            )
            print(f"  the result{_by_how_much(found.difference)}")
            print(f"  rushlight  {found.ours}\n  torch      {found.theirs}")
        elif parting.kind == "step":
            print(
                f"all operations and gradients before it agree: it is the step of {parting.optimizer}"
            )
        elif parting.what.startswith("gradient of") and parting.difference is not None:
            print(
                "all operations agree, and what they send back: look at hooks, and what is done with gradients"
            )

    def _operation(self, parting: Parting, noise: bool) -> Culprit | None:
        """Run both again as far as there, and look at each operation of that step.

        noise: some parameters differ by rounding that steps have made large; first what differs by more is looked for.
        """
        if self._record(parting.number) is not None:
            return None
        files = [self._file(side, parting.number) for side in ("rushlight", "torch")]
        least = min(self.options.tolerance, 1e-3)
        large = 0.1 * (parting.difference or 0.0)
        found = culprit(files[0], files[1], large) if noise and least < large < 1 else None
        return found or culprit(files[0], files[1], least)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a run that has not ended, and the processes that it has started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.poll() is None:
        process.kill()
        process.wait()


def _count(found: Comparison) -> str:
    steps = sum(row.kind == "step" for row in found.rows)
    parts = [(len(found.rows) - steps, "backward"), (steps, "step")]
    return " and ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in parts if n) or "nothing"


def _near(place: str) -> str:
    file, _, line = place.rpartition(":")
    near = os.path.relpath(file) if file else ""
    return f"{file if near.startswith('..') else near}:{line}" if file else "no line of the program"


def _by_how_much(apart: float | None) -> str:
    if apart is None:
        return ""
    return (
        " differs in shape or finiteness"
        if apart == float("inf")
        else f" differs by {apart:.2g} of its scale"
    )


def _alike(a: str, b: str, tolerance: float) -> bool:
    """Whether two lines are equal but for rounding in their numbers."""
    number = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?")
    if number.sub("#", a) != number.sub("#", b):
        return False
    pairs = zip(number.findall(a), number.findall(b), strict=True)
    return all(abs(float(x) - float(y)) <= tolerance * max(1e-3, abs(float(y))) for x, y in pairs)


def _table(rows: list[Row], parting: Parting | None, tolerance: float) -> str:
    """The rows as text: the first and last, and where they part."""
    head = f"{'event':>6}  {'':9} {'loss rushlight':>15} {'loss torch':>15} {'gradients':>10} {'parameters':>10}"
    lines = [head]
    wanted = set(range(_SHOWN // 2)) | set(range(len(rows) - _SHOWN // 2, len(rows)))
    skipped = False
    for i, row in enumerate(rows):
        if i not in wanted and not (parting is not None and row.number == parting.number):
            skipped = True
            continue
        if skipped:
            lines.append(f"{'...':>6}")
            skipped = False
        losses = ["" if loss is None else f"{loss:.7g}" for loss in row.losses]
        cells = ["" if d is None else f"{d:.1e}" for d in (row.gradients, row.values)]
        mark = "  <-- diverges" if parting is not None and row.number == parting.number else ""
        lines.append(f"{row.number:>6}  {row.kind:9} {losses[0]:>15} {losses[1]:>15} {cells[0]:>10} "
                     f"{cells[1]:>10}{mark}")  # fmt: skip
    return "\n".join(lines)
