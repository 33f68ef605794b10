"""`python -m benchmarks`: engines in turn, and what they cost.

`--docs` measures everything under every engine that is installed, and writes the page of the documentation
with its picture; `--from FILE --docs` writes them of numbers that were measured before.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path

from benchmarks import measure
from benchmarks.engines import EAGER, ENGINES
from benchmarks.footprint import footprint
from benchmarks.report import Results, machine
from benchmarks.workloads import MODES, MORE, NAMES, OPERATIONS

PARTS = ("ops", "import", "size")
ALL = [name for name in ENGINES if name != "before"]
DOCS = Path(__file__).resolve().parents[1] / "docs"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        nargs="*",
        metavar="WHAT",
        help=f"any of {', '.join((*NAMES, *MORE, *PARTS))}; all by default, but for {', '.join(MORE)}",
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
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw them (.svg or .png)")
    parser.add_argument(
        "--docs", action="store_true", help="all of it, all engines, into docs/benchmarks.md"
    )
    parser.add_argument(
        "--from",
        dest="numbers",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="numbers of --json, one run or several of the same engines, not measured anew",
    )
    args = parser.parse_args()
    known = (*NAMES, *MORE, *PARTS)
    unknown = [name for name in args.what if name not in known]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    if args.docs:
        args.what = args.what or [*known]
        args.engines = ALL
        args.markdown, args.picture = DOCS / "benchmarks.md", DOCS / "benchmarks.svg"
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
    missing = [name for name in args.engines if not ENGINES[name].installed()]
    if missing and args.numbers is None:
        print(f"not installed, and left out: {', '.join(missing)}")
        args.engines = [name for name in args.engines if name not in missing]
        if not args.engines:
            parser.error("no engine is left")
    return args


def collect(args: argparse.Namespace) -> Results:
    """Measure what was asked for, with a bar that says how far it is."""
    from rich.progress import Progress

    command = shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]])
    results = Results(args.engines, command, machine())
    names = [name for name in (*NAMES, *MORE) if name in args.what]
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
                write(results, args)
        eager = [engine for engine in args.engines if engine in EAGER]
        if cases and eager:
            bar.update(task, description="single operations")
            # A tenth of the time is plenty: a sample is hundreds of operations.
            turn = args.seconds / 10
            for timings in measure.operations(cases, eager, 1, args.rounds, turn):
                results.operations.append(timings)
                bar.advance(task, 0.1)
        if "import" in args.what:
            bar.update(task, description="import")
            results.imports = measure.imports(packages(args.engines), args.rounds)
        if "size" in args.what:
            results.sizes = {e: footprint(ENGINES[e].module) for e in packages(args.engines)}
    return results


def packages(engines: list[str]) -> list[str]:
    """The first engine of each package, but for another checkout of one."""
    first = {(ENGINES[engine].module, engine == "before"): engine for engine in reversed(engines)}
    return [engine for engine in engines if engine in first.values()]


def write(results: Results, args: argparse.Namespace) -> None:
    """What was asked for in files, as far as it has been measured."""
    if args.json is not None:
        args.json.write_text(json.dumps(results.as_json(), indent=1) + "\n")
    if args.picture is not None:
        from benchmarks.picture import draw

        args.picture.parent.mkdir(parents=True, exist_ok=True)
        draw(results, args.picture)
    if args.markdown is not None:
        args.markdown.parent.mkdir(parents=True, exist_ok=True)
        args.markdown.write_text(results.markdown(args.picture.name if args.picture else ""))


def main() -> None:
    args = arguments()
    if args.numbers is not None:
        results, *more = [Results.from_json(json.loads(f.read_text())) for f in args.numbers]
        for other in more:
            results.add(other)
    else:
        results = collect(args)
    for table in results.tables():
        table.show()
    for remark in results.remarks():
        print(remark)
    write(results, args)


if __name__ == "__main__":
    main()
