"""One proposed call as a state machine, for both roles (XEP-0353).

A proposal is PROPOSED until a device of the callee rings or somebody decides; PROCEEDED from the
moment one device took it, STARTED when the Jingle session of the same id began. From PROCEEDED on
both parties say ``finish`` at the end: FINISHED is the stage in which the peer has and we have not.

Messages are not acknowledged and may be lost, doubled or late; whatever the tables do not list
changes nothing and is no error. The initiator's role is that of who proposes.
"""

from dataclasses import dataclass
from enum import Enum

from jinglebridge.errors import LocalProtocolError
from jinglebridge.protocol.jingle.xep_0166 import Creator, Reason, ReasonCondition, reason_of
from jinglebridge.protocol.jingle.xep_0167 import RtpDescription
from jinglebridge.protocol.jingle.xep_0353 import (
    Accept,
    Finish,
    JingleMessage,
    Migrated,
    Proceed,
    Propose,
    Reject,
    Retract,
    Ringing,
)
from jinglebridge.protocol.session.table import bare

TIMEOUT = 45.0
"""How long a proposal waits for an answer, and an answer for its session, in s."""


class Stage(Enum):
    """Where a proposal stands."""

    NEW = "new"
    PROPOSED = "proposed"
    RINGING = "ringing"
    PROCEEDED = "proceeded"
    STARTED = "started"
    FINISHED = "finished"
    ENDED = "ended"


_CALLER, _CALLEE = Creator.INITIATOR, Creator.RESPONDER
_UNDECIDED = (Stage.PROPOSED, Stage.RINGING)
_TAKEN = (Stage.PROCEEDED, Stage.STARTED)

RECEIVED: dict[tuple[Creator, Stage, type[JingleMessage]], Stage] = {
    (_CALLEE, Stage.NEW, Propose): Stage.PROPOSED,
    # the caller did not hear us, or its server sent the message twice
    **{(_CALLEE, stage, Propose): stage for stage in (*_UNDECIDED, Stage.PROCEEDED)},
    **{(_CALLEE, stage, Retract): Stage.ENDED for stage in (*_UNDECIDED, Stage.PROCEEDED)},
    **{(_CALLEE, stage, Finish): Stage.ENDED for stage in _UNDECIDED},
    **{(_CALLER, stage, Ringing): Stage.RINGING for stage in _UNDECIDED},
    **{(_CALLER, stage, Proceed): Stage.PROCEEDED for stage in _UNDECIDED},
    **{(_CALLER, stage, Reject): Stage.ENDED for stage in (*_UNDECIDED, *_TAKEN)},
    **{(_CALLER, stage, Finish): Stage.ENDED for stage in _UNDECIDED},
    **{(role, stage, Finish): Stage.FINISHED for role in Creator for stage in _TAKEN},
}
"""The next stage when a message of the peer means something; the role is ours."""

TAKEN_ELSEWHERE: tuple[type[JingleMessage], ...] = (Accept, Proceed, Reject)
"""What another device of the callee's own account says when it decided (XEP-0353 §3.4, §3.5)."""

CLOSING: dict[tuple[Creator, Stage], type[Retract | Reject | Finish]] = {
    **{(_CALLER, stage): Retract for stage in _UNDECIDED},
    **{(_CALLEE, stage): Reject for stage in _UNDECIDED},
    **{(role, stage): Finish for role in Creator for stage in (*_TAKEN, Stage.FINISHED)},
}
"""How we say that it is over; where nothing is listed there is nothing to say."""

EXPIRY: dict[tuple[Creator, Stage], ReasonCondition] = {
    **{(_CALLER, stage): ReasonCondition.TIMEOUT for stage in _UNDECIDED},
    **{(_CALLEE, stage): ReasonCondition.EXPIRED for stage in _UNDECIDED},
    **{(role, Stage.PROCEEDED): ReasonCondition.EXPIRED for role in Creator},
}
"""The reason after :data:`TIMEOUT`; what is not listed does not wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallProposed:
    """The peer would like to call; also when it says so again."""

    descriptions: tuple[RtpDescription, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerRang:
    """A device of the peer rings."""

    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerProceeded:
    """This device of the peer takes the call: begin the session with it, and no other."""

    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalEnded:
    """It is over: declined, retracted, finished before it began, or taken by another device."""

    reason: Reason | None
    tie_break: bool = False
    """A crossing proposal of the peer goes on in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerFinished:
    """The peer says that the call is over; we still have to."""

    reason: Reason | None
    migrated_to: str | None = None
    """Id of the session in which the peer goes on."""


InitiationEvent = CallProposed | PeerRang | PeerProceeded | ProposalEnded | PeerFinished


class Initiation:
    """One proposal.

    Args:
        role: ours: the initiator is who proposes.
        id: of the proposal, and sid of the session.
        local: our full JID.
        peer: the caller's full JID; or whom we propose to, bare for all devices of an account.
    """

    def __init__(self, *, role: Creator, id: str, local: str, peer: str) -> None:  # noqa: A002 # its name in the XEP
        self.role = role
        self.id = id
        self.local = local
        self.peer = peer
        """Whom we talk to: from :class:`PeerProceeded` on, the device that took the call."""
        self.stage = Stage.NEW

    @property
    def waiting(self) -> bool:
        """Whether :data:`TIMEOUT` counts now."""
        return (self.role, self.stage) in EXPIRY

    @property
    def undecided(self) -> bool:
        """Whether nobody took the call yet, or declined it."""
        return self.stage in _UNDECIDED

    def receive(self, message: JingleMessage, sender: str) -> list[InitiationEvent]:
        """Take a message with this id.

        Args:
            message: what was said.
            sender: full JID of who said it, as the server stamped it.

        Returns:
            What it means; nothing, when the sender has no say or it comes too late.
        """
        if bare(sender) == bare(self.local):
            return self._heard_from_sibling(message)
        following = RECEIVED.get((self.role, self.stage, type(message)))
        if following is None or not self._has_a_say(sender):
            return []
        self.stage = following
        return [self._meaning(message, sender)]

    def _meaning(self, message: JingleMessage, sender: str) -> InitiationEvent:
        match message:
            case Propose():
                return CallProposed(descriptions=message.descriptions)
            case Ringing():
                return PeerRang(device=sender)
            case Proceed():
                # What we told a second device that takes the call would reach the first one too,
                # as a carbon copy, and end its call: it learns from the first one's message.
                self.peer = sender
                return PeerProceeded(device=sender)
            case Finish() if self.stage is Stage.FINISHED:
                migrated_to = message.migrated.to if message.migrated else None
                return PeerFinished(reason=message.reason, migrated_to=migrated_to)
            case Reject() | Retract():
                return ProposalEnded(reason=message.reason, tie_break=message.tie_break)
            case _:
                return ProposalEnded(reason=message.reason if isinstance(message, Finish) else None)

    def _has_a_say(self, sender: str) -> bool:
        if self.role is _CALLER and self.undecided:
            return bare(sender) == bare(self.peer)
        return sender == self.peer

    def _heard_from_sibling(self, message: JingleMessage) -> list[InitiationEvent]:
        if self.role is _CALLER or not self.undecided or not isinstance(message, TAKEN_ELSEWHERE):
            return []
        self.stage = Stage.ENDED
        return [ProposalEnded(reason=None)]

    def propose(self, descriptions: tuple[RtpDescription, ...]) -> Propose:
        """Ask the peer's devices to ring."""
        self._become(Stage.PROPOSED, _CALLER, Stage.NEW)
        return Propose(id=self.id, descriptions=descriptions)

    def ring(self) -> Ringing:
        """Say that we look at it."""
        self._become(Stage.RINGING, _CALLEE, *_UNDECIDED)
        return Ringing(id=self.id)

    def proceed(self) -> Proceed:
        """Take the call; again, when the caller asks again."""
        self._become(Stage.PROCEEDED, _CALLEE, *_UNDECIDED, Stage.PROCEEDED)
        return Proceed(id=self.id)

    def start(self) -> None:
        """The session of this id began."""
        self._become(Stage.STARTED, self.role, Stage.PROCEEDED)

    def end(
        self, reason: Reason, *, tie_break: bool = False, migrated_to: str | None = None
    ) -> Retract | Reject | Finish | None:
        """End it from our side.

        Args:
            reason: why.
            tie_break: whether a crossing proposal goes on in its place.
            migrated_to: id of the session that goes on in its place.

        Returns:
            What the peer has to be told: that depends on how far it got.
        """
        kind = CLOSING.get((self.role, self.stage))
        self.stage = Stage.ENDED
        if kind is Finish:
            migrated = Migrated(to=migrated_to) if migrated_to is not None else None
            return Finish(id=self.id, reason=reason, migrated=migrated)
        if kind is Retract:
            return Retract(id=self.id, reason=reason, tie_break=tie_break)
        if kind is Reject:
            return Reject(id=self.id, reason=reason, tie_break=tie_break)
        return None

    def expire(self) -> Retract | Reject | Finish | None:
        """Give up after :data:`TIMEOUT`; nothing where nobody waits."""
        condition = EXPIRY.get((self.role, self.stage))
        return None if condition is None else self.end(reason_of(condition))

    def fail(self) -> None:
        """Our proposal came back as an error: nobody has it, so that there is nothing to say."""
        self.stage = Stage.ENDED

    def _become(self, stage: Stage, role: Creator, *allowed: Stage) -> None:
        if self.role is not role or self.stage not in allowed:
            raise LocalProtocolError(f"{stage.value} while {self.role.value}, {self.stage.value}")
        self.stage = stage
