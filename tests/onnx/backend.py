"""The operator tests that ship inside the package `onnx`, run by `rushlight.onnx.load`.

python tests/onnx/backend.py [node | simple | pytorch-converted | pytorch-operator] counts all of a kind, and
says which fail and why.
"""

from __future__ import annotations

import glob
import os
import sys
import warnings
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

import rushlight as torch
from rushlight.onnx.loading.operator import tensor_of


@dataclass
class Count:
    all: int = 0
    ok: int = 0
    # Those whose inputs and outputs are all float32.
    all_float: int = 0
    ok_float: int = 0
    failed: list[tuple[str, bool, str]] = field(default_factory=list)


def cases(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_model_tests(kind=kind)


def tensors(x):
    if isinstance(x, list):
        return [tensors(part) for part in x]
    return None if x is None else tensor_of(array(x))


def array(x):
    return numpy_helper.to_array(x) if isinstance(x, onnx.TensorProto) else np.asarray(x)


def agree(found, expected, rtol, atol):
    if isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            agree(one, other, rtol, atol)
        return
    if expected is None:
        assert found is None
        return
    one, other = found.detach()._data_, array(expected)
    assert (one.shape, one.dtype) == (other.shape, other.dtype)
    if one.dtype.itemsize < 4 and one.dtype.kind in "fV":
        one, other = one.astype(np.float32), other.astype(np.float32)
    np.testing.assert_allclose(one, other, rtol=rtol, atol=atol)


def read(folder, prefix, values):
    found = []
    for i, value in enumerate(values):
        path = f"{folder}/{prefix}_{i}.pb"
        if not os.path.exists(path):
            break
        sequence = value.type.HasField("sequence_type")
        proto = onnx.SequenceProto() if sequence else onnx.TensorProto()
        with open(path, "rb") as file:
            proto.ParseFromString(file.read())
        found.append(numpy_helper.to_list(proto) if sequence else numpy_helper.to_array(proto))
    return found


def model_of(case):
    if case.model is not None:
        return case.model, case.data_sets
    model = onnx.load(os.path.join(case.model_dir, "model.onnx"))
    folders = sorted(glob.glob(os.path.join(case.model_dir, "test_data_set*")))
    graph = model.graph
    return model, [
        (read(f, "input", graph.input), read(f, "output", graph.output)) for f in folders
    ]


def tried(case, model, sets):
    module = torch.onnx.load(model)
    for inputs, outputs in sets:
        names = (
            module.graph_inputs if len(inputs) <= len(module.graph_inputs) else module.graph.inputs
        )
        with torch.no_grad(), np.errstate(all="ignore"):
            found = module.run(dict(zip(names, map(tensors, inputs), strict=False)))
        for one, other in zip(found, outputs, strict=False):
            agree(one, other, max(case.rtol, 1e-3), max(case.atol, 1e-6))


def counted(chosen):
    count = Count()
    for case in chosen:
        model, sets = model_of(case)
        values = [*model.graph.input, *model.graph.output]
        single = all(
            v.type.HasField("tensor_type")
            and v.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
            for v in values
        )
        count.all += 1
        count.all_float += single
        try:
            tried(case, model, sets)
        except Exception as error:
            count.failed.append(
                (case.name, single, f"{type(error).__name__}: {str(error)[:150]!r}")
            )
        else:
            count.ok += 1
            count.ok_float += single
    return count


if __name__ == "__main__":
    found = counted(cases(sys.argv[1] if len(sys.argv) > 1 else "node"))
    print(f"all: {found.ok} of {found.all}; in float32: {found.ok_float} of {found.all_float}")
    for name, single, why in found.failed:
        print("float32" if single else "other  ", name, why)
