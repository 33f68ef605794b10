"""Freed memory is kept, unless somebody else decided otherwise."""

import os
import sys

import pytest

from rushlight import allocation


@pytest.fixture(autouse=True)
def _no_settings_of_malloc(monkeypatch):
    for name in [name for name in os.environ if name.startswith("MALLOC_")]:
        monkeypatch.delenv(name)


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
