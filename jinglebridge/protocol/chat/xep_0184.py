"""XEP-0184: Message Delivery Receipts, version 1.4.0."""

from jinglebridge.protocol.xml import TEXT, attribute, element

NAMESPACE = "urn:xmpp:receipts"


@element(NAMESPACE, "request")
class Request:
    """The sender would like to know that the message arrived."""


@element(NAMESPACE, "received")
class Received:
    """The message of this id arrived."""

    id: str | None = attribute(TEXT, default=None)
