"""Processes that Python has started, which meet by a file; then one of them ends and the other waits in vain."""

import sys

import torch
import torch.distributed as dist
import torch.multiprocessing as mp


def work(rank, path):
    dist.init_process_group("gloo", init_method=f"file://{path}", rank=rank, world_size=2)
    x = torch.ones(1) * (rank + 1)
    dist.all_reduce(x)
    print(x.item(), flush=True)
    if rank == 0:
        try:
            dist.recv(x, 1)
        except RuntimeError as error:
            print("closed" if "Connection closed by peer" in str(error) else error, flush=True)


if __name__ == "__main__":
    mp.spawn(work, (sys.argv[1],), nprocs=2)
