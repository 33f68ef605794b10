"""The whole state of a training as plain values and tensors, and back."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rushlight import nn
from rushlight.training.callbacks import Callback
from rushlight.training.history import History
from rushlight.training.randomness import random_state, set_random_state

if TYPE_CHECKING:
    from rushlight.training.trainer import Trainer

_FORMAT = "rushlight.training 1"


def capture(trainer: Trainer) -> dict[str, Any]:
    """Everything that a run needs to go on as if it had not stopped."""
    run = trainer.run
    return {
        "format": _FORMAT,
        "model": trainer.model.state_dict(),
        "loss": _loss_state(trainer),
        "optimizers": _states(trainer.optimizers),
        "schedulers": _states(trainer.schedulers),
        "gradients": _gradients(trainer),
        "waiting": {name: list(counts) for name, counts in trainer.waiting.items()},
        "epoch": trainer.epoch,
        "stop": trainer.stop,
        "history": [dict(row) for row in trainer.history],
        "run": {
            "first_epoch": run.first_epoch,
            "batch": run.batch,
            "batches_per_epoch": run.batches_per_epoch,
            "order": run.order,
            "means": trainer.means.state_dict(),
            "metrics": _states(trainer.metrics),
            "callbacks": [
                (type(callback).__name__, state)
                for callback in run.callbacks
                if (state := callback.state_dict())
            ],
        },
        "random": random_state(run.loader),
    }


def restore(trainer: Trainer, state: Mapping[str, Any]) -> None:
    """Put a trainer where `capture` found another. If the state does not fit, nothing changes."""
    if not isinstance(state, Mapping) or state.get("format") != _FORMAT:
        raise ValueError(
            "this is not a Trainer's checkpoint: load a state_dict with "
            "trainer.model.load_state_dict"
        )
    _check_fits(trainer, state)
    before = copy.deepcopy(capture(trainer))
    try:
        _apply(trainer, state)
    except BaseException:
        _apply(trainer, before)
        raise


def _check_fits(trainer: Trainer, state: Mapping[str, Any]) -> None:
    run, saved = trainer.run, state["run"]
    for kind in ("optimizers", "schedulers"):
        mine, theirs = list(getattr(trainer, kind)), list(state[kind])
        if mine != theirs:
            raise ValueError(f"the checkpoint has {kind} {theirs}, and this trainer has {mine}")
    mine = [type(callback).__name__ for callback in run.callbacks if callback.state_dict()]
    theirs = [name for name, _ in saved["callbacks"]]
    if run.loader is not None and mine != theirs:
        raise ValueError(
            f"the checkpoint was saved with the callbacks {theirs}, and this fit has {mine}: give "
            "the same ones, in the same order"
        )
    if (
        run.loader is not None
        and saved["batch"]
        and saved["batches_per_epoch"] != run.batches_per_epoch
    ):
        raise ValueError(
            f"the checkpoint was saved in the middle of an epoch of {saved['batches_per_epoch']} "
            f"batches, and this data has {run.batches_per_epoch}: give the same data and batch_size"
        )


def _apply(trainer: Trainer, state: Mapping[str, Any]) -> None:
    run, saved = trainer.run, state["run"]
    trainer.model.load_state_dict(state["model"])
    if isinstance(trainer.loss, nn.Module):
        trainer.loss.load_state_dict(state["loss"])
    for kind in ("optimizers", "schedulers"):
        for name, part in getattr(trainer, kind).items():
            part.load_state_dict(state[kind][name])
    for name, parameter in trainer.model.named_parameters():
        parameter.grad = state["gradients"].get(name)
    for name, metric in trainer.metrics.items():
        if name in saved["metrics"]:
            metric.load_state_dict(saved["metrics"][name])
    trainer.waiting = {name: list(counts) for name, counts in state["waiting"].items()}
    trainer.epoch, trainer.stop = state["epoch"], state["stop"]
    trainer.history = History(dict(row) for row in state["history"])
    trainer.means.load_state_dict(saved["means"])
    run.first_epoch, run.batch, run.order = saved["first_epoch"], saved["batch"], saved["order"]
    set_random_state(state["random"], run.loader)


def restore_callbacks(callbacks: Sequence[Callback], state: Mapping[str, Any]) -> None:
    """Let the callbacks remember what they remembered when the state was captured."""
    remembering = [callback for callback in callbacks if callback.state_dict()]
    for callback, (_, part) in zip(remembering, state["run"]["callbacks"], strict=True):
        callback.load_state_dict(part)


def _states(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: part.state_dict() for name, part in parts.items()}


def _loss_state(trainer: Trainer) -> Any:
    return trainer.loss.state_dict() if isinstance(trainer.loss, nn.Module) else None


def _gradients(trainer: Trainer) -> dict[str, Any]:
    """Gradients that later batches will add to; most of the time there are none to keep."""
    if not any(batches for batches, _ in trainer.waiting.values()):
        return {}
    return {
        name: parameter.grad
        for name, parameter in trainer.model.named_parameters()
        if parameter.grad is not None
    }
