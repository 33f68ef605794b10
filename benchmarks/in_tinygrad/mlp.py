"""mlp in tinygrad."""

from collections.abc import Callable

from tinygrad import Tensor
from tinygrad.nn import optim

from benchmarks import arrays
from benchmarks.in_tinygrad.training import linear, training, weights


def build(batch: int = 64) -> Callable[[], Tensor]:
    p = weights()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        x = linear(p, "2", linear(p, "0", x).relu()).relu()
        return linear(p, "4", x).sparse_categorical_crossentropy(y)

    optimizer = optim.Adam([*p.values()], lr=1e-3)
    return training(loss, optimizer, arrays.labelled(batch, (784,)))
