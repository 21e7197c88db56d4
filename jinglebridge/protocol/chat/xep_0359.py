"""XEP-0359: Unique and Stable Stanza IDs, version 0.7.0; of ours only."""

from jinglebridge.protocol.xml import TEXT, attribute, element

NAMESPACE = "urn:xmpp:sid:0"


@element(NAMESPACE, "origin-id")
class OriginId:
    """The id that the sender gave the message, wherever a copy of it is found."""

    id: str = attribute(TEXT)
