"""Boxes, masks, key points and flows, drawn into images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.dtypes import bool_, float32, uint8
from rushlight.ops.creation import from_numpy, tensor
from rushlight.ops.joining import stack
from rushlight.vision.pictures import picture, pillow

Color = str | tuple[int, int, int]
Colors = list[Color] | Color | None


def draw_bounding_boxes(
    image: Tensor,
    boxes: Tensor,
    labels: list[str | None] | None = None,
    colors: Colors = None,
    fill: bool | None = False,
    width: int = 1,
    font: str | None = None,
    font_size: int | None = None,
    label_colors: Colors = None,
    label_background_colors: Colors = None,
    fill_labels: bool = False,
) -> Tensor:
    """The image (channels, height, width), uint8 or floating, with boxes (n, 4) of (xmin, ymin, xmax, ymax).

    Boxes of 8 numbers are the corners of turned ones, whose first side is dashed. Colors: one for
    all, or one for each. Needs Pillow.
    """
    _need_image(image, "Tensor expected, got {}", "{}", gray=True)
    _need(
        boxes.numel() == 0
        or boxes.size(-1) == 8
        or bool(((boxes[:, 0] <= boxes[:, 2]) & (boxes[:, 1] <= boxes[:, 3])).all()),
        "Boxes need to be in (xmin, ymin, xmax, ymax) format. Use torchvision.ops.box_convert to convert them",
    )
    count = boxes.size(0)
    if not count:
        return image
    words: list[str | None] = [None] * count if labels is None else labels
    _need(
        len(words) == count,
        f"Number of boxes ({count}) and labels ({len(words)}) mismatch. Please specify labels for each box.",
    )
    inks = _colors(colors, count)
    texts = _colors(label_colors, count) if label_colors else list(inks)
    grounds = _colors(label_background_colors, count) if label_background_colors else list(inks)
    canvas, pen = _canvas(image, "RGBA" if fill else None)
    fonts = pillow("ImageFont")
    face = fonts.truetype(font, font_size or 10) if font else fonts.load_default(font_size or 10)
    for box, word, ink, text, ground in zip(
        boxes.long().tolist(), words, inks, texts, grounds, strict=True
    ):
        inside = (*ink, 100) if fill else None
        if len(box) == 4:
            pen.rectangle(box, width=width, outline=ink, fill=inside)
        else:
            if fill:
                pen.polygon(box, fill=inside)
            _dashes(pen, box[:4], ink, width)
            pen.line([*box[2:], *box[:2]], fill=ink, width=width)
        if word is not None:
            place = box[0] + width + 1, box[1] + width + 1
            if fill_labels:
                left, top, right, bottom = pen.textbbox(place, word, font=face)
                pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), fill=ground)
            pen.text(place, word, fill=text, font=face)
    return _back(canvas, image)


def draw_segmentation_masks(
    image: Tensor, masks: Tensor, alpha: float = 0.8, colors: Colors = None
) -> Tensor:
    """The RGB image (3, height, width) with boolean masks (n, height, width), each in its color.

    alpha is how much of the color is seen: 0 shows the image alone. Where masks overlap it is black.
    """
    _need_image(image, "The image must be a tensor, got {}", "an RGB image")
    masks = masks[None] if masks.dim() == 2 else masks
    _need(masks.dim() == 3, "masks must be of shape (H, W) or (batch_size, H, W)")
    _need(masks.dtype == bool_, f"The masks must be of dtype bool. Got {masks.dtype}")
    _need(
        masks.shape[-2:] == image.shape[-2:],
        "The image and the masks must have the same height and width",
    )
    if not masks.size(0):
        return image
    with no_grad():
        drawn = image.detach().clone()
        for mask, color in zip(masks, _colors(colors, masks.size(0)), strict=False):
            ink = tensor(color, dtype=uint8)
            drawn[:, mask] = (ink if image.dtype == uint8 else ink / 255).to(image.dtype)[:, None]
        drawn[:, masks.sum(0) > 1] = 0
        return (image * (1 - alpha) + drawn * alpha).to(image.dtype)


def draw_keypoints(
    image: Tensor,
    keypoints: Tensor,
    connectivity: list[tuple[int, int]] | None = None,
    colors: Color | None = None,
    radius: int = 2,
    width: int = 3,
    visibility: Tensor | None = None,
) -> Tensor:
    """The RGB image with the points (n, k, 2) of n things, each (x, y), and lines between points by number.

    visibility (n, k) leaves out the points that are False, and their lines. Needs Pillow.
    """
    _need_image(image, "The image must be a tensor, got {}", "an RGB image")
    _need(keypoints.dim() == 3, "keypoints must be of shape (num_instances, K, 2)")
    if visibility is None:
        seen = np.ones(keypoints.shape[:-1], bool).tolist()
    else:
        shown = visibility.squeeze(-1) if visibility.dim() == 3 else visibility
        _need(
            shown.dim() == 2,
            f"visibility must be of shape (num_instances, K). Got ndim={visibility.dim()}",
        )
        _need(
            shown.shape == keypoints.shape[:-1],
            "keypoints and visibility must have the same dimensionality for num_instances and K. "
            f"Got {visibility.shape=} and {keypoints.shape=}",
        )
        seen = shown.bool().tolist()
    canvas, pen = _canvas(image, None)
    for points, known in zip(keypoints.long().tolist(), seen, strict=True):
        for (x, y), there in zip(points, known, strict=True):
            if there:
                corners = (x - radius, y - radius, x + radius, y + radius)
                pen.ellipse(corners, fill=colors, outline=None, width=0)
        for start, end in connectivity or ():
            if known[start] and known[end]:
                pen.line((*points[start], *points[end]), width=width)
    return _back(canvas, image)


def flow_to_image(flow: Tensor) -> Tensor:
    """Flows (2, height, width) or (n, 2, height, width), float32, as RGB images of uint8.

    The hue is the direction and the saturation the length, beside the longest, as in S. Baker et al.,
    "A Database and Evaluation Methodology for Optical Flow", 2011.
    """
    _need(flow.dtype == float32, f"Flow should be of dtype torch.float, got {flow.dtype}.")
    batch = flow[None] if flow.dim() == 3 else flow
    _need(
        batch.dim() == 4 and batch.size(1) == 2,
        f"Input flow should have shape (2, H, W) or (N, 2, H, W), got {flow.shape}.",
    )
    with no_grad():
        longest = (batch**2).sum(1).sqrt().max()
        scaled = batch / (longest + np.finfo(np.float32).eps)
        length = (scaled**2).sum(1).sqrt()
        wheel = from_numpy(_wheel())
        turn = (-scaled[:, 1]).atan2(-scaled[:, 0]) / np.pi
        place = (turn + 1) / 2 * (len(wheel) - 1)
        low = place.floor().long()
        part = place - low
        channels = []
        for channel in range(3):
            ring = wheel[:, channel] / 255
            hue = (1 - part) * ring[low] + part * ring[(low + 1) % len(wheel)]
            channels.append((255 * (1 - length * (1 - hue))).floor().to(uint8))
    image = stack(channels, 1)
    return image[0] if flow.dim() == 3 else image


def _dashes(pen: Any, line: list[int], ink: tuple[int, ...], width: int) -> None:
    """The side of a turned box that shows how it is turned: 5 pixels and a gap of 5."""
    start, end = np.array(line[:2]), np.array(line[2:])
    length = float(np.hypot(*(end - start)))
    for at in np.arange(0, length, 10):
        ends = (start + (end - start) * (min(at + far, length) / length) for far in (0, 5))
        pen.line([int(v) for point in ends for v in point], fill=ink, width=width)


# From one color of the wheel to the next: how many steps, which of red, green and blue is full, and which
# of them grows (or shrinks).
_ARCS = ((15, 0, 1, 1), (6, 1, 0, -1), (4, 1, 2, 1), (11, 2, 1, -1), (13, 2, 0, 1), (6, 0, 2, -1))


def _wheel() -> np.ndarray[Any, Any]:
    parts = []
    for steps, full, moving, sign in _ARCS:
        part = np.zeros((steps, 3), np.float32)
        ramp = np.floor(255 * np.arange(steps) / steps)
        part[:, full], part[:, moving] = 255, ramp if sign > 0 else 255 - ramp
        parts.append(part)
    return np.concatenate(parts)


def _need(fine: bool, otherwise: str) -> None:
    if not fine:
        raise ValueError(otherwise)


def _need_image(image: Any, no_tensor: str, kind: str, gray: bool = False) -> None:
    if not isinstance(image, Tensor):
        raise TypeError(no_tensor.format(type(image)))
    _need(
        image.dtype == uint8 or image.is_floating_point(),
        f"The image dtype must be uint8 or float, got {image.dtype}",
    )
    _need(image.dim() == 3, "Pass individual images, not batches")
    if gray:
        _need(image.size(0) in (1, 3), "Only grayscale and RGB images are supported")
    else:
        _need(image.size(0) == 3, f"Pass {kind}. Other Image formats are not supported")


def _colors(colors: Colors, count: int) -> list[tuple[int, ...]]:
    """One color for each of count things, as numbers."""
    given: Sequence[Color]
    if colors is None:
        return [tuple(i * p % 255 for p in (2**25 - 1, 2**15 - 1, 2**21 - 1)) for i in range(count)]
    if isinstance(colors, list):
        _need(
            len(colors) >= count,
            "Number of colors must be equal or larger than the number of objects, "
            f"but got {len(colors)} < {count}.",
        )
        given = colors
    else:
        given = [colors] * count
    name = pillow("ImageColor").getrgb
    return [name(color) if isinstance(color, str) else color for color in given]


def _canvas(image: Tensor, mode: str | None) -> tuple[Any, Any]:
    """The image as Pillow's, and what draws into it."""
    pixels = image.detach().expand(3, -1, -1)
    if pixels.dtype != uint8:
        pixels = (pixels * (256 - 1e-3)).to(uint8)
    canvas = picture(pixels.permute(1, 2, 0).contiguous().numpy(), "RGB")
    return canvas, pillow("ImageDraw").Draw(canvas, mode)


def _back(canvas: Any, image: Tensor) -> Tensor:
    pixels = from_numpy(np.array(canvas)).permute(2, 0, 1)
    return pixels if image.dtype == uint8 else pixels.to(image.dtype) * (1 / 255)
