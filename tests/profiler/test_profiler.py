"""`torch.profiler`: what is measured, and how it is shown, beside torch's own."""

import gc
import gzip
import importlib
import json
import time
import warnings

import pytest
import torch

import rushlight
from rushlight.profiler import profile, record_function, schedule
from tests.parity import parity

BOTH = pytest.mark.parametrize("framework", [torch, rushlight], ids=["torch", "rushlight"])


def room(framework, name):
    return importlib.import_module(f"{framework.__name__}.{name}")


def step_of(framework):
    """A step of training, which has run once."""
    framework.manual_seed(0)
    nn = framework.nn
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
    optimizer = framework.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x, y = framework.randn(5, 8), framework.randint(0, 4, (5,))

    def step():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()

    step()
    return step


def measured(framework, action, **options):
    profiler = room(framework, "profiler")
    activities = [profiler.ProfilerActivity.CPU]
    with profiler.profile(activities=activities, record_shapes=True, **options) as found:
        action()
    return found


# What ATen does for its own sake, beside the operations that were asked for.
BESIDE = {
    f"aten::{name}"
    for name in (
        "empty", "empty_strided", "empty_like", "as_strided", "as_strided_", "resolve_conj", "to", "_to_copy", "copy_",
        "fill_", "resize_", "zero_", "result_type", "broadcast_tensors", "expand", "view", "reshape",
        "_unsafe_view", "unsqueeze_", "squeeze_",
    )
}  # fmt: skip


def outline(events, shapes=True):
    """(name, shapes, what is within) of the outermost, without what is beside."""

    def of(found):
        return [
            (e.name, e.input_shapes if shapes else 0, of(e.cpu_children))
            for e in found
            if e.name not in BESIDE
        ]

    return of([e for e in events if e.cpu_parent is None])


# Programs of one operation each; x, y: (4, 5), v: (5,), m: (5, 3), b: (2, 4, 5), image: (2, 3, 8, 8).
SAME = """
x @ m | b @ m | x @ v | v @ v | b @ b.mT.clone() | F.linear(b, x, x[:, 0]) | x + y | x + 1 | x - y | x * y | x / y
-x | x ** 2 | x == y | x > 0 | x.exp() | x.abs().log() | x.sum() | x.sum(1) | x.argmax(1) | F.softmax(x, 1)
F.log_softmax(x, 1) | F.relu(x) | F.gelu(x) | x.sigmoid() | x.tanh() | F.silu(x) | F.elu(x) | F.softplus(x)
F.leaky_relu(x) | F.max_pool2d(image, 2) | F.avg_pool2d(image, 2) | F.layer_norm(x, (5,), v, v)
F.cross_entropy(x, t) | F.nll_loss(x, t) | F.embedding(t, x) | x.t() | x.T | x.transpose(0, 1) | x.permute(1, 0)
x.unsqueeze(0) | x[0] | x[1:] | x[t] | x.view(-1) | x.reshape(2, 10) | torch.cat([x, y]) | torch.stack([x, y])
torch.where(x > 0, x, y) | x.double() | x.clone() | torch.zeros(3) | torch.ones(3) | torch.randn(3, 4)
torch.rand(3) | torch.zeros_like(x) | torch.full((2,), 1.0) | torch.randint(0, 3, (4,)) | x.clone().add_(y)
x.clone().zero_() | x.norm() | x.cumsum(0) | x.tril() | x.gather(1, t.unsqueeze(1)) | x.prod() | x.mean().item()
""".replace("\n", "|").split("|")


def operands(framework):
    framework.manual_seed(1)
    names = {
        "x": (4, 5),
        "y": (4, 5),
        "v": (5,),
        "m": (5, 3),
        "b": (2, 4, 5),
        "image": (2, 3, 8, 8),
    }
    found = {name: framework.randn(*shape) for name, shape in names.items()}
    return found | {"t": framework.arange(4) % 3, "torch": framework, "F": framework.nn.functional}


def test_operations_go_by_atens_names_with_their_shapes():
    programs = [program.strip() for program in SAME if program.strip()]
    shown = {}
    for framework in (torch, rushlight):
        space = operands(framework)
        codes = [compile(program, "<program>", "eval") for program in programs]
        marks = room(framework, "profiler").record_function

        def run(codes=codes, space=space, marks=marks):
            for program, code in zip(programs, codes, strict=True):
                with marks(program):
                    eval(code, space)

        found = outline(measured(framework, run).events())
        shown[framework] = {name: [(n, s) for n, s, _ in within] for name, _, within in found}
    differ = {
        p: (shown[torch][p], shown[rushlight][p])
        for p in programs
        if shown[torch][p] != shown[rushlight][p]
    }
    assert not differ
    assert len(programs) > 60


@pytest.mark.parametrize(
    "program",
    ["F.linear(x, y, x[:, 0])", "F.relu(x)", "F.softmax(x, 1)", "F.cross_entropy(x, t)", "x @ m", "x.T",
     "F.max_pool2d(image, 2)", "F.nll_loss(x, t)", "torch.rand(3)", "torch.stack([x, y])"],
)  # fmt: skip
def test_what_is_within_an_operation(program):
    both = []
    for framework in (torch, rushlight):
        space = operands(framework)
        both.append(outline(measured(framework, lambda s=space: eval(program, s)).events()))
    assert both[0] == both[1]


@pytest.mark.parametrize(
    "program",
    ["F.mse_loss(x, y)", "F.l1_loss(x, y)", "F.smooth_l1_loss(x, y)", "F.huber_loss(x, y)", "F.dropout(x, 0.5)",
     "F.adaptive_avg_pool2d(image, 2)", "x.max(1)",
     "F.adaptive_max_pool2d(image, 2)", "x.mean(1)", "x.argsort(1)", "x.masked_fill(x > 0, 0.0)", "x.roll(1, 0)",
     "torch.outer(v, v)", "torch.isnan(x)", "x.abs().sqrt()", "torch.arange(5)", "F.glu(b[..., :4])", "F.selu(x)",
     "F.prelu(x, v[:1])", "F.instance_norm(image)", "x.swapaxes(0, 1)", "x.movedim(0, 1)", "x.narrow(0, 0, 2)",
     "x.diff()", "2 - x", "x.new_zeros(3)", "torch.rand_like(x)", "torch.hstack([x, y])", "x.contiguous()",
     "torch.logical_and(x > 0, y > 0)", "torch.bernoulli(y.sigmoid())", "torch.linalg.norm(x)"],
)  # fmt: skip
def test_steps_that_aten_takes_where_rushlight_has_one_or_others(program):
    both = []
    for framework in (torch, rushlight):
        space = operands(framework)
        found = measured(framework, lambda s=space: eval(program, s)).events()
        both.append(outline(found, shapes=False))
    assert both[0] == both[1]


def test_a_step_of_training_is_outlined_as_in_torch():
    both = []
    for framework in (torch, rushlight):
        found = measured(framework, step_of(framework), with_flops=True, profile_memory=True)
        top = [e for e in found.events() if e.cpu_parent is None and e.name != "[memory]"]
        # What is put before and after a node of ours comes at once, in torch when its time has come.
        own = {"TBackward0", "LogSoftmaxBackward0"}
        names = [e.name for e in top if e.name != "aten::ones_like"]
        flops = {
            e.key: e.flops for e in found.key_averages() if e.key in ("aten::addmm", "aten::mm")
        }
        backward = [
            (e.name, e.input_shapes, e.scope)
            for e in found.events()
            if e.name.endswith("Backward0") and ":" not in e.name and e.name not in own
        ]
        backward = [(n, s[:1], scope) for n, s, scope in backward]
        steps = [
            [c.name for c in e.cpu_children] for e in top if e.name.startswith("Optimizer.step")
        ]
        both.append((sorted(names), flops, backward, steps))
    assert both[0] == both[1]


def test_losses_and_functions_are_one_node_each_as_in_torch():
    both = []
    for framework in (torch, rushlight):

        class Square(framework.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * x

            @staticmethod
            def backward(ctx, g):
                return 2 * g

        space = operands(framework)
        x, y, f = space["x"].requires_grad_(), space["y"], framework.nn.functional
        weight, bias = framework.randn(3, 5).requires_grad_(), framework.zeros(3).requires_grad_()

        def run(x=x, y=y, w=weight, v=bias, f=f, square=Square):
            losses = (
                f.mse_loss(x, y),
                f.huber_loss(x, y),
                f.smooth_l1_loss(x, y),
                square.apply(x).sum(),
            )
            for loss in (*losses, f.linear(y, w, v).sum()):
                loss.backward()

        found = measured(framework, run).key_averages()
        both.append(
            sorted((e.key, e.count) for e in found if "aten" not in e.key and e.key != "detach")
        )
    assert both[0] == both[1]


def test_memory_that_a_step_leaves_behind_is_counted_as_in_torch():
    totals = []
    for framework in (torch, rushlight):
        step, marks = step_of(framework), room(framework, "profiler").record_function

        def run(step=step, marks=marks):
            with marks("all"):
                step()

        # What others have left is not let go of meanwhile.
        gc.collect()
        found = measured(framework, run, profile_memory=True)
        by = {e.key: e for e in found.key_averages()}
        kernels = ("aten::addmm", "aten::clamp_min", "aten::linear", "aten::relu")
        totals.append([by["all"].cpu_memory_usage, *(by[k].cpu_memory_usage for k in kernels)])
        assert "CPU Mem" in found.key_averages().table()
    assert totals[0] == totals[1]


# ---- tables ---------------------------------------------------------------------------------------


PLAIN = {"flops": 0, "overload_name": "", "input_shapes": [], "stack": []}


def made(framework, **given):
    """Events with times, memory and arithmetic of their own, put together by hand."""
    util = room(framework, "autograd.profiler_util")
    rows = [
        ("ProfilerStep#3", 0, 5_000_000, {}),
        (
            "aten::linear",
            10,
            2_000,
            {"cpu_memory_usage": 3 << 20, "input_shapes": [[5, 8], [16, 8], []]},
        ),
        (
            "aten::addmm",
            20,
            1_900,
            {"cpu_memory_usage": 2 << 20, "flops": 1280, "input_shapes": [[5, 8]]},
        ),
        ("aten::mm", 3_000, 3_000.5, {"flops": 5_000_000, "cpu_memory_usage": -4}),
        ("a very long name that does not fit into the column of names at all", 4_000, 900_000, {}),
        ("aten::mm", 901_000, 1_400_000, {"flops": 3_000, "cpu_memory_usage": 5 << 30}),
    ]
    events = [
        util.FunctionEvent(
            i,
            name,
            1,
            start,
            end,
            **{**PLAIN, **more, **{k: v[i] for k, v in given.items()}},
        )
        for i, (name, start, end, more) in enumerate(rows)
    ]
    found = util.EventList(events, profile_memory=True, with_flops=True)
    found._build_tree()
    return found


STACKS = [["a.py(1): f", "b.py(22): " + "g" * 90], [], ["c.py(3): h"], ["a.py(1): f"], [], []]


@pytest.mark.parametrize(
    "options",
    [{}, {"sort_by": "self_cpu_time_total"}, {"sort_by": "cuda_time_total", "row_limit": 2}, {"row_limit": -1},
     {"header": "HEAD", "time_unit": "ms"}, {"max_name_column_width": 20}, {"max_name_column_width": None},
     {"top_level_events_only": True}, {"sort_by": "cpu_memory_usage", "time_unit": "s"}, {"time_unit": "us"}],
)  # fmt: skip
def test_tables_are_torchs_letter_by_letter(options):
    for given in ({}, {"stack": STACKS}):
        lists = [made(framework, **given) for framework in (torch, rushlight)]
        assert lists[0].table(**options) == lists[1].table(**options)
        groups = {"group_by_input_shapes": True}, {"group_by_stack_n": 2}, {}
        for group in groups:
            tables = [found.key_averages(**group).table(**options) for found in lists]
            assert tables[0] == tables[1]
    assert str(lists[0]) == str(lists[1])


def test_events_show_themselves_as_in_torch():
    for one, two in zip(made(torch), made(rushlight), strict=True):
        shown = repr(one).replace("DeviceType.CPU", "X")
        assert shown == repr(two).replace("DeviceType.CPU", "X")
    averages = [made(framework).key_averages() for framework in (torch, rushlight)]
    assert [repr(e) for e in averages[0]] == [repr(e) for e in averages[1]]
    assert repr(averages[0].total_average()) == repr(averages[1].total_average())
    with pytest.warns(FutureWarning):
        assert averages[1][0].cuda_time == 0


@pytest.mark.parametrize("metric", ["self_cpu_time_total", "self_cuda_time_total", "nonsense"])
def test_stacks_are_written_as_in_torch(metric, tmp_path):
    written = []
    for framework in (torch, rushlight):
        try:
            made(framework, stack=STACKS).export_stacks(str(tmp_path / "s"), metric)
            written.append((tmp_path / "s").read_text())
        except ValueError as error:
            written.append(str(error))
    assert written[0] == written[1]


# ---- schedules and blocks -------------------------------------------------------------------------

PLANS = [
    {"wait": 1, "warmup": 1, "active": 2, "repeat": 2},
    {"wait": 0, "warmup": 1, "active": 3},
    {"wait": 2, "warmup": 1, "active": 2, "repeat": 2, "skip_first": 3, "skip_first_wait": 1},
    {"wait": 1, "warmup": 2, "active": 1, "repeat": 1, "skip_first": 1},
    {"wait": 0, "warmup": 0, "active": 2},
]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: "-".join(map(str, plan.values())))
def test_schedules_record_what_torchs_do(plan):
    logs = []
    for framework in (torch, rushlight):
        profiler, log = room(framework, "profiler"), []

        def ready(found, log=log):
            averages = {e.key: e.count for e in found.key_averages()}
            log.append((found.step_num, averages.get("ProfilerStep*"), averages.get("aten::exp")))

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            when = profiler.schedule(**plan)
            actions = [when(i).name for i in range(20)]
            with profiler.profile(
                activities=[profiler.ProfilerActivity.CPU], schedule=when, on_trace_ready=ready
            ) as found:
                for _ in range(9):
                    framework.ones(2).exp()
                    found.step()
        logs.append((actions, log, found.current_action.name))
    assert logs[0] == logs[1]


@pytest.mark.parametrize(
    "bad",
    [{"wait": -1, "warmup": 0, "active": 1}, {"wait": 0, "warmup": 0, "active": 0}],
)
def test_schedules_that_cannot_be(bad):
    with pytest.raises(AssertionError) as theirs:
        torch.profiler.schedule(**bad)
    with pytest.raises(AssertionError) as ours:
        schedule(**bad)
    assert str(theirs.value) == str(ours.value)


@BOTH
def test_blocks_and_functions_by_name(framework):
    marks = room(framework, "profiler").record_function

    @marks("twice")
    def twice(x):
        return x * 2

    def run():
        with marks("outer"), marks("inner", "of no meaning"):
            twice(framework.ones(2))
        twice(framework.ones(3))

    found = measured(framework, run).events()
    named = {e.name: e for e in found if e.is_user_annotation}
    assert [e.name for e in found if e.is_user_annotation] == ["outer", "inner", "twice", "twice"]
    assert named["inner"].cpu_parent.name == "outer"
    assert named["outer"].cpu_parent is None
    assert {e.scope for e in named.values()} == {7}
    assert [c.name for c in named["twice"].cpu_children] == ["aten::mul"]


def test_an_error_in_the_block_ends_what_was_open():
    with pytest.raises(ValueError, match="mine"), profile() as found, record_function("broken"):
        raise ValueError("mine")
    assert [e.name for e in found.events()] == ["broken"]
    with pytest.raises(RuntimeError), profile() as found:
        rushlight.ones(2) @ rushlight.ones(3)
    assert "aten::matmul" in {e.name for e in found.events()}


@BOTH
def test_what_is_asked_too_early_or_twice(framework, tmp_path):
    profiler, older = room(framework, "profiler"), room(framework, "autograd.profiler")
    fresh = profiler.profile()
    for ask in (fresh.events, fresh.key_averages):
        with pytest.raises(AssertionError, match="Profiler must be initialized before"):
            ask()
    with pytest.raises(AssertionError, match="No valid profiler activities found"):
        profiler.profile(activities=[])
    found = measured(framework, lambda: framework.ones(2).exp())
    found.export_chrome_trace(str(tmp_path / "t.json"))
    with pytest.raises(RuntimeError, match="Trace is already saved"):
        found.export_chrome_trace(str(tmp_path / "t.json"))
    with pytest.raises(AssertionError, match="requires with_stack=True"):
        found.export_stacks(str(tmp_path / "s"), "self_cpu_time_total")
    with older.profile(enabled=False) as nothing:
        pass
    assert nothing is None
    with older.profile() as own:
        framework.ones(2).exp()
    assert "aten::exp" in {e.name for e in own.function_events}
    assert own.total_average().key == "Total"
    assert own.self_cpu_time_total > 0
    with pytest.raises(RuntimeError, match="not reentrant"):
        own.__enter__()
    with older.emit_nvtx(enabled=False):
        pass


# ---- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["json", "json.gz"])
def test_traces_can_be_opened(ending, tmp_path):
    kinds, path = [], str(tmp_path / f"trace.{ending}")
    for framework in (torch, rushlight):
        found = measured(framework, step_of(framework), profile_memory=True)
        found.export_chrome_trace(path)
        with (gzip.open if ending.endswith("gz") else open)(path, "rt") as file:
            trace = json.load(file)
        events = trace["traceEvents"]
        for event in events:
            assert {"ph", "name", "pid", "tid", "ts"} <= event.keys()
            if event["ph"] == "X":
                assert event["dur"] >= 0
        assert trace["record_shapes"] == trace["profile_memory"] == 1
        starts = {e["id"]: e["ts"] for e in events if e["ph"] == "s"}
        ends = {e["id"]: e["ts"] for e in events if e["ph"] == "f"}
        assert starts.keys() == ends.keys()
        assert all(starts[i] < ends[i] for i in starts)
        (linear, *_) = [e for e in events if e["name"] == "aten::linear"]
        kinds.append(
            (linear["cat"], linear["args"]["Input Dims"], linear["args"]["Sequence number"] >= 0)
        )
        kinds[-1] += ({(e["ph"], e.get("cat")) for e in events} & {("X", "cpu_op"), ("X", "user_annotation"),
                      ("s", "fwdbwd"), ("f", "fwdbwd"), ("i", "cpu_instant_event")},)  # fmt: skip
    assert kinds[0][:3] == kinds[1][:3]
    assert kinds[1][3] >= kinds[0][3] - {("i", "cpu_instant_event")}


def test_a_folder_for_tensorboard(tmp_path):
    handler = rushlight.profiler.tensorboard_trace_handler(
        str(tmp_path / "new"), "me", use_gzip=True
    )
    with profile(on_trace_ready=handler):
        rushlight.ones(2).exp()
    (file,) = (tmp_path / "new").iterdir()
    assert file.name.startswith("me.")
    assert file.name.endswith(".pt.trace.json.gz")


def test_lines_of_the_user_and_modules(tmp_path):
    step = step_of(rushlight)
    for framework in (torch, rushlight):
        plain = measured(framework, step_of(framework), with_modules=True)
        assert not [e for e in plain.events() if e.name.startswith("nn.Module: ")]
    found = measured(rushlight, step, with_stack=True)
    (linear, *_) = [e for e in found.events() if e.name == "aten::linear"]
    assert linear.stack[0].partition("(")[0].endswith("test_profiler.py")
    assert linear.stack[0].endswith(": step")
    # The rules of backward have the lines of their forward.
    (backward, *_) = [e for e in found.events() if e.name == "AddmmBackward0"]
    assert backward.stack == linear.stack
    named = [e.name for e in found.events() if e.name.startswith("nn.Module: ")]
    assert named == [f"nn.Module: {n}" for n in ("Sequential_0", "Linear_0", "ReLU_0", "Linear_1")]
    found.export_stacks(str(tmp_path / "s"), "self_cpu_time_total")
    assert ":_step " in (tmp_path / "s").read_text()
    assert "Source Location" in found.key_averages(group_by_stack_n=1).table()


# ---- what it must not do --------------------------------------------------------------------------


def test_numbers_stay_the_same_and_nothing_is_left_behind():
    from rushlight.core import doors
    from rushlight.overriding import functions
    from rushlight.profiler import places, watch

    before = rushlight.add.__code__, vars(rushlight.nn.Module)["__call__"], rushlight.optim.SGD.step

    def trained(measure):
        rushlight.manual_seed(3)
        model = rushlight.nn.Sequential(
            rushlight.nn.Linear(4, 8), rushlight.nn.Dropout(0.5), rushlight.nn.Linear(8, 1)
        )
        optimizer = rushlight.optim.Adam(model.parameters())
        for _ in range(3):
            optimizer.zero_grad()
            model(rushlight.randn(6, 4)).square().mean().backward()
            optimizer.step()
        return [p.detach().clone() for p in model.parameters()]

    plain = trained(False)
    with profile(profile_memory=True, with_stack=True, with_flops=True):
        under = trained(True)
    assert all(rushlight.equal(a, b) for a, b in zip(plain, under, strict=True))
    assert before == (
        rushlight.add.__code__,
        vars(rushlight.nn.Module)["__call__"],
        rushlight.optim.SGD.step,
    )
    assert not watch.watches
    assert not places._put_back
    assert not functions._listened
    assert doors.watching == 0


def test_times_are_those_of_what_ran():
    with profile() as found, record_function("slept"):
        time.sleep(0.02)
        rushlight.ones(3).exp()
    (slept,) = [e for e in found.events() if e.name == "slept"]
    assert 20_000 <= slept.cpu_time_total < 2_000_000
    within = sum(c.cpu_time_total for c in slept.cpu_children)
    assert slept.self_cpu_time_total == pytest.approx(slept.cpu_time_total - within)
    assert found.key_averages().self_cpu_time_total == pytest.approx(
        sum(e.self_cpu_time_total for e in found.events())
    )


def test_two_profiles_at_once_and_threads():
    import threading

    with profile() as outer:
        rushlight.ones(2).exp()
        with profile() as inner:
            thread = threading.Thread(target=lambda: rushlight.ones(2).sin())
            thread.start()
            thread.join()
        rushlight.ones(2).cos()
    assert {e.name for e in inner.events()} >= {"aten::sin"}
    assert "aten::exp" not in {e.name for e in inner.events()}
    assert {e.name for e in outer.events()} >= {"aten::exp", "aten::sin", "aten::cos"}
    assert len({e.thread for e in outer.events()}) == 2


def test_classes_and_modes_are_still_asked():
    from rushlight.overrides import TorchFunctionMode

    class Mode(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            asked.append(func)
            return func(*args, **(kwargs or {}))

    asked = []
    with profile() as found:
        with Mode():
            rushlight.ones(2).exp()
        rushlight.ones(2).sin()
    assert rushlight.Tensor.exp in asked
    assert {"aten::exp", "aten::sin"} <= {e.name for e in found.events()}


def test_a_block_is_two_operators_as_well() -> None:
    parity("""
        import torch
        handle = torch.ops.profiler._record_function_enter("block")
        newer = torch.ops.profiler._record_function_enter_new("block")
        kind, ends = handle.dtype, (
            torch.ops.profiler._record_function_exit(handle), torch.ops.profiler._record_function_exit(newer)
        )
        forms = [str(getattr(p, f)._schema) for p in (
            torch.ops.profiler._record_function_enter, torch.ops.profiler._record_function_exit
        ) for f in p.overloads()]
        del handle, newer
        with torch.profiler.profile() as measured:
            handle = torch.ops.profiler._record_function_enter("block")
            torch.ones(3).exp()
            torch.ops.profiler._record_function_exit(handle)
        del handle
        found = [e.count for e in measured.key_averages() if e.key == "block"]
        del measured
    """)
