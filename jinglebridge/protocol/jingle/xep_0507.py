"""XEP-0507: Jingle Content Category, version 0.1.0; what RFC 4796's ``a=content`` says."""

from jinglebridge.protocol.xml import attribute, element, matching

NAMESPACE = "urn:xmpp:jingle:apps:category:0"


@element(NAMESPACE, "category")
class Category:
    """What a stream shows: ``slides``, ``speaker``, ``sl``, ``main``, ``alt``, or another token."""

    name: str = attribute(matching(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,64}"))
