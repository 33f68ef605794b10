"""ShuffleNet v2: half of the channels go by, and all are shuffled.

Ma et al., "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design", 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rushlight import nn
from rushlight._tensor import Tensor
from rushlight.nn.functional import channel_shuffle
from rushlight.ops.joining import cat
from rushlight.vision.models._utils import builder
from rushlight.vision.models.weights import (
    ShuffleNet_V2_X0_5_Weights as ShuffleNet_V2_X0_5_Weights,
)
from rushlight.vision.models.weights import (
    ShuffleNet_V2_X1_0_Weights as ShuffleNet_V2_X1_0_Weights,
)
from rushlight.vision.models.weights import (
    ShuffleNet_V2_X1_5_Weights as ShuffleNet_V2_X1_5_Weights,
)
from rushlight.vision.models.weights import (
    ShuffleNet_V2_X2_0_Weights as ShuffleNet_V2_X2_0_Weights,
)

__all__ = [
    "ShuffleNetV2",
    "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_5",
    "shufflenet_v2_x2_0",
]


class InvertedResidual(nn.Module):
    """Half of the channels as they are, half through three convolutions; with a stride, both through some."""

    def __init__(self, inp: int, oup: int, stride: int) -> None:
        super().__init__()
        if not 1 <= stride <= 3:
            raise ValueError("illegal stride value")
        self.stride = stride
        half = oup // 2
        if stride == 1 and inp != half << 1:
            raise ValueError(
                f"Invalid combination of stride {stride}, inp {inp} and oup {oup} values. If stride == 1 then "
                "inp should be equal to oup // 2 << 1."
            )

        def pointwise(channels: int) -> list[nn.Module]:
            conv = nn.Conv2d(channels, half, kernel_size=1, stride=1, padding=0, bias=False)
            return [conv, nn.BatchNorm2d(half), nn.ReLU(inplace=True)]

        def depthwise(channels: int) -> list[nn.Module]:
            conv = nn.Conv2d(channels, channels, 3, stride, 1, bias=False, groups=channels)
            return [conv, nn.BatchNorm2d(channels)]

        first = [*depthwise(inp), *pointwise(inp)] if stride > 1 else []
        self.branch1 = nn.Sequential(*first)
        self.branch2 = nn.Sequential(
            *pointwise(inp if stride > 1 else half), *depthwise(half), *pointwise(half)
        )

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, inp, h, w)."""
        if self.stride == 1:
            stays, goes = x.chunk(2, dim=1)
            out = cat((stays, self.branch2(goes)), 1)
        else:
            out = cat((self.branch1(x), self.branch2(x)), 1)
        return channel_shuffle(out, 2)


class ShuffleNetV2(nn.Module):
    """Three stages between two convolutions."""

    def __init__(
        self,
        stages_repeats: Sequence[int],
        stages_out_channels: Sequence[int],
        num_classes: int = 1000,
        inverted_residual: Callable[..., nn.Module] = InvertedResidual,
    ) -> None:
        super().__init__()
        if len(stages_repeats) != 3:
            raise ValueError("expected stages_repeats as list of 3 positive ints")
        if len(stages_out_channels) != 5:
            raise ValueError("expected stages_out_channels as list of 5 positive ints")
        channels, *stages, last = stages_out_channels
        self.conv1 = nn.Sequential(
            nn.Conv2d(3, channels, 3, 2, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
        )  # fmt: skip
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        for number, (repeats, out) in enumerate(zip(stages_repeats, stages, strict=True), 2):
            blocks = [inverted_residual(channels, out, 2)]
            blocks += [inverted_residual(out, out, 1) for _ in range(repeats - 1)]
            self.add_module(f"stage{number}", nn.Sequential(*blocks))
            channels = out
        self.conv5 = nn.Sequential(
            nn.Conv2d(channels, last, 1, 1, 0, bias=False), nn.BatchNorm2d(last), nn.ReLU(inplace=True)
        )  # fmt: skip
        self.fc = nn.Linear(last, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, 3, h, w); the result is (n, num_classes)."""
        inner: Any = self
        x = self.maxpool(self.conv1(x))
        x = self.conv5(inner.stage4(inner.stage3(inner.stage2(x))))
        return self.fc(x.mean([2, 3]))


def _made(*channels: int) -> Callable[..., ShuffleNetV2]:
    return partial(ShuffleNetV2, [4, 8, 4], list(channels))


shufflenet_v2_x0_5 = builder("shufflenet_v2_x0_5", _made(24, 48, 96, 192, 1024))
shufflenet_v2_x1_0 = builder("shufflenet_v2_x1_0", _made(24, 116, 232, 464, 1024))
shufflenet_v2_x1_5 = builder("shufflenet_v2_x1_5", _made(24, 176, 352, 704, 1024))
shufflenet_v2_x2_0 = builder("shufflenet_v2_x2_0", _made(24, 244, 488, 976, 2048))
