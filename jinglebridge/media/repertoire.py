"""What an offer of ours has: codecs, feedback and header extensions that can be forwarded."""

from collections.abc import Iterator, Mapping

from jinglebridge.media.rtp.extensions import ABS_SEND_TIME, MID, TRANSPORT_CC
from jinglebridge.protocol.jingle.xep_0167 import Parameter, PayloadType
from jinglebridge.protocol.jingle.xep_0293 import RtcpFeedback
from jinglebridge.protocol.sdp.description import HeaderExtension

_CONGESTION = RtcpFeedback(type="transport-cc")
_VIDEO_FEEDBACK = (
    RtcpFeedback(type="goog-remb"),  # for those that do not know transport-cc
    _CONGESTION,
    RtcpFeedback(type="ccm", subtype="fir"),
    RtcpFeedback(type="nack"),
    RtcpFeedback(type="nack", subtype="pli"),
)
_VIDEO_CLOCK = 90_000


def _parameters(**values: str) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(name=name.replace("_", "-"), value=value) for name, value in values.items()
    )


def _video(id_: int, name: str, **parameters: str) -> Iterator[PayloadType]:
    """A video codec and, under the next number, its retransmissions (RFC 4588 §8)."""
    yield PayloadType(
        id=id_,
        name=name,
        clockrate=_VIDEO_CLOCK,
        parameters=_parameters(**parameters),
        rtcp_fb=_VIDEO_FEEDBACK,
    )
    yield PayloadType(
        id=id_ + 1, name="rtx", clockrate=_VIDEO_CLOCK, parameters=_parameters(apt=str(id_))
    )


PAYLOAD_TYPES: Mapping[str, tuple[PayloadType, ...]] = {
    "audio": (
        PayloadType(
            id=111,
            name="opus",
            clockrate=48_000,
            channels=2,
            parameters=_parameters(minptime="10", useinbandfec="1"),
            rtcp_fb=(_CONGESTION,),
        ),
    ),
    "video": (
        *_video(96, "VP8"),
        *_video(
            102,
            "H264",
            level_asymmetry_allowed="1",
            packetization_mode="1",
            profile_level_id="42e01f",
        ),
        *_video(98, "VP9", profile_id="0"),
    ),
}
"""By kind of media, the preferred ones first. Numbers as browsers have them."""

_IDS = {
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level": 1,
    ABS_SEND_TIME: 2,
    TRANSPORT_CC: 3,
    MID: 4,
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay": 5,
    "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type": 6,
    "http://www.webrtc.org/experiments/rtp-hdrext/video-timing": 7,
    "http://www.webrtc.org/experiments/rtp-hdrext/color-space": 8,
    "urn:3gpp:video-orientation": 13,
    "urn:ietf:params:rtp-hdrext:toffset": 14,
}
"""One number for each extension in all sections, as BUNDLE wants it (RFC 8843 §9.2)."""
_FOR_ALL = frozenset({ABS_SEND_TIME, TRANSPORT_CC, MID})
_FOR_AUDIO = frozenset({"urn:ietf:params:rtp-hdrext:ssrc-audio-level"})

EXTENSIONS: Mapping[str, tuple[HeaderExtension, ...]] = {
    kind: tuple(HeaderExtension(id=id_, uri=uri) for uri, id_ in _IDS.items() if uri in uris)
    for kind, uris in (("audio", _FOR_ALL | _FOR_AUDIO), ("video", _IDS.keys() - _FOR_AUDIO))
}
"""Header extensions by kind of media (RFC 8285)."""
