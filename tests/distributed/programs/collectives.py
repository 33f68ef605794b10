"""Every collective with every type, and what is refused."""

import torch
import torch.distributed as dist
import torch.distributed.nn.functional as dnn
from saying import case, rank, shown, size

DTYPES = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128".split()
OPS = "SUM AVG PRODUCT MIN MAX BAND BOR BXOR".split()


def made(dtype, n=4, shift=0):
    return (torch.arange(n) % 3 + rank + shift).to(getattr(torch, dtype))


for dtype in DTYPES:
    for op in OPS:
        if op == "AVG" and dtype == "bool":
            continue

        def all_reduce():
            x = made(dtype)
            dist.all_reduce(x, getattr(dist.ReduceOp, op))
            return x

        def reduce():
            x = made(dtype)
            dist.reduce(x, 1, getattr(dist.ReduceOp, op))
            # Elsewhere than at the root gloo leaves what it happened to compute with.
            return x if rank == 1 else None

        case(f"all_reduce {op} {dtype}", all_reduce)
        case(f"reduce {op} {dtype}", reduce)

    def broadcast():
        x = made(dtype)
        dist.broadcast(x, 1)
        return x, x._version

    def all_gather():
        outs = [torch.zeros(4).to(made(dtype).dtype) for _ in range(size)]
        dist.all_gather(outs, made(dtype))
        return outs

    def into():
        out = torch.zeros(size, 4).to(made(dtype).dtype)
        dist.all_gather_into_tensor(out, made(dtype))
        return out

    def gather():
        outs = [torch.zeros(4).to(made(dtype).dtype) for _ in range(size)] if rank == 0 else None
        dist.gather(made(dtype), outs, dst=0)
        return outs

    def scatter():
        out = torch.zeros(4).to(made(dtype).dtype)
        dist.scatter(
            out, [made(dtype, shift=10 * i) for i in range(size)] if rank == 1 else None, src=1
        )
        return out

    def reduce_scatter():
        out = torch.zeros(4).to(made(dtype).dtype)
        dist.reduce_scatter(out, [made(dtype, shift=i) for i in range(size)])
        return out

    def reduce_scatter_tensor():
        out = torch.zeros(2).to(made(dtype).dtype)
        dist.reduce_scatter_tensor(out, made(dtype, 2 * size))
        return out

    def all_to_all():
        outs = [torch.zeros(4).to(made(dtype).dtype) for _ in range(size)]
        dist.all_to_all(outs, [made(dtype, shift=i) for i in range(size)])
        return outs

    def all_to_all_single():
        out = torch.zeros(2 * size).to(made(dtype).dtype)
        dist.all_to_all_single(out, made(dtype, 2 * size))
        return out

    def send_and_receive():
        x = made(dtype)
        if rank == 0:
            dist.send(x, 1, tag=3)
        elif rank == 1:
            y = torch.zeros_like(x)
            source = dist.recv(y, tag=3)
            return y, source
        return None

    for call in (broadcast, all_gather, into, gather, scatter, reduce_scatter, reduce_scatter_tensor, all_to_all,
                 all_to_all_single, send_and_receive):  # fmt: skip
        case(f"{call.__name__} {dtype}", call)


# ---- uneven, views, several at once -------------------------------------------------------------------


def uneven():
    sizes = [rank + 1] * size
    got = [r + 1 for r in range(size)]
    out = torch.zeros(sum(got), 2)
    dist.all_to_all_single(out, torch.arange(2.0 * sum(sizes)).view(-1, 2) + 100 * rank, got, sizes)
    return out


def transposed():
    x = torch.arange(6.0).view(2, 3).t() * (rank + 1)
    dist.all_reduce(x)
    return x


def a_view():
    base = torch.arange(6.0) + rank
    dist.all_reduce(base[2:4])
    return base


def leaf():
    x = torch.ones(2, requires_grad=True)
    dist.all_reduce(x)
    return x.detach(), x._version


def works():
    x = torch.ones(3) * (rank + 1)
    work = dist.all_reduce(x, async_op=True)
    kind = isinstance(work, dist.Work)
    done = work.wait()
    return kind, done, work.is_completed(), x


def futures():
    x = torch.ones(3) * (rank + 1)
    future = dist.all_reduce(x, async_op=True).get_future().then(lambda f: f.value()[0] * 2)
    return future.wait()


def isend_irecv():
    other = (rank + 1) % size
    before = (rank - 1) % size
    y = torch.zeros(5)
    a = dist.isend(torch.full((5,), float(rank)), other)
    b = dist.irecv(y, before)
    a.wait()
    b.wait()
    return y


def batch():
    other, before = (rank + 1) % size, (rank - 1) % size
    y = torch.zeros(5)
    ops = [
        dist.P2POp(dist.isend, torch.full((5,), float(rank)), other),
        dist.P2POp(dist.irecv, y, before),
    ]
    for work in dist.batch_isend_irecv(ops):
        work.wait()
    return y


def objects():
    everybody, one, part = [None] * size, [None, None], [None]
    dist.all_gather_object(everybody, {"rank": rank, "t": [rank] * rank})
    mine = [None] * size if rank == 1 else None
    dist.gather_object(("x", rank), mine, dst=1)
    if rank == 0:
        one = ["a", {1: 2}]
    dist.broadcast_object_list(one, src=0)
    dist.scatter_object_list(part, [f"for {i}" for i in range(size)] if rank == 0 else None, src=0)
    return str(everybody), str(mine), str(one), str(part)


def groups():
    alone, last = dist.new_group([0]), dist.new_group([size - 1, 0])
    x = torch.ones(2) * (rank + 1)
    dist.all_reduce(x, group=last)
    dist.broadcast(x, size - 1, group=last)
    inside = alone != dist.GroupMember.NON_GROUP_MEMBER
    return (x, dist.get_rank(alone), dist.get_world_size(alone), dist.get_rank(last), dist.get_world_size(last),
            dist.get_process_group_ranks(last) if rank in (0, size - 1) else None, inside)  # fmt: skip


def barriers():
    dist.barrier()
    work = dist.barrier(async_op=True)
    work.wait()
    dist.monitored_barrier()


def coalesced():
    xs = [torch.ones(2) * rank, torch.ones(3)]
    dist.all_reduce_coalesced(xs)
    return xs


def store():
    kept = dist.distributed_c10d._get_default_store()
    kept.set(f"key{rank}", f"value{rank}")
    values = [kept.get(f"key{r}").decode() for r in range(size)]
    dist.barrier()
    kept.add("count", rank + 1)
    dist.barrier()
    return (
        values,
        kept.add("count", 0),
        kept.check(["key0"]),
        kept.check(["none"]),
        kept.compare_set("key0", "no", "x").decode(),
    )


for call in (uneven, transposed, a_view, leaf, works, futures, isend_irecv, batch, objects, groups, barriers,
             coalesced, store):  # fmt: skip
    case(call.__name__, call)

# ---- what is refused ----------------------------------------------------------------------------------

x, out = torch.ones(3), torch.zeros(3)
for name, call in {
    "root out of range": lambda: dist.broadcast(x, 7),
    "no root": lambda: dist.broadcast(x),
    "too few outputs": lambda: dist.all_gather([out], x),
    "other dtype": lambda: dist.all_gather([out.double()] * size, x),
    "no list": lambda: dist.all_reduce([x]),
    "to itself": lambda: dist.send(x, rank),
    "from itself": lambda: dist.recv(x, rank),
    "nothing at once": lambda: dist.batch_isend_irecv([]),
    "a group of nobody's": lambda: dist.new_group([99]),
    "premultiplied": lambda: dist.all_reduce(x, dist._make_nccl_premul_sum(2.0)),
    "twice": lambda: dist.init_process_group("gloo"),
}.items():
    case(name, call)

# As gloo answers, shape by shape and group by group.


def refused(*calls):
    found = []
    for call in calls:
        try:
            found.append(shown(call()))
        except BaseException as error:
            found.append(type(error).__name__)
    return found


def outside():
    g = dist.new_group([1])
    here = refused(
        lambda: dist.get_backend(g) == "gloo", lambda: dist.get_rank(g), lambda: dist.get_group_rank(g, 1),
        lambda: dist.get_group_rank(g, 0), lambda: dist.get_process_group_ranks(g),
        lambda: dist.broadcast(x, 0, group=g),
    )  # fmt: skip
    return here, refused(
        lambda: dist.get_rank(5), lambda: dist.all_reduce(x, group=7),
        lambda: dist.new_group([]),
        lambda: dist.new_group([0, 1], timeout=5), lambda: dist.new_subgroups(), lambda: dist.split_group(),
        lambda: dist.get_global_rank(dist.group.WORLD, 1), lambda: dist.new_group([0, 1], backend="ucc"),
    )  # fmt: skip


def works_know():
    found = []
    for work in (
        dist.all_gather_single(torch.zeros(size), torch.ones(1) + rank, async_op=True),
        dist.reduce_scatter_single(torch.ones(1), torch.ones(size), async_op=True),
        dist.broadcast(torch.ones(1) + rank, 0, async_op=True), dist.barrier(async_op=True),
    ):  # fmt: skip
        work.wait()
        found.append(refused(work.result, work.source_rank, lambda w=work: w.get_future().wait()))
    return found


def shorter():
    if rank == 0:
        dist.send(torch.ones(2), 1)
    elif rank == 1:
        y = torch.zeros(4)
        return dist.recv(y, 0), y
    return None


def by_methods():
    world, tensors = dist.group.WORLD, [torch.ones(1) * (rank + i) for i in range(3)]
    for work in (
        world.allreduce([tensors[0]]), world.broadcast(tensors[1], 1), world.barrier(),
        world.allreduce(tensors[2], dist.ReduceOp.MAX),
    ):  # fmt: skip
        work.wait()
    return tensors


Z = torch.zeros
for name, call in {
    "outside": outside,
    "works know": works_know,
    "shorter": shorter,
    "shapes": lambda: refused(
        lambda: dist.all_gather([Z(3, 1)] * size, x), lambda: dist.all_gather_single(Z(2).int(), Z(1)),
        lambda: dist.all_gather_single(Z(2), torch.tensor(1.0)), lambda: dist.reduce_scatter_single(Z(2, 2), Z(8)),
        lambda: dist.reduce_scatter(Z(2, 2), [Z(4)] * 2), lambda: dist.all_to_all([Z(2, 1)] * 2, [Z(1, 2)] * 2),
        lambda: dist.all_to_all([Z(1), Z(2)], [Z(1), Z(2)]), lambda: dist.all_gather([Z(3).requires_grad_()] * size, x),
    ),
    "ops": lambda: refused(
        *[lambda o=o: dist.all_reduce(Z(1), o) for o in ("sum", 0, None, dist.ReduceOp(dist.ReduceOp.MAX))],
        lambda: dist.ReduceOp(1), lambda: dist.all_reduce_coalesced([]),
    ),
    "objects refused": lambda: refused(
        lambda: dist.broadcast_object_list(5, src=rank), lambda: dist.recv_object_list([None], src=rank),
        lambda: dist.recv_object_list([None]), lambda: dist.broadcast(x, 0.0),
        lambda: dist.batch_isend_irecv(None), lambda: dist.monitored_barrier(timeout=5),
        lambda: dist.barrier(device_ids=["a"]), lambda: dist.barrier(device_ids=0),
    ),
    "one to one": lambda: repr(dist.P2POp(dist.irecv, x, (rank + 1) % size)),
    "by methods": by_methods,
}.items():  # fmt: skip
    case(name, call)

# ---- derivatives --------------------------------------------------------------------------------------


def derivative(function):
    x = (torch.arange(4.0) + rank).requires_grad_()
    result = function(x)
    results = result if isinstance(result, tuple) else (result,)
    sum(((i + 1 + rank) * r**2).sum() for i, r in enumerate(results)).backward()
    return [r.detach() for r in results], x.grad


for name, call in {
    "all_reduce": dnn.all_reduce,
    "broadcast": lambda x: dnn.broadcast(x, 1),
    "reduce": lambda x: dnn.reduce(x, 0) if rank == 0 else dnn.reduce(x, 0) * 0,
    "all_gather": dnn.all_gather,
    "gather": lambda x: dnn.gather(x, 0),
    "scatter": lambda x: dnn.scatter([x * (i + 1) for i in range(size)], 0),
    "reduce_scatter": lambda x: dnn.reduce_scatter(
        torch.empty(4), [x * (i + 1) for i in range(size)]
    ),
    "all_to_all": lambda x: dnn.all_to_all(
        [torch.empty(4) for _ in range(size)], [x * (i + 1) for i in range(size)]
    ),
    "all_to_all_single": lambda x: dnn.all_to_all_single(torch.empty(4), x),
}.items():
    case(f"derivative of {name}", lambda call=call: derivative(call))
