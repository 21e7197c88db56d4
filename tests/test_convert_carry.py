"""What SDP cannot say comes back: XML to SDP with ``carry`` and to XML again."""

from pathlib import Path
from typing import get_args
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jinglebridge.convert import Role, jingle_to_sdp, sdp_to_jingle
from jinglebridge.errors import MalformedStanza
from jinglebridge.protocol.mapping.carry import without_carried
from jinglebridge.protocol.sdp.text import dumps, loads_offer
from tests.protocol.helpers import SDP_FILES, STANZA_FILES, clark, name_of, read

JINGLE = "{urn:xmpp:jingle:1}jingle"
ROLES: tuple[Role, ...] = get_args(Role)
ARGUMENTS = ("action", "sid", "initiator", "responder")
PLACES = ("content", "description", "transport", "candidate", "payload-type", "jingle")

WHOLE = """<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='sid1'
  initiator='a@example.org/x'>
<group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'>
  <content name='voice'/><content name='my camera'/></group>
<content creator='initiator' name='voice' senders='both'>
  <description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>
    <payload-type id='111' name='opus' clockrate='48000' channels='2'>
      <parameter name='minptime' value='10'/>
      <rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='transport-cc'/></payload-type>
    <payload-type id='0' name='PCMU' clockrate='8000'/>
    <rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='1' uri='urn:x'/>
    <source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='1'>
      <parameter name='cname' value='x'/></source>
    <rtcp-mux/>
  </description>
  <transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='abcd'
      pwd='aaaaaaaaaaaaaaaaaaaaaaaa'>
    <fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256'
        setup='actpass'>AB:CD</fingerprint>
    <candidate component='1' foundation='1' generation='0' id='el0747' ip='10.0.1.1' network='1'
        port='8998' priority='2130706431' protocol='udp' type='host'/>
    <candidate component='1' foundation='2' generation='0' id='el0748' ip='10.0.1.2' network='1'
        port='8998' priority='1694498815' protocol='udp' type='srflx' rel-addr='10.0.1.1'
        rel-port='8998'/>
  </transport></content>
<content creator='initiator' name='my camera' senders='initiator' disposition='early-session'>
  <description xmlns='urn:xmpp:jingle:apps:rtp:1' media='video'>
    <payload-type id='96' name='VP8' clockrate='90000'/></description>
  <transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='efgh'
      pwd='bbbbbbbbbbbbbbbbbbbbbbbb'/></content>
</jingle>"""


def carried(text: str, role: Role = "initiator") -> str:
    return jingle_to_sdp(text, role=role, carry=True)


def restored(sdp: str, root: ET.Element, role: Role = "initiator") -> ET.Element:
    given = {name: value for name in ARGUMENTS if (value := root.get(name)) is not None}
    return ET.fromstring(sdp_to_jingle(sdp, role=role, **given))


def text(root: ET.Element) -> str:
    return ET.tostring(root, "unicode")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("path", STANZA_FILES, ids=name_of)
def test_a_captured_request_comes_back_equal(path: Path, role: Role) -> None:
    for root in ET.fromstring(read(path)).iter(JINGLE):
        assert clark(restored(carried(text(root), role), root, role)) == clark(root)


def test_requests_were_captured() -> None:
    roots = [root for path in STANZA_FILES for root in ET.fromstring(read(path)).iter(JINGLE)]
    assert len(roots) >= 25


@pytest.mark.parametrize("path", SDP_FILES[::6], ids=name_of)
def test_what_we_say_ourselves_needs_no_line(path: Path) -> None:
    jingle = sdp_to_jingle(read(path), role="initiator", sid="sid1")
    assert carried(jingle) == jingle_to_sdp(jingle, role="initiator")


# ---- unknown parts anywhere ----------------------------------------------------------------------

TOKEN = st.text("abcxyz", min_size=1, max_size=4)
WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=6
).map(str.strip)


@st.composite
def strangers(draw: st.DrawFn) -> ET.Element:
    item = ET.Element(f"{{urn:odd:{draw(TOKEN)}}}{draw(TOKEN)}")
    for name in draw(st.lists(TOKEN, unique=True, max_size=2)):
        item.set(draw(st.sampled_from(["", "{urn:odd}"])) + name, draw(WORDS))
    item.text = draw(WORDS) or None
    item.extend(draw(st.lists(st.deferred(strangers), max_size=1)))
    return item


@st.composite
def with_strangers(draw: st.DrawFn) -> ET.Element:
    root = ET.fromstring(WHOLE)
    items = [item for item in root.iter() if item.tag.rpartition("}")[2] in PLACES]
    for item in draw(st.lists(st.sampled_from(items), min_size=1, max_size=4, unique_by=id)):
        # a member of a group has the name of a content, but is none
        for _ in range(draw(st.integers(1, 2))):
            if draw(st.booleans()):
                item.insert(draw(st.integers(0, len(item))), draw(strangers()))
            else:
                name = f"odd-{draw(TOKEN)}"
                item.set(draw(st.sampled_from(["", "{urn:odd}"])) + name, draw(WORDS))
    return root


RELAXED = settings(suppress_health_check=[HealthCheck.too_slow], max_examples=150)


@RELAXED
@given(with_strangers(), st.sampled_from(ROLES))
def test_unknown_parts_come_back_in_order(root: ET.Element, role: Role) -> None:
    sdp = carried(text(root), role)
    assert clark(restored(sdp, root, role)) == clark(root)
    # they are beside the description, which is the same without them
    plain = jingle_to_sdp(text(root), role=role)
    assert dumps(without_carried(loads_offer(sdp))) == plain


def test_white_space_in_foreign_text_stays() -> None:
    odd = '<odd xmlns="urn:odd"> a <b>\u00a0</b>\n  c\td </odd>'
    for place in ("</content>\n<content", "</jingle>"):
        given = WHOLE.replace(place, odd + place)
        assert odd in given
        for sdp in (carried(given), carried(given).replace("a=rtcp-mux\r\n", "")):
            assert odd in sdp_to_jingle(sdp, role="initiator", sid="sid1")


EDITS = [
    # text in SDP, its new form, and the same edit of the XML
    ("a=ice-ufrag:abcd", "a=ice-ufrag:wxyz", "ufrag='abcd'", "ufrag='wxyz'"),
    ("a=ice-pwd:aaaa", "a=ice-pwd:cccc", "pwd='aaaa", "pwd='cccc"),
    (
        "opus/48000/2",
        "opus/16000/1",
        "clockrate='48000' channels='2'",
        "clockrate='16000' channels='1'",
    ),
    ("minptime=10", "minptime=20", "value='10'", "value='20'"),
    ("extmap:1 urn:x", "extmap:1 urn:y", "uri='urn:x'", "uri='urn:y'"),
    ("a=sendrecv", "a=inactive", "senders='both'", "senders='none'"),
    ("sha-256 AB:CD", "sha-256 EF:01", "AB:CD", "EF:01"),
    ("a=rtcp-mux\r\n", "", "<rtcp-mux/>", ""),
    ("a=ssrc:1 cname:x", "a=ssrc:1 cname:y", "value='x'", "value='y'"),
    ("2130706431", "2130706430", "2130706431", "2130706430"),
]


def applied(root: ET.Element, old: str, new: str) -> ET.Element:
    """The same edit of XML whose known parts are those of ``WHOLE``."""
    edited, plain = ET.fromstring(WHOLE.replace(old, new)), ET.fromstring(WHOLE)
    pairs = dict(zip(plain.iter(), plain.iter(), strict=True))
    assert len(pairs) >= len(list(edited.iter()))

    def merge(target: ET.Element, before: ET.Element, after: ET.Element) -> None:
        for name in {*before.attrib, *after.attrib}:
            if name in after.attrib:
                target.set(name, after.attrib[name])
            else:
                del target.attrib[name]
        if before.text != after.text:
            target.text = after.text
        known = [item for item in target if "urn:odd" not in item.tag]
        later = list(after)
        for item, old_item in zip(known, list(before), strict=True):
            if later and later[0].tag == old_item.tag:
                merge(item, old_item, later.pop(0))
            else:
                target.remove(item)

    merge(root, plain, edited)
    return root


@RELAXED
@given(with_strangers(), st.sampled_from(EDITS))
def test_an_edit_is_followed_and_unknown_parts_stay(
    root: ET.Element, edit: tuple[str, str, str, str]
) -> None:
    sdp = carried(text(root))
    assert sdp.count(edit[0]) == 1
    found = restored(sdp.replace(edit[0], edit[1]), root)
    expected = applied(root, *edit[2:])
    for item in expected.iter("{urn:xmpp:jingle:1}jingle"):
        assert clark(found) == clark(item)


@pytest.mark.parametrize("place", ["<description", "</content>", "</transport>", "</jingle>"])
@pytest.mark.parametrize("role", ROLES)
def test_text_between_elements_comes_back(role: Role, place: str) -> None:
    before, found, after = WHOLE.rpartition(place)
    root = ET.fromstring(f"{before}a stray word{found}{after}")
    back = restored(carried(text(root), role), root, role)
    assert clark(back) == clark(root)
    assert words_between(back) == words_between(root)


@pytest.mark.parametrize("role", ROLES)
def test_text_after_a_content_comes_back(role: Role) -> None:
    root = ET.fromstring(WHOLE.replace("</content>", "</content>a stray word"))
    back = restored(carried(text(root), role), root, role)
    assert clark(back) == clark(root)
    assert words_between(back) == words_between(root)


def words_between(root: ET.Element) -> list[tuple[str, str]]:
    return [(item.tag, word) for item in root.iter() if (word := (item.tail or "").strip())]


def test_a_candidate_that_is_added_has_an_id_and_the_others_keep_theirs() -> None:
    root = ET.fromstring(WHOLE)
    added = "a=candidate:3 1 udp 1 10.0.1.3 9 typ host generation 0\r\n"
    sdp = carried(WHOLE)
    at = sdp.index("a=candidate:2")
    found = restored(sdp[:at] + added + sdp[at:], root).iter(
        "{urn:xmpp:jingle:transports:ice-udp:1}candidate"
    )
    ids = [(item.get("ip"), item.get("id"), item.get("network")) for item in found]
    assert [item[0] for item in ids] == ["10.0.1.1", "10.0.1.3", "10.0.1.2"]
    assert (ids[0][1:], ids[2][1:]) == (("el0747", "1"), ("el0748", "1"))
    assert ids[1][1]


def test_a_section_that_is_stopped_takes_its_content_along() -> None:
    root = ET.fromstring(WHOLE)
    found = restored(carried(WHOLE).replace("m=video 9", "m=video 0"), root)
    assert [item.get("name") for item in found.findall("{urn:xmpp:jingle:1}content")] == ["voice"]


@pytest.mark.parametrize("place", PLACES)
def test_more_than_16_kib_are_refused(place: str) -> None:
    def of(size: int) -> ET.Element:
        root = ET.fromstring(WHOLE)
        item = next(item for item in root.iter() if item.tag.rpartition("}")[2] == place)
        if item.tag.startswith("{urn:xmpp:jingle:apps:grouping"):
            item = root[1]
        ET.SubElement(item, "{urn:odd}odd").text = "x" * size
        return root

    fits = of(9_500)
    assert clark(restored(carried(text(fits)), fits)) == clark(fits)
    with pytest.raises(MalformedStanza, match="16384"):
        carried(text(of(12_500)))


def test_no_line_reaches_a_peer() -> None:
    root = ET.fromstring(WHOLE)
    root[1].set("odd", "1")
    sdp = carried(text(root))
    assert sdp.count("a=x-jingle:") >= 2
    jingle = text(restored(sdp, root))
    assert "x-jingle" not in jingle
    value = sdp.partition("a=x-jingle:")[2].partition("\r\n")[0]
    lines = f"a=x-jingle:{value}\na=x-jingle\nm=audio 0 RTP/AVP 0"
    residue = (
        f"<residue xmlns='urn:jinglebridge:sdp:0'>{lines.partition(chr(10) + 'm=')[0]}</residue>"
    )
    kept = (
        "<residue xmlns='urn:jinglebridge:sdp:0'>"
        f"<section index='2'>m=audio 0 RTP/AVP 0\na=mid:z\n{lines.partition('m=')[0]}</section>"
        "</residue>"
    )
    for sent in (
        WHOLE.replace("</content>\n", f"{residue}</content>\n"),
        WHOLE.replace("</jingle>", f"{residue}</jingle>"),
        WHOLE.replace("</jingle>", f"{kept}</jingle>"),
    ):
        assert residue in sent or kept in sent
        assert "x-jingle" not in jingle_to_sdp(sent, role="initiator")
