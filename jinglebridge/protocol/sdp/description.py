"""Session descriptions as values, in JSEP's words (RFC 9429, RFC 8866).

A description is read as it was written: what stood at session level and holds for every section
(fingerprint, ICE credentials, setup, ice-options, direction) is found in each section too, and
the section's ``inherited`` remembers that it did not say so itself.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Self, TypeVar

from jinglebridge.protocol.jingle.xep_0167 import Bandwidth, Crypto, PayloadType
from jinglebridge.protocol.jingle.xep_0176 import Candidate, RemoteCandidate
from jinglebridge.protocol.jingle.xep_0293 import RtcpFeedback, RtcpFeedbackInterval
from jinglebridge.protocol.jingle.xep_0320 import Fingerprint, Setup
from jinglebridge.protocol.jingle.xep_0338 import Group
from jinglebridge.protocol.jingle.xep_0339 import Source, SourceGroup
from jinglebridge.protocol.jingle.xep_0507 import Category

D = TypeVar("D", bound="SessionDescription")

RTP_PROTOCOL = "UDP/TLS/RTP/SAVPF"
SCTP_PROTOCOL = "UDP/DTLS/SCTP"
DEFAULT_CONNECTION = "IN IP4 0.0.0.0"


class Direction(Enum):
    """Who sends in a section, seen from the description's writer (RFC 8866 §6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        """Whether the writer sends."""
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        """Whether the writer receives."""
        return self in (Direction.SENDRECV, Direction.RECVONLY)

    @property
    def reversed(self) -> "Direction":
        """The same flow of media seen from the other side."""
        return direction_of(sends=self.receives, receives=self.sends)


def direction_of(*, sends: bool, receives: bool) -> Direction:
    """The direction of a writer that sends or not, receives or not."""
    if sends:
        return Direction.SENDRECV if receives else Direction.SENDONLY
    return Direction.RECVONLY if receives else Direction.INACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An ``a=`` line that the model has no field for, as it stood."""

    name: str
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderExtension:
    """``a=extmap`` (RFC 8285 §5); the direction is the writer's."""

    id: int
    uri: str
    direction: Direction | None = None
    config: str | None = None
    """The extension's attributes, as they stood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Msid:
    """``a=msid`` (RFC 8830 §2): the stream and the track that a section sends."""

    stream: str
    track: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rid:
    """``a=rid`` (RFC 8851 §10): one encoding of a section's track."""

    id: str
    direction: str
    """``send`` or ``recv``."""
    parameters: str | None = None
    """The restrictions, as they stood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaDescription:
    """One m-section. Its index in the description never changes; its mid names it."""

    mid: str
    media: str
    """``audio``, ``video``, ``application`` …"""
    port: int = 9
    protocol: str = RTP_PROTOCOL
    formats: tuple[str, ...] = ()
    """The formats of a section that is not RTP; RTP's are the payload types."""
    connection: str | None = DEFAULT_CONNECTION
    bandwidths: tuple[Bandwidth, ...] = ()
    direction: Direction | None = None
    """``None`` means sendrecv, and that no line says so."""

    payload_types: tuple[PayloadType, ...] = ()
    """In order of preference."""
    fmtp_texts: tuple[tuple[int, str], ...] = ()
    """``a=fmtp`` as it stood, per payload type, where rebuilding it would differ."""
    rtcp_fb: tuple[RtcpFeedback, ...] = ()
    """Feedback for all payload types (``*``)."""
    trr_int: RtcpFeedbackInterval | None = None
    ptime: int | None = None
    """In ms."""
    maxptime: int | None = None
    """In ms."""
    header_extensions: tuple[HeaderExtension, ...] = ()
    extmap_allow_mixed: bool = False
    rtcp_mux: bool = False
    rtcp_rsize: bool = False
    categories: tuple[Category, ...] = ()
    """``a=content`` (RFC 4796)."""
    cryptos: tuple[Crypto, ...] = ()
    """SDES keys (RFC 4568); no call uses them."""
    sources: tuple[Source, ...] = ()
    source_groups: tuple[SourceGroup, ...] = ()
    msids: tuple[Msid, ...] = ()
    rids: tuple[Rid, ...] = ()
    simulcast: str | None = None
    """The value of ``a=simulcast`` (RFC 8853 §5.1), as it stood."""

    ice_ufrag: str | None = None
    ice_pwd: str | None = None
    ice_options: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    end_of_candidates: bool = False
    remote_candidates: tuple[RemoteCandidate, ...] = ()
    """What the controlling side chose (RFC 8839 §5.2)."""
    fingerprints: tuple[Fingerprint, ...] = ()
    """Their ``setup`` is not used here; the section has one."""
    setup: Setup | None = None
    bundle_only: bool = False

    sctp_port: int | None = None
    max_message_size: int | None = None
    """In bytes; 0 means unlimited (RFC 8841 §6)."""
    inherited: frozenset[str] = frozenset()
    """Names of the attributes that the section has from session level."""
    attributes: tuple[Attribute, ...] = ()
    """Every other ``a=`` line, in order."""
    other_lines: tuple[str, ...] = ()
    """Lines of other types that the model has no field for (``i=`` …), whole, in order."""

    @property
    def is_rejected(self) -> bool:
        """Port 0 without bundle-only (RFC 9429 §5.2, RFC 9143 §6)."""
        return self.port == 0 and not self.bundle_only

    @property
    def is_rtp(self) -> bool:
        """Whether the section carries RTP."""
        return "RTP/" in self.protocol

    def usable(self, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        """The candidates of this section's transport that something may come of."""
        if not self.rtcp_mux:
            return candidates
        return tuple(item for item in candidates if item.component == 1)

    def payload_type(self, number: int) -> PayloadType | None:
        """The payload type of this number."""
        return next((item for item in self.payload_types if item.id == number), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """``o=`` (RFC 8866 §5.2); the id stays, the version grows with each changed description."""

    username: str = "-"
    session_id: str = "0"
    version: str = "0"
    address: str = "IN IP4 127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionDefaults:
    """What stands at session level and holds for every section that does not say otherwise."""

    ice_ufrag: str | None = None
    ice_pwd: str | None = None
    ice_options: tuple[str, ...] = ()
    fingerprints: tuple[Fingerprint, ...] = ()
    setup: Setup | None = None
    direction: Direction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDescription:
    """Everything that one side says; an :class:`Offer` or an :class:`Answer`."""

    origin: Origin = Origin()
    name: str = "-"
    timing: str = "0 0"
    bandwidths: tuple[Bandwidth, ...] = ()
    connection: str | None = None
    groups: tuple[Group, ...] = ()
    """Members are mids here."""
    extmap_allow_mixed: bool = False
    """At session level (RFC 8285 §6)."""
    ice_lite: bool = False
    defaults: SectionDefaults = SectionDefaults()
    attributes: tuple[Attribute, ...] = ()
    """Every other session-level attribute, in order."""
    other_lines: tuple[str, ...] = ()
    """Lines of other types that the model has no field for (``u=`` …), whole, in order."""
    media: tuple[MediaDescription, ...] = ()

    @property
    def bundle(self) -> tuple[str, ...]:
        """Mids of the first BUNDLE group, its tagged section first (RFC 9143)."""
        return next((group.names for group in self.groups if group.semantics == "BUNDLE"), ())

    def section(self, mid: str) -> MediaDescription | None:
        """The section with this mid."""
        return next((item for item in self.media if item.mid == mid), None)

    def with_media(self, media: tuple[MediaDescription, ...]) -> Self:
        """The same description with other sections."""
        return replace(self, media=media)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer(SessionDescription):
    """What the offerer proposes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(SessionDescription):
    """What the answerer agreed to, section by section in the offer's order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrickledCandidates:
    """Candidates of one section, or the end of them (RFC 8838)."""

    mid: str
    ufrag: str | None
    """The generation that they belong to; ``None`` when the peer did not say."""
    candidates: tuple[Candidate, ...] = ()
    end_of_candidates: bool = False


def for_peer_connection(description: D) -> D:
    """The description without what a peer connection is not to see.

    SDES keys beside a fingerprint (RFC 8827 §6.5: never both), and candidates for RTCP where it
    goes with RTP (RFC 5761 §5.1.3): Dino sends them all the same.
    """
    return replace(description, media=tuple(map(_for_peer_connection, description.media)))


def _for_peer_connection(section: MediaDescription) -> MediaDescription:
    candidates = section.usable(section.candidates)
    cryptos = () if section.fingerprints else section.cryptos
    if len(candidates) == len(section.candidates) and len(cryptos) == len(section.cryptos):
        return section
    return replace(section, candidates=candidates, cryptos=cryptos)
