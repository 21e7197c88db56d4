"""What comes in much at once is read in slices, and nothing of it is lost."""

import asyncio
import errno
import os
from xml.etree.ElementTree import Element

import pytest

from jinglebridge.xmpp.guard import StanzaBounds
from jinglebridge.xmpp.notes import Notes
from jinglebridge.xmpp.stream import ComponentStream
from tests.xmpp.attached import detached
from tests.xmpp.scripted import Word, scripted

HEAD = "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client'>"
BRIDGE = "bridge.example.org"


class Transport(asyncio.Transport):
    """Remembers whether it is to read."""

    paused = False

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes | bytearray | memoryview) -> None: ...

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default


def message(number: int, character: str = "x") -> str:
    words = character * 1_000
    return f"<message from='a@b/c' to='{BRIDGE}' id='{number}'><body>{words}</body></message>"


async def all_read(transport: Transport) -> int:
    """Wait until everything is read; how many turns of the loop it took."""
    turns = 0
    while transport.paused:
        await asyncio.sleep(0)
        turns += 1
    return turns


def connected() -> tuple[ComponentStream, Transport, list[str]]:
    """A stream, its transport and the ids of what came."""
    came: list[str] = []

    def handle(stanza: Element) -> None:
        came.append(stanza.get("id", ""))

    stream = ComponentStream(
        BRIDGE,
        "secret",
        host="127.0.0.1",
        port=1,
        bounds=StanzaBounds(),
        handle=handle,
        refuse=lambda *_: None,
        notes=Notes(),
    )
    transport = Transport()
    stream.connection_made(transport)
    stream.data_received(HEAD)
    return stream, transport, came


def ids(count: int) -> list[str]:
    return [str(number) for number in range(count)]


async def test_others_have_their_turn_while_much_is_read() -> None:
    stream, transport, came = connected()
    stream.data_received("".join(message(number) for number in range(200)).encode())
    assert 0 < len(came) < 30
    assert await all_read(transport) >= 10
    assert came == ids(200)
    await stream.stop_sending()


async def test_what_comes_meanwhile_keeps_its_place() -> None:
    stream, transport, came = connected()
    stream.data_received("".join(message(number) for number in range(100)).encode())
    stream.data_received(message(100))
    assert len(came) < 100
    await all_read(transport)
    assert came == ids(101)
    await stream.stop_sending()


async def test_a_character_may_be_cut_in_two() -> None:
    stream, transport, came = connected()
    text = "".join(message(number, "\U0001f980") for number in range(40))
    stream.data_received(text.encode())
    await all_read(transport)
    assert came == ids(40)
    await stream.stop_sending()


async def test_the_end_of_the_connection_waits_for_what_came_before() -> None:
    stream, _, came = connected()
    stream.data_received("".join(message(number) for number in range(100)).encode())
    stream.connection_lost(None)
    assert came == ids(100)
    await asyncio.sleep(0)
    assert came == ids(100)
    await stream.stop_sending()


async def test_another_connection_starts_anew() -> None:
    stream, _, came = connected()
    stream.data_received("".join(message(number) for number in range(50)).encode() + b"<message")
    stream.connection_lost(None)
    stream.connection_made(Transport())
    stream.data_received(HEAD)
    stream.data_received(message(50))
    assert came == ids(51)
    await asyncio.sleep(0)
    await stream.stop_sending()


async def test_a_connection_ends_without_a_descriptor_to_spare(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The link must not end with it: it would never be opened again."""

    def no_more(_descriptor: int) -> int:
        raise OSError(errno.EMFILE, "too many open files")

    async with scripted(Word.NOTHING) as script:
        stream = detached(script.port, "secret").component.stream
        stream.open()
        await stream.wait_until("connected", 5)
        await asyncio.sleep(0.05)
        monkeypatch.setattr(os, "dup", no_more)
        await stream.drop(unheard=True)
        assert not stream.is_connected()
        stream.end_unheard()
        await stream.stop_sending()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("turns", range(6))
async def test_an_attempt_ends_at_any_time(turns: int) -> None:
    """Also in the very turn of the loop in which it succeeds."""
    async with scripted(Word.NOTHING) as script:
        stream = detached(script.port, "secret").component.stream
        stream.open()
        for _ in range(turns):
            await asyncio.sleep(0)
        await stream.drop()
        assert not stream.is_connecting()
        assert not stream.is_connected()
        await asyncio.sleep(0.05)
        assert not stream.is_connected()
        await stream.stop_sending()
