"""XEP-0203: Delayed Delivery, version 2.0; that there was a delay is all that is asked here."""

from jinglebridge.protocol.xml import element

NAMESPACE = "urn:xmpp:delay"


@element(NAMESPACE, "delay")
class Delay:
    """The stanza waited somewhere, for a while that nobody here wants to know."""
