"""Modules: torch's ModuleInfo entries, with the same initial weights, under both libraries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch as reference

from tests.conformance import databases
from tests.conformance.agreement import (
    Score,
    agree_in_form,
    agree_in_gradients,
    agree_in_values,
    expect,
)
from tests.conformance.exchange import Carrier, Library
from tests.conformance.operators import RUSHLIGHT, TORCH


class Built:
    """A module of one library."""

    def __init__(self, library: Library, info: Any, case: Any, dtype: Any, training: bool) -> None:
        self.library, self.case = library, case
        carry = Carrier(library)
        given = case.constructor_input
        kind = library.find(info.name)
        library.seed()
        self.module = kind(*carry(given.args), **carry(given.kwargs))
        self.module = self.module.to(carry(dtype)).train(training)
        if info.is_lazy:
            self.run()

    def run(self) -> Any:
        """The result on the case's inputs, under the same seed."""
        carry = Carrier(self.library)
        given = self.case.forward_input
        args, kwargs = carry(given.args), carry(given.kwargs)
        self.inputs = carry.wanting
        self.library.seed()
        self.result = self.module(*args, **kwargs)
        return self.result

    def state(self) -> dict[str, Any]:
        """Parameters and buffers, copied."""
        return {name: t.detach().clone() for name, t in self.module.state_dict().items()}

    def gradients(self) -> list[Any]:
        """The gradients of the inputs and the parameters under random cotangents."""
        numbers = np.random.RandomState(0)
        outputs = [t for t in self.library.tensors(self.result) if t.requires_grad]
        if outputs:
            seeds = [self.library.like(t, numbers) for t in outputs]
            self.library.find("autograd.backward")(outputs, seeds)
        return [t.grad for t in [*self.inputs, *self.module.parameters()]]


def cases(info: Any, count: int) -> Iterator[tuple[Any, Any, bool]]:
    """(inputs, type, whether training), in both common float types and in both modes."""
    for training in (True, False) if info.train_and_eval_differ else (True,):
        for dtype in databases.PREFERRED:
            if dtype in info.dtypes:
                reference.default_generator.manual_seed(0)
                listed = info.module_inputs_func(
                    info, device="cpu", dtype=dtype, requires_grad=True, training=training
                )
                usable = [case for case in listed if case.forward_input]
                for case in databases.spread(usable, count):
                    yield case, dtype, training


def ask(info: Any, count: int) -> Score:
    """Initial state, text, forward with its effect on buffers, gradients."""
    score = Score()
    for case in cases(info, count):
        try:
            Built(TORCH, info, *case).run()
        except Exception:
            continue  # torch refuses its own input.
        expected = Built(TORCH, info, *case)
        with score.question("initial state"):
            actual = Built(RUSHLIGHT, info, *case)
            before, state = expected.state(), actual.state()
            expect(list(before) == list(state), "wrong structure")
            agree_in_form(TORCH, before, RUSHLIGHT, state)
            agree_in_values(TORCH, before, RUSHLIGHT, state)
        with score.question("text"):
            expect(
                repr(expected.module) == repr(Built(RUSHLIGHT, info, *case).module), "wrong text"
            )
        with score.question("forward"):
            actual = Built(RUSHLIGHT, info, *case)
            results = expected.run(), actual.run()
            agree_in_form(TORCH, results[0], RUSHLIGHT, results[1])
            agree_in_values(TORCH, results[0], RUSHLIGHT, results[1])
            agree_in_values(TORCH, expected.state(), RUSHLIGHT, actual.state())
        with score.question("gradient"):
            expect(score.failures["forward"] is None, "no forward")
            agree_in_gradients(TORCH, expected.gradients(), RUSHLIGHT, actual.gradients(), 1)
    return score
