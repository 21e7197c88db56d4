from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinglebridge.errors import MalformedStanza
from jinglebridge.protocol import xml_text
from jinglebridge.protocol.jingle.xep_0166 import (
    Action,
    Content,
    Jingle,
    ReasonCondition,
    reason_of,
)
from jinglebridge.protocol.jingle.xep_0167 import Bandwidth, Hold, Mute, Parameter, RtpDescription
from jinglebridge.protocol.sdp.text import loads_offer
from jinglebridge.protocol.xml import build, parse
from jinglebridge.protocol.xml_text import dumps, dumps_value
from tests.protocol.helpers import SDP_FILES, STANZA_FILES, clark, name_of, read, say

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=8)
ODD = "a&<>\"'\t\n\r b \u00e9\U0001f980]]>"


@pytest.mark.parametrize("path", STANZA_FILES, ids=name_of)
def test_an_element_is_read_as_it_was(path: Path) -> None:
    for xml in ET.fromstring(read(path)):
        text = dumps(xml)
        assert clark(ET.fromstring(text)) == clark(xml)
        assert "ns0:" not in text


@pytest.mark.parametrize("path", SDP_FILES[::8], ids=name_of)
def test_a_value_is_written_as_its_element(path: Path) -> None:
    jingle = say(loads_offer(read(path)))
    assert dumps_value(jingle) == dumps(build(jingle))
    assert parse(Jingle, ET.fromstring(dumps_value(jingle))) == jingle


@pytest.mark.parametrize(
    "value",
    [
        Jingle(action=Action.SESSION_INFO, sid="x", info=Hold()),
        Jingle(action=Action.SESSION_INFO, sid="x", info=Mute(creator="initiator", name=ODD)),
        Jingle(
            action=Action.SESSION_TERMINATE,
            sid='"&<',
            reason=reason_of(ReasonCondition.SUCCESS, "<bye> & \r thanks"),
        ),
        Jingle(action=Action.SESSION_TERMINATE, sid="x", reason=reason_of(ReasonCondition.GONE)),
        Content(name="&\u2028", description=RtpDescription(media="audio", rtcp_mux=True)),
        RtpDescription(media="audio", extmap_allow_mixed=True),
        Parameter(name="a\tb", value=""),
        Parameter(),
    ],
)
def test_flags_members_and_texts(value: object) -> None:
    text = dumps_value(value)
    assert text == dumps(build(value))
    assert clark(ET.fromstring(text)) == clark(build(value))


@given(TEXT, TEXT, TEXT, TEXT)
def test_nothing_that_is_written_becomes_markup(one: str, two: str, three: str, four: str) -> None:
    xml = ET.Element("{urn:\u00e9&<>}a", {"b": ODD + one, "{urn:x}c": two, "{urn:y}d": "\t"})
    xml.text = ODD + three
    child = ET.SubElement(xml, "none")
    child.tail = ODD + four
    ET.SubElement(child, "{urn:x}deeper").text = four
    again = ET.fromstring(dumps(xml))
    assert again.tag == xml.tag
    assert again.attrib == xml.attrib
    assert (again.text, again[0].tag, again[0].tail) == (xml.text, "none", child.tail)
    assert (again[0][0].tag, again[0][0].text or "") == ("{urn:x}deeper", four)


def test_text_between_children_stays() -> None:
    text = "<a>one<b>two</b>three &amp; &lt;<c/>four</a>"
    assert dumps(ET.fromstring(text)) == text


def test_a_namespace_is_declared_where_it_begins() -> None:
    root = ET.fromstring("<p:a xmlns:p='urn:x'><p:b/><c xmlns=''><p:d p:e='1'/></c></p:a>")
    assert dumps(root) == (
        '<a xmlns="urn:x"><b/><c xmlns=""><d xmlns="urn:x" xmlns:a0="urn:x" a0:e="1"/></c></a>'
    )


def test_a_peer_cannot_make_us_keep_much_text(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[tuple[object, str], str] = {}
    monkeypatch.setattr(xml_text, "_leaf_texts", kept)
    monkeypatch.setattr(xml_text, "_REMEMBERED", 3)
    long = Parameter(name="x", value="long" * 100)
    assert dumps_value(long) == dumps(build(long))
    assert not kept
    for number in range(10):
        short = Parameter(name="x", value=str(number))
        assert dumps_value(short) == dumps(build(short)) == dumps_value(short)
        assert 0 < len(kept) <= 3


def test_no_more_children_are_written_than_are_read() -> None:
    most = RtpDescription(media="audio", bandwidths=(Bandwidth(type="AS", value="1"),) * 8)
    assert dumps_value(most).count("<bandwidth") == 8
    with pytest.raises(MalformedStanza, match="<description> has more than 8 <bandwidth>"):
        dumps_value(replace(most, bandwidths=most.bandwidths * 2))
