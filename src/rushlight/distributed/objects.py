"""What the processes of a group do with objects that can be pickled: they arrive as copies."""

from __future__ import annotations

import pickle
from typing import Any

from rushlight.distributed.collectives import recv, send
from rushlight.distributed.groups import _resolve


def _copy(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    """The objects of all processes, into a list of as many places."""
    _resolve(group)
    object_list[0] = _copy(obj)


def gather_object(
    obj: Any,
    object_gather_list: list[Any] | None = None,
    dst: int | None = None,
    group: Any = None,
    group_dst: int | None = None,
) -> None:
    """The objects of all processes, into the list of one of them."""
    _resolve(group)
    if object_gather_list is None:
        raise ValueError("Argument ``object_gather_list`` must be specified on destination rank.")
    object_gather_list[0] = _copy(obj)


def broadcast_object_list(
    object_list: list[Any],
    src: int | None = None,
    group: Any = None,
    device: Any = None,
    group_src: int | None = None,
    weights_only: Any = None,
) -> None:
    """The objects of one process, for all: the list as it is."""
    _resolve(group)


def scatter_object_list(
    scatter_object_output_list: list[Any],
    scatter_object_input_list: list[Any] | None = None,
    src: int | None = None,
    group: Any = None,
    group_src: int | None = None,
    weights_only: Any = None,
) -> None:
    """An object for each process, from the list of one of them."""
    _resolve(group)
    if not isinstance(scatter_object_output_list, list) or not scatter_object_output_list:
        raise ValueError(
            "Expected argument scatter_object_output_list to be a list of size at least 1."
        )
    if scatter_object_input_list is None:
        raise ValueError("source rank must provide non-None scatter_object_input_list")
    scatter_object_output_list[0] = _copy(scatter_object_input_list[0])


def send_object_list(
    object_list: list[Any], dst: int | None = None, group: Any = None, **options: Any
) -> None:
    """An error: there is no other process."""
    send(object_list, dst, group)  # type: ignore[arg-type]


def recv_object_list(
    object_list: list[Any], src: int | None = None, group: Any = None, **options: Any
) -> int:
    """An error: there is no other process."""
    return recv(object_list, src, group)  # type: ignore[arg-type]
