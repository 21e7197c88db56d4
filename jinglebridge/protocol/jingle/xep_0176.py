"""XEP-0176: Jingle ICE-UDP Transport Method, version 1.1.1.

The transport also holds XEP-0320 (fingerprints) and XEP-0343 (sctpmap). Deviations:
``generation`` may be absent (browsers omit it); ``tcptype`` and ``<gathering-complete/>``, which
only XEP-0371 has, are read and written in this namespace as other implementations do; addresses
may be names (mDNS).
"""

from jinglebridge.protocol.jingle.xep_0320 import Fingerprint
from jinglebridge.protocol.jingle.xep_0343 import SctpMap
from jinglebridge.protocol.xml import (
    TEXT,
    TOKEN,
    attribute,
    child,
    children,
    element,
    flag,
    local,
    matching,
    uint,
)

NAMESPACE = "urn:xmpp:jingle:transports:ice-udp:1"

_ADDRESS = matching(r"[0-9A-Za-z.:%_-]{1,255}")


@element(NAMESPACE, "candidate")
class Candidate:
    """One ICE candidate (RFC 8839 §5.1)."""

    component: int = attribute(uint(256))
    """1 for RTP, 2 for RTCP without rtcp-mux."""
    foundation: str = attribute(matching(r"[A-Za-z0-9+/]{1,32}"))
    generation: int | None = attribute(uint(), default=None)
    id: str | None = attribute(TEXT, default=None)
    """Unique in the session; has no place in SDP."""
    ip: str = attribute(_ADDRESS)
    network: int | None = attribute(uint(), default=None)
    port: int = attribute(uint(65_535))
    priority: int = attribute(uint())
    protocol: str = attribute(matching(r"[A-Za-z0-9-]{1,16}"))
    rel_addr: str | None = attribute(_ADDRESS, name="rel-addr", default=None)
    rel_port: int | None = attribute(uint(65_535), name="rel-port", default=None)
    tcptype: str | None = attribute(TOKEN, default=None)
    type: str = attribute(matching(r"[A-Za-z0-9-]{1,16}"))
    """``host``, ``srflx``, ``prflx`` or ``relay``."""
    extensions: tuple[tuple[str, str], ...] = local(default=())
    """SDP's extension pairs that XEP-0176 has no attribute for, in order."""


@element(NAMESPACE, "remote-candidate")
class RemoteCandidate:
    """The candidate that the controlling side chose (XEP-0176 §5.8)."""

    component: int = attribute(uint(256))
    ip: str = attribute(_ADDRESS)
    port: int = attribute(uint(65_535))


@element(NAMESPACE, "transport")
class IceUdpTransport:
    """Credentials and candidates of one ICE stream; a stub has neither."""

    ufrag: str | None = attribute(matching(r"[A-Za-z0-9+/]{4,256}"), default=None)
    pwd: str | None = attribute(matching(r"[A-Za-z0-9+/]{22,256}"), default=None)
    fingerprints: tuple[Fingerprint, ...] = children(Fingerprint, maximum=16, default=())
    sctpmap: SctpMap | None = child(SctpMap, default=None)
    candidates: tuple[Candidate, ...] = children(Candidate, maximum=4096, default=())
    """However many a stanza holds: what is more than a session takes is dropped there."""
    remote_candidates: tuple[RemoteCandidate, ...] = children(
        RemoteCandidate, maximum=16, default=()
    )
    gathering_complete: bool = flag(NAMESPACE, "gathering-complete", default=False)
