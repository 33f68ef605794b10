"""Reads what `recorder.py` wrote."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np


@dataclass
class Event:
    """A backward, gradients asked for, a step, an operation, or the end of a run."""

    kind: str
    facts: dict[str, Any]
    arrays: dict[str, Any]

    @property
    def place(self) -> str:
        """The program's line."""
        return str(self.facts.get("place") or "")


def events(path: Path) -> Iterator[Event]:
    """The events of a file, one after the other; an event that was cut short ends them."""
    with path.open("rb") as file:
        while len(head := file.read(8)) == 8:
            text = file.read(struct.unpack("<q", head)[0])
            try:
                facts = json.loads(text)
            except ValueError:
                return
            arrays = {}
            for name, kind, shape in facts.pop("arrays"):
                dtype = np.dtype(kind)
                raw = file.read(dtype.itemsize * prod(shape))
                if len(raw) < dtype.itemsize * prod(shape):
                    return
                arrays[name] = np.frombuffer(raw, dtype).reshape(shape)
            yield Event(facts.pop("kind"), facts, arrays)
