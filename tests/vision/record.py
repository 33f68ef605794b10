"""Write down what torchvision gives: `python -m tests.vision.record`, where it is installed.

The tests compare with the file, because torchvision is nothing that they should have to install.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torchvision import transforms
from torchvision.transforms import functional

from tests.vision.cases import CALLS, TRANSFORMS, WRONG, evaluate, pictures

FILE = Path(__file__).with_name("torchvision_0_28.json")

if __name__ == "__main__":
    transforms.functional = functional
    kinds = pictures(torch)
    recorded = {
        text: {kind: evaluate(transforms, torch, text, img) for kind, img in kinds.items()}
        for text in [*TRANSFORMS, *CALLS]
    }
    recorded |= {text: {"text": evaluate(transforms, torch, text, "x")} for text in WRONG}
    lines = (f"{json.dumps(text)}: {json.dumps(results)}" for text, results in recorded.items())
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
