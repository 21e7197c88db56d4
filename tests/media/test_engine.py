"""The engine behind its messages: what it refuses, and how it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from jinglebridge.bridge import jsep
from jinglebridge.bridge.ports import ConnectionState
from jinglebridge.errors import (
    Busy,
    GeneralError,
    Gone,
    IncompatibleParameters,
    Timeout,
    UnsupportedApplications,
)
from jinglebridge.media.client import EngineClient
from jinglebridge.media.engine import InProcessEngine
from jinglebridge.media.host import EngineHost
from jinglebridge.media.settings import MediaSettings
from jinglebridge.protocol.jingle.xep_0167 import PayloadType
from jinglebridge.services.echo import EchoProgram
from tests.media.calls import LOOPBACK, Events
from tests.media.test_lifecycle import offer, trickled

pytestmark = pytest.mark.usefixtures("nothing_left")


@asynccontextmanager
async def engine(settings: MediaSettings = LOOPBACK) -> AsyncIterator[InProcessEngine]:
    made = InProcessEngine(settings, {"echo": EchoProgram})
    try:
        yield made
    finally:
        await made.close()


async def test_unknown_program_is_refused() -> None:
    async with engine() as made:
        events = Events()
        with pytest.raises(UnsupportedApplications, match="nothing"):
            await made.open("nothing", "a@b/c", events)
        assert events.states == []


async def test_full_engine_is_busy_until_a_session_ends() -> None:
    async with engine(replace(LOOPBACK, max_sessions=1)) as made:
        session = await made.open("echo", "a@b/c", Events())
        with pytest.raises(Busy):
            await made.open("echo", "a@b/c", Events())
        await session.close()
        await made.open("echo", "a@b/c", Events())


async def test_refusal_of_an_offer_keeps_its_class() -> None:
    async with engine() as made:
        session = await made.open("echo", "a@b/c", Events())
        good = offer()
        unknown = (PayloadType(id=96, name="mp4a", clockrate=48_000),)
        bad = good.with_media(tuple(replace(one, payload_types=unknown) for one in good.media))
        with pytest.raises(IncompatibleParameters, match="no codec in common"):
            await session.answer(bad)


async def test_second_offer_is_refused_and_the_session_lives() -> None:
    async with engine() as made:
        events = Events()
        session = await made.open("echo", "a@b/c", events)
        await session.answer(offer())
        with pytest.raises(GeneralError):
            await session.answer(offer())
        await session.add_candidates(trickled(1))
        await events.gathered()
        await session.close()
        assert events.states == [ConnectionState.CONNECTING, ConnectionState.CLOSED]


async def test_closing_the_engine_ends_its_sessions() -> None:
    async with engine() as made:
        events = Events()
        session = await made.open("echo", "a@b/c", events)
        await session.answer(offer())
        await made.close()
        assert events.states[-1] is ConnectionState.CLOSED
        await session.close()


async def test_many_sessions_one_after_another_leave_nothing() -> None:
    async with engine() as made:
        for _ in range(20):
            session = await made.open("echo", "a@b/c", Events())
            await session.answer(offer())
            await session.close()


async def test_candidates_and_closing_after_the_end_are_harmless() -> None:
    async with engine() as made:
        session = await made.open("echo", "a@b/c", Events())
        await session.close()
        await session.add_candidates(trickled(1))
        await session.close()


async def test_silent_engine_is_not_waited_for() -> None:
    client = EngineClient(replace(LOOPBACK, request_timeout_s=0.05), lambda frame: None)
    session = client.open("echo", "a@b/c", Events())
    with pytest.raises(Timeout):
        await session.answer(offer())
    await session.close()


async def test_other_reply_than_asked_for_is_an_error() -> None:
    frames: list[bytes] = []
    client = EngineClient(LOOPBACK, frames.append)
    session = client.open("echo", "a@b/c", Events())
    waiting = asyncio.create_task(session.prepare_offer(("audio",)))
    await asyncio.sleep(0)
    client.receive(jsep.encode(jsep.Committed(session="1")))
    with pytest.raises(GeneralError):
        await waiting
    sent = jsep.FrameReader().feed(b"".join(frames))
    assert sent[1:] == [jsep.PrepareOffer(session="1", kinds=("audio",))]
    client.lost()
    await session.close()


async def test_lost_engine_fails_what_waits_for_it() -> None:
    client = EngineClient(LOOPBACK, lambda frame: None)
    session = client.open("echo", "a@b/c", Events())
    waiting = asyncio.create_task(session.answer(offer()))
    await asyncio.sleep(0)
    client.lost()
    with pytest.raises(Gone):
        await waiting
    await session.close()


def test_client_refuses_a_state_that_it_does_not_know() -> None:
    client = EngineClient(LOOPBACK, lambda frame: None)
    client.open("echo", "a@b/c", Events())
    with pytest.raises(jsep.JsepError):
        client.receive(jsep.encode(jsep.ConnectionChangedMessage(session="1", state="sleepy")))


def test_messages_of_unknown_sessions_are_dropped() -> None:
    client = EngineClient(LOOPBACK, lambda frame: None)
    client.receive(jsep.encode(jsep.ConnectionChangedMessage(session="9", state="connected")))


async def test_host_answers_a_close_of_what_it_does_not_know() -> None:
    frames: list[bytes] = []
    host = EngineHost(LOOPBACK, {"echo": EchoProgram}, frames.append)
    host.receive(jsep.encode(jsep.Close(session="9")))
    host.receive(jsep.encode(jsep.OfferMessage(session="9", sdp="v=0\r\n")))
    [message] = jsep.FrameReader().feed(b"".join(frames))
    assert message == jsep.ConnectionChangedMessage(session="9", state="closed")


@pytest.mark.parametrize("kind", [jsep.OfferMessage, jsep.AnswerMessage])
async def test_host_refuses_what_is_no_description(
    kind: type[jsep.OfferMessage] | type[jsep.AnswerMessage],
) -> None:
    frames: list[bytes] = []
    host = EngineHost(LOOPBACK, {"echo": EchoProgram}, frames.append)
    host.receive(jsep.encode(jsep.Open(session="1", service="echo", peer="a@b/c")))
    host.receive(jsep.encode(kind(session="1", sdp="m=\r\n")))
    await asyncio.sleep(0.01)
    [message] = jsep.FrameReader().feed(b"".join(frames))
    assert isinstance(message, jsep.Failed)
    assert message.reason == "failed-application"
    await host.close()
