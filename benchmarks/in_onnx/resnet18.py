"""resnet18 as an ONNX graph."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks import arrays


class Graph:
    """Nodes one after the other, each with one result."""

    def __init__(self, weights: Any) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}

    def add(self, kind: str, *inputs: str, **options: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **options))
        return name

    def constant(self, name: str, value: np.ndarray | None = None) -> str:
        self.constants[name] = self.weights[name] if value is None else value
        return name

    def convolution(self, name: str, x: str, stride: int = 1, padding: int = 0) -> str:
        options = {"strides": [stride] * 2, "pads": [padding] * 4}
        return self.add("Conv", x, self.constant(f"{name}.weight"), **options)

    def normalized(self, name: str, x: str) -> str:
        """Batch norm with the statistics that it has at first."""
        scale = self.constant(f"{name}.weight")
        size = self.weights[scale].shape
        mean = self.constant(f"{name}.mean", np.zeros(size, np.float32))
        var = self.constant(f"{name}.var", np.ones(size, np.float32))
        given = (x, scale, self.constant(f"{name}.bias"), mean, var)
        return self.add("BatchNormalization", *given, epsilon=1e-5)


def model(weights: Any) -> bytes:
    g = Graph(weights)
    x = g.add("Relu", g.normalized("1", g.convolution("0", "x", 2, 3)))
    x = g.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    for at in range(4, 12):
        stride = 2 if at in (6, 8, 10) else 1
        y = g.normalized(f"{at}.norm1", g.convolution(f"{at}.conv1", x, stride, 1))
        y = g.normalized(f"{at}.norm2", g.convolution(f"{at}.conv2", g.add("Relu", y), 1, 1))
        if stride > 1:
            x = g.normalized(f"{at}.shortcut.1", g.convolution(f"{at}.shortcut.0", x, stride))
        x = g.add("Relu", g.add("Add", y, x))
    x = g.add("Flatten", g.add("GlobalAveragePool", x))
    x = g.add("Gemm", x, g.constant("14.weight"), g.constant("14.bias"), transB=1)
    graph = helper.make_graph(
        g.nodes,
        "resnet18",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 224, 224])],
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, [1, 1000])],
        [numpy_helper.from_array(value, name) for name, value in g.constants.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def build() -> Callable[[], np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    with np.load(os.environ["BENCHMARK_WEIGHTS"]) as weights:
        session = onnxruntime.InferenceSession(model(dict(weights)), options)
    given = {"x": arrays.picture()}

    def step() -> np.ndarray:
        return session.run(None, given)[0]

    return step
