"""What all tests share."""

import gc
from collections.abc import Iterator

import pytest


def pytest_collection_finish() -> None:
    """Set aside what all tests are made of: recording looks at each object that there is, and collecting too."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def seen() -> Iterator[None]:
    """Recording sees the tensors that a module of tests made when it was imported."""
    gc.unfreeze()
    yield
    gc.freeze()
