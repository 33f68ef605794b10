"""Inception v3: convolutions of several shapes beside each other.

Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rushlight import nn
from rushlight._tensor import Tensor
from rushlight.errors import warn
from rushlight.nn import functional as F
from rushlight.ops.joining import cat
from rushlight.vision.models.trained import filled
from rushlight.vision.models.weights import Inception_V3_Weights as Inception_V3_Weights

__all__ = ["Inception3", "InceptionOutputs", "inception_v3"]


class InceptionOutputs(NamedTuple):
    """What the network gives while it is trained."""

    logits: Tensor
    aux_logits: Tensor | None


_InceptionOutputs = InceptionOutputs


class BasicConv2d(nn.Module):
    """A convolution, its norm and relu."""

    def __init__(self, in_channels: int, out_channels: int, **kwargs: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=False, **kwargs)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, in_channels, h, w)."""
        return F.relu(self.bn(self.conv(x)), inplace=True)


Conv = Callable[..., nn.Module]
_ACROSS: dict[str, Any] = {"kernel_size": (1, 7), "padding": (0, 3)}
_DOWN: dict[str, Any] = {"kernel_size": (7, 1), "padding": (3, 0)}


def _chain(module: Any, x: Tensor, *names: str) -> Tensor:
    for name in names:
        x = getattr(module, name)(x)
    return x


def _pooled(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, kernel_size=3, stride=1, padding=1)


class InceptionA(nn.Module):
    """1 x 1, 5 x 5, twice 3 x 3, and a pooling."""

    def __init__(
        self, in_channels: int, pool_features: int, conv_block: Conv | None = None
    ) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch1x1 = conv(in_channels, 64, kernel_size=1)
        self.branch5x5_1 = conv(in_channels, 48, kernel_size=1)
        self.branch5x5_2 = conv(48, 64, kernel_size=5, padding=2)
        self.branch3x3dbl_1 = conv(in_channels, 64, kernel_size=1)
        self.branch3x3dbl_2 = conv(64, 96, kernel_size=3, padding=1)
        self.branch3x3dbl_3 = conv(96, 96, kernel_size=3, padding=1)
        self.branch_pool = conv(in_channels, pool_features, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, in_channels, h, w)."""
        parts = [
            self.branch1x1(x),
            _chain(self, x, "branch5x5_1", "branch5x5_2"),
            _chain(self, x, "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"),
            self.branch_pool(_pooled(x)),
        ]
        return cat(parts, 1)


class InceptionB(nn.Module):
    """To half the size."""

    def __init__(self, in_channels: int, conv_block: Conv | None = None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch3x3 = conv(in_channels, 384, kernel_size=3, stride=2)
        self.branch3x3dbl_1 = conv(in_channels, 64, kernel_size=1)
        self.branch3x3dbl_2 = conv(64, 96, kernel_size=3, padding=1)
        self.branch3x3dbl_3 = conv(96, 96, kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, in_channels, h, w)."""
        parts = [
            self.branch3x3(x),
            _chain(self, x, "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"),
            F.max_pool2d(x, kernel_size=3, stride=2),
        ]
        return cat(parts, 1)


class InceptionC(nn.Module):
    """7 x 7 as 1 x 7 and 7 x 1, once and twice."""

    def __init__(self, in_channels: int, channels_7x7: int, conv_block: Conv | None = None) -> None:
        super().__init__()
        conv, c7 = conv_block or BasicConv2d, channels_7x7
        self.branch1x1 = conv(in_channels, 192, kernel_size=1)
        self.branch7x7_1 = conv(in_channels, c7, kernel_size=1)
        self.branch7x7_2 = conv(c7, c7, **_ACROSS)
        self.branch7x7_3 = conv(c7, 192, **_DOWN)
        self.branch7x7dbl_1 = conv(in_channels, c7, kernel_size=1)
        self.branch7x7dbl_2 = conv(c7, c7, **_DOWN)
        self.branch7x7dbl_3 = conv(c7, c7, **_ACROSS)
        self.branch7x7dbl_4 = conv(c7, c7, **_DOWN)
        self.branch7x7dbl_5 = conv(c7, 192, **_ACROSS)
        self.branch_pool = conv(in_channels, 192, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, in_channels, h, w)."""
        parts = [
            self.branch1x1(x),
            _chain(self, x, *(f"branch7x7_{i}" for i in (1, 2, 3))),
            _chain(self, x, *(f"branch7x7dbl_{i}" for i in (1, 2, 3, 4, 5))),
            self.branch_pool(_pooled(x)),
        ]
        return cat(parts, 1)


class InceptionD(nn.Module):
    """To half the size again."""

    def __init__(self, in_channels: int, conv_block: Conv | None = None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch3x3_1 = conv(in_channels, 192, kernel_size=1)
        self.branch3x3_2 = conv(192, 320, kernel_size=3, stride=2)
        self.branch7x7x3_1 = conv(in_channels, 192, kernel_size=1)
        self.branch7x7x3_2 = conv(192, 192, **_ACROSS)
        self.branch7x7x3_3 = conv(192, 192, **_DOWN)
        self.branch7x7x3_4 = conv(192, 192, kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, in_channels, h, w)."""
        parts = [
            _chain(self, x, "branch3x3_1", "branch3x3_2"),
            _chain(self, x, *(f"branch7x7x3_{i}" for i in (1, 2, 3, 4))),
            F.max_pool2d(x, kernel_size=3, stride=2),
        ]
        return cat(parts, 1)


class InceptionE(nn.Module):
    """1 x 3 and 3 x 1 beside each other."""

    def __init__(self, in_channels: int, conv_block: Conv | None = None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        across: dict[str, Any] = {"kernel_size": (1, 3), "padding": (0, 1)}
        down: dict[str, Any] = {"kernel_size": (3, 1), "padding": (1, 0)}
        self.branch1x1 = conv(in_channels, 320, kernel_size=1)
        self.branch3x3_1 = conv(in_channels, 384, kernel_size=1)
        self.branch3x3_2a = conv(384, 384, **across)
        self.branch3x3_2b = conv(384, 384, **down)
        self.branch3x3dbl_1 = conv(in_channels, 448, kernel_size=1)
        self.branch3x3dbl_2 = conv(448, 384, kernel_size=3, padding=1)
        self.branch3x3dbl_3a = conv(384, 384, **across)
        self.branch3x3dbl_3b = conv(384, 384, **down)
        self.branch_pool = conv(in_channels, 192, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, in_channels, h, w)."""
        single = self.branch3x3_1(x)
        double = _chain(self, x, "branch3x3dbl_1", "branch3x3dbl_2")
        parts = [
            self.branch1x1(x),
            cat([self.branch3x3_2a(single), self.branch3x3_2b(single)], 1),
            cat([self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)], 1),
            self.branch_pool(_pooled(x)),
        ]
        return cat(parts, 1)


class InceptionAux(nn.Module):
    """A classifier in the middle, for training."""

    def __init__(self, in_channels: int, num_classes: int, conv_block: Conv | None = None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.conv0 = conv(in_channels, 128, kernel_size=1)
        self.conv1: Any = conv(128, 768, kernel_size=5)
        self.conv1.stddev = 0.01
        self.fc: Any = nn.Linear(768, num_classes)
        self.fc.stddev = 0.001

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, in_channels, h, w)."""
        x = self.conv1(self.conv0(F.avg_pool2d(x, kernel_size=5, stride=3)))
        return self.fc(F.adaptive_avg_pool2d(x, (1, 1)).flatten(1))


class Inception3(nn.Module):
    """Inception v3, for images of 299 x 299."""

    def __init__(
        self,
        num_classes: int = 1000,
        aux_logits: bool = True,
        transform_input: bool = False,
        inception_blocks: Sequence[Callable[..., nn.Module]] | None = None,
        init_weights: bool | None = None,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        blocks = inception_blocks or [
            BasicConv2d, InceptionA, InceptionB, InceptionC, InceptionD, InceptionE, InceptionAux,
        ]  # fmt: skip
        if init_weights is None:
            warn(
                "The default weight initialization of inception_v3 will be changed in future releases of "
                "torchvision. If you wish to keep the old behavior (which leads to long initialization "
                "times due to scipy/scipy#11299), please set init_weights=True.",
                FutureWarning,
            )
            init_weights = True
        if len(blocks) != 7:
            raise ValueError(f"length of inception_blocks should be 7 instead of {len(blocks)}")
        conv, a, b, c, d, e, aux = blocks
        self.aux_logits = aux_logits
        self.transform_input = transform_input
        self.Conv2d_1a_3x3 = conv(3, 32, kernel_size=3, stride=2)
        self.Conv2d_2a_3x3 = conv(32, 32, kernel_size=3)
        self.Conv2d_2b_3x3 = conv(32, 64, kernel_size=3, padding=1)
        self.maxpool1 = nn.MaxPool2d(kernel_size=3, stride=2)
        self.Conv2d_3b_1x1 = conv(64, 80, kernel_size=1)
        self.Conv2d_4a_3x3 = conv(80, 192, kernel_size=3)
        self.maxpool2 = nn.MaxPool2d(kernel_size=3, stride=2)
        self.Mixed_5b = a(192, pool_features=32)
        self.Mixed_5c = a(256, pool_features=64)
        self.Mixed_5d = a(288, pool_features=64)
        self.Mixed_6a = b(288)
        self.Mixed_6b = c(768, channels_7x7=128)
        self.Mixed_6c = c(768, channels_7x7=160)
        self.Mixed_6d = c(768, channels_7x7=160)
        self.Mixed_6e = c(768, channels_7x7=192)
        self.AuxLogits: Any = aux(768, num_classes) if aux_logits else None
        self.Mixed_7a = d(768)
        self.Mixed_7b = e(1280)
        self.Mixed_7c = e(2048)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(p=dropout)
        self.fc = nn.Linear(2048, num_classes)
        for module in self.modules() if init_weights else ():
            if isinstance(module, nn.Conv2d | nn.Linear):
                std = float(getattr(module, "stddev", 0.1))
                nn.init.trunc_normal_(module.weight, mean=0.0, std=std, a=-2, b=2)

    def _transform_input(self, x: Tensor) -> Tensor:
        if not self.transform_input:
            return x
        shifts = zip((0.229, 0.224, 0.225), (0.485, 0.456, 0.406), strict=True)
        channels = [
            x[:, i].unsqueeze(1) * (std / 0.5) + (mean - 0.5) / 0.5
            for i, (std, mean) in enumerate(shifts)
        ]
        return cat(channels, 1)

    def forward(self, x: Tensor) -> Any:
        """x: (n, 3, 299, 299); the result is (n, num_classes), while training InceptionOutputs."""
        x = self._transform_input(x)
        x = _chain(
            self, x, "Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "maxpool1", "Conv2d_3b_1x1",
            "Conv2d_4a_3x3", "maxpool2", *(f"Mixed_{n}" for n in ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e")),
        )  # fmt: skip
        aux = self.AuxLogits(x) if self.AuxLogits is not None and self.training else None
        x = _chain(self, x, "Mixed_7a", "Mixed_7b", "Mixed_7c", "avgpool", "dropout")
        logits = self.fc(x.flatten(1))
        return InceptionOutputs(logits, aux) if self.training and self.aux_logits else logits


def inception_v3(
    *, weights: Any = None, progress: bool = True, pretrained: bool = False, **kwargs: Any
) -> Inception3:
    """inception_v3 with torch's initial weights, or trained ones; kwargs are those of its class."""
    if weights is None and not pretrained:
        return Inception3(**kwargs)
    aux = kwargs.pop("aux_logits", True)
    kwargs.setdefault("transform_input", True)
    model = Inception3(**{**kwargs, "aux_logits": True, "init_weights": False})
    filled(model, "inception_v3", weights, pretrained, progress)
    if not aux:
        model.aux_logits, model.AuxLogits = False, None
    return model
