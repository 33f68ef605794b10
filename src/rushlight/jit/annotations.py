"""Types for TorchScript's annotations, under their older place."""

from typing import Any, Dict, List, Optional, Tuple  # noqa: UP035

from rushlight.jit._async import Future

__all__ = ["Any", "Dict", "Future", "List", "Optional", "Tuple"]
