"""What is logged more seldom: curves of precision, charts of several scalars, sound, films, meshes, embeddings."""

from __future__ import annotations

import io
import json
import math
import os
import wave
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rushlight.core.tensor import Array
from rushlight.errors import require
from rushlight.utils.tensorboard import summaries
from rushlight.utils.tensorboard.summaries import array_of, plugin, summary

# Of more, TensorBoard's reader makes nothing.
_THRESHOLDS = 127
_TENSORS = {
    "float16": ("DT_HALF", "half_val"), "float32": ("DT_FLOAT", "float_val"), "float64": ("DT_DOUBLE", "double_val"),
    "bfloat16": ("DT_BFLOAT16", "half_val"), "uint8": ("DT_UINT8", "int_val"), "int8": ("DT_INT8", "int_val"),
    "int16": ("DT_INT16", "int_val"), "int32": ("DT_INT32", "int_val"), "int64": ("DT_INT64", "int64_val"),
    "bool": ("DT_BOOL", "bool_val"), "complex64": ("DT_COMPLEX64", "scomplex_val"),
    "complex128": ("DT_COMPLEX128", "dcomplex_val"),
}  # fmt: skip


def _tensor(values: Array, kind: str, field: str) -> dict[str, Any]:
    shape = {"dim": [{"size": size} for size in values.shape]}
    if field == "half_val":
        # The bits of single precision, as torch writes them there.
        listed = values.ravel().astype(np.float32).view(np.int32).tolist()
    elif values.dtype.kind == "c":
        listed = np.stack([values.ravel().real, values.ravel().imag], 1).ravel().tolist()
    else:
        listed = values.ravel().tolist()
    return {"dtype": kind, field: listed, "tensor_shape": shape}


class MoreKinds:
    """Mixed into SummaryWriter."""

    log_dir: str
    _projected: Any = None

    def _add(
        self, summary: Any, step: Any, walltime: float | None, folder: str | None = None
    ) -> None:
        raise NotImplementedError

    def add_tensor(
        self, tag: str, tensor: Any, global_step: int | None = None, walltime: float | None = None
    ) -> None:
        """A tensor as it is."""
        values = array_of(tensor)
        known = _TENSORS.get(values.dtype.name)
        if known is None:
            raise ValueError(f"{tag} has unsupported tensor dtype {values.dtype}")
        self._add(
            summary(tag, tensor=_tensor(values, *known), metadata=plugin("tensor")),
            global_step,
            walltime,
        )

    # ---- precision and recall -------------------------------------------------------------------

    def add_pr_curve(
        self,
        tag: str,
        labels: Any,
        predictions: Any,
        global_step: int | None = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Precision and recall for each threshold: labels 0 or 1, predictions from 0 to 1."""
        count = min(num_thresholds, _THRESHOLDS)
        truth = array_of(labels).astype(np.float64).ravel()
        weight = 1.0 if weights is None else array_of(weights)
        places = np.clip(
            np.floor(array_of(predictions) * (count - 1)).astype(np.int64), 0, count - 1
        ).ravel()
        # Right and wrong among all that lie at a threshold or above.
        right, wrong = (
            np.bincount(places, np.broadcast_to(part * weight, places.shape), count)[::-1].cumsum()[
                ::-1
            ]
            for part in (truth, 1 - truth)
        )
        missed, refused = right[0] - right, wrong[0] - wrong
        precision = right / np.maximum(1e-7, right + wrong)
        recall = right / np.maximum(1e-7, right + missed)
        self.add_pr_curve_raw(
            tag,
            right,
            wrong,
            refused,
            missed,
            precision,
            recall,
            global_step,
            count,
            None,
            walltime,
        )

    def add_pr_curve_raw(
        self,
        tag: str,
        true_positive_counts: Any,
        false_positive_counts: Any,
        true_negative_counts: Any,
        false_negative_counts: Any,
        precision: Any,
        recall: Any,
        global_step: int | None = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: float | None = None,
    ) -> None:
        """A curve of precision and recall that is counted already."""
        data = require("tensorboard.plugins.pr_curve.plugin_data_pb2", extra="tensorboard")
        rows = (
            true_positive_counts, false_positive_counts, true_negative_counts, false_negative_counts,
            precision, recall,
        )  # fmt: skip
        content = data.PrCurvePluginData(version=0, num_thresholds=min(num_thresholds, _THRESHOLDS))
        values = np.stack([array_of(row) for row in rows])
        tensor = _tensor(values, "DT_FLOAT", "float_val")
        metadata = plugin("pr_curves", content.SerializeToString())
        self._add(summary(tag, tensor=tensor, metadata=metadata), global_step, walltime)

    # ---- charts of several scalars --------------------------------------------------------------

    def add_custom_scalars(self, layout: Mapping[str, Mapping[str, Sequence[Any]]]) -> None:
        """Charts by category and title: ["Multiline", tags] or ["Margin", [value, lower, upper]]."""
        pb = require("tensorboard.plugins.custom_scalar.layout_pb2", extra="tensorboard")
        categories = []
        for category, charts in layout.items():
            listed = []
            for title, (kind, tags) in charts.items():
                if kind == "Margin":
                    value, lower, upper = _three(tags)
                    content = {"series": [{"value": value, "lower": lower, "upper": upper}]}
                    listed.append(pb.Chart(title=title, margin=content))
                else:
                    listed.append(pb.Chart(title=title, multiline={"tag": tags}))
            categories.append(pb.Category(title=category, chart=listed))
        text = pb.Layout(category=categories).SerializeToString()
        tensor = {"dtype": "DT_STRING", "string_val": [text], "tensor_shape": {}}
        value = summary(
            "custom_scalars__config__", tensor=tensor, metadata=plugin("custom_scalars")
        )
        self._add(value, None, None)

    def add_custom_scalars_multilinechart(
        self, tags: Sequence[str], category: str = "default", title: str = "untitled"
    ) -> None:
        """One chart with a line for each tag."""
        self.add_custom_scalars({category: {title: ["Multiline", tags]}})

    def add_custom_scalars_marginchart(
        self, tags: Sequence[str], category: str = "default", title: str = "untitled"
    ) -> None:
        """One chart of a value between two others: three tags."""
        self.add_custom_scalars({category: {title: ["Margin", _three(tags)]}})

    # ---- to be heard and seen -------------------------------------------------------------------

    def add_audio(
        self,
        tag: str,
        snd_tensor: Any,
        global_step: int | None = None,
        sample_rate: int = 44100,
        walltime: float | None = None,
    ) -> None:
        """Sound of one channel: numbers from -1 to 1, which are cut off there."""
        values = array_of(snd_tensor).squeeze()
        if values.ndim != 1:
            raise ValueError(f"add_audio: expected one channel, got shape {list(values.shape)}")
        file = io.BytesIO()
        with wave.open(file, "wb") as written:
            written.setparams((1, 2, sample_rate, 0, "NONE", ""))
            written.writeframes((values.clip(-1, 1) * 32767).astype("<i2").tobytes())
        audio = {
            "sample_rate": sample_rate, "num_channels": 1, "length_frames": len(values),
            "encoded_audio_string": file.getvalue(), "content_type": "audio/wav",
        }  # fmt: skip
        self._add(summary(tag, audio=audio), global_step, walltime)

    def add_video(
        self,
        tag: str,
        vid_tensor: Any,
        global_step: int | None = None,
        fps: float = 4,
        walltime: float | None = None,
    ) -> None:
        """Films (N, T, C, H, W), side by side, as a GIF: floats from 0 to 1 or bytes."""
        images = require("PIL.Image", extra="tensorboard")
        values = array_of(vid_tensor)
        if values.ndim != 5:
            raise ValueError(f"add_video: expected (N, T, C, H, W), got shape {list(values.shape)}")
        frames = [summaries.pixels(values[:, t], "NCHW") for t in range(values.shape[1])]
        first, *rest = [images.fromarray(frame) for frame in frames]
        file = io.BytesIO()
        first.save(
            file, "GIF", save_all=True, append_images=rest, duration=round(1000 / fps), loop=0
        )
        height, width, colors = frames[0].shape
        size = {"height": height, "width": width, "colorspace": colors}
        self._add(
            summary(tag, image={**size, "encoded_image_string": file.getvalue()}),
            global_step,
            walltime,
        )

    def add_image_with_boxes(
        self,
        tag: str,
        img_tensor: Any,
        box_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        rescale: float = 1,
        dataformats: str = "CHW",
        labels: Sequence[str] | None = None,
    ) -> None:
        """An image with frames (left, top, right, bottom), and words at them."""
        images = require("PIL.Image", extra="tensorboard")
        drawing = require("PIL.ImageDraw", extra="tensorboard")
        page = images.fromarray(summaries.pixels(array_of(img_tensor), dataformats.upper()))
        pen = drawing.Draw(page)
        for place, (left, top, right, bottom) in enumerate(
            array_of(box_tensor).reshape(-1, 4).tolist()
        ):
            pen.line(
                [(left, top), (left, bottom), (right, bottom), (right, top), (left, top)], "red", 2
            )
            if labels is not None:
                pen.text((left + 3, bottom - 12), str(labels[place]), "red")
        if rescale != 1:
            page = page.resize((int(page.width * rescale), int(page.height * rescale)))
        self._add(summaries.image(tag, np.asarray(page), "HWC"), global_step, walltime)

    def add_mesh(
        self,
        tag: str,
        vertices: Any,
        colors: Any = None,
        faces: Any = None,
        config_dict: Mapping[str, Any] | None = None,
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """A mesh or cloud of points in space: vertices (B, N, 3), bytes of colors (B, N, 3), faces (B, F, 3)."""
        mesh = require("tensorboard.plugins.mesh.metadata", extra="tensorboard")
        kinds = require(
            "tensorboard.plugins.mesh.plugin_data_pb2", extra="tensorboard"
        ).MeshPluginData
        given = ((vertices, kinds.VERTEX), (faces, kinds.FACE), (colors, kinds.COLOR))
        parts = [(array_of(part), kind) for part, kind in given if part is not None]
        components = mesh.get_components_bitmask([kind for _, kind in parts])
        settings = json.dumps(config_dict or {}, sort_keys=True)
        values = []
        for part, kind in parts:
            metadata = mesh.create_summary_metadata(
                tag, None, kind, components, part.shape, None, json_config=settings
            )
            name = mesh.get_instance_name(tag, kind)
            values += summary(
                name, tensor=_tensor(part, "DT_FLOAT", "float_val"), metadata=metadata
            ).value
        self._add(summaries.together(values), global_step, walltime)

    # ---- embeddings ------------------------------------------------------------------------------

    def add_embedding(
        self,
        mat: Any,
        metadata: Sequence[Any] | None = None,
        label_img: Any = None,
        global_step: int | None = None,
        tag: str = "default",
        metadata_header: Sequence[str] | None = None,
    ) -> None:
        """Points (N, D) for the projector, with a label or an image (N, C, H, W) for each."""
        pb = require("tensorboard.plugins.projector.projector_config_pb2", extra="tensorboard")
        text = require("google.protobuf.text_format", extra="tensorboard")
        images = require("PIL.Image", extra="tensorboard")
        points = array_of(mat)
        if points.ndim != 2:
            raise ValueError(
                f"add_embedding: expected points (N, D), got shape {list(points.shape)}"
            )
        if metadata is not None and len(metadata) != len(points):
            raise ValueError(f"add_embedding: {len(metadata)} labels for {len(points)} points")
        if label_img is not None and len(label_img) != len(points):
            raise ValueError(f"add_embedding: {len(label_img)} images for {len(points)} points")
        step = str(global_step or 0).zfill(5)
        inside = os.path.join(step, tag.replace("/", "%2f"))
        folder = os.path.join(self.log_dir, inside)
        os.makedirs(folder, exist_ok=True)
        info = pb.EmbeddingInfo(
            tensor_name=f"{tag}:{step}", tensor_path=os.path.join(inside, "tensors.tsv")
        )
        rows = ["\t".join(map(str, row.tolist())) for row in points]
        _write(folder, "tensors.tsv", "\n".join(rows) + "\n")
        if metadata is not None:
            lines = [str(label) for label in metadata]
            if metadata_header:
                lines = ["\t".join(map(str, row)) for row in [metadata_header, *metadata]]
            _write(folder, "metadata.tsv", "\n".join(lines) + "\n")
            info.metadata_path = os.path.join(inside, "metadata.tsv")
        if label_img is not None:
            pictures = array_of(label_img)
            side = math.ceil(math.sqrt(len(pictures)))
            sheet = summaries.pixels(pictures, "NCHW", side)
            square = np.zeros((sheet.shape[1], *sheet.shape[1:]), np.uint8)
            square[: len(sheet)] = sheet[: len(square)]
            images.fromarray(square).save(os.path.join(folder, "sprite.png"))
            info.sprite.image_path = os.path.join(inside, "sprite.png")
            info.sprite.single_image_dim.extend([pictures.shape[3], pictures.shape[2]])
        self._projected = self._projected or pb.ProjectorConfig()
        self._projected.embeddings.append(info)
        _write(self.log_dir, "projector_config.pbtxt", text.MessageToString(self._projected))


def _three(tags: Sequence[str]) -> Sequence[str]:
    if len(tags) != 3:
        raise ValueError(
            f"Expected 3 tags, got {len(tags)}: of a value, of the lower end and of the upper"
        )
    return tags


def _write(folder: str, name: str, text: str) -> None:
    with open(os.path.join(folder, name), "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
