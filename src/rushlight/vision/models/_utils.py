"""What networks share: rounding of widths, first weights, builders by name, and a look at layers inside."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from rushlight import nn
from rushlight.vision.models.trained import filled

__all__ = ["IntermediateLayerGetter"]


def _make_divisible(v: float, divisor: int, min_value: int | None = None) -> int:
    """The multiple of divisor nearest to v, but not more than a tenth below it."""
    least = divisor if min_value is None else min_value
    new = max(least, int(v + divisor / 2) // divisor * divisor)
    return new + divisor if new < 0.9 * v else new


class IntermediateLayerGetter(nn.ModuleDict):
    """A network up to the last layer that is asked for; gives the results of layers, under the names wanted.

    return_layers: the name of a layer, and what its result is to be called.

    >>> net = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.ReLU())
    >>> list(IntermediateLayerGetter(net, {"1": "out"}))
    ['0', '1']
    """

    def __init__(self, model: nn.Module, return_layers: Mapping[str, str]) -> None:
        if not set(return_layers) <= {name for name, _ in model.named_children()}:
            raise ValueError("return_layers are not present in model")
        wanted = {str(name): str(new) for name, new in return_layers.items()}
        waiting = dict(wanted)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for name, module in model.named_children():
            layers[name] = module
            waiting.pop(name, None)
            if not waiting:
                break
        super().__init__(layers)
        self.return_layers = wanted

    def forward(self, x: Any) -> OrderedDict[str, Any]:
        """The results by name."""
        found: OrderedDict[str, Any] = OrderedDict()
        for name, module in self.items():
            x = module(x)
            if name in self.return_layers:
                found[self.return_layers[name]] = x
        return found


def fill(tensor: Any, value: float = 0.0) -> None:
    """The same number everywhere, where there is a tensor."""
    if tensor is not None:
        nn.init.constant_(tensor, value)


def first_weights(model: nn.Module, linear: Callable[[nn.Linear], Any] | None = None) -> None:
    """Convolutions by He's rule for what goes out, norms at one; linear draws the weights of linear layers."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
            fill(module.weight, 1.0)
            fill(module.bias)
        elif isinstance(module, nn.Linear) and linear is not None:
            linear(module)
            fill(module.bias)


def builder(name: str, make: Callable[..., Any]) -> Callable[..., Any]:
    """The function of that name, which makes a network with first weights, or trained ones."""

    def build(
        weights: Any = None, progress: bool = True, pretrained: bool = False, **kwargs: Any
    ) -> Any:
        return filled(make(**kwargs), name, weights, pretrained, progress)

    build.__name__ = build.__qualname__ = name
    build.__doc__ = (
        f"{name} with torch's initial weights, or trained ones; kwargs are those of its class."
    )
    return build
