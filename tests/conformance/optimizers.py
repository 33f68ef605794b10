"""Optimizers: the settings of torch's OptimizerInfo entries on a small quadratic."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch as reference

from tests.conformance.agreement import Score, agree_in_values, expect
from tests.conformance.exchange import Carrier, Library
from tests.conformance.operators import RUSHLIGHT, TORCH

STEPS = 4


class Training:
    """An optimizer of one library at work on |weight @ inputs + bias - targets|², in two groups."""

    def __init__(self, library: Library, info: Any, settings: dict[str, Any], dtype: Any) -> None:
        self.library = library
        carry, numbers = Carrier(library), np.random.RandomState(0)
        last = (4, 3) if info.name == "Muon" else (4, 1)
        draw = [
            reference.from_numpy(numbers.standard_normal(shape)).to(dtype)
            for shape in ((4, 3), (3, 6), (4, 6), last)
        ]
        self.inputs, self.targets = carry(draw[1]), carry(draw[2])
        self.parameters = [carry(reference.nn.Parameter(draw[i])) for i in (0, 3)]
        groups = [{"params": [self.parameters[0]]}, {"params": [self.parameters[1]]}]
        if not isinstance(settings.get("lr"), reference.Tensor):
            groups[1]["lr"] = 0.02
        if info.name == "LBFGS":
            groups = self.parameters
        self.optimizer = library.find(f"optim.{info.name}")(groups, **carry(settings))

    def loss(self) -> Any:
        """The loss, with gradients."""
        self.optimizer.zero_grad()
        weight, bias = self.parameters
        loss = ((weight @ self.inputs + bias.mean(1, keepdim=True) - self.targets) ** 2).mean()
        loss.backward()
        return loss

    def step(self) -> list[Any]:
        """The parameters after one more step."""
        self.optimizer.step(self.loss)
        return [p.detach().clone() for p in self.parameters]


def ask(info: Any, count: int) -> Score:
    """The path of the parameters, the layout of the state, resuming torch's state, the text.

    There are so few settings that every one is asked.
    """
    score = Score()
    for dtype in (reference.float32, reference.float64):
        for settings in (given.kwargs for given in info.optim_inputs_func("cpu")):
            try:
                expected = Training(TORCH, info, settings, dtype)
                path = [expected.step() for _ in range(STEPS)]
            except Exception:
                continue  # torch refuses its own setting.
            with score.question("path"):
                actual = Training(RUSHLIGHT, info, settings, dtype)
                for parameters in path:
                    agree_in_values(TORCH, parameters, RUSHLIGHT, actual.step(), 1)
            with score.question("text"):
                actual = Training(RUSHLIGHT, info, settings, dtype)
                text = repr(Training(TORCH, info, settings, dtype).optimizer)
                expect(repr(actual.optimizer) == text, "wrong text")
            with score.question("state"):
                saved = copy.deepcopy(expected.optimizer.state_dict())
                actual = Training(RUSHLIGHT, info, settings, dtype)
                for _ in range(STEPS):
                    actual.step()
                expect(_layout(saved) == _layout(actual.optimizer.state_dict()), "wrong structure")
                actual.optimizer.load_state_dict(Carrier(RUSHLIGHT)(saved))
                agree_in_values(TORCH, expected.step(), RUSHLIGHT, actual.step(), 1)
    return score


def _layout(state: dict[str, Any]) -> Any:
    entries = {number: sorted(entry) for number, entry in state["state"].items()}
    return entries, [sorted(group) for group in state["param_groups"]]
