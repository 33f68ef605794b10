"""What torch has not on the CPU: a norm over all processes, and premultiplied sums."""

import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel as DDP

dist.init_process_group("mpi")
rank, size = dist.get_rank(), dist.get_world_size()
torch.manual_seed(0)
x, g = torch.randn(6, 3, 4), torch.randn(6, 3, 4)
mine = slice(0, 2) if rank == 0 else slice(2, 6)

plain, synced = nn.BatchNorm1d(3), nn.SyncBatchNorm.convert_sync_batchnorm(nn.BatchNorm1d(3))
whole, part = x.clone().requires_grad_(), x[mine].clone().requires_grad_()
y, z = plain(whole), synced(part)
torch.testing.assert_close(z, y[mine])
(y * g).sum().backward()
(z * g[mine]).sum().backward()
torch.testing.assert_close(part.grad, whole.grad[mine])
dist.all_reduce(synced.weight.grad)
torch.testing.assert_close(synced.weight.grad, plain.weight.grad)
torch.testing.assert_close(synced.running_var, plain.running_var)
DDP(synced)

t = torch.ones(3, dtype=torch.int16) * (rank + 1)
dist.all_reduce(t, dist._make_nccl_premul_sum(2))
assert t.tolist() == [6, 6, 6]
strided = torch.arange(6.0)[::2] * (rank + 1)
base = torch.arange(6.0) * (rank + 1)
dist.all_reduce(base[::2])
assert base.tolist() == [0, rank + 1, 6, 3 * (rank + 1), 12, 5 * (rank + 1)]
if rank == 0:
    print("equal", *sys.argv[1:])
