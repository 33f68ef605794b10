"""Swin transformers: attention in windows, which are shifted from block to block.

Liu et al., "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows", 2021, and "Swin Transformer
V2: Scaling Up Capacity and Resolution", 2022.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from rushlight import nn
from rushlight._tensor import Tensor
from rushlight.core.doors import literal
from rushlight.nn import functional as F
from rushlight.ops.creation import full, zeros
from rushlight.ops.joining import cat
from rushlight.vision.models._utils import builder
from rushlight.vision.models.weights import (
    Swin_B_Weights as Swin_B_Weights,
)
from rushlight.vision.models.weights import (
    Swin_S_Weights as Swin_S_Weights,
)
from rushlight.vision.models.weights import (
    Swin_T_Weights as Swin_T_Weights,
)
from rushlight.vision.models.weights import (
    Swin_V2_B_Weights as Swin_V2_B_Weights,
)
from rushlight.vision.models.weights import (
    Swin_V2_S_Weights as Swin_V2_S_Weights,
)
from rushlight.vision.models.weights import (
    Swin_V2_T_Weights as Swin_V2_T_Weights,
)
from rushlight.vision.ops.dropping import StochasticDepth
from rushlight.vision.ops.misc import MLP, Permute

__all__ = [
    "SwinTransformer", "swin_b", "swin_s", "swin_t", "swin_v2_b", "swin_v2_s", "swin_v2_t",
]  # fmt: skip

Layer = Callable[..., nn.Module]


class PatchMerging(nn.Module):
    """Four neighbours become one, of twice the channels."""

    def __init__(self, dim: int, norm_layer: Layer = nn.LayerNorm) -> None:
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(4 * dim)

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., h, w, dim)."""
        return self.reduction(self.norm(_neighbours(x)))


def _neighbours(x: Tensor) -> Tensor:
    """The channels of each two by two places behind each other."""
    h, w = x.shape[-3:-1]
    x = F.pad(x, (0, 0, 0, w % 2, 0, h % 2))
    return cat([x[..., i::2, j::2, :] for j in (0, 1) for i in (0, 1)], -1)


class PatchMergingV2(nn.Module):
    """The same, with the norm behind."""

    def __init__(self, dim: int, norm_layer: Layer = nn.LayerNorm) -> None:
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(2 * dim)

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., h, w, dim)."""
        return self.norm(self.reduction(_neighbours(x)))


def _pairs(window: Sequence[int]) -> np.ndarray:
    """For each two places of a window, the number of how far they are apart."""
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in window), indexing="ij")).reshape(2, -1)
    apart = (grid[:, :, None] - grid[:, None, :]).transpose(1, 2, 0)
    apart = apart + (np.array(window) - 1)
    return (apart[..., 0] * (2 * window[1] - 1) + apart[..., 1]).reshape(-1)


class ShiftedWindowAttention(nn.Module):
    """Attention among the places of each window, with a bias by how far they are apart."""

    def __init__(
        self, dim: int, window_size: list[int], shift_size: list[int], num_heads: int, qkv_bias: bool = True,
        proj_bias: bool = True, attention_dropout: float = 0.0, dropout: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        if len(window_size) != 2 or len(shift_size) != 2:
            raise ValueError("window_size and shift_size must be of length 2")
        self.window_size, self.shift_size, self.num_heads = window_size, shift_size, num_heads
        self.attention_dropout, self.dropout = attention_dropout, dropout
        self.qkv = nn.Linear(dim, dim * 3, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim, bias=proj_bias)
        self.define_relative_position_bias_table()
        self.register_buffer("relative_position_index", literal(_pairs(window_size)))

    def define_relative_position_bias_table(self) -> None:
        """A bias for each head and each way in which two places can be apart."""
        count = (2 * self.window_size[0] - 1) * (2 * self.window_size[1] - 1)
        self.relative_position_bias_table = nn.Parameter(zeros(count, self.num_heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def get_relative_position_bias(self) -> Tensor:
        """(1, heads, places, places)."""
        return self._of_pairs(self.relative_position_bias_table)

    def _of_pairs(self, table: Tensor) -> Tensor:
        places = self.window_size[0] * self.window_size[1]
        bias = table[self.relative_position_index]
        return bias.view(places, places, -1).permute(2, 0, 1).contiguous().unsqueeze(0)

    def _projected(self, x: Tensor) -> Tensor:
        return self.qkv(x)

    def _scores(self, q: Tensor, k: Tensor) -> Tensor:
        return (q * q.shape[-1] ** -0.5).matmul(k.transpose(-2, -1))

    def _mask(self, height: int, width: int, shift: list[int]) -> Tensor:
        """-100 between places that only the shift has brought into one window."""
        window = self.window_size
        region: Any = np.zeros((height, width), np.float32)
        number = 0
        cuts = [((0, -w), (-w, -s), (-s, None)) for w, s in zip(window, shift, strict=True)]
        for rows in cuts[0]:
            for columns in cuts[1]:
                region[rows[0] : rows[1], columns[0] : columns[1]] = number
                number += 1
        region = region.reshape(height // window[0], window[0], width // window[1], window[1])
        region = region.transpose(0, 2, 1, 3).reshape(-1, window[0] * window[1])
        apart = region[:, None, :] != region[:, :, None]
        return literal(np.where(apart, np.float32(-100), np.float32(0)))

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, h, w, dim)."""
        n, h, w, dim = x.shape
        window, heads = self.window_size, self.num_heads
        x = F.pad(x, (0, 0, 0, -w % window[1], 0, -h % window[0]))
        _, height, width, _ = x.shape
        # A window that is as large as all has nowhere to go.
        sizes = zip(self.shift_size, window, (height, width), strict=True)
        shift = [0 if size <= own else step for step, own, size in sizes]
        if sum(shift) > 0:
            x = x.roll((-shift[0], -shift[1]), (1, 2))
        rows, columns = height // window[0], width // window[1]
        count, places = rows * columns, window[0] * window[1]
        x = x.view(n, rows, window[0], columns, window[1], dim).permute(0, 1, 3, 2, 4, 5)
        x = x.reshape(n * count, places, dim)
        qkv = self._projected(x).reshape(n * count, places, 3, heads, dim // heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        attention = self._scores(q, k) + self.get_relative_position_bias()
        if sum(shift) > 0:
            mask = self._mask(height, width, shift).unsqueeze(1).unsqueeze(0)
            attention = attention.view(n, count, heads, places, places) + mask
            attention = attention.view(-1, heads, places, places)
        attention = F.dropout(attention.softmax(-1), self.attention_dropout, self.training)
        x = attention.matmul(v).transpose(1, 2).reshape(n * count, places, dim)
        x = F.dropout(self.proj(x), self.dropout, self.training)
        x = x.view(n, rows, columns, window[0], window[1], dim).permute(0, 1, 3, 2, 4, 5)
        x = x.reshape(n, height, width, dim)
        if sum(shift) > 0:
            x = x.roll((shift[0], shift[1]), (1, 2))
        return x[:, :h, :w, :].contiguous()


class ShiftedWindowAttentionV2(ShiftedWindowAttention):
    """Attention by angles, with a bias that a small network gives for how far places are apart."""

    def __init__(
        self, dim: int, window_size: list[int], shift_size: list[int], num_heads: int, qkv_bias: bool = True,
        proj_bias: bool = True, attention_dropout: float = 0.0, dropout: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(
            dim, window_size, shift_size, num_heads, qkv_bias, proj_bias, attention_dropout, dropout
        )
        self.logit_scale = nn.Parameter(full((num_heads, 1, 1), 10.0).log())
        self.cpb_mlp = nn.Sequential(
            nn.Linear(2, 512), nn.ReLU(inplace=True), nn.Linear(512, num_heads, bias=False)
        )
        if self.qkv.bias is not None:
            self.qkv.bias.data[dim : 2 * dim].zero_()

    def define_relative_position_bias_table(self) -> None:
        """How far two places can be apart, on a logarithmic scale from -1 to 1."""
        apart = [
            np.arange(1 - n, n, dtype=np.float32) / np.float32(n - 1) for n in self.window_size
        ]
        grid = literal(np.stack(np.meshgrid(*apart, indexing="ij"), -1)[None]) * 8
        self.register_buffer("relative_coords_table", grid.sign() * (grid.abs() + 1).log2() / 3)

    def get_relative_position_bias(self) -> Tensor:
        """(1, heads, places, places), from 0 to 16."""
        table = self.cpb_mlp(self.relative_coords_table).view(-1, self.num_heads)
        return 16 * self._of_pairs(table).sigmoid()

    def _projected(self, x: Tensor) -> Tensor:
        """Keys have no bias."""
        bias = self.qkv.bias
        if bias is not None:
            bias = bias.clone()
            bias[len(bias) // 3 : 2 * len(bias) // 3].zero_()
        return F.linear(x, self.qkv.weight, bias)

    def _scores(self, q: Tensor, k: Tensor) -> Tensor:
        angles = F.normalize(q, dim=-1).matmul(F.normalize(k, dim=-1).transpose(-2, -1))
        return angles * self.logit_scale.clamp(max=math.log(100.0)).exp()


class SwinTransformerBlock(nn.Module):
    """Attention and two linear layers, each behind a norm and beside a shortcut."""

    def __init__(
        self, dim: int, num_heads: int, window_size: list[int], shift_size: list[int], mlp_ratio: float = 4.0,
        dropout: float = 0.0, attention_dropout: float = 0.0, stochastic_depth_prob: float = 0.0,
        norm_layer: Layer = nn.LayerNorm, attn_layer: Layer = ShiftedWindowAttention,
    ) -> None:  # fmt: skip
        super().__init__()
        self.norm1 = norm_layer(dim)
        self.attn = attn_layer(
            dim,
            window_size,
            shift_size,
            num_heads,
            attention_dropout=attention_dropout,
            dropout=dropout,
        )
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.norm2 = norm_layer(dim)
        self.mlp = MLP(
            dim,
            [int(dim * mlp_ratio), dim],
            activation_layer=nn.GELU,
            inplace=None,
            dropout=dropout,
        )
        for module in self.mlp.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.normal_(module.bias, std=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, h, w, dim)."""
        x = x + self.stochastic_depth(self.attn(self.norm1(x)))
        return x + self.stochastic_depth(self.mlp(self.norm2(x)))


class SwinTransformerBlockV2(SwinTransformerBlock):
    """The same, with the norms behind."""

    def __init__(
        self, dim: int, num_heads: int, window_size: list[int], shift_size: list[int], mlp_ratio: float = 4.0,
        dropout: float = 0.0, attention_dropout: float = 0.0, stochastic_depth_prob: float = 0.0,
        norm_layer: Layer = nn.LayerNorm, attn_layer: Layer = ShiftedWindowAttentionV2,
    ) -> None:  # fmt: skip
        super().__init__(
            dim, num_heads, window_size, shift_size, mlp_ratio, dropout, attention_dropout, stochastic_depth_prob,
            norm_layer, attn_layer,
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, h, w, dim)."""
        x = x + self.stochastic_depth(self.norm1(self.attn(x)))
        return x + self.stochastic_depth(self.norm2(self.mlp(x)))


class SwinTransformer(nn.Module):
    """Stages of blocks on patches, each with half the size of the one before."""

    def __init__(
        self, patch_size: list[int], embed_dim: int, depths: list[int], num_heads: list[int], window_size: list[int],
        mlp_ratio: float = 4.0, dropout: float = 0.0, attention_dropout: float = 0.0,
        stochastic_depth_prob: float = 0.1, num_classes: int = 1000, norm_layer: Layer | None = None,
        block: Layer | None = None, downsample_layer: Layer = PatchMerging,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_classes = num_classes
        block, norm = block or SwinTransformerBlock, norm_layer or partial(nn.LayerNorm, eps=1e-5)
        size = (patch_size[0], patch_size[1])
        layers: list[nn.Module] = [
            nn.Sequential(
                nn.Conv2d(3, embed_dim, kernel_size=size, stride=size), Permute([0, 2, 3, 1]), norm(embed_dim)
            )
        ]  # fmt: skip
        total, number = sum(depths), 0
        for stage, depth in enumerate(depths):
            dim = embed_dim * 2**stage
            blocks = []
            for i in range(depth):
                lost = stochastic_depth_prob * number / (total - 1)
                shift = [0 if i % 2 == 0 else w // 2 for w in window_size]
                blocks.append(
                    block(
                        dim, num_heads[stage], window_size=window_size, shift_size=shift, mlp_ratio=mlp_ratio,
                        dropout=dropout, attention_dropout=attention_dropout, stochastic_depth_prob=lost,
                        norm_layer=norm,
                    )
                )  # fmt: skip
                number += 1
            layers.append(nn.Sequential(*blocks))
            if stage < len(depths) - 1:
                layers.append(downsample_layer(dim, norm))
        self.features = nn.Sequential(*layers)
        features = embed_dim * 2 ** (len(depths) - 1)
        self.norm = norm(features)
        self.permute = Permute([0, 3, 1, 2])
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten(1)
        self.head = nn.Linear(features, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, 3, h, w); the result is (n, num_classes)."""
        x = self.permute(self.norm(self.features(x)))
        return self.head(self.flatten(self.avgpool(x)))


_V2 = {"block": SwinTransformerBlockV2, "downsample_layer": PatchMergingV2}


def _made(
    width: int, deep: int, heads: int, lost: float, window: int = 7, **kwargs: Any
) -> SwinTransformer:
    many = [heads, 2 * heads, 4 * heads, 8 * heads]
    kwargs = {"stochastic_depth_prob": lost, **kwargs}
    return SwinTransformer([4, 4], width, [2, 2, deep, 2], many, [window, window], **kwargs)


swin_t = builder("swin_t", partial(_made, 96, 6, 3, 0.2))
swin_s = builder("swin_s", partial(_made, 96, 18, 3, 0.3))
swin_b = builder("swin_b", partial(_made, 128, 18, 4, 0.5))
swin_v2_t = builder("swin_v2_t", partial(_made, 96, 6, 3, 0.2, 8, **_V2))
swin_v2_s = builder("swin_v2_s", partial(_made, 96, 18, 3, 0.3, 8, **_V2))
swin_v2_b = builder("swin_v2_b", partial(_made, 128, 18, 4, 0.5, 8, **_V2))
