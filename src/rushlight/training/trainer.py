"""Trainer: training for people who do not want to write the loop."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rushlight import dtypes, nn, optim, serialization
from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.optim import lr_scheduler
from rushlight.training import checkpoint as checkpoints
from rushlight.training import checks, names, penalties
from rushlight.training import data as feeding
from rushlight.training.blocks import as_module
from rushlight.training.callbacks import Callback, EarlyStopping
from rushlight.training.history import History
from rushlight.training.metrics import Metric, metrics_of, size_of
from rushlight.training.penalties import Penalty
from rushlight.training.progress import progress_for
from rushlight.training.run import NO_BATCH, Logs, Means, Path, Run, logs_of

# These count batches; the other schedules count epochs.
_STEPWISE = (lr_scheduler.OneCycleLR, lr_scheduler.CyclicLR)
_NO_LOSS = "this trainer has no loss: give it one, or override training_step"
_NO_TARGETS = (
    "the batches have inputs only, and the loss needs targets: fit(inputs, targets), or override "
    "training_step"
)


class Trainer:
    """Trains a module, or a list of blocks, with a loss and an optimizer.

    model: a module; or blocks (modules, functions, names of activations) that run one after the
    other. loss, optimizer and scheduler: ready ones, or a class or function that makes them, or a
    name, or a pair like ("sgd", {"lr": 0.1}); several optimizers come in a dict. penalty: `l1`,
    `l2`, any function of the list of trained parameters, or a list of these. metrics: names or
    functions (outputs, targets), or a dict that names them. schedule: whether the scheduler goes on
    after each "epoch" or each "batch" that moved the weights, as OneCycleLR and CyclicLR do.

    >>> import rushlight as torch
    >>> from rushlight.training import Dense, Trainer
    >>> x = torch.linspace(-1, 1, 40).reshape(-1, 1)
    >>> trainer = Trainer([Dense(1, 16, "tanh"), Dense(16, 1, None)], "mse", ("adam", {"lr": 0.05}))
    >>> history = trainer.fit(x, x**2, epochs=60, batch_size=8, progress=False)
    >>> history[-1]["loss"] < 0.01
    True

    Override `training_step` for another way to learn from a batch; `update` does one step of one
    optimizer. A GAN has two, each of which moves its own part of the model alone:

    >>> class GAN(Trainer):
    ...     def training_step(self, batch):
    ...         real, made = batch, self.model.maker(torch.randn(len(batch), 2))
    ...         ones, zeros = torch.ones(len(batch), 1), torch.zeros(len(batch), 1)
    ...         judge = self.model.judge
    ...         caught = self.loss(judge(real), ones) + self.loss(judge(made.detach()), zeros)
    ...         self.update(caught, "judge")
    ...         fooled = self.loss(judge(made), ones)
    ...         self.update(fooled, "maker")
    ...         return {"judge": caught, "maker": fooled}
    >>> parts = torch.nn.ModuleDict({"maker": Dense(2, 1, None), "judge": Dense(1, 1, None)})
    >>> gan = GAN(parts, "bce_with_logits", {"maker": "adam", "judge": "adam"})
    >>> sorted(gan.fit(torch.randn(64, 1), epochs=2, progress=False)[-1])[:3]
    ['epoch', 'judge', 'lr_judge']
    """

    def __init__(
        self,
        model: Any,
        loss: Any = None,
        optimizer: Any = "adam",
        scheduler: Any = None,
        penalty: Penalty | Sequence[Penalty] | None = None,
        metrics: Any = None,
        *,
        schedule: str | None = None,
    ) -> None:
        self.model: nn.Module = as_module(model)
        self.loss: Any = names.loss(loss)
        self._elementwise = names.compares_elements(self.loss)
        self.optimizers = self._make_optimizers(optimizer)
        self.schedulers = self._make_schedulers(scheduler)
        if schedule not in (None, "epoch", "batch"):
            raise ValueError(f"schedule is 'epoch' or 'batch', not {schedule!r}")
        self.schedule = schedule
        self.penalties: list[Penalty] = penalties.listed(penalty)
        self.metrics: dict[str, Metric] = metrics_of(metrics)
        self.history = History()
        # Epochs that are finished; a callback may set stop to end the fit after the present one.
        self.epoch = 0
        self.stop = False
        self.means = Means()
        self.run = Run()
        # Of each optimizer: batches and samples whose gradients are added up and not yet used.
        self.waiting = {name: [0, 0] for name in self.optimizers}
        self._batch: Any = None
        self._size = 1

    # ---- to override ---------------------------------------------------------------------------

    def training_step(self, batch: Any) -> Logs:
        """Learn from one batch, and return numbers to average over the epoch and show."""
        inputs, targets = self.unpack(batch)
        outputs = self.outputs(inputs)
        loss = self.loss_of(outputs, targets)
        penalty = self.penalty()
        self.update(loss if penalty is None else loss + penalty)
        self.measure(outputs, targets)
        return {"loss": loss} if penalty is None else {"loss": loss, "penalty": penalty}

    def validation_step(self, batch: Any) -> Logs:
        """Judge one batch; called without gradients and in evaluation mode."""
        inputs, targets = self.unpack(batch)
        outputs = self.outputs(inputs)
        self.measure(outputs, targets)
        return {} if self.loss is None else {"loss": self.loss_of(outputs, targets)}

    # ---- the loop ------------------------------------------------------------------------------

    def _train(self, run: Run) -> None:
        while self.epoch < run.last_epoch and not self.stop:
            self.model.train()
            if run.batch == 0:
                self._begin_epoch(run)
            for batch in run.batches():
                for callback in run.callbacks:
                    callback.on_batch_begin(self, batch)
                self._batch, self._size = batch, size_of(batch)
                logs = logs_of(self.training_step(batch))
                self.means.add(logs, self._size)
                for callback in run.callbacks:
                    callback.on_batch_end(self, logs)
                if run.saves_now():
                    self.save(run.checkpoint)
            self._use_what_waits()
            row = {"epoch": self.epoch + 1, **self.running(), **self._rates()}
            if run.validation is not None and row["epoch"] % run.validate_every == 0:
                found = self.evaluate(run.validation)
                row |= {f"val_{name}": value for name, value in found.items()}
            self.history.append(row)
            self.epoch, run.batch, run.order = self.epoch + 1, 0, None
            self._step_schedules("epoch", row)
            for callback in run.callbacks:
                callback.on_epoch_end(self, row)
            if run.checkpoint is not None:
                self.save(run.checkpoint)

    def _begin_epoch(self, run: Run) -> None:
        self.means = Means()
        for metric in self.metrics.values():
            metric.reset()
        for callback in run.callbacks:
            callback.on_epoch_begin(self)

    def running(self) -> dict[str, float]:
        """Means and metrics over the batches of the epoch so far."""
        measured = {name: metric.compute() for name, metric in self.metrics.items()}
        return {**self.means.values(), **measured}

    # ---- what people call ----------------------------------------------------------------------

    def fit(
        self,
        data: Any,
        targets: Any = None,
        epochs: int = 1,
        batch_size: int = 32,
        *,
        validation: Any = None,
        validate_every: int = 1,
        shuffle: bool = True,
        drop_last: bool = False,
        num_workers: int = 0,
        clip_grad_norm: float | None = None,
        clip_grad_value: float | None = None,
        accumulate: int = 1,
        early_stopping: EarlyStopping | int | None = None,
        callbacks: Iterable[Callback] = (),
        checkpoint: Path | None = None,
        checkpoint_every: int | None = None,
        resume: bool | Path = False,
        progress: bool | str = True,
    ) -> History:
        """Train for some epochs, and return the history of all epochs so far.

        data, targets: arrays, tensors or lists (a tuple or dict of them for several inputs); or
        data alone: a Dataset of pairs, or a loader. shuffle, drop_last, batch_size and num_workers
        are for loaders made here. The last batch may be smaller than the others.

        validation: a pair (inputs, targets), a Dataset, a loader, or the fraction of the data to
        hold out (its end); it is judged every validate_every epochs. clip_grad_norm,
        clip_grad_value: limits for gradients. accumulate: batches to add up for a step of the
        optimizer, as if they were one. early_stopping: epochs to wait for a better validation loss,
        or an `EarlyStopping`.

        checkpoint: a file that is replaced, in one step, after each epoch and after every
        checkpoint_every batches. With resume=True (or the path of another checkpoint) a run that
        was interrupted goes on from there, to the same last bit; epochs counts those before it too.
        Without the file, the run begins: the same script starts and resumes. progress: True, False,
        "bar" or "lines".

        A loss that is nan or infinite is a RuntimeError, before anything was changed by it.
        """
        checks.settings(
            "fit", epochs=epochs, batch_size=batch_size, validate_every=validate_every,
            accumulate=accumulate, checkpoint_every=checkpoint_every, num_workers=num_workers,
            shuffle=shuffle, drop_last=drop_last, clip_grad_norm=clip_grad_norm,
            clip_grad_value=clip_grad_value,
        )  # fmt: skip
        source = checkpoints.to_resume(checkpoint, checkpoint_every, resume)
        unstopped = early_stopping is None or early_stopping is False
        stopping = [] if unstopped else [EarlyStopping.of(early_stopping)]
        callbacks = [*stopping, *checks.items("callbacks", callbacks, Callback)]
        dataset = feeding.dataset_of(data, targets, self._dtype())
        if validation is not None:
            dataset, validation = feeding.held_out(dataset, validation, self._dtype())
        self._check_needs(dataset, validation)
        if validation is not None:
            validation = feeding.loader_of(validation, batch_size, shuffle=False)
        loader = feeding.loader_of(
            dataset, batch_size, shuffle=shuffle, drop_last=drop_last, num_workers=num_workers
        )
        feeding.check_again(loader, epochs)
        run = Run(
            loader, validation, validate_every, clip_grad_norm, clip_grad_value, accumulate,
            [*callbacks, *progress_for(progress)], checkpoint, checkpoint_every,
            feeding.length_of(loader), self.epoch,
        )  # fmt: skip
        if run.batches_per_epoch == 0:
            raise ValueError(NO_BATCH)
        self._check_watched(run, None if source is not None else epochs)
        return self._go(run, epochs, source)

    def _go(self, run: Run, epochs: int, source: Path | None) -> History:
        earlier, self.run, self.stop = self.run, run, False
        self.waiting = {name: [0, 0] for name in self.optimizers}
        state = None
        try:
            if source is not None:
                state = checkpoints.read(source)
                checkpoints.restore(self, state)
        except BaseException:
            self.run = earlier
            raise
        run.last_epoch = run.first_epoch + epochs
        try:
            for callback in run.callbacks:
                callback.on_fit_begin(self)
            if state is not None:
                checkpoints.restore_callbacks(run.callbacks, state)
            self._train(run)
            for callback in run.callbacks:
                callback.on_fit_end(self)
        finally:
            for callback in run.callbacks:
                callback.close()
        return self.history

    def evaluate(self, data: Any, targets: Any = None, batch_size: int = 256) -> dict[str, float]:
        """Loss and metrics on data, in evaluation mode; the model is left as it is."""
        checks.settings("evaluate", batch_size=batch_size)
        dataset = feeding.dataset_of(data, targets, self._dtype())
        with self._judging():
            for batch in feeding.loader_of(dataset, batch_size, shuffle=False):
                self.means.add(logs_of(self.validation_step(batch)), size_of(batch))
            return self.running()

    def predict(self, data: Any, batch_size: int = 256) -> Any:
        """The outputs for arrays, tensors, a Dataset or a loader, in evaluation mode.

        A tuple or dict of arrays is several inputs. Of the samples of a Dataset or loader, which
        may have targets, only the inputs are used. Several outputs come as the model gives them: a
        tuple or dict of tensors.
        """
        checks.settings("predict", batch_size=batch_size)
        if isinstance(data, tuple | dict):
            dataset: Any = feeding.arrays(data, None, self._dtype())
        else:
            dataset = feeding.dataset_of(data, None, self._dtype())
        whole = isinstance(dataset, feeding.Arrays)
        with self._judging():
            parts = [
                self.outputs(batch if whole else self.unpack(batch)[0])
                for batch in feeding.loader_of(dataset, batch_size, shuffle=False)
            ]
        if not parts:
            raise ValueError(NO_BATCH)
        return feeding.joined(parts)

    def save(self, path: Any) -> None:
        """Save the whole state of the training; an old file stays until the new one is complete."""
        serialization.save(self.state_dict(), path)

    def load(self, path: Path) -> None:
        """Take over what `save` wrote. To go on within an epoch, use `fit(resume=path)`."""
        checks.existing("load", path)
        self.load_state_dict(checkpoints.read(path))

    def state_dict(self) -> dict[str, Any]:
        """Weights, optimizers, schedulers, random states, history and place in the run."""
        return checkpoints.capture(self)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a state; if it does not fit, nothing is changed."""
        checkpoints.restore(self, state)

    # ---- what is refused before any work ---------------------------------------------------------

    @property
    def _steps_itself(self) -> bool:
        """Whether training is done as this class does it, and no subclass in its own way."""
        return type(self).training_step is Trainer.training_step

    def _check_needs(self, data: Any, validation: Any) -> None:
        """Raise for data without targets, and for what only a loop of one's own can do."""
        if not self._steps_itself:
            return
        if self.loss is None:
            raise ValueError(_NO_LOSS)
        for given in (data, validation):
            if isinstance(given, feeding.Arrays) and given.targets is None:
                raise ValueError(_NO_TARGETS)
        for optimizer in self.optimizers.values():
            if isinstance(optimizer, optim.LBFGS):
                raise TypeError(
                    "LBFGS computes the loss several times in a step, which a Trainer does not: "
                    "take another optimizer, or override training_step"
                )

    def _check_watched(self, run: Run, epochs: int | None) -> None:
        """Raise for a callback that watches what will never be measured, as far as is known."""
        ours = all(type(c).__module__.startswith(__package__ or "") for c in run.callbacks)
        if not (self._steps_itself and ours):
            return
        names = ["loss", *(["penalty"] if self.penalties else []), *self.metrics, *self._rates()]
        if run.validates:
            last = None if epochs is None else self.epoch + epochs
            if last is None or last // run.validate_every > self.epoch // run.validate_every:
                names += ["val_loss", *(f"val_{name}" for name in self.metrics)]
        for callback in run.callbacks:
            callback.check(self, run, names)

    # ---- the parts of a step -------------------------------------------------------------------

    def unpack(self, batch: Any) -> tuple[Any, Any]:
        """Inputs and targets of a batch: its last item is the targets, if it has several."""
        return feeding.unpacked(batch)

    def outputs(self, inputs: Any) -> Any:
        """The model applied to inputs: a tuple is several arguments, a dict named ones."""
        if isinstance(inputs, tuple):
            return self.model(*inputs)
        if isinstance(inputs, Mapping):
            return self.model(**inputs)
        return self.model(inputs)

    def loss_of(self, outputs: Any, targets: Any) -> Tensor:
        """The loss, without penalties."""
        if self.loss is None:
            raise ValueError(_NO_LOSS)
        if targets is None:
            raise ValueError(_NO_TARGETS)
        if self._elementwise and outputs.shape != targets.shape:
            names.refuse_shapes(outputs, targets)
        loss: Any = self.loss(outputs, targets)
        if not isinstance(loss, Tensor):
            raise TypeError(
                f"the loss gave {loss!r}: it must give a tensor that is computed from the outputs"
            )
        return loss

    def penalty(self) -> Tensor | None:
        """The sum of all penalties on the parameters that are trained; None if there are none."""
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        if not self.penalties:
            return None
        values = [penalty(parameters) for penalty in self.penalties]
        for value in values:
            if not isinstance(value, Tensor | float | int):
                raise TypeError(f"a penalty gave {value!r}: it must give one number")
        total: Any = sum(values)
        return total

    def measure(self, outputs: Any, targets: Any) -> None:
        """Let the metrics take in a batch."""
        if self.metrics:
            with no_grad():
                seen = outputs.detach() if isinstance(outputs, Tensor) else outputs
                for metric in self.metrics.values():
                    metric.update(seen, targets)

    def update(
        self, loss: Tensor, optimizer: str | None = None, *, retain_graph: bool = False
    ) -> None:
        """One step against the gradient of a loss, of one optimizer or of all.

        With several optimizers, only the parameters of the one that is named get gradients. With
        `accumulate`, gradients are added up until there are enough batches.
        """
        self._check_finite(loss)
        chosen = list(self.optimizers) if optimizer is None else [optimizer]
        for name in chosen:
            if name not in self.optimizers:
                raise ValueError(f"there is no optimizer {name!r}; there is {[*self.optimizers]}")
            if self.waiting[name][0] == 0:
                self.optimizers[name].zero_grad()
        if self.run.accumulate > 1:
            loss = loss * self._size
        only = None
        if len(self.optimizers) > 1:
            only = [p for name in chosen for p in self._parameters(name) if p.requires_grad]
        loss.backward(retain_graph=retain_graph, inputs=only)
        for name in chosen:
            self.waiting[name][0] += 1
            self.waiting[name][1] += self._size
            if self.waiting[name][0] >= self.run.accumulate:
                self._step(name)

    def _step(self, name: str) -> None:
        run, parameters = self.run, self._parameters(name)
        samples = self.waiting[name][1]
        self.waiting[name] = [0, 0]
        if run.accumulate > 1:
            for p in parameters:
                if p.grad is not None:
                    p.grad.div_(samples)
        if run.clip_grad_value is not None:
            nn.utils.clip_grad_value_(parameters, run.clip_grad_value)
        if run.clip_grad_norm is not None:
            nn.utils.clip_grad_norm_(parameters, run.clip_grad_norm, error_if_nonfinite=True)
        self.optimizers[name].step()
        self._step_schedules("batch", only=name)

    def _use_what_waits(self) -> None:
        for name, (batches, _) in self.waiting.items():
            if batches:
                self._step(name)

    def _check_finite(self, loss: Tensor) -> None:
        if loss.numel() != 1:
            raise RuntimeError(
                f"the loss has shape {list(loss.shape)}: reduce it to one number, with .mean() for "
                "instance"
            )
        value = float(loss.detach())
        if math.isfinite(value):
            return
        bad = sum(int((~t.isfinite()).sum()) for t in feeding.floats(self._batch))
        where = (
            f"the batch has {bad} values that are nan or infinite: clean the data"
            if bad
            else "the batch itself is finite: try a smaller learning rate or clip_grad_norm, or "
            "find the operation with torch.autograd.detect_anomaly()"
        )
        raise RuntimeError(
            f"the loss is {value} in epoch {self.epoch + 1}, batch {self.run.batch}; {where}. "
            "Nothing was updated by this batch"
        )

    # ---- optimizers and schedules --------------------------------------------------------------

    @property
    def optimizer(self) -> optim.Optimizer:
        """The only optimizer."""
        if len(self.optimizers) > 1:
            raise AttributeError(f"there are several: trainer.optimizers has {[*self.optimizers]}")
        return next(iter(self.optimizers.values()))

    def _make_optimizers(self, given: Any) -> dict[str, optim.Optimizer]:
        if not isinstance(given, Mapping):
            made = {"": names.optimizer(given, self.model.parameters())}
        else:
            if not given:
                raise ValueError("optimizer: an empty dict has no optimizer to train with")
            made = {name: names.optimizer(g, self._part(name, g)) for name, g in given.items()}
        mine = {id(p) for p in self.model.parameters()}
        for name, optimizer in made.items():
            used = [p for group in optimizer.param_groups for p in group["params"]]
            if not any(id(p) in mine for p in used):
                raise ValueError(
                    f"the optimizer {name or type(optimizer).__name__} has no parameter of this "
                    "model: make it from model.parameters()"
                )
        return made

    def _part(self, name: str, given: Any) -> Any:
        """The parameters of the part of the model that has an optimizer's name."""
        if isinstance(given, optim.Optimizer):
            return ()
        part = dict(self.model.named_children()).get(name)
        if part is None:
            known = [child for child, _ in self.model.named_children()]
            raise ValueError(
                f"the model has no part called {name!r} for the optimizer of that name; it has "
                f"{known}"
            )
        return part.parameters()

    def _make_schedulers(self, given: Any) -> dict[str, Any]:
        if given is None:
            return {}
        if not isinstance(given, Mapping):
            if len(self.optimizers) > 1:
                raise ValueError(
                    "which optimizer is the scheduler for? Give a dict with keys of "
                    f"{[*self.optimizers]}"
                )
            given = dict.fromkeys(self.optimizers, given)
        made = {}
        for name, g in given.items():
            if name not in self.optimizers:
                raise ValueError(
                    f"there is no optimizer {name!r} to schedule; there is {[*self.optimizers]}"
                )
            made[name] = names.scheduler(g, self.optimizers[name])
            if made[name].optimizer is not self.optimizers[name]:
                raise ValueError("the scheduler changes another optimizer than the trainer's")
        return made

    def _step_schedules(
        self, when: str, row: Mapping[str, Any] | None = None, only: str | None = None
    ) -> None:
        for name, scheduler in self.schedulers.items():
            usual = "batch" if isinstance(scheduler, _STEPWISE) else "epoch"
            if when != (self.schedule or usual) or only not in (None, name):
                continue
            if not isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
                scheduler.step()
            elif row is not None:
                watched = "val_loss" if self.run.validates else "loss"
                if watched in row:
                    scheduler.step(row[watched])

    def _rates(self) -> dict[str, float]:
        return {
            f"lr_{name}" if name else "lr": float(optimizer.param_groups[0]["lr"])
            for name, optimizer in self.optimizers.items()
        }

    def _parameters(self, name: str) -> list[Tensor]:
        return [p for group in self.optimizers[name].param_groups for p in group["params"]]

    def _dtype(self) -> dtypes.dtype:
        """The type of the numbers that the model computes in."""
        for p in self.model.parameters():
            if p.is_floating_point():
                return p.dtype
        return dtypes.get_default_dtype()

    @contextmanager
    def _judging(self) -> Iterator[None]:
        """Evaluation mode, no gradients, and means and metrics of its own."""
        modes = {module: module.training for module in self.model.modules()}
        means, metrics = self.means, self.metrics
        self.means, self.metrics = Means(), copy.deepcopy(metrics)
        for metric in self.metrics.values():
            metric.reset()
        self.model.eval()
        try:
            with no_grad():
                yield
        finally:
            self.means, self.metrics = means, metrics
            for module, mode in modes.items():
                module.training = mode
