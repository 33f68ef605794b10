"""Memory that a GPU can read while the program goes on: there is no GPU, and tensors stay as they are."""

from __future__ import annotations

import queue
from typing import Any

from rushlight.utils.data._utils import MP_STATUS_CHECK_INTERVAL


def pin_memory(data: Any, device: Any = None) -> Any:
    """The data as it is."""
    return data


def _pin_memory_loop(
    in_queue: Any, out_queue: Any, device_id: Any, done_event: Any, device: Any = None
) -> None:
    """Hands on what comes in, until the event is set: what a DataLoader's thread does beside a GPU."""
    while not done_event.is_set():
        try:
            item = in_queue.get(timeout=MP_STATUS_CHECK_INTERVAL)
        except queue.Empty:
            continue
        while not done_event.is_set():
            try:
                out_queue.put(item, timeout=MP_STATUS_CHECK_INTERVAL)
                break
            except queue.Full:
                continue
