"""The pool of threads of compiled programs."""

import ctypes
import os
import threading
import time

import numpy as np
import pytest

from rushlight.compiler.kernels import threads
from rushlight.compiler.kernels.fragments import together
from rushlight.compiler.kernels.target import PLAIN
from tests.compiler.guarded import compiled, pointer

PROGRAM = """
#include <pthread.h>
#include <unistd.h>

void use(void *pool) { parallel = (void (*)(Work *, void *, long, long))pool; }

static void add(void *context, long begin, long end)
{
    for (long i = begin; i < end; i++)
        ((long *)context)[i]++;
}
void add_to_all(long *counts, long count, long grain) { parallel(add, counts, count, grain); }

static void within(void *context, long begin, long end)
{
    for (long i = begin; i < end; i++)
        parallel(add, (long *)context + 8 * i, 8, 1);
}
void add_within(long *counts, long count) { parallel(within, counts, count, 1); }

/* Who computes each of some slow parts. */
static void slow(void *context, long begin, long end)
{
    usleep(2000);
    for (long i = begin; i < end; i++)
        ((unsigned long *)context)[i] = (unsigned long)pthread_self();
}
void who(long *who, long count) { parallel(slow, who, count, 1); }
"""


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pool")
    return threads.Pool(compiled(threads.source(), folder, "pool", "-O2"))


@pytest.fixture
def program(pool, tmp_path_factory):
    text = together(["threads"], PLAIN) + PROGRAM
    library = compiled(text, tmp_path_factory.mktemp("program"), "program")
    library.use(ctypes.c_void_p(pool.address))
    return library


def added(program, count, grain, times=1):
    counts = np.zeros(count, np.int64)
    for _ in range(times):
        program.add_to_all(pointer(counts), ctypes.c_long(count), ctypes.c_long(grain))
    return bool((counts == times).all())


@pytest.mark.parametrize("number", [1, 3, 8, 2])
def test_all_is_done_once(pool, program, number):
    pool.set_threads(number)
    for count, grain in ((1, 1), (7, 1), (1000, 16), (100003, 64)):
        assert added(program, count, grain, 30)


def test_helpers_help_awake_and_asleep(pool, program):
    pool.set_threads(3)
    for pause in (0.0, 0.01):
        time.sleep(pause)
        ids = np.zeros(12, np.int64)
        program.who(pointer(ids), ctypes.c_long(12))
        assert 2 <= len(set(ids)) <= 3


def test_one_thread_starts_no_other(pool, program):
    pool.set_threads(1)
    ids = np.zeros(6, np.int64)
    program.who(pointer(ids), ctypes.c_long(6))
    assert set(ids) == {threading.get_ident()}


def test_work_within_work_and_from_several_threads(pool, program):
    pool.set_threads(2)
    counts = np.zeros(80, np.int64)
    program.add_within(pointer(counts), ctypes.c_long(10))
    assert (counts == 1).all()
    results = []
    callers = [
        threading.Thread(target=lambda: results.append(added(program, 5000, 3, 100)))
        for _ in range(4)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert results == [True] * 4


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_starts_its_own(pool, program):
    pool.set_threads(2)
    assert added(program, 1000, 1)
    child = os.fork()
    if child == 0:
        os._exit(0 if added(program, 1000, 1, 50) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert added(program, 1000, 1, 50)


def test_without_a_pool_the_caller_works_alone(tmp_path):
    library = compiled(together(["threads"], PLAIN) + PROGRAM, tmp_path, "alone")
    assert added(library, 1000, 16)


def test_there_is_one_pool(pool, monkeypatch):
    monkeypatch.setattr(threads, "_pools", [])
    built = []

    def build(text):
        built.append(text)
        return pool._library

    assert threads.shared(build) is threads.shared(build)
    assert built == [threads.source()]
