"""Modules in stages, models that are averaged now and then, and gradients in low rank."""

from collections import OrderedDict

import torch
import torch.distributed as dist
import torch.nn.functional as F
from saying import about, case, rank, size
from torch import nn
from torch.distributed.algorithms.ddp_comm_hooks import (
    DDPCommHookType,
    powerSGD_hook,
    register_ddp_comm_hook,
)
from torch.distributed.algorithms.ddp_comm_hooks.post_localSGD_hook import (
    PostLocalSGDState,
    post_localSGD_hook,
)
from torch.distributed.algorithms.model_averaging.averagers import PeriodicModelAverager
from torch.distributed.algorithms.model_averaging.hierarchical_model_averager import (
    HierarchicalModelAverager,
)
from torch.distributed.algorithms.model_averaging.utils import average_parameters
from torch.distributed.optim import PostLocalSGDOptimizer, _apply_optimizer_in_backward
from torch.distributed.pipelining import (
    PipelineStage,
    Schedule1F1B,
    ScheduleDualPipeV,
    ScheduleGPipe,
    ScheduleInterleaved1F1B,
    ScheduleInterleavedZeroBubble,
    ScheduleLoopedBFS,
    ScheduleZBVZeroBubble,
    SplitPoint,
    pipe_split,
    pipeline,
)
from torch.distributed.pipelining.microbatch import (
    TensorChunkSpec,
    merge_chunks,
    split_args_kwargs_into_chunks,
)
from torch.nn.parallel import DistributedDataParallel as DDP

CPU = torch.device("cpu")


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.dense, self.back = nn.LayerNorm(6), nn.Linear(6, 9), nn.Linear(9, 6)

    def forward(self, x):
        return x + self.back(torch.tanh(self.dense(self.norm(x))))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.symbols = nn.Embedding(7, 6)
        self.blocks = nn.ModuleList(Block() for _ in range(4))
        self.head = nn.Linear(6, 7)

    def forward(self, i):
        x = self.symbols(i)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


class Marked(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = (nn.Linear(4, 4) for _ in range(3))

    def forward(self, x, y):
        h = torch.relu(self.first(x))
        k = self.second(h) * y
        pipe_split()
        return self.third(k) - h


class Part(nn.Module):
    """One of four."""

    def __init__(self, model, number):
        super().__init__()
        self.block = model.blocks[number]
        self.before = model.symbols if number == 0 else nn.Identity()
        self.after = model.head if number == 3 else nn.Identity()

    def forward(self, x):
        return self.after(self.block(self.before(x)))


def seeded(kind):
    torch.manual_seed(3)
    return kind()


def loss_of(output, target):
    return F.cross_entropy(output.flatten(0, 1), target.flatten())


def batch(k, *shape):
    g = torch.Generator().manual_seed(k)
    return torch.randint(0, 7, shape, generator=g), torch.randint(0, 7, shape, generator=g)


def stepped(name, schedule, stages, inputs, target, **options):
    """A step, in which ranks give what their stages take; losses, outputs and gradients of this rank."""
    losses = []
    given = inputs if rank == 0 else ()
    if any(stage.is_last for stage in stages):
        options |= {"target": target, "losses": losses}
    out = schedule.step(*given, **options)
    about(f"{name}, losses", losses)
    about(f"{name}, outputs", [] if out is None else out.flatten()[:9].tolist())
    for stage in stages:
        gradients = {n: p.grad.sum() for n, p in stage.submod.named_parameters()}
        about(f"{name}, {stage.stage_index}", [gradients[n] for n in sorted(gradients)])


x, y = batch(0, 8, 5)
for kind, parts, options in (
    (ScheduleGPipe, 4, {}), (Schedule1F1B, 8, {}), (ScheduleGPipe, 2, {"scale_grads": False}),
):  # fmt: skip
    pipe = pipeline(seeded(Model), (x[: 8 // parts],), split_spec={"blocks.1": SplitPoint.END})
    stage = pipe.build_stage(rank, CPU)
    schedule = kind(stage, parts, loss_of, **options)
    stepped(f"{kind.__name__} {parts}", schedule, [stage], [x], y)
    case(
        f"cut {parts}",
        lambda: [sorted(pipe.get_stage_module(i).state_dict()) for i in range(pipe.num_stages)],
    )
with torch.no_grad():
    out = schedule.eval(*([x] if rank == 0 else []), **({} if rank == 0 else {"target": y}))
about("evaluated", [] if out is None else out.flatten()[:9].tolist())
case("stages", lambda: [stage.is_first, stage.is_last, stage.stage_index, stage.group_size])
case("no such stage", lambda: pipe.build_stage(9, CPU))
case("no such module", lambda: pipeline(Model(), (x,), split_spec={"none": SplitPoint.END}))
case("few parts", lambda: Schedule1F1B(stage, 1))
case("no V", lambda: ScheduleZBVZeroBubble([stage], 4))
for kind in (
    ScheduleInterleaved1F1B, ScheduleLoopedBFS, ScheduleInterleavedZeroBubble, ScheduleZBVZeroBubble, ScheduleDualPipeV
):  # fmt: skip
    model = seeded(Model)
    second = 3 - rank if "V" in kind.__name__ else rank + 2
    stages = [PipelineStage(Part(model, i), i, 4, CPU) for i in (rank, second)]
    stepped(kind.__name__, kind(stages, 4, loss_of), stages, [x], y)
g = torch.Generator().manual_seed(1)
p, q, r = torch.randn(3, 8, 4, generator=g)
stage = pipeline(seeded(Marked), (p[:2], q[:2])).build_stage(rank, CPU)
stepped("marked", ScheduleGPipe(stage, 4, F.mse_loss), [stage], [p, q], r)
case("in parts", lambda: split_args_kwargs_into_chunks((p,), {"m": q}, 3, (TensorChunkSpec(1),))[0])
case("put together", lambda: merge_chunks([q[:1], q[1:]], TensorChunkSpec(0)))

# ---- averages ------------------------------------------------------------------------------------


def trained(name, prepare=None, averager=None, make=None):
    model = nn.Sequential(
        nn.Linear(10, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 3)
    )
    with torch.no_grad():
        for n, parameter in enumerate(model.parameters()):
            parameter.copy_(
                torch.sin(torch.arange(parameter.numel()).float() + n).view_as(parameter) / 4
            )
    wrapped = model if prepare is None else DDP(model)
    if prepare is not None:
        prepare(wrapped)
    optimizer = torch.optim.SGD(model.parameters(), 0.1) if make is None else make(model)
    g = torch.Generator().manual_seed(rank)
    for _ in range(6):
        optimizer.zero_grad()
        loss = F.mse_loss(wrapped(torch.randn(6, 10, generator=g)), torch.randn(6, 3, generator=g))
        loss.backward()
        optimizer.step()
        if averager is not None:
            averager.average_parameters(model.parameters())
    about(name, [loss, *(parameter.sum() for parameter in model.parameters())])


for ranks in (1, 2):
    trained(
        f"in rank {ranks}",
        lambda m, ranks=ranks: m.register_comm_hook(
            powerSGD_hook.PowerSGDState(None, ranks, 2, min_compression_rate=0.5),
            powerSGD_hook.powerSGD_hook,
        ),
    )
trained("nothing sent", lambda m: register_ddp_comm_hook(DDPCommHookType.NOOP, m))
trained("at times", averager=PeriodicModelAverager(period=2, warmup_steps=1))
levels = OrderedDict([(2, 1), (4, size)])
trained("by groups", averager=HierarchicalModelAverager(levels, warmup_steps=1))
trained(
    "local steps",
    lambda m: m.register_comm_hook(
        PostLocalSGDState(None, None, 2, post_local_gradient_allreduce=False), post_localSGD_hook
    ),
    make=lambda m: PostLocalSGDOptimizer(
        torch.optim.SGD(m.parameters(), 0.1), PeriodicModelAverager(2, 3)
    ),
)
ones = [nn.Parameter(torch.full((2,), float(rank)))]
case("mean", lambda: average_parameters(iter(ones), dist.group.WORLD))
case("mean then", lambda: ones[0].detach())
case("no period", lambda: PeriodicModelAverager(0))
own = nn.Linear(3, 2)
_apply_optimizer_in_backward(torch.optim.SGD, own.parameters(), {"lr": 0.5})
with torch.no_grad():
    own.weight.fill_(1)
own(torch.ones(1, 3)).sum().backward()
case("in backward", lambda: [own.weight.detach(), own.weight.grad])
