"""pdb for one process of several."""

from __future__ import annotations

import pdb
import sys
from typing import Any


class Debugger(pdb.Pdb):
    """pdb on the terminal itself: a process of several may have been started without it."""

    def interaction(self, *args: Any, **options: Any) -> None:
        """Talk to who debugs."""
        before = sys.stdin
        with open("/dev/stdin") as sys.stdin:
            try:
                super().interaction(*args, **options)
            finally:
                sys.stdin = before
