"""The CPU, as torch.backends.cpu describes it."""


def get_cpu_capability() -> str:
    """`DEFAULT`: NumPy chooses its own instructions."""
    return "DEFAULT"
