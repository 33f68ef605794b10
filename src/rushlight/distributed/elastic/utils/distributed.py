"""Free ports."""

from rushlight.distributed.elastic.utils.api import get_socket_with_port

__all__ = ["get_free_port", "get_socket_with_port"]


def get_free_port() -> int:
    """A port of this machine that nobody listens to; another may take it before you do."""
    with get_socket_with_port() as held:
        return int(held.getsockname()[1])
