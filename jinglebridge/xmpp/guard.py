"""What stanzas must keep to: on their way in (``reader`` measures them), and last on their way out.

One stanza of ours that the server does not take, in a foreign name, too large or no XML at all,
ends the stream, and with it the signalling of every call.
"""

from dataclasses import dataclass
from xml.etree.ElementTree import Element, tostring

from jinglebridge.errors import SignalingError
from jinglebridge.xmpp.stanzas import check_characters, check_sender, is_ours

MAX_JID = 3_071
"""Octets of a JID (RFC 7622 §3.1); whatever has more characters has more octets too."""
MAX_ID = 1_024
"""Characters of a stanza's id. An answer repeats it, and five more for each that XML escapes."""
MAX_OUTGOING = 262_144
"""Bytes of a stanza of ours: half of what Prosody takes from a component."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StanzaBounds:
    """The largest stanza that is read."""

    depth: int = 64
    """Levels of elements, the stanza itself being the first."""
    size: int = 262_144
    """Characters of names, values and text."""


def is_answerable(stanza: Element, domain: str) -> bool:
    """Whether an answer to a stanza could go to its sender, in our name.

    What is not is dropped without a word: any word would repeat what is wrong with it.

    Args:
        stanza: as it came.
        domain: ours.
    """
    sender, recipient = stanza.get("from"), stanza.get("to")
    return (
        sender is not None
        and recipient is not None
        and is_ours(recipient, domain)
        and max(len(sender), len(recipient)) <= MAX_JID
        and len(stanza.get("id", "")) <= MAX_ID
    )


def checked_text(stanza: Element, domain: str) -> str:
    """The text of a stanza of ours: the one way out.

    Args:
        stanza: what to send.
        domain: ours.

    Raises:
        LocalProtocolError: its ``from`` is not ours, or it holds what XML forbids.
        SignalingError: it is larger than servers take.
    """
    check_sender(stanza, domain)
    text = tostring(stanza, "unicode")
    check_characters(text)
    # no character has more than four bytes
    if len(text) > MAX_OUTGOING // 4 and len(text.encode()) > MAX_OUTGOING:
        raise SignalingError("policy-violation", f"a stanza has at most {MAX_OUTGOING} bytes")
    return text
