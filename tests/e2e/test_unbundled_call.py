"""A client that bundles nothing, as Dino: it calls and is called, over the real Prosody."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from jinglebridge.protocol.jingle.xep_0166 import Creator
from jinglebridge.protocol.jingle.xep_0353 import Proceed, Propose, Ringing
from jinglebridge.protocol.sdp.description import Offer
from jinglebridge.protocol.sdp.text import dumps, loads_answer
from jinglebridge.protocol.session.session import JingleSession
from tests.support import leaks
from tests.support.callee import Callee, IncomingCall
from tests.support.caller import Noise, Tone
from tests.support.stack import ECHO, Stack, stack, until

pytestmark = pytest.mark.server


@pytest.fixture
async def bridge_alone(nothing_left: None) -> AsyncIterator[Stack]:
    async with stack(page=False) as running:
        yield running


async def test_its_own_call_brings_sound_and_picture_back(bridge_alone: Stack) -> None:
    async with bridge_alone.caller("juliet") as caller:
        before = leaks.holdings()
        call = await caller.call(ECHO, bundled=False)
        await call.wait_for(frames=20, loudness=1_000)
        transceivers = call.pc.getTransceivers()
        assert len({item.receiver.transport for item in transceivers}) == 2
        assert [entry["state"] for entry in bridge_alone.events("media")] == [
            "connecting",
            "connected",
        ]
        await call.hang_up()
        await until(lambda: not bridge_alone.bridge.calls)
        await leaks.nothing_but(before)
    assert not bridge_alone.events("call failed")


class Unbundled(IncomingCall):
    """A call to a client that has a transport for each content, whatever it is offered."""

    async def _answer(self, offer: Offer) -> None:
        alone = dumps(replace(offer, groups=()))
        await self.pc.setRemoteDescription(RTCSessionDescription(alone, "offer"))
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        # aiortc writes BUNDLE into every answer, whatever it does.
        answer = replace(loads_answer(self.pc.localDescription.sdp), groups=())
        await self.caller.request(self.session.peer, self.session.accept(answer))


@pytest.mark.parametrize(("kind", "transports"), [(Unbundled, 2), (IncomingCall, 1)])
async def test_called_it_gets_sound_and_picture_back(
    kind: type[IncomingCall], transports: int, bridge_alone: Stack
) -> None:
    """And so does a client that bundles."""
    async with bridge_alone.caller("juliet") as client:
        before = leaks.holdings()
        taken: asyncio.Future[IncomingCall] = asyncio.get_running_loop().create_future()

        def take(callee: Callee, propose: Propose, peer: str) -> None:
            pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
            pc.addTrack(Tone())
            pc.addTrack(Noise(64, 48, 15))
            session = JingleSession(
                role=Creator.RESPONDER, sid=propose.id, local=client.jid, peer=peer
            )
            client.calls[propose.id] = call = kind(client, session, pc)
            callee.say(Ringing(id=propose.id), peer)
            callee.say(Proceed(id=propose.id), peer)
            taken.set_result(call)

        Callee(client, take)
        jid = client.jid.partition("/")[0]
        bridge_alone.bridge.call(jid, "echo", kinds=("audio", "video"))
        async with asyncio.timeout(20):
            call = await taken
        await call.wait_for(frames=20, loudness=1_000)
        transceivers = call.pc.getTransceivers()
        assert len({item.receiver.transport for item in transceivers}) == transports
        assert [entry["state"] for entry in bridge_alone.events("media")] == [
            "connecting",
            "connected",
        ]
        await call.hang_up()
        await until(lambda: not bridge_alone.bridge.calls)
        await leaks.nothing_but(before)
    assert not bridge_alone.events("call failed")
