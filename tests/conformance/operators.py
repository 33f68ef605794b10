"""Operators: the samples of torch's OpInfo entries under both libraries."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch as reference

import rushlight
from tests.conformance import databases
from tests.conformance.agreement import (
    Score,
    agree_in_form,
    agree_in_gradients,
    agree_in_values,
    expect,
)
from tests.conformance.exchange import Carrier, Library

TORCH, RUSHLIGHT = Library(reference), Library(rushlight)

# Functions whose arguments stand in another order in the database's samples, or come prepared.
CALLS: dict[str, Callable[..., Any]] = {
    "einsum": lambda f, operands, equation: f(equation, *operands),
    "where": lambda f, x, condition, other: f(condition, x, other),
    "normal[number_mean]": lambda f, std, mean, *rest, **options: f(mean, std, *rest, **options),
    "polygamma": lambda f, x, n: f(n, x),
    "special.polygamma": lambda f, x, n: f(n, x),
    "nn.functional.embedding": lambda f, weight, index, **options: f(index, weight, **options),
    "nn.functional.embedding_bag": lambda f, weight, index, **options: f(index, weight, **options),
    "svd_lowrank": lambda f, a, b, **options: f(a @ b.mT, **options),
    "pca_lowrank": lambda f, a, b, **options: f(a @ b.mT, **options),
    "linalg.pinv[singular]": lambda f, a, b, **options: f(a @ b.mT, **options),
    "linalg.lstsq[grad_oriented]": lambda f, a, b, driver: f(a, b, driver=driver)[:2],
}

# What an input is made into first, where an operator counts on a property of it: a change that
# breaks the property has no meaning, and libraries differ in what they answer.
PROJECTIONS: dict[str, Callable[..., Any]] = {
    "gradcheck_wrapper_hermitian_input": lambda x, **_: x + x.mH,
    "gradcheck_wrapper_ctc_loss": lambda x, **_: x.log_softmax(dim=2),
    "gradcheck_wrapper_triangular_input_real_positive_diagonal": (
        lambda x, upper=False: x.triu() if upper else x.tril()
    ),
}

# What memory happened to hold has no value to compare.
UNSET = {"empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided",
         "resize_", "resize_as_"}  # fmt: skip


class Run:
    """One call of an operator in one library."""

    def __init__(self, library: Library, op: Any, sample: Any, form: str) -> None:
        self.library = library
        carry = self.carrier(library)
        args = carry((sample.input, *sample.args))
        kwargs = carry(sample.kwargs)
        project = PROJECTIONS.get(getattr(op.gradcheck_wrapper, "__name__", ""))
        if project is not None:
            upper = {"upper": kwargs["upper"]} if "upper" in kwargs else {}
            args = (project(args[0], **upper), *args[1:])
        path = databases.home(op) or op.name
        if form == "in place":
            path = f"Tensor.{op.name}_"
        elif form == "method":
            path = f"Tensor.{op.name}"
        if databases.in_place(path):
            args = (args[0].clone(), *args[1:])
        function = library.find(path)
        library.seed()
        self.wanting = carry.wanting
        self.result = self.call(op, function, args, kwargs)
        if form == "out":
            buffers = [library.module.zeros_like(t) for t in library.tensors(self.result)]
            out = buffers[0] if len(buffers) == 1 else tuple(buffers)
            with library.module.no_grad():
                self.result = self.call(op, function, args, {**kwargs, "out": out})
            written = zip(library.tensors(self.result), buffers, strict=True)
            expect(all(a is b for a, b in written), "another tensor than out")
            self.wanting = []
        # The database's way to make results unique: absolute values of eigenvectors and the like.
        in_place = form == "in place"
        self.unique = self.result if in_place else sample.output_process_fn_grad(self.result)

    def carrier(self, library: Library) -> Carrier:
        """What takes the arguments over."""
        return Carrier(library)

    @staticmethod
    def call(op: Any, function: Any, args: Any, kwargs: Any) -> Any:
        """The call, in the order of arguments that the function has."""
        if not callable(function):
            return function.__get__(args[0])
        special = CALLS.get(databases.identifier(op), CALLS.get(op.name))
        if special is not None:
            return special(function, *args, **kwargs)
        return function(*args, **kwargs)

    def flags(self) -> list[bool]:
        """Which outputs want gradients."""
        return [t.requires_grad for t in self.library.tensors(self.unique)]

    def derivatives(self) -> Iterator[list[Any]]:
        """The gradients under random cotangents, then the gradients of those."""
        numbers = np.random.RandomState(0)
        outputs = [t for t in self.library.tensors(self.unique) if t.requires_grad]
        like, grad = self.library.like, self.library.find("autograd.grad")
        seeds = [like(t, numbers).requires_grad_() for t in outputs]
        first = grad(outputs, self.wanting, seeds, create_graph=True, allow_unused=True)
        yield list(first)
        inputs, seeds = [*self.wanting, *seeds], [like(t, numbers) for t in self.wanting]
        pairs = [
            (g, s) for g, s in zip(first, seeds, strict=True) if g is not None and g.requires_grad
        ]
        if not pairs:
            yield [None] * len(inputs)
            return
        yield list(grad([g for g, _ in pairs], inputs, [s for _, s in pairs], allow_unused=True))


def samples(op: Any, count: int) -> Iterator[Any]:
    """count of the database's samples, its types by turns; from four on, count of each type."""
    drawn = []
    for dtype in databases.dtypes(op):
        reference.default_generator.manual_seed(0)
        np.random.seed(0)
        random.seed(0)
        wants = op.supports_autograd and dtype.is_floating_point | dtype.is_complex
        wants = wants and dtype in op.backward_dtypes
        listed = op.sample_inputs("cpu", dtype, requires_grad=wants, set_seed=False)
        drawn.append(databases.spread((s for s in listed if _is_small(s)), count))
    for i in range(max(map(len, drawn))):
        for j, column in enumerate(drawn):
            if i < len(column) and (count >= 4 or i % len(drawn) == j):
                yield column[i]


def _is_small(sample: Any) -> bool:
    # A few samples are large enough to take a minute; the others of the same operator are not.
    size = getattr(sample.input, "numel", int)()
    return bool(size + sum(t.numel() for t in TORCH.tensors(sample.args)) < 20_000)


def forms(op: Any) -> list[str]:
    """The ways to call an operator: as a function, and the others that torch offers for it."""
    own = (databases.home(op) or "").startswith("Tensor.")
    return [""] + [form for form, offered in {
        "method": op.method_variant is not None and not own,
        "in place": op.inplace_variant is not None and not op.name.endswith("_"),
        "out": op.supports_out,
    }.items() if offered]  # fmt: skip


def ask(op: Any, count: int) -> Score:
    """Forward, gradient and double backward on samples, and the other ways to call it."""
    score = Score()
    for sample in samples(op, count):
        for form in forms(op):
            if form == "in place" and sample.broadcasts_input:
                continue
            try:
                expected = Run(TORCH, op, sample, form)
            except Exception:
                continue  # Not every sample fits every form, nor torch itself.
            compare(score, op, sample, form, expected)
    return score


def compare(score: Score, op: Any, sample: Any, form: str, expected: Run) -> None:
    """Put one call to rushlight."""
    wrong = databases.fault(op).kinds
    if form in wrong:
        return
    with score.question(form or "forward"):
        actual = Run(RUSHLIGHT, op, sample, form)
        agree_in_form(TORCH, expected.result, RUSHLIGHT, actual.result)
        if op.name not in UNSET:
            agree_in_values(TORCH, expected.unique, RUSHLIGHT, actual.unique)
    if form or not expected.wanting or not any(expected.flags()) or "gradient" in wrong:
        return
    wanted = expected.derivatives()
    try:
        want = next(wanted)
    except Exception:
        return  # torch has no derivative here.
    with score.question("gradient"):
        actual = Run(RUSHLIGHT, op, sample, form)
        expect(expected.flags() == actual.flags(), "wrong requires_grad")
        given = actual.derivatives()
        agree_in_gradients(TORCH, want, RUSHLIGHT, next(given), 1)
    if not op.supports_gradgrad or "double backward" in wrong:
        return
    try:
        want = next(wanted)
    except Exception:
        return
    with score.question("double backward"):
        expect(score.failures["gradient"] is None, "no gradient")
        agree_in_gradients(TORCH, want, RUSHLIGHT, next(given), 2)
