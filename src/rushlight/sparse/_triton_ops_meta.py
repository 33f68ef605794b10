"""torch.sparse._triton_ops_meta, by which kernels for GPUs are tuned: refused."""

from rushlight.refusals import triton as get_meta, triton as minimize, triton as update

__all__ = ["get_meta", "minimize", "update"]
