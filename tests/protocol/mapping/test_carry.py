import base64
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from jinglebridge.errors import MalformedStanza, SdpError
from jinglebridge.protocol.jingle.xep_0166 import Action, Creator, Jingle
from jinglebridge.protocol.mapping.carry import (
    ATTRIBUTE,
    MAX_VALUE,
    built,
    carries,
    sayable,
    with_carried,
    without_carried,
)
from jinglebridge.protocol.mapping.descriptions import offer_of
from jinglebridge.protocol.mapping.slots import Slot, SlotTable, slots_of
from jinglebridge.protocol.sdp.description import Attribute, Offer
from jinglebridge.protocol.sdp.text import dumps, loads_offer
from jinglebridge.protocol.xml import parse
from tests.protocol.helpers import AUDIO, HEAD, VIDEO, clark, offered

INITIATOR = Creator.INITIATOR
REQUEST = Jingle(action=Action.SESSION_INITIATE, sid="sid1")
PLAIN = """<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='sid1'>
<content creator='initiator' name='a'>
  <description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>
    <payload-type id='111' name='opus' clockrate='48000' channels='2'/>
    <payload-type id='0'/>
  </description>
  <transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='abcd'
             pwd='aaaaaaaaaaaaaaaaaaaaaaaa'/>
</content></jingle>"""
FILES = """<content creator='initiator' name='files'>
<description xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file/></description>
<transport xmlns='urn:xmpp:jingle:transports:s5b:1' sid='x'/></content>"""
MORE = PLAIN.replace(
    "<content creator='initiator' name='a'>",
    f"{FILES}<odd xmlns='urn:odd'/><content creator='initiator' name='a' odd='1'>",
).replace("<payload-type id='0'/>", "<payload-type id='0' odd='2'><u/>w</payload-type>")


def carried(text: str, slots: SlotTable | None = None) -> str:
    xml = ET.fromstring(text)
    value = sayable(parse(Jingle, xml), writer=INITIATOR)
    offer, table = offer_of(value, writer=INITIATOR, slots=slots)
    return dumps(with_carried(offer, xml, writer=INITIATOR, slots=table))


def restored(sdp: str, slots: SlotTable | None = None) -> ET.Element:
    offer = loads_offer(sdp)
    table = slots_of(offer, INITIATOR) if slots is None else slots
    return built(offer, REQUEST, writer=INITIATOR, slots=table)


def edited(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert text.count(old) == 1, f"{old} stands {text.count(old)} times"
        text = text.replace(old, new)
    return text


def line(text: str) -> str:
    return f"a={ATTRIBUTE}:" + base64.urlsafe_b64encode(text.encode()).decode()


def test_what_sdp_says_needs_no_line() -> None:
    sdp = carried(PLAIN)
    assert not carries(loads_offer(sdp))
    assert clark(restored(sdp)) == clark(ET.fromstring(PLAIN))


def test_what_sdp_cannot_say_comes_back_in_order() -> None:
    sdp = carried(MORE)
    assert carries(loads_offer(sdp))
    assert sdp.count(f"a={ATTRIBUTE}:") == 2
    assert clark(restored(sdp)) == clark(ET.fromstring(MORE))


def test_what_the_session_says_beside_its_contents_comes_back() -> None:
    residue = "<residue xmlns='urn:jinglebridge:sdp:0'>a=x:1</residue>"
    text = edited(MORE, ("</jingle>", f"{residue}</jingle>"))
    sdp = carried(text)
    assert clark(restored(sdp)) == clark(ET.fromstring(text))
    found = restored(edited(sdp, ("a=x:1", "a=x:2")))
    assert clark(found) == clark(ET.fromstring(edited(text, ("a=x:1", "a=x:2"))))


def test_an_edit_is_followed_and_the_unknown_parts_stay() -> None:
    sdp = edited(carried(MORE), ("a=ice-ufrag:abcd", "a=ice-ufrag:efgh"))
    assert clark(restored(sdp)) == clark(ET.fromstring(edited(MORE, ("'abcd'", "'efgh'"))))


def test_a_codec_that_went_takes_its_unknown_parts_along() -> None:
    with_two = edited(MORE, ("id='111'", "id='111' odd='3'"))
    sdp = edited(carried(with_two), ("SAVPF 111 0", "SAVPF 111"))
    expected = edited(with_two, ("<payload-type id='0' odd='2'><u/>w</payload-type>", ""))
    assert clark(restored(sdp)) == clark(ET.fromstring(expected))
    sdp = edited(
        carried(with_two), ("SAVPF 111 0", "SAVPF 0"), ("a=rtpmap:111 opus/48000/2\r\n", "")
    )
    kept = restored(sdp).findall(".//{*}payload-type")
    assert [(item.get("id"), item.get("odd")) for item in kept] == [("0", "2")]


def test_an_edit_of_the_order_is_followed() -> None:
    sdp = edited(carried(MORE), ("SAVPF 111 0", "SAVPF 0 111"))
    kept = restored(sdp).findall(".//{*}payload-type")
    assert [(item.get("id"), item.get("odd")) for item in kept] == [("0", "2"), ("111", None)]


def test_an_edit_of_the_session_keeps_contents_without_sections_apart() -> None:
    sdp = edited(carried(MORE), ("s=-", "s=edited"))
    root = restored(sdp)
    names = [(item.get("name"), item.get("odd")) for item in root.findall("{*}content")]
    assert names == [("files", None), ("a", "1")]
    assert [item.tag for item in root][1] == "{urn:odd}odd"
    assert clark(root[0]) == clark(ET.fromstring(MORE)[0])
    assert "s=edited" in (root[-1].text or "")


def test_a_section_that_was_rejected_has_no_content() -> None:
    root = restored(edited(carried(MORE), ("m=audio 9", "m=audio 0")))
    assert [item.get("name") for item in root.findall("{*}content")] == ["files"]
    assert root.find("{*}residue/{*}section") is not None


def test_a_new_section_stands_beside_what_was_carried() -> None:
    sdp = carried(MORE) + "\r\n".join((*VIDEO, ""))
    names = [item.get("name") for item in restored(sdp).findall("{*}content")]
    assert names == ["files", "a", "1"]


def test_names_that_are_no_mids_are_carried_too() -> None:
    named = edited(PLAIN, ("creator='initiator' name='a'", "creator='responder' name='my mic ü'"))
    sdp = carried(named)
    assert "a=mid:m0" in sdp
    assert clark(restored(sdp)) == clark(ET.fromstring(named))
    slots = SlotTable((Slot(creator=INITIATOR, name="kept", mid="m0"),))
    (content,) = restored(sdp, slots)
    assert (content.get("creator"), content.get("name")) == ("initiator", "kept")


def test_two_names_that_are_carried_never_become_one() -> None:
    offer = offered(*HEAD, *AUDIO, line("<x/>"), *VIDEO)
    value = ET.fromstring(PLAIN)[0]
    value.set("name", "1")
    same = Attribute(name=ATTRIBUTE, value=line(ET.tostring(value, "unicode")).partition(":")[2])
    first, second = offer.media
    offer = offer.with_media((replace(first, attributes=(same,)), second))
    root = built(offer, REQUEST, writer=INITIATOR, slots=slots_of(offer, INITIATOR))
    assert [item.get("name") for item in root.findall("{*}content")] == ["0", "1"]


@pytest.mark.parametrize(
    "xml",
    [
        "<a/>",
        "<content xmlns='urn:xmpp:jingle:1'/>",
        "<content xmlns='urn:xmpp:jingle:1' name='0'/>",
        "<content xmlns='urn:xmpp:jingle:1' name='0' creator='x'><transport/></content>",
        "<a>" * 64 + "</a>" * 64,
    ],
)
def test_a_line_of_another_content_changes_nothing_that_sdp_says(xml: str) -> None:
    plain = offered(*HEAD, *AUDIO, *VIDEO)
    for text in ((*HEAD, line(xml), *AUDIO, *VIDEO), (*HEAD, *AUDIO, line(xml), *VIDEO)):
        offer = offered(*text)
        root = built(offer, REQUEST, writer=INITIATOR, slots=slots_of(offer, INITIATOR))
        again, _ = offer_of(parse(Jingle, root), writer=INITIATOR)
        assert dumps(again) == dumps(plain)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "no XML"),
        ("####", "no XML"),
        ("\u00e9", "no XML"),
        ("PGEvPg", "no XML"),
        (line("<a>").partition(":")[2], "no XML"),
        (line("<!DOCTYPE a><a/>").partition(":")[2], "document type"),
        (line("<a>" * 65 + "</a>" * 65).partition(":")[2], "levels"),
        (line("<?xml version='1.0' encoding='x'?><a/>").partition(":")[2], None),
        ("A" * (MAX_VALUE + 1), "at most"),
    ],
)
def test_a_line_that_is_no_xml_is_refused_in_its_place(value: str, reason: str | None) -> None:
    said = f"a={ATTRIBUTE}:{value}"
    for lines, where in (
        ((*HEAD, said, *AUDIO, *VIDEO), "session: "),
        ((*HEAD, *AUDIO, *VIDEO, said), "section 1: "),
    ):
        offer = offered(*lines)
        slots = slots_of(offer, INITIATOR)
        if reason is None:
            built(offer, REQUEST, writer=INITIATOR, slots=slots)
            continue
        with pytest.raises(SdpError, match=f"{where}.*{reason}"):
            built(offer, REQUEST, writer=INITIATOR, slots=slots)


def test_a_line_without_a_value_holds_nothing() -> None:
    offer = offered(*HEAD, *AUDIO, f"a={ATTRIBUTE}")
    root = built(offer, REQUEST, writer=INITIATOR, slots=slots_of(offer, INITIATOR))
    assert ATTRIBUTE not in ET.tostring(root, "unicode")


@pytest.mark.parametrize("place", ["<payload-type id='0'/>", "<content creator='initiator'"])
def test_what_is_carried_is_bounded(place: str) -> None:
    def of(size: int) -> str:
        odd = f"<odd xmlns='urn:odd'>{'x' * size}</odd>"
        return edited(PLAIN, (place, f"{odd}{place}"))

    assert clark(restored(carried(of(11_000)))) == clark(ET.fromstring(of(11_000)))
    with pytest.raises(MalformedStanza, match="16384 characters"):
        carried(of(12_500))


def test_a_peer_connection_sees_no_carried_line() -> None:
    offer = loads_offer(carried(MORE))
    seen = without_carried(offer)
    assert ATTRIBUTE not in dumps(seen)
    assert not carries(seen)
    assert without_carried(seen) == seen
    stripped = [text for text in dumps(offer).split("\r\n") if ATTRIBUTE not in text]
    assert dumps(seen).split("\r\n") == stripped


def test_no_residue_brings_a_carried_line() -> None:
    residue = (
        f"<residue xmlns='urn:jinglebridge:sdp:0'>a=x:1\n{line('<a/>')}\na={ATTRIBUTE}</residue>"
    )
    text = PLAIN.replace("</content>", f"{residue}</content>{residue}")
    offer, _ = offer_of(parse(Jingle, ET.fromstring(text)), writer=INITIATOR)
    assert dumps(offer).count("a=x:1") == 2
    assert not carries(offer)


def test_nothing_that_can_be_said_is_an_empty_offer() -> None:
    text = (
        f"<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='sid1'>{FILES}</jingle>"
    )
    sdp = carried(text)
    assert loads_offer(sdp).media == Offer().media
    assert clark(restored(sdp)) == clark(ET.fromstring(text))
