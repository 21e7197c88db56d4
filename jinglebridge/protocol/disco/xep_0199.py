"""XEP-0199: XMPP Ping, version 2.0.1."""

from jinglebridge.protocol.xml import element

NAMESPACE = "urn:xmpp:ping"


@element(NAMESPACE, "ping")
class Ping:
    """Whether somebody is there; the answer is an empty result."""
