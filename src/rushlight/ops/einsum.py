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
    sizes = _sizes(inputs, tensors)
    terms = [_diagonals(t, labels) for t, labels in zip(tensors, inputs, strict=True)]
    # As in torch: first the labels of the output in their order, then the others in the alphabet's.
    place = {label: i for i, label in enumerate(output)}
    for label in sorted(set(sizes) - set(output), key=str):
        place[label] = len(place)
    result, labels = terms[0]
    later = [set(labels) for _, labels in terms]
    for i in range(1, len(terms)):
        needed = set(output).union(*later[i + 1 :])
        result, labels = _contract(result, labels, *terms[i], needed, sizes, place)
    extra = tuple(i for i, label in enumerate(labels) if label not in output)
    if extra:
        result = result.sum(extra)
        labels = [label for label in labels if label in output]
    order = [labels.index(label) for label in output]
    if order != sorted(order):
        return result.permute(*order)
    if result is tensors[0]:
        return result.permute(*range(len(order)))
    if len(terms) > 1 and len(sizes) > len(output) and result._view is None:
        # torch has taken dimensions of size 1 out of the product.
        return result.view(result._data.shape)
    return result


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
        rank = tensor._data.ndim
        if "..." in term and named <= rank:
            widths.append(rank - named)
        elif named != rank:
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({named}) does not match the number "
                f"of dimensions ({rank}) for operand {i} and no ellipsis was given"
            )
    broad = max(widths, default=0)
    inputs = [_labels(term, t._data.ndim, broad) for term, t in zip(terms, tensors, strict=True)]
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


def _sizes(inputs: list[Labels], tensors: list[Any]) -> dict[Label, int]:
    sizes: dict[Label, int] = {}
    for i, (labels, tensor) in enumerate(zip(inputs, tensors, strict=True)):
        for d, (label, size) in enumerate(zip(labels, tensor._data.shape, strict=True)):
            known = sizes.get(label, 1)
            if size != known and 1 not in (size, known):
                raise RuntimeError(
                    f"einsum(): subscript {label} has size {size} for operand {i} (dimension {d}) which "
                    f"does not broadcast with previously seen size {known}"
                )
            sizes[label] = max(known, size) if 0 not in (known, size) else 0
    return sizes


def _diagonals(tensor: Any, labels: Labels) -> tuple[Any, Labels]:
    """One dimension a label: repeated labels take the diagonal."""
    labels = list(labels)
    for label in list(dict.fromkeys(labels)):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            tensor = tensor.diagonal(0, first, second)
            labels = [*(k for i, k in enumerate(labels) if i not in (first, second)), label]
    return tensor, labels


def _contract(
    a: Any, of_a: Labels, b: Any, of_b: Labels, needed: set[Label], sizes: dict[Label, int],
    place: dict[Label, int],
) -> tuple[Any, Labels]:  # fmt: skip
    """Multiply two terms and sum over what nobody needs any more, as one batched matrix product.

    How the product lies in memory is torch's, because a dropout that follows draws in that order.
    """
    a, of_a = _summed(a, of_a, needed | set(of_b))
    b, of_b = _summed(b, of_b, needed | set(of_a))
    inside = [k for k in of_a if k in of_b and k not in needed]
    # Where one side has a single element to multiply by, nothing is left to sum but the other side.
    thin = {k for k in inside if 1 in (a._data.shape[of_a.index(k)], b._data.shape[of_b.index(k)])}
    if thin:
        a, of_a = _folded(a, of_a, thin)
        b, of_b = _folded(b, of_b, thin)
        inside = [k for k in inside if k not in thin]
    if not inside:
        labels = sorted({*of_a, *of_b}, key=place.__getitem__)
        return _aligned(a, of_a, labels) * _aligned(b, of_b, labels), labels
    # A shared dimension of size 1 on one side broadcasts: it is summed where it is not needed.
    shared = sorted((k for k in of_a if k in of_b), key=place.__getitem__)
    batch = [k for k in shared if k in needed]
    only_a = sorted((k for k in of_a if k not in of_b), key=place.__getitem__)
    only_b = sorted((k for k in of_b if k not in of_a), key=place.__getitem__)
    if only_a and only_b and place[only_b[-1]] < place[only_a[0]]:
        a, of_a, only_a, b, of_b, only_b = b, of_b, only_b, a, of_a, only_a
    sized_a = _widened(a, of_a, shared, sizes)
    sized_b = _widened(b, of_b, shared, sizes)
    left = sized_a.permute(*(of_a.index(k) for k in (*batch, *only_a, *inside)))
    right = sized_b.permute(*(of_b.index(k) for k in (*batch, *inside, *only_b)))
    shape = left._data.shape
    outer = (*shape[: len(batch) + len(only_a)], *right._data.shape[len(batch) + len(inside) :])
    many = math.prod(shape[: len(batch)])
    rows = math.prod(shape[len(batch) : len(batch) + len(only_a)])
    depth = math.prod(shape[len(batch) + len(only_a) :])
    columns = math.prod(outer[len(batch) + len(only_a) :])
    if sized_a._data.dtype.kind == "b" and sized_b._data.dtype.kind != "b" and shape:
        raise NotImplementedError("\"bmm\" not implemented for 'Bool': use .float()")
    product = bmm(left.reshape(many, rows, depth), right.reshape(many, depth, columns))
    return product.reshape(outer), [*batch, *only_a, *only_b]


def _aligned(tensor: Any, of: Labels, labels: Labels) -> Any:
    """The tensor with its dimensions in the order of labels, of size 1 where it has none."""
    own = [k for k in labels if k in of]
    order = [of.index(k) for k in own]
    if order != sorted(order):
        tensor = tensor.permute(*order)
    return tensor[tuple(slice(None) if k in of else None for k in labels)]


def _summed(tensor: Any, labels: Labels, needed: set[Label]) -> tuple[Any, Labels]:
    drop = tuple(i for i, k in enumerate(labels) if k not in needed)
    if not drop:
        return tensor, labels
    return tensor.sum(drop), [k for k in labels if k in needed]


def _folded(tensor: Any, labels: Labels, gone: set[Label]) -> tuple[Any, Labels]:
    """The tensor without these dimensions: those of size 1 are dropped, the others summed."""
    wide = {k for k in gone if tensor._data.shape[labels.index(k)] != 1}
    tensor, labels = _summed(tensor, labels, set(labels) - wide)
    drop = [i for i, k in enumerate(labels) if k in gone]
    return tensor.squeeze(drop) if drop else tensor, [k for k in labels if k not in gone]


def _widened(tensor: Any, labels: Labels, shared: Labels, sizes: dict[Label, int]) -> Any:
    shape = tensor._data.shape
    target = [sizes[k] if k in shared else n for k, n in zip(labels, shape, strict=True)]
    return tensor if list(shape) == target else tensor.expand(*target)
