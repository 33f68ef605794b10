"""Batches of products: where an item lies, and the loop over the rows of all of them."""

from __future__ import annotations

from dataclasses import replace

from rushlight.compiler.kernels.shape import Shape, at, indented

# A dimension of items: how many, and the strides of a, b and c from one to the next.
Batch = tuple[int, int, int, int]


def folded(items: list[Batch], shape: Shape) -> tuple[list[Batch], Shape]:
    """A batch of which each item is multiplied with the same b, as further rows of one product."""
    while items:
        count, over_a, over_b, over_c = items[-1]
        if over_b or over_a != shape.m * shape.a[0] or over_c != shape.m * shape.c[0]:
            break
        shape = replace(shape, m=count * shape.m)
        items = items[:-1]
    return items, shape


def moved(pointer: str, item: str, batch: list[Batch], operand: int) -> str:
    """The pointer to an operand (0, 1, 2 for a, b, c) of one item of a batch."""
    terms: list[tuple[str | int, int]] = []
    inner = 1
    for position, (count, *strides) in reversed(list(enumerate(batch))):
        index = item if inner == 1 else f"{item} / {inner}"
        terms.append((index if position == 0 else f"{index} % {count}", strides[operand]))
        inner *= count
    return at(pointer, *terms[::-1])


def over_items(
    shape: Shape,
    name: str,
    inner: str,
    batch: list[Batch],
    *,
    extent: int,
    turned: bool,
    packed: int,
) -> str:
    """The function for the rows of all items, one item after the other.

    turned: the inner function computes the transposed product. packed: elements of an item's panels, or
    0 where its operand is not packed.
    """
    order = (1, 0) if turned else (0, 1)
    operands = [moved("ab"[operand], "item", batch, operand) for operand in order]
    if packed:
        operands[1] = at("ab"[order[1]], ("item", packed))
    operands.append(moved("c", "item", batch, 2))
    body = [
        "for (long at = begin, stop; at < end; at = stop) {",
        f"    const long item = at / {extent}, first = at % {extent};",
        f"    stop = at - first + {extent} < end ? at - first + {extent} : end;",
        f"    {inner}({', '.join(operands)}, first, first + stop - at);",
        "}",
    ]
    if not batch:
        body = [f"{inner}(b, a, c, begin, end);"]
    return "\n".join(
        [
            f"static void {name}({shape.arguments}, long begin, long end)",
            "{",
            *indented(body),
            "}",
            "",
        ]
    )
