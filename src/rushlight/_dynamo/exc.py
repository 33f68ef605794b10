"""The errors of compiling, under torch's names and with its bases."""

from __future__ import annotations


class TorchDynamoException(RuntimeError):
    """An error of compiling."""


class InternalTorchDynamoError(TorchDynamoException):
    """An error of the compiler itself."""


class ResetRequired(TorchDynamoException):
    """`reset` is to be called first."""

    def __init__(self) -> None:
        super().__init__("call torch._dynamo.reset() before changing backends")


class Unsupported(TorchDynamoException):
    """Something that is not compiled."""


class InvalidBackend(TorchDynamoException):
    """There is no backend of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Invalid backend: {name!r}, see `torch._dynamo.list_backends()` for available backends."
        )


class BackendCompilerFailed(TorchDynamoException):
    """An error in a backend."""


class TorchRuntimeError(TorchDynamoException):
    """An error of an operation while a function is compiled."""


class UserError(Unsupported):
    """A mistake of the caller's."""


class UncapturedHigherOrderOpError(TorchDynamoException):
    """A function in a function that is not compiled."""


class RecompileError(TorchDynamoException):
    """A function would be compiled again."""


class RecompileLimitExceeded(Unsupported):
    """A function was compiled too often."""


class TensorifyScalarRestartAnalysis(TorchDynamoException):
    """A number is to be a tensor; not raised here."""


class FailOnRecompileLimitHit(Exception):
    """A function that must be compiled was compiled too often."""


class CacheLimitExceeded(FailOnRecompileLimitHit):
    """The older name."""
