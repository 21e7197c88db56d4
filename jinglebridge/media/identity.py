"""Who the peer is and who opens the association: what signalling says of DTLS (RFC 8122)."""

from enum import Enum

from jinglebridge.protocol.jingle.xep_0320 import Fingerprint

STRONG_HASHES = ("sha-512", "sha-384", "sha-256")
"""Digests that identify a peer, the preferred one first; weaker ones identify nobody."""


class DtlsRole(Enum):
    """Who opens the association; chosen once by offer and answer (RFC 8842 §5)."""

    CLIENT = "client"
    SERVER = "server"


def usable_fingerprints(fingerprints: tuple[Fingerprint, ...]) -> tuple[Fingerprint, ...]:
    """The fingerprints of the best digest that is given (RFC 8122 §5); empty when all are weak."""
    for name in STRONG_HASHES:
        chosen = tuple(item for item in fingerprints if item.hash.lower() == name)
        if chosen:
            return chosen
    return ()
