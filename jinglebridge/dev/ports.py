"""Choosing TCP ports for throw-away servers."""

from __future__ import annotations

import socket
from contextlib import ExitStack


def free_ports(count: int, host: str = "127.0.0.1") -> tuple[int, ...]:
    """Ask the kernel for `count` different TCP ports that nobody listens on."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.create_server((host, 0))) for _ in range(count)]
        return tuple(int(each.getsockname()[1]) for each in sockets)
