"""Between kinds and types of values; labels, boxes and points kept in step with images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.distributions import Beta
from rushlight.errors import warn
from rushlight.nn.functional import one_hot
from rushlight.utils._pytree import tree_flatten, tree_unflatten
from rushlight.vision.pictures import is_picture
from rushlight.vision.transforms import functional as V1
from rushlight.vision.transforms.base import below
from rushlight.vision.transforms.v2.functional import conversion
from rushlight.vision.transforms.v2.functional import functions as F
from rushlight.vision.transforms.v2.functional.boxes import (
    clamp_bounding_boxes,
    clamp_keypoints,
    convert_bounding_box_format,
)
from rushlight.vision.transforms.v2.functional.kinds import is_pure_tensor, tv_tensors
from rushlight.vision.transforms.v2.transform import (
    Transform,
    Values,
    first_boxes,
    is_shown,
    labels_by,
    shape_of,
)

Params = dict[str, Any]


def _is(kind: str, value: Any) -> bool:
    known = tv_tensors()
    return known is not None and isinstance(value, getattr(known, kind))


class PILToTensor(Transform):
    """A Pillow image as a tensor, values as they are."""

    def _is_for(self, value: Any) -> bool:
        return is_picture(value)

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, converted."""
        return V1.pil_to_tensor(inpt)


class ToTensor(PILToTensor):
    """`transforms.ToTensor`, with torchvision's warning that it will go."""

    def __init__(self) -> None:
        warn(
            "The transform `ToTensor()` is deprecated and will be removed in a future release. Instead, please "
            "use `v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])`.Output is equivalent up to "
            "float precision."
        )
        super().__init__()

    def _is_for(self, value: Any) -> bool:
        return is_picture(value) or isinstance(value, np.ndarray)

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, converted."""
        return V1.to_tensor(inpt)


class ToImage(Transform):
    """A tensor, array or Pillow image as `tv_tensors.Image`, values as they are."""

    def _is_for(self, value: Any) -> bool:
        return is_pure_tensor(value) or is_picture(value) or isinstance(value, np.ndarray)

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, converted."""
        return conversion.to_image(inpt)


class ToPILImage(Transform):
    """A tensor or array as a Pillow image."""

    def __init__(self, mode: str | None = None) -> None:
        super().__init__()
        self.mode = mode

    def _is_for(self, value: Any) -> bool:
        return is_pure_tensor(value) or isinstance(value, np.ndarray) or _is("Image", value)

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, converted."""
        plain = inpt.as_subclass(Tensor) if isinstance(inpt, Tensor) else inpt
        return V1.to_pil_image(plain, mode=self.mode)


class ToPureTensor(Transform):
    """Values of `tv_tensors` as plain tensors."""

    def _is_for(self, value: Any) -> bool:
        return _is("TVTensor", value)

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, plain."""
        return inpt.as_subclass(Tensor)


class Normalize(Transform):
    """(image - mean) / std for each channel."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        super().__init__()
        self.mean, self.std, self.inplace = list(mean), list(std), inplace

    def check_inputs(self, flat_inputs: Values) -> None:
        """TypeError for Pillow images."""
        if any(map(is_picture, flat_inputs)):
            raise TypeError(f"{type(self).__name__}() does not support PIL images.")

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, normalized."""
        return self._call_kernel(
            F.normalize, inpt, mean=self.mean, std=self.std, inplace=self.inplace
        )


class ConvertImageDtype(Transform):
    """Images in another dtype, scaled to its range."""

    def __init__(self, dtype: Any = dtypes.float32) -> None:
        super().__init__()
        self.dtype = dtype

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, converted."""
        if is_picture(inpt) or not (is_pure_tensor(inpt) or is_shown(inpt)):
            return inpt
        return self._call_kernel(F.to_dtype, inpt, dtype=self.dtype, scale=True)


class ToDtype(Transform):
    """Another dtype: one for images and videos, or a dict of them by type, with "others"."""

    def __init__(self, dtype: Any, scale: bool = False) -> None:
        super().__init__()
        if not isinstance(dtype, (dict, dtypes.dtype)):
            raise ValueError(f"dtype must be a dict or a torch.dtype, got {type(dtype)} instead")
        self.dtype, self.scale = dtype, scale

    def _is_for(self, value: Any) -> bool:
        return isinstance(value, Tensor)

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, converted."""
        seen = is_pure_tensor(inpt) or is_shown(inpt)
        if isinstance(self.dtype, dtypes.dtype):
            if not seen and not self.scale:
                return inpt
            dtype: Any = self.dtype if seen else None
        elif type(inpt) in self.dtype:
            dtype = self.dtype[type(inpt)]
        elif "others" in self.dtype:
            dtype = self.dtype["others"]
        else:
            raise ValueError(
                f"No dtype was specified for type {type(inpt)}. If you only need to convert the dtype of images or "
                'videos, you can just pass e.g. dtype=torch.float32. Else, say "others": None for those that stay.'
            )
        if dtype is None:
            return inpt
        return self._call_kernel(F.to_dtype, inpt, dtype=dtype, scale=self.scale)


class LinearTransformation(Transform):
    """Each image as a vector, less the mean, times a matrix: whitening."""

    def __init__(self, transformation_matrix: Tensor, mean_vector: Tensor) -> None:
        super().__init__()
        rows, columns = transformation_matrix.shape
        if rows != columns:
            raise ValueError(
                f"transformation_matrix should be square. Got {list(transformation_matrix.shape)} rectangular matrix."
            )
        if mean_vector.shape[0] != rows:
            raise ValueError(
                f"mean_vector should have the same length {mean_vector.shape[0]} as any one of the dimensions of "
                f"the transformation_matrix {list(transformation_matrix.shape)}"
            )
        self.transformation_matrix, self.mean_vector = transformation_matrix, mean_vector

    def check_inputs(self, flat_inputs: Values) -> None:
        """TypeError for Pillow images."""
        if any(map(is_picture, flat_inputs)):
            raise TypeError(f"{type(self).__name__}() does not support PIL images.")

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, multiplied."""
        if not (is_pure_tensor(inpt) or is_shown(inpt)):
            return inpt
        plain = inpt.as_subclass(Tensor)
        size = plain.shape[-3:].numel()
        if size != self.transformation_matrix.shape[0]:
            raise ValueError(
                "Input tensor and transformation matrix have incompatible shape."
                f"[{list(plain.shape[-3:])}] != {self.transformation_matrix.shape[0]}"
            )
        flat = plain.reshape(-1, size) - self.mean_vector
        result = (flat @ self.transformation_matrix).reshape(plain.shape)
        return result if is_pure_tensor(inpt) else tv_tensors().wrap(result, like=inpt)


class UniformTemporalSubsample(Transform):
    """So many frames of a video at equal distances."""

    def __init__(self, num_samples: int) -> None:
        super().__init__()
        self.num_samples = num_samples

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, shorter."""
        return self._call_kernel(F.uniform_temporal_subsample, inpt, self.num_samples)


class ConvertBoundingBoxFormat(Transform):
    """Boxes in another format."""

    def __init__(self, format: Any) -> None:
        super().__init__()
        self.format = format

    def _is_for(self, value: Any) -> bool:
        return _is("BoundingBoxes", value)

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, converted."""
        return convert_bounding_box_format(inpt, new_format=self.format)


class ClampBoundingBoxes(ConvertBoundingBoxFormat):
    """Boxes cut at the border of the canvas."""

    def __init__(self, clamping_mode: Any = "auto") -> None:
        super().__init__(None)
        del self.format
        self.clamping_mode = clamping_mode

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, cut."""
        return clamp_bounding_boxes(inpt, clamping_mode=self.clamping_mode)


class SetClampingMode(ClampBoundingBoxes):
    """Boxes that are cut in another way from now on."""

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value that knows the mode."""
        boxes = inpt.clone()
        boxes.clamping_mode = self.clamping_mode
        return boxes


class ClampKeyPoints(Transform):
    """Points moved into the canvas."""

    def _is_for(self, value: Any) -> bool:
        return _is("KeyPoints", value)

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, moved."""
        return clamp_keypoints(inpt)


class SanitizeBoundingBoxes(Transform):
    """Boxes that are too small or outside left out, with their labels and masks."""

    def __init__(
        self, min_size: float = 1.0, min_area: float = 1.0, labels_getter: Any = "default"
    ) -> None:
        super().__init__()
        if min_size < 1:
            raise ValueError(f"min_size must be >= 1, got {min_size}.")
        if min_area < 1:
            raise ValueError(f"min_area must be >= 1, got {min_area}.")
        self.min_size, self.min_area, self.labels_getter = min_size, min_area, labels_getter
        self._labels = labels_by(labels_getter)

    def forward(self, *inputs: Any) -> Any:
        """All that is given, with what belongs to boxes that stay."""
        given = inputs if len(inputs) > 1 else inputs[0]
        labels = self._labels(given)
        along = labels if isinstance(labels, tuple) else () if labels is None else (labels,)
        flat, spec = tree_flatten(given)
        boxes = first_boxes(flat)
        for label in along:
            if not isinstance(label, Tensor):
                raise ValueError(
                    f"The labels in the input to forward() must be a tensor or None, got {type(label)} instead."
                )
            if len(label) != len(boxes):
                raise ValueError(
                    f"Number of boxes (shape={boxes.shape}) and must match the number of labels."
                    f"Found labels with shape={label.shape})."
                )
        kept, valid = conversion.sanitize_bounding_boxes(
            boxes, min_size=self.min_size, min_area=self.min_area
        )

        def of(value: Any) -> Any:
            if value is boxes:
                return kept
            if _is("Mask", value):
                return tv_tensors().wrap(value.as_subclass(Tensor)[valid], like=value)
            return value[valid] if any(value is label for label in along) else value

        return tree_unflatten([of(value) for value in flat], spec)


class SanitizeKeyPoints(Transform):
    """Points outside of the canvas left out, with their labels."""

    def __init__(self, labels_getter: Any = None) -> None:
        super().__init__()
        self.labels_getter = labels_getter
        self._labels = labels_by(labels_getter)

    def forward(self, *inputs: Any) -> Any:
        """All that is given, with what belongs to points that stay."""
        given = inputs if len(inputs) > 1 else inputs[0]
        labels = self._labels(given)
        flat, spec = tree_flatten(given)
        points = next(value for value in flat if _is("KeyPoints", value))
        kept, valid = conversion.sanitize_keypoints(points)
        flat = [kept if v is points else v[valid] if v is labels else v for v in flat]
        return tree_unflatten(flat, spec)


class _Mixing(Transform):
    """Images of a batch mixed with their neighbours, and their labels with them."""

    def __init__(
        self, *, alpha: float = 1.0, num_classes: int | None = None, labels_getter: Any = "default"
    ) -> None:
        super().__init__()
        self.alpha = float(alpha)
        self.num_classes = num_classes
        self._dist = Beta(self.alpha, self.alpha)
        self._labels = labels_by(labels_getter)

    def forward(self, *inputs: Any) -> Any:
        """The batch, mixed."""
        given = inputs if len(inputs) > 1 else inputs[0]
        flat, spec = tree_flatten(given)
        labels = self._labels(given)
        if not isinstance(labels, Tensor):
            raise ValueError(f"The labels must be a tensor, but got {type(labels)} instead.")
        if labels.ndim not in (1, 2):
            raise ValueError(
                f"labels should be index based with shape (batch_size,) or probability based with shape (batch_size, "
                f"num_classes), but got a tensor of shape {labels.shape} instead."
            )
        if labels.ndim == 1 and self.num_classes is None:
            raise ValueError("num_classes must be passed if the labels are index-based")
        mine = [
            needs and value is not labels
            for needs, value in zip(self._needs_transform_list(flat), flat, strict=True)
        ]
        params = self.make_params([value for value, needs in zip(flat, mine, strict=True) if needs])
        params["batch_size"] = labels.shape[0]

        def of(value: Any, needs: bool) -> Any:
            return (
                self._mixed_labels(value, params)
                if value is labels
                else self.transform(value, params)
                if needs
                else value
            )

        return tree_unflatten([of(v, needs) for v, needs in zip(flat, mine, strict=True)], spec)

    def _mixed_labels(self, labels: Tensor, params: Params) -> Tensor:
        if labels.ndim == 1:
            labels = one_hot(labels, num_classes=self.num_classes or -1)
        if not labels.is_floating_point():
            labels = labels.float()
        part: float = params["lam"]
        return labels.roll(1, 0).mul_(1.0 - part).add_(labels.mul(part))


class MixUp(_Mixing):
    """The sum of lam times a batch and 1 - lam times the batch shifted by one (Zhang et al., 2017)."""

    def make_params(self, flat_inputs: Values) -> Params:
        """How much of the image itself."""
        return {"lam": float(self._dist.sample(()))}

    def transform(self, inpt: Any, params: Params) -> Any:
        """One batch, mixed."""
        part = params["lam"]
        if not (is_pure_tensor(inpt) or is_shown(inpt)):
            return inpt
        plain = inpt.as_subclass(Tensor)
        result = plain.roll(1, 0).mul_(1.0 - part).add_(plain.mul(part))
        return result if is_pure_tensor(inpt) else tv_tensors().wrap(result, like=inpt)


class CutMix(_Mixing):
    """A rectangle of each image from its neighbour (Yun et al., 2019)."""

    def make_params(self, flat_inputs: Values) -> Params:
        """The rectangle, and what part of the image stays."""
        lam = float(self._dist.sample(()))
        _, height, width = shape_of(flat_inputs)
        x, y = below(width), below(height)
        reach = 0.5 * float(np.sqrt(1.0 - lam))
        half_w, half_h = int(reach * width), int(reach * height)
        x1, y1 = max(x - half_w, 0), max(y - half_h, 0)
        x2, y2 = min(x + half_w, width), min(y + half_h, height)
        return {
            "box": (x1, y1, x2, y2),
            "lam": float(1.0 - (x2 - x1) * (y2 - y1) / (width * height)),
        }

    def transform(self, inpt: Any, params: Params) -> Any:
        """One batch with the rectangle."""
        if not (is_pure_tensor(inpt) or is_shown(inpt)):
            return inpt
        x1, y1, x2, y2 = params["box"]
        plain = inpt.as_subclass(Tensor)
        result = plain.clone()
        result[..., y1:y2, x1:x2] = plain.roll(1, 0)[..., y1:y2, x1:x2]
        return result if is_pure_tensor(inpt) else tv_tensors().wrap(result, like=inpt)
