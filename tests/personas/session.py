"""What clients know of a call, and of what can be called."""

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from tests.personas import xml
from tests.personas.xml import J

Kinds = tuple[str, ...]
AUDIO: Kinds = ("audio",)
VIDEO: Kinds = ("audio", "video")

CALLABLE = (
    "urn:xmpp:jingle:1",
    "urn:xmpp:jingle:apps:rtp:1",
    "urn:xmpp:jingle:apps:rtp:audio",
    "urn:xmpp:jingle:apps:rtp:video",
    "urn:xmpp:jingle:transports:ice-udp:1",
    "urn:xmpp:jingle:apps:dtls:0",
)
MESSAGES = "urn:xmpp:jingle-message:0"

PLANS = ("accept", "decline", "busy", "ignore")
"""What its user does about an incoming call."""


@dataclass(slots=True)
class Session:
    """A call as the client sees it."""

    sid: str
    kinds: Kinds
    peer: str
    """Full JID once it is known."""
    initiates: bool
    message_id: str = ""
    """Of the propose that we sent."""
    proposed: bool = False
    """Whether it began with a propose."""
    described: Element | None = None
    """The peer's ``<jingle/>`` with its contents."""
    local: dict[str, str] = field(default_factory=dict)
    """Our contents: kind by name."""
    payload_types: dict[str, frozenset[str]] = field(default_factory=dict)
    """Ids that we offered, by kind."""
    ended: bool = False

    def answered_kinds(self) -> list[str]:
        """The media that the peer's description has."""
        contents = () if self.described is None else self.described.findall(f"{J}content")
        return list(map(xml.media_of, contents))
