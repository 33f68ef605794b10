"""GoogLeNet: convolutions of several sizes beside each other.

Szegedy et al., "Going Deeper with Convolutions", 2015.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rushlight import nn
from rushlight._tensor import Tensor
from rushlight.errors import warn
from rushlight.nn import functional as F
from rushlight.ops.joining import cat
from rushlight.vision.models.inception import BasicConv2d
from rushlight.vision.models.inception import Inception3 as _Shared
from rushlight.vision.models.trained import filled
from rushlight.vision.models.weights import GoogLeNet_Weights as GoogLeNet_Weights

__all__ = ["GoogLeNet", "GoogLeNetOutputs", "googlenet"]


class GoogLeNetOutputs(NamedTuple):
    """What the network gives while it is trained."""

    logits: Tensor
    aux_logits2: Tensor | None
    aux_logits1: Tensor | None


_GoogLeNetOutputs = GoogLeNetOutputs


class Inception(nn.Module):
    """1 x 1, twice 3 x 3, and a pooling."""

    def __init__(
        self,
        in_channels: int,
        ch1x1: int,
        ch3x3red: int,
        ch3x3: int,
        ch5x5red: int,
        ch5x5: int,
        pool_proj: int,
        conv_block: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch1 = conv(in_channels, ch1x1, kernel_size=1)
        self.branch2 = nn.Sequential(
            conv(in_channels, ch3x3red, kernel_size=1),
            conv(ch3x3red, ch3x3, kernel_size=3, padding=1),
        )
        # Its kernel is 3 x 3, in spite of the name: the trained weights are of that shape.
        self.branch3 = nn.Sequential(
            conv(in_channels, ch5x5red, kernel_size=1),
            conv(ch5x5red, ch5x5, kernel_size=3, padding=1),
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1, ceil_mode=True),
            conv(in_channels, pool_proj, kernel_size=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, in_channels, h, w)."""
        return cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class InceptionAux(nn.Module):
    """A classifier in the middle, for training."""

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        conv_block: Callable[..., nn.Module] | None = None,
        dropout: float = 0.7,
    ) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.conv = conv(in_channels, 128, kernel_size=1)
        self.fc1 = nn.Linear(2048, 1024)
        self.fc2 = nn.Linear(1024, num_classes)
        self.dropout = nn.Dropout(p=dropout)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, in_channels, h, w)."""
        x = self.conv(F.adaptive_avg_pool2d(x, (4, 4))).flatten(1)
        return self.fc2(self.dropout(F.relu(self.fc1(x), inplace=True)))


# Channels of each of the nine modules, as its arguments.
_MODULES = {
    "inception3a": (192, 64, 96, 128, 16, 32, 32), "inception3b": (256, 128, 128, 192, 32, 96, 64),
    "maxpool3": (3,), "inception4a": (480, 192, 96, 208, 16, 48, 64), "inception4b": (512, 160, 112, 224, 24, 64, 64),
    "inception4c": (512, 128, 128, 256, 24, 64, 64), "inception4d": (512, 112, 144, 288, 32, 64, 64),
    "inception4e": (528, 256, 160, 320, 32, 128, 128), "maxpool4": (2,),
    "inception5a": (832, 256, 160, 320, 32, 128, 128), "inception5b": (832, 384, 192, 384, 48, 128, 128),
}  # fmt: skip


class GoogLeNet(nn.Module):
    """Nine modules, with classifiers after the third and the sixth while it is trained."""

    def __init__(
        self,
        num_classes: int = 1000,
        aux_logits: bool = True,
        transform_input: bool = False,
        init_weights: bool | None = None,
        blocks: Sequence[Callable[..., nn.Module]] | None = None,
        dropout: float = 0.2,
        dropout_aux: float = 0.7,
    ) -> None:
        super().__init__()
        conv, inception, aux = blocks or [BasicConv2d, Inception, InceptionAux]
        if init_weights is None:
            warn(
                "The default weight initialization of GoogleNet will be changed in future releases of "
                "torchvision. If you wish to keep the old behavior (which leads to long initialization "
                "times due to scipy/scipy#11299), please set init_weights=True.",
                FutureWarning,
            )
            init_weights = True
        self.aux_logits = aux_logits
        self.transform_input = transform_input
        self.conv1 = conv(3, 64, kernel_size=7, stride=2, padding=3)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = conv(64, 64, kernel_size=1)
        self.conv3 = conv(64, 192, kernel_size=3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        for name, sizes in _MODULES.items():
            pool = len(sizes) == 1
            made = nn.MaxPool2d(sizes[0], stride=2, ceil_mode=True) if pool else inception(*sizes)
            self.add_module(name, made)
        self.aux1: Any = aux(512, num_classes, dropout=dropout_aux) if aux_logits else None
        self.aux2: Any = aux(528, num_classes, dropout=dropout_aux) if aux_logits else None
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(p=dropout)
        self.fc = nn.Linear(1024, num_classes)
        for module in self.modules() if init_weights else ():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.trunc_normal_(module.weight, mean=0.0, std=0.01, a=-2, b=2)

    _transform_input = _Shared._transform_input

    def forward(self, x: Tensor) -> Any:
        """x: (n, 3, h, w); the result is (n, num_classes), while training GoogLeNetOutputs."""
        x = self._transform_input(x)  # type: ignore[misc]
        x = self.maxpool2(self.conv3(self.conv2(self.maxpool1(self.conv1(x)))))
        found: dict[str, Tensor] = {}
        for name in _MODULES:
            x = found[name] = getattr(self, name)(x)
        helped = self.training and self.aux_logits
        aux1 = self.aux1(found["inception4a"]) if helped else None
        aux2 = self.aux2(found["inception4d"]) if helped else None
        logits = self.fc(self.dropout(self.avgpool(x).flatten(1)))
        return GoogLeNetOutputs(logits, aux2, aux1) if helped else logits


def googlenet(
    *, weights: Any = None, progress: bool = True, pretrained: bool = False, **kwargs: Any
) -> GoogLeNet:
    """googlenet with torch's initial weights, or trained ones; kwargs are those of its class."""
    if weights is None and not pretrained:
        return GoogLeNet(**kwargs)
    aux = kwargs.pop("aux_logits", False)
    kwargs.setdefault("transform_input", True)
    model = GoogLeNet(**{**kwargs, "aux_logits": True, "init_weights": False})
    filled(model, "googlenet", weights, pretrained, progress)
    if not aux:
        model.aux_logits, model.aux1, model.aux2 = False, None, None
    return model
