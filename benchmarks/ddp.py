"""A step of `DistributedDataParallel` over gloo, under whatever `torch` is; each process with one thread.

OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 benchmarks/ddp.py gpt
OMP_NUM_THREADS=1 rushlight run --nproc 2 benchmarks/ddp.py gpt
"""

import importlib
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
from torch.nn import functional as F

BLOCKS, SECONDS = 9, 0.4


def prepared(name: str) -> Callable[[], torch.Tensor]:
    """The step of a workload's network, on data that is drawn here."""
    network = importlib.import_module(f"benchmarks.workloads.{name}").network()
    model = torch.nn.parallel.DistributedDataParallel(network)
    optimizer: torch.optim.Optimizer
    if name == "gpt":
        x, y = torch.randint(0, 65, (12, 64)), torch.randint(0, 65, (12 * 64,))
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    elif name == "lenet":
        x, y = torch.randn(64, 1, 28, 28), torch.randint(0, 10, (64,))
        optimizer = torch.optim.Adadelta(model.parameters())
    else:
        rows = 256 if name == "mlp_big" else 64
        x, y = torch.randn(rows, 784), torch.randint(0, 10, (rows,))
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step() -> torch.Tensor:
        loss = F.cross_entropy(model(x).flatten(0, -2), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def measured(step: Callable[[], torch.Tensor]) -> float:
    """The median of the seconds of a step over blocks of steps, of the slower process."""
    for _ in range(40):
        step()
    begun = time.perf_counter()
    step()
    count = torch.tensor(max(int(SECONDS / (time.perf_counter() - begun)), 1))
    dist.broadcast(count, 0)
    blocks = []
    for _ in range(BLOCKS):
        dist.barrier()
        begun = time.perf_counter()
        for _ in range(int(count)):
            step()
        taken = torch.tensor((time.perf_counter() - begun) / int(count))
        dist.all_reduce(taken, dist.ReduceOp.MAX)
        blocks.append(taken.item())
    return statistics.median(blocks)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    dist.init_process_group("gloo")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    seconds = measured(prepared(sys.argv[1]))
    if dist.get_rank() == 0:
        print(f"{sys.argv[1]}: {seconds * 1e3:.2f} ms a step")
    dist.destroy_process_group()
