"""An account with several clients: all of them ring, one gets the call."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from jinglebridge.bridge.outgoing import OutgoingCall
from jinglebridge.dev.prosody import PrivateProsody
from jinglebridge.protocol.jingle.xep_0166 import ReasonCondition
from tests.personas.conversations import Conversations
from tests.personas.dino import Dino
from tests.personas.monal import Monal
from tests.personas.persona import Persona
from tests.personas.scenes import ROOMY, settled
from tests.personas.stage import House, piped, served
from tests.personas.stanza import Stanza
from tests.personas.xml import bare


@pytest.fixture(params=["memory", pytest.param("server", marks=pytest.mark.server)])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            yield await stack.enter_async_context(piped(ROOMY))
            return
        extra = "allow_unencrypted_plain_auth = true"
        prosody = await stack.enter_async_context(PrivateProsody(extra_config=extra))
        yield await stack.enter_async_context(served(prosody, ROOMY))


async def ringing(house: House, *kinds: type[Persona]) -> tuple[OutgoingCall, list[Persona]]:
    """An account whose clients ring; those without JMI hear nothing yet."""
    personas = [await house.sign_in(kind, "juliet") for kind in kinds]
    for persona in personas:
        persona.plan = "ignore"
    outgoing = house.bridge.call(bare(personas[0].jid), "echo")
    for persona in personas:
        if persona.has_messages:
            await persona.until("propose")
    return outgoing, personas


async def ended(outgoing: OutgoingCall, condition: ReasonCondition) -> None:
    async with asyncio.timeout(5):
        await asyncio.wait({outgoing.task})
    assert outgoing.reason is not None
    assert outgoing.reason.condition is condition


async def test_one_takes_the_call(house: House) -> None:
    outgoing, (taker, other, direct) = await ringing(house, Conversations, Dino, Stanza)
    taker.plan = "accept"
    taker.proposed(taker.current())
    await taker.until("session-initiate", "session-accept taken", "transport-info")
    await other.until("sibling's accept")
    house.connect_media()
    for persona in (other, direct):
        assert not {"session-initiate", "retract"} & set(persona.seen), persona.seen
    taker.hang_up()
    await ended(outgoing, ReasonCondition.SUCCESS)
    await settled(house, taker, other, direct)
    assert "session-initiate" not in direct.seen


async def test_one_declines_for_all(house: House) -> None:
    outgoing, (decliner, other) = await ringing(house, Monal, Conversations)
    decliner.plan = "decline"
    decliner.proposed(decliner.current())
    await ended(outgoing, ReasonCondition.DECLINE)
    await settled(house, decliner, other)
    assert "session-initiate" not in other.seen


async def test_all_stop_when_we_give_up(house: House) -> None:
    outgoing, (first, second) = await ringing(house, Conversations, Monal)
    await house.bridge.close()
    for persona in (first, second):
        await persona.until("ended: retract gone")
    await ended(outgoing, ReasonCondition.GONE)
    await settled(house, first, second)
