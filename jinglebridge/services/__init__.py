"""What a JID's local part reaches: one service, one file, one line in this table."""

from collections.abc import Callable
from dataclasses import dataclass

from jinglebridge.bridge.service import Service
from jinglebridge.media.program import Program
from jinglebridge.services.echo import EchoProgram, EchoService


@dataclass(frozen=True, slots=True)
class Entry:
    """Both halves of a service."""

    service: Service
    program: Callable[[], Program]


SERVICES: dict[str, Entry] = {
    "echo": Entry(EchoService(), EchoProgram),
}
"""All services, by the local part that reaches them."""
