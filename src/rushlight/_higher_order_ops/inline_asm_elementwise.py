"""torch._higher_order_ops.inline_asm_elementwise: refused."""

from rushlight.refusals import triton as inline_asm_elementwise

__all__ = ["inline_asm_elementwise"]
