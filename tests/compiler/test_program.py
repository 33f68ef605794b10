"""The printed form of a program, and what is refused around it."""

import gc
import math
import threading
import weakref

import numpy as np
import pytest
from tools.write_compiler_page import PAGE, written

import rushlight as torch
from rushlight import nn
from rushlight.compiler import CannotRecord, Changed, record


def test_the_page_shows_what_its_example_becomes():
    page = PAGE.read_text()
    assert written(page) == page, "python tools/write_compiler_page.py writes the page anew"


def test_arguments_must_be_like_those_that_were_recorded():
    x = torch.ones(2, 3)
    _, program = record(lambda x, scale: x * scale, x, 2)
    assert program(x + 1, 2).tolist() == [[4.0] * 3] * 2
    for changed, words in (
        ((torch.ones(2, 4), 2), r"x is float32\[2, 4\], and float32\[2, 3\]"),
        ((torch.ones(2, 3, dtype=torch.float64), 2), "float64"),
        ((torch.ones(3, 2).T, 2), "strides"),
        ((torch.ones(2, 3, requires_grad=True), 2), "requires_grad"),
        ((x, 3), "an argument is 3 now, and was 2"),
        ((x, 2.0), "an argument is 2.0 now, and was 2"),
        ((x,), "more or fewer"),
    ):
        with pytest.raises(Changed, match=words):
            program(*changed)


def test_arguments_share_memory_as_they_did():
    x, y = torch.ones(3), torch.ones(3)
    _, program = record(lambda a, b: a.add_(b), x, y)
    with pytest.raises(Changed, match="two arguments are one tensor"):
        program(x, x)
    with pytest.raises(Changed, match="shares memory"):
        program(x, x[:])


def test_a_refused_replay_leaves_everything_as_it_was():
    w = torch.ones(2, requires_grad=True)

    def step(x):
        w.grad = None
        (w * x).sum().backward()
        with torch.no_grad():
            w.sub_(w.grad * torch.rand(2))
        return w * 2 if w.sum().item() > 0 else w

    x = torch.ones(2)
    _, program = record(step, x)
    values, version, state = w.detach().clone(), w._version, torch.get_rng_state()
    with pytest.raises(Changed, match="the branch that Python took"):
        program(x * 1000)
    assert torch.equal(w, values)
    assert w._version == version
    assert torch.equal(torch.get_rng_state(), state)


def test_a_refused_recording_leaves_everything_as_it_was():
    w, kept = torch.ones(2, requires_grad=True), []

    def step(x):
        (w * x).sum().backward()
        with torch.no_grad():
            w.sub_(torch.rand(2))
        kept.append(1)

    state = torch.get_rng_state()
    with pytest.raises(CannotRecord, match=r"kept\[0\] was changed"):
        record(step, torch.ones(2))
    assert w.tolist() == [1.0, 1.0]
    assert w.grad is None
    assert w._version == 0
    assert torch.equal(torch.get_rng_state(), state)


def test_an_error_of_the_function_passes():
    with pytest.raises(RuntimeError, match="must match"):
        record(lambda x: x + torch.ones(5), torch.ones(3))


def test_labels_are_checked_at_each_replay():
    scores = torch.randn(4, 3)
    _, program = record(torch.nn.functional.cross_entropy, scores, torch.tensor([0, 1, 2, 1]))
    labels = torch.tensor([2, 2, 0, 0])
    assert program(scores, labels) == torch.nn.functional.cross_entropy(scores, labels)
    with pytest.raises((IndexError, Changed)):
        program(scores, torch.tensor([0, 1, 3, 1]))
    with pytest.raises((IndexError, Changed)):
        program(scores, torch.tensor([0, 1, -1, 1]))


def test_a_result_has_no_graph_and_says_so():
    w = torch.ones(2, requires_grad=True)
    _, program = record(lambda: (w * 2).sum())
    result = program()
    assert result.requires_grad
    with pytest.raises(RuntimeError, match="leaves no graph behind"):
        result.backward()


def test_results_are_the_tensors_that_they_were():
    w = torch.ones(2, 3)

    def several(x):
        y = x * 2
        return w, {"again": (y, y)}, w.view(-1), 3, "word"

    _, program = record(several, torch.ones(2))
    kept, again, flat, number, word = program(torch.ones(2))
    assert kept is w
    assert again["again"][0] is again["again"][1]
    assert flat.data_ptr() == w.data_ptr()
    flat[0] = 7
    assert w[0, 0] == 7
    assert (number, word) == (3, "word")


def test_constants_are_new_at_each_replay():
    def fill(x):
        total = torch.zeros(2)
        total += x
        return total

    _, program = record(fill, torch.ones(2))
    first = program(torch.ones(2))
    first += 10
    assert program(torch.ones(2)).tolist() == [1.0, 1.0]


def test_the_first_step_of_momentum_is_like_any_other():
    def steps(run):
        w = torch.ones(2, requires_grad=True)
        moves = torch.optim.SGD([w], lr=0.1, momentum=0.9)

        def step():
            moves.zero_grad()
            (w * w).sum().backward()
            moves.step()

        run(step)
        return w.tolist(), moves.state[w]["momentum_buffer"].tolist()

    def recorded(step):
        _, program = record(step)
        program(), program()

    assert steps(recorded) == steps(lambda step: (step(), step(), step()))


def test_the_first_step_of_dampened_momentum_is_told_apart():
    w = torch.ones(2, requires_grad=True)
    moves = torch.optim.SGD([w], lr=0.1, momentum=0.9, dampening=0.5)

    def step():
        moves.zero_grad()
        w.sum().backward()
        moves.step()

    with pytest.raises(CannotRecord, match="momentum_buffer"):
        record(step)
    assert w.tolist() == [1.0, 1.0]


def test_recordings_do_not_nest():
    with pytest.raises(CannotRecord, match="recorded already"):
        record(lambda x: record(lambda y: y * 2, x)[0], torch.ones(2))


def test_hooks_that_come_later_are_noticed():
    w = torch.ones(2, requires_grad=True)
    moves = torch.optim.SGD([w], lr=0.1)

    def step():
        moves.zero_grad()
        w.sum().backward()
        moves.step()

    for register in (
        lambda: w.register_hook(lambda g: g * 2),
        lambda: moves.register_step_pre_hook(lambda *_: None),
        lambda: nn.modules.module.register_module_forward_hook(lambda *_: None),
    ):
        _, program = record(step)
        with register(), pytest.raises(Changed, match="hooks"):
            program()
        program()


def test_modes_are_those_that_were():
    x = torch.ones(2)
    _, program = record(lambda x: x * 2, x)
    with torch.no_grad(), pytest.raises(Changed, match="gradient recording is False now"):
        program(x)
    with pytest.raises(Changed, match="who watches the operations"):
        torch.func.vmap(program)(x)
    with pytest.raises(CannotRecord, match="leaves it so"):
        record(lambda: torch.set_grad_enabled(False))
    torch.set_grad_enabled(True)


def test_iterators_that_cannot_be_watched_are_refused():
    pair = (iter([torch.ones(2)]), 1)
    with pytest.raises(CannotRecord, match="is an iterator in a place"):
        record(lambda: next(pair[0]))


def test_numbers_of_tensors_pass_for_numbers():
    def describe(x):
        n = x.sum().item()
        assert isinstance(n, float)
        whole, rest = divmod(n, 2.0)
        return n, n**2, -n, abs(n), 1 / n, whole, rest, n % 3, math.floor(n), np.sqrt(n), round(n)

    x = torch.tensor([1.5, 2.25])
    result, program = record(describe, x)
    assert all(type(part) in (float, int, np.float64) for part in result)
    assert result == describe(x)
    with pytest.raises(Changed):
        program(x + 1)
    arithmetic = lambda x: [x.sum().item() ** k / 3 for k in range(4)]
    _, program = record(arithmetic, x)
    assert program(x + 1) == arithmetic(x + 1)


def test_the_rates_that_a_function_sets_itself_are_refused():
    w = torch.ones(2, requires_grad=True)
    moves = torch.optim.SGD([w], lr=0.1)

    def step():
        moves.param_groups[0]["lr"] *= 0.5

    with pytest.raises(CannotRecord, match="the option lr of an optimizer was changed"):
        record(step)


def test_what_is_sparse_is_refused():
    w = torch.zeros(5, 2, requires_grad=True)
    moves = torch.optim.SparseAdam([w])

    def step():
        w.grad = torch.sparse_coo_tensor([[1, 3]], torch.ones(2, 2), (5, 2))
        moves.step()

    step()
    with pytest.raises(CannotRecord, match=r"sparse|no recorded operation"):
        record(step)


def test_a_program_keeps_alive_only_what_it_needs():
    w, x, y = torch.randn(4, 3), torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1])
    bystander = torch.ones(2)
    result, program = record(lambda x, y: nn.functional.cross_entropy(x @ w, y), x, y)
    known = [weakref.ref(tensor) for tensor in (x, y, result, bystander)]
    del x, y, result, bystander
    gc.collect()
    assert [ref() for ref in known] == [None] * 4
    assert program(torch.ones(5, 4), torch.zeros(5, dtype=torch.int64)).shape == ()


def test_threads_record_one_after_the_other():
    def step(w):
        w.grad = None
        (w * 2).sum().backward()

    leaves = [torch.ones(3, requires_grad=True) for _ in range(4)]
    programs = []
    threads = [
        threading.Thread(target=lambda w=w: programs.append(record(step, w)[1])) for w in leaves
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    w = torch.ones(3, requires_grad=True)
    for program in programs:
        w.grad = None
        program(w)
        assert w.grad.tolist() == [2.0, 2.0, 2.0]
    assert len(programs) == 4
