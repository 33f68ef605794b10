"""`rushlight run --doctor`: what is wrong with a program's training, in words, when it has ended."""

from __future__ import annotations

import os
import sys
from typing import Any

from rushlight.cli.tracebacks import FULL
from rushlight.cli.watcher import Watcher, say
from rushlight.doctor import watch


class Doctoring(Watcher):
    """Watches the program and prints the report; the exit status stays the program's own."""

    def __init__(self, value: Any) -> None:
        self.watch_of_run = watch()
        self.process = os.getpid()

    def watch(self) -> None:
        """Begin."""
        self.findings = self.watch_of_run.__enter__()

    def report(self) -> None:
        """Print what was found, below what the program printed."""
        self.watch_of_run.__exit__(*sys.exc_info())
        if os.getpid() != self.process:
            return
        sys.stdout.flush()
        print(file=sys.stderr)
        self.findings.show()
        if self.findings.failures:
            failed = self.findings.failures
            times = "once" if len(failed) == 1 else f"{len(failed)} times"
            say(f"the doctor itself failed {times}, and may have missed something: "
                f"{failed[0].strip().splitlines()[-1]}")  # fmt: skip
            if os.environ.get(FULL, "0") not in ("", "0"):
                print(failed[0], file=sys.stderr)
