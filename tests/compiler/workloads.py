"""Run with `rushlight run`: each workload of the benchmarks, five steps eagerly and three of five replayed."""

import importlib
import sys

import torch
from benchmarks.workloads import NAMES, batches

from rushlight.compiler import record
from tests.compiler.twice import bits, state

# Smaller than what is measured: the same lines of code.
SMALLER = {"lenet": 4, "resnet20": 2, "mlp_big": 16, "gpt": 2, "lstm": 4}


def held(step):
    cells = [cell.cell_contents for cell in step.__closure__]
    return [c for c in cells if isinstance(c, torch.nn.Module | torch.optim.Optimizer)]


def run(name: str, recorded: bool):
    torch.manual_seed(0)
    step = importlib.import_module(f"benchmarks.workloads.{name}").build()
    things, losses = held(step), []
    for number in range(5):
        if recorded and number == 2:
            loss, step = record(step)
        else:
            loss = step()
        losses.append(bits(loss))
    return losses, state(things)


def shrunk(make, count):
    return lambda _, *rest: make(count, *rest)


if __name__ == "__main__":
    # What takes long becomes C after so many calls, which the two runs of a workload share.
    torch.backends.c.enabled = False
    labelled, text = batches.labelled, batches.text
    for name in NAMES:
        module = importlib.import_module(f"benchmarks.workloads.{name}")
        for make in (labelled, text):
            if hasattr(module, make.__name__) and name in SMALLER:
                setattr(module, make.__name__, shrunk(make, SMALLER[name]))
        if run(name, False) != run(name, True):
            sys.exit(f"{name}: a replay leaves something else than eager does")
    print("the same")
