"""What one RTP transport did so far, as frozen values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStats:
    """One incoming stream."""

    mid: str
    kind: str
    ssrc: int
    rid: str | None
    packets: int
    """Received, each counted once, retransmissions by RTX not among them."""
    octets: int
    """Of payload."""
    lost: int
    """Expected and not received (RFC 3550 §6.4.1); what RTX brought back counts as lost too."""
    recovered: int
    """Lost at first, then retransmitted or late."""
    duplicates: int
    """Dropped because they were here already."""
    jitter: float
    """In seconds."""
    nacks: int
    """Packets asked for again."""
    key_frame_requests: int
    """PLIs and FIRs sent."""
    malformed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkStats:
    """One outgoing stream."""

    mid: str
    kind: str
    ssrc: int
    packets: int
    """Sent, retransmissions not among them."""
    octets: int
    """Of payload."""
    retransmitted: int
    """Packets sent again."""
    unanswered: int
    """Packets that the peer asked for and that are not kept any more or never came."""
    fraction_lost: float
    """In the peer's latest report, 0 to 1."""
    lost: int
    """In the peer's latest report."""
    round_trip: float | None
    """In seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportStats:
    """One transport."""

    sources: tuple[SourceStats, ...]
    sinks: tuple[SinkStats, ...]
    malformed: int
    """Packets, RTP and RTCP, that were dropped because they break the rules."""
    unrouted: int
    """RTP packets that belong to no section or stream."""
    feedbacks: int
    """Transport-wide feedback packets received."""
    remb: int | None
    """The peer's latest limit in bit/s."""
