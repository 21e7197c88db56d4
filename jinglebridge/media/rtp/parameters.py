"""What was negotiated for the RTP of one m-section, in the form that forwarding needs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpCodec:
    """One payload type that both sides agreed on."""

    payload_type: int
    """What the peer's packets say."""
    name: str
    """Encoding name in lower case, ``vp8`` for example."""
    clock_rate: int
    """In Hz."""
    feedback: frozenset[str] = frozenset()
    """``nack``, ``nack pli``, ``ccm fir``, ``transport-cc``, ``goog-remb``."""
    rtx_payload_type: int | None = None
    """Payload type of its retransmissions (RFC 4588), when negotiated."""
    sent_type: int | None = None
    """What our packets say, where the peer's answer has a number of its own (RFC 3264 §6.1)."""
    sent_rtx_type: int | None = None
    """The same of retransmissions; ``None`` where :attr:`rtx_payload_type` holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpSection:
    """One RTP m-section as both sides agreed on it.

    Header extension ids are the same in both directions (RFC 8285 §6), and payload types too, but
    for peers that answer with numbers of their own.
    """

    mid: str
    kind: str
    """``audio`` or ``video``."""
    codecs: tuple[RtpCodec, ...]
    """In order of preference, retransmission codecs not among them."""
    header_extensions: tuple[tuple[int, str], ...]
    """Id and URI of each agreed extension (RFC 8285)."""
    remote_ssrcs: tuple[int, ...] = ()
    """Primary sources that the peer signalled; more may show up by MID (RFC 9143 §9.2)."""
    remote_rtx: tuple[tuple[int, int], ...] = ()
    """Pairs of a primary source and its retransmission source (``FID``)."""
    local_ssrc: int
    local_rtx_ssrc: int | None = None
    cname: str
    sends: bool
    """Whether we send to the peer."""
    receives: bool
    """Whether the peer sends to us."""
