"""The classes of `tv_tensors`, once a program has asked for them: nobody looks for them before."""

from __future__ import annotations

from typing import Any

tv_tensors: Any = None
