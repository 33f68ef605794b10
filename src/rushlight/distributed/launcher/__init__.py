"""Launchers of processes: refused."""

from rushlight.distributed.launcher import api
from rushlight.distributed.launcher.api import LaunchConfig, elastic_launch, launch_agent

__all__ = ["LaunchConfig", "api", "elastic_launch", "launch_agent"]
