from dataclasses import replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from jinglebridge.errors import SdpError
from jinglebridge.protocol.jingle.residue import Residue, residue_of
from jinglebridge.protocol.jingle.xep_0166 import Creator, Jingle
from jinglebridge.protocol.mapping.descriptions import offer_of
from jinglebridge.protocol.mapping.residue import (
    apply_residue,
    residue_lines,
)
from jinglebridge.protocol.sdp.description import MediaDescription
from jinglebridge.protocol.sdp.text import dumps, loads_offer, loads_section
from jinglebridge.protocol.sdp.writer import write_section
from tests.protocol.helpers import (
    AUDIO,
    DATA,
    HEAD,
    SDP_FILES,
    offered,
    read,
    say,
    sections,
    unwire,
    wire,
)

RESIDUE = "{urn:jinglebridge:sdp:0}residue"


def written(section: MediaDescription, *lines: str) -> list[str]:
    return list(write_section(apply_residue(section, residue_of(lines))))


def audio(*lines: str) -> MediaDescription:
    return loads_section((*AUDIO, "a=rtpmap:111 opus/48000/2", *lines))


def test_a_usual_section_has_no_residue() -> None:
    assert residue_lines(audio()) == ()
    assert residue_lines(loads_section(DATA)) == ()
    section = audio()
    assert apply_residue(section, None) is section


@pytest.mark.parametrize(
    ("lines", "residue"),
    [
        (("m=audio 54400 RTP/AVP 0",), ("m=audio 54400 RTP/AVP 0",)),
        (("m=application 9 UDP/DTLS/SCTP 5000",), ("m=application 9 UDP/DTLS/SCTP 5000",)),
        (("m=image 9 udptl t38",), ("m=image 9 udptl t38",)),
        ((*AUDIO, "a=rtpmap:111 opus/48000/2", "a=fmtp:111 a=1; b=2"), ("a=fmtp:111 a=1; b=2",)),
        ((*AUDIO, "a=fmtp:111 a=1", "a=rtcp-fb:111 nack"), ()),
        ((*AUDIO, "a=rtcp-rsize", "a=msid:- x"), ("a=rtcp-rsize", "a=msid:- x")),
        ((*AUDIO, "a=extmap:1/inactive urn:x"), ("a=extmap:1/inactive urn:x",)),
        ((*AUDIO, "a=extmap:1/sendonly urn:x a=b c"), ()),
        ((*DATA, "b=AS:30", "a=sctp-port:5000"), ("b=AS:30",)),
        ((*AUDIO, "a=sctp-port:5000"), ("a=sctp-port:5000",)),
        ((*AUDIO, "c=IN IP4 192.0.2.1"), ("c=IN IP4 0.0.0.0", "c=IN IP4 192.0.2.1")),
    ],
)
def test_the_residue_holds_what_nothing_else_says(
    lines: tuple[str, ...], residue: tuple[str, ...]
) -> None:
    section = loads_section(lines if len(lines) > 1 else (*lines, "c=IN IP4 0.0.0.0"))
    assert residue_lines(section) == residue


KEYS = (
    *("a=ice-ufrag:abcd", "a=ice-pwd:" + "a" * 24),
    *("a=fingerprint:sha-256 AB:CD", "a=setup:active"),
)
OVERRIDES = [
    "a=mid:evil",
    "a=mid:0",
    "a=sendonly",
    "a=inactive",
    "a=ice-ufrag:evil",
    "a=ice-pwd:" + "e" * 24,
    "a=fingerprint:sha-256 EE:EE",
    "a=setup:passive",
    "a=rtpmap:111 evil/8000",
    "a=rtpmap:0 evil/8000",
    "a=fmtp:111 evil=1",
    "a=rtcp-fb:111 evil",
    "a=rtcp-fb:* evil",
    "a=ptime:1",
    "a=maxptime:1",
    "a=extmap:9 urn:evil",
    "a=extmap-allow-mixed",
    "a=rtcp-mux",
    "a=ssrc:1 cname:evil",
    "a=ssrc-group:FID 1 2",
    "a=candidate:1 1 udp 1 192.0.2.66 9 typ host",
    "a=end-of-candidates",
    "b=AS:1",
    "m=video 9 UDP/TLS/RTP/SAVPF 96",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    "m=audio 0 UDP/TLS/RTP/SAVPF 111 0",
    "m=x",
    # not of their form, but some reader's
    "a=ice-ufrag:evil-1",
    "a=ice-pwd:" + "e" * 23 + "=",
    "a=fingerprint:sha-256  EE:EE",
    "a=setup:PASSIVE",
    "a=rtpmap:111 evil/8000/1/1",
    "a=rtpmap:0111 evil/8000",
    "a=fmtp:111  evil=1",
    "a=fmtp:0111 evil=1",
]


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("line", OVERRIDES)
def test_no_line_says_what_standard_elements_say(line: str, times: int) -> None:
    section = audio("a=sendrecv", *KEYS, "a=fmtp:111 minptime=10")
    assert written(section, *[line] * times) == list(write_section(section))


@pytest.mark.parametrize(
    "line",
    [
        *("a=ice-ufrag:a-bcd", "a=fingerprint:sha-256  EE:EE", "a=setup:x", "a=ptime:x"),
        *("a=ssrc:x", "a=fmtp:111", "a=rtpmap:0 x", "a=rtcp-fb:111"),
    ],
)
def test_a_line_that_is_not_of_its_form_is_kept_as_it_stands(line: str) -> None:
    full = audio("a=ptime:20")
    assert written(full, line) == [*write_section(full), line]


def test_a_codec_that_is_not_offered_may_have_feedback() -> None:
    lines = ("a=rtcp-fb:120 nack", "a=rtpmap:120 VP8/90000")
    assert set(written(audio(), *lines)) >= set(lines)


@pytest.mark.parametrize(
    "line", ["v=0", "o=- 1 2 IN IP4 x", "s=x", "t=0 0", "hello", "a=x\ry", "a=x\u2028y", "=", "1=x"]
)
def test_lines_of_the_session_and_nonsense_are_refused(line: str) -> None:
    with pytest.raises(SdpError):
        apply_residue(audio(), Residue(text=line))


def test_the_number_of_lines_is_bounded() -> None:
    assert len(written(audio(), *["a=x"] * 512)) == 512 + len(list(write_section(audio())))
    with pytest.raises(SdpError, match="at most 512"):
        apply_residue(audio(), Residue(text="a=x\n" * 513))


def test_the_media_line_follows_the_standard_elements() -> None:
    section = audio()
    changed = replace(section, media="video", payload_types=section.payload_types[:1])
    assert written(changed, "m=audio 54400 RTP/AVP 111 0")[0] == "m=video 54400 RTP/AVP 111"
    assert written(changed, "m=audio x")[0].startswith("m=video 9 ")
    empty = replace(section, payload_types=())
    assert written(empty, "m=audio 1 RTP/AVP 111")[0] == "m=audio 1 RTP/AVP 0"


def test_a_bundle_only_section_keeps_its_port() -> None:
    assert written(audio(), "m=audio 0 UDP/TLS/RTP/SAVPF 111 0", "a=bundle-only")[0].startswith(
        "m=audio 0 "
    )


def test_the_exact_form_of_an_extension_holds_while_both_agree() -> None:
    said = "a=extmap:1/inactive urn:x a=b  c"
    section = audio("a=extmap:1 urn:x a=b c", "a=extmap:2/sendonly urn:y")
    assert said in written(section, said)
    for standard in ("1/sendonly urn:x a=b c", "1 urn:x a=b d", "1 urn:z a=b c", "2 urn:x a=b c"):
        assert said not in written(audio(f"a=extmap:{standard}"), said)
    plain = "a=extmap:1/sendonly urn:x a=b c"
    assert plain not in written(section, plain)
    spaced = "a=extmap:2/sendonly urn:y  "
    assert spaced.rstrip() in written(section, spaced)


def edits(root: ET.Element) -> list[tuple[str, str, str]]:
    """Values of standard elements that SDP shows as they stand."""
    shown = [
        (".//{*}payload-type", "clockrate", "12345"),
        (".//{*}payload-type", "name", "EDITED"),
        (".//{*}parameter", "value", "edited"),
        (".//{*}rtcp-fb", "type", "edited"),
        (".//{*}rtp-hdrext", "uri", "urn:edited"),
        (".//{*}transport", "ufrag", "edited"),
        (".//{*}transport", "pwd", "edited" * 4),
        (".//{*}fingerprint", "hash", "edited"),
        (".//{*}candidate", "ip", "edited.local"),
        (".//{*}candidate", "priority", "77777"),
        (".//{*}sctpmap", "number", "4444"),
        (".//{*}source", "ssrc", "424242"),
    ]
    return [item for item in shown if root.find(item[0]) is not None]


WITH_ALL = [path for path in SDP_FILES if "offer" in path.name and loads_offer(read(path)).media]


@pytest.mark.parametrize("path", WITH_ALL[::6], ids=lambda path: path.name)
def test_standard_elements_win_whatever_the_residue_says(path: Path) -> None:
    offer = loads_offer(read(path))
    alive = tuple(item for item in offer.media if not item.is_rejected)
    text = wire(say(offer.with_media(alive)))
    for where, attribute, value in edits(ET.fromstring(text)):
        root = ET.fromstring(text)
        found = [item for item in root.iterfind(where) if attribute in item.attrib]
        groups = {item for group in root.iterfind(".//{*}ssrc-group") for item in group}
        found = [item for item in found if item not in groups]
        old = {item.attrib[attribute] for item in found}
        for item in found:
            item.set(attribute, value)
        assert_follows(unwire(ET.tostring(root, encoding="unicode")), value, old, where, attribute)


def assert_follows(jingle: Jingle, value: str, old: set[str], where: str, attribute: str) -> None:
    again, _ = offer_of(jingle, writer=Creator.INITIATOR)
    sdp = dumps(again)
    assert value in sdp, f"{where}@{attribute} has no effect"
    if attribute in ("ufrag", "pwd", "ip"):
        lines = [line for line in sdp.split("\r\n") if line.startswith(("a=ice-", "a=candidate"))]
        words = {
            word.removeprefix("ufrag ")
            for line in lines
            for word in line.replace(":", " ", 1).split(" ")[:6]
        }
        assert not old & words


@cache
def said(path: Path) -> str:
    """A vector as a request."""
    return wire(say(loads_offer(read(path))))


def test_every_residue_removed_leaves_a_description_that_works() -> None:
    for path in WITH_ALL:
        root = ET.fromstring(said(path))
        for parent in (root, *root):
            for item in parent.findall(RESIDUE):
                parent.remove(item)
        jingle = unwire(ET.tostring(root, encoding="unicode"))
        if not jingle.contents:
            continue
        offer, _ = offer_of(jingle, writer=Creator.INITIATOR)
        assert loads_offer(dumps(offer)) == offer


def test_white_space_of_pretty_printers_does_not_matter() -> None:
    residue = Residue(text="\n   a=x\r\n\n\t a=y \n")
    assert residue.lines == ("a=x", "a=y")
    assert Residue(text="a=x:\u00a0").lines == ("a=x:\u00a0",)
    assert residue_of(()) is None


def test_a_session_level_value_stays_there() -> None:
    offer = offered(*HEAD, "a=ice-options:trickle", *AUDIO, "a=ice-options:ice2")
    assert [part["a=ice-options:trickle"] for part in sections(dumps(offer))] == [1, 0]
