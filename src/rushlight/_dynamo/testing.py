"""Backends that count and keep graphs, which torch's own tests use, and programs too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight._dynamo.backends.registry import lookup_backend
from rushlight._tensor import Tensor
from rushlight.public.torch import allclose

__all__ = [
    "CompileCounter", "CompileCounterWithBackend", "EagerAndRecordGraphs", "same",
]  # fmt: skip


class CompileCounter:
    """A backend that counts graphs (`frame_count`) and the calls in them (`op_count`)."""

    def __init__(self) -> None:
        self.clear()

    def __call__(self, gm: Any, example_inputs: list[Any]) -> Callable[..., Any]:
        """The graph as it is."""
        self._count(gm)
        return gm.forward

    def _count(self, gm: Any) -> None:
        self.frame_count += 1
        self.op_count += sum("call" in node.op for node in gm.graph.nodes)

    def clear(self) -> None:
        """Count from 0."""
        self.frame_count = self.op_count = 0


class CompileCounterWithBackend(CompileCounter):
    """The same around another backend; `graphs` are kept."""

    def __init__(self, backend: Any) -> None:
        super().__init__()
        self.backend = backend
        self.graphs: list[Any] = []

    def __call__(self, gm: Any, example_inputs: list[Any]) -> Callable[..., Any]:
        """What the backend makes of it."""
        self._count(gm)
        self.graphs.append(gm)
        return lookup_backend(self.backend)(gm, example_inputs)

    def clear(self) -> None:
        """Count from 0, and keep nothing."""
        super().clear()
        self.graphs = []


class EagerAndRecordGraphs:
    """A backend that keeps `graphs`."""

    def __init__(self) -> None:
        self.graphs: list[Any] = []

    def __call__(self, gm: Any, example_inputs: list[Any]) -> Callable[..., Any]:
        """The graph as it is."""
        self.graphs.append(gm)
        return gm.forward


def same(ref: Any, res: Any, fp64_ref: Any = None, cos_similarity: bool = False, tol: float = 1e-4,
         equal_nan: bool = False, exact_dtype: bool = True, **options: Any) -> bool:  # fmt: skip
    """Whether two results are close, in all their parts."""
    if isinstance(ref, list | tuple):
        return len(ref) == len(res) and all(
            same(a, b, tol=tol, equal_nan=equal_nan) for a, b in zip(ref, res, strict=True)
        )
    if isinstance(ref, dict):
        return ref.keys() == res.keys() and all(same(ref[k], res[k], tol=tol) for k in ref)
    if isinstance(ref, Tensor):
        alike = ref.shape == res.shape and (ref.dtype == res.dtype or not exact_dtype)
        return alike and allclose(ref, res, rtol=tol, atol=tol, equal_nan=equal_nan)
    return bool(ref == res)
