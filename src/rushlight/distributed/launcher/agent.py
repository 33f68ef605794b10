"""Starts the processes of a program, as torchrun does, and looks after them until the last has ended.

When one fails the others are ended, nothing is left of them, and one line says which it was and why. With
restarts all are started again: a program that goes on from its last checkpoint goes on from there.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rushlight.distributed.store import _free, clear
from rushlight.threads import processors

# How long a process that is asked to end is waited for, and how often all are looked at.
_GRACE, _LOOK = 5.0, 0.02


@dataclass
class Plan:
    """What is to be started."""

    command: Sequence[str]
    processes: int
    restarts: int = 0
    address: str = "localhost"
    port: int = 0
    role: str = "default"
    run_id: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    name: str = "rushlight run"


@dataclass
class _Failure:
    rank: int
    process: int
    status: int
    why: str

    def __str__(self) -> str:
        if self.status < 0:
            ended = f"was ended by {signal.Signals(-self.status).name}"
        else:
            ended = f"ended with exit status {self.status}"
        return f"rank {self.rank} (process {self.process}) {ended}{self.why and ': '}{self.why}"

    @property
    def exit_status(self) -> int:
        return self.status if self.status > 0 else 128 - self.status


def launch(plan: Plan) -> int:
    """Run the processes; the exit status of the first that fails, when there is no restart left."""
    _end_when_told()
    for attempt in range(plan.restarts + 1):
        with tempfile.TemporaryDirectory(prefix="rushlight-errors-") as folder:
            failure, others = _run(plan, attempt, Path(folder))
        if failure is None:
            return 0
        left = plan.restarts - attempt
        then = f"; all start again ({attempt + 1} of {plan.restarts})" if left else ""
        stopped = f"; {others} others were stopped" if others else ""
        print(f"{plan.name}: {failure}{stopped}{then}", file=sys.stderr, flush=True)
    return failure.exit_status if failure is not None else 0


def _end_when_told() -> None:
    def end(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


def _run(plan: Plan, attempt: int, folder: Path) -> tuple[_Failure | None, int]:
    """Run all once: the first failure, and how many others were running then."""
    port = _free(plan.port)
    run_id = plan.run_id or uuid.uuid4().hex
    running: dict[int, subprocess.Popen[bytes]] = {}
    try:
        for rank in range(plan.processes):
            environment = os.environ | _environment(plan, rank, attempt, port, run_id, folder)
            # A group of its own, so that what it starts ends with it.
            running[rank] = subprocess.Popen(
                plan.command, env=environment, process_group=0, preexec_fn=_bound(),
                stdin=None if plan.processes == 1 else subprocess.DEVNULL,
            )  # fmt: skip
        while running:
            for rank, process in list(running.items()):
                status = process.poll()
                if status is None:
                    continue
                del running[rank]
                _kill(process, signal.SIGKILL)
                if status:
                    return _Failure(rank, process.pid, status, _why(folder, rank)), len(running)
            time.sleep(_LOOK)
        return None, 0
    finally:
        _stop(list(running.values()))
        clear(port)


def _bound() -> Callable[[], Any] | None:
    """What a new process calls so that it ends with this one, even if this one is killed."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    prctl, death_signal = ctypes.CDLL(None).prctl, 1  # PR_SET_PDEATHSIG
    return lambda: prctl(death_signal, signal.SIGTERM)


def _environment(
    plan: Plan, rank: int, attempt: int, port: int, run_id: str, folder: Path
) -> dict[str, str]:
    size = str(plan.processes)
    made = {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "GROUP_RANK": "0", "ROLE_RANK": str(rank),
        "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size, "GROUP_WORLD_SIZE": "1", "ROLE_WORLD_SIZE": size,
        "ROLE_NAME": plan.role, "MASTER_ADDR": plan.address, "MASTER_PORT": str(port),
        "TORCHELASTIC_RESTART_COUNT": str(attempt), "TORCHELASTIC_MAX_RESTARTS": str(plan.restarts),
        "TORCHELASTIC_RUN_ID": run_id, "TORCHELASTIC_USE_AGENT_STORE": "False",
        "TORCHELASTIC_ERROR_FILE": str(folder / f"error.{rank}.json"),
        "RUSHLIGHT_AGENT": str(os.getpid()),
    }  # fmt: skip
    if plan.processes > 1 and "OMP_NUM_THREADS" not in os.environ:
        # What the machine has is shared out; torchrun gives each one.
        made["OMP_NUM_THREADS"] = str(max(1, processors() // plan.processes))
    return made | plan.environment


def _why(folder: Path, rank: int) -> str:
    """What the process has written of its error."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        message = json.loads((folder / f"error.{rank}.json").read_text())["message"]
        return " ".join(str(message["message"] if isinstance(message, dict) else message).split())[
            :500
        ]
    return ""


def _kill(process: subprocess.Popen[bytes], number: int) -> None:
    """Send a signal to a process and to what it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        _kill(process, signal.SIGTERM)
    end = time.monotonic() + _GRACE
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.01, end - time.monotonic()))
        _kill(process, signal.SIGKILL)
        process.wait()


# ---- in a process that was started so ----------------------------------------------------------------


def tell(error: BaseException) -> None:
    """Leave what went wrong to whoever has started this process."""
    path = os.environ.get("TORCHELASTIC_ERROR_FILE")
    if not path:
        return
    place, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code.co_filename
        if not code.startswith(
            (os.path.dirname(os.path.dirname(os.path.dirname(__file__))), "<frozen")
        ):
            place = f" ({os.path.basename(code)}, line {trace.tb_lineno})"
        trace = trace.tb_next
    said = f"{type(error).__name__}: {error}{place}"
    message = {"message": said, "extraInfo": {"timestamp": str(int(time.time()))}}
    with contextlib.suppress(OSError):
        Path(path).write_text(json.dumps({"message": message}))
