"""Densely connected networks: each layer sees the results of all before it.

Huang et al., "Densely Connected Convolutional Networks", 2017.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Any

from rushlight import nn
from rushlight._tensor import Tensor
from rushlight.nn import functional as F
from rushlight.ops.joining import cat
from rushlight.utils.checkpoint import checkpoint
from rushlight.vision.models._utils import builder, fill
from rushlight.vision.models.weights import (
    DenseNet121_Weights as DenseNet121_Weights,
)
from rushlight.vision.models.weights import (
    DenseNet161_Weights as DenseNet161_Weights,
)
from rushlight.vision.models.weights import (
    DenseNet169_Weights as DenseNet169_Weights,
)
from rushlight.vision.models.weights import (
    DenseNet201_Weights as DenseNet201_Weights,
)

__all__ = ["DenseNet", "densenet121", "densenet161", "densenet169", "densenet201"]


class _DenseLayer(nn.Module):
    def __init__(
        self,
        num_input_features: int,
        growth_rate: int,
        bn_size: int,
        drop_rate: float,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        inner = bn_size * growth_rate
        self.norm1 = nn.BatchNorm2d(num_input_features)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(num_input_features, inner, kernel_size=1, stride=1, bias=False)
        self.norm2 = nn.BatchNorm2d(inner)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(inner, growth_rate, kernel_size=3, stride=1, padding=1, bias=False)
        self.drop_rate = float(drop_rate)
        self.memory_efficient = memory_efficient

    def bn_function(self, *inputs: Tensor) -> Tensor:
        """All that came before, brought to few channels."""
        return self.conv1(self.relu1(self.norm1(cat(inputs, 1))))

    def forward(self, input: Any) -> Tensor:
        """input: the results so far."""
        before = [input] if isinstance(input, Tensor) else list(input)
        if self.memory_efficient and any(t.requires_grad for t in before):
            inner = checkpoint(self.bn_function, *before, use_reentrant=False)
        else:
            inner = self.bn_function(*before)
        new: Tensor = self.conv2(self.relu2(self.norm2(inner)))
        if self.drop_rate > 0:
            new = F.dropout(new, p=self.drop_rate, training=self.training)
        return new


class _DenseBlock(nn.ModuleDict):
    def __init__(
        self,
        num_layers: int,
        num_input_features: int,
        bn_size: int,
        growth_rate: int,
        drop_rate: float,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        for i in range(num_layers):
            features = num_input_features + i * growth_rate
            layer = _DenseLayer(features, growth_rate, bn_size, drop_rate, memory_efficient)
            self.add_module(f"denselayer{i + 1}", layer)

    def forward(self, init_features: Tensor) -> Tensor:
        """All results beside each other."""
        features = [init_features]
        for layer in self.values():
            features.append(layer(features))
        return cat(features, 1)


class _Transition(nn.Sequential):
    def __init__(self, num_input_features: int, num_output_features: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(num_input_features)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(num_input_features, num_output_features, 1, stride=1, bias=False)
        self.pool = nn.AvgPool2d(kernel_size=2, stride=2)


class DenseNet(nn.Module):
    """Blocks of densely connected layers, with transitions to half the channels and half the size between them."""

    def __init__(
        self,
        growth_rate: int = 32,
        block_config: tuple[int, ...] = (6, 12, 24, 16),
        num_init_features: int = 64,
        bn_size: int = 4,
        drop_rate: float = 0,
        num_classes: int = 1000,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        first = OrderedDict(
            conv0=nn.Conv2d(3, num_init_features, 7, stride=2, padding=3, bias=False),
            norm0=nn.BatchNorm2d(num_init_features),
            relu0=nn.ReLU(inplace=True),
            pool0=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        self.features: Any = nn.Sequential(first)
        features = num_init_features
        for i, layers in enumerate(block_config):
            block = _DenseBlock(layers, features, bn_size, growth_rate, drop_rate, memory_efficient)
            self.features.add_module(f"denseblock{i + 1}", block)
            features += layers * growth_rate
            if i + 1 != len(block_config):
                self.features.add_module(f"transition{i + 1}", _Transition(features, features // 2))
                features //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(features))
        self.classifier = nn.Linear(features, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
            elif isinstance(module, nn.Linear):
                fill(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, 3, h, w); the result is (n, num_classes)."""
        out = F.adaptive_avg_pool2d(F.relu(self.features(x), inplace=True), (1, 1))
        return self.classifier(out.flatten(1))


densenet121 = builder("densenet121", partial(DenseNet, 32, (6, 12, 24, 16), 64))
densenet161 = builder("densenet161", partial(DenseNet, 48, (6, 12, 36, 24), 96))
densenet169 = builder("densenet169", partial(DenseNet, 32, (6, 12, 32, 32), 64))
densenet201 = builder("densenet201", partial(DenseNet, 32, (6, 12, 48, 32), 64))
