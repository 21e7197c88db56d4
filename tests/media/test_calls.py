"""Whole calls over loopback, with aiortc's RTCPeerConnection as the caller."""

import asyncio
import re
import socket
from dataclasses import replace

import pytest

from jinglebridge.bridge.ports import ConnectionState
from jinglebridge.errors import ConnectivityError, FailedTransport, SecurityError
from jinglebridge.media.program import Source
from jinglebridge.services.echo import EchoProgram
from tests.media.calls import LOOPBACK, calling, loopback_aiortc

__all__ = ["loopback_aiortc"]
pytestmark = pytest.mark.usefixtures("nothing_left", "loopback_aiortc")


async def test_sound_and_picture_come_back() -> None:
    async with calling() as caller:
        await caller.call()
        pictures = await caller.frames("video", 20)
        assert (pictures[-1].width, pictures[-1].height) == (640, 480)
        sounds = await caller.frames("audio", 20)
        assert sounds[-1].sample_rate == 48_000
        assert caller.events.states == [ConnectionState.CONNECTING, ConnectionState.CONNECTED]
    assert caller.events.states[-1] is ConnectionState.CLOSED


async def test_unbundled_sections_have_transports_of_their_own() -> None:
    async with calling() as caller:
        caller.change_offer = lambda sdp: re.sub("a=group:BUNDLE.*\r\n", "", sdp)
        await caller.call()
        await caller.frames("video", 5)
        await caller.frames("audio", 5)
        assert {one.trickled.mid for one in caller.events.candidates} == {"0", "1"}


def as_dino(sdp: str) -> str:
    """The offer as Dino would write it: nothing shared, old keys and old candidates beside new."""
    lines: list[str] = []
    for line in sdp.splitlines():
        if line.startswith(("a=group", "a=extmap", "a=ssrc", "a=msid")):
            continue
        lines.append(line)
        if line.startswith("a=rtcp-mux"):
            lines.append(f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{'A' * 40}")
        if line.startswith("a=candidate:"):
            foundation, _, transport, priority, address, port, *rest = line.split()
            others = (foundation, "2", transport, priority, address, str(int(port) ^ 1), *rest)
            lines.append(" ".join(others))
    return "".join(f"{line}\r\n" for line in lines)


async def test_caller_that_shares_nothing_is_heard_and_seen() -> None:
    async with calling() as caller:
        caller.change_offer = as_dino
        await caller.call()
        pictures = await caller.frames("video", 20)
        assert (pictures[-1].width, pictures[-1].height) == (640, 480)
        assert len(await caller.frames("audio", 20)) == 20
        assert {one.trickled.mid for one in caller.events.candidates} == {"0", "1"}
        assert caller.events.states == [ConnectionState.CONNECTING, ConnectionState.CONNECTED]


async def test_section_without_a_transport_uses_the_bundles() -> None:
    def stub(sdp: str) -> str:
        head, video = sdp.split("m=video")
        lines = "a=(?:ice-ufrag|ice-pwd|fingerprint|setup|candidate|end-of-candidates).*\r\n"
        return f"{head}m=video{re.sub(lines, '', video)}"

    async with calling() as caller:
        caller.change_offer = stub
        await caller.call()
        await caller.frames("video", 20)
        await caller.frames("audio", 20)
        assert {one.trickled.mid for one in caller.events.candidates} == {"0"}


async def test_data_channel_comes_back() -> None:
    async with calling(video=False) as caller:
        channel = caller.pc.createDataChannel("echo")
        answers: asyncio.Queue[str | bytes] = asyncio.Queue()
        channel.on("message", answers.put_nowait)
        channel.on("open", lambda: channel.send("grüß dich"))
        channel.on("open", lambda: channel.send(b"\x00\xff" * 9000))
        await caller.call()
        async with asyncio.timeout(10):
            assert await answers.get() == "grüß dich"
            assert await answers.get() == b"\x00\xff" * 9000


class Listener(EchoProgram):
    """Echo that remembers what it heard."""

    heard: list[Source]

    def source_appeared(self, source: Source, now: float) -> None:
        self.heard.append(source)
        super().source_appeared(source, now)


def listener() -> tuple[list[Source], type[Listener]]:
    heard: list[Source] = []
    return heard, type("TestListener", (Listener,), {"heard": heard})


async def test_wrong_fingerprint_lets_nothing_through() -> None:
    heard, program = listener()
    async with calling(program=program) as caller:
        caller.change_offer = lambda sdp: re.sub(
            r"(a=fingerprint:sha-\d+) \S\S:\S\S", r"\1 00:00", sdp
        )
        await caller.call()
        await caller.events.reached(ConnectionState.FAILED)
        await asyncio.sleep(0.3)
    assert isinstance(caller.events.error, SecurityError)
    assert heard == []


async def test_right_fingerprint_lets_media_through() -> None:
    heard, program = listener()
    async with calling(program=program) as caller:
        await caller.call()
        await caller.frames("audio", 2)
    assert heard


async def test_one_of_several_fingerprints_is_enough() -> None:
    async with calling(video=False) as caller:
        wrong = "a=fingerprint:sha-512 " + ":".join(["00"] * 64)
        caller.change_offer = lambda sdp: re.sub(
            r"(a=fingerprint:sha-512 \S+)", rf"{wrong}\r\n\1", sdp
        )
        await caller.call()
        await caller.frames("audio", 2)


async def test_strangers_cannot_break_the_handshake() -> None:
    alert = bytes.fromhex("15fefd0000000000000000000702022800")
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    attack: list[asyncio.Task[None]] = []

    async def shoot(port: int) -> None:
        while True:
            for data in (alert, b"\x16\xfe\xfd" + bytes(40), b"\x80\x60" + bytes(40)):
                stranger.sendto(data, ("127.0.0.1", port))
            await asyncio.sleep(0.001)

    async with calling(video=False) as caller:
        caller.before_candidates = lambda port: attack.append(asyncio.create_task(shoot(port)))
        await caller.call()
        await caller.frames("audio", 5)
        for task in attack:
            task.cancel()
        await asyncio.gather(*attack, return_exceptions=True)
    stranger.close()
    assert attack
    assert ConnectionState.FAILED not in caller.events.states


async def test_end_of_dtls_is_told() -> None:
    async with calling(video=False) as caller:
        await caller.call()
        await caller.frames("audio", 2)
        await caller.pc.close()
        await caller.events.reached(ConnectionState.DISCONNECTED)
        assert caller.events.error is None, "a session-terminate may be on the way"
        await caller.events.reached(ConnectionState.FAILED)
        assert isinstance(caller.events.error, FailedTransport)


async def test_search_without_a_path_ends() -> None:
    async with calling(video=False, settings=replace(LOOPBACK, connect_timeout_s=0.4)) as caller:
        caller.change_offer = lambda sdp: re.sub(r"a=candidate.*\r\n", "", sdp)
        await caller.offer()
        await caller.events.reached(ConnectionState.FAILED)
        assert isinstance(caller.events.error, ConnectivityError)


async def test_no_address_for_media_is_told() -> None:
    settings = replace(LOOPBACK, bind_addresses=("192.0.2.99",))
    async with calling(video=False, settings=settings) as caller:
        await caller.offer()
        await caller.events.reached(ConnectionState.FAILED)
        assert isinstance(caller.events.error, ConnectivityError)
