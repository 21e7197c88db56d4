"""What personas write and read: plain XML, with none of the product's own vocabulary.

A persona that used the product's codec would forgive what the codec forgets.
"""

import base64
import hashlib
from collections.abc import Iterable
from xml.etree.ElementTree import Element, fromstring, tostring
from xml.sax.saxutils import quoteattr

CLIENT = "{jabber:client}"
J = "{urn:xmpp:jingle:1}"
RTP = "{urn:xmpp:jingle:apps:rtp:1}"
FEEDBACK = "{urn:xmpp:jingle:apps:rtp:rtcp-fb:0}"
SOURCES = "{urn:xmpp:jingle:apps:rtp:ssma:0}"
ICE = "{urn:xmpp:jingle:transports:ice-udp:1}"
DTLS = "{urn:xmpp:jingle:apps:dtls:0}"
GROUPING = "{urn:xmpp:jingle:apps:grouping:0}"
JMI = "{urn:xmpp:jingle-message:0}"
RECEIPTS = "{urn:xmpp:receipts}"
HINTS = "{urn:xmpp:hints}"
CAPS = "{http://jabber.org/protocol/caps}"
INFO = "{http://jabber.org/protocol/disco#info}"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"


def bare(jid: str) -> str:
    return jid.partition("/")[0]


def is_full(jid: str) -> bool:
    return "/" in jid


def name_of(item: Element) -> str:
    return item.tag.rpartition("}")[2]


def attributes(**values: object) -> str:
    """Attributes as they stand in a tag; ``None`` leaves one out, ``_`` stands for ``-``."""
    return "".join(
        f" {name.rstrip('_').replace('_', '-')}={quoteattr(str(value))}"
        for name, value in values.items()
        if value is not None
    )


def tag(tag_name: str, /, *children: str, xmlns: str | None = None, **values: object) -> str:
    """One element as text."""
    space = None if xmlns is None else xmlns.strip("{}")
    head = f"{tag_name}{attributes(xmlns=space, **values)}"
    return f"<{head}>{''.join(children)}</{tag_name}>" if children else f"<{head}/>"


def element(text: str) -> Element:
    return fromstring(text)


def text(item: Element) -> str:
    return tostring(item, "unicode")


def media_of(content: Element) -> str:
    """``audio`` or ``video``; empty when a content has no description."""
    description = content.find(f"{RTP}description")
    return "" if description is None else description.get("media", "")


def transport_of(content: Element) -> Element:
    """A content's ICE-UDP transport; an empty element when it has none."""
    found = content.find(f"{ICE}transport")
    return Element(f"{ICE}transport") if found is None else found


def description_of(content: Element) -> Element:
    """A content's RTP description; an empty element when it has none."""
    found = content.find(f"{RTP}description")
    return Element(f"{RTP}description") if found is None else found


def reason_of(item: Element) -> str:
    """The condition of the reason inside (XEP-0166 §7.4), empty when there is none."""
    reason = item.find(f"{J}reason")
    names = () if reason is None else (name_of(child) for child in reason)
    return next((name for name in names if name != "text"), "")


def caps_ver(info: Element) -> str:
    """XEP-0115 §5.1 over a disco#info answer."""
    identities = sorted(
        "/".join(
            (
                item.get("category", ""),
                item.get("type", ""),
                item.get("{http://www.w3.org/XML/1998/namespace}lang", ""),
                item.get("name", ""),
            )
        )
        for item in info.findall(f"{INFO}identity")
    )
    features = sorted(item.get("var", "") for item in info.findall(f"{INFO}feature"))
    return _digest((*identities, *features))


def caps_ver_of(identity: tuple[str, str, str], features: Iterable[str]) -> str:
    """The same for an identity (category, type, name) and features of one's own."""
    category, kind, name = identity
    return _digest((f"{category}/{kind}//{name}", *sorted(features)))


def _digest(lines: Iterable[str]) -> str:
    joined = "".join(f"{line}<" for line in lines).encode()
    return base64.b64encode(hashlib.sha1(joined, usedforsecurity=False).digest()).decode()
