"""The listening socket, made before anything else is started."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable

from jinglebridge.errors import OperatorError


def listen(host: str, ports: Iterable[int]) -> socket.socket:
    """Listen on the first free one of `ports`.

    Raises:
        OperatorError: No port is free, or the address is not one of this machine.
    """
    reason, last = "no port given", 0
    for last in ports:
        try:
            return socket.create_server((host, last), backlog=128, family=_family(host))
        except OSError as error:
            # asyncio-style additions are left out; a resolver's numbers are not errno's
            is_resolver = isinstance(error, socket.gaierror)
            reason = str(error.strerror) if is_resolver else os.strerror(error.errno or 0)
            # Another port helps when this one is taken, and with nothing else.
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                break
    raise OperatorError(f"cannot listen on {host} port {last}: {reason.lower()}")


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
