"""Tensors that processes share."""

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
    assert own.tolist() == [0.0, 0.0, 0.0]


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
