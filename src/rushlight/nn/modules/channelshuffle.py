"""Mixing the channels of groups."""

from __future__ import annotations

from rushlight._tensor import Tensor
from rushlight.nn import functional as F
from rushlight.nn.modules.module import Module

__all__ = ["ChannelShuffle"]


class ChannelShuffle(Module):
    """Deal the channels of each group out to all groups (Zhang et al. 2018)."""

    __constants__ = ["groups"]

    __shown__ = "groups"

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        """The same channels in another order."""
        return F.channel_shuffle(input, self.groups)
