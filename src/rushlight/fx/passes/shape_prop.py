"""The sizes and types of all results, found by running the graph once."""

from __future__ import annotations

import traceback
from typing import Any, NamedTuple

from rushlight._tensor import Tensor
from rushlight.dtypes import dtype
from rushlight.fx.graph_module import GraphModule
from rushlight.fx.interpreter import Interpreter
from rushlight.fx.node import Node, map_aggregate
from rushlight.layout import channels_last, channels_last_3d, contiguous_format, memory_format
from rushlight.layout import strided as dense
from rushlight.size import Size

__all__ = ["ShapeProp", "TensorMetadata"]


class TensorMetadata(NamedTuple):
    """What is known of a tensor but its values."""

    shape: Size
    dtype: dtype
    requires_grad: bool
    stride: tuple[int, ...]
    memory_format: memory_format | None
    is_quantized: bool
    qparams: dict[str, Any]


def _extract_tensor_metadata(result: Tensor, include_contiguity: bool = True) -> TensorMetadata:
    """What is known of a tensor but its values."""
    if result.layout is not dense:
        return TensorMetadata(result.shape, result.dtype, result.requires_grad, (), None, False, {})
    lies = None
    for form in (contiguous_format, channels_last, channels_last_3d):
        fits = form is contiguous_format or result.ndim == (4 if form is channels_last else 5)
        if include_contiguity and fits and result.is_contiguous(memory_format=form):
            lies = form
            break
    return TensorMetadata(
        result.shape, result.dtype, result.requires_grad, result.stride(), lies, False, {}
    )


class ShapeProp(Interpreter):
    """Runs a module with `propagate(*args)` and notes at every node what it gave.

    `meta["tensor_meta"]` is a `TensorMetadata`, or a container of them; `meta["type"]` the type.

    >>> import rushlight as torch
    >>> from rushlight.fx.passes.shape_prop import ShapeProp
    >>> traced = torch.fx.symbolic_trace(torch.nn.Linear(3, 4))
    >>> _ = ShapeProp(traced).propagate(torch.ones(2, 3))
    >>> traced.graph.output_node().meta["tensor_meta"].shape
    torch.Size([2, 4])
    """

    def __init__(self, gm: GraphModule, fake_mode: Any = None) -> None:
        if fake_mode is not None:
            raise NotImplementedError(
                "ShapeProp(fake_mode=...): rushlight has no fake tensors; leave it out, or give tensors of the "
                "device meta to propagate()"
            )
        super().__init__(gm)
        self.real_module, self.fake_module, self.fake_mode = self.module, None, None

    def run_node(self, n: Node) -> Any:
        """Run a node, and note what it gave."""
        try:
            result = super().run_node(n)
        except Exception as error:
            traceback.print_exc()
            raise RuntimeError(
                f"ShapeProp error for: node={n.format_node()} with meta={n.meta}"
            ) from error
        found = False

        def known(value: Any) -> Any:
            nonlocal found
            if not isinstance(value, Tensor):
                return value
            found = True
            return _extract_tensor_metadata(value)

        meta = map_aggregate(result, known)
        if found:
            n.meta["tensor_meta"] = meta
        n.meta["type"] = type(result)
        return result

    def propagate(self, *args: Any) -> Any:
        """Run the module with these arguments."""
        return super().run(*args)
