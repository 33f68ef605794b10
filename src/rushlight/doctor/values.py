"""Numbers that go wrong: where nan or infinity first came up, losses that leap, rates off by decades."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.core.state import state
from rushlight.core.tensor import TensorBase
from rushlight.doctor.findings import ERROR, WARNING, Finding
from rushlight.doctor.places import Place, here

if TYPE_CHECKING:
    from rushlight.doctor.layers import Layers
    from rushlight.doctor.watching import Doctor

# What to try for an operation that makes nan or infinity of ordinary numbers.
_DOMAINS = {
    "log": "Keep its argument above 0: log(x + 1e-8), clamp(min=1e-8); of a softmax take log_softmax, of a "
    "sigmoid BCEWithLogitsLoss.",
    "sqrt": "Keep its argument above 0: sqrt(x + 1e-8); at 0 its derivative is infinite.",
    "rsqrt": "Keep its argument above 0: rsqrt(x + 1e-8).",
    "div": "Keep the divisor away from 0: add a small number to it, or clamp it.",
    "reciprocal": "Keep the divisor away from 0: add a small number to it, or clamp it.",
    "pow": "A negative base with a fractional exponent has no real power, and at 0 the derivative of x**p "
    "with p < 1 is infinite: clamp or add a small number.",
    "exp": "exp overflows above 88 in float32: subtract the maximum, or take logsumexp or softmax.",
    "acos": "Clamp its argument to -1 + 1e-6 and 1 - 1e-6.",
    "asin": "Clamp its argument to -1 + 1e-6 and 1 - 1e-6.",
    "vector_norm": "The norm has no derivative at 0: add a small number within, sqrt((x * x).sum() + 1e-12).",
    "std": "The deviation of a single value is nan, and at 0 its derivative is infinite.",
    "mean": "The mean of nothing is nan: is a mask or a batch empty?",
}
_DOMAINS["log2"] = _DOMAINS["log10"] = _DOMAINS["log1p"] = _DOMAINS["log"]


def _bad(array: Any) -> str | None:
    """nan or inf, if there is one; a sum shows it in one pass."""
    if array.__class__ is not np.ndarray or array.dtype.kind != "f" or not array.size:
        return None
    with np.errstate(all="ignore"):
        if math.isfinite(float(np.add.reduce(array, axis=None))):
            return None
    if np.isfinite(array).all():
        return None
    return "nan" if np.isnan(array).any() else "inf"


class Numbers:
    """Examines values: those of operations for nan, those of losses over time."""

    def __init__(self, doctor: Doctor) -> None:
        self.doctor = doctor
        self.losses: dict[Place, list[float]] = {}
        # Where, since the last step, good numbers first became bad ones.
        self.first: tuple[str, str, Place, list[list[int]]] | None = None
        self.first_back: tuple[str, str, Place | None] | None = None
        self.told = False
        self.bad_data: Place | None = None

    def look(self, name: str, place: Place, inputs: Sequence[Any], outs: Sequence[Any]) -> None:
        """What came out of an operation."""
        if self.first is not None or self.told:
            return
        for o in outs:
            word = _bad(o._data_)
            if word is None:
                continue
            tensors = [t for t in inputs if isinstance(t, TensorBase)]
            if any(_bad(t._data_) for t in tensors):
                of = self.doctor.memory.of
                if not any(t._requires_grad_ or ((f := of(t)) and f.learned) for t in tensors):
                    self.bad_data = self.bad_data or place
                return
            self.first = name, word, place, [list(t._data_.shape) for t in tensors]
            return

    def look_back(self, name: str, inputs: Sequence[Any], outs: Sequence[Any]) -> None:
        """What came out of an operation of a backward."""
        if self.first_back is not None or self.told or self.first is not None:
            return
        for o in outs:
            word = _bad(o._data_)
            if word and not any(_bad(t._data_) for t in inputs if isinstance(t, TensorBase)):
                node = state.walk.node
                place = self.doctor.sites.get(node) if node is not None else None
                row = getattr(getattr(node, "plan", None), "row", None)
                self.first_back = row.name if row is not None else name, word, place
                return

    def loss(self, roots: Sequence[Any]) -> None:
        """The value at which a backward starts."""
        data = roots[0]._data_
        if data.__class__ is not np.ndarray or data.size != 1 or data.dtype.kind != "f":
            return
        value = float(data.reshape(-1)[0])
        seen = self.losses.setdefault(here(), [])
        seen.append(value)
        if not math.isfinite(value) and not self.told:
            self._nan(value, seen)

    def stepped(self, optimizer: Any) -> None:
        """After a step: whether it was made with good gradients."""
        if not self.told and (self.first is not None or self.first_back is not None):
            bad = any(
                p._grad is not None and not p._grad.is_sparse and _bad(p._grad._data_)
                for group in optimizer.param_groups
                for p in group["params"]
            )
            if bad and self.first is not None:
                name, word, made, _ = self.first
                place: Place | None = made
                what = f"{name} gives {word}, and the gradients behind it are no numbers"
                why = (
                    f"The loss was finite, but {name} gave {word} of finite numbers on the way to it, and a step was "
                    "made with what backward made of that: the weights are nan from then on."
                )
                otherwise = (
                    "Normalised inputs and smaller weights, if its operands had grown large; else look at what it "
                    "is given."
                )
            elif bad and self.first_back is not None:
                name, word, place = self.first_back
                what = f"the derivative of {name} gives {word}"
                why = (
                    f"The loss was finite, but the gradient of {name} was not, and a step was made with it: the "
                    "weights are nan from then on."
                )
                otherwise = (
                    "Look at what it is given; torch.autograd.set_detect_anomaly(True) stops there."
                )
            if bad:
                self.told = True
                self.doctor.find(Finding(
                    "nan", ERROR, what, place, why, _DOMAINS.get(name, otherwise), (("step", here()),),
                ))  # fmt: skip
        self.first = self.first_back = None

    def _nan(self, value: float, seen: list[float]) -> None:
        self.told = True
        good = [x for x in seen if math.isfinite(x)]
        grew = len(good) >= 2 and abs(good[-1]) > 20 * (min(map(abs, good)) + 1e-12)
        where = here()
        steps = self.doctor.steps
        if grew:
            rate = next((o.rates[-1] for o in steps.optimizers if o.rates), None)
            self.doctor.find(Finding(
                "diverged", ERROR, "training diverged: the loss grew until it was no number", where,
                f"It was {good[0]:.4g} at first, {good[-1]:.4g} at last, and {value} after {len(seen)} "
                "backwards" + (f", with a learning rate of {rate:g}." if rate is not None else "."),
                "A learning rate that is ten or a hundred times smaller; clip gradients; normalise inputs and "
                "targets.",
                *([((("optimizer", steps.optimizers[0].place),))] if steps.optimizers else []),
            ))  # fmt: skip
            return
        if self.first is None:
            data = self.bad_data
            self.doctor.find(Finding(
                "nan", ERROR, f"the loss is {value}", data or where,
                "nan or infinity is in the data already: it was in what this operation was given, before any "
                "parameter had a part in it." if data else
                f"It is so in backward number {len(seen)}; no operation of this step made it of good numbers, "
                "so that the weights or the data have it already.",
                "Look for torch.isnan(x).any() in inputs and targets, and clean them." if data else
                "Look at the step before, and at the data: torch.isnan(x).any().",
            ))  # fmt: skip
            return
        name, word, place, shapes = self.first
        said = ", ".join(map(str, shapes))
        self.doctor.find(Finding(
            "nan", ERROR, f"{name} gives {word}, and the loss is {value}", place,
            f"In backward number {len(seen)} it was the first operation to make {word} of finite numbers "
            f"(operands of shape {said}).",
            _DOMAINS.get(name, "A smaller learning rate and normalised inputs, if its operands had grown large; "
                         "else look at what it is given."),
            (("loss", where),) if where != place else (),
        ))  # fmt: skip

    # ---- the end --------------------------------------------------------------------------------

    def got_worse(self) -> bool:
        """Whether no loss became smaller."""
        return all(
            len(seen) >= 5 and not np.mean(seen[-3:]) < 0.9 * np.mean(seen[:3])
            for seen in self.losses.values()
        )

    def conclude(self, error: BaseException | None) -> None:
        """Losses that leap and come back."""
        if len(self.losses) != 1 or self.told:
            return
        ((place, seen),) = self.losses.items()
        for i in range(8, len(seen)):
            before = np.abs(seen[max(0, i - 20) : i])
            usual = float(np.median(before))
            top = abs(seen[i])
            # Before training has settled, it is a leap only if it comes back at once.
            if i < 30 and np.median(np.abs(seen[i + 1 : i + 6] or [top])) > 0.1 * top:
                continue
            if (
                top > 50 * usual
                and top > 10 * float(before.max())
                and top > max(map(abs, seen[:5]))
            ):
                self.doctor.find(Finding(
                    "loss-spike", WARNING, "the loss leaps", place,
                    f"In backward number {i + 1} it was {top:.4g}, after a median of {usual:.4g} in the "
                    f"{len(before)} before.",
                    "Look at that batch for outliers or broken samples; clip gradients "
                    "(nn.utils.clip_grad_norm_), lower the learning rate or warm it up.",
                ))  # fmt: skip
                return

    def rates(self, layers: Layers) -> None:
        """Learning rates that are off by decades, where one optimizer follows one loss."""
        if len(self.losses) != 1 or len(layers.ratios) != 1 or self.told:
            return
        ((place, seen),) = self.losses.items()
        ((whose, ratios),) = layers.ratios.items()
        rate = max(whose.rates, default=0.0)
        if len(seen) < 10 or len(ratios) < 8 or whose.kind == "LBFGS":
            return
        quarter = max(1, len(seen) // 4)
        first, last = float(np.mean(seen[:quarter])), float(np.mean(seen[-quarter:]))
        noise = float(np.std(seen[:quarter]) + np.std(seen[-quarter:]))
        start, late = seen[0], float(np.median(ratios[len(ratios) // 2 :]))
        stayed = last >= 0.9 * start and (late > 0.1 or max(ratios[:3]) > 10)
        # The first steps threw it far off, and it has hardly come back since.
        leapt = last >= 0.3 * start and max(seen[1:10]) > 10 * start and max(ratios[:3]) > 1
        if start > 0 and last > 1e-3 and (stayed or leapt):
            self.doctor.find(Finding(
                "rate-high", ERROR, "the learning rate is too large, by decades", whose.place,
                f"With {whose.kind} and lr={rate:g} a step moves the weights by "
                f"{max(late, max(ratios[:3])):.2g} times their own size (about 0.001 is usual), and the loss "
                f"went from {start:.4g}{f' by way of {max(seen[1:10]):.4g}' if leapt else ''} to {last:.4g}.",
                f"Try lr={rate / 100:.0e} and go up from there.", (("loss", place),),
            ))  # fmt: skip
            return
        still = abs(last - first) <= max(0.01 * abs(first), 0.3 * noise)
        if still and max(ratios) < 3e-5 and first != 0 and abs(last) > 1e-6:
            self.doctor.find(Finding(
                "rate-low", WARNING, "the learning rate is too small, by decades", whose.place,
                f"With {whose.kind} and lr={rate:g} a step moves the weights by {np.median(ratios):.1e} times "
                f"their own size (about 0.001 is usual); in {len(seen)} backwards the loss went from "
                f"{first:.4g} to {last:.4g}.",
                f"Try lr={rate * 1000:.0e}, and look at what the loss does.", (("loss", place),),
            ))  # fmt: skip
