"""torch.distributed with one process, beside torch's with gloo."""

import pytest

from tests.parity import parity

BEGIN = """
        import torch.distributed as dist
        if dist.is_initialized():
            dist.destroy_process_group()
        dist.init_process_group("gloo", rank=0, world_size=1, store=dist.HashStore())
        x = torch.arange(4.0)

        def tried(call):
            try:
                return call()
            except Exception as error:
                return type(error).__name__
"""


def world(code: str) -> None:
    parity(BEGIN + code + "\n        dist.destroy_process_group()\n")


def test_what_it_says_of_itself():
    world("""
        said = dist.get_rank(), dist.get_world_size(), dist.get_backend(), dist.is_initialized()
        ranks = dist.get_process_group_ranks(dist.group.WORLD), dist.get_global_rank(dist.group.WORLD, 0)
        again = attempt(lambda: dist.init_process_group("gloo", rank=0, world_size=1, store=dist.HashStore()))
        group = dist.new_group([0])
        of_group = dist.get_rank(group), dist.get_world_size(group)
        bad = attempt(lambda: dist.new_group([1]))
    """)


@pytest.mark.parametrize("op", ["SUM", "AVG", "MAX", "MIN", "PRODUCT", "BAND", "BOR", "BXOR"])
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "int16", "complex64", "bfloat16"])
def test_all_reduce(op, dtype):
    if op == "AVG" and dtype == "bool":
        pytest.skip("torch says other words there")
    world(f"""
        y = torch.tensor([1, 0, 1]).to(torch.{dtype})
        result = tried(lambda: dist.all_reduce(y, dist.ReduceOp.{op}))
        count = y._version
    """)


@pytest.mark.parametrize(
    "call",
    [
        "dist.all_gather(outs, x)", "dist.all_gather(outs + outs, x)", "dist.all_gather([out.double()], x)",
        "dist.all_gather_into_tensor(out, x)", "dist.gather(x, outs, dst=0)", "dist.gather(x, None, dst=0)",
        "dist.scatter(out, [x], src=0)", "dist.scatter(out, None, src=0)", "dist.broadcast(x, 0)",
        "dist.broadcast(x, 1)", "dist.reduce(x, 0)", "dist.reduce(x, 5)", "dist.reduce_scatter(out, [x])",
        "dist.reduce_scatter_tensor(out, x)", "dist.all_to_all(outs, [x])", "dist.all_to_all_single(out, x)",
        "dist.barrier()", "dist.monitored_barrier()", "dist.all_reduce([x])", "dist.send(x, 0)",
        "dist.all_gather_object(things, {1: 2})", "dist.gather_object([3], things, dst=0)",
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_collectives(call):
    world(f"""
        out, things = torch.zeros(4), [None]
        outs = [out]
        result = tried(lambda: {call})
    """)


def test_modules_and_optimizers():
    world("""
        torch.manual_seed(0)
        model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(4, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with model.no_sync():
            model(x).sum().backward()
        model(x).sum().backward()
        optimizer.step()
        names = list(model.state_dict())
        weight = model.module.weight
        frozen = attempt(lambda: torch.nn.parallel.DistributedDataParallel(
            torch.nn.Linear(1, 1).requires_grad_(False)
        ))
    """)


@pytest.mark.filterwarnings("ignore")
def test_a_checkpoint_goes_both_ways(tmp_path):
    import torch
    import torch.distributed.checkpoint as theirs

    import rushlight
    import rushlight.distributed.checkpoint as ours

    for name, (one, save), (other, load) in (
        ("a", (torch, theirs), (rushlight, ours)),
        ("b", (rushlight, ours), (torch, theirs)),
    ):
        folder = str(tmp_path / name)
        save.save({"m": {"w": one.ones(2, 3)}, "n": 3}, checkpoint_id=folder)
        state = {"m": {"w": other.zeros(2, 3)}, "n": 0}
        load.load(state, checkpoint_id=folder)
        assert state["m"]["w"].tolist() == [[1.0] * 3] * 2
        assert state["n"] == 3


def test_options_hooks_and_names():
    parity(
        BEGIN
        + """
        options = [
            (type(o).__name__, o.timeout.total_seconds(), o.asyncOp, getattr(o, "rootRank", None))
            for o in (
                dist.AllreduceOptions(), dist.AllreduceCoalescedOptions(), dist.BarrierOptions(), dist.GatherOptions(),
                dist.BroadcastOptions(), dist.ReduceOptions(), dist.ReduceScatterOptions(), dist.ScatterOptions(),
                dist.AllToAllOptions(),
            )
        ]
        with dist.record_comm("mine"):
            dist.all_reduce(x)
        group_name = dist.GroupName("g")
        hooks = {n: v.value for n, v in dist.BuiltinCommHookType.__members__.items()}
        ddp = nn.parallel.DistributedDataParallel(nn.Linear(4, 1))
        ddp._register_builtin_comm_hook(dist.BuiltinCommHookType.FP16_COMPRESS)
        again = attempt(lambda: ddp._register_builtin_comm_hook(dist.BuiltinCommHookType.ALLREDUCE))
        ddp(x).backward()
        dist.breakpoint(rank=1)
        """
    )


def test_an_object_with_a_state_is_saved_and_loaded_by_it(tmp_path):
    import rushlight as torch
    from rushlight.distributed import checkpoint

    class Training:
        def __init__(self, steps):
            self.model, self.steps = torch.nn.Linear(2, 1), steps

        def state_dict(self):
            return {"model": self.model.state_dict(), "steps": self.steps}

        def load_state_dict(self, state_dict):
            self.model.load_state_dict(state_dict["model"])
            self.steps = state_dict["steps"]

    one, other = Training(5), Training(0)
    saved = checkpoint.async_save({"training": one, "epoch": 2}, checkpoint_id=tmp_path)
    assert "training.steps" in saved.result().state_dict_metadata
    state = {"training": other, "epoch": 0}
    checkpoint.load(state, checkpoint_id=tmp_path)
    assert (other.steps, state["epoch"]) == (5, 2)
    assert state["training"] is other
    assert torch.equal(other.model.weight, one.model.weight)
    with pytest.raises(RuntimeError, match="`checkpoint_id` must be specified"):
        checkpoint.save({"a": 1})


def test_a_folder_becomes_one_file_as_torch_makes_it(tmp_path):
    import torch
    from torch.distributed.checkpoint import format_utils as theirs

    import rushlight
    from rushlight.distributed import checkpoint
    from rushlight.distributed.checkpoint import format_utils

    w = rushlight.ones(2)
    state = {"w": w, "steps": {0: {"a": w}}, "list": [{"b": w}, 2], "n": None}
    checkpoint.save(state, checkpoint_id=tmp_path / "folder")
    format_utils.dcp_to_torch_save(tmp_path / "folder", tmp_path / "ours.pt")
    theirs.dcp_to_torch_save(tmp_path / "folder", tmp_path / "theirs.pt")
    ours, expected = (torch.load(tmp_path / f"{name}.pt") for name in ("ours", "theirs"))
    assert repr(ours) == repr(expected)
    found = {"steps": {0: {"a": rushlight.zeros(2)}}, "list": [{"b": rushlight.zeros(2)}, 0]}
    checkpoint.load(found, checkpoint_id=tmp_path / "folder")
    assert repr(found) == repr({k: state[k] for k in found})
