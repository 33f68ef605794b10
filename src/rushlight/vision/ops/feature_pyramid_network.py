"""Feature maps of several sizes brought to one depth, the coarse ones added to the finer.

T. Lin and others, "Feature pyramid networks for object detection", 2017.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from rushlight import nn
from rushlight.nn.functional import interpolate, max_pool2d
from rushlight.vision.ops.misc import Conv2dNormActivation


class ExtraFPNBlock(nn.Module):
    """What adds further levels: from results, inputs and names to results and names."""

    def forward(self, results: Any, x: Any, names: Any) -> Any:
        """results, x: lists of maps, the finest first; names: theirs."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward")


def _start(convolutions: Any) -> None:
    for layer in convolutions:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_uniform_(layer.weight, a=1)
            if layer.bias is not None:
                nn.init.constant_(layer.bias, 0)


class FeaturePyramidNetwork(nn.Module):
    """From a dict of maps, the finest first, to one of maps of out_channels."""

    _version = 2

    def __init__(
        self,
        in_channels_list: Sequence[int],
        out_channels: int,
        extra_blocks: ExtraFPNBlock | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.inner_blocks, self.layer_blocks = nn.ModuleList(), nn.ModuleList()
        plain: Any = {"norm_layer": norm_layer, "activation_layer": None}
        for channels in in_channels_list:
            if channels == 0:
                raise ValueError("in_channels=0 is currently not supported")
            self.inner_blocks.append(
                Conv2dNormActivation(channels, out_channels, kernel_size=1, padding=0, **plain)
            )
            self.layer_blocks.append(
                Conv2dNormActivation(out_channels, out_channels, kernel_size=3, **plain)
            )
        _start(self.modules())
        if extra_blocks is not None and not isinstance(extra_blocks, ExtraFPNBlock):
            raise TypeError(
                f"extra_blocks should be of type ExtraFPNBlock not {type(extra_blocks)}"
            )
        self.extra_blocks = extra_blocks

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, *rest: Any
    ) -> None:
        if (local_metadata.get("version") or 1) < 2:
            # Blocks were bare convolutions.
            for block in ("inner_blocks", "layer_blocks"):
                for i in range(len(self.inner_blocks)):
                    for kind in ("weight", "bias"):
                        old = f"{prefix}{block}.{i}.{kind}"
                        if old in state_dict:
                            state_dict[f"{prefix}{block}.{i}.0.{kind}"] = state_dict.pop(old)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)

    def forward(self, x: Any) -> Any:
        """x: a dict of maps (n, c, h, w), the finest first."""
        names, maps = list(x.keys()), list(x.values())
        inner = self.inner_blocks[len(maps) - 1](maps[-1])
        results = [self.layer_blocks[len(maps) - 1](inner)]
        for i in range(len(maps) - 2, -1, -1):
            own = self.inner_blocks[i](maps[i])
            inner = own + interpolate(inner, size=own.shape[-2:], mode="nearest")
            results.insert(0, self.layer_blocks[i](inner))
        if self.extra_blocks is not None:
            results, names = self.extra_blocks(results, maps, names)
        return OrderedDict(zip(names, results, strict=False))


class LastLevelMaxPool(ExtraFPNBlock):
    """One level more, every second pixel of the coarsest."""

    def forward(self, results: Any, x: Any, names: Any) -> Any:
        """As those of ExtraFPNBlock."""
        names.append("pool")
        results.append(max_pool2d(results[-1], kernel_size=1, stride=2, padding=0))
        return results, names


class LastLevelP6P7(ExtraFPNBlock):
    """Two levels more, by convolutions."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.p6 = nn.Conv2d(in_channels, out_channels, 3, 2, 1)
        self.p7 = nn.Conv2d(out_channels, out_channels, 3, 2, 1)
        _start([self.p6, self.p7])
        self.use_P5 = in_channels == out_channels

    def forward(self, results: Any, x: Any, names: Any) -> Any:
        """As those of ExtraFPNBlock."""
        p6 = self.p6(results[-1] if self.use_P5 else x[-1])
        results.extend([p6, self.p7(p6.relu())])
        names.extend(["p6", "p7"])
        return results, names
