"""Stanzas that clients really sent: read, written again, and made into descriptions."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from jinglebridge.protocol.jingle.xep_0166 import Action, Creator, Jingle
from jinglebridge.protocol.mapping.descriptions import offer_of
from jinglebridge.protocol.sdp.text import dumps, loads_offer
from jinglebridge.protocol.xml import build, parse
from tests.protocol.helpers import STANZA_FILES, clark, name_of, read

JINGLE = "{urn:xmpp:jingle:1}jingle"
NOT_READ = {
    "{urn:xmpp:jingle:apps:rtp:1}rtcp-reduced-size": "stanza's own; no XEP has it",
    "{urn:xmpp:jingle:apps:rtp:msid:0}stream": "stanza's own; no XEP has it",
}
DEFAULTS = {
    ("{urn:xmpp:jingle:1}content", "creator"): "initiator",
}


def jingle_of(path: Path) -> ET.Element | None:
    return ET.fromstring(read(path)).find(JINGLE)


REQUESTS = tuple(path for path in STANZA_FILES if jingle_of(path) is not None)
OFFERS = tuple(path for path in REQUESTS if "session-initiate" in path.name)


def known(xml: ET.Element) -> ET.Element:
    """A request without what its module's first lines say is not read."""
    copy = ET.fromstring(ET.tostring(xml))
    for parent in tuple(copy.iter()):
        for item in tuple(parent):
            if item.tag in NOT_READ or not item.tag.startswith("{urn:xmpp:jingle:"):
                parent.remove(item)
    for item in copy.iter("{urn:xmpp:jingle:apps:rtp:1}description"):
        # XEP-0167's first way to name a source; XEP-0339 says it in full
        item.attrib.pop("ssrc", None)
    return copy


@pytest.mark.parametrize("path", REQUESTS, ids=name_of)
def test_a_request_is_read_and_written_again(path: Path) -> None:
    xml = jingle_of(path)
    assert xml is not None
    jingle = parse(Jingle, xml)
    assert parse(Jingle, build(jingle)) == Jingle(
        **{name: getattr(jingle, name) for name in Jingle.__slots__ if name != "foreign"}
    )
    assert canonical(build(jingle)) == canonical(known(xml))


def canonical(xml: ET.Element) -> object:
    """An element as a value: the order of children of different kinds says nothing."""
    attributes = {name: value for (tag, name), value in DEFAULTS.items() if tag == xml.tag}
    attributes |= xml.attrib
    kinds: dict[str, list[object]] = {}
    for item in xml:
        kinds.setdefault(item.tag, []).append(canonical(item))
    return xml.tag, attributes, (xml.text or "").strip(), kinds


@pytest.mark.parametrize("path", OFFERS, ids=name_of)
def test_an_offer_becomes_a_description(path: Path) -> None:
    xml = jingle_of(path)
    assert xml is not None
    jingle = parse(Jingle, xml)
    assert jingle.action is Action.SESSION_INITIATE
    offer, slots = offer_of(jingle, writer=Creator.INITIATOR)
    assert len(slots) == len(jingle.contents) == len(offer.media)
    assert dumps(loads_offer(dumps(offer))) == dumps(offer)
    for section in offer.media:
        assert section.ice_ufrag
        assert section.fingerprints
        assert section.setup


def test_there_are_requests_of_each_client() -> None:
    assert len(REQUESTS) >= 25
    assert {path.parent.name.partition("-")[0] for path in OFFERS} == {"dino", "stanza"}


def test_comparing_finds_differences() -> None:
    assert clark(ET.fromstring("<a b='1'/>")) != clark(ET.fromstring("<a b='2'/>"))
    assert canonical(ET.fromstring("<a><b/></a>")) != canonical(ET.fromstring("<a/>"))
