"""A function of each item, or of its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized
from typing import Any

from rushlight.utils.data._utils.collate import default_collate
from rushlight.utils.data.datapipes._decorator import functional_datapipe
from rushlight.utils.data.datapipes.datapipe import IterDataPipe, no_length, warn_of_lambdas
from rushlight.utils.data.datapipes.utils.common import validate_input_col

__all__ = ["CollatorIterDataPipe", "MapperIterDataPipe"]


def of_columns(fn: Callable[..., Any], data: Any, columns: Any) -> Any:
    """fn of the item, of one of its columns, or of several."""
    if columns is None:
        return fn(data)
    if isinstance(columns, list | tuple):
        return fn(*(data[column] for column in columns))
    return fn(data[columns])


@functional_datapipe("map")
class MapperIterDataPipe(IterDataPipe[Any]):
    """fn of each item; with input_col of these columns, put back there or into output_col (-1: a new one).

    >>> from rushlight.utils.data.datapipes.iter import IterableWrapper
    >>> list(IterableWrapper([(1, 2)]).map(abs, input_col=1, output_col=-1))
    [(1, 2, 2)]
    """

    def __init__(
        self, datapipe: IterDataPipe[Any], fn: Callable[..., Any], input_col: Any = None,
        output_col: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.datapipe = datapipe
        warn_of_lambdas(fn)
        self.fn = fn
        self.input_col = input_col
        if input_col is None and output_col is not None:
            raise ValueError("`output_col` must be None when `input_col` is None.")
        if isinstance(output_col, list | tuple):
            if len(output_col) > 1:
                raise ValueError("`output_col` must be a single-element list or tuple")
            output_col = output_col[0]
        self.output_col = output_col
        validate_input_col(fn, input_col)

    def _apply_fn(self, data: Any) -> Any:
        result = of_columns(self.fn, data, self.input_col)
        if self.input_col is None:
            return result
        if isinstance(data, tuple):
            return tuple(self._put(list(data), result))
        return self._put(data, result)

    def _put(self, data: Any, result: Any) -> Any:
        if self.output_col == -1:
            data.append(result)
        elif self.output_col is not None:
            data[self.output_col] = result
        elif isinstance(self.input_col, list | tuple):
            data[self.input_col[0]] = result
            for place in sorted(self.input_col[1:], reverse=True):
                del data[place]
        else:
            data[self.input_col] = result
        return data

    def __iter__(self) -> Iterator[Any]:
        for data in self.datapipe:
            yield self._apply_fn(data)

    def __len__(self) -> int:
        if isinstance(self.datapipe, Sized):
            return len(self.datapipe)
        raise no_length(self)


@functional_datapipe("collate")
class CollatorIterDataPipe(MapperIterDataPipe):
    """Batches as tensors, by `default_collate` or a function of one's own."""

    def __init__(
        self, datapipe: IterDataPipe[Any], conversion: Any = default_collate,
        collate_fn: Callable[..., Any] | None = None,
    ) -> None:  # fmt: skip
        if not callable(conversion) and collate_fn is None:
            raise NotImplementedError(
                "rushlight has no conversion of data frames by column: give a function, as collate_fn"
            )
        super().__init__(datapipe, fn=collate_fn if collate_fn is not None else conversion)
