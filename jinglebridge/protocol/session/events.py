"""What a session tells its owner, in the past tense."""

from dataclasses import dataclass

from jinglebridge.protocol.jingle.xep_0166 import Reason
from jinglebridge.protocol.jingle.xep_0167 import SessionInfo
from jinglebridge.protocol.sdp.description import Answer, Offer, TrickledCandidates


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferReceived:
    """The peer offers; to be answered by ``accept`` or ``terminate``."""

    offer: Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRefused:
    """The peer's offer was acknowledged but holds nothing that can be described."""

    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerReceived:
    """The peer accepted our offer."""

    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatesReceived:
    """The peer trickled candidates; never before its description."""

    trickled: TrickledCandidates


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoReceived:
    """The peer rings, mutes, holds … (XEP-0167 §8)."""

    info: SessionInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded:
    """The peer ended the session."""

    reason: Reason | None


Event = (
    OfferReceived | OfferRefused | AnswerReceived | CandidatesReceived | InfoReceived | SessionEnded
)
