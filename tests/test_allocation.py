"""Freed memory is kept, unless somebody else decided otherwise."""

import gc
import os
import sys

import pytest

import rushlight
from rushlight import allocation


@pytest.fixture(autouse=True)
def _no_settings_of_malloc(monkeypatch):
    for name in [name for name in os.environ if name.startswith("MALLOC_")]:
        monkeypatch.delenv(name)


def test_cycles_are_looked_for_again():
    found = []

    def f(x, refused):
        found.append(gc.isenabled())
        if refused:
            print(end="")
            found.append(gc.isenabled())
        return x * 2

    for refused in (False, True):
        rushlight.compile(f)(rushlight.ones(2), refused)
        assert gc.isenabled()
    assert found == [False, False, True]


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is glibc's")
def test_asks_malloc():
    assert allocation.keep_freed_memory()


def test_settings_of_the_user_hold(monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000")
    assert not allocation.keep_freed_memory()


def test_other_systems(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not allocation.keep_freed_memory()


def test_libraries_without_mallopt(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(allocation.ctypes, "CDLL", lambda name: object())
    assert not allocation.keep_freed_memory()
