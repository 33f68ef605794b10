"""torch.optim.adamw: where torch has `AdamW`, and its step on lists."""

from rushlight.optim.adam import AdamW
from rushlight.optim.lists import on_lists

__all__ = ["AdamW", "adamw"]

adamw = on_lists(
    AdamW, "exp_avg exp_avg_sq max_exp_avg_sq step",
    "foreach capturable differentiable fused grad_scale found_inf has_complex",
)  # fmt: skip
