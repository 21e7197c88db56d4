from pathlib import Path

import pytest

from jinglebridge.protocol.jingle.xep_0166 import Creator
from jinglebridge.protocol.mapping.explain import (
    CARRIERS,
    IMPLIED,
    RESIDUE,
    XML,
    Carried,
    explained,
)
from jinglebridge.protocol.mapping.slots import slots_of
from jinglebridge.protocol.sdp.text import dumps, loads_offer
from tests.protocol.helpers import AUDIO, HEAD, SDP_FILES, name_of, offered, read


def rows(*lines: str) -> list[Carried]:
    offer = offered(*HEAD, *lines)
    return explained(offer, writer=Creator.INITIATOR, slots=slots_of(offer, Creator.INITIATOR))


def carriers(*lines: str) -> dict[str, str]:
    return {row.line: f"{row.carrier} {row.element}".strip() for row in rows(*lines)}


def test_each_line_has_its_carrier() -> None:
    found = carriers(
        "a=group:BUNDLE 0",
        "a=msid-semantic: WMS",
        *AUDIO,
        "a=sendonly",
        "a=ice-ufrag:abcd",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 a=b;c",
        "a=msid:- track",
        "b=AS:30",
        "a=rtcp-fb:111 nack",
    )
    assert found == {
        "v=0": "implied",
        "o=- 1 2 IN IP4 127.0.0.1": "residue",
        "s=-": "implied",
        "t=0 0": "implied",
        "a=group:BUNDLE 0": "XEP-0338 §3 group",
        "a=msid-semantic: WMS": "residue",
        AUDIO[0]: "XEP-0167 §4 description, payload-type",
        "c=IN IP4 0.0.0.0": "implied",
        "a=mid:0": "XEP-0338 §3 content name",
        "a=sendonly": "XEP-0166 §7.3 content senders",
        "a=ice-ufrag:abcd": "XEP-0176 §5 transport ufrag",
        "a=rtpmap:111 opus/48000/2": "XEP-0167 §4 payload-type",
        "a=fmtp:111 a=b;c": "XEP-0167 §4 payload-type/parameter",
        "a=rtcp-fb:111 nack": "XEP-0293 §3 rtcp-fb, rtcp-fb-trr-int",
        "a=msid:- track": "residue",
        "b=AS:30": "XEP-0167 §6 bandwidth",
    }


def test_a_rejected_section_is_kept_whole_by_the_residue() -> None:
    found = rows("m=audio 0 UDP/TLS/RTP/SAVPF 111", "a=mid:0", "a=rtpmap:111 opus/48000/2")
    assert {row.carrier for row in found if row.section == 0} == {RESIDUE}


def test_a_line_that_stands_twice_is_carried_once_by_a_standard_element() -> None:
    found = [row.carrier for row in rows(*AUDIO, "a=ptime:20", "a=ptime:20") if "ptime" in row.line]
    assert found == ["XEP-0167 §4", RESIDUE]


def test_a_port_and_a_protocol_are_the_residues() -> None:
    assert carriers("m=audio 54400 RTP/AVP 0", "a=mid:0")["m=audio 54400 RTP/AVP 0"] == RESIDUE


def test_carried_xml_becomes_xml_again() -> None:
    line = "a=x-jingle:PGEvPg=="
    found = [row for row in rows(line, *AUDIO, line) if row.line == line]
    assert [(row.section, row.carrier) for row in found] == [(None, XML), (0, XML)]


@pytest.mark.parametrize("path", SDP_FILES[::9], ids=name_of)
def test_every_line_has_a_row_in_its_place(path: Path) -> None:
    offer = loads_offer(read(path))
    slots = slots_of(offer, Creator.INITIATOR)
    found = explained(offer, writer=Creator.INITIATOR, slots=slots)
    assert "".join(f"{row.line}\r\n" for row in found) == dumps(offer)
    known = {carrier for carrier, _ in CARRIERS.values()} | {RESIDUE, IMPLIED}
    assert {row.carrier for row in found} <= known
    # what is implied is the same in every description
    fixed = ("v=0", "s=-", "t=0 0", "c=IN IP4 0.0.0.0", "o=- 0 0 IN IP4 127.0.0.1")
    assert all(row.line in fixed for row in found if row.carrier == IMPLIED)
