"""Some of the items."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rushlight.utils.data.datapipes._decorator import functional_datapipe
from rushlight.utils.data.datapipes.datapipe import IterDataPipe, warn_of_lambdas
from rushlight.utils.data.datapipes.iter.callable import of_columns
from rushlight.utils.data.datapipes.utils.common import validate_input_col

__all__ = ["FilterIterDataPipe"]


@functional_datapipe("filter")
class FilterIterDataPipe(IterDataPipe[Any]):
    """The items of which filter_fn (of input_col) is true."""

    def __init__(
        self, datapipe: IterDataPipe[Any], filter_fn: Callable[..., bool], input_col: Any = None
    ) -> None:
        super().__init__()
        self.datapipe = datapipe
        warn_of_lambdas(filter_fn)
        self.filter_fn = filter_fn
        self.input_col = input_col
        validate_input_col(filter_fn, input_col)

    def __iter__(self) -> Iterator[Any]:
        for data in self.datapipe:
            chosen = of_columns(self.filter_fn, data, self.input_col)
            if not isinstance(chosen, bool):
                raise ValueError(
                    "Boolean output is required for `filter_fn` of FilterIterDataPipe, got",
                    type(chosen),
                )
            if chosen:
                yield data
