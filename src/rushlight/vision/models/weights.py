"""What happens where a program asks for a trained network."""

from __future__ import annotations

from typing import Any


def check_untrained(name: str, weights: Any, pretrained: bool = False) -> None:
    """NotImplementedError where trained weights are asked for: none are shipped or fetched."""
    if weights is None and not pretrained:
        return
    raise NotImplementedError(
        f"{name}: trained weights are not fetched. Get torchvision's file for {name}, from "
        f"https://download.pytorch.org/models/, make the network with weights=None, and load it: "
        f"model.load_state_dict(torch.load(path))"
    )
