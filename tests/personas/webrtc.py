"""What clients on libwebrtc have in common: codecs, header extensions, credentials, candidates.

How they say it in Jingle is each client's own.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar
from xml.etree.ElementTree import Element

from tests.personas import xml
from tests.personas.persona import Persona
from tests.personas.session import Session
from tests.personas.xml import (
    DTLS,
    FEEDBACK,
    ICE,
    RTP,
    SOURCES,
    J,
    description_of,
    media_of,
    tag,
)

ADDRESS = "127.0.0.99"
"""Nobody listens there."""
_HEADER_EXTENSIONS = "{urn:xmpp:jingle:apps:rtp:rtp-hdrext:0}"

_FEEDBACK = (
    ("goog-remb", None),
    ("transport-cc", None),
    ("ccm", "fir"),
    ("nack", None),
    ("nack", "pli"),
)


@dataclass(frozen=True, slots=True)
class Codec:
    """One payload type."""

    id: int
    name: str
    clockrate: int
    channels: int | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    feedback: tuple[tuple[str, str | None], ...] = ()


_OPUS = Codec(
    111,
    "opus",
    48_000,
    2,
    (("minptime", "10"), ("useinbandfec", "1")),
    (("transport-cc", None),),
)
CODECS: dict[str, tuple[Codec, ...]] = {
    "audio": (
        _OPUS,
        Codec(9, "G722", 8_000),
        Codec(0, "PCMU", 8_000),
        Codec(8, "PCMA", 8_000),
        Codec(13, "CN", 8_000),
        Codec(110, "telephone-event", 48_000),
        Codec(126, "telephone-event", 8_000),
    ),
    "video": (
        Codec(96, "VP8", 90_000, feedback=_FEEDBACK),
        Codec(97, "rtx", 90_000, parameters=(("apt", "96"),)),
        Codec(98, "VP9", 90_000, parameters=(("profile-id", "0"),), feedback=_FEEDBACK),
        Codec(99, "rtx", 90_000, parameters=(("apt", "98"),)),
        Codec(
            100,
            "H264",
            90_000,
            parameters=(
                ("level-asymmetry-allowed", "1"),
                ("packetization-mode", "1"),
                ("profile-level-id", "42e01f"),
            ),
            feedback=_FEEDBACK,
        ),
        Codec(127, "red", 90_000),
        Codec(125, "ulpfec", 90_000),
    ),
}
EXTENSIONS = {
    "audio": ((1, "urn:ietf:params:rtp-hdrext:ssrc-audio-level"),),
    "video": ((13, "urn:3gpp:video-orientation"),),
}
_BOTH = (
    (3, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"),
    (4, "urn:ietf:params:rtp-hdrext:sdes:mid"),
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Credentials of one call."""

    ufrag: str = field(default_factory=lambda: secrets.token_hex(2))
    pwd: str = field(default_factory=lambda: secrets.token_hex(12))
    fingerprint: str = field(
        default_factory=lambda: ":".join(f"{item:02X}" for item in secrets.token_bytes(32))
    )
    stream: str = field(default_factory=lambda: secrets.token_hex(8))


def payload_types(kind: str) -> frozenset[str]:
    return frozenset(str(codec.id) for codec in CODECS[kind])


def payload_type(codec: Codec) -> str:
    return tag(
        "payload-type",
        *(tag("parameter", name=name, value=value) for name, value in codec.parameters),
        *(
            tag("rtcp-fb", xmlns=FEEDBACK, type=kind, subtype=subtype)
            for kind, subtype in codec.feedback
        ),
        id=codec.id,
        name=codec.name,
        clockrate=codec.clockrate,
        channels=codec.channels,
    )


def source(kind: str, identity: Identity) -> str:
    """A ``<source/>`` whose parameters all have name and value."""
    return tag(
        "source",
        tag("parameter", name="cname", value=identity.stream[:16]),
        tag("parameter", name="msid", value=f"{identity.stream} {kind}0"),
        xmlns=SOURCES,
        ssrc=1_000 if kind == "audio" else 2_000,
    )


def offered_description(kind: str, identity: Identity) -> str:
    """The whole description of an offer."""
    extensions = (*EXTENSIONS[kind], *_BOTH)
    return tag(
        "description",
        tag("rtcp-mux"),
        *map(payload_type, CODECS[kind]),
        *(
            tag("rtp-hdrext", xmlns=_HEADER_EXTENSIONS, id=number, uri=uri)
            for number, uri in extensions
        ),
        tag("extmap-allow-mixed", xmlns=_HEADER_EXTENSIONS),
        source(kind, identity),
        xmlns=RTP,
        media=kind,
    )


def answered_description(content: Element, identity: Identity) -> str:
    """A description of what of an offered content is known."""
    kind = media_of(content)
    known = {(codec.name.lower(), codec.clockrate) for codec in CODECS[kind]}
    taken = []
    for item in description_of(content).findall(f"{RTP}payload-type"):
        name, rate = item.get("name", ""), int(item.get("clockrate", "0"))
        if (name.lower(), rate) in known:
            parameters = tuple(
                (one.get("name", ""), one.get("value", ""))
                for one in item.findall(f"{RTP}parameter")
            )
            channels = item.get("channels")
            number = int(item.get("id", "0"))
            count = int(channels) if channels else None
            taken.append(Codec(number, name, rate, count, parameters))
    return tag(
        "description",
        tag("rtcp-mux"),
        *map(payload_type, taken),
        source(kind, identity),
        xmlns=RTP,
        media=kind,
    )


def transport(identity: Identity, setup: str, *candidates: str) -> str:
    """The transport of a description."""
    return tag(
        "transport",
        tag("fingerprint", identity.fingerprint, xmlns=DTLS, hash="sha-256", setup=setup),
        *candidates,
        xmlns=ICE,
        ufrag=identity.ufrag,
        pwd=identity.pwd,
    )


def candidates(count: int = 2) -> Iterator[dict[str, str]]:
    """Attributes of UDP candidates, as libwebrtc finds them."""
    for index in range(count):
        yield {
            "component": "1",
            "foundation": str(3_708_364_019 + index),
            "generation": "0",
            "ip": ADDRESS,
            "port": str(50_101 + index),
            "priority": str(2_122_260_223 - index),
            "protocol": "udp",
            "type": "host",
        }


def group(names: "list[str]") -> str:
    """The bundle of these contents."""
    return tag(
        "group",
        *(tag("content", name=name) for name in names),
        xmlns=xml.GROUPING,
        semantics="BUNDLE",
    )


class WebRtcPersona(Persona):
    """A client on libwebrtc: contents are called as their mids, BUNDLE, candidates afterwards."""

    group_first: ClassVar[bool] = True
    """Whether ``<group/>`` stands before the contents."""
    senders: ClassVar[str | None] = "both"
    trickles_pwd: ClassVar[bool] = True
    """Whether a transport-info repeats the ``pwd``."""

    def __init__(self, jid: str, service: str) -> None:
        super().__init__(jid, service)
        self.webrtc = Identity()

    def offer(self, session: Session) -> tuple[str, ...]:
        contents = []
        for index, kind in enumerate(session.kinds):
            session.local[str(index)] = kind
            session.payload_types[kind] = payload_types(kind)
            contents.append(
                tag(
                    "content",
                    offered_description(kind, self.webrtc),
                    transport(self.webrtc, "actpass"),
                    creator="initiator",
                    name=index,
                    senders=self.senders,
                )
            )
        return self._bundled(session, contents)

    def answer(self, session: Session) -> tuple[str, ...]:
        assert session.described is not None
        contents = []
        for content in session.described.findall(f"{J}content"):
            name = content.get("name", "")
            session.local[name] = media_of(content)
            contents.append(
                tag(
                    "content",
                    answered_description(content, self.webrtc),
                    transport(self.webrtc, "active"),
                    creator="initiator",
                    name=name,
                    senders=self.senders,
                )
            )
        return self._bundled(session, contents)

    def _bundled(self, session: Session, contents: list[str]) -> tuple[str, ...]:
        bundle = group(list(session.local))
        return (bundle, *contents) if self.group_first else (*contents, bundle)

    def trickle(self, session: Session) -> None:
        for index, found in enumerate(candidates()):
            self.say_transport(session, self.candidate(index, found))

    def say_transport(self, session: Session, child: str) -> None:
        """A transport-info with one thing in it, for the content that owns the transport."""
        inside = tag(
            "transport",
            child,
            xmlns=ICE,
            ufrag=self.webrtc.ufrag,
            pwd=self.webrtc.pwd if self.trickles_pwd else None,
        )
        content = tag("content", inside, creator="initiator", name=next(iter(session.local)))
        self.jingle(session, "transport-info", content)

    def candidate(self, index: int, found: dict[str, str]) -> str:
        """One candidate in this client's words."""
        return tag("candidate", **found, id=f"c{index}", network="0")
