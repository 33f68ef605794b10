"""Whether torch's mkl backend is there: it is not."""

from __future__ import annotations

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.absent import no as is_available
# fmt: on
# ---- names: end ----

VERBOSE_OFF, VERBOSE_ON = 0, 1


class verbose:
    """The block in which torch's MKL tells what it does: nothing here, where there is none."""

    def __init__(self, enable: int) -> None:
        self.enable = enable

    def __enter__(self) -> verbose:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing."""
