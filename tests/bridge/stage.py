"""A bridge between fakes, and peers that keep their own session's state."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from jinglebridge.bridge.bridge import Bridge
from jinglebridge.bridge.call import Call
from jinglebridge.bridge.limits import Limits
from jinglebridge.bridge.ports import ConnectionState, MediaEngine, Signaling
from jinglebridge.bridge.service import Service
from jinglebridge.protocol.jingle.xep_0166 import (
    Action,
    Creator,
    Jingle,
    Reason,
    ReasonCondition,
    reason_of,
)
from jinglebridge.protocol.sdp.description import Offer, TrickledCandidates
from jinglebridge.protocol.sdp.lines import parse_candidate
from jinglebridge.protocol.sdp.text import loads_offer
from jinglebridge.protocol.session.events import CandidatesReceived, Event
from jinglebridge.protocol.session.habits import Habits
from jinglebridge.protocol.session.session import JingleSession
from jinglebridge.services.echo import EchoService
from jinglebridge.testing import FakeEngine, FakeMediaSession, FakeSignaling, SentRequest

JULIET = "juliet@example.org/balcony"
BRIDGE = "bridge.example.net"
ECHO = f"echo@{BRIDGE}"
VECTORS = Path(__file__).parents[1] / "vectors"
OFFER = loads_offer(
    (VECTORS / "browsers/chromium-156/audio-video--01-A-offer-initial.sdp").read_text()
)
QUICK = Limits(
    request_timeout=0.2,
    accept_timeout=0.2,
    connect_timeout=0.3,
    close_timeout=0.1,
    calls_per_peer=4,
    setups_per_minute=60_000,
    setups_per_minute_per_peer=60_000,
)
"""Times that a test can wait for; long enough for a busy machine to do nothing in."""
CONNECTED = ConnectionState.CONNECTED
CANDIDATES = tuple(
    parse_candidate(f"candidate:{number} 1 udp 1 127.0.0.1 {40_000 + number} typ host")
    for number in range(1, 4)
)


@dataclass(frozen=True, slots=True)
class Closed:
    """A service that takes nobody."""

    name: str = "closed"
    title: str = "Closed"
    description: str = "Takes no calls."

    def admits(self, peer: str, argument: str) -> bool:
        return argument == "friend"


async def eventually(condition: Callable[[], object], within: float = 3.0) -> None:
    """Wait until this holds."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - the fakes have no events to wait for
            await asyncio.sleep(0.001)


async def idle() -> None:
    """Let everything run that can run without waiting."""
    for _ in range(30):
        await asyncio.sleep(0)


class Peer:
    """A client: its session is the real state machine, so an illegal order is an error here."""

    def __init__(
        self, bridge: Bridge, sid: str = "sid1", jid: str = JULIET, local: str = ECHO
    ) -> None:
        self.bridge = bridge
        self.session = JingleSession(
            role=Creator.INITIATOR,
            sid=sid,
            local=jid,
            peer=local,
            habits=Habits(end_of_candidates=True),
        )
        self.requests: list[Jingle] = []
        self.events: list[Event] = []

    def take(self, sent: SentRequest) -> None:
        self.requests.append(sent.jingle)
        self.events += self.session.receive(sent.jingle)

    def send(self, jingle: Jingle) -> None:
        self.bridge.deliver(self.session.local, self.session.peer, jingle)

    def call(self, offer: Offer = OFFER) -> Call:
        self.send(self.session.initiate(offer))
        return self.bridge.calls[-1]

    def trickle(self, *numbers: int, end: bool = False) -> None:
        """Send candidates, one a request, whether or not we were answered yet."""
        self.session.delivered()
        trickled = TrickledCandidates(
            mid="0",
            ufrag=OFFER.media[0].ice_ufrag,
            candidates=tuple(CANDIDATES[number] for number in numbers),
            end_of_candidates=end,
        )
        for request in self.session.trickle(trickled):
            self.send(request)

    def hang_up(self, condition: ReasonCondition = ReasonCondition.SUCCESS) -> None:
        self.send(self.session.terminate(reason_of(condition)))

    @property
    def actions(self) -> list[Action]:
        return [request.action for request in self.requests]

    @property
    def candidates(self) -> list[TrickledCandidates]:
        return [item.trickled for item in self.events if isinstance(item, CandidatesReceived)]

    @property
    def farewell(self) -> Reason | None:
        """The reason of the bridge's session-terminate."""
        ends = [item for item in self.requests if item.action is Action.SESSION_TERMINATE]
        assert len(ends) <= 1, ends
        return ends[0].reason if ends else None

    @property
    def ending(self) -> tuple[ReasonCondition | None, str]:
        """Condition and words of the bridge's session-terminate."""
        reason = self.farewell
        assert reason is not None, self.actions
        return reason.condition, reason.text.text if reason.text else ""


@dataclass(slots=True)
class Stage:
    """A bridge with fakes around it."""

    signaling: FakeSignaling = field(default_factory=FakeSignaling)
    engine: FakeEngine = field(default_factory=FakeEngine)
    limits: Limits = QUICK
    services: tuple[Service, ...] = (EchoService(), Closed())
    peers: dict[str, Peer] = field(default_factory=dict)
    _bridge: Bridge | None = None

    @property
    def bridge(self) -> Bridge:
        if self._bridge is None:
            self._bridge = self.bridge_of(self.signaling, self.engine)
        return self._bridge

    def bridge_of(self, signaling: Signaling, engine: MediaEngine) -> Bridge:
        self.signaling.deliver = self._route
        self._bridge = Bridge(
            signaling=signaling, engine=engine, services=self.services, limits=self.limits
        )
        return self._bridge

    def _route(self, sent: SentRequest) -> None:
        peer = self.peers.get(sent.jingle.sid)
        if peer is not None:
            assert (sent.sender, sent.peer) == (peer.session.peer, peer.session.local)
            peer.take(sent)

    def peer(self, sid: str = "sid1", jid: str = JULIET, local: str = ECHO) -> Peer:
        self.peers[sid] = peer = Peer(self.bridge, sid, jid, local)
        return peer

    async def connected(self, sid: str = "sid1", jid: str = JULIET) -> tuple[Peer, Call]:
        """A call with media."""
        peer = self.peer(sid, jid)
        call = peer.call()
        await eventually(lambda: Action.SESSION_ACCEPT in peer.actions)
        self.media(jid).change(CONNECTED)
        await idle()
        return peer, call

    def media(self, jid: str = JULIET) -> FakeMediaSession:
        """The latest media session of this peer."""
        return [item for item in self.engine.sessions if item.peer == jid][-1]

    async def over(self, call: Call) -> None:
        """Wait until nothing of a call is left."""
        async with asyncio.timeout(3):
            await asyncio.wait({call.task})
        assert call not in self.bridge.calls
        assert call.task.exception() is None
        for media in self.engine.sessions:
            if media.peer == call.session.peer:
                assert media.closed == 1
