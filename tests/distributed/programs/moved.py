"""What each strategy hands to MPI in a step, beside what docs/scaling.md says."""

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.distributed.distributed_c10d import _get_default_group
from torch.distributed.fsdp import fully_shard
from torch.distributed.optim import ZeroRedundancyOptimizer
from torch.nn.parallel import DistributedDataParallel as DDP

dist.init_process_group("gloo")
rank, size = dist.get_rank(), dist.get_world_size()
wire = _get_default_group()._wire


def network():
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Linear(40, 64), nn.ReLU(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 8)
    )


X, Y = torch.randn(8, 40), torch.randint(0, 8, (8,))
P = sum(p.numel() * 4 for p in network().parameters())


def counted(model, optimizer):
    """The bytes of the third step, when buckets are as they stay, of all processes together."""
    for _ in range(3):
        before = wire.sent
        optimizer.zero_grad()
        F.cross_entropy(model(X), Y).backward()
        optimizer.step()
    found = torch.tensor(float(wire.sent - before))
    dist.all_reduce(found)
    return int(found)


model = DDP(network())
ddp = counted(model, torch.optim.Adam(model.parameters()))
model = DDP(network())
zero = counted(model, ZeroRedundancyOptimizer(model.parameters(), torch.optim.Adam))
model = network()
for layer in model:
    if isinstance(layer, nn.Linear):
        fully_shard(layer)
fully_shard(model)
sharded = counted(model, torch.optim.Adam(model.parameters()))
if rank == 0:
    print(size, P, ddp, zero, sharded)
dist.destroy_process_group()
