"""Each client in each case: what is played, and what is to be said about it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from jinglebridge.bridge.limits import Limits
from tests.personas.conversations import Conversations
from tests.personas.dino import Dino
from tests.personas.monal import Monal
from tests.personas.movim import Movim
from tests.personas.persona import Persona
from tests.personas.scenes import CASES, Case
from tests.personas.siskin import Siskin
from tests.personas.stage import House
from tests.personas.stanza import Stanza

CLIENTS: tuple[type[Persona], ...] = (Conversations, Dino, Monal, Movim, Siskin, Stanza)

_NO_MESSAGES = {
    "incoming, decline": "it has no JMI: its `session-initiate` gets the error `not-allowed`",
    "incoming, busy": "it has no JMI: its `session-initiate` gets the error `resource-constraint`",
    "incoming, retract": "it has no JMI: it takes its call back with `session-terminate`",
    "incoming, time-out": "it has no JMI: only media can be late",
    "outgoing, decline": "it has no JMI: it refuses with `session-terminate`",
    "outgoing, busy": "it has no JMI: it refuses with `session-terminate`",
    "outgoing, retract": "it has no JMI: we take our call back with `session-terminate`",
    "outgoing, time-out": "it has no JMI: we take our call back with `session-terminate`",
}
_SILENT = {"outgoing, busy": "its `reject` has no reason: our call ends with `decline`"}


def remark(client: type[Persona], case: Case) -> str | None:
    """What is to be said of a cell."""
    if not client.has_messages:
        return _NO_MESSAGES.get(case.name)
    return None if client.says_why else _SILENT.get(case.name)


Open = Callable[[Limits], AbstractAsyncContextManager[House]]


Played = dict[tuple[type[Persona], Case], frozenset[str]]
"""The needs that were looked at in each cell that went well."""


async def play(client: type[Persona], case: Case, open_house: Open) -> frozenset[str]:
    """Play one cell; the needs that were looked at.

    Raises:
        AssertionError: the client did not get what it needs, or the call went another way.
    """
    async with open_house(case.limits) as house:
        await case.play(house, client)
        return frozenset().union(*(persona.checked for persona in house.personas))


def cells() -> tuple[tuple[type[Persona], Case], ...]:
    """All of them."""
    return tuple((client, case) for client in CLIENTS for case in CASES)
