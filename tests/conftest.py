"""What all tests share."""

import gc


def pytest_collection_finish() -> None:
    """Set aside what all tests are made of: recording looks at each object that there is, and collecting too."""
    gc.collect()
    gc.freeze()
