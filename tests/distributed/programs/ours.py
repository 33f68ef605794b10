"""What torch has not on the CPU, and shards: a norm over all processes, premultiplied sums, fully_shard."""

import sys

import pytest
import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch import nn
from torch.distributed.algorithms.ddp_comm_hooks import powerSGD_hook as powerSGD
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor.parallel import ColwiseParallel, parallelize_module
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


def trained(model, x, y):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(3):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    return model


def network():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(10, 17), nn.ReLU(), nn.Linear(17, 3))


def gradients(hook):
    torch.manual_seed(1)
    model = DDP(nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 3)))
    if hook is not None:
        # Of full rank, and from the third backward on: nothing is lost.
        state = powerSGD.PowerSGDState(None, 8, 2, 0.1)
        model.register_comm_hook(state, hook)
    for _ in range(3):
        model.zero_grad()
        model(torch.eye(4) * (rank + 1)).pow(2).sum().backward()
    return [p.grad for p in model.parameters()]


for hook in (powerSGD.powerSGD_hook, powerSGD.batched_powerSGD_hook):
    torch.testing.assert_close(gradients(hook), gradients(None), rtol=1e-3, atol=1e-4)
x, y = torch.randn(16, 10), torch.randint(0, 3, (16,))
alone, sharded = trained(network(), x, y), fully_shard(network())
trained(sharded, x[rank::size], y[rank::size])
assert next(tuple(p.to_local().shape) for p in sharded.parameters()) == (
    (9, 10) if rank == 0 else (8, 10)
)
for p, q in zip(alone.parameters(), sharded.parameters(), strict=True):
    torch.testing.assert_close(q.full_tensor(), p.detach())
rows = {"0": ColwiseParallel()}
cut = parallelize_module(network(), init_device_mesh("cpu", (size,)), rows)
with pytest.raises(NotImplementedError, match=r"0\.weight, which parallelize_module has cut"):
    fully_shard(cut)
assert type(cut) is nn.Sequential
dcp.save(sharded.state_dict(), checkpoint_id=sys.argv[1])
if rank == 0:
    torch.save(alone.state_dict(), sys.argv[1] + ".pt")
    print("equal")
