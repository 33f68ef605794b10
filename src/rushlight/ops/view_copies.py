"""Views under names that end in `_copy`: the same values in memory of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rushlight import dtypes
from rushlight.core.doors import apply
from rushlight.ops import arrangement, complex, geometry, joining, shape
from rushlight.ops.arguments import relabel, write_out
from rushlight.primitives import view as rows

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def _copying(view: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
    name = name or view.__name__
    label = "".join(part.capitalize() for part in name.split("_")) + "Backward0_copy"

    def function(input: Tensor, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        result = view(input, *args, **kwargs)
        if isinstance(result, tuple):
            copies = tuple(relabel(apply(rows.compact, part), label) for part in result)
            if out is None:
                return copies
            for target, part in zip(out, copies, strict=True):
                write_out(target, part, same=True)
            return None
        copy = relabel(apply(rows.compact, result), label)
        return copy if out is None else write_out(out, copy, same=True)

    function.__name__ = function.__qualname__ = f"{name}_copy"
    function.__doc__ = f"`{name}`, as a copy."
    return function


def _sliced(
    input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    at = arrangement.one_dim(dim, input._data_.ndim)
    return input[(slice(None),) * at + (slice(start, end, step),)]


def _viewed(input: Tensor, *size: Any, **named: Any) -> Tensor:
    """A view, or where strides forbid it the copy itself."""
    sizes = size[0] if size else named.get("size")
    if sizes is None or isinstance(sizes, dtypes.dtype):
        return shape.view(input, *size, **named)
    return shape.reshape(input, *size, **named)


alias_copy = _copying(lambda input: input, "alias")
as_strided_copy = _copying(geometry.as_strided)
detach_copy = _copying(lambda input: input.detach(), "detach")
diagonal_copy = _copying(arrangement.diagonal)
expand_copy = _copying(shape.expand)
narrow_copy = _copying(shape.narrow)
permute_copy = _copying(shape.permute)
select_copy = _copying(shape.select)
slice_copy = _copying(_sliced, "slice")
split_copy = _copying(joining.split)
split_with_sizes_copy = _copying(joining.split_with_sizes)
squeeze_copy = _copying(shape.squeeze)
t_copy = _copying(shape.t)
transpose_copy = _copying(shape.transpose)
unbind_copy = _copying(joining.unbind)
unfold_copy = _copying(shape.unfold)
unsqueeze_copy = _copying(shape.unsqueeze)
view_as_complex_copy = _copying(complex.view_as_complex)
view_as_real_copy = _copying(complex.view_as_real)
view_copy = _copying(_viewed, "view")
