"""A program that saves each step, one process of which fails the first time it is started."""

import os
import signal
import sys

import torch
import torch.distributed as dist

dist.init_process_group("gloo")
how, saved = sys.argv[1:]
start = torch.load(saved)["step"] + 1 if how == "kill" and os.path.exists(saved) else 0
x = torch.zeros(3000)
for step in range(start, 6):
    dist.all_reduce(x)
    if dist.get_rank() == 0:
        torch.save({"step": step, "x": x}, saved)
    dist.barrier()
    if dist.get_rank() == 1 and step == 3 and how == "raise":
        raise ValueError("no\ngood")
    if dist.get_rank() == 1 and how == "kill" and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
        os.kill(os.getpid(), signal.SIGKILL)
if dist.get_rank() == 0:
    print("from", start, "to", step)
