"""Inference by onnxruntime: the network as an ONNX graph, with the same weights."""
