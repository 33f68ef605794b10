"""A module once for each of several devices: there is one."""

from rushlight.absent import refused

__all__ = ["replicate"]

replicate = refused("replicate", "rushlight runs on the CPU; call the module itself", __name__)
