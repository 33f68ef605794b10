"""Which operations stand in graphs under other names, and which cannot."""

from __future__ import annotations

import operator

from rushlight.device import CPU

# Operators by the methods that Python calls for them.
OPERATORS = {
    f"__{name}__": getattr(operator, f"{name}_" if name in ("and", "or") else name)
    for name in ("abs", "add", "and", "eq", "floordiv", "ge", "getitem", "gt", "iadd", "iand", "ifloordiv",
                 "imod", "imul", "invert", "ior", "ipow", "isub", "itruediv", "ixor", "le", "lshift", "lt",
                 "matmul", "mod", "mul", "ne", "neg", "or", "pos", "pow", "rshift", "setitem", "sub",
                 "truediv", "xor")
}  # fmt: skip
TURNED = {
    f"__r{name}__": OPERATORS[f"__{name}__"]
    for name in ("add", "and", "floordiv", "lshift", "matmul", "mod", "mul", "or", "pow", "rshift",
                 "sub", "truediv", "xor")
} | {"__rdiv__": operator.truediv}  # fmt: skip
IN_PLACE = {OPERATORS[name] for name in OPERATORS if name[2] == "i" and name != "__invert__"}
# What tells of the device: an outline stands for memory of the CPU.
OF_DEVICE = {
    "device": CPU, "is_cpu": True, "is_cuda": False, "is_meta": False, "is_mps": False,
    "is_xpu": False,
}  # fmt: skip
# What is always done at once, and why a graph ends there.
AT_ONCE = {
    **dict.fromkeys(("lstm", "gru", "rnn_tanh", "rnn_relu"), "Attempted to wrap RNN, GRU, or LSTM"),
    "backward": "Unsupported Tensor.backward() call",
    "requires_grad_": "Unsupported Tensor.requires_grad_() call",
    "register_hook": "Unsupported Tensor.register_hook() call",
    "register_post_accumulate_grad_hook": "Unsupported Tensor.register_post_accumulate_grad_hook() call",
    "retain_grad": "Tensor.retain_grad() with AOTDispatcher",
    "grad": "Attempt to call torch.autograd.grad",
    "__repr__": "Failed to trace builtin operator", "__format__": "Failed to trace builtin operator",
    "tolist": "Unsupported Tensor.tolist() call",
}  # fmt: skip
LOOKS = {
    "__bool__": "Data-dependent branching",
    "item": "Unsupported Tensor.item() call with capture_scalar_outputs=False",
    "__float__": "Unsupported Tensor.item() call with capture_scalar_outputs=False",
    "__int__": "Unsupported Tensor.item() call with capture_scalar_outputs=False",
    "__index__": "Unsupported Tensor.item() call with capture_scalar_outputs=False",
    "numpy": "Unsupported Tensor.numpy() call",
}  # fmt: skip
# What a whole graph can hold although Python learns of an element: it is computed for that beforehand.
PEEKED = {"item", "__float__", "__int__", "__index__"}
