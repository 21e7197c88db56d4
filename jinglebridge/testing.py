"""Fakes of the two ports and pairs of sessions, for tests of this project and of yours.

Like httpx's ``MockTransport``: real values through real interfaces, without network or clock.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from jinglebridge.bridge.ports import (
    ConnectionChanged,
    ConnectionState,
    LocalCandidates,
    MediaEvent,
)
from jinglebridge.errors import CallError, RemoteProtocolError, SignalingError
from jinglebridge.protocol.jingle.xep_0166 import Creator, Jingle
from jinglebridge.protocol.jingle.xep_0167 import PayloadType
from jinglebridge.protocol.jingle.xep_0320 import Fingerprint, Setup
from jinglebridge.protocol.jingle.xep_0338 import group_of
from jinglebridge.protocol.jingle.xep_0353 import JingleMessage
from jinglebridge.protocol.sdp.description import (
    Answer,
    Direction,
    MediaDescription,
    Offer,
    TrickledCandidates,
)
from jinglebridge.protocol.sdp.lines import parse_candidate
from jinglebridge.protocol.session.habits import Habits, habits_of
from jinglebridge.protocol.session.session import JingleSession

FINGERPRINT = Fingerprint(hash="sha-256", value=":".join(["AB"] * 32))
CANDIDATE = parse_candidate("candidate:1 1 udp 2130706431 127.0.0.1 50000 typ host generation 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRequest:
    """A request that went to a peer."""

    sender: str
    peer: str
    jingle: Jingle


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """A Jingle message that went to a peer."""

    sender: str
    peer: str
    message: JingleMessage
    stanza_id: str


@dataclass(slots=True)
class FakeSignaling:
    """Remembers every request; results come at once, errors where a test puts them."""

    domain: str = "bridge.example.net"
    sent: list[SentRequest] = field(default_factory=list)
    messages: list[SentMessage] = field(default_factory=list)
    linked: bool = True
    """Whether there is a link to the server, as far as messages are concerned."""
    fail: Callable[[Jingle], SignalingError | None] = lambda _: None
    """What a request fails with; ``None``: it succeeds."""
    answers: bool = True
    """Whether results ever come; some clients give none."""
    deliver: Callable[[SentRequest], None] = lambda _: None
    """Told of every request, so that a peer can be connected."""
    deliver_message: Callable[[SentMessage], None] = lambda _: None
    """Told of every Jingle message."""
    devices: dict[str, frozenset[str] | SignalingError] = field(default_factory=dict)
    """Full JIDs that are available, best priority first, and what they know."""

    def send_message(
        self, sender: str, peer: str, message: JingleMessage, *, stanza_id: str
    ) -> None:
        """See ``bridge.ports.Signaling``."""
        if not self.linked:
            raise SignalingError("remote-server-timeout", "no link to the server")
        sent = SentMessage(sender=sender, peer=peer, message=message, stanza_id=stanza_id)
        self.messages.append(sent)
        self.deliver_message(sent)

    async def features(self, sender: str, peer: str) -> frozenset[str]:
        """See ``bridge.ports.Signaling``."""
        known = self.devices.get(peer, SignalingError("service-unavailable"))
        if isinstance(known, SignalingError):
            raise known
        return known

    def resources(self, peer_bare: str) -> tuple[str, ...]:
        """See ``bridge.ports.Signaling``."""
        return tuple(jid for jid in self.devices if jid.partition("/")[0] == peer_bare)

    def habits(self, peer: str) -> Habits:
        """See ``bridge.ports.Signaling``."""
        known = self.devices.get(peer)
        return habits_of(known) if isinstance(known, frozenset) else Habits()

    async def request(self, sender: str, peer: str, jingle: Jingle) -> None:
        """See ``bridge.ports.Signaling``."""
        sent = SentRequest(sender=sender, peer=peer, jingle=jingle)
        self.sent.append(sent)
        error = self.fail(jingle)
        if error is not None:
            raise error
        if not self.answers:
            await asyncio.Event().wait()
        try:
            self.deliver(sent)
        except RemoteProtocolError as refused:
            raise SignalingError(
                refused.condition, str(refused), refused.jingle_condition
            ) from refused


@dataclass(slots=True)
class FakeMediaSession:
    """Answers every offer with the offer's own codecs and one candidate; offers one codec."""

    service: str
    peer: str
    emit: Callable[[MediaEvent], None]
    engine: "FakeEngine"
    offer: Offer | None = None
    """The peer's, or ours that was prepared."""
    committed: Answer | None = None
    """The peer's answer to ours."""
    received: list[TrickledCandidates] = field(default_factory=list)
    closed: int = 0

    async def answer(self, offer: Offer) -> Answer:
        """See ``bridge.ports.MediaSession``."""
        await self.engine.before_answer()
        self.offer = offer
        answer = answer_to(offer)
        self._trickle(answer.bundle[0] if answer.bundle else offer.media[0].mid)
        return answer

    async def prepare_offer(self, kinds: tuple[str, ...]) -> Offer:
        """See ``bridge.ports.MediaSession``."""
        await self.engine.before_offer()
        self.offer = offer_of(kinds)
        for section in self.offer.media:
            self._trickle(section.mid)
        return self.offer

    async def commit(self, answer: Answer) -> None:
        """See ``bridge.ports.MediaSession``."""
        await self.engine.before_commit()
        self.committed = answer

    async def add_candidates(self, trickled: TrickledCandidates) -> None:
        """See ``bridge.ports.MediaSession``."""
        self.received.append(trickled)

    async def close(self) -> None:
        """See ``bridge.ports.MediaSession``."""
        self.closed += 1

    def change(self, state: ConnectionState, error: CallError | None = None) -> None:
        """Let the transports reach this state."""
        self.emit(ConnectionChanged(state=state, error=error))

    def _trickle(self, mid: str) -> None:
        trickled = TrickledCandidates(
            mid=mid, ufrag="fake", candidates=(CANDIDATE,), end_of_candidates=True
        )
        self.emit(LocalCandidates(trickled=trickled))


async def _at_once() -> None:
    """Wait for nothing."""


@dataclass(slots=True)
class FakeEngine:
    """Opens fake sessions and keeps them for the test to look at."""

    sessions: list[FakeMediaSession] = field(default_factory=list)
    open_error: CallError | None = None
    before_answer: Callable[[], Awaitable[None]] = _at_once
    """Awaited before each answer: to delay it, or to let it fail."""
    before_offer: Callable[[], Awaitable[None]] = _at_once
    """The same before each offer of ours."""
    before_commit: Callable[[], Awaitable[None]] = _at_once
    """The same before each answer of the peer is taken."""
    closed: bool = False

    async def open(
        self, service: str, peer: str, emit: Callable[[MediaEvent], None]
    ) -> FakeMediaSession:
        """See ``bridge.ports.MediaEngine``."""
        if self.open_error is not None:
            raise self.open_error
        session = FakeMediaSession(service=service, peer=peer, emit=emit, engine=self)
        self.sessions.append(session)
        return session

    async def close(self) -> None:
        """See ``bridge.ports.MediaEngine``."""
        self.closed = True


def answer_to(offer: Offer) -> Answer:
    """An answer that takes everything offered, with credentials that are nobody's."""

    def taken(section: MediaDescription) -> MediaDescription:
        direction = section.direction.reversed if section.direction else None
        return replace(
            section,
            direction=direction,
            setup=Setup.ACTIVE,
            ice_ufrag="fake",
            ice_pwd="f" * 22,
            fingerprints=(FINGERPRINT,),
            candidates=(),
            end_of_candidates=False,
            sources=(),
            source_groups=(),
            msids=(),
            inherited=frozenset(),
        )

    return Answer(groups=offer.groups, media=tuple(taken(section) for section in offer.media))


def offer_of(kinds: tuple[str, ...]) -> Offer:
    """An offer of these kinds of media, bundled, one codec each, with nobody's credentials."""
    codecs = {
        "audio": PayloadType(id=111, name="opus", clockrate=48_000, channels=2),
        "video": PayloadType(id=96, name="VP8", clockrate=90_000),
    }
    return Offer(
        groups=(group_of("BUNDLE", tuple(str(index) for index in range(len(kinds)))),),
        media=tuple(
            MediaDescription(
                mid=str(index),
                media=kind,
                direction=Direction.SENDRECV,
                payload_types=(codecs[kind],),
                rtcp_mux=True,
                setup=Setup.ACTPASS,
                ice_ufrag="fake",
                ice_pwd="f" * 22,
                fingerprints=(FINGERPRINT,),
            )
            for index, kind in enumerate(kinds)
        ),
    )


def session_pair(sid: str = "sid1") -> tuple[JingleSession, JingleSession]:
    """Two sessions that are each other's peer: the initiator's and the responder's."""
    juliet, romeo = "juliet@example.org/balcony", "romeo@example.net/orchard"
    knowing = Habits(end_of_candidates=True)
    return (
        JingleSession(role=Creator.INITIATOR, sid=sid, local=juliet, peer=romeo, habits=knowing),
        JingleSession(role=Creator.RESPONDER, sid=sid, local=romeo, peer=juliet, habits=knowing),
    )
