"""A caller on aiortc's RTCPeerConnection, and the endpoint that it calls."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aioice.ice
import pytest
from aiortc import (
    AudioStreamTrack,
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.sdp import candidate_from_sdp

from jinglebridge.bridge.ports import (
    ConnectionChanged,
    ConnectionState,
    LocalCandidates,
    MediaEvent,
    MediaSession,
)
from jinglebridge.errors import CallError
from jinglebridge.media.candidates import CandidatePolicy
from jinglebridge.media.engine import InProcessEngine
from jinglebridge.media.program import Program
from jinglebridge.media.settings import MediaSettings
from jinglebridge.protocol.sdp.description import Answer
from jinglebridge.protocol.sdp.lines import build_candidate
from jinglebridge.protocol.sdp.text import dumps, loads_offer
from jinglebridge.services.echo import EchoProgram

LOOPBACK = MediaSettings(
    bind_addresses=("127.0.0.1",),
    policy=CandidatePolicy(allow_loopback=True),
    connect_timeout_s=10,
)


@pytest.fixture
def loopback_aiortc(monkeypatch: pytest.MonkeyPatch) -> None:
    """aiortc gathers on every address but loopback; here on loopback alone."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])


@dataclass
class Events:
    """What a media session told."""

    states: list[ConnectionState] = field(default_factory=list)
    error: CallError | None = None
    candidates: list[LocalCandidates] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, event: MediaEvent) -> None:
        if isinstance(event, LocalCandidates):
            self.candidates.append(event)
        elif isinstance(event, ConnectionChanged):
            self.states.append(event.state)
            self.error = event.error or self.error
        self.changed.set()

    async def reached(self, state: ConnectionState, within: float = 10.0) -> None:
        await self.wait_for(lambda: state in self.states, within)

    async def gathered(self, transports: int = 1) -> int:
        """The port of the first candidate, once every transport has found all of its own."""
        await self.wait_for(
            lambda: sum(one.trickled.end_of_candidates for one in self.candidates) == transports
        )
        return self.candidates[0].trickled.candidates[0].port

    async def wait_for(self, condition: Callable[[], bool], within: float = 10.0) -> None:
        async with asyncio.timeout(within):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@dataclass
class Caller:
    """One call from aiortc to a media session."""

    pc: RTCPeerConnection
    session: MediaSession
    events: Events
    received: dict[str, MediaStreamTrack] = field(default_factory=dict)
    change_offer: Callable[[str], str] | None = None
    """Applied to the offer's text on its way."""
    before_candidates: Callable[[int], None] | None = None
    """Called with the endpoint's port before the caller learns it."""

    async def offer(self) -> Answer:
        """Offer, and take the answer as the engine gave it."""
        self.pc.on("track", lambda track: self.received.__setitem__(track.kind, track))
        await self.pc.setLocalDescription(await self.pc.createOffer())
        sdp = self.pc.localDescription.sdp
        return await self.session.answer(
            loads_offer(self.change_offer(sdp) if self.change_offer else sdp)
        )

    async def call(self) -> None:
        """Offer, take the answer, then all our candidates."""
        answer = await self.offer()
        await self.pc.setRemoteDescription(RTCSessionDescription(dumps(answer), "answer"))
        port = await self.events.gathered(len({one.ice_ufrag for one in answer.media}))
        if self.before_candidates is not None:
            self.before_candidates(port)
        for event in self.events.candidates:
            for item in event.trickled.candidates:
                candidate = candidate_from_sdp(build_candidate(item).removeprefix("candidate:"))
                candidate.sdpMid = event.trickled.mid
                await self.pc.addIceCandidate(candidate)

    async def frames(self, kind: str, count: int) -> list[Any]:
        """The first decoded frames of one kind of media."""
        async with asyncio.timeout(20):
            return [await self.received[kind].recv() for _ in range(count)]


@asynccontextmanager
async def calling(
    *,
    audio: bool = True,
    video: bool = True,
    settings: MediaSettings = LOOPBACK,
    program: Callable[[], Program] = EchoProgram,
) -> AsyncIterator[Caller]:
    """A caller that is ready to call; everything is closed at the end."""
    engine = InProcessEngine(settings, {"echo": program})
    events = Events()
    session = await engine.open("echo", "caller@localhost/a", events)
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    tracks: list[MediaStreamTrack] = []
    if audio:
        tracks.append(AudioStreamTrack())
    if video:
        tracks.append(VideoStreamTrack())
    for track in tracks:
        pc.addTrack(track)
    try:
        yield Caller(pc, session, events)
    finally:
        with suppress(ConnectionError):
            await pc.close()
        await session.close()
        await engine.close()
