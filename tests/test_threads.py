"""The pool of threads: every part is done once, errors come back, results do not depend on it."""

import os
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

import rushlight as torch
from rushlight import threads
from rushlight.utils.data import DataLoader, Dataset


@pytest.fixture(autouse=True)
def _three_threads():
    before = threads.get_num_threads()
    threads.set_num_threads(3)
    yield
    threads.set_num_threads(before)


def test_every_part_is_done_once():
    done = []
    threads.share(lambda dealt: done.extend(dealt), range(1000))
    assert sorted(done) == list(range(1000))


def test_several_threads_take_part():
    # Each of the three waits for the other two.
    barrier = threading.Barrier(3, timeout=60)
    threads.share(lambda dealt: [barrier.wait() for _ in dealt], range(3))


@pytest.mark.parametrize("bad", range(3))
def test_an_error_in_any_thread_is_raised_and_the_pool_stays_usable(bad):
    barrier = threading.Barrier(3, timeout=60)

    def work(dealt):
        for part in dealt:
            barrier.wait()
            if part == bad:
                raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        threads.share(work, range(3))
    test_every_part_is_done_once()


def test_work_inside_work_is_done_by_its_own_thread():
    inner = []

    def work(dealt):
        for _ in dealt:
            threads.share(lambda more: inner.extend(more), range(10))

    threads.share(work, range(4))
    assert sorted(inner) == sorted([*range(10)] * 4)


@pytest.mark.parametrize(("size", "least"), [(0, 1), (1, 1), (7, 3), (100, 1), (100, 60), (5, 0)])
def test_ranges_cover_a_dimension(size, least):
    whole = np.arange(size)
    parts = [whole[part] for part in threads.ranges(size, least)]
    assert np.concatenate(parts).tolist() == whole.tolist()
    assert len(parts) == 1 or min(map(len, parts)) >= 1
    assert len(parts) <= 3


def _step():
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(8, 32, 3, stride=2, padding=1, bias=False),
        torch.nn.BatchNorm2d(32),
        torch.nn.ConvTranspose2d(32, 8, 3, bias=False),
        torch.nn.BatchNorm2d(8),
    )
    x = torch.randn(32, 8, 64, 64, requires_grad=True)
    y = model(x)
    (y * torch.randn_like(y)).sum().backward()
    return [x.grad, *(p.grad for p in model.parameters()), *model.buffers()]


def test_results_do_not_depend_on_the_number_of_threads():
    several, again = _step(), _step()
    assert threads.started()
    threads.set_num_threads(1)
    for one, first, second in zip(_step(), several, again, strict=True):
        assert torch.equal(first, second)
        # Up to the last bits, which are those of BLAS.
        assert (one - first).abs().max() <= 1e-5 * first.abs().max() + 1e-8


def test_a_large_product_is_shared_out():
    threads.share(lambda dealt: list(dealt), range(3))
    for rows, columns in ((700, 90), (90, 700)):
        x, y = torch.randn(rows, 400), torch.randn(400, columns)
        expected = x.numpy().astype(float) @ y.numpy().astype(float)
        np.testing.assert_allclose((x @ y).numpy(), expected, rtol=0, atol=1e-4)


def test_work_at_the_end_of_the_program_is_done_too():
    program = """
        import atexit
        from rushlight import threads

        threads.set_num_threads(3)
        threads.share(list, range(3))
        done = []
        atexit.register(lambda: print(sorted(done)))
        atexit.register(lambda: threads.share(done.extend, range(5)))
    """
    run = [sys.executable, "-c", textwrap.dedent(program)]
    result = subprocess.run(run, capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("[0, 1, 2, 3, 4]\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_the_pool_works_in_a_forked_process():
    threads.share(lambda dealt: list(dealt), range(3))
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            done = []
            threads.share(lambda dealt: done.extend(dealt), range(50))
            os.write(writing, str(sum(done)).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100) == str(sum(range(50))).encode()


def test_numbers_of_threads():
    torch.set_num_threads(2)
    assert torch.get_num_threads() == 2
    with pytest.raises(RuntimeError, match="positive"):
        torch.set_num_threads(0)
    with pytest.raises(RuntimeError, match="expects an int"):
        torch.set_num_threads(1.5)
    assert torch.get_num_threads() == 2


class Threads(Dataset):
    """What each worker thinks of threads, after some work that would be shared out."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        torch.nn.functional.conv2d(torch.ones(32, 8, 32, 32), torch.ones(64, 8, 3, 3))
        return torch.get_num_threads()


def test_workers_keep_to_one_thread_as_in_torch():
    torch.nn.functional.conv2d(torch.ones(32, 8, 32, 32), torch.ones(64, 8, 3, 3))
    assert threads.started()
    assert [n.tolist() for n in DataLoader(Threads(), num_workers=2)] == [[1]] * 4
    assert torch.get_num_threads() == 3


FORKS = """
import os, signal, threading
import rushlight as torch
from rushlight import threads
from rushlight.utils.data import DataLoader

torch.set_num_threads(2)
images, weight, own = torch.randn(64, 16, 32, 32), torch.randn(32, 16, 3, 3), torch.Generator()
convolve = lambda: torch.nn.functional.conv2d(images, weight)
want = convolve()
print(threads.started())
going = True

def repeat(work):
    while going:
        work()

def draw():
    torch.randn(100_000), torch.randn(100_000, generator=own)

others = [threading.Thread(target=repeat, args=(work,)) for work in (draw, convolve)]
for other in others:
    other.start()
for _ in range(5):
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # ends the child, should it wait for ever
        draw()
        os._exit(0 if torch.allclose(convolve(), want) and torch.manual_seed(0) else 1)
    print(os.waitpid(child, 0)[1])
print([batch.tolist() for batch in DataLoader(range(4), batch_size=2, num_workers=2)])
going = False
for other in others:
    other.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.timeout(120)
def test_a_child_that_is_forked_amid_work_is_sane():
    shown = subprocess.run(
        [sys.executable, "-c", FORKS], capture_output=True, text=True, timeout=100, check=False
    )
    assert shown.stdout.split("\n")[:-1] == ["True", *["0"] * 5, "[[0, 1], [2, 3]]"], shown.stderr
