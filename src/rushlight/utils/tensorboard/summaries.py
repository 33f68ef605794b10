"""What an event shows, as messages: numbers, text, histograms, images, hyperparameters, graphs."""

from __future__ import annotations

import functools
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from rushlight._tensor import Tensor
from rushlight.core.tensor import Array
from rushlight.utils.tensorboard.events import Single, message

_DT_STRING, _DT_FLOAT, _DT_DOUBLE = 7, 1, 2
_TYPE_STRING, _TYPE_NUMBER = 1, 3
_SUCCESS = 1


def array_of(values: Any) -> Array:
    """The values of a tensor, an array, a number or a sequence as an array."""
    if isinstance(values, Tensor):
        return values.detach().numpy()
    array = np.asarray(values)
    if array.dtype.kind not in "fiubc":
        raise TypeError(f"expected numbers, an array or a tensor, got {type(values).__name__}")
    return array


def number_of(value: Any) -> float:
    """A single number."""
    array = array_of(value)
    if array.size != 1:
        raise ValueError(f"expected one number, got {array.size}: add_histogram takes many")
    return float(array.reshape(()))


def summary(tag: str, *fields: tuple[int, Any]) -> bytes:
    """A summary with one value under a tag."""
    return message((1, message((1, tag), *fields)))


def plugin(name: str, content: bytes = b"") -> tuple[int, bytes]:
    """The field that says which of TensorBoard's plugins shows a value."""
    return 9, message((1, message((1, name), (2, content))))


def scalar(tag: str, value: Any, new_style: bool, double_precision: bool) -> bytes:
    """A number."""
    number = number_of(value)
    if not new_style:
        return summary(tag, (2, Single(number)))
    if double_precision:
        tensor = message((1, _DT_DOUBLE), (6, [number]))
    else:
        tensor = message((1, _DT_FLOAT), (5, struct.pack("<f", number)))
    return summary(tag, (8, tensor), plugin("scalars"))


def text(tag: str, content: str) -> bytes:
    """Text in Markdown."""
    one = message((2, message((1, 1))))
    tensor = message((1, _DT_STRING), (2, one), (8, content))
    return summary(f"{tag}/text_summary", (8, tensor), plugin("text"))


# ---- histograms ----------------------------------------------------------------------------------


@functools.cache
def default_edges() -> Array:
    """Bins that grow by a tenth, from 1e-12 to 1e20, on both sides of zero."""
    positive = [1e-12]
    while positive[-1] * 1.1 < 1e20:
        positive.append(positive[-1] * 1.1)
    return np.array([*(-e for e in reversed(positive)), 0.0, *positive])


def histogram(tag: str, values: Any, bins: Any, max_bins: int | None) -> bytes:
    """How often values fall into bins; bins: "tensorflow" or what NumPy's histogram takes."""
    array = array_of(values).astype(np.float64).reshape(-1)
    if not array.size:
        raise ValueError("The input has no element.")
    edges = default_edges() if isinstance(bins, str) and bins == "tensorflow" else bins
    counts, edges = np.histogram(array, bins=edges)
    if max_bins is not None and len(counts) > max_bins:
        together = len(counts) // max_bins
        starts = np.arange(0, len(counts), together)
        counts, edges = np.add.reduceat(counts, starts), np.append(edges[starts], edges[-1])
    filled = np.flatnonzero(counts)
    if not filled.size:
        raise ValueError("none of the values lies in the bins: are there any finite ones?")
    first, last = filled[0], filled[-1] + 1
    # A bucket is known by its upper limit, so an empty one stands before the first.
    limits = edges[first : last + 1]
    numbers = [0.0, *counts[first:last].astype(float)]
    return raw_histogram(
        tag, array.min(), array.max(), len(array), array.sum(), array @ array, limits, numbers
    )


def raw_histogram(
    tag: str, low: Any, high: Any, num: Any, total: Any, squares: Any, limits: Any, counts: Any
) -> bytes:
    """A histogram that is counted already."""
    if len(limits) != len(counts):
        raise ValueError(
            f"len(bucket_limits) != len(bucket_counts): {len(limits)} and {len(counts)}"
        )
    facts = (float(fact) for fact in (low, high, num, total, squares))
    return summary(tag, (5, message(*enumerate(facts, 1), (6, limits), (7, counts))))


# ---- images --------------------------------------------------------------------------------------


def image(tag: str, values: Any, dataformats: str) -> bytes:
    """An image or several in a grid; floats from 0 to 1, or bytes from 0 to 255."""
    pixels = _rows_columns_colors(array_of(values), dataformats.upper())
    if pixels.dtype != np.uint8:
        pixels = np.clip(pixels.astype(np.float64) * 255, 0, 255).astype(np.uint8)
    height, width, colors = pixels.shape
    return summary(tag, (4, message((1, height), (2, width), (3, colors), (4, png(pixels)))))


def _rows_columns_colors(array: Array, order: str) -> Array:
    if len(set(order)) != len(order) or not {"H", "W"} <= set(order) <= set("NCHW"):
        raise ValueError(f"dataformats {order!r} must name H and W, and C and N if there are any")
    if len(order) != array.ndim:
        raise ValueError(
            f"size of input tensor and input format are different. tensor shape: {array.shape}, "
            f"input_format: {order}"
        )
    kept = [letter for letter in "NHWC" if letter in order]
    array = array.transpose([order.index(letter) for letter in kept])
    if "C" not in order:
        array = array[..., None]
    if "N" in order:
        array = _grid(array)
    if array.shape[-1] == 1:
        array = np.repeat(array, 3, -1)
    if array.shape[-1] not in (3, 4):
        raise ValueError(f"an image has 1, 3 or 4 channels, not {array.shape[-1]}: see dataformats")
    return array


def _grid(images: Array) -> Array:
    """Images side by side, eight in a row."""
    count, height, width, colors = images.shape
    columns = min(count, 8)
    rows = -(-count // columns)
    grid = np.zeros((rows * columns, height, width, colors), images.dtype)
    grid[:count] = images
    grid = grid.reshape(rows, columns, height, width, colors).transpose(0, 2, 1, 3, 4)
    return grid.reshape(rows * height, columns * width, colors)


def png(pixels: Array) -> bytes:
    """The PNG file of (height, width, 3 or 4) bytes."""
    height, width, colors = pixels.shape

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    # Eight bits for a color; type 2 is red, green, blue, and type 6 has opacity too.
    head = struct.pack(">IIBBBBB", width, height, 8, 2 if colors == 3 else 6, 0, 0, 0)
    # Each row begins with the number of its filter: 0, none.
    rows = np.zeros((height, 1 + width * colors), np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)
    body = zlib.compress(rows.tobytes())
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


# ---- hyperparameters -----------------------------------------------------------------------------


def hparams(settings: Mapping[str, Any], metrics: Mapping[str, Any]) -> Iterator[bytes]:
    """The summaries that announce hyperparameters and the metrics they led to."""
    for kind, given in (("hparam_dict", settings), ("metric_dict", metrics)):
        if not isinstance(given, Mapping):
            raise TypeError(f"{kind} should be a dictionary, not a {type(given).__name__}")
    known = {name: _setting(name, value) for name, value in settings.items()}
    infos = [(4, message((1, name), (4, kind))) for name, (kind, _) in known.items()]
    infos += [(5, message((1, message((2, tag))))) for tag in metrics]
    start = [(1, message((1, name), (2, value))) for name, (_, value) in known.items()]
    parts = {
        "experiment": (2, message(*infos)),
        "session_start_info": (3, message(*start)),
        "session_end_info": (4, message((1, _SUCCESS))),
    }
    for name, part in parts.items():
        yield summary(f"_hparams_/{name}", plugin("hparams", message(part)))


def _setting(name: str, value: Any) -> tuple[int, bytes]:
    """Type and value of a hyperparameter; the value is a message of Google's Struct."""
    if isinstance(value, str):
        return _TYPE_STRING, message((3, value))
    if isinstance(value, bool | int | float | np.generic | Tensor):
        return _TYPE_NUMBER, message((2, number_of(value)))
    raise ValueError(
        "value should be one of int, float, str, bool, or torch.Tensor; the hyperparameter "
        f"{name!r} is a {type(value).__name__}"
    )


# ---- graphs --------------------------------------------------------------------------------------


def graph(outputs: list[Any], names: Mapping[int, str]) -> bytes:
    """The operations behind tensors; names has those of parameters, by id."""
    nodes: dict[Any, str] = {}
    entries: list[bytes] = []
    waiting = [tensor.grad_fn for tensor in outputs if tensor.grad_fn is not None]
    for node in waiting:
        if node in nodes:
            continue
        nodes[node] = _node_name(node, names, len(nodes))
        waiting += [inner for inner, _ in node.next_functions if inner is not None]
    for node, name in nodes.items():
        inputs = [nodes[inner] for inner, _ in node.next_functions if inner is not None]
        entries.append(_entry(name, node.name(), inputs))
    for number, tensor in enumerate(outputs):
        inputs = [] if tensor.grad_fn is None else [nodes[tensor.grad_fn]]
        entries.append(_entry(f"output/{number}", "IO Node", inputs))
    return message(*((1, entry) for entry in entries), (4, message((1, 22))))


def _node_name(node: Any, names: Mapping[int, str], number: int) -> str:
    leaf = getattr(node, "variable", None)
    if leaf is not None:
        return "parameters/" + names.get(id(leaf), f"leaf_{number}")
    return f"{node.name().removesuffix('Backward0')}_{number}"


def _entry(name: str, operation: str, inputs: list[str]) -> bytes:
    return message((1, name), (2, operation), *((3, source) for source in inputs))
