"""torch.utils.tensorboard.summary: what an event shows, as the messages that libraries add themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rushlight.utils.tensorboard import summaries
from rushlight.utils.tensorboard.kinds import MoreKinds

__all__ = [
    "audio", "custom_scalars", "histogram", "histogram_raw", "hparams", "image", "image_boxes", "mesh", "pr_curve",
    "pr_curve_raw", "scalar", "tensor_proto", "text", "video",
]  # fmt: skip


class _Kept(MoreKinds):
    """Keeps the message that a writer would write."""

    log_dir = ""
    found: Any = None

    def _add(
        self, summary: Any, step: Any, walltime: float | None, folder: str | None = None
    ) -> None:
        self.found = summary


def _made(add: Callable[..., None], *args: Any, **options: Any) -> Any:
    kept = _Kept()
    add(kept, *args, **options)
    return kept.found


def scalar(
    tag: str, tensor: Any, collections: Any = None, new_style: bool = False, double_precision: bool = False
) -> Any:  # fmt: skip
    """A number."""
    return summaries.scalar(tag, tensor, new_style, double_precision)


def text(tag: str, text: str) -> Any:
    """Text in Markdown."""
    return summaries.text(tag, text)


def histogram(name: str, values: Any, bins: Any, max_bins: int | None = None) -> Any:
    """How often values fall into bins."""
    return summaries.histogram(name, values, bins, max_bins)


def histogram_raw(
    name: str, min: Any, max: Any, num: Any, sum: Any, sum_squares: Any, bucket_limits: Any, bucket_counts: Any
) -> Any:  # fmt: skip
    """A histogram that is counted already."""
    return summaries.raw_histogram(
        name, min, max, num, sum, sum_squares, bucket_limits, bucket_counts
    )


def image(tag: str, tensor: Any, rescale: float = 1, dataformats: str = "NCHW") -> Any:
    """An image or several in a grid."""
    return summaries.image(tag, tensor, dataformats)


def image_boxes(
    tag: str, tensor_image: Any, tensor_boxes: Any, rescale: float = 1, dataformats: str = "CHW",
    labels: Sequence[str] | None = None,
) -> Any:  # fmt: skip
    """An image with frames in it."""
    options = {"rescale": rescale, "dataformats": dataformats, "labels": labels}
    return _made(_Kept.add_image_with_boxes, tag, tensor_image, tensor_boxes, **options)


def audio(tag: str, tensor: Any, sample_rate: int = 44100) -> Any:
    """Sound of one channel."""
    return _made(_Kept.add_audio, tag, tensor, sample_rate=sample_rate)


def video(tag: str, tensor: Any, fps: float = 4) -> Any:
    """Films, side by side."""
    return _made(_Kept.add_video, tag, tensor, fps=fps)


def tensor_proto(tag: str, tensor: Any) -> Any:
    """A tensor as it is."""
    return _made(_Kept.add_tensor, tag, tensor)


def custom_scalars(layout: Mapping[str, Any]) -> Any:
    """Charts of several scalars."""
    return _made(_Kept.add_custom_scalars, layout)


def pr_curve(
    tag: str, labels: Any, predictions: Any, num_thresholds: int = 127, weights: Any = None
) -> Any:
    """Precision and recall for each threshold."""
    return _made(_Kept.add_pr_curve, tag, labels, predictions, None, num_thresholds, weights)


def pr_curve_raw(
    tag: str, tp: Any, fp: Any, tn: Any, fn: Any, precision: Any, recall: Any,
    num_thresholds: int = 127, weights: Any = None,
) -> Any:  # fmt: skip
    """A curve of precision and recall that is counted already."""
    rows = (tp, fp, tn, fn, precision, recall)
    return _made(_Kept.add_pr_curve_raw, tag, *rows, None, num_thresholds)


def mesh(
    tag: str, vertices: Any, colors: Any, faces: Any, config_dict: Any,
    display_name: Any = None, description: Any = None,
) -> Any:  # fmt: skip
    """A mesh, or a cloud of points."""
    return _made(_Kept.add_mesh, tag, vertices, colors, faces, config_dict)


def hparams(
    hparam_dict: Any = None, metric_dict: Any = None, hparam_domain_discrete: Any = None
) -> tuple[Any, Any, Any]:
    """The three messages that tell of the settings of a run and what they led to: experiment, start and end."""
    experiment, start, end = summaries.hparams(
        hparam_dict, metric_dict, hparam_domain_discrete or {}
    )
    return experiment, start, end
