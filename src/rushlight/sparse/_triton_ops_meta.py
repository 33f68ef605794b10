"""torch.sparse._triton_ops_meta, by which kernels for GPUs are tuned: refused."""

from rushlight.refusals import triton as get_meta
from rushlight.refusals import triton as minimize
from rushlight.refusals import triton as update

__all__ = ["get_meta", "minimize", "update"]
