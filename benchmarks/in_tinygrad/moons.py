"""moons in tinygrad."""

from collections.abc import Callable

from tinygrad import Tensor
from tinygrad.nn import optim

from benchmarks import arrays
from benchmarks.in_tinygrad.training import linear, training, weights


def build() -> Callable[[], Tensor]:
    p = weights()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        x = linear(p, "2", linear(p, "0", x).relu()).relu()
        return (1 - y * linear(p, "4", x)).relu().mean()

    return training(loss, optim.SGD([*p.values()], lr=0.05), [arrays.moons()])
