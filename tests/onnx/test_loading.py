"""`rushlight.onnx.load`: ONNX files as modules, measured by the tests that ship with ONNX."""

import os
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import rushlight as torch
from rushlight import nn

sys.path.insert(0, os.path.dirname(__file__))
from backend import cases, counted


def test_a_sample_of_the_tests_of_onnx():
    """One in twelve of the node tests; all of them: python tests/onnx/backend.py."""
    found = counted(cases("node")[::12])
    assert found.ok_float / found.all_float >= 0.97
    assert found.ok / found.all >= 0.88


@pytest.mark.parametrize("kind", ["pytorch-converted", "pytorch-operator"])
def test_what_torch_wrote_in_older_versions(kind):
    found = counted(cases(kind)[::3])
    assert found.ok == found.all


def one(op, inputs, outputs=("y",), opset=21, **attributes):
    """A model of one node, whose inputs are these arrays."""
    names = [f"x{i}" for i in range(len(inputs))]
    infos = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for n, a in zip(names, inputs, strict=True)
        if a is not None
    ]
    node = helper.make_node(
        op,
        [n if a is not None else "" for n, a in zip(names, inputs, strict=True)],
        outputs,
        **attributes,
    )
    out = [helper.make_tensor_value_info(o, TensorProto.UNDEFINED, None) for o in outputs]
    graph = helper.make_graph([node], "g", infos, out)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def ours(model, *arrays):
    module = torch.onnx.load(model)
    return module(*[torch.from_numpy(a) for a in arrays if a is not None])


def theirs(model, *arrays):
    inferred = onnx.shape_inference.infer_shapes(model)
    session = onnxruntime.InferenceSession(
        inferred.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [i.name for i in session.get_inputs()]
    return session.run(None, dict(zip(names, [a for a in arrays if a is not None], strict=True)))[0]


f32, i32, i64 = np.float32, np.int32, np.int64
# What onnxruntime gives.
VALUES = [
    ("Mod", [np.array([-7, 7, -7], i32), np.array([3, -3, -3], i32)], {"fmod": 0}, [2, -2, -1]),
    ("Mod", [np.array([-7, 7, -7], i32), np.array([3, -3, -3], i32)], {"fmod": 1}, [-1, 1, -1]),
    ("Round", [np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], f32)], {}, [-2, -2, -0.0, 0, 2, 2]),
    ("ArgMax", [np.array([1, 3, 3], f32)], {"axis": 0, "keepdims": 0}, 1),
    ("ArgMax", [np.array([1, 3, 3], f32)], {"axis": 0, "keepdims": 0, "select_last_index": 1}, 2),
    ("Pow", [np.array([2, -2, 0], f32), np.array([-1, 3, 0], i64)], {}, [0.5, -8, 1]),
    ("Pow", [np.array([2, 3], i32), np.array([0.5, -1.0], f32)], {}, [1, 0]),
    ("Clip", [np.array([1, 5, 9], f32), np.array(6, f32), np.array(4, f32)], {}, [4, 4, 4]),
    ("Max", [np.array([np.nan, 1], f32), np.array([1, np.nan], f32)], {}, [np.nan, np.nan]),
    ("Relu", [np.array([np.nan], f32)], {}, [np.nan]),
    ("Sign", [np.array([np.nan, -0.0], f32)], {}, [np.nan, 0.0]),
    (
        "BitShift",
        [np.array([200], np.uint8), np.array([1], np.uint8)],
        {"direction": "LEFT"},
        [144],
    ),
    ("Add", [np.array([100], np.int8), np.array([100], np.int8)], {}, [-56]),
]


@pytest.mark.parametrize(("op", "inputs", "attributes", "expected"), VALUES)
def test_the_corners_are_those_of_onnxruntime(op, inputs, attributes, expected):
    found = ours(one(op, inputs, **attributes), *inputs).numpy()
    assert found.dtype == (np.int64 if op == "ArgMax" else inputs[0].dtype)
    np.testing.assert_array_equal(found, np.asarray(expected))


def test_of_equal_ones_the_first_is_at_the_top():
    x = np.array([2, 2, 2, 1], f32)
    values, places = ours(one("TopK", [x, np.array([3], i64)], ("y", "i")), x, np.array([3], i64))
    assert places.tolist() == [0, 1, 2]
    assert values.tolist() == [2, 2, 2]


RESIZES = [
    ({"mode": "linear"}, [1, 1, 1, 2]),
    ({"mode": "linear", "coordinate_transformation_mode": "align_corners"}, [1, 1, 1, 2]),
    ({"mode": "linear", "coordinate_transformation_mode": "asymmetric"}, [1, 1, 1, 2]),
    ({"mode": "linear"}, [1, 1, 1, 0.5]),
    ({"mode": "linear", "antialias": 1}, [1, 1, 1, 0.5]),
    ({"mode": "linear"}, [1, 1, 1, 0.6]),
    ({"mode": "linear", "coordinate_transformation_mode": "half_pixel_symmetric"}, [1, 1, 1, 0.6]),
    *(
        ({"mode": "nearest", "nearest_mode": m}, [1, 1, 1, 2])
        for m in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
    ),
    ({"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, [1, 1, 1, 0.5]),
    ({"mode": "cubic"}, [1, 1, 1, 2]),
]  # fmt: skip


@pytest.mark.parametrize(("attributes", "scales"), RESIZES)
def test_resize_is_that_of_onnxruntime(attributes, scales):
    x, factors = np.array([[[[1, 2, 3, 4]]]], f32), np.array(scales, f32)
    model = one("Resize", [x, None, factors], opset=19, **attributes)
    np.testing.assert_allclose(
        ours(model, x, factors).numpy(), theirs(model, x, factors), rtol=1e-5
    )


# ---- modules -------------------------------------------------------------------------------------


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64, 3),
    )


def test_a_round_trip_is_the_same_module_twice():
    model, x = network().eval(), torch.randn(2, 1, 8, 8)
    program = torch.onnx.export(model, x, dynamic_shapes=({0: "n"},))
    module = torch.onnx.load(program)
    assert not module.training
    wanted = {n for n, _ in model.named_parameters()}
    # The running statistics of a new batch norm are equal to its weights: torch keeps one of equal arrays.
    assert {n for n, _ in module.named_parameters()} <= wanted
    assert torch.allclose(module(x), model(x), atol=1e-6)
    again = torch.onnx.export(module, x, dynamic_shapes=({0: "n"},))
    assert [n.op_type for n in again.model_proto.graph.node] == [
        n.op_type for n in program.model_proto.graph.node
    ]
    other = torch.randn(5, 1, 8, 8)
    assert torch.allclose(torch.onnx.load(again)(other), model(other), atol=1e-6)


def test_fine_tuning_follows_the_model():
    model, x, y = network(), torch.randn(6, 1, 8, 8), torch.tensor([0, 1, 2, 0, 1, 2])
    for _ in range(2):
        model(x)
    module = torch.onnx.load(torch.onnx.export(model.eval(), x, optimize=False)).train()
    model.train()
    assert dict(module.named_parameters()).keys() == dict(model.named_parameters()).keys()
    assert {"1.running_mean", "1.running_var"} <= dict(module.named_buffers()).keys()
    losses = []
    for one in (model, module):
        optimizer = torch.optim.SGD(one.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(one(x), y)
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    running = dict(module.named_buffers())["1.running_mean"]
    assert torch.allclose(running, model[1].running_mean, atol=1e-5)
    some = torch.onnx.load(torch.onnx.export(model.eval(), x), trainable=["5.bias"])
    assert [n for n, _ in some.named_parameters()] == ["5.bias"]


def test_weights_in_files_beside(tmp_path):
    model, x = network().eval(), torch.randn(2, 1, 8, 8)
    torch.onnx.export(model, x, tmp_path / "net.onnx", external_data=True)
    assert (tmp_path / "net.onnx.data").stat().st_size > 900
    assert torch.allclose(torch.onnx.load(tmp_path / "net.onnx")(x), model(x), atol=1e-6)


def test_control_flow_has_gradients():
    """y = x doubled three times, by a Loop, and taken or not by an If."""
    double = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["v", "v"], ["w"])], "body",
        [helper.make_tensor_value_info(n, t, s) for n, t, s in (("i", 7, []), ("go", 9, []), ("v", 1, None))],
        [helper.make_tensor_value_info("on", 9, []), helper.make_tensor_value_info("w", 1, None)],
    )  # fmt: skip
    branches = [
        helper.make_graph(
            [helper.make_node(op, ["z"], [f"o{op}"])],
            op,
            [],
            [helper.make_tensor_value_info(f"o{op}", 1, None)],
        )
        for op in ("Exp", "Neg")
    ]
    nodes = [
        helper.make_node("Loop", ["n", "", "x"], ["z"], body=double),
        helper.make_node("If", ["c"], ["y"], then_branch=branches[0], else_branch=branches[1]),
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", 1, [2]), helper.make_tensor_value_info("c", 9, [])],
        [helper.make_tensor_value_info("y", 1, [2])], [numpy_helper.from_array(np.array(3, i64), "n")],
    )  # fmt: skip
    module = torch.onnx.load(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    )
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    module(x, torch.tensor(False)).sum().backward()
    assert x.grad.tolist() == [-8.0, -8.0]
    assert torch.allclose(module(x, torch.tensor(True)), torch.exp(8 * x))


def test_operators_that_are_not_there_are_named():
    model = one("StringConcat", [np.zeros(1, f32), np.zeros(1, f32)], opset=20)
    with pytest.raises(NotImplementedError, match="ONNX's StringConcat"):
        ours(model, np.zeros(1, f32), np.zeros(1, f32))
    with pytest.raises(TypeError, match="missing"):
        torch.onnx.load(torch.onnx.export(nn.Linear(2, 1).eval(), torch.ones(1, 2)))()


def test_what_is_no_number_is_quantized_as_the_least():
    one = numpy_helper.from_array
    graph = helper.make_graph(
        [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"])], "g",
        [helper.make_tensor_value_info("x", 1, [None])], [helper.make_tensor_value_info("y", 3, [None])],
        [one(np.float32(0.1), "s"), one(np.int8(5), "z")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    x = torch.tensor([-float("inf"), float("inf"), float("nan"), 0.25])
    assert torch.onnx.load(model)(x).tolist() == [-128, 127, -128, 7]
