"""The C of a program whose sizes change: written so that another size changes nothing but numbers."""

from __future__ import annotations

from rushlight.compiler.emit.file import FileWriter
from rushlight.compiler.emit.products import Call, last
from rushlight.compiler.graph import Graph, Memory, Product
from rushlight.compiler.kernels.anysize import product_any
from rushlight.compiler.kernels.target import Target
from rushlight.compiler.passes.fuse import Group
from rushlight.compiler.passes.strips import Run


class AnySizeWriter(FileWriter):
    """Writes functions that are chosen by no size: each once, even where two are equal by chance."""

    ONCE = False

    def __init__(
        self,
        name: str,
        graph: Graph,
        groups: list[Group],
        target: Target,
        threads: int,
        sizes: Memory,
    ) -> None:
        # Where the program finds its numbers.
        self.sizes = sizes
        super().__init__(name, graph, groups, target, threads)

    def _strips(self) -> list[Run]:
        return [Run([group]) for group in self.groups]

    def _end_run(self) -> None:
        if self.calls:
            self._use(self.sizes)
            self.calls.insert(0, f"take_sizes(p[{self.sizes.number}]);")
        super()._end_run()

    def _product_call(self, statement: Product) -> Call:
        known = self.chosen.get(id(statement))
        if known is None:
            a, b, c = statement.a, statement.b, statement.c
            batch = tuple(
                zip(c.shape[:-2], a.strides[:-2], b.strides[:-2], c.strides[:-2], strict=True)
            )
            made = product_any(
                f"product_{len(self.chosen)}", a.shape[-2], b.shape[-1], a.shape[-1], a=last(a),
                b=last(b), c=last(c), target=self.target, dtype=a.dtype.name,
                accumulate=statement.accumulate, batch=batch,
            )  # fmt: skip
            known = self.chosen[id(statement)] = Call(made, a, b, c)
        return known
