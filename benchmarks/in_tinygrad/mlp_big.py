"""mlp_big in tinygrad."""

from collections.abc import Callable

from tinygrad import Tensor

from benchmarks.in_tinygrad import mlp


def build() -> Callable[[], Tensor]:
    return mlp.build(batch=256)
