"""Many images as one, and images into files."""

from __future__ import annotations

import os
from typing import IO, Any

from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.dtypes import uint8
from rushlight.ops.joining import cat, stack
from rushlight.vision import drawing
from rushlight.vision.pictures import picture

draw_bounding_boxes, draw_keypoints = drawing.draw_bounding_boxes, drawing.draw_keypoints
draw_segmentation_masks, flow_to_image = drawing.draw_segmentation_masks, drawing.flow_to_image


def make_grid(
    tensor: Tensor | list[Tensor],
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """A batch (images, channels, height, width), or a list, as one image of nrow images a row.

    One channel becomes three. normalize=True scales to 0..1 from value_range, or from the least and
    greatest value of the batch (with scale_each, of each image). A single image stays as it is.

    >>> import rushlight as torch
    >>> make_grid(torch.ones(5, 1, 4, 4), nrow=3).shape
    torch.Size([3, 14, 20])
    """
    if isinstance(tensor, list):
        for item in tensor:
            if not isinstance(item, Tensor):
                raise TypeError(
                    f"tensor or list of tensors expected, got a list containing {type(item)}"
                )
        tensor = stack(tensor, 0)
    if not isinstance(tensor, Tensor):
        raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
    with no_grad():
        batch = _as_batch(tensor)
        if normalize:
            if value_range is not None and not isinstance(value_range, tuple):
                raise TypeError(
                    f"value_range has to be a tuple (min, max) if specified, got {value_range!r}"
                )
            batch = batch.clone()
            for part in batch if scale_each else [batch]:
                _to_unit(part, value_range)
        return batch[0] if len(batch) == 1 else _grid(batch, nrow, padding, pad_value)


def _as_batch(tensor: Tensor) -> Tensor:
    while 1 < tensor.dim() < 4:
        tensor = tensor.unsqueeze(0)
    if tensor.dim() == 4 and tensor.size(1) == 1:
        tensor = cat((tensor, tensor, tensor), 1)
    return tensor


def _to_unit(images: Tensor, value_range: tuple[float, float] | None) -> None:
    low, high = value_range or (float(images.min()), float(images.max()))
    images.clamp_(min=low, max=high)
    images.sub_(low).div_(max(high - low, 1e-5))


def _grid(batch: Tensor, nrow: int, padding: int, pad_value: float) -> Tensor:
    count, channels, height, width = batch.shape
    columns = min(nrow, count)
    rows = -(-count // columns)
    height, width = height + padding, width + padding
    grid = batch.new_full((channels, height * rows + padding, width * columns + padding), pad_value)
    for index in range(count):
        row, column = divmod(index, columns)
        top, left = row * height + padding, column * width + padding
        grid[:, top : top + height - padding, left : left + width - padding] = batch[index]
    return grid


def save_image(
    tensor: Tensor | list[Tensor],
    fp: str | os.PathLike[str] | IO[bytes],
    format: str | None = None,
    **kwargs: Any,
) -> None:
    """Save a batch, or an image, with values from 0 to 1: as `make_grid` with kwargs lays it out.

    The format is that of the file name's extension, unless given.
    """
    grid = make_grid(tensor, **kwargs)
    with no_grad():
        pixels = grid.mul(255).add_(0.5).clamp_(0, 255).permute(1, 2, 0).to(uint8).numpy()
    picture(pixels, "RGB" if pixels.shape[2] == 3 else "RGBA").save(fp, format=format)
