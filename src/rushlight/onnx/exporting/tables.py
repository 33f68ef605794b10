"""The table from rows to operators of ONNX: for each row, the function that writes it."""

from __future__ import annotations

from rushlight.onnx.exporting.indexing import INDEXING
from rushlight.onnx.exporting.moves import MOVES
from rushlight.onnx.exporting.nets import NETS
from rushlight.onnx.exporting.pointwise import POINTWISE, Translator
from rushlight.onnx.exporting.recurrent import RECURRENT
from rushlight.onnx.exporting.reductions import REDUCTIONS

ROWS: dict[str, Translator] = {
    **POINTWISE, **MOVES, **REDUCTIONS, **NETS, **INDEXING, **RECURRENT,
}  # fmt: skip
