"""What an event shows, as messages: numbers, text, histograms, images, hyperparameters, graphs."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from rushlight._tensor import Tensor
from rushlight.core.tensor import Array
from rushlight.errors import require
from rushlight.profiler.naming import door, space

_plugin: Any = require("tensorboard.plugins.hparams.plugin_data_pb2", extra="tensorboard")
_api: Any = require("tensorboard.plugins.hparams.api_pb2", extra="tensorboard")
_graph: Any = require("tensorboard.compat.proto.graph_pb2", extra="tensorboard")
_image: Any = require("PIL.Image", extra="tensorboard")
_proto: Any = require("tensorboard.compat.proto.summary_pb2", extra="tensorboard")


def array_of(values: Any) -> Array:
    """The values of a tensor, an array, a number or a sequence as an array."""
    if isinstance(values, Tensor):
        return values.detach().numpy()
    array = np.asarray(values)
    if array.dtype.kind not in "fiubcV":
        raise TypeError(f"expected numbers, an array or a tensor, got {type(values).__name__}")
    return array


def number_of(value: Any) -> float:
    """A single number."""
    array = array_of(value)
    if array.size != 1:
        raise ValueError(f"expected one number, got {array.size}: add_histogram takes many")
    return float(array.reshape(()))


def summary(tag: str, **value: Any) -> Any:
    """A summary with one value under a tag."""
    return _proto.Summary(value=[_proto.Summary.Value(tag=tag, **value)])


def together(values: Any) -> Any:
    """A summary with these values."""
    return _proto.Summary(value=values)


def plugin(name: str, content: bytes = b"") -> Any:
    """Which of TensorBoard's plugins shows a value."""
    return _proto.SummaryMetadata(plugin_data={"plugin_name": name, "content": content})


def scalar(tag: str, value: Any, new_style: bool, double_precision: bool) -> Any:
    """A number."""
    number = number_of(value)
    if not new_style:
        return summary(tag, simple_value=number)
    if double_precision:
        tensor: dict[str, Any] = {"dtype": "DT_DOUBLE", "double_val": [number]}
    else:
        tensor = {"dtype": "DT_FLOAT", "float_val": [number]}
    return summary(tag, tensor=tensor, metadata=plugin("scalars"))


def text(tag: str, content: str) -> Any:
    """Text in Markdown."""
    shape = {"dim": [{"size": 1}]}
    tensor = {"dtype": "DT_STRING", "string_val": [content.encode()], "tensor_shape": shape}
    return summary(f"{tag}/text_summary", tensor=tensor, metadata=plugin("text"))


# ---- histograms ----------------------------------------------------------------------------------


@functools.cache
def default_edges() -> Array:
    """Bins that grow by a tenth, from 1e-12 to 1e20, on both sides of zero."""
    positive = [1e-12]
    while positive[-1] * 1.1 < 1e20:
        positive.append(positive[-1] * 1.1)
    return np.array([*(-e for e in reversed(positive)), 0.0, *positive])


def histogram(tag: str, values: Any, bins: Any, max_bins: int | None) -> Any:
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
) -> Any:
    """A histogram that is counted already."""
    if len(limits) != len(counts):
        raise ValueError(
            f"len(bucket_limits) != len(bucket_counts): {len(limits)} and {len(counts)}"
        )
    counted = {"min": low, "max": high, "num": num, "sum": total, "sum_squares": squares}
    return summary(tag, histo={**counted, "bucket_limit": limits, "bucket": counts})


# ---- images --------------------------------------------------------------------------------------


def image(tag: str, values: Any, dataformats: str) -> Any:
    """An image or several in a grid; floats from 0 to 1, or bytes from 0 to 255."""
    shown = pixels(array_of(values), dataformats.upper())
    height, width, colors = shown.shape
    file = io.BytesIO()
    _image.fromarray(shown).save(file, format="PNG")
    size = {"height": height, "width": width, "colorspace": colors}
    return summary(tag, image={**size, "encoded_image_string": file.getvalue()})


def pixels(array: Array, order: str, across: int = 8) -> Array:
    """Bytes (rows, columns, colors); several images stand so many across."""
    shown = _rows_columns_colors(array, order, across)
    if shown.dtype != np.uint8:
        shown = np.clip(shown.astype(np.float64) * 255, 0, 255).astype(np.uint8)
    return shown


def _rows_columns_colors(array: Array, order: str, across: int) -> Array:
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
        array = _grid(array, across)
    if array.shape[-1] == 1:
        array = np.repeat(array, 3, -1)
    if array.shape[-1] not in (3, 4):
        raise ValueError(f"an image has 1, 3 or 4 channels, not {array.shape[-1]}: see dataformats")
    return array


def _grid(images: Array, across: int) -> Array:
    """Images side by side."""
    count, height, width, colors = images.shape
    columns = min(count, across)
    rows = -(-count // columns)
    grid = np.zeros((rows * columns, height, width, colors), images.dtype)
    grid[:count] = images
    grid = grid.reshape(rows, columns, height, width, colors).transpose(0, 2, 1, 3, 4)
    return grid.reshape(rows * height, columns * width, colors)


# ---- hyperparameters -----------------------------------------------------------------------------


def hparams(
    settings: Mapping[str, Any], metrics: Mapping[str, Any], domains: Mapping[str, Any]
) -> Iterator[Any]:
    """The summaries that announce hyperparameters and the metrics they led to."""
    for kind, given in (("hparam_dict", settings), ("metric_dict", metrics)):
        if not isinstance(given, Mapping):
            raise TypeError(f"{kind} should be a dictionary, not a {type(given).__name__}")
    infos, start = [], _plugin.SessionStartInfo()
    for name, value in settings.items():
        kind, field, number = _setting(name, value)
        setattr(start.hparams[name], field, number)
        infos.append(_api.HParamInfo(name=name, type=f"DATA_TYPE_{kind}"))
        if name in domains:
            infos[-1].domain_discrete.extend(domains[name])
    experiment = _api.Experiment(
        hparam_infos=infos, metric_infos=[{"name": {"tag": tag}} for tag in metrics]
    )
    end = _plugin.SessionEndInfo(status="STATUS_SUCCESS")
    parts = {"experiment": experiment, "session_start_info": start, "session_end_info": end}
    for name, part in parts.items():
        content = _plugin.HParamsPluginData(version=0, **{name: part}).SerializeToString()
        yield summary(f"_hparams_/{name}", metadata=plugin("hparams", content))


def _setting(name: str, value: Any) -> tuple[str, str, Any]:
    """The type of a hyperparameter, the field of its value, and the value."""
    if isinstance(value, str):
        return "STRING", "string_value", value
    if isinstance(value, bool | int | float | np.generic | Tensor):
        return "FLOAT64", "number_value", number_of(value)
    raise ValueError(
        "value should be one of int, float, str, bool, or torch.Tensor; the hyperparameter "
        f"{name!r} is a {type(value).__name__}"
    )


# ---- graphs --------------------------------------------------------------------------------------


def graph(model: Any, roots: list[Any]) -> Any:
    """The operations that led to the values of a call of model, in its modules; parameters with theirs."""
    drawn: dict[Any, str] = {}
    entries: list[dict[str, Any]] = []
    operations = leading_to(roots)
    scopes = _Scopes(model, operations)

    def of(value: Any) -> str:
        """What gives a value: an operation, a parameter, or an input."""
        maker = value.maker if value.kind == "result" else None
        if maker is None:
            return leaf(value)
        return drawn[maker]

    def leaf(value: Any) -> str:
        if value.number not in drawn:
            held = value.kind in ("parameter", "buffer") and value.name
            name = scopes.tensor(value.name) if held else f"input/{value.name or value.number}"
            if value.kind == "constant":
                name = f"{scopes.root}/constant_{value.number}"
            drawn[value.number] = name
            op = (
                "prim::GetAttr"
                if held
                else "prim::Constant"
                if value.kind == "constant"
                else "IO Node"
            )
            entries.append(_entry(name, op, [], value))
        return str(drawn[value.number])

    for operation in operations:
        inputs = [of(v) for v in operation.inputs if hasattr(v, "kind")]
        path = operation.module.path if operation.module is not None else ""
        called = operation.name if operation.row is None else door(operation.name, (), None)
        name = drawn[operation] = f"{scopes.module(path)}/{called}_{len(entries)}"
        entries.append(_entry(name, f"{space(called)}::{called}", inputs, operation.outputs[0]))
    for number, value in enumerate(roots):
        entries.append(_entry(f"output/output.{number + 1}", "IO Node", [of(value)], value))
    return _graph.GraphDef(node=entries, versions={"producer": 22})


def leading_to(roots: list[Any]) -> list[Any]:
    """The operations behind values, the first first."""
    found: dict[Any, None] = {}
    stack = [value.maker for value in roots if value.kind == "result"]
    while stack:
        operation = stack.pop()
        if operation is not None and operation not in found:
            found[operation] = None
            stack += [v.maker for v in operation.inputs if getattr(v, "kind", "") == "result"]
    return sorted(found, key=lambda operation: operation.number)


class _Scopes:
    """Modules as TensorBoard nests them: those that are called, by class, with the attribute that holds each."""

    def __init__(self, model: Any, operations: list[Any]) -> None:
        self.root = type(model).__name__
        self._kinds: dict[str, str] = {}
        for operation in operations:
            call = operation.module
            while call is not None:
                self._kinds[call.path] = call.kind
                call = call.parent

    def module(self, path: str) -> str:
        names, held = [self.root], ""
        for part in path.split(".") if path else ():
            held = f"{held}.{part}" if held else part
            if held in self._kinds:
                names.append(f"{self._kinds[held]}[{part}]")
        return "/".join(names)

    def tensor(self, path: str) -> str:
        owner, _, name = path.rpartition(".")
        return f"{self.module(owner)}/{name}"


def _entry(name: str, op: str, inputs: list[str], value: Any) -> dict[str, Any]:
    sizes = [{"size": size} for size in value.shape]
    return {
        "name": name, "op": op, "input": inputs,
        "attr": {"_output_shapes": {"list": {"shape": [{"dim": sizes}]}}},
    }  # fmt: skip
