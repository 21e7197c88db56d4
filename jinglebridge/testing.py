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
from jinglebridge.protocol.jingle.xep_0320 import Fingerprint, Setup
from jinglebridge.protocol.sdp.description import (
    Answer,
    MediaDescription,
    Offer,
    TrickledCandidates,
)
from jinglebridge.protocol.sdp.lines import parse_candidate
from jinglebridge.protocol.session.session import JingleSession

FINGERPRINT = Fingerprint(hash="sha-256", value=":".join(["AB"] * 32))
CANDIDATE = parse_candidate("candidate:1 1 udp 2130706431 127.0.0.1 50000 typ host generation 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRequest:
    """A request that went to a peer."""

    sender: str
    peer: str
    jingle: Jingle


@dataclass(slots=True)
class FakeSignaling:
    """Remembers every request; results come at once, errors where a test puts them."""

    sent: list[SentRequest] = field(default_factory=list)
    fail: Callable[[Jingle], SignalingError | None] = lambda _: None
    """What a request fails with; ``None``: it succeeds."""
    answers: bool = True
    """Whether results ever come; some clients give none."""
    deliver: Callable[[SentRequest], None] = lambda _: None
    """Told of every request, so that a peer can be connected."""

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
    """Answers every offer with the offer's own codecs and one candidate."""

    service: str
    peer: str
    emit: Callable[[MediaEvent], None]
    engine: "FakeEngine"
    offer: Offer | None = None
    received: list[TrickledCandidates] = field(default_factory=list)
    closed: int = 0

    async def answer(self, offer: Offer) -> Answer:
        """See ``bridge.ports.MediaSession``."""
        await self.engine.before_answer()
        self.offer = offer
        answer = answer_to(offer)
        tag = answer.bundle[0] if answer.bundle else offer.media[0].mid
        trickled = TrickledCandidates(
            mid=tag, ufrag="fake", candidates=(CANDIDATE,), end_of_candidates=True
        )
        self.emit(LocalCandidates(trickled=trickled))
        return answer

    async def add_candidates(self, trickled: TrickledCandidates) -> None:
        """See ``bridge.ports.MediaSession``."""
        self.received.append(trickled)

    async def close(self) -> None:
        """See ``bridge.ports.MediaSession``."""
        self.closed += 1

    def change(self, state: ConnectionState, error: CallError | None = None) -> None:
        """Let the transports reach this state."""
        self.emit(ConnectionChanged(state=state, error=error))


async def _at_once() -> None:
    """Wait for nothing."""


@dataclass(slots=True)
class FakeEngine:
    """Opens fake sessions and keeps them for the test to look at."""

    sessions: list[FakeMediaSession] = field(default_factory=list)
    open_error: CallError | None = None
    before_answer: Callable[[], Awaitable[None]] = _at_once
    """Awaited before each answer: to delay it, or to let it fail."""
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


def session_pair(sid: str = "sid1") -> tuple[JingleSession, JingleSession]:
    """Two sessions that are each other's peer: the initiator's and the responder's."""
    juliet, romeo = "juliet@example.org/balcony", "romeo@example.net/orchard"
    return (
        JingleSession(role=Creator.INITIATOR, sid=sid, local=juliet, peer=romeo),
        JingleSession(role=Creator.RESPONDER, sid=sid, local=romeo, peer=juliet),
    )
