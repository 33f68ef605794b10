"""What can run the workloads: a column of the tables each.

An engine is started once in a process of its own. `prepare` makes `import torch` mean this engine
there; `wrap` turns a workload's step into the one that is timed, which is where a compiler goes;
`workloads` is the package that defines the steps, for an engine that does not speak torch.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
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
    # For one that compiles: the variables that say where it keeps what it has compiled.
    cache: dict[str, str] = field(default_factory=dict)
    # Its random numbers are torch's eager ones.
    noise: bool = False

    @property
    def ours(self) -> bool:
        return self.module == "rushlight"

    @property
    def speaks_torch(self) -> bool:
        return self.workloads == "benchmarks.workloads"

    def installed(self) -> bool:
        return importlib.util.find_spec(self.module) is not None

    def has(self, workload: str) -> bool:
        """Whether the workload is written for it."""
        name = f"{self.workloads}.{workload.partition(':')[0]}"
        return importlib.util.find_spec(name) is not None


def _torch(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def _torch_compile(step: Step) -> Step:
    import torch

    return torch.compile(step)


def _rushlight(threads: int) -> None:
    # The BLAS has read the number of threads from the environment.
    from rushlight.cli.finder import install

    install()
    import torch  # noqa: F401


def _rushlight_compile(step: Step) -> Step:
    import rushlight

    return rushlight.compile(step)


def _jax(threads: int) -> None:
    # It takes as many threads as the process may use processors, to which the worker holds it.
    import jax

    jax.config.update("jax_platforms", "cpu")


def _tinygrad(threads: int) -> None:
    import os

    os.environ.update(DEV="CPU", CPU="1", CPU_COUNT=str(threads))
    import tinygrad  # noqa: F401


def _onnxruntime(threads: int) -> None:
    import onnxruntime  # noqa: F401


ENGINES = {
    engine.name: engine
    for engine in (
        Engine("torch", "torch", _torch, noise=True),
        Engine(
            "torch.compile",
            "torch",
            _torch,
            _torch_compile,
            cache={"TORCHINDUCTOR_CACHE_DIR": "{folder}"},
        ),
        Engine(
            "jax",
            "jax",
            _jax,
            workloads="benchmarks.in_jax",
            cache={
                "JAX_COMPILATION_CACHE_DIR": "{folder}",
                "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
                "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
            },
        ),
        Engine(
            "tinygrad",
            "tinygrad",
            _tinygrad,
            workloads="benchmarks.in_tinygrad",
            cache={"CACHEDB": "{folder}/cache.db"},
        ),
        Engine("onnxruntime", "onnxruntime", _onnxruntime, workloads="benchmarks.in_onnx"),
        Engine("rushlight", "rushlight", _rushlight, noise=True),
        Engine(
            "rushlight.compile",
            "rushlight",
            _rushlight,
            _rushlight_compile,
            cache={"RUSHLIGHT_CACHE": "{folder}"},
            noise=True,
        ),
        # Another checkout of rushlight, which runs its own workloads: see `--against`.
        Engine("before", "rushlight", _rushlight, noise=True),
    )
}
# Those that run a workload's step as it is written, one operation after the other.
EAGER = ("torch", "rushlight", "before")
