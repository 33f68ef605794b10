"""`vmap`: a function of one example becomes a function of a batch of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from rushlight.core.tensor import TensorBase
from rushlight.core.turned import held
from rushlight.func.batching import Vmap
from rushlight.func.rules import rule_of, spread
from rushlight.ops.joining import cat
from rushlight.utils.trees import TreeSpec, tree_flatten, tree_unflatten

Function = Callable[..., Any]

MODES = ("error", "different", "same")


def vmap(
    func: Function,
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Function:
    """func for every example of a batch at once.

    in_dims: which dimension of each input the examples lie along (None: the same for all), as an int
    or nested like the inputs; out_dims: where in the outputs they are to lie. randomness says what
    random numbers are: an "error", "different" in each example, or the "same". chunk_size: compute so
    many examples at a time.

    >>> import rushlight as torch
    >>> torch.vmap(torch.dot)(torch.ones(3, 2), torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    tensor([ 3.,  7., 11.])
    """
    if randomness not in MODES:
        raise RuntimeError(
            f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}"
        )
    if chunk_size is not None and not chunk_size > 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func, updated=())
    def mapped(*args: Any, **kwargs: Any) -> Any:
        call = _Call(func, in_dims, out_dims, randomness, args, kwargs)
        return call.whole() if chunk_size is None else call.in_chunks(chunk_size)

    return mapped


def broadcast(tree: Any, spec: TreeSpec) -> list[Any] | None:
    """The leaves of a tree like spec, of which tree is the upper part; None if it is not."""
    above = tree_flatten(tree)[1]
    if above.is_leaf():
        return [tree] * spec.num_leaves
    if above.type is not spec.type or above.context != spec.context:
        return None
    children = tree_flatten(tree, is_leaf=lambda part: part is not tree)[0]
    if len(children) != len(spec.children_specs):
        return None
    leaves: list[Any] = []
    for child, below in zip(children, spec.children_specs, strict=True):
        found = broadcast(child, below)
        if found is None:
            return None
        leaves += found
    return leaves


class _Call:
    """One call of a mapped function."""

    def __init__(
        self,
        func: Function,
        in_dims: Any,
        out_dims: Any,
        randomness: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.func, self.out_dims, self.randomness = func, out_dims, randomness
        self.in_dims = in_dims
        self.name = getattr(func, "__name__", None) or repr(func)
        leaves, self.args_spec = tree_flatten(args)
        named, self.kwargs_spec = tree_flatten(kwargs)
        self.count = len(leaves)
        dims = self._dims_of(leaves)
        self.leaves = [*leaves, *named]
        # Keywords are the same for all examples.
        self.dims = [*dims, *(None for _ in named)]
        self.size = self._size()

    def _dims_of(self, leaves: list[Any]) -> list[Any]:
        """The batched dimension of each input, counted from the front."""
        told = f"vmap({self.name}, in_dims={self.in_dims}, ...)(<inputs>)"
        if not isinstance(self.in_dims, int | tuple):
            raise ValueError(
                f"{told}: expected `in_dims` to be int or a (potentially nested) tuple matching the "
                f"structure of inputs, got: {type(self.in_dims)}."
            )
        if not leaves:
            raise ValueError(
                f"vmap({self.name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are "
                "trying to vmap over a function with no inputs. The latter is unsupported."
            )
        dims = broadcast(self.in_dims, self.args_spec)
        if dims is None:
            raise ValueError(
                f"{told}: in_dims is not compatible with the structure of `inputs`. in_dims has "
                f"structure {tree_flatten(self.in_dims)[1]} but inputs has structure {self.args_spec}."
            )
        return [self._dim_of(t, dim, told) for t, dim in zip(leaves, dims, strict=True)]

    def _dim_of(self, t: Any, dim: Any, told: str) -> int | None:
        if dim is None:
            return None
        if not isinstance(dim, int):
            raise ValueError(
                f"{told}: Got in_dim={dim} for an input but in_dim must be either an integer dimension "
                "or None."
            )
        if not isinstance(t, TensorBase):
            raise ValueError(
                f"{told}: Got in_dim={dim} for an input but the input is of type {type(t)}. We cannot "
                "vmap over non-Tensor arguments, please use None as the respective in_dim"
            )
        count = t._data_.ndim
        if not -count <= dim < count:
            raise ValueError(
                f"{told}: Got in_dim={dim} for some input, but that input is a Tensor of dimensionality "
                f"{count} so expected in_dim to satisfy -{count} <= in_dim < {count}."
            )
        return dim % count

    def _size(self) -> int:
        sizes = [
            t._data_.shape[dim]
            for t, dim in zip(self.leaves, self.dims, strict=True)
            if dim is not None
        ]
        if not sizes:
            raise ValueError(
                f"vmap({self.name}, in_dims={self.in_dims}, ...)(<inputs>): at least one input must be "
                "batched: in_dims is None for all"
            )
        if any(size != sizes[0] for size in sizes):
            raise ValueError(
                "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
                f"{sizes} for the mapped dimension"
            )
        return sizes[0]

    def whole(self) -> Any:
        """All examples at once."""
        values, dims, spec = self._run(self.leaves, self.size)
        return tree_unflatten(
            [_out(value, dim) for value, dim in zip(values, dims, strict=True)], spec
        )

    def in_chunks(self, chunk: int) -> Any:
        """So many examples at a time; the results are joined."""
        columns: list[list[Any]] = []
        for start in range(0, max(self.size, 1), chunk):
            length = min(chunk, self.size - start)
            part = [
                t if dim is None else t.narrow(dim, start, length)
                for t, dim in zip(self.leaves, self.dims, strict=True)
            ]
            values, dims, spec = self._run(part, length)
            columns.append(values)
        joined = [
            column[0] if dim is None else _out(cat(column), dim)
            for column, dim in zip(zip(*columns, strict=True), dims, strict=True)
        ]
        return tree_unflatten(joined, spec)

    def _run(self, leaves: list[Any], size: int) -> tuple[list[Any], list[Any], TreeSpec]:
        """Outputs with the batch in front, where it is to lie in each, and their structure."""
        level = Vmap(size, self.randomness, rule_of)
        boxed = [
            t if dim is None else level.box(t if not dim else t.movedim(dim, 0))
            for t, dim in zip(leaves, self.dims, strict=True)
        ]
        for t, dim in zip(boxed, self.dims, strict=True):
            if dim:
                held(t).place = dim  # type: ignore[attr-defined]
        args = tree_unflatten(boxed[: self.count], self.args_spec)
        kwargs = tree_unflatten(boxed[self.count :], self.kwargs_spec)
        try:
            with level:
                outputs = self.func(*args, **kwargs)
            results, spec = tree_flatten(outputs)
            dims = self._out_dims(spec)
            values = [self._opened(level, t, dim) for t, dim in zip(results, dims, strict=True)]
        finally:
            level.release()
        return values, dims, spec

    def _out_dims(self, spec: TreeSpec) -> list[Any]:
        dims = broadcast(self.out_dims, spec)
        if dims is None and isinstance(self.out_dims, tuple) and spec.is_leaf():
            dims = [self.out_dims[0]] if len(self.out_dims) == 1 else None
        told = f"vmap({self.name}, ..., out_dims={self.out_dims})"
        if dims is None:
            raise ValueError(
                f"{told}(<inputs>): out_dims is not compatible with the structure of `outputs`. "
                f"out_dims has structure {tree_flatten(self.out_dims)[1]} but outputs has structure "
                f"{spec}."
            )
        if any(not isinstance(dim, int) and dim is not None for dim in dims):
            raise ValueError(
                f"{told}: `out_dims` must be an int, None or a python collection of ints representing "
                "where in the outputs the vmapped dimension should appear."
            )
        return dims

    def _opened(self, level: Vmap, t: Any, dim: int | None) -> Any:
        if not isinstance(t, TensorBase):
            if dim is None:
                return t
            raise ValueError(
                f"vmap({self.name}, ...): `{self.name}` must only return Tensors, got type {type(t)}. "
                "Did you mean to set out_dims= to None for output?"
            )
        value, has = level.open(t)
        if dim is None:
            if has:
                raise ValueError(
                    f"vmap({self.name}, ...): `{self.name}` can not return a BatchedTensor when out_dim "
                    "is None"
                )
            return value
        return spread(level, value, has)


def _out(value: Any, dim: int | None) -> Any:
    """The batch moved from the front to where it is to lie."""
    return value.movedim(0, dim) if dim else value
