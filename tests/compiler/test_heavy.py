"""Heavy rows: NumPy's forward at first, C from a certain call on, and the same results."""

from __future__ import annotations

import multiprocessing
import threading

import numpy as np
import pytest

import rushlight as torch
from rushlight import heavy
from rushlight.compiler import build, single
from rushlight.compiler.single import NotInC, kernel_of, program_of_row
from rushlight.core.table import TABLE
from rushlight.heavy import HEAVY

pytestmark = pytest.mark.usefixtures("quick")

TOLERANCE = {"float32": 2e-5, "float64": 1e-10}


# Calls with other arrays than those of the row's samples.
MORE = {
    "matmul": [((np.arange(12).reshape(3, 4), np.arange(20).reshape(4, 5)), {})],
    "convert": [((np.linspace(-3, 3, 12),), {"dtype": np.dtype(np.float16)})],
}


def alike(a, dtype):
    return a.astype(dtype) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", [*HEAVY, "matmul"])
def test_the_kernel_of_a_row_gives_what_its_forward_gives(name, dtype):
    row, made = TABLE[name], 0
    samples = [(sample.arrays, sample.static) for sample in row.samples()]
    for given, static in MORE.get(name, samples):
        arrays = [alike(a, dtype) for a in given]
        takes = heavy._TAKES.get(name, lambda arrays: True)
        if not all(isinstance(a, np.ndarray) or a is None for a in arrays) or not takes(arrays):
            continue
        like = [a if a is None else (a.shape, a.strides, a.dtype) for a in arrays]
        try:
            kernel = kernel_of(program_of_row(row, like, static))
        except NotInC:
            continue
        found = kernel([a for a in arrays if a is not None])
        expected = row.forward(*arrays, **static)
        expected = expected if isinstance(expected, tuple) else (expected,)
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert one.dtype == other.dtype
            assert one.strides == other.strides or not one.size
            np.testing.assert_allclose(one, other, TOLERANCE[dtype], TOLERANCE[dtype])
        made += 1
    assert made


@pytest.fixture
def soon(monkeypatch):
    """Kernels are asked for, and taken, after few calls."""
    monkeypatch.setattr(heavy, "ASKED", 2)
    monkeypatch.setattr(heavy, "TAKEN", 4)


def convolve(size, seed=0):
    generator = np.random.default_rng(seed)
    x = torch.tensor(generator.normal(size=(4, 8, size, size)).astype("float32"))
    w = torch.tensor(generator.normal(size=(8, 8, 3, 3)).astype("float32"))
    return lambda: torch.nn.functional.conv2d(x, w, padding=1)


def test_c_is_taken_at_the_same_call_in_every_run(soon):
    call = convolve(24)
    results = [call() for _ in range(6)]
    bits = [r.numpy().tobytes() for r in results]
    assert bits[0] == bits[1] == bits[2]
    assert bits[3] == bits[4] == bits[5] != bits[0]
    torch.testing.assert_close(results[0], results[5])


def test_it_is_numpy_where_c_is_switched_off_or_determinism_asked_for(soon):
    call = convolve(25)
    first = call()
    for _ in range(5):
        last = call()
    assert not torch.equal(first, last)
    with torch.backends.c.flags(enabled=False):
        assert not torch.backends.c.enabled
        assert torch.equal(call(), first)
    torch.use_deterministic_algorithms(True)
    try:
        assert torch.equal(call(), first)
    finally:
        torch.use_deterministic_algorithms(False)
    assert torch.equal(call(), last)


def test_without_a_compiler_it_stays_with_numpy(soon, monkeypatch):
    def none():
        raise build.NoCompiler("none")

    monkeypatch.setattr("rushlight.compiler.machine.built", lambda *args, **kwargs: none())
    call = convolve(26)
    assert len({call().numpy().tobytes() for _ in range(6)}) == 1


def test_other_shapes_strides_and_parameters_have_their_own_kernels(soon):
    x, w = torch.randn(4, 8, 20, 20), torch.randn(8, 8, 3, 3)
    for stride, turned in ((1, False), (2, False), (1, True)):
        given = x.mT if turned else x
        results = [torch.nn.functional.conv2d(given, w, stride=stride) for _ in range(6)]
        torch.testing.assert_close(results[0], results[5])
        assert results[0].stride() == results[5].stride()


def test_a_tuple_of_one_and_slices_among_the_parameters(soon):
    x = torch.randn(4, 8, 32, 32, requires_grad=True)
    at = torch.randint(0, 32, (20,))
    for f in (
        lambda: torch.nn.functional.group_norm(x, 2).square(),
        lambda: x[:, :, at],
        lambda: torch.nn.functional.huber_loss(x, x.detach() * 0.5, reduction="none"),
    ):
        grads = [torch.autograd.grad(f().sum(), x)[0] for _ in range(6)]
        torch.testing.assert_close(grads[0], grads[5], rtol=1e-4, atol=1e-4)
    kinds = TABLE["place_index"].forward.__closure__
    calls = [cell.cell_contents for cell in kinds if isinstance(cell.cell_contents, heavy.Kinds)]
    assert any(one.kernel is not None for one in calls[0].calls.values())


def test_training_goes_on_through_the_change(soon):
    def curve(enabled):
        torch.manual_seed(0)
        model = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.BatchNorm2d(8), torch.nn.ReLU(),
            torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(8 * 64, 4),
        )  # fmt: skip
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        x, y = torch.randn(16, 3, 16, 16), torch.randint(0, 4, (16,))
        losses = []
        with torch.backends.c.flags(enabled=enabled):
            for _ in range(12):
                loss = torch.nn.functional.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
        return losses

    plain, fast = curve(False), curve(True)
    assert plain[:3] == fast[:3]
    assert plain[4:] != fast[4:]
    np.testing.assert_allclose(plain, fast, 2e-3)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_the_rule_of_a_recurrent_layer_is_a_kernel_unless_it_is_differentiated(soon, kind):
    torch.manual_seed(0)
    layer, x = getattr(torch.nn, kind)(8, 24), torch.randn(12, 16, 8, requires_grad=True)

    def gradients(create_graph=False):
        leaves = [x, *layer.parameters()]
        return torch.autograd.grad(layer(x)[0].sin().sum(), leaves, create_graph=create_graph)

    plain = gradients()
    for _ in range(6):
        fast = gradients()
    for one, other in zip(plain, fast, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
        assert one.stride() == other.stride()
    twice = torch.autograd.grad(sum(g.square().sum() for g in gradients(True)), x)
    assert twice[0].isfinite().all()


def test_threads_share_a_kernel(soon):
    call = convolve(27)
    for _ in range(5):
        expected = call()
    results = []
    threads = [
        threading.Thread(target=lambda: results.extend(call() for _ in range(20))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 60
    assert all(torch.equal(result, expected) for result in results)


def _in_the_child(call, queue):
    queue.put([call().numpy().tobytes() for _ in range(6)])


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("calls", [2, 5])
def test_a_forked_process_has_what_was_made_before(soon, calls):
    call = convolve(26 + calls)
    for _ in range(calls):
        before = call().numpy().tobytes()
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=_in_the_child, args=(call, queue))
    child.start()
    assert set(queue.get()) == {before}
    child.join()


def test_what_numpy_computes_is_computed_by_the_thread_that_asks(soon, monkeypatch):
    # A process that forks while another thread is in BLAS would wait for that one for ever.
    threads, made = [], single.program_of_row

    def program(*args):
        threads.append(threading.current_thread())
        return made(*args)

    monkeypatch.setattr(single, "program_of_row", program)
    call = convolve(29)
    for _ in range(5):
        call()
    assert threads == [threading.main_thread()]


def test_sizes_that_never_come_again_are_forgotten(soon, monkeypatch):
    monkeypatch.setattr(heavy, "_MOST", 3)
    for size in range(30, 40):
        assert convolve(size)().shape == (4, 8, size, size)


def test_loops_in_c_give_the_numbers_of_those_in_python(monkeypatch):
    rates = torch.linspace(0, 60, 3000)

    def drawn():
        torch.manual_seed(3)
        return torch.randperm(5000), torch.poisson(rates), torch.rand(3)

    with torch.backends.c.flags(enabled=False):
        plain = drawn()
    assert heavy.loops(10**9) is None or heavy._loops.job.made is not None
    assert heavy._loops.job.done.wait(60)
    fast = drawn()
    assert heavy.loops(10**9) is not None
    for one, other in zip(plain, fast, strict=True):
        assert torch.equal(one, other)


def test_nothing_changes_to_c_while_a_function_is_recorded(soon):
    call = convolve(20)
    for before in range(6):
        step = torch.compile(call)
        for _ in range(before % 3):
            call()
        step()
        assert not step.refusals


@pytest.mark.parametrize(
    "shapes", [((96, 300), (300, 320)), ((40, 888), (888, 260)), ((6, 200, 80), (6, 80, 64))]
)
def test_products_in_c_have_the_bits_of_blas(soon, monkeypatch, shapes):
    taken = []
    monkeypatch.setattr(
        single.Exact,
        "hold",
        lambda self, kernel, hold=single.Exact.hold: taken.append(hold(self, kernel)),
    )
    left, right = (torch.randn(*shape[:-2], *shape[:-3:-1]).mT for shape in shapes)
    results = [left @ right for _ in range(8)]
    assert all(torch.equal(result, results[0]) for result in results)
    assert len(taken) <= 1


def test_products_that_would_have_other_bits_stay_with_blas(soon):
    x, y = np.ones((8, 2000), np.float32), np.ones((2000, 8), np.float32)
    like = [(a.shape, a.strides, a.dtype) for a in (x, y)]
    with pytest.raises(NotInC, match="order of its own"):
        single.Exact(like, np.matmul)
    like[0], like[1] = ((8, 200), (800, 4), x.dtype), ((200, 8), (32, 4), x.dtype)
    with pytest.raises(NotInC, match="other bits"):
        kernel_of(
            program_of_row(TABLE["matmul"], like, {}), single.Exact(like, lambda a, b: a @ b + 1)
        )


def test_calls_of_large_arrays_count_for_more():
    small, large = heavy._Calls([np.ones(9), None]), heavy._Calls([np.ones(9), np.ones(1 << 20)])
    assert (small.weight, large.weight) == (1, 4)


@pytest.mark.parametrize("name", ["gelu", "softmax", "log_softmax"])
def test_a_gradient_is_a_kernel_from_some_size_on(soon, name):
    generator = np.random.default_rng(3)
    x = torch.tensor(generator.normal(size=(160, 128)), dtype=torch.float32, requires_grad=True)
    g = torch.tensor(generator.normal(size=(160, 128)), dtype=torch.float32)
    function = getattr(torch.nn.functional, name)

    def gradient(**options):
        y = function(x) if name == "gelu" else function(x, dim=-1)
        return torch.autograd.grad(y, x, g, **options)[0]

    with torch.backends.c.flags(enabled=False):
        plain = gradient()
    results = [gradient() for _ in range(8)]
    assert torch.equal(results[0], plain)
    torch.testing.assert_close(results[-1], plain, rtol=1e-5, atol=1e-6)
    assert gradient(create_graph=True).requires_grad


def test_kernels_share_their_memory_and_keep_no_examples():
    x, w = np.ones((2, 3, 9, 9), np.float32), np.ones((4, 3, 3, 3), np.float32)
    form = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
    row = TABLE["convolution"]
    kernels = []
    for image in (x, x[:1], x[..., 1:]):
        like = [(a.shape, np.ascontiguousarray(a).strides, a.dtype) for a in (image, w)]
        kernels.append(kernel_of(program_of_row(row, [*like, None], form)))
    arenas = {id(k.machine.arena) for k in kernels}
    assert len(arenas) == 1
    assert all(source.array.size == 0 for k in kernels for source in k.machine.program.sources)
    made = kernels[0]([x, w])
    assert made is not None
    assert made[0] == pytest.approx(row.forward(x, w, None, **form))
