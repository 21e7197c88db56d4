"""One Jingle session with one peer (XEP-0166).

``receive`` takes the peer's request: it returns events, or raises and has changed nothing.
Commands return the requests to send, in order. Candidates of ours wait until the peer has our
description; the peer's wait until we have its description.
"""

from dataclasses import dataclass, field, replace

from jinglebridge.errors import (
    CallError,
    LocalProtocolError,
    MalformedStanza,
    NotAllowed,
    UnsupportedInfo,
)
from jinglebridge.protocol.jingle.residue import residue_of
from jinglebridge.protocol.jingle.xep_0166 import (
    Action,
    Content,
    Creator,
    Jingle,
    Reason,
    ReasonCondition,
    reason_of,
)
from jinglebridge.protocol.jingle.xep_0167 import SessionInfo
from jinglebridge.protocol.jingle.xep_0176 import IceUdpTransport
from jinglebridge.protocol.mapping.candidates import wired, with_extensions
from jinglebridge.protocol.mapping.descriptions import answer_of, mapped, offer_of
from jinglebridge.protocol.mapping.slots import SlotTable, slots_of
from jinglebridge.protocol.sdp.description import (
    Answer,
    Offer,
    SessionDescription,
    TrickledCandidates,
    for_peer_connection,
)
from jinglebridge.protocol.session.events import (
    AnswerReceived,
    CandidatesReceived,
    Event,
    InfoReceived,
    OfferReceived,
    OfferRefused,
    SessionEnded,
)
from jinglebridge.protocol.session.habits import Habits
from jinglebridge.protocol.session.quota import CandidateQuota
from jinglebridge.protocol.session.table import bare
from jinglebridge.protocol.session.transitions import RECEIVED, REFUSED, SENT, State

MAX_HELD = 256
"""Requests with candidates that wait for session-accept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """Everything that a request or command may change, replaced as a whole."""

    state: State = State.NEW
    slots: SlotTable = field(default_factory=SlotTable)
    offer: Offer | None = None
    answer: Answer | None = None
    delivered: bool = False
    held: tuple[TrickledCandidates, ...] = ()
    early: tuple[TrickledCandidates, ...] = ()
    quota: CandidateQuota = field(default_factory=CandidateQuota)
    knows_end: bool = False
    """Whether the peer has shown that it understands ``<gathering-complete/>``."""


class JingleSession:
    """The state of one session.

    Args:
        role: ours.
        sid: the session's id.
        local: our JID, which the peer addresses.
        peer: the peer's full JID.
        max_candidates: of the peer, for each transport and ICE generation; more are dropped.
        habits: the peer's, as far as they are known.
    """

    def __init__(
        self,
        *,
        role: Creator,
        sid: str,
        local: str,
        peer: str,
        max_candidates: int = 64,
        habits: Habits = Habits(),  # noqa: B008 # a frozen value
    ) -> None:
        self.role = role
        self.sid = sid
        self.local = local
        self.peer = peer
        self._facts = _Facts(
            quota=CandidateQuota(maximum=max_candidates), knows_end=habits.end_of_candidates
        )

    @property
    def state(self) -> State:
        """Where the session stands."""
        return self._facts.state

    @property
    def slots(self) -> SlotTable:
        """Which m-section is which content."""
        return self._facts.slots

    @property
    def dropped_candidates(self) -> int:
        """Candidates of the peer that were too many."""
        return self._facts.quota.dropped

    @property
    def _peer_role(self) -> Creator:
        return Creator.RESPONDER if self.role is Creator.INITIATOR else Creator.INITIATOR

    def may_be_answered_by(self, device: str, sid: str) -> bool:
        """Whether a device may accept this session: one of the account's that we called."""
        ours = self.role is Creator.INITIATOR and self.state is State.PENDING
        return ours and self.sid == sid and bare(self.peer) == bare(device)

    def receive(self, jingle: Jingle) -> list[Event]:
        """Take one request of the peer.

        Raises:
            RemoteProtocolError: the request is refused; nothing was changed.
        """
        facts = self._facts
        following = RECEIVED.get((self.role, facts.state, jingle.action))
        if following is None:
            raise REFUSED[jingle.action](f"{jingle.action.value} while {facts.state.value}")
        events, changed = self._received(replace(facts, state=following), jingle)
        self._facts = replace(changed, knows_end=facts.knows_end or _shows_end(jingle))
        return events

    def _received(self, facts: _Facts, jingle: Jingle) -> tuple[list[Event], _Facts]:
        match jingle.action:
            case Action.SESSION_INITIATE:
                return self._offer_received(facts, jingle)
            case Action.SESSION_ACCEPT:
                return self._answer_received(facts, jingle)
            case Action.TRANSPORT_INFO:
                return self._candidates_received(facts, jingle)
            case Action.SESSION_TERMINATE:
                return [SessionEnded(reason=jingle.reason)], facts
            case _:
                return self._info_received(facts, jingle)

    def _offer_received(self, facts: _Facts, jingle: Jingle) -> tuple[list[Event], _Facts]:
        if not jingle.contents:
            raise MalformedStanza("session-initiate has no content")
        keys = [(content.creator, content.name) for content in jingle.contents]
        if len(set(keys)) != len(keys):
            raise MalformedStanza("two contents have the same name")
        try:
            offer, slots = offer_of(jingle, writer=self._peer_role)
        except CallError as error:
            reason = reason_of(ReasonCondition(error.reason), str(error))
            return [OfferRefused(reason=reason)], facts
        usable, quota = facts.quota.admit_described(for_peer_connection(offer))
        return [OfferReceived(offer=usable)], replace(facts, offer=offer, slots=slots, quota=quota)

    def _answer_received(self, facts: _Facts, jingle: Jingle) -> tuple[list[Event], _Facts]:
        if jingle.responder is not None and bare(jingle.responder) != bare(self.peer):
            raise NotAllowed("a session is accepted for oneself only")
        # without an offer there are no slots either, so that every content is refused
        offer = facts.offer or Offer()
        try:
            answer = answer_of(jingle, writer=self._peer_role, offer=offer, slots=facts.slots)
        except CallError as error:
            raise MalformedStanza(str(error)) from None
        usable, quota = facts.quota.admit_described(for_peer_connection(answer))
        early = [CandidatesReceived(trickled=trickled) for trickled in facts.early]
        changed = replace(facts, answer=answer, early=(), quota=quota)
        return [AnswerReceived(answer=usable), *early], changed

    def _candidates_received(self, facts: _Facts, jingle: Jingle) -> tuple[list[Event], _Facts]:
        trickled = tuple(
            item for content in jingle.contents if (item := self._trickled_of(content)) is not None
        )
        kept, quota = facts.quota.admit_all(trickled)
        facts = replace(facts, quota=quota)
        waits = self.role is Creator.INITIATOR and facts.answer is None
        if not waits:
            return [CandidatesReceived(trickled=item) for item in kept], facts
        return [], replace(facts, early=(*facts.early, *kept)[:MAX_HELD])

    def _trickled_of(self, content: Content) -> TrickledCandidates | None:
        slot = self.slots.by_content(content.creator, content.name)
        if slot is None:
            raise MalformedStanza(f"no content {content.name!r} in this session")
        transport = content.transport
        if transport is None:
            raise MalformedStanza(f"content {content.name!r} has no ICE-UDP transport")
        offer = self._facts.offer
        section = None if offer is None else offer.section(slot.mid)
        candidates = with_extensions(transport.candidates, content.residue)
        candidates = candidates if section is None else section.usable(candidates)
        if not candidates and not transport.gathering_complete:
            return None
        return TrickledCandidates(
            mid=slot.mid,
            ufrag=transport.ufrag,
            candidates=candidates,
            end_of_candidates=transport.gathering_complete,
        )

    def _info_received(self, facts: _Facts, jingle: Jingle) -> tuple[list[Event], _Facts]:
        if jingle.info is not None:
            return [InfoReceived(info=jingle.info)], facts
        if jingle.foreign:
            raise UnsupportedInfo(f"{jingle.foreign[0]} is not understood")
        # an empty session-info asks whether the session lives (XEP-0166 §6.8)
        return [], facts

    def _act(self, action: Action) -> _Facts:
        following = SENT.get((self.role, self.state, action))
        if following is None:
            raise LocalProtocolError(f"{action.value} while {self.state.value}")
        return replace(self._facts, state=following)

    def initiate(self, offer: Offer) -> Jingle:
        """Offer; candidates wait for ``delivered``."""
        facts = self._act(Action.SESSION_INITIATE)
        slots = slots_of(offer, self.role)
        request = self._describe(Action.SESSION_INITIATE, offer, slots)
        self._facts = replace(facts, offer=offer, slots=slots)
        return replace(request, initiator=self.local)

    def accept(self, answer: Answer) -> Jingle:
        """Answer; candidates wait for ``delivered``."""
        facts = self._act(Action.SESSION_ACCEPT)
        request = self._describe(Action.SESSION_ACCEPT, answer, facts.slots)
        self._facts = replace(facts, answer=answer)
        return replace(request, responder=self.local)

    def _describe(
        self, action: Action, description: SessionDescription, slots: SlotTable
    ) -> Jingle:
        parts = mapped(description, writer=self.role, slots=slots)
        return Jingle(
            action=action,
            sid=self.sid,
            contents=parts.contents,
            groups=parts.groups,
            residue=parts.residue,
        )

    def delivered(self) -> list[Jingle]:
        """Our description has left for the peer: release the candidates that waited."""
        held = self._facts.held
        self._facts = replace(self._facts, delivered=True, held=())
        return [request for trickled in held for request in self._transport_infos(trickled)]

    def trickle(self, trickled: TrickledCandidates) -> list[Jingle]:
        """Send candidates of ours, one a request; empty while they have to wait, or are too late.

        Clients glue or refuse several in one, so each gets a request of its own, always with the
        credentials.
        """
        if self.state is State.ENDED:
            return []
        if not self._facts.delivered:
            self._facts = replace(self._facts, held=(*self._facts.held, trickled))
            return []
        return self._transport_infos(trickled)

    def _transport_infos(self, trickled: TrickledCandidates) -> list[Jingle]:
        slot = self.slots.by_mid(trickled.mid)
        if slot is None or self.state is State.ENDED:
            return []
        transport = IceUdpTransport(ufrag=trickled.ufrag, pwd=self._password(trickled))
        pairs = wired(trickled.candidates)
        transports = [replace(transport, candidates=(sent,)) for sent, _ in pairs]
        residues = [residue_of((line,)) if line else None for _, line in pairs]
        if trickled.end_of_candidates and self._facts.knows_end:
            transports.append(replace(transport, gathering_complete=True))
            residues.append(None)
        contents = [
            Content(creator=slot.creator, name=slot.name, transport=item, residue=residue)
            for item, residue in zip(transports, residues, strict=True)
        ]
        return [
            Jingle(action=Action.TRANSPORT_INFO, sid=self.sid, contents=(content,))
            for content in contents
        ]

    def _password(self, trickled: TrickledCandidates) -> str | None:
        facts = self._facts
        ours = facts.offer if self.role is Creator.INITIATOR else facts.answer
        section = ours.section(trickled.mid) if ours is not None else None
        if section is None or section.ice_ufrag != trickled.ufrag:
            return None
        return section.ice_pwd

    def inform(self, info: SessionInfo) -> Jingle:
        """Say that we ring, mute and so on."""
        self._facts = self._act(Action.SESSION_INFO)
        return Jingle(action=Action.SESSION_INFO, sid=self.sid, info=info)

    def terminate(self, reason: Reason) -> Jingle:
        """End the session."""
        self._facts = self._act(Action.SESSION_TERMINATE)
        return Jingle(action=Action.SESSION_TERMINATE, sid=self.sid, reason=reason)


def _shows_end(jingle: Jingle) -> bool:
    """Whether who wrote this understands ``<gathering-complete/>``: uses it, or our residue."""
    return jingle.residue is not None or any(
        content.residue is not None
        or (content.transport is not None and content.transport.gathering_complete)
        for content in jingle.contents
    )
