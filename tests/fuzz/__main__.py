"""Random programs under torch and rushlight, compared line by line.

    python -m tests.fuzz --minutes 10 --jobs 2       as many as fit
    python -m tests.fuzz --programs 1000 --seed 7    programs 7 to 1006
    python -m tests.fuzz --seed 1234 --show          one program, line by line

Every program has a number, its seed, and is always the same. What differs is grouped by operation
and aspect; the first program of each kind is shrunk and printed as a test. The exit code is 1 if
anything differed that `tests/fuzz/known.py` does not explain.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.fuzz.figure import record
from tests.fuzz.known import known
from tests.fuzz.lockstep import ASPECTS, OFF_BY_DEFAULT, run
from tests.fuzz.programs import write
from tests.fuzz.shrinking import as_test, shrink
from tests.fuzz.workers import fuzz


def show(options: argparse.Namespace) -> int:
    """One program: its lines, what differs, and the shrunk program."""
    result = write(options.seed, options.without)
    print("\n".join(map(str, result.program)))
    if result.difference is None:
        print(f"# no difference{', stopped early' if result.stopped else ''}")
        return 0
    print(f"\n# {result.difference}")
    entry = known(result.difference)
    if entry:
        print(f"# known: {entry.reason}")
        return 0
    program = shrink(result.program, result.difference, options.without)
    found = run(map(str, program), options.without)
    print(f"\n{as_test(program, found or result.difference)}")
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, help="stop after this long")
    parser.add_argument("--programs", type=int, help="stop after so many (1000, if not --minutes)")
    parser.add_argument("--seed", type=int, default=0, help="number of the first program (0)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    parser.add_argument("--show", action="store_true", help="print the program of --seed")
    parser.add_argument(
        "--without",
        default="",
        help=f"aspects not to compare, with commas between: {', '.join(ASPECTS)}",
    )
    parser.add_argument("--grad-fn", action="store_true", help="compare the names of grad_fn too")
    parser.add_argument("--quick", action="store_true", help="do not shrink")
    parser.add_argument("--report", type=Path, help="write what was found here, as it is found")
    parser.add_argument("--record", action="store_true", help="put the figure into the docs")
    parser.add_argument("--every", type=float, default=10, help="seconds between progress lines")
    options = parser.parse_args()
    without = {name.strip() for name in options.without.split(",")} - {""}
    if unknown := without - set(ASPECTS):
        parser.error(f"--without {', '.join(sorted(unknown))}: no such aspect")
    options.without = without | (set() if options.grad_fn else OFF_BY_DEFAULT)
    if options.show:
        return show(options)
    if not options.minutes and not options.programs:
        options.programs = 1000
    report = fuzz(options)
    if options.report:
        options.report.write_text(str(report) + "\n")
    if options.record:
        record(report, options.seed)
    print(report)
    return 1 if report.kinds else 0


if __name__ == "__main__":
    sys.exit(main())
