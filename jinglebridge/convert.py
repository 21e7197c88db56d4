"""Jingle to SDP and back, as functions from text to text.

Stable and typed, for other people's programs as for our own command line::

    jingle = sdp_to_jingle(offer, role="initiator", sid="a73sjjvkla37jfea")
    offer = jingle_to_sdp(jingle, role="initiator")

Every error is a :class:`~jinglebridge.errors.JinglebridgeError` whose message names the section and
line, or the element and attribute.
"""

import re
from collections import Counter
from dataclasses import replace
from typing import Literal
from xml.etree import ElementTree

from jinglebridge.errors import MalformedStanza
from jinglebridge.protocol.jingle.xep_0166 import Action, Content, Creator, Jingle
from jinglebridge.protocol.mapping.carry import built, carries, sayable, with_carried
from jinglebridge.protocol.mapping.descriptions import answer_of, mapped, offer_of
from jinglebridge.protocol.mapping.explain import Carried, explained
from jinglebridge.protocol.mapping.slots import Slot, SlotTable, slots_of
from jinglebridge.protocol.sdp.description import Answer, Offer, SessionDescription
from jinglebridge.protocol.sdp.text import dumps, loads_answer, loads_offer
from jinglebridge.protocol.xml import parse, parse_value
from jinglebridge.protocol.xml_text import dumps as xml_dumps
from jinglebridge.protocol.xml_text import dumps_value

__all__ = [
    "Carried",
    "Role",
    "Slot",
    "SlotTable",
    "explain",
    "jingle_to_sdp",
    "sdp_to_jingle",
    "slots_after",
]

Role = Literal["initiator", "responder"]

MAX_XML = 262_144
"""The longest Jingle element that is read, in characters."""
MAX_DEPTH = 64
_NOT_IN_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")
"""Beside control characters (XML 1.0 §2.2)."""
_DECLARATION = re.compile(r"<!(?!\[CDATA\[)")
"""Begins a comment or a document type."""
_WITHOUT_CONTENTS = (Action.SESSION_INFO, Action.SESSION_TERMINATE)


def sdp_to_jingle(
    sdp: str,
    *,
    role: Role,
    action: str = "session-initiate",
    sid: str,
    initiator: str | None = None,
    responder: str | None = None,
    slots: SlotTable | None = None,
) -> str:
    """Say a session description in Jingle.

    Args:
        sdp: an offer or an answer (RFC 9429).
        role: the role in the Jingle session of the party that wrote it.
        action: ``session-initiate`` for an offer, ``session-accept`` for an answer …
        sid: the session's id.
        initiator: full JID of the initiator.
        responder: full JID of the responder.
        slots: the session's table of m-sections and contents; without it, every content is the
            initiator's and named by its mid, which is so for first offers and their answers.

    Returns:
        One ``<jingle/>`` element.

    Raises:
        MalformedStanza: the description breaks its grammar (``SdpError`` names section and line),
            has more than ``jingle_to_sdp`` would read again, or an argument cannot stand in a
            request.
    """
    writer = _creator(role)
    request = _request(action=action, sid=sid, initiator=initiator, responder=responder)
    is_answer = request.action is Action.SESSION_ACCEPT
    description: SessionDescription = loads_answer(sdp) if is_answer else loads_offer(sdp)
    if request.action in _WITHOUT_CONTENTS and description.media:
        raise MalformedStanza(f"<jingle action>: {request.action.value} describes nothing")
    table = _table(description, writer, slots)
    if carries(description):
        text = xml_dumps(built(description, request, writer=writer, slots=table))
    else:
        parts = mapped(description, writer=writer, slots=table)
        text = dumps_value(
            replace(request, groups=parts.groups, contents=parts.contents, residue=parts.residue)
        )
    return _bounded(text)


def jingle_to_sdp(
    jingle: str,
    *,
    role: Role,
    offer: str | None = None,
    slots: SlotTable | None = None,
    carry: bool = False,
) -> str:
    """Write the session description that a Jingle element says.

    Args:
        jingle: one ``<jingle/>`` element.
        role: the role of the party that wrote it.
        offer: the description that is answered, so that sections which the answer leaves out
            come back in their places with port 0.
        slots: the session's table of m-sections and contents.
        carry: keep the XML that SDP cannot say as ``a=x-jingle:`` lines (base64url of canonical
            XML, at most 16 KiB each), from which ``sdp_to_jingle`` restores it. They are for
            conversions only: no peer connection may see them.

    Returns:
        The description, lines ended by CRLF.

    Raises:
        MalformedStanza: an element or attribute breaks its grammar; the message names it.
            Or the table of slots contradicts itself or the offer.
        CallError: no content is RTP or data channels over ICE-UDP; never when ``carry`` is on.
    """
    xml = _element(jingle)
    value = parse(Jingle, xml)
    writer = _creator(role)
    if carry:
        value = sayable(value, writer=writer)
    known = None if slots is None else _verified(slots)
    description: Offer | Answer
    if offer is not None:
        offered = loads_offer(offer)
        table = slots_of(offered, Creator.INITIATOR) if known is None else known
        description = answer_of(value, writer=writer, offer=offered, slots=table)
    else:
        description, table = offer_of(value, writer=writer, slots=known)
    if carry:
        return dumps(with_carried(description, xml, writer=writer, slots=table))
    return dumps(description)


def slots_after(sdp: str, *, role: Role, slots: SlotTable | None = None) -> SlotTable:
    """The session's table when a party has described the session (again).

    Args:
        sdp: the description.
        role: the role of the party that wrote it.
        slots: the table before; ``None`` begins a session.

    Raises:
        SdpError: the description breaks its grammar, or has fewer sections than there are slots.
        MalformedStanza: the table contradicts itself.
    """
    return _verified(slots or SlotTable()).after(loads_offer(sdp), _creator(role))


def explain(text: str, *, role: Role = "initiator") -> list[Carried]:
    """Say for each line of a description what carries it in Jingle.

    Args:
        text: a session description, or a ``<jingle/>`` element.
        role: the role of the party that wrote it.

    Raises:
        MalformedStanza: the text breaks its grammar.
        CallError: the element has nothing that a description could say.
    """
    writer = _creator(role)
    is_xml = text.lstrip()[:1] == "<"
    description = loads_offer(jingle_to_sdp(text, role=role) if is_xml else text)
    return explained(description, writer=writer, slots=_table(description, writer, None))


def _table(description: SessionDescription, writer: Creator, slots: SlotTable | None) -> SlotTable:
    if slots is None:
        return _verified(slots_of(description, Creator.INITIATOR))
    return _verified(_verified(slots).after(description, writer))


def _verified(slots: SlotTable) -> SlotTable:
    """A table that somebody else kept, if its names can be said and are one to one."""
    for slot in slots.slots:
        parse_value(Content, name=_xml_text("content name", slot.name))
    keys = Counter((slot.creator, slot.name) for slot in slots.slots)
    mids = Counter(slot.mid for slot in slots.slots)
    if any(count > 1 for counter in (keys, mids) for count in counter.values()):
        raise MalformedStanza("two slots have the same mid, or the same creator and name")
    return slots


def _request(**given: str | None) -> Jingle:
    texts = {
        name: _xml_text(f"<jingle {name}>", text)
        for name, text in given.items()
        if text is not None
    }
    request = parse_value(Jingle, **texts)
    if any(character.isspace() for character in request.sid):
        # XEP-0166 §7.1: a sid is an NMTOKEN, though clients are known that send others
        raise MalformedStanza(f"<jingle sid>: white space: {request.sid[:60]!r}")
    return request


def _xml_text(where: str, text: str) -> str:
    if not text.isascii() and _NOT_IN_XML.search(text):
        raise MalformedStanza(f"{where}: not Unicode text: {text[:60]!r}")
    return text


def _bounded(text: str) -> str:
    if len(text) > MAX_XML:
        raise MalformedStanza(f"a Jingle element has at most {MAX_XML} characters")
    return text


def _creator(role: str) -> Creator:
    try:
        return Creator(role)
    except ValueError:
        raise MalformedStanza(f"role is initiator or responder, not {role!r}") from None


def _element(text: str) -> ElementTree.Element:
    if "<!" in _bounded(text) and _DECLARATION.search(text):
        raise MalformedStanza("comments and document types are not allowed (RFC 6120 §11.1)")
    try:
        # as text: whatever encoding it declares is past
        checked = _xml_text("<jingle>", text.strip())
        element = ElementTree.fromstring(checked)  # noqa: S314 # no document type, so no entities
    except (ElementTree.ParseError, ValueError) as error:
        raise MalformedStanza(f"not well-formed XML: {error}") from None
    depth, level = 0, [element]
    while level and depth < MAX_DEPTH:
        depth, level = depth + 1, [child for item in level for child in item]
    if level:
        raise MalformedStanza(f"a Jingle element has at most {MAX_DEPTH} levels")
    return element
