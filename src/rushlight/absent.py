"""What to say where a program asks for devices and libraries that are not here.

Which question gets which answer is in `tools/names.txt`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NoReturn


def no(*args: Any, **options: Any) -> bool:
    """False: rushlight runs on the CPU, with NumPy.

    >>> import rushlight as torch
    >>> torch.cuda.is_available(), torch.backends.mps.is_available()
    (False, False)
    """
    return False


def zero(*args: Any, **options: Any) -> int:
    """0: there is no such device, and nothing lies in its memory."""
    return 0


def nothing(*args: Any, **options: Any) -> None:
    """None, and nothing done: there is nothing to do it to."""


def empty_list(*args: Any, **options: Any) -> list[Any]:
    """A list of no devices' answers."""
    return []


def no_figures(*args: Any, **options: Any) -> OrderedDict[str, Any]:
    """A dictionary of no figures."""
    return OrderedDict()


def _not_compiled(name: str) -> Callable[..., NoReturn]:
    def missing(*args: Any, **options: Any) -> NoReturn:
        raise AssertionError(
            f"Torch not compiled with {name.upper()} enabled: rushlight runs on the CPU. Ask "
            f"torch.{name}.is_available() first"
        )

    missing.__doc__ = f"An error: there is no {name.upper()} device."
    return missing


no_cuda = _not_compiled("cuda")
no_xpu = _not_compiled("xpu")


def no_accelerator(*args: Any, **options: Any) -> NoReturn:
    """An error: there is no accelerator."""
    raise RuntimeError(
        "Cannot access accelerator device when none is available: rushlight runs on the CPU. Ask "
        "torch.accelerator.is_available() first"
    )


class _Refused(type):
    """The class of what torch has and rushlight has not: programs import it and ask isinstance."""

    why: str

    def __call__(cls, *args: Any, **options: Any) -> NoReturn:
        """An error, which says what to do instead."""
        raise NotImplementedError(f"rushlight has no {cls.__name__}: {cls.why}")


def refused(name: str, why: str, module: str) -> Any:
    """A name of torch's that is there, and whose every use is refused, in these words."""
    return _Refused(name, (), {"why": why, "__doc__": f"An error: {why}", "__module__": module})
