"""SummaryWriter: what a training logs for TensorBoard."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any

import numpy as np

from rushlight.errors import require
from rushlight.utils.tensorboard import summaries
from rushlight.utils.tensorboard.kinds import MoreKinds

_event: Any = require("tensorboard.compat.proto.event_pb2", extra="tensorboard")
_event_file: Any = require("tensorboard.summary.writer.event_file_writer", extra="tensorboard")


class FileWriter:
    """Writes messages that are made already into a file of events."""

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str = "",
        event_writer: Any = None,
    ) -> None:
        self.event_writer = event_writer or _event_file.EventFileWriter(
            os.fspath(log_dir), max_queue, flush_secs, filename_suffix
        )

    def get_logdir(self) -> str:
        """The folder that the events go to."""
        return str(self.event_writer.get_logdir())

    def add_event(self, event: Any, step: int | None = None, walltime: float | None = None) -> None:
        """Write an event, at a step."""
        event.wall_time = time.time() if walltime is None else walltime
        if step is not None:
            event.step = int(step)
        self.event_writer.add_event(event)

    def add_summary(
        self, summary: Any, global_step: int | None = None, walltime: float | None = None
    ) -> None:
        """Write what is shown at a step."""
        self.add_event(_event.Event(summary=summary), global_step, walltime)

    def flush(self) -> None:
        """Hand all events to the system."""
        self.event_writer.flush()

    def close(self) -> None:
        """Write what is left and end the file."""
        self.event_writer.close()


class SummaryWriter(MoreKinds):
    """Writes a file of events into log_dir (a new folder in `runs` if it is not given).

    `tensorboard --logdir runs` shows it. Every value has a tag, whose part before a slash groups it,
    and a step. purge_step: steps from there on, of a run that crashed, are hidden. A thread writes:
    values wait in a queue of max_queue, and go to the system every flush_secs.

    >>> import tempfile
    >>> with SummaryWriter(tempfile.mkdtemp()) as writer:
    ...     for step in range(3):
    ...         writer.add_scalar("loss/train", 1 / (step + 1), step)
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str = "",
    ) -> None:
        if not log_dir:
            now = datetime.now().strftime("%b%d_%H-%M-%S")
            log_dir = os.path.join("runs", f"{now}_{socket.gethostname()}{comment}")
        self.log_dir = os.fspath(log_dir)
        self.purge_step = purge_step
        self.max_queue = max_queue
        self.flush_secs = flush_secs
        self.filename_suffix = filename_suffix
        # By folder: the writer's own, and one for each line of add_scalars.
        self._files: dict[str, Any] = {}
        self._file()

    def _file(self, folder: str | None = None) -> Any:
        folder = folder or self.log_dir
        file = self._files.get(folder)
        if file is None:
            file = self._files[folder] = _event_file.EventFileWriter(
                folder, self.max_queue, self.flush_secs, self.filename_suffix
            )
            if self.purge_step is not None and folder == self.log_dir:
                step, start = self.purge_step, {"status": "START"}
                file.add_event(_event.Event(step=step, file_version="brain.Event:2"))
                file.add_event(_event.Event(step=step, session_log=start))
                self.purge_step = None
        return file

    def _get_file_writer(self) -> FileWriter:
        return FileWriter(self.log_dir, event_writer=self._file())

    @property
    def file_writer(self) -> FileWriter:
        """What writes into its folder."""
        return self._get_file_writer()

    @property
    def all_writers(self) -> dict[str, FileWriter]:
        """What writes, by folder."""
        return {
            folder: FileWriter(folder, event_writer=file) for folder, file in self._files.items()
        }

    def _add(
        self, summary: Any, step: Any, walltime: float | None, folder: str | None = None
    ) -> None:
        when = time.time() if walltime is None else walltime
        number = None if step is None else int(summaries.number_of(step))
        event = _event.Event(wall_time=when, step=number, summary=summary)
        self._file(folder).add_event(event)

    def get_logdir(self) -> str:
        """The folder that the events go to."""
        return self.log_dir

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """A number: a tensor of one element, or what float() takes."""
        value = summaries.scalar(tag, scalar_value, new_style, double_precision)
        self._add(value, global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Several numbers in one chart; each gets a folder of its own."""
        when = time.time() if walltime is None else walltime
        for tag, number in tag_scalar_dict.items():
            folder = os.path.join(self.log_dir, f"{main_tag}_{tag}".replace("/", "_"))
            value = summaries.scalar(main_tag, number, False, False)
            self._add(value, global_step, when, folder)

    def add_text(
        self,
        tag: str,
        text_string: str,
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Text, shown as Markdown."""
        if not isinstance(text_string, str):
            raise TypeError(f"add_text: expected text, got {type(text_string).__name__}: use str()")
        self._add(summaries.text(tag, text_string), global_step, walltime)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: int | None = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """How values are distributed, of a tensor of weights for instance."""
        self._add(summaries.histogram(tag, values, bins, max_bins), global_step, walltime)

    def add_histogram_raw(
        self,
        tag: str,
        min: float,
        max: float,
        num: int,
        sum: float,
        sum_squares: float,
        bucket_limits: Any,
        bucket_counts: Any,
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """A histogram that is counted already: upper limits of its buckets, and what is in them."""
        value = summaries.raw_histogram(
            tag, min, max, num, sum, sum_squares, bucket_limits, bucket_counts
        )
        self._add(value, global_step, walltime)

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """An image: floats from 0 to 1 or bytes; dataformats says what its dimensions are."""
        self._add(summaries.image(tag, img_tensor, dataformats), global_step, walltime)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """A batch of images, in a grid."""
        self._add(summaries.image(tag, img_tensor, dataformats), global_step, walltime)

    def add_figure(
        self,
        tag: str,
        figure: Any,
        global_step: int | None = None,
        close: bool = True,
        walltime: float | None = None,
    ) -> None:
        """A figure of matplotlib, or a list of them, as an image."""
        agg = require("matplotlib.backends.backend_agg", extra="demo")
        figures = figure if isinstance(figure, list) else [figure]
        pictures = []
        for one in figures:
            canvas = agg.FigureCanvasAgg(one)
            canvas.draw()
            pictures.append(np.asarray(canvas.buffer_rgba())[..., :3].copy())
        value = summaries.image(tag, np.stack(pictures), "NHWC")
        self._add(value, global_step, walltime)
        pyplot = sys.modules.get("matplotlib.pyplot")
        if close and pyplot is not None:
            for one in figures:
                pyplot.close(one)

    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        hparam_domain_discrete: Mapping[str, Any] | None = None,
        run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """The settings of a run and what came of them, in a folder of their own.

        hparam_domain_discrete has the values that settings may take.
        """
        domains = hparam_domain_discrete or {}
        values = list(summaries.hparams(hparam_dict, metric_dict, domains))
        values += [summaries.scalar(tag, v, False, False) for tag, v in metric_dict.items()]
        folder = os.path.join(self.log_dir, run_name or str(time.time()))
        for value in values:
            self._add(value, global_step, None, folder)
        self._files.pop(folder).close()

    def add_graph(
        self,
        model: Any,
        input_to_model: Any = None,
        verbose: bool = False,
        use_strict_trace: bool = True,
    ) -> None:
        """What a call of the model does with this input: its operations, in their modules, with shapes."""
        from rushlight.visual.recorded import run_call

        given = input_to_model if isinstance(input_to_model, list | tuple) else (input_to_model,)
        run = run_call(model, given, {})
        content = summaries.graph(model, list(run.roots)).SerializeToString()
        self._file().add_event(_event.Event(wall_time=time.time(), graph_def=content))

    def flush(self) -> None:
        """Hand all values to the system."""
        for file in self._files.values():
            file.flush()

    def close(self) -> None:
        """Write what is left and end the files; what is added later goes to new ones."""
        while self._files:
            self._files.popitem()[1].close()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
