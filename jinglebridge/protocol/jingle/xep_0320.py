"""XEP-0320: Use of DTLS-SRTP in Jingle Sessions, version 1.0.0.

Deviation: ``holdconn`` is read and written although the XEP does not map it.
"""

from enum import Enum

from jinglebridge.protocol.xml import TOKEN, attribute, choice, element, matching, text

NAMESPACE = "urn:xmpp:jingle:apps:dtls:0"


class Setup(Enum):
    """Who opens the DTLS association (RFC 4145 §4, RFC 8842 §5)."""

    ACTIVE = "active"
    PASSIVE = "passive"
    ACTPASS = "actpass"
    HOLDCONN = "holdconn"


@element(NAMESPACE, "fingerprint")
class Fingerprint:
    """Digest of a certificate (RFC 8122 §5)."""

    hash: str = attribute(TOKEN)
    """Name of the digest, ``sha-256`` for example."""
    setup: Setup | None = attribute(choice(Setup), default=None)
    value: str = text(matching(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){0,127}"))
    """Pairs of hexadecimal digits joined by colons."""
