"""Transforms of whole samples against what torchvision 0.28 gave for them under the same seeds.

`python -m tests.vision.test_v2` records the answers, where torchvision is installed.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

RECORD = Path(__file__).with_name("torchvision_v2_0_28.json")
KINDS = ("sample", "float", "picture")
TRANSFORMS = [
    "v2.CenterCrop(30)", "v2.CenterCrop((8, 9))", "v2.RandomHorizontalFlip(1.0)", "v2.RandomVerticalFlip(1.0)",
    "v2.Resize(10, interpolation='nearest')", "v2.RandomCrop(12, padding=2)",
    "v2.RandomCrop((30, 10), pad_if_needed=True, fill=3)", "v2.Pad([1, 2], fill=5)", "v2.RandomRotation(30)",
    "v2.RandomAffine(20, (0.1, 0.2), (0.8, 1.2), 10)", "v2.RandomPerspective(0.4, 1.0)", "v2.RandomZoomOut(p=1.0)",
    "v2.ColorJitter(0.3, 0.3, 0.3, 0.1)", "v2.Grayscale(3)", "v2.RandomGrayscale(1.0)", "v2.RandomPhotometricDistort()",
    "v2.RandomChannelPermutation()", "v2.RandomInvert(1.0)", "v2.RandomEqualize(1.0)", "v2.RandomAutocontrast(1.0)",
    "v2.RandomPosterize(3, 1.0)", "v2.RandomSolarize(100.0, 1.0)", "v2.RandomAdjustSharpness(2.0, 1.0)",
    "v2.GaussianBlur(3)", "v2.RandomErasing(1.0)", "v2.RandomErasing(1.0, value='random')",
    "v2.ToDtype(torch.float32, scale=True)", "v2.ConvertBoundingBoxFormat('XYWH')", "v2.ClampBoundingBoxes()",
    "v2.ClampKeyPoints()", "v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, True), v2.Normalize([0.5], [0.2])])",
    "v2.RandomApply([v2.CenterCrop(5)], 1.0)", "v2.RandomChoice([v2.CenterCrop(5), v2.CenterCrop(6)])",
    "v2.RandomOrder([v2.CenterCrop(9), v2.CenterCrop(6)])", "v2.ToPureTensor()", "v2.Identity()", "v2.RGB()",
]  # fmt: skip
CALLS = [
    "F.pad(x, [1, 2, 3, 4], fill=[0.1, 0.2, 0.3])", "F.get_size(x)", "F.get_dimensions(x)", "F.rgb_to_grayscale(x)",
    "F.convert_bounding_box_format(torch.tensor([[3.0, 4, 5, 6, 30]]), 'XYWHR', 'XYXYXYXY')",
    "F.convert_bounding_box_format(torch.tensor([[3.0, 4, 5, 6, 30]]), 'CXCYWHR', 'XYWHR')",
    "F.convert_bounding_box_format(torch.tensor([[3, 4, 5, 7]]), 'CXCYWH', 'XYXY')",
    "F.convert_bounding_box_format(torch.tensor([[3, 4, 8, 11]]), 'XYXY', 'CXCYWH')",
    "v2.MixUp(num_classes=3)(x, torch.tensor([0, 2]))", "v2.CutMix(num_classes=3)(x, torch.tensor([0, 2]))",
    "tv.Image(x) + 1", "tv.Image(x).clone()", "tv.Image(x).to(torch.float64)",
    "repr(tv.BoundingBoxes([1, 2, 3, 4], format='xyxy', canvas_size=(5, 5)))", "repr(tv.Mask(torch.zeros(1, 2)))",
]  # fmt: skip


def shown(x: Any, torch: Any) -> Any:
    """What is compared of a value: class, type, shape, what it knows, and two sums."""
    if isinstance(x, dict):
        return {name: shown(value, torch) for name, value in x.items()}
    if isinstance(x, (tuple, list)):
        return [shown(value, torch) for value in x]
    if hasattr(x, "getbands"):
        import numpy as np

        return ["picture", x.mode, list(x.size), int(np.asarray(x).astype(int).sum())]
    if not isinstance(x, torch.Tensor):
        return x
    known = [str(getattr(x, name)) for name in ("format", "canvas_size") if hasattr(x, name)]
    plain = x.as_subclass(torch.Tensor).double()
    weights = torch.arange(plain.numel()).reshape(plain.shape).remainder(17)
    sums = [round(plain.sum().item(), 2), round((plain * weights).sum().item(), 1)]
    return [type(x).__name__, str(x.dtype), list(x.shape), *known, *sums]


def inputs(torch: Any, tv: Any, T: Any) -> dict[str, Any]:
    """A sample with everything, a batch of floats, a Pillow image."""
    torch.manual_seed(0)
    image = torch.randint(0, 256, (3, 20, 24), dtype=torch.uint8)
    canvas = {"canvas_size": (20, 24)}
    boxes = torch.tensor([[2, 3, 10, 12], [5, 5, 20, 18.0]])
    sample = {
        "image": tv.Image(image),
        "boxes": tv.BoundingBoxes(boxes, format="XYXY", **canvas),
        "whole": tv.BoundingBoxes(torch.tensor([[12, 10, 7, 9]]), format="CXCYWH", **canvas),
        "mask": tv.Mask(image[0] > 100),
        "points": tv.KeyPoints(torch.tensor([[3.0, 4], [10, 9]]), **canvas),
        "labels": torch.tensor([1, 2]),
        "name": "x",
    }
    return {
        "sample": sample,
        "float": torch.rand(2, 3, 20, 24),
        "picture": T.functional.to_pil_image(image),
    }


def answer(text: str, x: Any, torch: Any, tv: Any, v2: Any) -> Any:
    """What a transform or a call gives, or the name of its error."""
    names = {"torch": torch, "v2": v2, "F": v2.functional, "tv": tv, "x": x}
    torch.manual_seed(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = eval(text, names)
            return shown(result(x) if callable(result) else result, torch)
        except (TypeError, ValueError) as error:
            return type(error).__name__


def everything(torch: Any, tv: Any, T: Any, v2: Any) -> dict[str, Any]:
    """All answers."""
    given = inputs(torch, tv, T)
    found = {
        f"{t} {kind}": answer(t, given[kind], torch, tv, v2) for t in TRANSFORMS for kind in KINDS
    }
    return found | {t: answer(t, given["float"], torch, tv, v2) for t in CALLS}


def close(a: Any, b: Any) -> bool:
    """Equal, but for roundings of float32 and one of 256 steps of a colour."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(close(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(close, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return a == pytest.approx(b, rel=3e-4, abs=0.02)
    return bool(a == b)


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """Rushlight's answers, of a process of its own: the classes of `tv_tensors` answer for operations."""
    import subprocess

    code = "import json; from tests.vision import test_v2 as t; print(json.dumps(t.of_rushlight()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def of_rushlight() -> dict[str, Any]:
    """Rushlight's answers."""
    import rushlight as torch
    from rushlight.vision import transforms as T
    from rushlight.vision import tv_tensors as tv
    from rushlight.vision.transforms import v2

    return everything(torch, tv, T, v2)


@pytest.mark.parametrize("text", [f"{t} {kind}" for t in TRANSFORMS for kind in KINDS] + CALLS)
def test_as_torchvision(text: str, found: dict[str, Any]) -> None:
    want = json.loads(RECORD.read_text())[text]
    assert close(want, found[text]), (want, found[text])


def test_nothing_asks_for_the_classes_before_a_program_does() -> None:
    import subprocess

    code = (
        "import sys, rushlight as torch; from rushlight.vision.transforms import v2; "
        "v2.Resize(3)(torch.zeros(3, 4, 4)); print('rushlight.vision.tv_tensors' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def main() -> None:
    """Record torchvision's answers."""
    import torch
    from torchvision import transforms, tv_tensors  # type: ignore[import-not-found]
    from torchvision.transforms import v2  # type: ignore[import-not-found]

    answers = everything(torch, tv_tensors, transforms, v2)
    RECORD.write_text(json.dumps(answers, indent=0) + "\n")


if __name__ == "__main__":
    main()
