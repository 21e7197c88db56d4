"""What an offer was answered with, in the form that transports need."""

from dataclasses import dataclass

from jinglebridge.media.identity import DtlsRole
from jinglebridge.media.rtp.parameters import RtpSection
from jinglebridge.protocol.jingle.xep_0176 import Candidate
from jinglebridge.protocol.jingle.xep_0320 import Fingerprint
from jinglebridge.protocol.sdp.description import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionParameters:
    """Our side's values for one section of the offer, made before it is read."""

    ufrag: str
    pwd: str
    ssrc: int
    rtx_ssrc: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalParameters:
    """Everything of our side that an answer needs."""

    session_id: str
    """For ``o=``: digits."""
    cname: str
    stream_id: str
    fingerprint: Fingerprint
    sections: tuple[SectionParameters, ...]
    """At least one per section of the offer."""
    data_channels: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSection:
    """An agreed section with data channels (RFC 8841)."""

    mid: str
    local_port: int
    remote_port: int
    remote_max_message_size: int
    """In bytes; 0 means unlimited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportPlan:
    """One ICE and DTLS transport, and what runs over it."""

    mids: tuple[str, ...]
    """The sections that share it; the first one names it (RFC 9143 §7.3.1)."""
    local_ufrag: str
    local_pwd: str
    remote_ufrag: str
    remote_pwd: str
    remote_is_lite: bool
    remote_fingerprints: tuple[Fingerprint, ...]
    remote_candidates: tuple[Candidate, ...]
    """Those that came with the offer."""
    role: DtlsRole
    rtp: tuple[RtpSection, ...]
    data: DataSection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Negotiated:
    """The outcome of one offer."""

    answer: Answer
    transports: tuple[TransportPlan, ...]

    @property
    def sections(self) -> tuple[RtpSection, ...]:
        """Every agreed RTP section."""
        return tuple(section for plan in self.transports for section in plan.rtp)
