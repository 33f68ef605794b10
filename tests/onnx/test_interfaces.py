"""The two interfaces of `torch.onnx.export`, and what can be asked while something is exported."""

import io
import os
import sys

import numpy as np
import onnx
import onnxruntime
import pytest

import rushlight as torch
from rushlight import nn

sys.path.insert(0, os.path.dirname(__file__))
from running import Function, operators, same, sizes

X, V, A = torch.randn(2, 3, 8, 8), torch.randn(2, 4), torch.randn(3, 4)


def test_the_defaults_are_torchs(tmp_path):
    model = nn.Linear(4, 3).eval()
    program = torch.onnx.export(model, V, tmp_path / "m.onnx")
    assert type(program) is torch.onnx.ONNXProgram
    proto = program.model_proto
    assert (proto.opset_import[0].version, proto.ir_version) == (20, 10)
    # The weights lie in a file beside.
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.onnx", "m.onnx.data"]
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    np.testing.assert_allclose(
        session.run(None, {"input": V.numpy()})[0], model(V).detach().numpy(), rtol=1e-5
    )
    assert torch.allclose(program(V)[0], model(V))
    program.save(tmp_path / "one.onnx", keep_initializers_as_inputs=True)
    assert [i.name for i in onnx.load(tmp_path / "one.onnx").graph.input] == [
        "input",
        "weight",
        "bias",
    ]


def test_the_older_interface(tmp_path):
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5)).train()
    state = {k: v.clone() for k, v in model.state_dict().items()}
    file = io.BytesIO()
    with pytest.warns(DeprecationWarning, match="dynamo"):
        done = torch.onnx.export(
            model, V, file, dynamo=False, input_names=["x"], output_names=["y"], opset_version=13,
            dynamic_axes={"x": {0: "batch"}, "y": [0]}, verbose=False, export_params=True,
        )  # fmt: skip
    assert done is None
    assert all(m.training for m in model.modules())
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    proto = onnx.load_from_string(file.getvalue())
    assert [sizes(v) for v in (proto.graph.input[0], proto.graph.output[0])] == [
        ["batch", 4], ["y_dynamic_axes_1", 3],
    ]  # fmt: skip
    same(proto, model.eval(), (torch.randn(5, 4),))
    model.train()
    with pytest.warns(DeprecationWarning, match="dynamo"):
        torch.onnx.export(
            model, V, tmp_path / "t.onnx", dynamo=False, training=torch.onnx.TrainingMode.TRAINING,
            do_constant_folding=False,
        )  # fmt: skip
    graph = onnx.load(tmp_path / "t.onnx").graph
    assert [n.op_type for n in graph.node] == ["Gemm", "BatchNormalization", "Dropout"]
    assert {a.name: a.i for a in graph.node[1].attribute}["training_mode"] == 1


def test_a_model_in_training_is_told_and_its_batch_norm_evaluates():
    model = nn.BatchNorm2d(3).train()
    with pytest.warns(UserWarning, match="training mode"):
        proto = torch.onnx.export(model, (X,)).model_proto
    assert operators(proto) == ["BatchNormalization"]
    assert len(proto.graph.node[0].output) == 1
    assert int(model.num_batches_tracked) == 0
    same(proto, model.eval(), (X,))


def test_whether_something_is_exported_can_be_asked():
    asks = Function(lambda x: x * 2 if torch.onnx.is_in_onnx_export() else x - 1)
    assert operators(torch.onnx.export(asks, (A,)).model_proto) == ["Mul"]
    assert asks(A).equal(A - 1)
    assert not torch.onnx.is_in_onnx_export()
    model = nn.Dropout()
    with torch.onnx.select_model_mode_for_export(model, torch.onnx.TrainingMode.EVAL):
        assert not model.training
    assert model.training
