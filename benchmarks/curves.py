"""Whether training compiled is training: `rushlight run benchmarks/curves.py [workloads]`.

Each workload is trained for 100 steps, eagerly and compiled, from the same seed. What is printed is how far
the losses are from each other: sums are made in another order, and training amplifies that. The exit code
is 1 where the curves part early, or a curve is another one in the end.
"""

import importlib
import sys

import torch

from benchmarks.workloads import NAMES

STEPS = 100
# The first ten losses agree to that relative difference, and the mean of the last ten to this.
BEGIN, END = 1e-4, 5e-2


def curve(name: str, compiled: bool) -> list[float]:
    """The losses of a training."""
    torch.manual_seed(0)
    step = importlib.import_module(f"benchmarks.workloads.{name}").build()
    run = torch.compile(step) if compiled else step
    losses = [run().item() for _ in range(STEPS)]
    if compiled and not run.programs:
        raise SystemExit(f"{name} was not compiled: {run.refusals}")
    return losses


def main(names: list[str]) -> int:
    """Train them all; whether any goes wrong."""
    wrong = 0
    for name in names:
        eager, compiled = curve(name, False), curve(name, True)
        apart = [abs(a - b) / max(abs(a), 1e-6) for a, b in zip(eager, compiled, strict=True)]
        ends = [sum(losses[-10:]) / 10 for losses in (eager, compiled)]
        end = abs(ends[0] - ends[1]) / abs(ends[0])
        print(f"{name}: first ten within {max(apart[:10]):.1e}, all within {max(apart):.1e}; "
              f"ends at {ends[0]:.4f} and {ends[1]:.4f}", flush=True)  # fmt: skip
        wrong += max(apart[:10]) > BEGIN or end > END
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(NAMES)))
