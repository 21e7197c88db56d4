"""XEP-0343: Signaling WebRTC datachannels in Jingle, version 0.3.1.

Deviations: XEP-0343 has no description for channels that carry no file transfer, so we send one
of our own and accept contents without any.
"""

from jinglebridge.protocol.xml import TOKEN, attribute, element, uint

NAMESPACE = "urn:xmpp:jingle:transports:dtls-sctp:1"
DESCRIPTION_NAMESPACE = "urn:jinglebridge:datachannel:0"


@element(NAMESPACE, "sctpmap")
class SctpMap:
    """The SCTP association inside a DTLS transport (RFC 8841 §5)."""

    number: int = attribute(uint(65_535))
    """SCTP port."""
    protocol: str = attribute(TOKEN, default="webrtc-datachannel")
    streams: int | None = attribute(uint(65_536), default=None)


@element(DESCRIPTION_NAMESPACE, "description")
class DataChannelDescription:
    """Says that a content carries data channels for the application to use."""
