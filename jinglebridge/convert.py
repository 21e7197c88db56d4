"""Jingle to SDP and back, as two functions from text to text.

Stable and typed, for other people's programs as for our own command line::

    jingle = sdp_to_jingle(offer, role="initiator", sid="a73sjjvkla37jfea")
    offer = jingle_to_sdp(jingle, role="initiator")
"""

from typing import Literal
from xml.etree import ElementTree

from lxml import etree

from jinglebridge.errors import MalformedStanza
from jinglebridge.protocol.jingle.xep_0166 import Action, Creator, Jingle
from jinglebridge.protocol.mapping.descriptions import answer_of, mapped, offer_of
from jinglebridge.protocol.mapping.slots import Slot, SlotTable, slots_of
from jinglebridge.protocol.sdp.description import SessionDescription
from jinglebridge.protocol.sdp.text import dumps, loads_answer, loads_offer
from jinglebridge.protocol.xml import build, parse

__all__ = ["Role", "Slot", "SlotTable", "jingle_to_sdp", "sdp_to_jingle"]

Role = Literal["initiator", "responder"]

MAX_XML = 262_144
"""The longest Jingle element that is read, in characters."""


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
        MalformedStanza: the description breaks its grammar (``SdpError`` names section and line).
    """
    writer = Creator(role)
    known = _action(action)
    description: SessionDescription = (
        loads_answer(sdp) if known is Action.SESSION_ACCEPT else loads_offer(sdp)
    )
    table = slots_of(description, Creator.INITIATOR) if slots is None else slots
    parts = mapped(description, writer=writer, slots=table)
    jingle = Jingle(
        action=known,
        sid=sid,
        initiator=initiator,
        responder=responder,
        groups=parts.groups,
        contents=parts.contents,
        residue=parts.residue,
    )
    return ElementTree.tostring(build(jingle), "unicode")


def jingle_to_sdp(
    jingle: str,
    *,
    role: Role,
    offer: str | None = None,
    slots: SlotTable | None = None,
) -> str:
    """Write the session description that a Jingle element says.

    Args:
        jingle: one ``<jingle/>`` element.
        role: the role of the party that wrote it.
        offer: the description that is answered, so that sections which the answer leaves out
            come back in their places with port 0.
        slots: the session's table of m-sections and contents.

    Returns:
        The description, lines ended by CRLF.

    Raises:
        MalformedStanza: an element or attribute breaks its grammar; the message names it.
    """
    value = parse(Jingle, _element(jingle))
    writer = Creator(role)
    if offer is None:
        return dumps(offer_of(value, writer=writer)[0])
    offered = loads_offer(offer)
    table = slots_of(offered, Creator.INITIATOR) if slots is None else slots
    return dumps(answer_of(value, writer=writer, offer=offered, slots=table))


def _action(name: str) -> Action:
    try:
        return Action(name)
    except ValueError:
        raise MalformedStanza(f"{name!r} is no Jingle action") from None


def _element(text: str) -> ElementTree.Element:
    if len(text) > MAX_XML:
        raise MalformedStanza(f"a Jingle element has at most {MAX_XML} characters")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        element: ElementTree.Element = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise MalformedStanza(f"not well-formed XML: {error.msg}") from None
    return element
