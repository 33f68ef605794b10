"""DTensor, modules in parts, fully_shard: what each process says, and how training goes."""

import contextlib

import torch
import torch.distributed as dist
import torch.nn.functional as F
from saying import about, case, end, rank, size
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
)
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import (
    DTensor,
    Partial,
    Replicate,
    Shard,
    distribute_module,
    distribute_tensor,
    ones,
    zeros,
)
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    PrepareModuleInput,
    RowwiseParallel,
    SequenceParallel,
    loss_parallel,
    parallelize_module,
)

mesh = init_device_mesh("cpu", (size,))
whole = torch.arange(8.0).view(4, 2)
A, B, C = (distribute_tensor(whole, mesh, [p]) for p in (Shard(0), Shard(1), Replicate()))
W = distribute_tensor(torch.arange(6.0).view(3, 2), mesh, [Shard(0)])
P = DTensor.from_local(torch.ones(4, 2) * (rank + 1), mesh, [Partial()])


def lies(value):
    if isinstance(value, DTensor):
        places = [str(p) for p in value.placements]
        return [
            places,
            list(value.shape),
            list(value.stride()),
            value.to_local(),
            value.full_tensor(),
        ]
    return [lies(part) for part in value] if isinstance(value, list | tuple) else value


def again():
    return DTensor.from_local(torch.ones(4, 2), mesh, [Partial()])


cases = {
    "add": lambda: A + 1, "add whole": lambda: A + C, "add other": lambda: A + B, "twice": lambda: P * 2,
    "add parts": lambda: P + P, "add part to whole": lambda: P + C, "part and shard": lambda: P + A,
    "relu of parts": lambda: P.relu(), "sum": lambda: A.sum(), "sum 0": lambda: A.sum(0), "sum 1": lambda: A.sum(1),
    "mean": lambda: A.mean(), "mean 0": lambda: A.mean(0, keepdim=True), "max": lambda: A.max(),
    "amax": lambda: A.amax(0), "max 1": lambda: tuple(A.max(1)), "argmax": lambda: A.argmax(1), "t": lambda: A.t(),
    "view": lambda: A.view(-1), "view 3": lambda: A.view(2, 2, 2), "unsqueeze": lambda: A.unsqueeze(0),
    "permute": lambda: B.permute(1, 0), "product": lambda: A @ C.t(), "product of shards": lambda: A @ A.t(),
    "product along shards": lambda: B @ B.t(), "linear": lambda: F.linear(A, W), "linear whole": lambda: F.linear(C, W),
    "norm": lambda: torch.linalg.vector_norm(A).full_tensor().round(decimals=4), "cat": lambda: torch.cat([A, A]),
    "cat 1": lambda: torch.cat([A, A], 1), "stack": lambda: torch.stack([A, A]), "row": lambda: A[0],
    "column": lambda: A[:, 0], "item of parts": lambda: A.sum().item(), "mixed": lambda: A + torch.ones(4, 2),
    "number": lambda: A + torch.tensor(1.0), "zeros_like": lambda: torch.zeros_like(A),
    "ones_like": lambda: torch.ones_like(P), "new_zeros": lambda: A.new_zeros(3), "double": lambda: A.double(),
    "equal": lambda: torch.equal(A, A), "chunk": lambda: A.chunk(2, 1), "sort": lambda: tuple(A.sort(1)),
    "where": lambda: torch.where(A > 1, A, 0.0), "tolist": lambda: A.tolist(), "cumsum": lambda: A.cumsum(0),
    "var": lambda: A.var(), "in place": lambda: A.clone().add_(1), "in place whole": lambda: C.clone().mul_(A),
    "copy_": lambda: A.clone().copy_(C), "maximum": lambda: torch.maximum(A, C),
    "gather": lambda: A.redistribute(mesh, [Replicate()]), "turn": lambda: A.redistribute(mesh, [Shard(1)]),
    "to parts": lambda: C.redistribute(mesh, [Partial()]), "from parts": lambda: P.redistribute(mesh, [Shard(-2)]),
    "uneven": lambda: ones((3, 2), device_mesh=mesh, placements=[Shard(0)]).sum(0),
    "made": lambda: zeros(4, 2, device_mesh=mesh, placements=[Shard(1)]),
    "no such": lambda: distribute_tensor(torch.ones(2), mesh, [Shard(3)]),
    "too many": lambda: distribute_tensor(torch.ones(2), mesh, [Shard(0), Shard(0)]),
    "again": lambda: distribute_tensor(A, mesh, [Shard(1)]), "rows": lambda: W.sum(1), "square": lambda: W * W,
    "smaller of parts": lambda: DTensor.from_local(whole - 3 * rank, mesh, [Partial("min")]).neg(),
    "part of parts": lambda: [P[1], P[:, 1:], P.split(1, 1), P.unsqueeze(0), torch.stack([P, P]), P.clone()],
    "what is not a sum": lambda: [P.mean(), P.max(), P.softmax(1), P.norm(), P.cumsum(0), P.sum(1)],
    "product of parts": lambda: [P @ P.t(), P @ C.t()],
    "letters": lambda: [torch.einsum("ij,kj->ik", B, B), torch.einsum("ij,kj->ik", A, C)],
    "parts in place": lambda: [P.clone().add_(1), again().mul_(3), again().add_(P), again().zero_(), again().copy_(P)],
    "no parts in place": lambda: again().add_(1), "nor these": lambda: again().relu_(),
    "whether": lambda: [(A > 1).any(), (A > -1).all(), F.mse_loss(A, A * 0)],
    "sent": lambda: [type(P.redistribute(mesh, [Replicate()], async_op=True).to_local()).__name__,
                     type(P.redistribute(mesh, [Replicate()], async_op=True).to_local() + 1).__name__],
    "embedding": lambda: F.embedding(distribute_tensor(torch.tensor([0, 3, 1]), mesh), B),
}  # fmt: skip
for name, call in cases.items():
    case(name, lambda call=call: lies(call()))
case("printed", lambda: [repr(A), str(P.placements), repr(nn.Parameter(A))])
case("kinds", lambda: [isinstance(nn.Parameter(A), nn.Parameter), len(A), A.numel(), A.dim()])
part = nn.Parameter(distribute_tensor(whole, mesh, [Shard(0)]))
(part * part).sum().backward()
case("gradient", lambda: lies(part.grad))
part.full_tensor(grad_placements=[Partial()]).sum().backward()
case("gradient of which each has a part", lambda: lies(part.grad))
plain = torch.ones(2, 2, requires_grad=True)
(DTensor.from_local(plain, mesh, [Shard(0)]).full_tensor() * 2).sum().backward()
case("gradient of a part", lambda: plain.grad)
case(
    "whole module",
    lambda: [str(p.placements) for p in distribute_module(nn.Linear(2, 2), mesh).parameters()],
)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.norm = nn.Embedding(10, 8), nn.LayerNorm(8)
        self.one, self.two = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, ids):
        x = self.norm(self.table(ids))
        return self.two(F.gelu(self.one(x)))


def trained(name, model, ids, accumulate=1):
    optimizer, losses = torch.optim.AdamW(model.parameters(), lr=0.05), []
    for _ in range(3):
        for step in range(accumulate):
            if accumulate > 1:
                model.set_requires_gradient_sync(step == accumulate - 1)
            loss = model(ids).float().pow(2).mean() + model(ids).float().sum() * 0.01
            loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        norm = norm.full_tensor() if isinstance(norm, DTensor) else norm
        losses += [loss.item(), norm.item()]
        optimizer.step()
        optimizer.zero_grad()
    about(name, losses)
    return optimizer


torch.manual_seed(0)
ids = torch.randint(0, 10, (2, 4))
plan = {
    "table": RowwiseParallel(output_layouts=Shard(1), use_local_output=False), "norm": SequenceParallel(),
    "one": PrepareModuleInput(input_layouts=Shard(1), desired_input_layouts=Replicate()),
    "two": RowwiseParallel(),
}  # fmt: skip
torch.manual_seed(1)
trained("alone", Block(), ids)
torch.manual_seed(1)
block = parallelize_module(Block(), mesh, plan)
block = parallelize_module(block, mesh, {"o*": ColwiseParallel()})
trained("tensor parallel", block, ids)
case(
    "its parts",
    lambda: {n: [list(p.shape), str(p.placements)] for n, p in block.named_parameters()}.__repr__(),
)

own = torch.randint(0, 10, (2, 4), generator=torch.Generator().manual_seed(rank))
bf16 = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
for name, policy, steps in (
    ("shards", MixedPrecisionPolicy(), 1),
    ("several", MixedPrecisionPolicy(), 2),
):
    torch.manual_seed(1)
    model = fully_shard(Block(), mesh=mesh, mp_policy=policy)
    optimizer = trained(name, model, own, steps)
    full = StateDictOptions(full_state_dict=True)
    state = get_model_state_dict(model, options=full)
    case(
        f"state of {name}",
        lambda state=state: [[n, list(v.shape), type(v).__name__] for n, v in state.items()],
    )
    about(f"state of {name}", [v.double().sum() for v in state.values()])
    found = get_optimizer_state_dict(model, optimizer)["state"]
    case(
        f"moments of {name}",
        lambda found=found: [type(v).__name__ for v in found["one.weight"].values()],
    )
    on_one = get_model_state_dict(
        model, options=StateDictOptions(full_state_dict=True, cpu_offload=True)
    )
    case(f"on one, {name}", lambda on_one=on_one: len(on_one))
    torch.manual_seed(rank + 5)
    other = fully_shard(Block(), mesh=mesh)
    spread = StateDictOptions(full_state_dict=True, broadcast_from_rank0=True)
    set_model_state_dict(other, on_one, options=spread)
    case(f"loaded {name}", lambda other=other, model=model: torch.equal(other(own), model(own)))


def meshes():
    grid = init_device_mesh("cpu", (1, size, 1), mesh_dim_names=("a", "b", "c"))
    flat = grid["a", "b"]._flatten("ab")
    made = [
        grid,
        flat,
        grid["ab", "c"],
        flat._get_root_mesh(),
        DeviceMesh.from_group(dist.group.WORLD, "cpu"),
        DeviceMesh.from_group(
            [grid.get_group(0), grid.get_group(1)], "cpu", [[0, 1]], mesh_dim_names=("x", "y")
        ),
    ]
    with flat:
        lying = distribute_tensor(whole, placements=[Shard(0)])
    said = [str(m) for m in made] + [
        dist.get_process_group_ranks(flat.get_group()),
        str(lying.device_mesh),
    ]
    for bad in (
        lambda: init_device_mesh("cpu:0", (size,)),
        lambda: mesh["x"],
        lambda: distribute_tensor(whole),
        lambda: init_device_mesh("cpu", (size, 1), mesh_dim_names=("a", "a")),
    ):
        try:
            bad()
        except Exception as error:
            said.append(type(error).__name__)
    return said


case("scalars", lambda: fully_shard(nn.PReLU().requires_grad_(False)) and "taken")
case(
    "mesh",
    lambda: [
        str(init_device_mesh("cpu", (size, 1), mesh_dim_names=("a", "b"))),
        *meshes(),
        mesh == init_device_mesh("cpu", (size,)),
    ],
)
torch.manual_seed(1)
narrow = fully_shard(Block(), mesh=mesh, mp_policy=bf16)
with contextlib.suppress(AttributeError):
    case("narrow", lambda: str(narrow(own).dtype))


def looked_at():
    found = []
    for step in (model.unshard, model.reshard):
        step()
        found.append([type(p).__name__ for p in model.parameters()])
    return found


def parallel_loss():
    with loss_parallel():
        return round(F.cross_entropy(B, torch.tensor([0, 1, 1, 0])).full_tensor().item(), 5)


case("whole, and in parts again", looked_at)
case("the loss of logits in parts", parallel_loss)
dist.barrier()
end()
