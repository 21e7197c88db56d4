"""An XMPP client without a browser: calls a JID with aiortc's RTCPeerConnection.

Its signalling is ours (``JingleSession`` as the initiator), its media and its XMPP stream are not,
so that a call from here tests both ends of the protocol against an independent media stack.
"""

import array
import asyncio
import fractions
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree.ElementTree import Element

import aioice.ice
import slixmpp
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack, VideoStreamTrack
from aiortc.sdp import candidate_from_sdp
from av import AudioFrame, VideoFrame
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from jinglebridge.errors import RemoteProtocolError
from jinglebridge.protocol.jingle.xep_0166 import (
    Creator,
    Jingle,
    Reason,
    ReasonCondition,
    reason_of,
)
from jinglebridge.protocol.sdp.description import TrickledCandidates
from jinglebridge.protocol.sdp.lines import build_candidate
from jinglebridge.protocol.sdp.text import dumps, loads_offer
from jinglebridge.protocol.session.events import (
    AnswerReceived,
    CandidatesReceived,
    Event,
    SessionEnded,
)
from jinglebridge.protocol.session.session import JingleSession
from jinglebridge.protocol.xml import build, parse

_JINGLE = "{jabber:client}iq/{urn:xmpp:jingle:1}jingle"


class Noise(VideoStreamTrack):
    """A small moving picture."""

    def __init__(self, width: int, height: int, rate: int) -> None:
        super().__init__()
        self._size = (width, height)
        self._step = 90_000 // rate
        self._rate = rate
        self._count = 0
        self._started = 0.0

    async def recv(self) -> VideoFrame:
        loop = asyncio.get_running_loop()
        if not self._count:
            self._started = loop.time()
        await asyncio.sleep(self._started + self._count / self._rate - loop.time())
        frame = VideoFrame(*self._size, "yuv420p")
        for number, plane in enumerate(frame.planes):
            plane.update(bytes([(self._count * 7 + number) % 256]) * plane.buffer_size)
        frame.pts = self._count * self._step
        frame.time_base = fractions.Fraction(1, 90_000)
        self._count += 1
        return frame


class Tone(AudioStreamTrack):
    """440 Hz."""

    async def recv(self) -> AudioFrame:
        frame = await super().recv()
        assert isinstance(frame, AudioFrame)
        period = 2 * math.pi * 440 / frame.sample_rate
        start = frame.pts or 0
        wave = (int(8_000 * math.sin(period * (start + index))) for index in range(frame.samples))
        frame.planes[0].update(array.array("h", wave).tobytes())
        return frame


@dataclass(slots=True)
class Heard:
    """What came back."""

    video_frames: int = 0
    loudest: int = 0
    first_frame_at: float | None = None
    """On the loop's clock, in s."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class OutgoingCall:
    """One call of ours; made by ``Caller.call``."""

    def __init__(self, caller: "Caller", session: JingleSession, pc: RTCPeerConnection) -> None:
        self.session = session
        self.pc = pc
        self.heard = Heard()
        self.ended: asyncio.Future[Reason | None] = asyncio.get_running_loop().create_future()
        self.caller = caller
        self._inbox: asyncio.Queue[Event] = asyncio.Queue()
        self._tasks = [asyncio.create_task(self._work(), name="outgoing call")]
        pc.add_listener("track", self._track)

    def receive(self, jingle: Jingle) -> None:
        for event in self.session.receive(jingle):
            self._inbox.put_nowait(event)

    async def initiate(self, *, bundled: bool = True) -> None:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        offer = loads_offer(self.pc.localDescription.sdp)
        if not bundled:
            offer = replace(offer, groups=())
        await self.caller.request(self.session.peer, self.session.initiate(offer))

    async def _work(self) -> None:
        while True:
            match await self._inbox.get():
                case AnswerReceived(answer=answer):
                    description = RTCSessionDescription(dumps(answer), "answer")
                    await self.pc.setRemoteDescription(description)
                case CandidatesReceived(trickled=trickled):
                    await self._add(trickled)
                case SessionEnded(reason=reason):
                    if not self.ended.done():
                        self.ended.set_result(reason)
                    return

    async def _add(self, trickled: TrickledCandidates) -> None:
        for candidate in trickled.candidates:
            parsed = candidate_from_sdp(build_candidate(candidate).removeprefix("candidate:"))
            parsed.sdpMid = trickled.mid
            await self.pc.addIceCandidate(parsed)
        if trickled.end_of_candidates:
            await self.pc.addIceCandidate(None)

    def _track(self, track: MediaStreamTrack) -> None:
        work = self._watch(track) if track.kind == "video" else self._listen(track)
        self._tasks.append(asyncio.create_task(work, name=f"{track.kind} of a call"))

    async def _watch(self, track: MediaStreamTrack) -> None:
        heard = self.heard
        while True:
            await track.recv()
            heard.video_frames += 1
            if heard.first_frame_at is None:
                heard.first_frame_at = asyncio.get_running_loop().time()
            heard.changed.set()

    async def _listen(self, track: MediaStreamTrack) -> None:
        while True:
            frame = await track.recv()
            assert isinstance(frame, AudioFrame)
            samples = array.array("h", bytes(frame.planes[0])[: 4 * frame.samples])
            self.heard.loudest = max(self.heard.loudest, *samples)
            self.heard.changed.set()

    async def wait_for(self, *, frames: int, loudness: int = 0, within: float = 20.0) -> None:
        """Wait until that much came back."""
        heard = self.heard
        try:
            async with asyncio.timeout(within):
                while heard.video_frames < frames or heard.loudest < loudness:
                    heard.changed.clear()
                    await heard.changed.wait()
        except TimeoutError:
            raise AssertionError(
                f"{heard.video_frames} of {frames} frames, loudness {heard.loudest} of "
                f"{loudness}, ICE {self.pc.iceConnectionState}, {self.pc.connectionState}"
            ) from None

    async def hang_up(self, reason: Reason | None = None) -> None:
        """End the call from here."""
        words = reason or reason_of(ReasonCondition.SUCCESS)
        await self.caller.request(self.session.peer, self.session.terminate(words))
        await self.close()

    async def close(self) -> None:
        """Leave nothing behind."""
        self.caller.calls.pop(self.session.sid, None)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.pc.close()


class Caller:
    """A signed-in client; made by ``signed_in``."""

    def __init__(self, client: slixmpp.ClientXMPP) -> None:
        self.client = client
        self.calls: dict[str, OutgoingCall] = {}
        self._count = 0
        client.register_handler(Callback("Jingle", MatchXPath(_JINGLE), self._on_jingle))  # type: ignore[arg-type] # an Iq, by the path

    @property
    def jid(self) -> str:
        """Our full JID."""
        return str(self.client.boundjid.full)

    async def request(self, peer: str, jingle: Jingle) -> None:
        """Send one request and wait for its result."""
        iq = self.client.make_iq_set(ito=peer)
        iq.append(build(jingle))
        await iq.send(timeout=10)  # type: ignore[no-untyped-call] # slixmpp has no types here

    async def call(
        self,
        jid: str,
        *,
        video: tuple[int, int, int] | None = (64, 48, 15),
        audio: bool = True,
        bundled: bool = True,
    ) -> OutgoingCall:
        """Call a JID; returns when it has acknowledged the session-initiate.

        What is not bundled has a transport for each content, as Dino does.
        """
        self._count += 1
        sid = f"call-{id(self):x}-{self._count}"
        pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        if audio:
            pc.addTrack(Tone())
        if video is not None:
            pc.addTrack(Noise(*video))
        session = JingleSession(role=Creator.INITIATOR, sid=sid, local=self.jid, peer=jid)
        call = OutgoingCall(self, session, pc)
        self.calls[sid] = call
        try:
            await call.initiate(bundled=bundled)
        except BaseException:
            await call.close()
            raise
        return call

    def _on_jingle(self, iq: slixmpp.Iq) -> None:
        if iq["type"] != "set":
            return
        element: Element | None = iq.xml.find("{urn:xmpp:jingle:1}jingle")
        assert element is not None
        try:
            jingle = parse(Jingle, element)
            call = self.calls.get(jingle.sid)
            if call is not None:
                call.receive(jingle)
        except RemoteProtocolError as error:
            reply: Any = iq.reply()  # type: ignore[no-untyped-call] # slixmpp has no types here
            reply.error()
            reply["error"]["condition"] = error.condition
            reply["error"]["text"] = str(error)
            reply.send()
        else:
            iq.reply().send()  # type: ignore[no-untyped-call] # slixmpp has no types here


@asynccontextmanager
async def signed_in(jid: str, password: str, *, port: int) -> AsyncIterator[Caller]:
    """Sign in over plain c2s on loopback; ``jid`` may be an anonymous host."""
    client = slixmpp.ClientXMPP(jid, password)
    client.enable_starttls = client.enable_direct_tls = False
    client.enable_plaintext = True
    mechanisms = client.plugin["feature_mechanisms"]
    mechanisms.unencrypted_plain = mechanisms.unencrypted_scram = True
    if "@" not in jid:
        mechanisms.use_mech = "ANONYMOUS"
    started = asyncio.Event()
    client.add_event_handler("session_start", lambda _: started.set())
    client.connect("127.0.0.1", port)
    caller = Caller(client)
    try:
        async with asyncio.timeout(15):
            await started.wait()
        client.send_presence()
        yield caller
    finally:
        for call in tuple(caller.calls.values()):
            await call.close()
        await client.disconnect()
        sending = client._run_out_filters
        if sending is not None:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


@asynccontextmanager
async def loopback_candidates() -> AsyncIterator[None]:
    """Let aiortc's own ICE gather 127.0.0.1, which it leaves out otherwise."""
    original = aioice.ice.get_host_addresses
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
    try:
        yield
    finally:
        aioice.ice.get_host_addresses = original
