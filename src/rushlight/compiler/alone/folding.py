"""What kernels want constants to look like, made when the file is written and not when it runs."""

from __future__ import annotations

import ctypes

import numpy as np

from rushlight.compiler.alone.writer import AloneWriter
from rushlight.compiler.build import NoCompiler, built
from rushlight.compiler.emit.fragments import HEADERS
from rushlight.compiler.graph import Memory, c_type
from rushlight.core.tensor import Array


def folded(writer: AloneWriter) -> tuple[dict[str, Array], bool]:
    """The packed constants by name, and whether they could be made: it takes a compiler.

    The functions that pack are C: they are compiled and run here.
    """
    if not writer.prepared:
        return {}, True
    calls = [call for call, _, _ in writer.prepared]
    memories = {id(m): m for _, *both in writer.prepared for m in both}.values()
    arrays = [f"{c_type(m.dtype)} {writer.names[id(m)]}[{max(m.size, 1)}];" for m in memories]
    body = "\n".join(f"    {call};" for call in calls)
    functions = writer.needed(calls).values()
    text = "\n".join([HEADERS, *arrays, *functions, f"void prepare(void)\n{{\n{body}\n}}\n"])
    try:
        library = built(text)
    except NoCompiler:
        return {}, False
    for _, operand, _ in writer.prepared:
        if operand.array is not None:
            _found(library, writer, operand)[...] = operand.array.reshape(-1)
    library.prepare()
    return {
        writer.names[id(packed)]: _found(library, writer, packed).copy()
        for _, _, packed in writer.prepared
    }, True


def _found(library: ctypes.CDLL, writer: AloneWriter, memory: Memory) -> Array:
    """An array of the library."""
    size = memory.size * memory.dtype.itemsize
    raw = (ctypes.c_uint8 * size).in_dll(library, writer.names[id(memory)])
    return np.frombuffer(memoryview(raw).cast("B"), memory.dtype)
