"""XEP-0294: Jingle RTP Header Extensions Negotiation, version 1.1.2.

Deviation: readers meet SDP's words (``sendonly`` …) in ``senders``; an unknown word is read as
absent instead of refusing the call.
"""

from jinglebridge.protocol.xml import TEXT, TOKEN, Codec, attribute, children, element, uint

NAMESPACE = "urn:xmpp:jingle:apps:rtp:rtp-hdrext:0"

_SENDERS = ("initiator", "responder", "both")


@element(NAMESPACE, "parameter", repeats=True)
class ExtensionParameter:
    """One word of an extension's attributes."""

    name: str = attribute(TEXT)
    value: str | None = attribute(TEXT, default=None)


@element(NAMESPACE, "rtp-hdrext", repeats=True)
class RtpHeaderExtension:
    """One negotiated RTP header extension (RFC 8285 §5)."""

    id: int = attribute(uint(65_535))
    uri: str = attribute(TOKEN)
    senders: str | None = attribute(
        Codec(lambda value: value if value in _SENDERS else ""), default=None
    )
    """``initiator``, ``responder`` or ``both``; empty when the peer used a word of its own."""
    parameters: tuple[ExtensionParameter, ...] = children(
        ExtensionParameter, maximum=32, default=()
    )


def is_extension_id(number: int) -> bool:
    """Whether an id may be negotiated (RFC 8285 §6): local ones, or 4096 to 4351 in an offer."""
    return 0 < number <= 256 or 4096 <= number <= 4351
