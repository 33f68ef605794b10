"""Operators that run graphs, and those on sequences and on what may be missing."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.onnx.loading.operator import Handler, Operator, ints, number, tensor_of, torch_type
from rushlight.onnx.proto import dtype_of as proto_type
from rushlight.public import torch as T


def _results(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else tuple(values)


def _if(op: Operator, condition: Any) -> Any:
    branch = op.graph("then_branch" if bool(number(condition)) else "else_branch")
    return _results(branch.run({}, op.scope))


def _loop(op: Operator, count: Any = None, condition: Any = None, *states: Any) -> Any:
    body = op.graph("body")
    most = None if count is None else int(number(count))
    going = condition is None or bool(number(condition))
    kept = len(states)
    values, scans = list(states), [[] for _ in range(len(body.outputs) - 1 - kept)]  # type: ignore[var-annotated]
    step = 0
    while going and (most is None or step < most):
        given = [tensor_of(np.array(step, np.int64)), tensor_of(np.array(True)), *values]
        out = body.run(dict(zip(body.inputs, given, strict=False)), op.scope)
        going = bool(number(out[0]))
        values = out[1 : 1 + kept]
        for scan, value in zip(scans, out[1 + kept :], strict=True):
            scan.append(value)
        step += 1
    stacked = [
        T.stack(scan, 0) if scan else _nothing(body, 1 + kept + i) for i, scan in enumerate(scans)
    ]
    return _results([*values, *stacked])


def _nothing(body: Any, number: int) -> Any:
    """What a scan gives that never ran."""
    shape, kind = body.told[number]
    return T.zeros([0, *shape], dtype=torch_type(proto_type(kind)))


def _scan(op: Operator, *inputs: Any) -> Any:
    body, count = op.graph("body"), op.get("num_scan_inputs")
    if op.version < 9:
        return _scan_of_batches(op, *inputs)
    kept = len(inputs) - count
    states, scanned = list(inputs[:kept]), inputs[kept:]
    axes = op.get("scan_input_axes") or [0] * count
    turns = op.get("scan_input_directions") or [0] * count
    parts = [
        list(T.unbind(x, axis))[::-1] if turn else list(T.unbind(x, axis))
        for x, axis, turn in zip(scanned, axes, turns, strict=True)
    ]
    outputs = len(body.outputs) - kept
    made: list[list[Any]] = [[] for _ in range(outputs)]
    for row in zip(*parts, strict=True):
        out = body.run(dict(zip(body.inputs, [*states, *row], strict=True)), op.scope)
        states = out[:kept]
        for scan, value in zip(made, out[kept:], strict=True):
            scan.append(value)
    out_axes = op.get("scan_output_axes") or [0] * outputs
    out_turns = op.get("scan_output_directions") or [0] * outputs
    stacked = [
        T.stack(scan[::-1] if turn else scan, axis)
        for scan, axis, turn in zip(made, out_axes, out_turns, strict=True)
    ]
    return _results([*states, *stacked])


def _scan_of_batches(op: Operator, lengths: Any, *inputs: Any) -> Any:
    """Version 8: a first dimension of examples, each scanned for itself."""
    count = op.get("num_scan_inputs")
    plain = Operator(
        "Scan", op.name, {k: v for k, v in op.attributes.items() if k != "directions"}, 9, op.count
    )
    plain.attributes["scan_input_directions"] = op.get("directions")
    plain.scope = op.scope
    rows = []
    for b in range(inputs[0].shape[0]):
        given = [x[b] for x in inputs]
        if lengths is not None:
            n = ints(lengths)[b]
            given = [*given[:-count], *(x[:n] for x in given[-count:])]
        found = _scan(plain, *given)
        rows.append(found if isinstance(found, tuple) else (found,))
    return _results([T.stack(list(parts), 0) for parts in zip(*rows, strict=True)])


# ---- sequences -----------------------------------------------------------------------------------


def _sequence_at(op: Operator, sequence: list[Any], at: Any) -> Any:
    return sequence[int(number(at))]


def _sequence_insert(op: Operator, sequence: list[Any], x: Any, at: Any = None) -> list[Any]:
    made = list(sequence)
    place = len(made) if at is None else int(number(at))
    made.insert(place + len(made) if place < 0 else place, x)
    return made


def _sequence_erase(op: Operator, sequence: list[Any], at: Any = None) -> list[Any]:
    made = list(sequence)
    del made[-1 if at is None else int(number(at))]
    return made


def _split_to_sequence(op: Operator, x: Any, sizes: Any = None) -> list[Any]:
    axis, keep = op.get("axis", 0), op.get("keepdims", 1)
    if sizes is None:
        parts = T.split(x, 1, axis)
        return list(parts) if keep else [part.squeeze(axis) for part in parts]
    given = ints(sizes)
    return list(T.split(x, given[0] if not sizes.ndim else given, axis))


def _from_sequence(op: Operator, sequence: list[Any]) -> Any:
    axis = op.get("axis")
    return T.stack(sequence, axis) if op.get("new_axis", 0) else T.cat(sequence, axis)


def _sequence_length(op: Operator, sequence: list[Any]) -> Any:
    return tensor_of(np.array(len(sequence), np.int64))


def _optional(op: Operator, x: Any = None) -> Any:
    return x


def _has_element(op: Operator, x: Any = None) -> Any:
    return tensor_of(np.array(x is not None))


CONTROL: dict[str, Handler] = {
    "If": _if, "Loop": _loop, "Scan": _scan, "SequenceAt": _sequence_at,
    "SequenceConstruct": lambda op, *inputs: list(inputs), "SequenceEmpty": lambda op: [],
    "SequenceInsert": _sequence_insert, "SequenceErase": _sequence_erase, "SequenceLength": _sequence_length,
    "SplitToSequence": _split_to_sequence, "ConcatFromSequence": _from_sequence, "Optional": _optional,
    "OptionalGetElement": _optional, "OptionalHasElement": _has_element,
}  # fmt: skip
