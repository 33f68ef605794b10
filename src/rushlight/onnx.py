"""torch.onnx, which programs import beside what they use: exporting is not there yet."""

from __future__ import annotations

from typing import Any, NoReturn


def export(*args: Any, **options: Any) -> NoReturn:
    """An error: rushlight does not write ONNX."""
    raise NotImplementedError(
        "rushlight does not write ONNX: save with torch.save(model.state_dict(), path), load that in "
        "torch, and export there"
    )
