"""XEP-0293: Jingle RTP Feedback Negotiation, version 1.0.2.

Inside a payload type an element stands for that type, inside a description for all of them
(``a=rtcp-fb:*``).
"""

from jinglebridge.protocol.xml import TOKEN, attribute, children, element, matching, uint

NAMESPACE = "urn:xmpp:jingle:apps:rtp:rtcp-fb:0"


@element(NAMESPACE, "parameter", repeats=True)
class FeedbackParameter:
    """One more word of a feedback line, ``smaxpr=120`` for example."""

    name: str = attribute(TOKEN)
    value: str | None = attribute(matching(r"\S*"), default=None)


@element(NAMESPACE, "rtcp-fb", repeats=True)
class RtcpFeedback:
    """One kind of RTCP feedback (RFC 4585 §4.2)."""

    type: str = attribute(TOKEN)
    subtype: str | None = attribute(TOKEN, default=None)
    parameters: tuple[FeedbackParameter, ...] = children(FeedbackParameter, maximum=16, default=())


@element(NAMESPACE, "rtcp-fb-trr-int", repeats=True)
class RtcpFeedbackInterval:
    """Minimum interval between two regular RTCP packets."""

    value: int = attribute(uint())
    """In ms."""
