"""Proposed calls: what is said of them in messages, before their session and at its end (XEP-0353).

A service takes its calls at once: what is proposed to it rings and is taken in the same breath, and
its session has to follow in time. What we propose ourselves is decided by whoever waits for it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from jinglebridge.bridge.call import Call
from jinglebridge.bridge.limits import Limits
from jinglebridge.bridge.ports import Signaling
from jinglebridge.bridge.reasons import repeated
from jinglebridge.bridge.service import full_jid
from jinglebridge.errors import SignalingError, UnknownSession
from jinglebridge.protocol.jingle.xep_0166 import Creator, Reason, ReasonCondition, reason_of
from jinglebridge.protocol.jingle.xep_0167 import RtpDescription
from jinglebridge.protocol.jingle.xep_0353 import JingleMessage, Propose, Reject
from jinglebridge.protocol.session.initiation import (
    CallProposed,
    Initiation,
    InitiationEvent,
    PeerFinished,
    ProposalEnded,
    Stage,
)
from jinglebridge.protocol.session.table import SessionTable, bare

MIGRATED = reason_of(ReasonCondition.EXPIRED, "Session migrated")
TIE_BREAK = reason_of(ReasonCondition.EXPIRED, "Tie-Break")
_PROPOSED = "jm-propose-"
"""Begins the id of a stanza with a proposal, as clients write it."""


@dataclass(slots=True, eq=False)
class Proposal:
    """A proposed call and what goes with it."""

    initiation: Initiation
    tell: Callable[[InitiationEvent], None]
    """Told of whatever happens to it, except by ourselves."""
    call: Call | None = None
    """Its session, from the moment there is one."""
    timer: asyncio.TimerHandle | None = None

    @property
    def is_taken(self) -> bool:
        """Whether one device took the call and awaits its session."""
        return self.initiation.stage is Stage.PROCEEDED

    @property
    def is_ours(self) -> bool:
        """Whether we proposed it."""
        return self.initiation.role is Creator.INITIATOR


class Proposals:
    """All proposals of a bridge, by the peer's account and their id.

    Args:
        signaling: the way to peers.
        limits: how many, and for how long.
    """

    def __init__(self, signaling: Signaling, limits: Limits) -> None:
        self._signaling = signaling
        self._limits = limits
        self._rows: SessionTable[Proposal] = SessionTable(
            maximum=limits.calls,
            maximum_per_peer=limits.calls_per_peer,
            maximum_per_domain=limits.calls_per_domain,
        )
        self._log = structlog.get_logger()

    def find(self, peer: str, id_: str) -> Proposal | None:
        """The proposal of this id between us and an account."""
        try:
            return self._rows.find(bare(peer), id_)
        except UnknownSession:
            return None

    def crossing(self, peer: str, local: str) -> Proposal | None:
        """A proposal of ours to this account, from this service, that nobody decided yet."""
        for row in self._between(peer, local):
            if row.is_ours and row.initiation.undecided:
                return row
        return None

    def taken(self, peer: str, local: str) -> tuple[Proposal, ...]:
        """The proposals between this account and this service that were taken and are not over."""
        rows = self._between(peer, local)
        return tuple(row for row in rows if not row.initiation.undecided)

    def _between(self, peer: str, local: str) -> tuple[Proposal, ...]:
        return tuple(
            row
            for row in self._rows.rows
            if bare(row.initiation.peer) == bare(peer) and bare(row.initiation.local) == bare(local)
        )

    def take(self, peer: str, local: str, propose: Propose) -> Proposal:
        """Take a call that is proposed to us: it rings, and we await its session.

        Args:
            peer: full JID of who proposes.
            local: JID that was addressed.
            propose: the proposal.

        Raises:
            ResourceConstraint: there are too many.
        """
        initiation = Initiation(
            role=Creator.RESPONDER, id=propose.id, local=full_jid(bare(local)), peer=peer
        )
        row = Proposal(initiation=initiation, tell=lambda _: None)
        self._add(row)
        initiation.receive(propose, peer)
        self._say(row, initiation.ring())
        self._say(row, initiation.proceed())
        return row

    def refuse(
        self, peer: str, local: str, id_: str, reason: Reason, *, tie_break: bool = False
    ) -> None:
        """Decline a call that is proposed to us."""
        reject = Reject(id=id_, reason=reason, tie_break=tie_break)
        self._send(full_jid(bare(local)), peer, reject)

    def propose(
        self,
        *,
        local: str,
        peer: str,
        id_: str,
        kinds: tuple[str, ...],
        tell: Callable[[InitiationEvent], None],
    ) -> Proposal:
        """Propose a call.

        Args:
            local: our full JID.
            peer: whom to propose it to, bare for all devices of an account.
            id_: of the proposal, and sid of its session.
            kinds: ``audio`` or ``video``.
            tell: told of what becomes of it.

        Raises:
            SignalingError: no link to the server.
            ResourceConstraint: there are too many.
        """
        initiation = Initiation(role=Creator.INITIATOR, id=id_, local=local, peer=peer)
        row = Proposal(initiation=initiation, tell=tell)
        self._add(row)
        message = initiation.propose(tuple(RtpDescription(media=kind) for kind in kinds))
        try:
            self._signaling.send_message(local, peer, message, stanza_id=_PROPOSED + id_)
        except SignalingError:
            initiation.fail()
            self._drop(row)
            raise
        return row

    def receive(self, peer: str, local: str, message: JingleMessage) -> None:
        """Take a message about a proposal; whatever comes too late or from others is ignored.

        Args:
            peer: full JID of the sender, as the server stamped it.
            local: JID that was addressed.
            message: what was said.
        """
        row = self.find(peer, message.id) or self._of_sibling(peer, message.id)
        if row is None or bare(row.initiation.local) != bare(local):
            self._log.debug("no such proposal", peer=peer, said=type(message).__name__.lower())
            return
        for event in row.initiation.receive(message, peer):
            self._happened(row, event)

    def _of_sibling(self, peer: str, id_: str) -> Proposal | None:
        """The proposal that another resource of our own account speaks of."""
        for row in self._rows.rows:
            if row.initiation.id == id_ and bare(row.initiation.local) == bare(peer):
                return row
        return None

    def _happened(self, row: Proposal, event: InitiationEvent) -> None:
        match event:
            case CallProposed() if row.is_taken:
                self._say(row, row.initiation.proceed())
            case ProposalEnded():
                self._drop(row)
                self._hang_up(row, event.reason)
            case PeerFinished() if row.call is None:
                self.end(row, repeated(event.reason))
            case PeerFinished():
                self._hang_up(row, event.reason)
            case _:
                self._watch(row)
        row.tell(event)

    def _hang_up(self, row: Proposal, reason: Reason | None) -> None:
        if row.call is not None:
            row.call.hang_up(repeated(reason))

    def failed(self, peer: str, local: str, stanza_id: str, condition: str) -> Proposal | None:
        """Take an error that came back for a message of ours.

        Args:
            peer: who it came from: the JID that we addressed, or one of its devices.
            local: our JID that it came to.
            stanza_id: of our message.
            condition: the stanza error condition (RFC 6120 §8.3.3).

        Returns:
            The proposal that came back, now over; nothing, when others still have it.
        """
        if not stanza_id.startswith(_PROPOSED):
            return None
        row = self.find(peer, stanza_id.removeprefix(_PROPOSED))
        if row is None or not row.is_ours or row.initiation.stage is not Stage.PROPOSED:
            return None
        if peer != row.initiation.peer or bare(local) != bare(row.initiation.local):
            return None  # one of several devices
        self._log.info("proposal came back", peer=peer, condition=condition)
        row.initiation.fail()
        self._drop(row)
        return row

    def begin(self, row: Proposal, call: Call) -> None:
        """The session of a proposal that was taken begins."""
        row.initiation.start()
        row.call = call
        self._watch(row)

    def end(
        self,
        row: Proposal,
        reason: Reason,
        *,
        tie_break: bool = False,
        migrated_to: str | None = None,
    ) -> None:
        """End a proposal from our side, or say with ``finish`` that its call is over."""
        message = row.initiation.end(reason, tie_break=tie_break, migrated_to=migrated_to)
        if message is not None:
            self._say(row, message)
        self._drop(row)

    def ended(self, call: Call, reason: Reason) -> None:
        """A call is over; if it was proposed, both parties say so."""
        row = self.find(call.session.peer, call.session.sid)
        if row is not None and row.call is call:
            self.end(row, repeated(reason))

    def close(self, reason: Reason) -> None:
        """End every proposal that has no session."""
        for row in self._rows.rows:
            if row.call is None:
                self.end(row, reason)

    def _add(self, row: Proposal) -> None:
        self._rows.add(bare(row.initiation.peer), row.initiation.id, row)
        row.timer = asyncio.get_running_loop().call_later(
            self._limits.ring_timeout, self._expire, row
        )

    def _watch(self, row: Proposal) -> None:
        """Let go of the clock where nobody waits any more."""
        if row.timer is not None and not row.initiation.waiting:
            row.timer.cancel()
            row.timer = None

    def _drop(self, row: Proposal) -> None:
        self._watch(row)
        if self.find(row.initiation.peer, row.initiation.id) is row:
            self._rows.remove(bare(row.initiation.peer), row.initiation.id)

    def _expire(self, row: Proposal) -> None:
        message = row.initiation.expire()
        if message is None:
            return  # between the last word and the next beat of the clock
        self._log.info("proposal expired", peer=row.initiation.peer, id=row.initiation.id)
        self._say(row, message)
        self._drop(row)
        row.tell(ProposalEnded(reason=message.reason))

    def _say(self, row: Proposal, message: JingleMessage) -> None:
        self._send(row.initiation.local, row.initiation.peer, message)

    def _send(self, local: str, peer: str, message: JingleMessage) -> None:
        stanza_id = f"jm-{type(message).__name__.lower()}-{message.id}"
        try:
            self._signaling.send_message(local, peer, message, stanza_id=stanza_id)
        except SignalingError as error:
            self._log.warning("not said", message=type(message).__name__, error=str(error))
