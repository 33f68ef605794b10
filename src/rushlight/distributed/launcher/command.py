"""`rushlight run --nproc N`, and what each of the processes does when it ends."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from rushlight.distributed.launcher.agent import Plan, launch, tell

# What of the command line is the launcher's, or stands elsewhere on it.
_OURS = ("nproc", "restarts", "module", "script", "arguments", "command")


def in_processes(options: argparse.Namespace, refuse: Callable[[str], Any]) -> int:
    """The same command line in each of several processes; the exit status."""
    if options.nproc is None:
        refuse("--restarts is about several processes: add --nproc N")
    if options.nproc < 1 or options.restarts < 0:
        refuse("--nproc is 1 or more, and --restarts 0 or more")
    given = {f"--{k.replace('_', '-')}": v for k, v in vars(options).items() if k not in _OURS}
    watching = [
        part
        for name, value in given.items()
        if value not in (None, False)
        for part in ([name] if value is True else [name, value])
    ]
    module = ["-m"] if options.module else []
    command = [sys.executable, "-m", "rushlight", "run", *watching, *module, options.script]
    return launch(Plan([*command, *options.arguments], options.nproc, options.restarts))


def leaving(error: BaseException | None) -> None:
    """The program ends by an error, or None: those that started it, and those that wait for it, are told."""
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return
    if not isinstance(error, SystemExit):
        tell(error)
    if (job := sys.modules.get("rushlight.distributed.leaving")) is not None:
        code = error.code if isinstance(error, SystemExit) else 1
        job.failed(code if isinstance(code, int) else 1)
