"""How tensors are printed, under torch's names."""

from __future__ import annotations

from typing import Any

from rushlight._tensor import Tensor
from rushlight.printing import PrintOptions, get_printoptions, printoptions, set_printoptions

__all__ = ["PRINT_OPTS", "printoptions", "set_printoptions"]


class _Options:
    """The settings as they are now."""

    def __getattr__(self, name: str) -> Any:
        return get_printoptions()[name]


PRINT_OPTS = _Options()
__PrinterOptions = PrintOptions


def _tensor_str(self: Tensor, indent: int) -> str:
    """The values alone, their later lines indented."""
    text = repr(self.detach())
    inner = text.partition("(")[2].rpartition(")")[0]
    body = inner[: inner.rindex("]") + 1] if "]" in inner else inner.partition(",")[0]
    return body.replace("\n" + " " * len("tensor("), "\n" + " " * indent)


def _add_suffixes(tensor_str: str, suffixes: list[str], indent: int, force_newline: bool) -> str:
    """The text with what follows the values, on a new line where it gets too long."""
    lines, width = [tensor_str], len(tensor_str) - tensor_str.rfind("\n") + 1
    for suffix in suffixes:
        if force_newline or width + len(suffix) + 2 > PRINT_OPTS.linewidth:
            lines.append(",\n" + " " * indent + suffix)
            width, force_newline = indent + len(suffix), False
        else:
            lines.append(f", {suffix}")
            width += len(suffix) + 2
    return "".join([*lines, ")"])


def _str(self: Tensor, *, tensor_contents: str | None = None) -> str:
    """`repr` of the tensor."""
    return repr(self)


_str_intern = _str
