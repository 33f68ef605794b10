"""Vision transformers: an image as a row of patches.

Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale", 2021.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from rushlight import nn
from rushlight._tensor import Tensor
from rushlight.ops.creation import empty, zeros
from rushlight.ops.joining import cat
from rushlight.vision.models._utils import builder, fill
from rushlight.vision.models.weights import (
    ViT_B_16_Weights as ViT_B_16_Weights,
)
from rushlight.vision.models.weights import (
    ViT_B_32_Weights as ViT_B_32_Weights,
)
from rushlight.vision.models.weights import (
    ViT_H_14_Weights as ViT_H_14_Weights,
)
from rushlight.vision.models.weights import (
    ViT_L_16_Weights as ViT_L_16_Weights,
)
from rushlight.vision.models.weights import (
    ViT_L_32_Weights as ViT_L_32_Weights,
)
from rushlight.vision.ops.misc import MLP, Conv2dNormActivation

__all__ = ["VisionTransformer", "vit_b_16", "vit_b_32", "vit_h_14", "vit_l_16", "vit_l_32"]

Norm = Callable[..., nn.Module]
_NORM = partial(nn.LayerNorm, eps=1e-6)


class ConvStemConfig(NamedTuple):
    """A convolution before the patches are taken."""

    out_channels: int
    kernel_size: int
    stride: int
    norm_layer: Norm = nn.BatchNorm2d
    activation_layer: Norm = nn.ReLU


class MLPBlock(MLP):
    """Two linear layers."""

    _version = 2

    def __init__(self, in_dim: int, mlp_dim: int, dropout: float) -> None:
        super().__init__(
            in_dim, [mlp_dim, in_dim], activation_layer=nn.GELU, inplace=None, dropout=dropout
        )
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.normal_(module.bias, std=1e-6)

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, metadata: Any, *rest: Any
    ) -> None:
        if metadata.get("version") is None or metadata["version"] < 2:
            # As the layers were called in the first files.
            for i in range(2):
                for kind in ("weight", "bias"):
                    old, new = f"{prefix}linear_{i + 1}.{kind}", f"{prefix}{3 * i}.{kind}"
                    if old in state_dict:
                        state_dict[new] = state_dict.pop(old)
        super()._load_from_state_dict(state_dict, prefix, metadata, *rest)


class EncoderBlock(nn.Module):
    """Attention and two linear layers, each behind a norm and beside a shortcut."""

    def __init__(
        self, num_heads: int, hidden_dim: int, mlp_dim: int, dropout: float, attention_dropout: float,
        norm_layer: Norm = _NORM,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_heads = num_heads
        self.ln_1 = norm_layer(hidden_dim)
        self.self_attention = nn.MultiheadAttention(
            hidden_dim, num_heads, dropout=attention_dropout, batch_first=True
        )
        self.dropout = nn.Dropout(dropout)
        self.ln_2 = norm_layer(hidden_dim)
        self.mlp = MLPBlock(hidden_dim, mlp_dim, dropout)

    def forward(self, input: Tensor) -> Tensor:
        """input: (n, length, hidden_dim)."""
        if input.dim() != 3:
            raise RuntimeError(f"Expected (batch_size, seq_length, hidden_dim) got {input.shape}")
        x = self.ln_1(input)
        x, _ = self.self_attention(x, x, x, need_weights=False)
        x = self.dropout(x) + input
        return x + self.mlp(self.ln_2(x))


class Encoder(nn.Module):
    """Places are added, and blocks follow."""

    def __init__(
        self, seq_length: int, num_layers: int, num_heads: int, hidden_dim: int, mlp_dim: int, dropout: float,
        attention_dropout: float, norm_layer: Norm = _NORM,
    ) -> None:  # fmt: skip
        super().__init__()
        self.pos_embedding = nn.Parameter(empty(1, seq_length, hidden_dim).normal_(std=0.02))
        self.dropout = nn.Dropout(dropout)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for i in range(num_layers):
            layers[f"encoder_layer_{i}"] = EncoderBlock(
                num_heads, hidden_dim, mlp_dim, dropout, attention_dropout, norm_layer
            )
        self.layers = nn.Sequential(layers)
        self.ln = norm_layer(hidden_dim)

    def forward(self, input: Tensor) -> Tensor:
        """input: (n, length, hidden_dim)."""
        if input.dim() != 3:
            raise RuntimeError(f"Expected (batch_size, seq_length, hidden_dim) got {input.shape}")
        return self.ln(self.layers(self.dropout(input + self.pos_embedding)))


class VisionTransformer(nn.Module):
    """Patches and a token for the class, through an encoder."""

    def __init__(
        self,
        image_size: int,
        patch_size: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        num_classes: int = 1000,
        representation_size: int | None = None,
        norm_layer: Norm = _NORM,
        conv_stem_configs: Sequence[ConvStemConfig] | None = None,
    ) -> None:
        super().__init__()
        if image_size % patch_size:
            raise RuntimeError("Input shape indivisible by patch size!")
        self.image_size, self.patch_size = image_size, patch_size
        self.hidden_dim, self.mlp_dim = hidden_dim, mlp_dim
        self.attention_dropout, self.dropout = attention_dropout, dropout
        self.num_classes, self.representation_size = num_classes, representation_size
        self.norm_layer = norm_layer
        if conv_stem_configs is not None:
            stem, channels = nn.Sequential(), 3
            for i, conf in enumerate(conv_stem_configs):
                layer = Conv2dNormActivation(
                    channels, conf.out_channels, conf.kernel_size, conf.stride, norm_layer=conf.norm_layer,
                    activation_layer=conf.activation_layer,
                )  # fmt: skip
                stem.add_module(f"conv_bn_relu_{i}", layer)
                channels = conf.out_channels
            stem.add_module("conv_last", nn.Conv2d(channels, hidden_dim, kernel_size=1))
            self.conv_proj: Any = stem
        else:
            self.conv_proj = nn.Conv2d(3, hidden_dim, kernel_size=patch_size, stride=patch_size)
        self.class_token = nn.Parameter(zeros(1, 1, hidden_dim))
        length = (image_size // patch_size) ** 2 + 1
        self.encoder = Encoder(
            length,
            num_layers,
            num_heads,
            hidden_dim,
            mlp_dim,
            dropout,
            attention_dropout,
            norm_layer,
        )
        self.seq_length = length
        heads: OrderedDict[str, nn.Module] = OrderedDict()
        if representation_size is not None:
            heads["pre_logits"] = nn.Linear(hidden_dim, representation_size)
            heads["act"] = nn.Tanh()
        heads["head"] = nn.Linear(representation_size or hidden_dim, num_classes)
        self.heads: Any = nn.Sequential(heads)
        self._draw()

    def _draw(self) -> None:
        proj = self.conv_proj
        if isinstance(proj, nn.Conv2d):
            fan_in = proj.in_channels * proj.kernel_size[0] * proj.kernel_size[1]
            nn.init.trunc_normal_(proj.weight, std=math.sqrt(1 / fan_in))
            if proj.bias is not None:
                nn.init.zeros_(proj.bias)
        elif isinstance(proj.conv_last, nn.Conv2d):
            nn.init.normal_(
                proj.conv_last.weight, mean=0.0, std=math.sqrt(2.0 / proj.conv_last.out_channels)
            )
            fill(proj.conv_last.bias)
        if self.representation_size is not None:
            first = self.heads.pre_logits
            nn.init.trunc_normal_(first.weight, std=math.sqrt(1 / first.in_features))
            fill(first.bias)
        nn.init.zeros_(self.heads.head.weight)
        fill(self.heads.head.bias)

    def _process_input(self, x: Tensor) -> Tensor:
        n, _, h, w = x.shape
        for name, size in (("height", h), ("width", w)):
            if size != self.image_size:
                raise RuntimeError(
                    f"Wrong image {name}! Expected {self.image_size} but got {size}!"
                )
        patches: Tensor = self.conv_proj(x)
        return patches.reshape(n, self.hidden_dim, -1).permute(0, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, 3, image_size, image_size); the result is (n, num_classes)."""
        x = self._process_input(x)
        x = cat([self.class_token.expand(x.shape[0], -1, -1), x], 1)
        return self.heads(self.encoder(x)[:, 0])


def interpolate_embeddings(
    image_size: int, patch_size: int, model_state: Any, interpolation_mode: str = "bicubic", reset_heads: bool = False
) -> Any:  # fmt: skip
    """Weights for images of one size, made to be for another: the places are resampled."""
    places = model_state["encoder.pos_embedding"]
    n, length, width = places.shape
    if n != 1:
        raise ValueError(f"Unexpected position embedding shape: {places.shape}")
    new = (image_size // patch_size) ** 2 + 1
    if new == length:
        return model_state
    side = math.isqrt(length - 1)
    if side * side != length - 1:
        raise ValueError(f"seq_length is not a perfect square, it is {length - 1}")
    token, grid = places[:, :1], places[:, 1:].permute(0, 2, 1).reshape(1, width, side, side)
    other = image_size // patch_size
    grid = nn.functional.interpolate(grid, size=other, mode=interpolation_mode, align_corners=True)
    model_state["encoder.pos_embedding"] = cat(
        [token, grid.reshape(1, width, new - 1).permute(0, 2, 1)], 1
    )
    if reset_heads:
        return OrderedDict((k, v) for k, v in model_state.items() if not k.startswith("heads"))
    return model_state


def _made(
    patch: int, layers: int, heads: int, width: int, mlp: int, **kwargs: Any
) -> VisionTransformer:
    size = kwargs.pop("image_size", 224)
    return VisionTransformer(size, patch, layers, heads, width, mlp, **kwargs)


vit_b_16 = builder("vit_b_16", partial(_made, 16, 12, 12, 768, 3072))
vit_b_32 = builder("vit_b_32", partial(_made, 32, 12, 12, 768, 3072))
vit_l_16 = builder("vit_l_16", partial(_made, 16, 24, 16, 1024, 4096))
vit_l_32 = builder("vit_l_32", partial(_made, 32, 24, 16, 1024, 4096))
vit_h_14 = builder("vit_h_14", partial(_made, 14, 32, 16, 1280, 5120))
