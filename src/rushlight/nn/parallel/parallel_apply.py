"""Modules that run beside each other on several devices: there is one."""

from rushlight.absent import refused

__all__ = ["parallel_apply"]

parallel_apply = refused(
    "parallel_apply", "rushlight runs on the CPU; call the module itself", __name__
)
