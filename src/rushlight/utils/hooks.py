"""`torch.utils.hooks`: handles of hooks, marks on them, and a module's hooks on gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rushlight.autograd.function import Function
from rushlight.core.tensor import TensorBase
from rushlight.errors import warn
from rushlight.handles import RemovableHandle

__all__ = ["BackwardHook", "RemovableHandle", "unserializable_hook", "warn_if_has_hooks"]


def unserializable_hook(f: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a hook that pickles leave out without a warning."""
    f.__torch_unserializable__ = True  # type: ignore[attr-defined]
    return f


def warn_if_has_hooks(tensor: Any) -> None:
    """Warn of the hooks of a tensor that a pickle would leave out."""
    place = tensor if tensor._node_ is None else tensor._node_
    hooks = {} if place._hooks_ is None else place._hooks_.on_tensor(tensor._output_nr_)
    for hook in list(hooks.values()):
        if not getattr(hook, "__torch_unserializable__", False):
            warn(
                f"backward hook {hook!r} on tensor will not be serialized.  If this is expected, you "
                "can decorate the function with @torch.utils.hooks.unserializable_hook to suppress this "
                "warning"
            )


class _Passing(Function):
    @staticmethod
    def forward(ctx: Any, *tensors: Any) -> Any:
        ctx.set_materialize_grads(False)
        return tuple(t.view_as(t) for t in tensors)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients


class BackwardHook:
    """Asks hooks with the gradients of a module's inputs and outputs, once both are known.

    user_hooks(module, grad_input, grad_output) may return other gradients of the inputs;
    user_pre_hooks(module, grad_output) other ones of the outputs.
    """

    def __init__(
        self, module: Any, user_hooks: Sequence[Any], user_pre_hooks: Sequence[Any]
    ) -> None:
        self.module, self.user_hooks, self.user_pre_hooks = module, user_hooks, user_pre_hooks
        self.grad_outputs: Any = None
        self.n_inputs = -1
        self.input_tensors_index: list[int] = []

    def _passed(self, args: Any) -> tuple[Any, list[int], Any]:
        """The arguments with their tensors passed through one node; where these are; and that node."""
        where = [i for i, a in enumerate(args) if isinstance(a, TensorBase)]
        if not any(args[i].requires_grad for i in where):
            return args, where, None
        passed = list(args)
        for i, tensor in zip(where, _Passing.apply(*(args[i] for i in where)), strict=True):
            passed[i] = tensor
        return tuple(passed), where, passed[where[0]].grad_fn

    def setup_input_hook(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments for the module's forward."""
        passed, self.input_tensors_index, node = self._passed(args)
        self.n_inputs = len(args)
        if node is not None:
            node.register_hook(self._at_inputs)
        return passed

    def _at_inputs(self, gradients: Any, _: Any) -> Any:
        if self.grad_outputs is None:
            return None
        given: list[Any] = [None] * self.n_inputs
        for i, gradient in zip(self.input_tensors_index, gradients, strict=True):
            given[i] = gradient
        return self._asked(tuple(given))

    def _asked(self, given: Any) -> Any:
        for hook in self.user_hooks:
            replaced = hook(self.module, given, self.grad_outputs)
            if replaced is not None:
                given = replaced if isinstance(replaced, tuple) else (replaced,)
        self.grad_outputs = None
        return tuple(given[i] for i in self.input_tensors_index) if given else None

    def setup_output_hook(self, args: Any) -> Any:
        """What the module's forward has returned, for the caller."""
        single = not isinstance(args, tuple)
        passed, where, node = self._passed((args,) if single else args)
        if node is not None:
            count = len(passed)

            def at_outputs(gradients: Any) -> Any:
                given: list[Any] = [None] * count
                for i, gradient in zip(where, gradients, strict=True):
                    given[i] = gradient
                self.grad_outputs = tuple(given)
                for hook in self.user_pre_hooks:
                    replaced = hook(self.module, self.grad_outputs)
                    if replaced is not None:
                        one = not isinstance(replaced, tuple)
                        self.grad_outputs = (replaced,) if one else replaced
                outgoing = tuple(self.grad_outputs[i] for i in where)
                if not self.input_tensors_index:
                    self._asked(())
                return outgoing

            node.register_prehook(at_outputs)
        return passed[0] if single else passed
