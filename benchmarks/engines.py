"""What can run the workloads: a column of the tables each.

An engine is started once in a process of its own. `prepare` makes `import torch` mean this engine
there; `wrap` turns a workload's step into the one that is timed, which is where a compiler goes;
`workloads` is the package that defines the steps, for an engine that does not speak torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Step = Callable[[], Any]


@dataclass(frozen=True)
class Engine:
    """One contestant."""

    name: str
    module: str
    prepare: Callable[[int], None]
    wrap: Callable[[Step], Step] = lambda step: step
    workloads: str = "benchmarks.workloads"


def _torch(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def _rushlight(threads: int) -> None:
    # The BLAS has read the number of threads from the environment.
    from rushlight.cli.finder import install

    install()
    import torch  # noqa: F401


ENGINES = {
    engine.name: engine
    for engine in (
        Engine("torch", "torch", _torch),
        Engine("rushlight", "rushlight", _rushlight),
        # Another checkout of rushlight, which runs its own workloads: see `--against`.
        Engine("before", "rushlight", _rushlight),
    )
}
