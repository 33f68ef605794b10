"""SummaryWriter: numbers, histograms, pictures and text for TensorBoard."""

from __future__ import annotations

import datetime
import io
import math
import os
import socket
import weakref
from typing import Any

import numpy as np

from rushlight.errors import require
from rushlight.utils.tensorboard import events
from rushlight.utils.tensorboard.events import EventFile

Array = np.ndarray[Any, Any]


class SummaryWriter:
    """Writes an events file into log_dir (`runs/TIME_HOST` unless given) for TensorBoard to show.

    Events are written ten (max_queue) at a time, after flush_secs, at `flush()` and `close()`, and
    at the end of the program.

    >>> import tempfile
    >>> with SummaryWriter(tempfile.mkdtemp()) as writer:
    ...     for step in range(3):
    ...         writer.add_scalar("loss", 1 / (step + 1), step)
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
            now = datetime.datetime.now().strftime("%b%d_%H-%M-%S")
            log_dir = os.path.join("runs", f"{now}_{socket.gethostname()}{comment}")
        self.log_dir = str(log_dir)
        self.purge_step = purge_step
        self._options = (max_queue, flush_secs, filename_suffix)
        self._files: dict[str, EventFile] = {}
        # At the end of the program, or of the writer.
        weakref.finalize(self, _flush_all, self._files)
        self._file(self.log_dir)

    def _file(self, folder: str) -> EventFile:
        if folder not in self._files:
            self._files[folder] = EventFile(folder, *self._options)
        return self._files[folder]

    def _add(self, summary: bytes, step: int | None, walltime: float | None) -> None:
        self._file(self.log_dir).add(summary, step, walltime)

    def get_logdir(self) -> str:
        """Where the events go."""
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
        """One number. A tensor or array must have one element."""
        self._add(events.scalar(tag, _number(scalar_value)), global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: dict[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Several numbers into one diagram; each gets a folder of its own."""
        for tag, value in tag_scalar_dict.items():
            folder = f"{self.log_dir}/{main_tag.replace('/', '_')}_{tag}"
            summary = events.scalar(main_tag, _number(value))
            self._file(folder).add(summary, global_step, walltime)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: int | None = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """The distribution of many numbers; bins as in NumPy, or "tensorflow" for growing ones."""
        array = np.asarray(_plain(values), np.float64).ravel()
        if array.size == 0:
            raise ValueError("The input has no element.")
        if isinstance(bins, str) and bins == "tensorflow":
            bins = _growing_bins()
        counts, limits = np.histogram(array, bins=bins)
        if max_bins is not None and len(counts) > max_bins:
            together = math.ceil(len(counts) / max_bins)
            counts = np.add.reduceat(counts, np.arange(0, len(counts), together))
            limits = np.append(limits[:-1:together], limits[-1])
        counts, limits = _occupied(counts, limits)
        moments = (array.min(), array.max(), array.size, array.sum(), (array * array).sum())
        summary = events.histogram(tag, moments, limits, counts)
        self._add(summary, global_step, walltime)

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """One picture: bytes, or floats from 0 to 1, with the axes in the order of dataformats."""
        pixels = _pixels(_plain(img_tensor), dataformats)
        height, width, _ = pixels.shape
        self._add(events.image(tag, height, width, _png(pixels)), global_step, walltime)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """A batch of pictures, side by side."""
        self.add_image(tag, img_tensor, global_step, walltime, dataformats)

    def add_figure(
        self,
        tag: str,
        figure: Any,
        global_step: int | None = None,
        close: bool = True,
        walltime: float | None = None,
    ) -> None:
        """A figure of matplotlib, or several side by side."""
        figures = figure if isinstance(figure, list) else [figure]
        rendered = []
        for one in figures:
            one.canvas.draw()
            rendered.append(np.asarray(one.canvas.buffer_rgba())[..., :3])
            if close:
                require("matplotlib.pyplot", extra="demo").close(one)
        self.add_image(tag, np.stack(rendered), global_step, walltime, dataformats="NHWC")

    def add_text(
        self,
        tag: str,
        text_string: str,
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Text, shown as Markdown."""
        self._add(events.words(tag, text_string), global_step, walltime)

    def flush(self) -> None:
        """Write everything that waits."""
        _flush_all(self._files)

    def close(self) -> None:
        """Write everything that waits; what is added later starts new files."""
        self.flush()
        self._files.clear()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _flush_all(files: dict[str, EventFile]) -> None:
    for file in files.values():
        file.flush()


def _plain(value: Any) -> Array:
    return value.detach().numpy() if hasattr(value, "detach") else np.asarray(value)


def _number(value: Any) -> float:
    array = _plain(value)
    if array.size != 1:
        raise AssertionError(f"Tensor should contain one element, got shape {array.shape}")
    return float(array.reshape(()))


def _growing_bins() -> list[float]:
    """Limits that grow by a tenth, up to 1e20, on both sides of 0."""
    limits = [1e-12]
    while limits[-1] < 1e20:
        limits.append(limits[-1] * 1.1)
    positive = [limit for limit in limits if limit < 1e20]
    return [-limit for limit in reversed(positive)] + [0.0] + positive


def _occupied(counts: Array, limits: Array) -> tuple[Array, Array]:
    """The buckets from the first to the last one that is not empty, with an empty one before."""
    filled = np.flatnonzero(counts)
    first, last = (int(filled[0]), int(filled[-1]) + 1) if filled.size else (0, len(counts))
    if first > 0:
        return counts[first - 1 : last], limits[first : last + 1]
    return np.concatenate([[0], counts[:last]]), limits[first : last + 1]


def _pixels(array: Array, axes: str) -> Array:
    """(height, width, 3) bytes from an array whose axes are named, N of several pictures."""
    names = axes.upper()
    if len(names) != array.ndim or len(set(names)) != len(names) or not set(names) <= set("NCHW"):
        raise AssertionError(
            f"size of input tensor and input format are different: tensor shape {array.shape}, "
            f"input_format {axes}"
        )
    for name in "NC":
        if name not in names:
            array, names = array[None], name + names
    batch = array.transpose([names.index(name) for name in "NHWC"])
    if batch.shape[-1] == 1:
        batch = np.repeat(batch, 3, -1)
    if batch.shape[-1] not in (3, 4):
        raise AssertionError(f"a picture has 1, 3 or 4 channels, got shape {array.shape} as {axes}")
    if batch.dtype != np.uint8:
        batch = np.clip(batch.astype(np.float32) * 255, 0, 255).astype(np.uint8)
    return _side_by_side(batch[..., :3])


def _side_by_side(batch: Array) -> Array:
    count, height, width, channels = batch.shape
    columns = min(count, 8)
    rows = -(-count // columns)
    grid = np.zeros((rows * columns, height, width, channels), batch.dtype)
    grid[:count] = batch
    grid = grid.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return grid.reshape(rows * height, columns * width, channels)


def _png(pixels: Array) -> bytes:
    out = io.BytesIO()
    size = pixels.shape[1::-1]
    picture = require("PIL.Image", extra="vision").frombytes("RGB", size, pixels.tobytes())
    picture.save(out, format="PNG")
    return out.getvalue()
