"""Tensors without values, for tracers: here they are those of the meta device."""

from __future__ import annotations

from typing import Any

from rushlight.absent import refused

FakeTensor = refused("FakeTensor", "make tensors with device='meta'", __name__)
FakeTensorMode = refused("FakeTensorMode", "make tensors with device='meta'", __name__)
unset_fake_temporarily = refused("unset_fake_temporarily", "there is none to unset", __name__)


def is_fake(x: Any) -> bool:
    """False: there are none."""
    return False


def maybe_get_fake_mode(t: Any) -> None:
    """None: there is none."""
