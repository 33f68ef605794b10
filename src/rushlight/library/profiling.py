"""`torch.ops.profiler`: a block of a profile as two operators, for programs that write down operators alone."""

from __future__ import annotations

from itertools import count
from typing import Any

from rushlight._tensor import Tensor
from rushlight.dtypes import uint8
from rushlight.library import Library
from rushlight.ops.creation import tensor
from rushlight.profiler.watch import record_function

_open: dict[int, record_function] = {}
_numbers = count()


def _entered(name: str, args: str | None = None) -> record_function:
    return record_function(name, args).__enter__()


def _enter(name: str, args: str | None = None) -> Tensor:
    """The handle is a tensor, as it has to be a value of a graph: a number in its bytes."""
    number = next(_numbers)
    _open[number] = _entered(name, args)
    return tensor(list(number.to_bytes(8, "little")), dtype=uint8)


def _exit(handle: Tensor) -> None:
    number = int.from_bytes(bytes(handle.tolist()), "little")
    if number in _open:
        _open.pop(number).__exit__()


_RECORD = "__torch__.torch.classes.profiler._RecordFunction"
_FORMS: dict[str, Any] = {
    "_record_function_enter(str name, str? args=None) -> Tensor": _enter,
    f"_record_function_enter_new(str name, str? args=None) -> {_RECORD}": _entered,
    "_record_function_exit(Tensor handle) -> ()": _exit,
    f"_record_function_exit._RecordFunction({_RECORD} record) -> ()": record_function.__exit__,
}
_library = Library("profiler", "DEF")
for _schema, _kernel in _FORMS.items():
    _library.define(_schema)
    _library.impl(_schema.partition("(")[0], _kernel)
