"""What is switched on in this thread: gradient recording, and who watches the operations."""

from __future__ import annotations

import threading
from typing import Any

from rushlight.floaterrors import hush


class State(threading.local):
    """Per thread, as in torch: a new thread starts with recording on."""

    def __init__(self) -> None:
        # Called when a thread first asks for the state.
        hush()

    grad: bool = True
    # Who is asked in place of the eager evaluation of a primitive, the innermost last.
    interpreters: tuple[Any, ...] = ()
    # The NumPy type to which autocast lowers products, and the weights that it has lowered.
    autocast: Any = None
    autocast_cache: dict[int, Any] | None = None
    # The innermost backward that is under way.
    walk: Any = None
    # Who looks for anomalies, if anybody does.
    anomaly: Any = None
    # The innermost hooks that pack saved tensors; and why new ones are refused, if they are.
    packing: Any = None
    packing_refused: str | None = None


state = State()
