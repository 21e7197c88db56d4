"""Offers within a session: the table says which content is which section."""

from dataclasses import replace

import pytest

from jinglebridge.errors import SdpError, UnsupportedApplications
from jinglebridge.protocol.jingle.residue import RejectedSection, Residue
from jinglebridge.protocol.jingle.xep_0166 import Action, Creator, Jingle
from jinglebridge.protocol.mapping.descriptions import answer_of, offer_of
from jinglebridge.protocol.mapping.slots import slots_of
from jinglebridge.protocol.sdp.text import dumps
from tests.protocol.helpers import AUDIO, DATA, HEAD, VIDEO, offered, say, sections

INITIATOR, RESPONDER = Creator.INITIATOR, Creator.RESPONDER
THREE = offered(*HEAD, *AUDIO, *VIDEO, *DATA)
SLOTS = slots_of(THREE, INITIATOR)


def ports(jingle: Jingle, writer: Creator = INITIATOR) -> list[tuple[str, str, int]]:
    offer, slots = offer_of(jingle, writer=writer, slots=SLOTS)
    assert [slot.mid for slot in slots.slots] == [section.mid for section in offer.media]
    return [(section.mid, section.media, section.port) for section in offer.media]


def without(jingle: Jingle, *names: str) -> Jingle:
    return replace(
        jingle, contents=tuple(item for item in jingle.contents if item.name not in names)
    )


def test_contents_keep_their_places() -> None:
    jingle = say(THREE)
    shuffled = replace(jingle, contents=jingle.contents[::-1])
    assert (
        ports(shuffled)
        == ports(jingle)
        == [
            ("0", "audio", 9),
            ("1", "video", 9),
            ("2", "application", 9),
        ]
    )


def test_what_is_missing_comes_back_rejected_in_its_place() -> None:
    found = ports(without(say(THREE), "1", "2"))
    assert [port for _, _, port in found] == [9, 0, 0]
    offer, _ = offer_of(without(say(THREE), "0", "2"), writer=INITIATOR, slots=SLOTS)
    lines = [line for line in dumps(offer).split("\r\n") if line.startswith("m=")]
    assert lines == [
        "m=audio 0 UDP/TLS/RTP/SAVPF 0",
        VIDEO[0],
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
    ]


def test_new_contents_follow_and_are_the_writers() -> None:
    added = say(offered(*HEAD, *VIDEO[:2], "a=mid:more"), slots=None)
    jingle = replace(say(THREE), contents=(*added.contents, *say(THREE).contents))
    offer, slots = offer_of(jingle, writer=INITIATOR, slots=SLOTS)
    assert [section.mid for section in offer.media] == ["0", "1", "2", "more"]
    assert slots.slots[:3] == SLOTS.slots


def test_a_content_of_the_same_name_is_added_beside() -> None:
    (video,) = say(offered(*HEAD, *VIDEO)).contents
    added = replace(
        say(THREE), action=Action.CONTENT_ADD, contents=(replace(video, creator=RESPONDER),)
    )
    offer, slots = offer_of(added, writer=RESPONDER, slots=SLOTS)
    assert [(item.mid, item.port) for item in offer.media][3] == ("m3", 9)
    assert slots.slots[3].creator is RESPONDER


def test_a_known_content_that_cannot_be_taken_ends_it() -> None:
    audio = say(THREE).contents[0]
    with pytest.raises(UnsupportedApplications):
        ports(replace(say(THREE), contents=(replace(audio, description=None),)))


def kept(index: int, *lines: str) -> Residue:
    return Residue(sections=(RejectedSection(index=index, text="\n".join(lines)),))


def test_the_lines_of_a_rejected_section_come_back_in_its_place() -> None:
    jingle = replace(
        without(say(THREE), "1"),
        residue=kept(1, "m=video 0 UDP/TLS/RTP/SAVPF 96", "a=mid:1", "a=x:1"),
    )
    offer, _ = offer_of(jingle, writer=INITIATOR, slots=SLOTS)
    assert sections(dumps(offer))[2]["a=x:1"] == 1


@pytest.mark.parametrize(("index", "mid"), [(0, "0"), (1, "0"), (2, "1"), (3, "2")])
def test_a_rejected_section_takes_nobodys_mid(index: int, mid: str) -> None:
    residue = kept(index, "m=audio 0 RTP/AVP 0", f"a=mid:{mid}")
    for slots in (None, SLOTS):
        offer, after = offer_of(replace(say(THREE), residue=residue), writer=INITIATOR, slots=slots)
        assert [section.mid for section in offer.media] == ["0", "1", "2"]
        assert after.slots == SLOTS.slots


def test_an_answer_needs_the_table_of_its_offer() -> None:
    jingle = say(THREE, writer=RESPONDER)
    other = slots_of(THREE.with_media(THREE.media[:2]), INITIATOR)
    with pytest.raises(SdpError, match="table"):
        answer_of(jingle, writer=RESPONDER, offer=THREE, slots=other)
    answer = answer_of(jingle, writer=RESPONDER, offer=THREE, slots=SLOTS)
    assert len(answer.media) == 3
