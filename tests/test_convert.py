"""The public functions over every recorded description: nothing is lost, nothing is invented."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree as ET

import pytest

from jinglebridge import convert
from jinglebridge.convert import (
    Role,
    Slot,
    SlotTable,
    explain,
    jingle_to_sdp,
    sdp_to_jingle,
    slots_after,
)
from jinglebridge.errors import CallError, JinglebridgeError, MalformedStanza, SdpError
from jinglebridge.protocol.jingle.xep_0166 import Creator
from tests.protocol.helpers import (
    AUDIO,
    DATA,
    HEAD,
    SDP_FILES,
    SEQUENCE_FILES,
    VIDEO,
    Exchange,
    exchanges,
    name_of,
    read,
    sections,
    text_of,
)

ROLES: tuple[Role, ...] = get_args(Role)
RESIDUE = "{urn:jinglebridge:sdp:0}residue"
CONTENT = "{urn:xmpp:jingle:1}content"
SID = "a73sjjvkla37jfea"
SEQUENCE_KINDS = ("offer", "re-offer", "answer", "pranswer", "answer-after-rollback")


def there(sdp: str, *, role: Role = "initiator", **more: Any) -> str:
    return sdp_to_jingle(sdp, role=role, sid=SID, **more)


def other(role: Role) -> Role:
    return "responder" if role == "initiator" else "initiator"


# ---- recorded sequences, with the session's table ------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One description of a sequence, with the session's table before and after it."""

    sdp: str
    role: Role
    action: str
    is_offer: bool
    before: SlotTable
    after: SlotTable


def steps(path: Path) -> Iterator[Step]:
    stable = SlotTable()
    pending: dict[Role, SlotTable] = {}
    for step in json.loads(read(path)):
        if step["kind"] not in SEQUENCE_KINDS:
            continue
        role: Role = "initiator" if step["who"] == "A" else "responder"
        is_offer = "offer" in step["kind"]
        # an offer that is rolled back leaves no trace: the other side's follows the stable table
        before = stable if is_offer else pending[other(role)]
        sdp = read(path.parent / step["file"])
        after = slots_after(sdp, role=role, slots=before)
        is_first = not stable.slots
        action = "session" if is_first else "content"
        verb = ("initiate" if is_first else "add") if is_offer else "accept"
        yield Step(
            sdp=sdp,
            role=role,
            action=f"{action}-{verb}",
            is_offer=is_offer,
            before=before,
            after=after,
        )
        if is_offer:
            pending[role] = after
        elif step["kind"] != "pranswer":
            stable = after


@pytest.mark.parametrize("path", SEQUENCE_FILES, ids=name_of)
def test_a_recorded_sequence_keeps_its_table(path: Path) -> None:
    for step in steps(path):
        jingle = there(step.sdp, role=step.role, action=step.action, slots=step.before)
        assert jingle == there(step.sdp, role=step.role, action=step.action, slots=step.after)
        back = jingle_to_sdp(jingle, role=step.role, slots=step.after)
        assert sections(back) == sections(step.sdp)
        born = {(slot.mid, slot.name): slot.creator for slot in step.before.slots}
        for slot in step.after.slots:
            assert born.get((slot.mid, slot.name), slot.creator) is slot.creator
        if not step.is_offer:
            assert step.after == step.before


def test_sequences_recycle_slots_and_are_offered_from_both_sides() -> None:
    found = [step for path in SEQUENCE_FILES for step in steps(path)]
    recycled = [
        step
        for step in found
        if any(
            old.mid != new.mid
            for old, new in zip(step.before.slots, step.after.slots, strict=False)
        )
    ]
    assert len(recycled) >= 2
    assert any(step.is_offer and step.role == "responder" and step.before for step in found)
    owners = [{slot.creator for slot in step.after.slots} for step in found]
    assert set(Creator) in owners


@pytest.mark.parametrize("exchange", exchanges(), ids=lambda item: item.name)
def test_an_answer_comes_back_beside_its_offer(exchange: Exchange) -> None:
    offer, answer = read(exchange.offer), read(exchange.answer)
    offerer: Role = "initiator" if exchange.initiator_offers else "responder"
    role = other(offerer)
    slots = slots_after(offer, role=offerer)
    jingle = there(answer, role=role, action="session-accept", slots=slots)
    assert sections(jingle_to_sdp(jingle, role=role, offer=offer, slots=slots)) == sections(answer)
    # without the residue's rejected sections the offer alone says which place is whose
    root = ET.fromstring(jingle)
    for residue in root.findall(RESIDUE):
        root.remove(residue)
    back = jingle_to_sdp(ET.tostring(root, "unicode"), role=role, offer=offer, slots=slots)
    assert kinds(back) == kinds(answer)


def kinds(sdp: str) -> list[tuple[str, bool]]:
    """Media and whether it is refused, per section."""
    found = []
    for part in sdp.replace("\r\n", "\n").split("\nm=")[1:]:
        media, port, *_ = part.split(" ")
        found.append((f"m={media}", port == "0" and "a=bundle-only" not in part))
    return found


# ---- the table -----------------------------------------------------------------------------------

NAMES = ("my camera", "Kamera \u00fc\u00df \u4f60\u597d", "x" * 40, "video", "a/b", "m1", " ")
OFFER = text_of(*HEAD, "a=group:BUNDLE 0 1 2", *AUDIO, *VIDEO, *DATA)


def table_of(*keys: tuple[Role, str]) -> SlotTable:
    contents = "".join(
        f"<content creator='{creator}' name='{name}'>"
        "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='video'><payload-type id='96'/>"
        "</description>"
        "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'/></content>"
        for creator, name in keys
    )
    head = "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='x'>"
    sdp = jingle_to_sdp(f"{head}{contents}</jingle>", role="initiator")
    mids = [line[6:] for line in sdp.splitlines() if line.startswith("a=mid:")]
    return SlotTable(
        tuple(
            Slot(creator=Creator(creator), name=name, mid=mid, media="video")
            for (creator, name), mid in zip(keys, mids, strict=True)
        )
    )


def test_names_that_no_mid_can_be() -> None:
    slots = table_of(*(("initiator", name) for name in NAMES))
    mids = [slot.mid for slot in slots.slots]
    assert mids == ["m0", "m1", "m2", "video", "m4", "m5", "m6"]
    body = [line for mid in mids for line in (*VIDEO[:2], f"a=mid:{mid}")]
    sdp = text_of(*HEAD, "a=group:BUNDLE " + " ".join(mids), *body)
    jingle = there(sdp, slots=slots)
    root = ET.fromstring(jingle)
    assert tuple(item.get("name") for item in root.findall(CONTENT)) == NAMES
    assert sections(jingle_to_sdp(jingle, role="initiator", slots=slots)) == sections(sdp)


@pytest.mark.parametrize("role", ROLES)
def test_both_sides_own_a_content_of_one_name(role: Role) -> None:
    slots = table_of(("initiator", "video"), ("responder", "video"))
    assert [slot.mid for slot in slots.slots] == ["video", "m1"]
    sdp = text_of(
        *(*HEAD, "a=group:BUNDLE video m1", *VIDEO[:2], "a=mid:video", "a=sendonly"),
        *(*VIDEO[:2], "a=mid:m1", "a=recvonly"),
    )
    jingle = there(sdp, role=role, slots=slots, action="content-modify")
    creators = [item.get("creator") for item in ET.fromstring(jingle).findall(CONTENT)]
    assert creators == ["initiator", "responder"]
    assert sections(jingle_to_sdp(jingle, role=role, slots=slots)) == sections(sdp)
    # the responder's is new to a table that has the initiator's alone
    first = SlotTable(slots.slots[:1])
    assert sections(jingle_to_sdp(jingle, role=role, slots=first)) == sections(sdp)


def test_a_content_is_added_beside_one_of_the_same_name() -> None:
    first = table_of(("initiator", "video"))
    added = text_of(*HEAD, *VIDEO[:2], "a=mid:video")
    text = there(added, role="responder", action="content-add")
    own = text.replace('creator="initiator"', 'creator="responder"')
    back = jingle_to_sdp(own, role="responder", slots=first)
    assert kinds(back) == [("m=video", True), ("m=video", False)]
    assert "a=mid:m1" in back


def test_without_a_table_contents_are_the_initiators_and_named_by_mid() -> None:
    for role in ROLES:
        root = ET.fromstring(there(OFFER, role=role))
        found = [(item.get("creator"), item.get("name")) for item in root.findall(CONTENT)]
        assert found == [("initiator", "0"), ("initiator", "1"), ("initiator", "2")]


def test_a_place_is_taken_by_a_new_content_under_a_new_mid() -> None:
    slots = slots_after(OFFER, role="initiator")
    rejected = OFFER.replace("m=video 9", "m=video 0")
    slots = slots_after(rejected, role="responder", slots=slots)
    again = OFFER.replace("a=mid:1", "a=mid:7").replace("BUNDLE 0 1 2", "BUNDLE 0 7 2")
    after = slots_after(again, role="responder", slots=slots)
    assert after.slots[1] == Slot(creator=Creator.RESPONDER, name="7", mid="7", media="video")
    jingle = there(again, role="responder", action="content-add", slots=slots)
    assert [item.get("creator") for item in ET.fromstring(jingle).findall(CONTENT)] == [
        "initiator",
        "responder",
        "initiator",
    ]
    assert sections(jingle_to_sdp(jingle, role="responder", slots=after)) == sections(again)


# ---- an accept with fewer contents ---------------------------------------------------------------


@pytest.mark.parametrize("missing", [("0",), ("1",), ("2",), ("0", "1"), ("0", "1", "2")])
def test_what_was_not_accepted_comes_back_with_port_0(missing: tuple[str, ...]) -> None:
    root = ET.fromstring(there(OFFER, role="responder", action="session-accept"))
    for item in root.findall(CONTENT):
        if item.get("name") in missing:
            root.remove(item)
    answer = jingle_to_sdp(ET.tostring(root, "unicode"), role="responder", offer=OFFER)
    mids = [line for line in answer.splitlines() if line.startswith("a=mid:")]
    assert mids == ["a=mid:0", "a=mid:1", "a=mid:2"]
    assert kinds(answer) == [
        ("m=audio", "0" in missing),
        ("m=video", "1" in missing),
        ("m=application", "2" in missing),
    ]


def test_rejected_and_bundle_only_are_two_things() -> None:
    sdp = text_of(
        *(*HEAD, "a=group:BUNDLE 0 1", *AUDIO, "m=video 0 UDP/TLS/RTP/SAVPF 96"),
        *("c=IN IP4 0.0.0.0", "a=mid:1", "a=bundle-only", "m=video 0 UDP/TLS/RTP/SAVPF 96"),
        *("c=IN IP4 0.0.0.0", "a=mid:2"),
    )
    jingle = there(sdp)
    assert [item.get("name") for item in ET.fromstring(jingle).findall(CONTENT)] == ["0", "1"]
    assert sections(jingle_to_sdp(jingle, role="initiator")) == sections(sdp)


# ---- errors --------------------------------------------------------------------------------------

ONE = text_of(*HEAD, *AUDIO)
TWO = text_of(*HEAD, *AUDIO, *VIDEO)
JINGLE = there(TWO)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"role": "caller"}, "role is initiator or responder, not 'caller'"),
        ({"action": "call"}, "<jingle action>: not one of"),
        ({"action": "session-terminate"}, "<jingle action>: session-terminate"),
        ({"action": "session-info"}, "<jingle action>: session-info"),
        ({"sid": ""}, "<jingle sid>"),
        ({"sid": "a b"}, "<jingle sid>: white space"),
        ({"sid": " a"}, "<jingle sid>"),
        ({"sid": "a\u00a0b"}, "<jingle sid>: white space"),
        ({"sid": "a\r\nb"}, "<jingle sid>: control"),
        ({"sid": "a\x00"}, "<jingle sid>: control"),
        ({"sid": "\ud800"}, "<jingle sid>: not Unicode"),
        ({"sid": "\ufffe"}, "<jingle sid>: not Unicode"),
        ({"sid": "x" * 257}, "<jingle sid>"),
        ({"initiator": "a@b/\udfff"}, "<jingle initiator>: not Unicode"),
        ({"responder": "a@b\n"}, "<jingle responder>: control"),
    ],
)
def test_a_wrong_argument_is_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(MalformedStanza) as caught:
        sdp_to_jingle(TWO, **{"role": "initiator", "sid": SID, **given})
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("sdp", "words"),
    [
        ("", "session: the description is empty"),
        ("hello", "session, line 1: "),
        ("\ud800", "session, line 1: "),
        (ONE.replace("s=-", "s=\ud800"), "session, line 3: "),
        (ONE.replace("m=audio 9", "m=audio x"), "section 0, line 5: not a media line"),
        (TWO.replace("a=mid:1", "mid 1"), "section 1, line 10: not of the form"),
        (TWO.replace("a=mid:1", "a=mid:1\ud800"), "section 1, line 10: a control"),
        (TWO.replace("a=mid:1", "a=x:\x00"), "section 1, line 10: a control"),
        (TWO.replace("a=mid:1", "a=mid:0"), "session: two sections have the same mid"),
        (ONE + "a=x\r\n" * 60_000, "session: longer than"),
        (ONE + "a=x\r\n" * 5_000, "section 0, line 4102: more than"),
        (text_of(*HEAD, *AUDIO * 65), "session, line 197: more than 64"),
        (ONE + "a=x-jingle:####\r\n", "section 0: a carried line"),
    ],
)
def test_a_wrong_description_names_section_and_line(sdp: str, words: str) -> None:
    with pytest.raises(SdpError) as caught:
        there(sdp)
    assert str(caught.value).startswith(words)


def many(line: str, count: int) -> str:
    return "".join(f"{line.format(number)}\r\n" for number in range(count))


@pytest.mark.parametrize(
    ("line", "most", "words"),
    [
        ("a=x:{}", 512, "section 0: more than 512 lines that no XEP can say"),
        ("a=ssrc:{} cname:x", 64, "<description> has more than 64 <source>"),
        ("a=ssrc:1 x-{}", 32, "<source> has more than 32 <parameter>"),
        ("a=ssrc-group:X {}", 32, "<description> has more than 32 <ssrc-group>"),
        ("a=extmap:1 urn:{}", 64, "<description> has more than 64 <rtp-hdrext>"),
        ("a=fmtp:111 x={}", 64, "<payload-type> has more than 64 <parameter>"),
        ("a=rtcp-fb:111 x {}", 32, "<payload-type> has more than 32 <rtcp-fb>"),
        ("a=rtcp-fb:* x {}", 32, "<description> has more than 32 <rtcp-fb>"),
        ("b=AS:{}", 8, "<description> has more than 8 <bandwidth>"),
        ("a=crypto:{} A b", 16, "<encryption> has more than 16 <crypto>"),
        ("a=candidate:1 1 udp 1 192.0.2.1 {} typ host", 512, "section 0: more than 512 lines"),
        ("a=candidate:1 1 udp 1 192.0.2.1 {} typ host generation 0", 2_000, "at most 262144"),
    ],
)
def test_no_more_is_said_than_is_read_again(line: str, most: int, words: str) -> None:
    text = ONE.replace("a=mid:0", "a=mid:0\r\n" + many(line, most).rstrip())
    if not words.startswith("at most"):
        assert jingle_to_sdp(there(text), role="initiator").count("\r\n") == text.count("\r\n")
    with pytest.raises(MalformedStanza, match=re.escape(words)):
        there(ONE + many(line, most + 1))


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (many("a=x:{}", 513), "session: more than 512 lines that no XEP can say"),
        (many("a=group:LS{} 0", 17), "<jingle> has more than 16 <group>"),
        ("a=group:LS " + " ".join(map(str, range(257))) + "\r\n", "<group> has more than 256"),
    ],
)
def test_no_more_is_said_of_the_session_than_is_read_again(head: str, words: str) -> None:
    with pytest.raises(MalformedStanza, match=re.escape(words)):
        there(ONE.replace("m=", head + "m="))


def test_a_mid_that_no_content_can_be_named_by_is_refused() -> None:
    assert there(ONE.replace("a=mid:0", "a=mid:" + "x" * 256))
    with pytest.raises(MalformedStanza, match="<content name>"):
        there(ONE.replace("a=mid:0", "a=mid:" + "x" * 257))


@pytest.mark.parametrize("carry", [False, True])
@pytest.mark.parametrize(
    ("jingle", "words"),
    [
        ("", "not well-formed"),
        ("<jingle", "not well-formed"),
        ("<a:jingle/>", "not well-formed"),
        ("\ud800", "<jingle>: not Unicode"),
        (JINGLE.replace("audio", "au\ud800dio"), "<jingle>: not Unicode"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]>" + JINGLE, "document types"),
        ("<!-- -->" + JINGLE, "comments"),
        (JINGLE.replace("</jingle>", "&b;</jingle>"), "not well-formed"),
        (JINGLE.replace('"audio"', '"au&#0;dio"'), "not well-formed"),
        ("x" * (convert.MAX_XML + 1), "at most 262144 characters"),
        ("<a>" * 65 + "</a>" * 65, "at most 64 levels"),
        ("<jingle/>", "expected <jingle>"),
        ("<iq xmlns='jabber:client'>" + JINGLE + "</iq>", "expected <jingle>, found <iq>"),
        (JINGLE.replace('action="session-initiate"', ""), "<jingle> has no attribute 'action'"),
        (JINGLE.replace('id="111"', 'id="128"'), "<payload-type id>: larger than 127: '128'"),
        (JINGLE.replace('media="audio"', 'media="a b"'), "<description media>"),
        (JINGLE.replace('name="1"', 'name="0"'), "'0'"),
        (JINGLE.replace('creator="initiator"', 'creator="me"'), "<content creator>"),
    ],
)
def test_a_wrong_element_is_named(jingle: str, words: str, carry: bool) -> None:
    with pytest.raises(MalformedStanza) as caught:
        jingle_to_sdp(jingle, role="initiator", carry=carry)
    assert words in str(caught.value)


def test_the_encoding_of_a_text_is_no_matter() -> None:
    plain = jingle_to_sdp(JINGLE, role="initiator")
    for encoding in ("utf-8", "iso-8859-1", "utf-16", "nonsense"):
        declared = f"<?xml version='1.0' encoding='{encoding}'?>\n{JINGLE}\n"
        assert jingle_to_sdp(declared, role="initiator") == plain
    named = JINGLE.replace('media="audio"', 'media="audio" odd="\u00fc"')
    latin = f"<?xml version='1.0' encoding='iso-8859-1'?>{named}"
    sdp = jingle_to_sdp(latin, role="initiator", carry=True)
    assert "\u00fc" in there(sdp)


def test_text_may_stand_in_a_cdata_section() -> None:
    xml = JINGLE.replace("</jingle>", "<odd><![CDATA[a&b]]></odd></jingle>")
    assert "a&amp;b</odd>" in there(jingle_to_sdp(xml, role="initiator", carry=True))


def slot(name: str, mid: str, creator: Creator = Creator.INITIATOR) -> Slot:
    return Slot(creator=creator, name=name, mid=mid)


@pytest.mark.parametrize(
    ("slots", "words"),
    [
        ((slot("0", "0"), slot("0", "1")), "two slots"),
        ((slot("0", "0"), slot("1", "0")), "two slots"),
        ((slot("", "0"), slot("1", "1")), "<content name>"),
        ((slot("a\r\nb", "0"), slot("1", "1")), "<content name>"),
        ((slot("\ud800", "0"), slot("1", "1")), "content name: not Unicode"),
        ((slot("0", "0"), slot("1", "1"), slot("2", "2")), "3 sections are known"),
    ],
)
def test_a_wrong_table_is_refused(slots: tuple[Slot, ...], words: str) -> None:
    for call in (
        lambda: there(TWO, slots=SlotTable(slots)),
        lambda: slots_after(TWO, role="initiator", slots=SlotTable(slots)),
    ):
        with pytest.raises(MalformedStanza, match=words):
            call()


@pytest.mark.parametrize("carry", [False, True])
@pytest.mark.parametrize(
    "slots", [(), (slot("0", "0"),), (slot("0", "0"), slot("1", "x")), (slot("0", "a b"),)]
)
def test_the_table_of_another_offer_is_refused(slots: tuple[Slot, ...], carry: bool) -> None:
    with pytest.raises(MalformedStanza):
        jingle_to_sdp(JINGLE, role="responder", offer=TWO, slots=SlotTable(slots), carry=carry)
    with pytest.raises(MalformedStanza, match="not offered"):
        jingle_to_sdp(JINGLE, role="responder", offer=ONE, carry=carry)


@pytest.mark.parametrize("mid", ["a b", "a\r\na=evil:1", ""])
def test_a_mid_of_the_table_makes_no_line(mid: str) -> None:
    with pytest.raises(SdpError, match="section 0"):
        jingle_to_sdp(JINGLE, role="initiator", slots=SlotTable((slot("0", mid),)))


def test_an_offer_of_nothing_known_is_refused_unless_it_is_carried() -> None:
    text = (
        f"<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='{SID}'>"
        "<content creator='initiator' name='f'><description xmlns='urn:files'/>"
        "<transport xmlns='urn:t'/></content></jingle>"
    )
    with pytest.raises(CallError, match="'f'"):
        jingle_to_sdp(text, role="initiator")
    with pytest.raises(CallError, match="'f'"):
        explain(text)
    assert "urn:files" in there(jingle_to_sdp(text, role="initiator", carry=True))


def test_every_error_is_the_projects_own() -> None:
    for path in SDP_FILES[::20]:
        jingle = there(read(path))
        for end in range(0, len(jingle), max(1, len(jingle) // 20)):
            with pytest.raises(JinglebridgeError):
                jingle_to_sdp(jingle[:end], role="initiator")


# ---- explain -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SDP_FILES[::25], ids=name_of)
def test_explain_says_the_same_of_both_forms(path: Path) -> None:
    sdp = read(path)
    rows = explain(sdp)
    assert explain(jingle_to_sdp(there(sdp), role="initiator")) == rows
    assert explain("\n " + there(sdp)) == rows
    lines = Counter(row.line for row in rows)
    assert sum(sections("".join(f"{line}\n" for line in lines.elements())), Counter()) == sum(
        sections(sdp), Counter()
    )
