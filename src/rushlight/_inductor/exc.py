"""The errors of torch's `_inductor`."""


class InductorError(RuntimeError):
    """An error of compiling."""
