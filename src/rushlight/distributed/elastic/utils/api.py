"""Variables, sockets, and arguments that are filled in for each process."""

from __future__ import annotations

import os
from collections.abc import Iterable
from string import Template
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket


def get_env_variable_or_raise(env_name: str) -> str:
    """The value of an environment variable; ValueError if it is not set."""
    value = os.environ.get(env_name)
    if value is None:
        raise ValueError(f"Environment variable {env_name} expected, but not set")
    return value


def get_socket_with_port() -> socket.socket:
    """A socket of this machine that holds a free port until it is closed."""
    import socket

    for family, kind, protocol, _, _ in socket.getaddrinfo(
        "localhost", None, type=socket.SOCK_STREAM
    ):
        held = socket.socket(family, kind, protocol)
        try:
            held.bind(("localhost", 0))
            held.listen(0)
        except OSError:
            held.close()
            continue
        return held
    raise RuntimeError("Failed to create a socket")


class macros:
    """What stands in the arguments of a program for its place among the processes."""

    local_rank = "${local_rank}"

    @staticmethod
    def substitute(args: Iterable[Any], local_rank: str) -> list[Any]:
        """The arguments, with the place filled in.

        >>> macros.substitute(["--rank", macros.local_rank], "3")
        ['--rank', '3']
        """
        return [
            Template(arg).safe_substitute(local_rank=local_rank) if isinstance(arg, str) else arg
            for arg in args
        ]
