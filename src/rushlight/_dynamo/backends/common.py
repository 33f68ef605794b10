"""What backends of torch.compile are built from: refused."""

from rushlight.absent import refused

aot_autograd = refused(
    "aot_autograd", "torch.compile has one compiler, and calls no backend=", __name__
)
