"""How the text of a kernel is filled in and named."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from string import Template

from rushlight.compiler.kernels.kernel import Kernel
from rushlight.compiler.kernels.target import Target

ITEMSIZE = {"float": 4, "double": 8}


def fill(text: str, names: Mapping[str, object]) -> str:
    """The text with what stands for `$NAME` and for `${NAME}`; `$NAME` itself stays, if it is not given."""
    return Template(text).safe_substitute({key: str(value) for key, value in names.items()})


def kernel(
    stem: str,
    source: str,
    fragments: tuple[str, ...] = (),
    scratch: int = 0,
    needs: tuple[Kernel, ...] = (),
) -> Kernel:
    """A kernel whose name tells its text: layers of equal shapes share one function."""
    name = f"{stem}_{zlib.crc32(source.encode()):08x}"
    return Kernel(name, fill(source, {"NAME": name}), fragments, scratch, needs)


_TRANSPOSED = """\
/* A square of $V by $V: a function of its own, as many call it and none often. */
static __attribute__((noinline)) void $NAME(v$T *square)
{
    v$T r[$V];
#pragma GCC unroll $V
    for (int i = 0; i < $V; i++)
        r[i] = square[i];
    v${T}_transpose(r);
#pragma GCC unroll $V
    for (int i = 0; i < $V; i++)
        square[i] = r[i];
}
"""


def transposed(target: Target, T: str) -> Kernel:
    """`(square)`: registers' worth of rows, transposed in place."""
    text = fill(_TRANSPOSED, {"T": T, "V": target.lanes(ITEMSIZE[T])})
    return kernel("square_transposed", text, (f"transposition_{T}",))


def zeros(lanes: int) -> str:
    """The initializer of a table of registers: compilers want as many braces as there are levels."""
    return "{{{0}}}" if lanes > 1 else "{{0}}"


def indented(text: str, by: int) -> str:
    """The text, moved to the right; directives stay at the left edge."""
    lines = text.split("\n")
    return "\n".join(line if line.startswith("#") else " " * by + line for line in lines)


def together(kernels: Iterable[Kernel]) -> str:
    """The text of these kernels and of those that they need, each once, without the fragments."""
    texts: dict[str, str] = {}

    def add(one: Kernel) -> None:
        for need in one.needs:
            add(need)
        texts.setdefault(one.name, one.source)

    for one in kernels:
        add(one)
    return "\n".join(texts.values())
