"""Write down what torchvision's networks are: `python -m tests.vision.record_networks`, where it is installed."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("torchvision_networks_0_28.json")
# One of each kind; those with a size are run on an image of it.
NAMES = {
    "squeezenet1_0": 64, "squeezenet1_1": 0, "densenet121": 64, "densenet161": 0, "inception_v3": 0, "googlenet": 64,
    "mobilenet_v2": 64, "mobilenet_v3_small": 64, "mobilenet_v3_large": 0, "efficientnet_b0": 64, "efficientnet_b5": 0,
    "efficientnet_v2_s": 0, "efficientnet_v2_l": 0, "mnasnet0_5": 64, "mnasnet1_3": 0, "shufflenet_v2_x0_5": 64,
    "shufflenet_v2_x2_0": 0, "convnext_tiny": 0, "convnext_base": 0, "vit_b_32": 0,
    "regnet_x_400mf": 64, "regnet_y_400mf": 64, "swin_t": 70, "swin_b": 0, "swin_v2_t": 50, "swin_v2_b": 0,
    "fcn_resnet50": 0, "deeplabv3_resnet50": 0, "deeplabv3_mobilenet_v3_large": 40,
    "lraspp_mobilenet_v3_large": 40, "resnext101_64x4d": 0,
}  # fmt: skip


def made(models: Any, name: str) -> Any:
    """A network with first weights."""
    if hasattr(models.segmentation, name):
        return getattr(models.segmentation, name)(weights_backbone=None)
    options = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    return getattr(models, name)(**options)


def main() -> None:
    """Write the file."""
    import torch
    from torchvision import models

    figures: dict[str, Any] = {}
    for name, size in NAMES.items():
        with torch.device("cpu" if size else "meta"):
            torch.manual_seed(0)
            model = made(models, name).eval()
        shapes = "\n".join(f"{key} {tuple(v.shape)}" for key, v in model.state_dict().items())
        count = sum(p.numel() for p in model.parameters())
        figures[name] = {"count": count, "keys": zlib.crc32(shapes.encode())}
        if size:
            total = sum(p.detach().double().abs().sum().item() for p in model.parameters())
            figures[name] |= {"sum": total, "next": torch.rand(1).item(), "size": size}
            image = torch.linspace(-1, 1, 3 * size * size).reshape(1, 3, size, size)
            with torch.no_grad():
                found = model(image)
            found = found["out"] if isinstance(found, dict) else found
            figures[name]["out"] = found.flatten()[:4].tolist()
    lines = (f"{json.dumps(name)}: {json.dumps(known)}" for name, known in figures.items())
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
