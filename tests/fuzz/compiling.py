"""What fuzzers of compiled functions share: which refusals are faults, and the command line."""

from __future__ import annotations

import argparse
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any

# How refusals begin that are no refusal of the function, but a fault.
FAULTS = ("the C stops", "the C gives", "a fault of the compiler")


def main(
    module: str,
    words: str | None,
    what: str,
    count: int,
    run: Callable[[int], tuple[Any, str, str]],
) -> int:
    """Run many seeds, print what differs and what is refused; run gives the difference, how it ran, and the text."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=words)
    parser.add_argument(f"--{what}s", dest="count", type=int, default=count)
    parser.add_argument("--seed", type=int, default=0, help=f"number of the first {what} (0)")
    parser.add_argument("--show", action="store_true", help=f"print the {what} of --seed")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    for seed in range(options.seed, options.seed + (1 if options.show else options.count)):
        try:
            found, how, text = run(seed)
        except Exception:
            print(f"## seed {seed}\n{traceback.format_exc()}", flush=True)
            counts["crashed"] += 1
            continue
        counts[how.split(":")[0]] += 1
        if found or options.show:
            counts["differ"] += bool(found)
            print(f"## seed {seed} ({how}): {found}\n{text}\n", flush=True)
        elif how.startswith(("refused", "broken")):
            print(f"# {seed} {how[:300]}", flush=True)
    print(dict(counts))
    return 1 if counts["differ"] or counts["crashed"] else 0
