"""Closing a media session in any state leaves neither a task nor a socket behind."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest
from aioice import Connection, stun

from jinglebridge.bridge.ports import ConnectionState, LocalCandidates
from jinglebridge.errors import ConnectivityError, GeneralError, LocalProtocolError
from jinglebridge.media.dtls import DtlsTransport, generate_certificate
from jinglebridge.media.ice import IceConnection
from jinglebridge.media.mux import Mux
from jinglebridge.media.peer import Peer
from jinglebridge.media.rtp.transport import RtpTransport
from jinglebridge.protocol.sdp.description import Offer, TrickledCandidates
from jinglebridge.protocol.sdp.text import loads_offer
from jinglebridge.services.echo import EchoProgram
from tests.media.calls import LOOPBACK, Events, calling, loopback_aiortc

__all__ = ["loopback_aiortc"]
pytestmark = pytest.mark.usefixtures("nothing_left", "loopback_aiortc")

PWD = "0123456789012345678901"


def offer(ufrag: str = "abcd") -> Offer:
    return loads_offer(
        "v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE 0 1\n"
        + "".join(
            f"m={media} 9 UDP/TLS/RTP/SAVPF 96\na=mid:{mid}\na=rtcp-mux\na=rtpmap:96 {codec}\n"
            f"a=ice-ufrag:{ufrag}\na=ice-pwd:{PWD}\na=setup:actpass\n"
            f"a=fingerprint:sha-256 {':'.join(['CD'] * 32)}\n"
            for mid, media, codec in ((0, "audio", "opus/48000/2"), (1, "video", "VP8/90000"))
        )
    )


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[Peer, Events]]:
    events = Events()
    peer = Peer(
        settings=LOOPBACK,
        certificate=generate_certificate(),
        program=EchoProgram(),
        emit=events,
    )
    try:
        yield peer, events
    finally:
        async with asyncio.timeout(5):
            await peer.close()
    assert events.states[-1] is ConnectionState.CLOSED
    assert events.states.count(ConnectionState.CLOSED) == 1


async def test_before_the_offer() -> None:
    async with opened():
        pass


async def test_right_after_the_answer() -> None:
    async with opened() as (peer, _):
        await peer.answer(offer())


async def test_right_after_an_offer_of_ours() -> None:
    async with opened() as (peer, _):
        await peer.prepare_offer(("audio", "video"))


async def test_while_an_offer_of_ours_waits() -> None:
    async with opened() as (peer, events):
        await peer.prepare_offer(("audio", "video"))
        await events.gathered(2)
        assert peer.state is ConnectionState.NEW


async def test_right_after_the_answer_to_ours() -> None:
    async with opened() as (peer, _), opened() as (other, _):
        await peer.commit(await other.answer(await peer.prepare_offer(("audio", "video"))))


async def test_cancelled_while_the_answer_to_ours_is_taken() -> None:
    async with opened() as (peer, events), opened() as (other, _):
        answer = await other.answer(await peer.prepare_offer(("audio", "video")))
        await events.gathered(2)
        committing = asyncio.create_task(peer.commit(answer))
        await asyncio.sleep(0)
        committing.cancel()
        await asyncio.gather(committing, return_exceptions=True)


async def test_session_offers_or_answers_once() -> None:
    async with opened() as (peer, _):
        await peer.prepare_offer(("audio",))
        with pytest.raises(LocalProtocolError):
            await peer.prepare_offer(("audio",))
        with pytest.raises(LocalProtocolError):
            await peer.answer(offer())


async def test_while_looking_for_a_path() -> None:
    async with opened() as (peer, events):
        await peer.answer(offer())
        await events.gathered()
        await asyncio.sleep(0.05)
        assert peer.state is ConnectionState.CONNECTING


@asynccontextmanager
async def silent_peer(peer: Peer, events: Events) -> AsyncIterator[Mux]:
    """The other end of ICE, with nobody behind it who answers DTLS."""
    answer = await peer.answer(offer())
    port = await events.gathered()
    assert port
    section = answer.media[0]
    mux = Mux()
    ice = IceConnection(controlling=True, ufrag="abcd", pwd=PWD, settings=LOOPBACK, receiver=mux)
    await ice.gather(lambda _: None)
    for event in events.candidates:
        for candidate in event.trickled.candidates:
            ice.add_candidate(candidate)
    assert section.ice_ufrag is not None
    assert section.ice_pwd is not None
    async with asyncio.timeout(5):
        await ice.establish(remote_ufrag=section.ice_ufrag, remote_pwd=section.ice_pwd)
    try:
        yield mux
    finally:
        await ice.close()


async def test_in_the_middle_of_the_handshake() -> None:
    async with opened() as (peer, events), silent_peer(peer, events) as mux:
        async with asyncio.timeout(5):
            hello = await mux._recv()
        assert hello[0] == 22
        await peer.close()
        assert peer.state is ConnectionState.CLOSED


async def test_although_a_cancellation_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """As wait_for does before Python 3.12, in aiortc's handshake for example."""

    async def forgetful(*_: object) -> None:
        for _times in range(2):
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        await asyncio.Event().wait()

    monkeypatch.setattr(DtlsTransport, "open", forgetful)
    async with opened() as (peer, events), silent_peer(peer, events):
        await asyncio.sleep(0.1)


async def test_cancelled_while_closing() -> None:
    async with opened() as (peer, events), silent_peer(peer, events):
        closing = asyncio.create_task(peer.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
        await asyncio.sleep(0.05)


async def test_closed_by_several_at_once() -> None:
    async with opened() as (peer, events), silent_peer(peer, events):
        await asyncio.gather(peer.close(), peer.close(), peer.close())


async def test_after_a_failure() -> None:
    async with calling(settings=replace(LOOPBACK, connect_timeout_s=0.2)) as caller:
        caller.change_offer = lambda sdp: re.sub(r"a=candidate.*\r\n", "", sdp)
        await caller.offer()
        await caller.events.reached(ConnectionState.FAILED)


async def test_once_connected() -> None:
    async with calling() as caller:
        await caller.call()
        await caller.frames("video", 2)
        await caller.session.close()
        await caller.session.close()
        assert caller.events.states[-1] is ConnectionState.CLOSED


async def test_broken_forwarding_fails_the_call_and_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("on purpose")

    close = DtlsTransport.close

    async def close_slowly(transport: DtlsTransport) -> None:
        await asyncio.sleep(0.1)  # several ticks
        await close(transport)

    async with calling(video=False) as caller:
        await caller.call()
        await caller.frames("audio", 2)
        monkeypatch.setattr(DtlsTransport, "close", close_slowly)
        monkeypatch.setattr(RtpTransport, "tick", broken)
        await caller.events.reached(ConnectionState.FAILED)
        assert isinstance(caller.events.error, GeneralError)
        assert caplog.text.count("RuntimeError: on purpose") == 1


async def test_broken_transport_fails_the_call_and_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(IceConnection, "gather", broken)
    async with opened() as (peer, events):
        await peer.answer(offer())
        await events.reached(ConnectionState.FAILED)
        assert isinstance(events.error, GeneralError)
        assert "on purpose" in caplog.text


async def test_silence_is_told_before_it_ends_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jinglebridge.media.ice.CONSENT_INTERVAL_S", 0.05)
    async with calling(video=False, settings=replace(LOOPBACK, consent_timeout_s=1.0)) as caller:
        await caller.call()
        await caller.frames("audio", 2)
        monkeypatch.setattr(stun, "RETRY_RTO", 0.02)
        monkeypatch.setattr(Connection, "request_received", lambda *_: None)
        await caller.events.reached(ConnectionState.DISCONNECTED)
        monkeypatch.undo()
        monkeypatch.setattr("jinglebridge.media.ice.CONSENT_INTERVAL_S", 0.05)
        await caller.events.wait_for(lambda: caller.events.states[-1] is ConnectionState.CONNECTED)
        monkeypatch.setattr(stun, "RETRY_RTO", 0.02)
        monkeypatch.setattr(Connection, "request_received", lambda *_: None)
        await caller.events.reached(ConnectionState.FAILED)
        assert isinstance(caller.events.error, ConnectivityError)


async def test_second_offer_is_refused_and_changes_nothing() -> None:
    async with opened() as (peer, events):
        await peer.answer(offer())
        with pytest.raises(LocalProtocolError):
            await peer.answer(offer())
        await events.gathered()
        assert peer.state is ConnectionState.CONNECTING


def addresses(peer: Peer) -> list[list[str]]:
    return [
        [item.host for item in transport._ice.remote_candidates] for transport in peer._transports
    ]


def trickled(host: int, *, mid: str = "0", ufrag: str | None = "abcd") -> TrickledCandidates:
    candidate = (
        loads_offer(
            "v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nt=0 0\nm=audio 9 UDP/TLS/RTP/SAVPF 0\na=mid:0\n"
            f"a=candidate:1 1 udp 1 127.0.0.{host} 9 typ host\n"
        )
        .media[0]
        .candidates
    )
    return TrickledCandidates(mid=mid, ufrag=ufrag, candidates=candidate)


async def test_candidates_wait_for_their_section_and_generation() -> None:
    async with opened() as (peer, _):
        await peer.add_candidates(trickled(1))
        await peer.add_candidates(trickled(2, ufrag=None))
        await peer.add_candidates(trickled(3, ufrag="next"))
        await peer.answer(offer())
        await peer.add_candidates(trickled(4, mid="1"))
        await peer.add_candidates(trickled(5, mid="unknown"))
        await peer.add_candidates(TrickledCandidates(mid="0", ufrag=None, end_of_candidates=True))
        await peer.add_candidates(trickled(6))
        assert addresses(peer) == [["127.0.0.1", "127.0.0.2", "127.0.0.4", "127.0.0.6"]]


async def test_candidates_leave_after_the_answer_one_by_one() -> None:
    async with opened() as (peer, events):
        answer = await peer.answer(offer())
        assert events.candidates == []
        await events.gathered()
        found = [event.trickled for event in events.candidates]
        assert [len(one.candidates) for one in found] == [1, 0]
        assert [one.end_of_candidates for one in found] == [False, True]
        assert {one.ufrag for one in found} == {answer.media[0].ice_ufrag}
        assert all(isinstance(event, LocalCandidates) for event in events.candidates)
