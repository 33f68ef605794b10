"""Sums of products in Einstein's notation, as batched matrix products."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rushlight.core.tensor import TensorBase
from rushlight.ops.product import bmm

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

# Dimensions that an ellipsis stands for get labels that no letter can be.
Label = str | int
Labels = list[Label]


def einsum(equation: Any, *operands: Any) -> Tensor:
    """Sums of products of the operands' elements, by labelled dimensions.

    Labels that the output does not name are summed over; a label used twice in one operand takes
    its diagonal; `...` stands for dimensions that broadcast. Without `->`, the output has the labels
    that appear once, in alphabetical order. Operands are contracted from left to right.

    >>> import rushlight as torch
    >>> torch.einsum("ij,jk->ik", torch.ones(2, 3), torch.ones(3, 4)).shape
    torch.Size([2, 4])
    """
    if not isinstance(equation, str):
        equation, operands = _from_sublists((equation, *operands))
    elif len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    tensors = list(operands)
    inputs, output = _parse(equation, tensors)
    _check_sizes(inputs, tensors)
    # As in torch: first the labels of the output in their order, then dots, then the others in the alphabet's.
    rest = {label for labels in inputs for label in labels} - set(output)
    order = [*output, *sorted(rest, key=lambda label: (isinstance(label, str), label))]
    terms = [
        _aligned(*_diagonals(number, tensor, labels), order)
        for number, (tensor, labels) in enumerate(zip(tensors, inputs, strict=True))
    ]
    extra = range(len(output), len(order))
    if len(terms) == 1:
        return terms[0].sum(tuple(extra)) if extra else terms[0]
    # By dimension, how many of the terms to come are not of size 1 there.
    left = [sum(t._data_.shape[d] != 1 for t in terms) for d in range(len(order))]
    result = terms[0]
    for term in terms[1:]:
        result = _contracted(result, term, extra, left)
    return result.view(result._data_.shape[: len(output)]) if extra else result


def _from_sublists(arguments: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """The form einsum(a, [0, 1], b, [1, 2], [0, 2]) as an equation."""

    def letters(sublist: Any) -> str:
        return "".join(
            "..." if s is Ellipsis else chr(ord("A" if s < 26 else "a") + s % 26) for s in sublist
        )

    pairs, rest = arguments[: len(arguments) // 2 * 2], arguments[len(arguments) // 2 * 2 :]
    equation = ",".join(letters(s) for s in pairs[1::2])
    if rest:
        equation += "->" + letters(rest[0])
    return equation, pairs[::2]


def _labels(term: str, rank: int | None, broad: int) -> Labels:
    """The labels of one term; an ellipsis becomes the last labels of `broad` numbered ones."""
    head, dots, tail = term.partition("...")
    for letter in head + tail:
        if not (letter.isascii() and letter.isalpha()):
            raise RuntimeError(
                f"einsum(): invalid subscript given at {term!r}: {letter!r}; subscripts are letters in "
                "[a-zA-Z], with at most one ellipsis ('...') a term"
            )
    if not dots:
        return list(head)
    width = broad if rank is None else rank - len(head) - len(tail)
    return [*head, *range(broad - width, broad), *tail]


def _parse(equation: str, tensors: list[Any]) -> tuple[list[Labels], Labels]:
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, TensorBase):
            raise TypeError(
                f"einsum(): expected Tensor as element {i} in argument 1, but got "
                f"{type(tensor).__name__}"
            )
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(tensors):
        many = "more" if len(tensors) > len(terms) else "fewer"
        raise RuntimeError(
            f"einsum(): {many} operands were provided than specified in the equation: "
            f"{len(terms)} terms in {equation!r}, {len(tensors)} operands"
        )
    widths = []
    for i, (term, tensor) in enumerate(zip(terms, tensors, strict=True)):
        named = len(term.replace("...", ""))
        rank = tensor._data_.ndim
        if "..." in term and named <= rank:
            widths.append(rank - named)
        elif named != rank:
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({named}) does not match the number "
                f"of dimensions ({rank}) for operand {i} and no ellipsis was given"
            )
    broad = max(widths, default=0)
    inputs = [_labels(term, t._data_.ndim, broad) for term, t in zip(terms, tensors, strict=True)]
    if arrow:
        output = _labels(right, None, broad)
        seen = {label for labels in inputs for label in labels}
        for label in output:
            if output.count(label) > 1:
                raise RuntimeError(
                    f"einsum(): output subscript {label} appears more than once in the output"
                )
            if label not in seen:
                raise RuntimeError(
                    f"einsum(): output subscript {label} does not appear in the equation for any input "
                    "operand"
                )
    else:
        letters = [label for labels in inputs for label in labels if isinstance(label, str)]
        once = sorted(letter for letter in set(letters) if letters.count(letter) == 1)
        output = [*range(broad), *once]
    return inputs, output


def _check_sizes(inputs: list[Labels], tensors: list[Any]) -> None:
    sizes: dict[Label, int] = {}
    for i, (labels, tensor) in enumerate(zip(inputs, tensors, strict=True)):
        for d, (label, size) in enumerate(zip(labels, tensor._data_.shape, strict=True)):
            known = sizes.get(label, 1)
            if size != known and 1 not in (size, known):
                raise RuntimeError(
                    f"einsum(): subscript {label} has size {size} for operand {i} (dimension {d}) which "
                    f"does not broadcast with previously seen size {known}"
                )
            sizes[label] = max(known, size) if 0 not in (known, size) else 0


def _diagonals(number: int, tensor: Any, labels: Labels) -> tuple[Any, Labels]:
    """One dimension a label: repeated labels take the diagonal, where the first of them stands."""
    own: Labels = []
    for label in labels:
        if label not in own:
            own.append(label)
            continue
        first, second = own.index(label), len(own)
        sizes = tensor._data_.shape[second], tensor._data_.shape[first]
        if sizes[0] != sizes[1]:
            raise RuntimeError(
                f"einsum(): subscript {label} is repeated for operand {number} but the sizes don't match, "
                f"{sizes[0]} != {sizes[1]}"
            )
        tensor = tensor.diagonal(0, second, first).movedim(-1, first)
    return tensor, own


def _aligned(tensor: Any, labels: Labels, order: Labels) -> Any:
    """The tensor with its dimensions in this order, of size 1 where it has none."""
    for label in order:
        if label not in labels:
            tensor, labels = tensor.unsqueeze(-1), [*labels, label]
    return tensor.permute(tuple(map(labels.index, order)))


def _contracted(a: Any, b: Any, extra: range, left: list[int]) -> Any:
    """The product of two terms of the same dimensions, summed over what is extra and in no later term.

    What is summed keeps its dimension, of size 1. How the product lies in memory is torch's, because a
    dropout that follows draws in that order.
    """
    inside: list[int] = []
    of_a: list[int] = []
    of_b: list[int] = []
    for d in extra:
        wide_a, wide_b = a._data_.shape[d] != 1, b._data_.shape[d] != 1
        if wide_a and wide_b:
            left[d] -= 1
            if left[d] == 1:
                inside.append(d)
        elif left[d] == 1 and (wide_a or wide_b):
            (of_a if wide_a else of_b).append(d)
        else:
            continue
        if left[d] == 1:
            left[d] = 0
    if of_a:
        a = a.sum(tuple(of_a), keepdim=True)
    if of_b:
        b = b.sum(tuple(of_b), keepdim=True)
    return _matrices(a, b, inside) if inside else a * b


def _matrices(a: Any, b: Any, inside: list[int]) -> Any:
    """The product of two terms summed over dimensions inside, as one batched matrix product."""
    shape, other = a._data_.shape, b._data_.shape
    batch: list[int] = []
    only_a: list[int] = []
    only_b: list[int] = []
    for d, (n, m) in enumerate(zip(shape, other, strict=True)):
        if d not in inside:
            (only_b if n == 1 else only_a if m == 1 else batch).append(d)
    if a._data_.dtype.kind == "b" and b._data_.dtype.kind != "b":
        raise NotImplementedError("\"bmm\" not implemented for 'Bool': use .float()")
    if only_a and only_b and only_b[-1] < only_a[0]:
        a, shape, only_a, b, other, only_b = b, other, only_b, a, shape, only_a
    many = math.prod(shape[d] for d in batch)
    depth = math.prod(shape[d] for d in inside)
    rows, columns = (math.prod(shape[d] for d in only_a), math.prod(other[d] for d in only_b))
    first = a.permute((*batch, *only_a, *inside, *only_b)).reshape(many, rows, depth)
    second = b.permute((*batch, *inside, *only_b, *only_a)).reshape(many, depth, columns)
    dims = [*batch, *only_a, *inside, *only_b]
    sizes = [1 if d in inside else other[d] if d in only_b else shape[d] for d in dims]
    return bmm(first, second).reshape(sizes).permute(tuple(map(dims.index, range(len(dims)))))
