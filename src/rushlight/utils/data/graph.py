"""Which pipes a pipe is made of."""

from __future__ import annotations

from typing import Any

from rushlight.utils.data.datapipes.datapipe import IterDataPipe, MapDataPipe

__all__ = ["traverse", "traverse_dps"]

DataPipe = IterDataPipe[Any] | MapDataPipe[Any]
DataPipeGraph = dict[int, tuple[Any, Any]]


def _within(value: Any, found: list[Any], seen: set[int]) -> None:
    """The pipes in what a pipe keeps: in its attributes, and in lists and dicts there."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, IterDataPipe | MapDataPipe):
        found.append(value)
    elif isinstance(value, dict):
        for part in value.values():
            _within(part, found, seen)
    elif isinstance(value, list | tuple | set | frozenset):
        for part in value:
            _within(part, found, seen)


def traverse_dps(datapipe: DataPipe) -> DataPipeGraph:
    """The pipe, and those that it takes its items from: {id: (pipe, the same of its sources)}."""
    return _traversed(datapipe, set())


def traverse(datapipe: DataPipe, only_datapipe: bool | None = None) -> DataPipeGraph:
    """The old name of `traverse_dps`."""
    return traverse_dps(datapipe)


def _traversed(datapipe: Any, above: set[int]) -> DataPipeGraph:
    if not isinstance(datapipe, IterDataPipe | MapDataPipe):
        raise RuntimeError(
            f"Expected `IterDataPipe` or `MapDataPipe`, but {type(datapipe)} is found"
        )
    if id(datapipe) in above:
        return {}
    sources: list[Any] = []
    _within(datapipe.__dict__, sources, {id(datapipe)})
    below: DataPipeGraph = {}
    for source in sources:
        below.update(_traversed(source, above | {id(datapipe)}))
    return {id(datapipe): (datapipe, below)}
