"""`python -m benchmarks`: torch and rushlight in turn, and what they cost."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path

from benchmarks import measure
from benchmarks.engines import ENGINES
from benchmarks.footprint import footprint
from benchmarks.report import Results, machine
from benchmarks.workloads import MODES, NAMES, OPERATIONS

PARTS = ("ops", "import", "size")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        nargs="*",
        metavar="WHAT",
        help=f"any of {', '.join((*NAMES, *PARTS))}; all by default",
    )
    parser.add_argument(
        "--engines",
        nargs="+",
        default=["torch", "rushlight"],
        choices=ENGINES,
        help="the columns; ratios are to the first",
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="CHECKOUT",
        help="measure another checkout of rushlight, `before`, and this one beside it",
    )
    parser.add_argument("--rounds", type=int, default=5, help="turns that each engine takes")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a turn")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="for instance: 1 2")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables as a page")
    args = parser.parse_args()
    unknown = [name for name in args.what if name not in (*NAMES, *PARTS)]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join((*NAMES, *PARTS))}")
    args.what = args.what or [*NAMES, *PARTS]
    if args.against is not None:
        if not (args.against / "src" / "rushlight").is_dir():
            parser.error(f"no checkout of rushlight: {args.against} has no src/rushlight")
        measure.CHECKOUTS["before"] = args.against.resolve()
        measure.CHECKOUTS["rushlight"] = Path(__file__).resolve().parents[1]
        args.engines = ["before", "rushlight"]
        args.what = [name for name in args.what if name != "size"]
    elif "before" in args.engines:
        parser.error("`before` needs --against CHECKOUT")
    return args


def collect(args: argparse.Namespace) -> Results:
    """Measure what was asked for, with a bar that says how far it is."""
    from rich.progress import Progress

    command = shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]])
    results = Results(args.engines, command, machine())
    names = [name for name in NAMES if name in args.what]
    cases = [f"{operation}, {mode}" for operation in OPERATIONS for mode in MODES]
    cases = cases if "ops" in args.what else []
    with Progress(transient=True) as bar:
        task = bar.add_task("", total=len(names) * len(args.threads) + len(cases) / 10 + 1)
        for threads in args.threads:
            for name in names:
                bar.update(task, description=f"{name}, {threads} threads")
                results.workloads.append(
                    measure.workload(name, args.engines, threads, args.rounds, args.seconds)
                )
                bar.advance(task)
        if cases:
            bar.update(task, description="single operations")
            # A tenth of the time is plenty: a sample is hundreds of operations.
            turn = args.seconds / 10
            for timings in measure.operations(cases, args.engines, 1, args.rounds, turn):
                results.operations.append(timings)
                bar.advance(task, 0.1)
        if "import" in args.what:
            bar.update(task, description="import")
            results.imports = measure.imports(args.engines, args.rounds)
        if "size" in args.what:
            results.sizes = {engine: footprint(ENGINES[engine].module) for engine in args.engines}
    return results


def main() -> None:
    args = arguments()
    results = collect(args)
    for table in results.tables():
        table.show()
    for timing in (t for group in results.workloads + results.operations for t in group):
        if timing.error:
            print(f"{timing.engine} could not run {timing.workload}: {timing.error}")
    if args.json is not None:
        args.json.write_text(json.dumps(results.as_json(), indent=1) + "\n")
    if args.markdown is not None:
        args.markdown.parent.mkdir(parents=True, exist_ok=True)
        args.markdown.write_text(results.markdown())


if __name__ == "__main__":
    main()
