"""What makes a layer lazy: its input sizes are taken from the first batch."""

from __future__ import annotations

from typing import Any

from rushlight.handles import RemovableHandle as Handle
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import UninitializedTensorMixin, is_lazy

__all__ = ["LazyModuleMixin"]


class LazyModuleMixin(Module):
    """Mixed in front of a layer: parameters without a shape, until the first forward.

    The subclass defines `initialize_parameters(*args, **kwargs)`, called with the first batch,
    which materializes them; the module then turns into a `cls_to_become`.

    >>> import rushlight as torch
    >>> layer = torch.nn.LazyLinear(2)
    >>> _ = layer(torch.ones(1, 5))
    >>> layer
    Linear(in_features=5, out_features=2, bias=True)
    """

    cls_to_become: type[Module] | None = None
    _load_hook: Handle
    _initialize_hook: Handle

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._load_hook = self._register_load_state_dict_pre_hook(self._lazy_load_hook)
        self._initialize_hook = self.register_forward_pre_hook(
            self._infer_parameters, with_kwargs=True
        )

    def _lazy_load_hook(self, state_dict: Any, prefix: str, *_: Any) -> None:
        # A state with shapes gives the parameters theirs.
        for name, param in (*self._parameters.items(), *self._buffers.items()):
            source = state_dict.get(prefix + name)
            if is_lazy(param) and source is not None and not is_lazy(source):
                param.materialize(source.shape)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Materialize the parameters for this first input."""
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {type(self).__name__}"
        )

    def has_uninitialized_params(self) -> bool:
        """Whether any parameter or buffer still waits for its shape."""
        return any(
            isinstance(tensor, UninitializedTensorMixin)
            for tensor in (*self._parameters.values(), *self._buffers.values())
        )

    def _infer_parameters(self, module: Any, args: Any, kwargs: Any) -> None:
        module.initialize_parameters(*args, **kwargs)
        if module.has_uninitialized_params():
            raise RuntimeError(f"module {self._get_name()} has not been fully initialized")
        module._initialize_hook.remove()
        module._load_hook.remove()
        del module._initialize_hook, module._load_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become
