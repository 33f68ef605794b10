"""Does a result share its input's memory exactly where torch's does, and the count of changes too?

Asked of every operation of torch's database, on inputs of no dimension, of one element, of none, and
on ordinary ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import pytest
import torch

import rushlight
from tests.conformance import databases
from tests.conformance.exchange import Carrier, Library, MissingName, leaves

OPERATORS = databases.operators()
# The database calls these through functions of its own, in another order of arguments.
WRAPPED = {"linalg.pinv[singular]", "nn.functional.embedding_bag"}
# NumPy has no such types yet.
TYPES = {"bfloat16", "chalf"}


def kinds(samples: Iterable[Any]) -> dict[str, Any]:
    """One sample for each kind of first tensor, and a few more."""
    found: dict[str, Any] = {}
    for number, sample in enumerate(samples):
        if number > 40:
            break
        first = next(
            (t for t in leaves((sample.input, *sample.args)) if isinstance(t, torch.Tensor)), None
        )
        if first is None or first.is_sparse:
            continue
        size = first.numel()
        kind = "0-d" if not first.dim() else "empty" if not size else "one" if size == 1 else "many"
        found.setdefault(kind, sample)
        found[kind + ", last"] = sample
    return found


def relations(library: Library, function: Any, arguments: tuple[Any, ...], named: Any) -> Any:
    """For each result and tensor argument: whether they share memory, and changes."""
    tensors = library.tensors([arguments, named])
    results = library.tensors([function(*arguments, **named)])
    told = []
    for result in results:
        for tensor in tensors:
            if result is tensor:
                told.append("itself")
                continue
            before = tensor._version
            with library.module.no_grad():
                result.zero_()
            counted = tensor._version != before
            # Both are held: the address of memory that is let go is given out again.
            mine, theirs = result.untyped_storage(), tensor.untyped_storage()
            memory = result.numel() and tensor.numel() and mine.data_ptr() == theirs.data_ptr()
            told.append(("shares" if memory else "apart", counted))
    return told


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_memory_is_shared_where_torch_shares_it(name):
    op = OPERATORS[name]
    path = databases.home(op)
    if databases.in_place(path) or name in WRAPPED | TYPES:
        return
    both = Library(torch), Library(rushlight)
    for dtype in databases.dtypes(op)[:1]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            samples = kinds(op.sample_inputs("cpu", dtype, requires_grad=False))
            for kind, sample in samples.items():
                answers = []
                for library in both:
                    carry = Carrier(library)
                    try:
                        arguments = (carry(sample.input), *map(carry, sample.args))
                        library.seed()
                        answers.append(
                            relations(library, library.find(path), arguments, carry(sample.kwargs))
                        )
                    except MissingName:
                        return
                    except Exception as error:
                        answers.append(type(error).__name__)
                assert answers[0] == answers[1], f"{path} of {kind}: {sample}"
