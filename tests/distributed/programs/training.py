"""Modules and optimizers on several processes."""

import copy
import os
import sys

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
import torch.nn.functional as F
from saying import about, case, rank, size
from torch import nn
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.optim import ZeroRedundancyOptimizer
from torch.nn.parallel import DistributedDataParallel as DDP

torch.manual_seed(0)
X, Y = torch.randn(32, 20), torch.randint(0, 5, (32,))


def network(seed=1):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 300), nn.Tanh(), nn.Linear(300, 5)
    )


def trained(model, x, y, steps=4, make=torch.optim.AdamW, average=True):
    optimizer = make(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total = loss.detach().clone()
        if average:
            dist.all_reduce(total, dist.ReduceOp.AVG)
        losses.append(total.item())
    return losses


mine = slice(rank, None, size)
about("two processes", trained(DDP(network(1 + rank), bucket_cap_mb=0.05), X[mine], Y[mine]))
about("one process", trained(network(1), X, Y, average=False))
about("bucket views", trained(DDP(network(), gradient_as_bucket_view=True), X[mine], Y[mine]))
about("static graph", trained(DDP(network(), static_graph=True), X[mine], Y[mine]))
about("unused looked for", trained(DDP(network(), find_unused_parameters=True), X[mine], Y[mine]))
for hook in ("allreduce_hook", "fp16_compress_hook"):
    hooked = DDP(network(), bucket_cap_mb=0.05)
    hooked.register_comm_hook(None, getattr(default_hooks, hook))
    about(hook, trained(hooked, X[mine], Y[mine]))


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 2)
        self.use_b = False

    def forward(self, x):
        return self.a(x) + (self.b(x) if self.use_b else 0)


def two(**options):
    torch.manual_seed(3)
    return DDP(Two(), **options)


def finished():
    model, said = two(), []
    for _ in range(2):
        try:
            out = model(torch.ones(1, 2))
        except RuntimeError as error:
            said.append(" ".join(str(error).split()[:8]))
            break
        out.sum().backward()
    return said


def under_no_sync():
    model = two()
    with model.no_sync():
        for _ in range(2):
            model(torch.ones(1, 2)).sum().backward()
    return model.module.b.weight.grad is None


def unused():
    model = two(find_unused_parameters=True)
    model(torch.ones(1, 2) * (rank + 1)).sum().backward()
    none = model.module.b.weight.grad is None
    model.module.use_b = rank == 0
    model(torch.ones(1, 2) * (rank + 1)).sum().backward()
    return none, model.module.b.weight.grad, model.module.a.weight.grad


def never_used():
    model = two(static_graph=True)
    for _ in range(3):
        model(torch.ones(1, 2)).sum().backward()
    return model.module.b.weight.grad is None


def accumulated():
    model = two(find_unused_parameters=True)
    with model.no_sync():
        model(torch.ones(1, 2) * (rank + 1)).sum().backward()
    local = model.module.a.weight.grad.clone()
    model(torch.ones(1, 2) * (rank + 3)).sum().backward()
    return local, model.module.a.weight.grad


class Filled(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.full((1,), rank + 1.0))
        self.frozen = nn.Parameter(torch.full((1,), rank + 1.0), requires_grad=False)
        self.register_buffer("kept", torch.full((1,), rank + 1.0))
        self.register_buffer("passing", torch.full((1,), rank + 1.0), persistent=False)

    def forward(self, x):
        return x * self.w * self.frozen

    def values(self):
        return [t.item() for t in (self.w, self.frozen, self.kept, self.passing)]


def at_first(**options):
    return DDP(Filled(), **options).module.values()


def buffers(step):
    model = DDP(Filled())
    model.module.kept.fill_(rank + 8.0)
    step(model)
    return model.module.values()


def quietly(model):
    with torch.no_grad():
        model(torch.ones(1))


def unsynced(model):
    with model.no_sync():
        model(torch.ones(1))


def uneven(**options):
    torch.manual_seed(5)
    model = DDP(nn.Linear(2, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with model.join(**options):
        for i in range(2 + 2 * rank):
            optimizer.zero_grad()
            model(torch.full((1, 2), i + rank + 1.0)).sum().backward()
            optimizer.step()
    return [p.detach().clone() for p in model.parameters()]


def unsynced_before(model):
    with model.no_sync():
        model(torch.ones(1))
    model.module.kept.fill_(rank + 3.0)
    model(torch.ones(1))


for name, call in {
    "not finished": finished,
    "under no_sync": under_no_sync,
    "never used": never_used,
    "frozen": lambda: DDP(nn.Linear(1, 1).requires_grad_(False)),
    "names": lambda: list(two().state_dict()),
    "devices": lambda: DDP(nn.Linear(1, 1), device_ids=[0]),
    "at first": at_first,
    "at first, without buffers": lambda: at_first(broadcast_buffers=False),
    "at first, as they are": lambda: at_first(init_sync=False),
    "buffers in a forward": lambda: buffers(lambda model: model(torch.ones(1))),
    "buffers in eval": lambda: buffers(lambda model: model.eval()(torch.ones(1))),
    "buffers without gradients": lambda: buffers(quietly),
    "buffers in no_sync": lambda: buffers(unsynced),
    "buffers after no_sync": lambda: buffers(unsynced_before),
    "buffers of the module": lambda: buffers(lambda model: model.module(torch.ones(1))),
    "a copy": lambda: list(copy.deepcopy(two()).state_dict()),
}.items():
    case(name, call)

for name, call in {
    "unused": unused,
    "accumulated": accumulated,
    "uneven": uneven,
    "uneven, by those who work": lambda: uneven(divide_by_initial_world_size=False),
}.items():
    found = call()
    about(
        name,
        [
            n
            for t in found
            for n in (t.reshape(-1).tolist() if isinstance(t, torch.Tensor) else [t])
        ],
    )
case("uneven, thrown", lambda: uneven(throw_on_early_termination=True))

# ---- optimizers, meshes, files, norms -------------------------------------------------------------------


def shared_out():
    sizes = [torch.nn.Parameter(torch.ones(n)) for n in (10, 1, 5, 8)]
    optimizer = ZeroRedundancyOptimizer(sizes, optimizer_class=torch.optim.Adam, lr=0.1)
    owned = [p.numel() for group in optimizer.optim.param_groups for p in group["params"]]
    for i, p in enumerate(sizes):
        p.grad = torch.full_like(p, i + 1.0)
    optimizer.step()
    try:
        optimizer.state_dict()
    except RuntimeError:
        owned.append("not consolidated")
    optimizer.consolidate_state_dict(to=0)
    if rank == 0:
        state = optimizer.state_dict()
        owned += [sorted(state), [len(state["state"][i]["exp_avg"]) for i in range(4)]]
    return owned


def meshed():
    mesh = init_device_mesh("cpu", (size, 1), mesh_dim_names=("data", "model"))
    x = torch.ones(1) * (rank + 1)
    dist.all_reduce(x, group=mesh.get_group("data"))
    return (x, list(mesh.get_coordinate()), mesh["data"].size(), mesh.get_local_rank("data"), list(mesh.shape),
            mesh.mesh.tolist(), str(mesh["data"].mesh.tolist()))  # fmt: skip


def filed():
    folder = os.path.join(sys.argv[1], "checkpoint")
    dcp.save({"a": torch.arange(3.0), "n": 3, "m": {"w": torch.ones(2, 2)}}, checkpoint_id=folder)
    state = {"a": torch.zeros(3), "n": 0, "m": {"w": torch.zeros(2, 2)}}
    dcp.load(state, checkpoint_id=folder)
    return sorted(os.listdir(folder)), state["a"], state["n"], state["m"]["w"]


def not_filed():
    dcp.load({"zz": torch.zeros(1)}, checkpoint_id=os.path.join(sys.argv[1], "checkpoint"))


def parts_of_files():
    from torch.distributed.checkpoint.state_dict_loader import _load_state_dict_from_keys

    folder = os.path.join(sys.argv[1], "checkpoint")
    some = {"a": torch.zeros(3), "zz": torch.ones(1)}
    dcp.load(some, checkpoint_id=folder, planner=dcp.DefaultLoadPlanner(allow_partial_load=True))
    return some["a"], some["zz"], str(_load_state_dict_from_keys("m", checkpoint_id=folder))


case("shared out", shared_out)
case("meshed", meshed)
case("filed", filed)
case("not filed", not_filed)
case("parts of files", parts_of_files)


def zero(parameters, lr):
    return ZeroRedundancyOptimizer(parameters, optimizer_class=torch.optim.AdamW, lr=lr)


about("zero redundancy", trained(DDP(network(1 + rank)), X[mine], Y[mine], make=zero))
