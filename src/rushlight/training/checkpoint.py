"""The whole state of a training as plain values and tensors, and back."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path as FilePath
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from rushlight import nn
from rushlight.serialization import load
from rushlight.serialization.atomic import remove_leftovers
from rushlight.training import checks
from rushlight.training.callbacks import Callback
from rushlight.training.history import History
from rushlight.training.randomness import random_state, set_random_state
from rushlight.training.run import Path

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
    _check_whole(state)
    _check_fits(trainer, state)
    before = copy.deepcopy(capture(trainer))
    try:
        _apply(trainer, state)
    except BaseException:
        _apply(trainer, before)
        raise


def read(path: Any) -> Any:
    """What is in the file of a checkpoint; what a file that is none raises has its name."""
    remove_leftovers(path)
    try:
        return load(path)
    except (RuntimeError, EOFError, UnpicklingError) as error:
        reason = str(error).removeprefix("Weights only load failed. ")
        shown = f"the checkpoint {os.fspath(path)} cannot be read: {reason}"
        raise type(error)(shown) from error


_COUNT = "a whole number"
_DICT = "a dict"
_PARTS = {
    "model": _DICT, "loss": "a dict or None", "optimizers": _DICT, "schedulers": _DICT,
    "gradients": _DICT, "waiting": _DICT, "epoch": _COUNT, "stop": "True or False",
    "history": "a list", "run": _DICT, "random": _DICT,
}  # fmt: skip
_PARTS_OF_RUN = {
    "first_epoch": _COUNT, "batch": _COUNT, "batches_per_epoch": "a whole number or None",
    "order": "a dict or None", "means": _DICT, "metrics": _DICT, "callbacks": "a list",
}  # fmt: skip


def _is(kind: str, value: Any) -> bool:
    if value is None:
        return kind.endswith("None")
    if kind.startswith(_COUNT):
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if kind.startswith(_DICT):
        return isinstance(value, Mapping)
    return isinstance(value, list if kind == "a list" else bool)


def _check_whole(state: Mapping[str, Any]) -> None:
    """Raise ValueError for a part that is missing, or not of its kind."""
    for parts, held, where in ((_PARTS, state, ""), (_PARTS_OF_RUN, state.get("run"), "run: ")):
        for name, kind in parts.items():
            if held is None or name not in held:
                raise ValueError(f"the checkpoint is damaged: it has no {where}{name!r}")
            if not _is(kind, held[name]):
                raise ValueError(
                    f"the checkpoint is damaged: {where}{name!r} is {held[name]!r:.60}, and not {kind}"
                )

    done, whole = state["run"]["batch"], state["run"]["batches_per_epoch"]
    if whole is not None and done > whole:
        raise ValueError(
            f"the checkpoint is damaged: run: 'batch' is {done}, and an epoch has {whole} batches"
        )


@contextmanager
def _taking(part: str, *also: type[Exception]) -> Iterator[None]:
    """Name the part of a checkpoint in which something is missing or of the wrong kind."""
    errors: tuple[type[Exception], ...] = (LookupError, TypeError, AttributeError, *also)
    try:
        yield
    except errors as error:
        raise ValueError(
            f"the checkpoint is damaged: {part!r} cannot be taken over "
            f"({type(error).__name__}: {error})"
        ) from error


def _check_fits(trainer: Trainer, state: Mapping[str, Any]) -> None:
    run, saved = trainer.run, state["run"]
    for kind in ("optimizers", "schedulers"):
        mine, theirs = list(getattr(trainer, kind)), list(state[kind])
        if mine != theirs:
            raise ValueError(f"the checkpoint has {kind} {theirs}, and this trainer has {mine}")
    mine = [type(callback).__name__ for callback in run.callbacks if callback.state_dict()]
    with _taking("callbacks"):
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
        trainer.loss.load_state_dict(state["loss"] or {})
    for kind in ("optimizers", "schedulers"):
        for name, part in getattr(trainer, kind).items():
            with _taking(kind):
                part.load_state_dict(state[kind][name])
    with _taking("gradients"):
        for name, parameter in trainer.model.named_parameters():
            parameter.grad = state["gradients"].get(name)
    with _taking("metrics"):
        for name, metric in trainer.metrics.items():
            if name in saved["metrics"]:
                metric.load_state_dict(saved["metrics"][name])
    with _taking("waiting"):
        trainer.waiting = {name: list(state["waiting"][name]) for name in trainer.optimizers}
    trainer.epoch, trainer.stop = state["epoch"], state["stop"]
    with _taking("history"):
        trainer.history = History(dict(row) for row in state["history"])
    with _taking("means"):
        trainer.means.load_state_dict(saved["means"])
    run.first_epoch, run.batch, run.order = saved["first_epoch"], saved["batch"], saved["order"]
    with _taking("random", ValueError, RuntimeError):
        set_random_state(state["random"], run.loader)


def restore_callbacks(callbacks: Sequence[Callback], state: Mapping[str, Any]) -> None:
    """Let the callbacks remember what they remembered when the state was captured."""
    remembering = [callback for callback in callbacks if callback.state_dict()]
    for callback, (_, part) in zip(remembering, state["run"]["callbacks"], strict=True):
        with _taking("callbacks"):
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


def to_resume(checkpoint: Path | None, every: int | None, resume: bool | Path) -> Path | None:
    """The file that `fit` goes on from, if there is one; what cannot be meant is refused."""
    if checkpoint is None:
        if every is not None or resume is True:
            asking = "resume=True" if resume is True else "checkpoint_every"
            raise ValueError(f"fit: {asking} needs checkpoint, the path of the file")
    else:
        # Known before the first epoch, and not after it.
        checks.file("checkpoint", checkpoint)
        remove_leftovers(checkpoint)
    if resume is None or isinstance(resume, bool):
        return checkpoint if resume and FilePath(checkpoint or "").is_file() else None
    checks.existing("resume", resume)
    return resume
