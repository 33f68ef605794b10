"""Tensors that processes share."""

import multiprocessing
import os

import pytest

import rushlight as torch
import rushlight.multiprocessing as mp
from tests.parity import parity

METHODS = ["fork", "spawn"]


def add_one(index, shared, own):
    shared[index] += 1 + index
    own.fill_(9)


def fail(index):
    if index == 1:
        raise ValueError("this one fails")


def leave(index):
    os._exit(3)


def step(model, queue, done):
    x = queue.get()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    model(x).sum().backward()
    optimizer.step()
    queue.task_done()
    done.put(model.weight)
    done.join()


@pytest.mark.parametrize("method", METHODS)
def test_what_one_process_writes_others_see(method):
    shared, own = torch.zeros(3).share_memory_(), torch.zeros(3)
    mp.start_processes(add_one, (shared[1:], own), nprocs=2, start_method=method)
    assert shared.tolist() == [0.0, 1.0, 2.0]
    # What is sent moves to shared memory; what is forked does not.
    assert own.tolist() == [9.0 if method == "spawn" else 0.0] * 3


@pytest.mark.parametrize("method", METHODS)
def test_a_model_is_trained_by_another_process(method):
    model = torch.nn.Linear(2, 1).share_memory()
    assert all(p.is_shared() for p in model.parameters())
    before = model.weight.detach().clone()
    context = mp.get_context(method)
    tasks, done = context.JoinableQueue(), context.JoinableQueue()
    tasks.put(torch.ones(1, 2))
    worker = context.Process(target=step, args=(model, tasks, done))
    worker.start()
    theirs = done.get(timeout=60)
    assert (model.weight == before - 0.5).all()
    assert theirs.is_shared()
    assert isinstance(theirs, torch.nn.Parameter)
    with torch.no_grad():
        theirs.zero_()
    assert (model.weight == 0).all()
    done.task_done()
    worker.join()
    assert worker.exitcode == 0


def test_errors_of_processes_are_raised():
    with pytest.raises(mp.ProcessRaisedException, match="this one fails") as caught:
        mp.start_processes(fail, nprocs=2, start_method="fork")
    assert caught.value.error_index == 1
    with pytest.raises(mp.ProcessExitedException, match="exit code 3"):
        mp.start_processes(leave, nprocs=1, start_method="fork")
    running = mp.start_processes(fail, nprocs=1, join=False, start_method="fork")
    assert len(running.pids()) == 1
    assert running.join()


def test_sharing_alone():
    parity("""
        x = torch.arange(6.0).reshape(2, 3)
        before = x.is_shared()
        y = x.t().contiguous().share_memory_()
        empty, number = torch.zeros(0).share_memory_(), torch.tensor(3).share_memory_()
        after = y.is_shared(), y[1].is_shared(), empty.is_shared(), number.is_shared(), (y + 1).is_shared()
        y.mul_(2)
        p = torch.nn.Parameter(torch.ones(2)).share_memory_()
        is_parameter = isinstance(p, torch.nn.Parameter)
        (p * 2).sum().backward()
        strategy = torch.multiprocessing.get_sharing_strategy()
    """)


def test_all_that_lies_on_a_storage_moves_with_it():
    parity("""
        x = torch.arange(6.0)
        rows, some, same, storage = x.view(2, 3), x[1::2], x.detach(), x.untyped_storage()
        turned = torch.view_as_complex(x.view(3, 2)).conj()
        some.share_memory_()
        now = x.is_shared(), rows.is_shared(), same.is_shared(), storage.is_shared(), turned.is_shared()
        x.mul_(2)
        rows[0] = 7.0
        places = [t.storage_offset() for t in (x, rows, some, same)], some.stride(), rows._base is x
        w = torch.ones(3, requires_grad=True)
        product = w * 2
        part = product[1:]
        product.detach().untyped_storage().share_memory_()
        part.sum().backward()
    """)


def test_storages_grow_under_their_tensors():
    parity("""
        x = torch.arange(4.0)
        part, same, storage = x[1:3], x.detach(), x.untyped_storage()
        can, _ = storage.resizable(), storage.resize_(32)
        x[1] = 9.0
        sizes = storage.nbytes(), x.untyped_storage().nbytes()
        storage = None
        matrix = torch.zeros(2, 3)
        turned, line = matrix.t(), matrix.view(-1)
        matrix.resize_(4, 3)
        matrix[2:] = 0.0
        matrix[0, 1] = 5.0
        shapes = matrix.shape, turned.shape, line.shape, matrix._version
        out, seen = torch.zeros(2), None
        seen = out.view(2, 1)
        torch.add(torch.ones(0), torch.ones(0), out=out)
        torch.ones(2).mul_(3)
        typed = torch.zeros(3).storage()
        nothing = typed.resize_(6)
        longer, typed = len(typed), None
    """)


def test_a_storage_does_not_get_smaller_than_its_tensors():
    x = torch.arange(4.0)
    part = x[2:]
    with pytest.raises(RuntimeError, match=r"needs 16 bytes of a storage that is to have 8"):
        x.untyped_storage().resize_(8)
    assert x.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert part.tolist() == [2.0, 3.0]
    with pytest.raises(RuntimeError, match="not negative"):
        x.untyped_storage().resize_(-1)
    shown = x.numpy()
    with pytest.raises(RuntimeError, match="not resizable"):
        x.untyped_storage().resize_(64)
    assert shown[0] == 0.0


def double(tasks, results, done):
    x = tasks.get(timeout=60)
    x.mul_(2)
    results.put({"sum": x + 1, "x": [x, torch.ones(2, requires_grad=True)]})
    done.wait(60)


@pytest.mark.parametrize("method", METHODS)
def test_what_plain_multiprocessing_sends_is_shared(method):
    context = multiprocessing.get_context(method)
    tasks, results, done = context.Queue(), context.Queue(), context.Event()
    x = torch.ones(4)
    part = x[:2]
    worker = context.Process(target=double, args=(tasks, results, done))
    worker.start()
    tasks.put(part)
    answer = results.get(timeout=60)
    assert x.tolist() == [2.0, 2.0, 1.0, 1.0]
    answer["x"][0].fill_(7)
    assert x.tolist() == [7.0, 7.0, 1.0, 1.0]
    assert answer["sum"].is_shared()
    assert answer["x"][1].requires_grad
    done.set()
    worker.join()


def put_and_leave(queue):
    queue.put(torch.arange(3).to(torch.bfloat16))


def test_what_a_process_sent_before_it_ended_arrives():
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    worker = context.Process(target=put_and_leave, args=(queue,))
    worker.start()
    worker.join()
    arrived = queue.get(timeout=60)
    assert arrived.dtype is torch.bfloat16
    assert arrived.tolist() == [0.0, 1.0, 2.0]


class Named(torch.Tensor):
    pass


def test_storages_and_classes_of_programs_are_shared():
    x = torch.arange(3.0)
    ours, theirs = multiprocessing.Pipe()
    for sent in (x, x.as_subclass(Named), x.untyped_storage(), torch.nn.Parameter(x)):
        ours.send(sent)
        arrived = theirs.recv()
        assert type(arrived) is type(sent)
        assert arrived.is_shared()
    assert x.is_shared()
    ours.send(torch.UntypedStorage(0))
    assert theirs.recv().nbytes() == 0


def test_a_conjugated_tensor_is_sent_as_it_is():
    x = torch.tensor([1 + 2j, 3 - 1j])
    ours, theirs = multiprocessing.Pipe()
    ours.send(x.conj())
    arrived = theirs.recv()
    assert arrived.is_conj()
    assert arrived.tolist() == [1 - 2j, 3 + 1j]
    x.zero_()
    assert arrived.tolist() == [0j, 0j]


def test_a_result_with_a_graph_is_not_sent():
    x = torch.ones(2).share_memory_().requires_grad_()
    y = x[:1]
    from multiprocessing.reduction import ForkingPickler

    with pytest.raises(RuntimeError, match="detach"):
        ForkingPickler.dumps(y)


def test_descriptors_are_closed():
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        torch.zeros(10).share_memory_()
    assert len(os.listdir("/proc/self/fd")) == before
