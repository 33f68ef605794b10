"""What the tests of exported models share: models of functions, and onnxruntime beside rushlight."""

import numpy as np
import onnx
import onnxruntime

import rushlight as torch
from rushlight import nn


class Function(nn.Module):
    """A module of a function of one, two or three tensors."""

    def __new__(cls, function, names="x y z"):
        count = function.__code__.co_argcount
        forward = {
            1: lambda self, x: function(x),
            2: lambda self, x, y: function(x, y),
            3: lambda self, x, y, z: function(x, y, z),
        }[count]
        return type("Of", (nn.Module,), {"forward": forward})().eval()


def leaves(result):
    if isinstance(result, torch.Tensor):
        return [result]
    values = result.values() if isinstance(result, dict) else result
    return [leaf for part in values for leaf in leaves(part)]


def ran(proto, args):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [i.name for i in proto.graph.input]
    return session.run(None, dict(zip(names, [a.numpy() for a in args], strict=True)))


def same(proto, model, args, rtol=1e-4, atol=1e-5):
    with torch.no_grad():
        expected = leaves(model(*args))
    found = ran(proto, args)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.numpy().dtype
        assert one.shape == tuple(other.shape)
        np.testing.assert_allclose(one, other.numpy(), rtol=rtol, atol=atol)


def exported(model, args, others=(), **options):
    """The graph, checked, run on the example and on others."""
    proto = torch.onnx.export(model.eval(), args, **options).model_proto
    onnx.checker.check_model(proto, full_check=True)
    for given in (args, *others):
        same(proto, model, given)
    return proto


def operators(proto):
    return [node.op_type for node in proto.graph.node]


def sizes(value):
    return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
