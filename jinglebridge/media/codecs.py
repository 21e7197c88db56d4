"""Which codecs, feedback and header extensions of an offer can be forwarded (RFC 9429 §5.3.1)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from jinglebridge.media.rtp.parameters import RtpCodec
from jinglebridge.protocol.jingle.xep_0167 import PayloadType
from jinglebridge.protocol.jingle.xep_0293 import RtcpFeedback
from jinglebridge.protocol.sdp.description import Direction, HeaderExtension, MediaDescription

TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

FORWARDED_CODECS = {
    "audio": frozenset({"opus", "red", "telephone-event", "pcmu", "pcma", "g722", "cn"}),
    "video": frozenset({"vp8", "vp9", "h264", "av1", "h265"}),
}
"""Encoding names per kind of media. FEC of video protects sequence numbers that we rewrite."""

_AUXILIARY = frozenset({"red", "telephone-event", "cn"})  # nothing can be said with these alone

_STATIC = {0: ("pcmu", 8000), 8: ("pcma", 8000), 9: ("g722", 8000), 13: ("cn", 8000)}
"""Payload types that need no rtpmap (RFC 3551 §6); G722's clock rate is wrong for ever."""

_FEEDBACK = frozenset({"nack", "nack pli", "ccm fir", "transport-cc", "goog-remb"})

_EXTENSIONS = frozenset(
    {
        TRANSPORT_CC,
        "urn:ietf:params:rtp-hdrext:sdes:mid",
        "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        "urn:ietf:params:rtp-hdrext:toffset",
        "urn:3gpp:video-orientation",
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
        "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
        "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type",
        "http://www.webrtc.org/experiments/rtp-hdrext/video-timing",
        "http://www.webrtc.org/experiments/rtp-hdrext/color-space",
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    }
)
_ONE_BYTE_IDS = range(1, 15)  # RFC 8285 §4.2
_TWO_BYTE_IDS = range(1, 256)  # RFC 8285 §4.3


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedMedia:
    """What of one RTP section goes into the answer, and the same in forwarding's words."""

    payload_types: tuple[PayloadType, ...]
    fmtp_texts: tuple[tuple[int, str], ...]
    rtcp_fb: tuple[RtcpFeedback, ...]
    header_extensions: tuple[HeaderExtension, ...]
    codecs: tuple[RtpCodec, ...]


def accept_media(offered: MediaDescription, *, allow_mixed: bool) -> AcceptedMedia | None:
    """Choose from an offered section.

    Args:
        offered: an audio or video section.
        allow_mixed: whether the offer allows two-byte header extensions (RFC 8285 §6).

    Returns:
        The choice, in the offer's order, or ``None`` when no codec can be forwarded.
    """
    extensions = _accept_extensions(offered.header_extensions, allow_mixed=allow_mixed)
    congestion_control = any(item.uri == TRANSPORT_CC for item in extensions)
    names = _accepted_names(offered)
    if all(name in _AUXILIARY or name == "rtx" for name in names.values()):
        return None
    payload_types = tuple(
        replace(item, rtcp_fb=_accept_feedback(item.rtcp_fb, congestion_control), trr_int=None)
        for item in offered.payload_types
        if item.id in names
    )
    for_all = _accept_feedback(offered.rtcp_fb, congestion_control)
    return AcceptedMedia(
        payload_types=payload_types,
        fmtp_texts=tuple(item for item in offered.fmtp_texts if item[0] in names),
        rtcp_fb=for_all,
        header_extensions=extensions,
        codecs=tuple(_codecs(payload_types, names, for_all)),
    )


def _accepted_names(offered: MediaDescription) -> dict[int, str]:
    known = FORWARDED_CODECS[offered.media]
    names = {}
    for item in offered.payload_types:
        name = _encoding(item)[0]
        if name in known and _encoding(item)[1]:
            names[item.id] = name
    for item in offered.payload_types:
        if _encoding(item)[0] == "rtx" and _apt(item) in names and names[_apt(item)] != "rtx":
            names[item.id] = "rtx"
    return names


def _encoding(item: PayloadType) -> tuple[str, int]:
    if item.name is None:
        return _STATIC.get(item.id, ("", 0))
    return item.name.lower(), item.clockrate or 0


def _apt(item: PayloadType) -> int:
    text = item.parameter("apt") or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else -1


def _accept_feedback(
    offered: tuple[RtcpFeedback, ...], congestion_control: bool
) -> tuple[RtcpFeedback, ...]:
    """The feedback that we give or take; REMB only where transport-cc is not to be had."""
    wanted = {item for item in offered if _feedback_name(item) in _FEEDBACK and not item.parameters}
    names = {_feedback_name(item) for item in wanted}
    unwanted = "transport-cc"
    if congestion_control and "transport-cc" in names:
        unwanted = "goog-remb"
    kept = (item for item in offered if item in wanted and _feedback_name(item) != unwanted)
    return tuple(dict.fromkeys(kept))


def _feedback_name(item: RtcpFeedback) -> str:
    return f"{item.type} {item.subtype}" if item.subtype else item.type


def _accept_extensions(
    offered: tuple[HeaderExtension, ...], *, allow_mixed: bool
) -> tuple[HeaderExtension, ...]:
    ids = _TWO_BYTE_IDS if allow_mixed else _ONE_BYTE_IDS
    chosen: dict[str, HeaderExtension] = {}
    for item in offered:
        taken = any(other.id == item.id for other in chosen.values())
        if item.uri in _EXTENSIONS and item.id in ids and item.uri not in chosen and not taken:
            direction = item.direction
            chosen[item.uri] = replace(
                item, direction=direction.reversed if isinstance(direction, Direction) else None
            )
    return tuple(chosen.values())


def _codecs(
    payload_types: tuple[PayloadType, ...],
    names: dict[int, str],
    for_all: tuple[RtcpFeedback, ...],
) -> list[RtpCodec]:
    retransmissions = {
        _apt(item): item.id for item in reversed(payload_types) if names[item.id] == "rtx"
    }
    return [
        RtpCodec(
            payload_type=item.id,
            name=names[item.id],
            clock_rate=_encoding(item)[1],
            feedback=frozenset(_feedback_name(one) for one in (*for_all, *item.rtcp_fb)),
            rtx_payload_type=retransmissions.get(item.id),
        )
        for item in payload_types
        if names[item.id] != "rtx"
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedMedia:
    """What an answer leaves of an RTP section that we offered."""

    codecs: tuple[RtpCodec, ...]
    header_extensions: tuple[HeaderExtension, ...]


def agree_media(offered: MediaDescription, answered: MediaDescription) -> AgreedMedia | None:
    """Compare an answer's section with ours.

    An answer should use the offer's payload types and need not (RFC 3264 §6.1): codecs are found by
    name, and packets that come are understood under either number where it is not taken.

    Returns:
        What is left, in the answer's order, or ``None`` when no codec is.
    """
    said = {(item.id, item.uri) for item in answered.header_extensions}
    extensions = tuple(item for item in offered.header_extensions if (item.id, item.uri) in said)
    pairs = list(_codec_pairs(offered, answered))
    if all(_encoding(ours)[0] in _AUXILIARY for ours, _ in pairs):
        return None
    feedback = [
        _feedback_names(offered, ours) & _feedback_names(answered, theirs) for ours, theirs in pairs
    ]
    congestion_control = any("transport-cc" in names for names in feedback) and any(
        item.uri == TRANSPORT_CC for item in extensions
    )
    if not congestion_control:
        extensions = tuple(item for item in extensions if item.uri != TRANSPORT_CC)
    unwanted = {"goog-remb"} if congestion_control else {"transport-cc"}
    taken = {item.id for item in offered.payload_types}
    codecs: list[RtpCodec] = []
    for (ours, theirs), names in zip(pairs, feedback, strict=True):
        codec = _agreed_codec(ours, theirs, (offered, answered), names - unwanted)
        codecs.append(codec)
        if theirs.id not in taken:
            codecs.append(_under_their_number(codec, theirs.id, taken))
    return AgreedMedia(codecs=tuple(codecs), header_extensions=extensions)


def _codec_pairs(
    offered: MediaDescription, answered: MediaDescription
) -> Iterator[tuple[PayloadType, PayloadType]]:
    """Payload types of the offer with the answer's for the same codec, each only once."""
    left = [item for item in offered.payload_types if _encoding(item)[0] != "rtx"]
    for theirs in answered.payload_types:
        same = [item for item in left if _is_same_codec(item, theirs)]
        ours = next((item for item in same if item.id == theirs.id), same[0] if same else None)
        if ours is not None:
            left.remove(ours)
            yield ours, theirs


def _is_same_codec(ours: PayloadType, theirs: PayloadType) -> bool:
    name, rate = _encoding(theirs)
    if not name:
        return ours.id == theirs.id
    return (name, rate or _encoding(ours)[1]) == _encoding(ours)


def _feedback_names(section: MediaDescription, item: PayloadType) -> frozenset[str]:
    return frozenset(
        _feedback_name(one) for one in (*section.rtcp_fb, *item.rtcp_fb) if not one.parameters
    )


def _agreed_codec(
    ours: PayloadType,
    theirs: PayloadType,
    sections: tuple[MediaDescription, MediaDescription],
    feedback: frozenset[str],
) -> RtpCodec:
    offered, answered = sections
    repeated_by, theirs_by = _rtx_of(offered, ours.id), _rtx_of(answered, theirs.id)
    agreed = repeated_by is not None and theirs_by is not None
    return RtpCodec(
        payload_type=ours.id,
        name=_encoding(ours)[0],
        clock_rate=_encoding(ours)[1],
        feedback=feedback,
        rtx_payload_type=repeated_by if agreed else None,
        sent_type=theirs.id if theirs.id != ours.id else None,
        sent_rtx_type=theirs_by if agreed and theirs_by != repeated_by else None,
    )


def _rtx_of(section: MediaDescription, number: int) -> int | None:
    return next(
        (
            item.id
            for item in section.payload_types
            if _encoding(item)[0] == "rtx" and _apt(item) == number
        ),
        None,
    )


def _under_their_number(codec: RtpCodec, number: int, taken: set[int]) -> RtpCodec:
    """The codec once more, for a peer that sends what it said instead of what we asked for."""
    return replace(
        codec,
        payload_type=number,
        rtx_payload_type=None if codec.sent_rtx_type in taken else codec.sent_rtx_type,
        sent_type=None,
        sent_rtx_type=None,
    )
