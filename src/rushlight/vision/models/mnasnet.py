"""MNASNet: a network that was searched for phones.

Tan et al., "MnasNet: Platform-Aware Neural Architecture Search for Mobile", 2019.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise

from rushlight import nn
from rushlight._tensor import Tensor
from rushlight.vision.models._utils import builder, fill
from rushlight.vision.models.weights import (
    MNASNet0_5_Weights as MNASNet0_5_Weights,
)
from rushlight.vision.models.weights import (
    MNASNet0_75_Weights as MNASNet0_75_Weights,
)
from rushlight.vision.models.weights import (
    MNASNet1_0_Weights as MNASNet1_0_Weights,
)
from rushlight.vision.models.weights import (
    MNASNet1_3_Weights as MNASNet1_3_Weights,
)

__all__ = ["MNASNet", "mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3"]

# As slow as the moving averages of the paper.
_MOMENTUM = 1 - 0.9997
# Channels in and out, kernel, stride of the first, expansion, how many.
_STACKS = ((3, 2, 3, 3), (5, 2, 3, 3), (5, 2, 6, 3), (3, 1, 6, 2), (5, 2, 6, 4), (3, 1, 6, 1))


class _InvertedResidual(nn.Module):
    def __init__(
        self, in_ch: int, out_ch: int, kernel_size: int, stride: int, expansion_factor: int, bn_momentum: float = 0.1
    ) -> None:  # fmt: skip
        super().__init__()
        wide = in_ch * expansion_factor
        self.apply_residual = in_ch == out_ch and stride == 1
        self.layers = nn.Sequential(
            nn.Conv2d(in_ch, wide, 1, bias=False),
            nn.BatchNorm2d(wide, momentum=bn_momentum),
            nn.ReLU(inplace=True),
            nn.Conv2d(
                wide, wide, kernel_size, padding=kernel_size // 2, stride=stride, groups=wide, bias=False
            ),
            nn.BatchNorm2d(wide, momentum=bn_momentum),
            nn.ReLU(inplace=True),
            nn.Conv2d(wide, out_ch, 1, bias=False),
            nn.BatchNorm2d(out_ch, momentum=bn_momentum),
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        """input: (n, in_ch, h, w)."""
        result = self.layers(input)
        return result + input if self.apply_residual else result


def _stack(
    in_ch: int, out_ch: int, kernel: int, stride: int, expansion: int, repeats: int
) -> nn.Sequential:
    first = _InvertedResidual(in_ch, out_ch, kernel, stride, expansion, _MOMENTUM)
    others = (
        _InvertedResidual(out_ch, out_ch, kernel, 1, expansion, _MOMENTUM)
        for _ in range(1, repeats)
    )
    return nn.Sequential(first, *others)


def _rounded(value: float, divisor: int = 8) -> int:
    new = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return new if new >= 0.9 * value else new + divisor


class MNASNet(nn.Module):
    """The network, alpha times as wide."""

    _version = 2

    def __init__(self, alpha: float, num_classes: int = 1000, dropout: float = 0.2) -> None:
        super().__init__()
        if alpha <= 0.0:
            raise ValueError(f"alpha should be greater than 0.0 instead of {alpha}")
        self.alpha = alpha
        self.num_classes = num_classes
        depths = [_rounded(depth * alpha) for depth in (32, 16, 24, 40, 80, 96, 192, 320)]
        first, second = depths[:2]
        layers: list[nn.Module] = [
            nn.Conv2d(3, first, 3, padding=1, stride=2, bias=False),
            nn.BatchNorm2d(first, momentum=_MOMENTUM),
            nn.ReLU(inplace=True),
            nn.Conv2d(first, first, 3, padding=1, stride=1, groups=first, bias=False),
            nn.BatchNorm2d(first, momentum=_MOMENTUM),
            nn.ReLU(inplace=True),
            nn.Conv2d(first, second, 1, padding=0, stride=1, bias=False),
            nn.BatchNorm2d(second, momentum=_MOMENTUM),
        ]
        pairs = pairwise(depths[1:])
        layers += [_stack(*pair, *rest) for pair, rest in zip(pairs, _STACKS, strict=True)]
        layers += [
            nn.Conv2d(depths[7], 1280, 1, padding=0, stride=1, bias=False),
            nn.BatchNorm2d(1280, momentum=_MOMENTUM),
            nn.ReLU(inplace=True),
        ]
        self.layers = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout, inplace=True), nn.Linear(1280, num_classes)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.kaiming_uniform_(module.weight, mode="fan_out", nonlinearity="sigmoid")
                fill(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, 3, h, w); the result is (n, num_classes)."""
        return self.classifier(self.layers(x).mean([2, 3]))


mnasnet0_5 = builder("mnasnet0_5", partial(MNASNet, 0.5))
mnasnet0_75 = builder("mnasnet0_75", partial(MNASNet, 0.75))
mnasnet1_0 = builder("mnasnet1_0", partial(MNASNet, 1.0))
mnasnet1_3 = builder("mnasnet1_3", partial(MNASNet, 1.3))
