"""A service as the signalling side knows it: what a JID's local part reaches."""

from dataclasses import dataclass
from typing import Protocol

RESOURCE = "media"
"""Resource of the full JID that a service speaks from."""


@dataclass(frozen=True, slots=True)
class Address:
    """The local part of a JID that was called: ``service`` or ``service+argument``."""

    service: str
    argument: str = ""


def address_of(local_part: str) -> Address:
    """Split ``service+argument``."""
    service, _, argument = local_part.partition("+")
    return Address(service.lower(), argument)


def full_jid(account: str) -> str:
    """The full JID of a service, from its bare JID: clients listen to no other."""
    return f"{account}/{RESOURCE}"


class Service(Protocol):
    """The signalling half of a service; its media half is the program of the same name."""

    @property
    def name(self) -> str:
        """The local part that reaches it, and the name of its program."""

    @property
    def title(self) -> str:
        """What people read in a list of services."""

    @property
    def description(self) -> str:
        """What it does, in one sentence."""

    def admits(self, peer: str, argument: str) -> bool:
        """Whether this peer (a full JID) may call it with this argument."""
