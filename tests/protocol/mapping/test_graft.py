from xml.etree import ElementTree as ET

import pytest

from jinglebridge.protocol.jingle.xep_0166 import Content, Jingle
from jinglebridge.protocol.jingle.xep_0167 import PayloadType, RtpDescription
from jinglebridge.protocol.jingle.xep_0176 import IceUdpTransport
from jinglebridge.protocol.mapping.graft import graft
from tests.protocol.helpers import clark

RTP = "urn:xmpp:jingle:apps:rtp:1"
ICE = "urn:xmpp:jingle:transports:ice-udp:1"


def grafted(target: str, source: str, kind: type | None, namespace: str = RTP) -> ET.Element:
    before = ET.fromstring(f"<x xmlns='{namespace}'>{source}</x>")[0]
    made = ET.fromstring(f"<x xmlns='{namespace}'>{target}</x>")[0]
    graft(made, before, kind)
    return made


def same(made: ET.Element, expected: str, namespace: str = RTP) -> bool:
    return clark(made) == clark(ET.fromstring(f"<x xmlns='{namespace}'>{expected}</x>")[0])


@pytest.mark.parametrize(
    ("made", "before", "expected"),
    [
        # attributes: ours as they are made, unknown ones as they were
        (
            "<payload-type id='0' name='new'/>",
            "<payload-type id='0' name='old' channels='2' odd='1' xmlns:a='urn:a' a:b='2'/>",
            "<payload-type id='0' name='new' odd='1' xmlns:a='urn:a' a:b='2'/>",
        ),
        # unknown children stand where they stood
        (
            "<payload-type id='0'><parameter name='a'/><parameter name='b'/></payload-type>",
            "<payload-type id='0'><u/><parameter name='a'/><v/><parameter name='b'/><w/>"
            "</payload-type>",
            "<payload-type id='0'><u/><parameter name='a'/><v/><parameter name='b'/><w/>"
            "</payload-type>",
        ),
        # one of the same kind went away, and its unknown parts with it
        (
            "<payload-type id='0'><parameter name='b'/></payload-type>",
            "<payload-type id='0'><parameter name='a' x='1'/><u/><parameter name='b' y='2'/>"
            "</payload-type>",
            "<payload-type id='0'><u/><parameter name='b' y='2'/></payload-type>",
        ),
        # another order, and a new one
        (
            "<payload-type id='0'><parameter name='b'/><parameter name='n'/><parameter name='a'/>"
            "<parameter name='z'/></payload-type>",
            "<payload-type id='0'><parameter name='a' x='1'/><u/><parameter name='b' y='2'/>"
            "</payload-type>",
            "<payload-type id='0'><parameter name='b' y='2'/><u/><parameter name='n'/>"
            "<parameter name='a' x='1'/><parameter name='z'/></payload-type>",
        ),
        # a kind that was not there before
        (
            "<payload-type id='0'><parameter name='a'/></payload-type>",
            "<payload-type id='0'><u/></payload-type>",
            "<payload-type id='0'><parameter name='a'/><u/></payload-type>",
        ),
        # two alike
        (
            "<payload-type id='0'><parameter name='a'/><parameter name='a'/></payload-type>",
            "<payload-type id='0'><parameter name='a' x='1'/><parameter name='a' x='2'/>"
            "<parameter name='a' x='3'/></payload-type>",
            "<payload-type id='0'><parameter name='a' x='1'/><parameter name='a' x='2'/>"
            "</payload-type>",
        ),
    ],
)
def test_unknown_parts_of_a_payload_type(made: str, before: str, expected: str) -> None:
    result = grafted(made, before, PayloadType)
    assert same(result, expected), ET.tostring(result)


def test_the_inside_of_a_flag_is_unknown() -> None:
    before = "<description media='audio'><rtcp-mux odd='1'><u/></rtcp-mux></description>"
    made = "<description media='audio'><rtcp-mux/></description>"
    assert same(grafted(made, before, RtpDescription), before)
    gone = "<description media='audio'/>"
    assert same(grafted(gone, before, RtpDescription), gone)


def test_what_sdp_has_no_word_for_comes_back_with_its_candidate() -> None:
    def of(ip: str, more: str) -> str:
        return (
            "<transport><candidate component='1' foundation='1' generation='0' protocol='udp' "
            f"ip='{ip}' port='9' priority='1' type='host' {more}/></transport>"
        )

    before = of("192.0.2.1", "id='mine' network='3' odd='1'")
    made = of("192.0.2.1", "id='c1'")
    assert same(grafted(made, before, IceUdpTransport, ICE), before, ICE)
    other = of("192.0.2.2", "id='c1'")
    assert same(grafted(other, before, IceUdpTransport, ICE), other, ICE)


JINGLE = "urn:xmpp:jingle:1"


def test_contents_are_known_by_creator_and_name() -> None:
    before = (
        "<jingle><content name='a' x='1'/><content creator='responder' name='a' x='2'/></jingle>"
    )
    made = (
        "<jingle><content creator='responder' name='a'/>"
        "<content creator='initiator' name='a'/></jingle>"
    )
    expected = (
        "<jingle><content creator='responder' name='a' x='2'/>"
        "<content creator='initiator' name='a' x='1'/></jingle>"
    )
    assert same(grafted(made, before, Jingle, JINGLE), expected, JINGLE)


def test_a_reason_and_contents_without_sections_stay() -> None:
    before = (
        "<jingle><content name='files' creator='initiator'><u/></content>"
        "<content name='0' creator='initiator' disposition='x'/><reason><success/></reason>"
        "</jingle>"
    )
    made = "<jingle><content creator='initiator' name='0' senders='none'/></jingle>"
    expected = before.replace("disposition='x'", "disposition='x' senders='none'")
    assert same(grafted(made, before, Jingle, JINGLE), expected, JINGLE)


def test_the_disposition_of_a_content_is_not_in_sdp() -> None:
    before = "<content creator='initiator' name='0' disposition='early' senders='both'/>"
    made = "<content creator='initiator' name='0'/>"
    expected = "<content creator='initiator' name='0' disposition='early'/>"
    assert same(grafted(made, before, Content, JINGLE), expected, JINGLE)


def test_what_has_no_fields_gets_all() -> None:
    before = "<rtcp-mux a='1'><u/>words<v/></rtcp-mux>"
    assert same(grafted("<rtcp-mux/>", before, None), before)
