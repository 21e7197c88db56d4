"""Stanzas that we send, as elements: every one gets its ``from`` checked before it leaves."""

import re
from xml.etree.ElementTree import Element, SubElement

from jinglebridge.errors import LocalProtocolError, RemoteProtocolError, SignalingError
from jinglebridge.protocol.jingle.xep_0166 import ERRORS_NAMESPACE
from jinglebridge.protocol.xml import local_name, namespace_of

NAMESPACE = "jabber:component:accept"
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML document may hold (XML 1.0 §2.2)."""
HINTS = "urn:xmpp:hints"
CONDITIONS = "urn:ietf:params:xml:ns:xmpp-stanzas"


def domain_of(jid: str) -> str:
    """The domain of a JID."""
    return jid.partition("/")[0].rpartition("@")[2]


def is_ours(jid: str | None, domain: str) -> bool:
    """Whether a JID lies in our domain."""
    return jid is not None and domain_of(jid) == domain


def answer(request: Element, kind: str, payload: Element | None = None) -> Element:
    """An IQ of type ``result`` or ``error`` for a request, without a copy of it."""
    reply = Element(f"{{{NAMESPACE}}}iq", {"type": kind, "id": request.get("id", "")})
    addresses = {"to": request.get("from"), "from": request.get("to")}
    for name, jid in addresses.items():
        if jid is not None:
            reply.set(name, jid)
    if payload is not None:
        reply.append(payload)
    return reply


def error_answer(request: Element, error: RemoteProtocolError) -> Element:
    """The IQ error for a request (RFC 6120 §8.3, XEP-0166 §10)."""
    return answer(request, "error", _error(error))


def message_error(received: Element, error: RemoteProtocolError) -> Element:
    """The error for a message (RFC 6120 §8.3), without a copy of it."""
    reply = answer(received, "error", _error(error))
    reply.tag = f"{{{NAMESPACE}}}message"
    return reply


def _error(error: RemoteProtocolError) -> Element:
    element = Element(f"{{{NAMESPACE}}}error", {"type": error.error_type})
    SubElement(element, f"{{{CONDITIONS}}}{error.condition}")
    words = SubElement(element, f"{{{CONDITIONS}}}text")
    words.text = "".join(item if item.isprintable() else "?" for item in str(error))[:500]
    if error.jingle_condition is not None:
        SubElement(element, f"{{{ERRORS_NAMESPACE}}}{error.jingle_condition}")
    return element


def error_of(received: Element) -> SignalingError:
    """What an error says; not every client says all of it (RFC 6120 §8.3.2)."""
    found: dict[str, str] = {}
    words = ""
    for item in received.iterfind(f"{{{NAMESPACE}}}error/*"):
        name, namespace = local_name(item.tag), namespace_of(item.tag)
        if namespace == CONDITIONS and name == "text":
            words = item.text or ""
        else:
            found.setdefault(namespace, name)
    condition = found.get(CONDITIONS, "undefined-condition")
    return SignalingError(condition, words, found.get(ERRORS_NAMESPACE))


def presence(sender: str, recipient: str, kind: str | None = None) -> Element:
    """A directed presence stanza."""
    stanza = Element(f"{{{NAMESPACE}}}presence", {"from": sender, "to": recipient})
    if kind is not None:
        stanza.set("type", kind)
    return stanza


def message(sender: str, recipient: str, identifier: str) -> Element:
    """A message of type ``chat``, still empty."""
    addresses = {"from": sender, "to": recipient}
    return Element(f"{{{NAMESPACE}}}message", {"type": "chat", "id": identifier, **addresses})


def jingle_message(sender: str, recipient: str, payload: Element, identifier: str) -> Element:
    """A message of a call's initiation, which servers keep for all devices (XEP-0353 §3)."""
    stanza = message(sender, recipient, identifier)
    stanza.append(payload)
    SubElement(stanza, f"{{{HINTS}}}store")
    return stanza


def check_sender(stanza: Element, domain: str) -> None:
    """Refuse a stanza in another's name: the server would close the stream for every call.

    Raises:
        LocalProtocolError: its ``from`` is not of our domain.
    """
    if not is_ours(stanza.get("from"), domain):
        raise LocalProtocolError(f"from={stanza.get('from')!r} is not of {domain}")


def check_characters(text: str) -> None:
    """Refuse to send what is no XML: the server would close the stream for every call.

    Raises:
        LocalProtocolError: a character is not allowed.
    """
    found = _FORBIDDEN.search(text)
    if found is not None:
        raise LocalProtocolError(f"character {found[0]!r} is not allowed in XML")
