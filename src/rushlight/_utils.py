"""The names by which pickles of torch's tensors find what makes them again."""

from rushlight.nn.parameter import _rebuild_parameter as _rebuild_parameter
from rushlight.nn.parameter import _rebuild_parameter_with_state as _rebuild_parameter_with_state
from rushlight.ops.rebuilding import _rebuild_tensor as _rebuild_tensor
from rushlight.ops.rebuilding import _rebuild_tensor_v2 as _rebuild_tensor_v2
from rushlight.ops.rebuilding import _rebuild_tensor_v3 as _rebuild_tensor_v3
from rushlight.sparse.creation import _rebuild_sparse_tensor as _rebuild_sparse_tensor
