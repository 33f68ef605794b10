"""Launchers of processes: refused."""

from rushlight.distributed.launcher import api

__all__ = ["api"]
