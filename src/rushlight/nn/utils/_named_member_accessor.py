"""Parameters and buffers of a module by name, put in and out."""

from __future__ import annotations

from typing import Any

from rushlight._tensor import Tensor
from rushlight.nn.modules.module import Module


def swap_tensor(module: Module, name: str, tensor: Any, allow_missing: bool = False) -> Any:
    """Put a tensor in the place of a parameter, a buffer or an attribute; what was there."""
    if "." in name:
        raise KeyError('tensor name can\'t contain "."')
    if name == "":
        raise KeyError('tensor name can\'t be empty string ""')
    for held in (module._parameters, module._buffers, module.__dict__):
        if name in held:
            before = held[name]
            if held is module.__dict__ and not isinstance(before, Tensor):
                raise TypeError(f"{before} is not an instance of torch.Tensor")
            if tensor is None:
                del held[name]
            else:
                held[name] = tensor
            return before
    if not allow_missing:
        raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
    setattr(module, name, tensor)
    return None
