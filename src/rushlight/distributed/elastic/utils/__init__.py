"""What launchers of processes need beside: variables, sockets, arguments that are filled in."""

from rushlight.distributed.elastic.utils.api import (
    get_env_variable_or_raise,
    get_socket_with_port,
    macros,
)

__all__ = ["get_env_variable_or_raise", "get_socket_with_port", "macros"]
