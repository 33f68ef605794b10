"""Launchers of processes: refused."""

from rushlight.absent import refused

_WHY = "it starts processes, and rushlight runs in one; start the program itself"
LaunchConfig = refused("LaunchConfig", _WHY, __name__)
elastic_launch = refused("elastic_launch", _WHY, __name__)
launch_agent = refused("launch_agent", _WHY, __name__)
