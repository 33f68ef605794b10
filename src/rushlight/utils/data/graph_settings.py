"""Settings of all pipes that a pipe is made of."""

from __future__ import annotations

import inspect
from typing import Any

from rushlight.errors import warn
from rushlight.random import Generator
from rushlight.utils.data.datapipes.iter.combinatorics import ShufflerIterDataPipe
from rushlight.utils.data.datapipes.iter.sharding import SHARDING_PRIORITIES, _ShardingIterDataPipe
from rushlight.utils.data.datapipes.map.combinatorics import ShufflerIterDataPipe as MapShuffler
from rushlight.utils.data.graph import DataPipe, DataPipeGraph, traverse_dps
from rushlight.utils.data.sampler import draw_seed

__all__ = [
    "apply_random_seed", "apply_sharding", "apply_shuffle_seed", "apply_shuffle_settings", "get_all_graph_pipes",
]  # fmt: skip


def get_all_graph_pipes(graph: DataPipeGraph) -> list[Any]:
    """The pipes of a graph, each once."""
    found: dict[int, Any] = {}

    def walk(part: DataPipeGraph) -> None:
        for number, (pipe, below) in part.items():
            if number not in found:
                found[number] = pipe
                walk(below)

    walk(graph)
    return list(found.values())


def _is_sharding(pipe: Any) -> bool:
    return isinstance(pipe, _ShardingIterDataPipe) or (
        hasattr(pipe, "apply_sharding") and inspect.ismethod(pipe.apply_sharding)
    )


def apply_sharding(
    datapipe: DataPipe, num_of_instances: int, instance_id: int,
    sharding_group: SHARDING_PRIORITIES = SHARDING_PRIORITIES.DEFAULT,
) -> DataPipe:  # fmt: skip
    """Let every `sharding_filter` be the part of one worker of so many."""

    def walk(graph: DataPipeGraph, above: Any = None) -> None:
        for pipe, below in graph.values():
            applied = above
            if _is_sharding(pipe):
                if above is not None:
                    raise RuntimeError(
                        "Sharding twice on a single pipeline is likely unintended and will cause data loss. "
                        f"Sharding already applied to {above} while trying to apply to {pipe}"
                    )
                if len(inspect.signature(pipe.apply_sharding).parameters) > 2:
                    pipe.apply_sharding(num_of_instances, instance_id, sharding_group)
                else:
                    pipe.apply_sharding(num_of_instances, instance_id)
                applied = pipe
            walk(below, applied)

    walk(traverse_dps(datapipe))
    return datapipe


def _is_shuffle(pipe: Any) -> bool:
    return isinstance(pipe, ShufflerIterDataPipe | MapShuffler) or all(
        hasattr(pipe, name) and inspect.ismethod(getattr(pipe, name))
        for name in ("set_shuffle", "set_seed")
    )


def apply_shuffle_settings(datapipe: Any, shuffle: bool | None = None) -> Any:
    """Let every shuffler shuffle, or not; without one, shuffle=True adds one at the end."""
    if shuffle is None:
        return datapipe
    shufflers = [p for p in get_all_graph_pipes(traverse_dps(datapipe)) if _is_shuffle(p)]
    if not shufflers and shuffle:
        warn(
            "`shuffle=True` was set, but the datapipe does not contain a `Shuffler`. Adding one at the end. Be "
            "aware that the default buffer size might not be sufficient for your task."
        )
        datapipe = datapipe.shuffle()
        shufflers = [datapipe]
    for shuffler in shufflers:
        shuffler.set_shuffle(shuffle)
    return datapipe


def apply_random_seed(datapipe: Any, rng: Generator) -> Any:
    """Give every pipe that draws random numbers a seed from rng."""
    for pipe in get_all_graph_pipes(traverse_dps(datapipe)):
        if hasattr(pipe, "set_seed") and inspect.ismethod(pipe.set_seed):
            pipe.set_seed(draw_seed(rng))
    return datapipe


apply_shuffle_seed = apply_random_seed
