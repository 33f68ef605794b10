"""Signals of worker processes: here the connection tells that one has died, and nothing is installed."""

from rushlight.absent import nothing as _error_if_any_worker_fails
from rushlight.absent import nothing as _remove_worker_pids
from rushlight.absent import nothing as _set_SIGCHLD_handler
from rushlight.absent import nothing as _set_worker_pids
from rushlight.absent import nothing as _set_worker_signal_handlers

__all__ = [
    "_error_if_any_worker_fails", "_remove_worker_pids", "_set_SIGCHLD_handler", "_set_worker_pids",
    "_set_worker_signal_handlers",
]  # fmt: skip
