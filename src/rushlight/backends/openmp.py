"""Whether torch's openmp backend is there: it is not."""


def is_available() -> bool:
    """False."""
    return False


def is_built() -> bool:
    """False."""
    return False
