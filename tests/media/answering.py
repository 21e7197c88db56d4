"""Calls that the endpoint makes: to aiortc's RTCPeerConnection, and to another endpoint."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from aiortc import (
    AudioStreamTrack,
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.sdp import candidate_from_sdp

from jinglebridge.bridge.ports import MediaSession
from jinglebridge.media.engine import InProcessEngine
from jinglebridge.media.program import Program, Sink, Source
from jinglebridge.media.rtp.packet import Header, read_header
from jinglebridge.media.rtp.parameters import RtpSection
from jinglebridge.media.settings import MediaSettings
from jinglebridge.protocol.sdp.description import Offer
from jinglebridge.protocol.sdp.lines import build_candidate
from jinglebridge.protocol.sdp.text import dumps, loads_answer
from jinglebridge.services.echo import EchoProgram
from tests.media.calls import LOOPBACK, Events

AUDIO_AND_VIDEO = ("audio", "video")


@dataclass
class Called:
    """One call from a media session to aiortc, which answers with all its candidates."""

    pc: RTCPeerConnection
    session: MediaSession
    events: Events
    received: dict[str, MediaStreamTrack] = field(default_factory=dict)
    change_offer: Callable[[str], str] | None = None
    """Applied to the offer's text on its way to aiortc."""
    change_answer: Callable[[str], str] | None = None
    """Applied to the answer's text on its way back."""
    answer: str = ""
    """The answer as it was committed."""

    async def call(self, kinds: tuple[str, ...] = AUDIO_AND_VIDEO) -> Offer:
        """Offer, let aiortc answer, and commit what it says."""
        offer = await self.session.prepare_offer(kinds)
        self.pc.on("track", lambda track: self.received.__setitem__(track.kind, track))
        text = dumps(offer)
        await self.pc.setRemoteDescription(
            RTCSessionDescription(self.change_offer(text) if self.change_offer else text, "offer")
        )
        await self.events.gathered(len(kinds))
        await self._take_candidates()
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        answer = self.pc.localDescription.sdp
        self.answer = self.change_answer(answer) if self.change_answer else answer
        await self.session.commit(loads_answer(self.answer))
        return offer

    async def frames(self, kind: str, count: int) -> list[Any]:
        """The first decoded frames of one kind of media."""
        async with asyncio.timeout(20):
            return [await self.received[kind].recv() for _ in range(count)]

    async def _take_candidates(self) -> None:
        for event in self.events.candidates:
            for item in event.trickled.candidates:
                candidate = candidate_from_sdp(build_candidate(item).removeprefix("candidate:"))
                candidate.sdpMid = event.trickled.mid
                await self.pc.addIceCandidate(candidate)


@asynccontextmanager
async def called(
    *,
    audio: bool = True,
    video: bool = True,
    settings: MediaSettings = LOOPBACK,
    program: Callable[[], Program] = EchoProgram,
) -> AsyncIterator[Called]:
    """Somebody to call; everything is closed at the end."""
    engine = InProcessEngine(settings, {"echo": program})
    events = Events()
    session = await engine.open("echo", "called@localhost/a", events)
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    tracks: list[MediaStreamTrack] = []
    if audio:
        tracks.append(AudioStreamTrack())
    if video:
        tracks.append(VideoStreamTrack())
    for track in tracks:
        pc.addTrack(track)
    try:
        yield Called(pc, session, events)
    finally:
        with suppress(ConnectionError):
            await pc.close()
        await session.close()
        await engine.close()


class Tone:
    """A source that a program plays by itself: numbered packets in a section."""

    rid = None
    report = None

    def __init__(self, section: RtpSection, ssrc: int) -> None:
        self.section = section
        self.ssrc = ssrc
        self._sequence = 0

    def connect(self, sink: Sink, now: float) -> None:
        sink.source_connected(self, now)

    def disconnect(self, sink: Sink) -> None:
        sink.source_disconnected(self)

    def request_key_frame(self, now: float) -> None:
        """There are no frames in it."""

    def play(self, sink: Sink, now: float) -> None:
        self._sequence += 1
        codec = self.section.codecs[0]
        data = struct.pack(
            "!BBHLL",
            0x80,
            codec.payload_type,
            self._sequence,
            self._sequence * codec.clock_rate // 50,
            self.ssrc,
        )
        data += b"%d in %s" % (self._sequence, self.section.mid.encode())
        header = read_header(data)
        assert header is not None
        sink.forward(data, self._sequence, header, now)


class Ear:
    """A sink that remembers what it heard."""

    def __init__(self, section: RtpSection, changed: asyncio.Event) -> None:
        self.section = section
        self.source: Source | None = None
        self.heard: list[bytes] = []
        self._changed = changed

    def source_connected(self, source: Source, now: float) -> None:
        self.source = source

    def source_disconnected(self, source: Source) -> None:
        self.source = None

    def forward(self, data: bytes, sequence: int, header: Header, now: float) -> None:
        self.heard.append(data[header.payload_at :])
        self._changed.set()

    def skip(self, sequence: int) -> None:
        """Nothing is missing for it."""


class Player:
    """Plays numbered packets into every section and hears what comes back."""

    def __init__(self) -> None:
        self.ears: dict[str, Ear] = {}
        self._changed = asyncio.Event()
        self._playing: dict[str, asyncio.Task[None]] = {}

    def source_appeared(self, source: Source, now: float) -> None:
        ear = self.ears[source.section.mid] = Ear(source.section, self._changed)
        source.connect(ear, now)

    def source_ended(self, source: Source, now: float) -> None:
        """What was heard stays heard."""

    def sink_opened(self, sink: Sink, now: float) -> None:
        tone = Tone(sink.section, 7)
        tone.connect(sink, now)
        self._playing[sink.section.mid] = asyncio.create_task(self._play(tone, sink))

    def sink_closed(self, sink: Sink, now: float) -> None:
        self._playing.pop(sink.section.mid).cancel()

    async def _play(self, tone: Tone, sink: Sink) -> None:
        while True:
            tone.play(sink, monotonic())
            await asyncio.sleep(0.02)

    async def heard(self, mid: str, count: int) -> list[bytes]:
        """The first payloads that came back in a section."""
        async with asyncio.timeout(10):
            while mid not in self.ears or len(self.ears[mid].heard) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.ears[mid].heard[:count]
