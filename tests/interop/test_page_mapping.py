"""The page's mapping and the bridge's understand each other, residue included."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from jinglebridge.protocol.jingle.xep_0166 import Action, Content, Creator, Jingle
from jinglebridge.protocol.mapping.descriptions import answer_of, mapped, offer_of
from jinglebridge.protocol.mapping.slots import slots_of
from jinglebridge.protocol.sdp.description import Offer, SessionDescription, TrickledCandidates
from jinglebridge.protocol.sdp.lines import build_candidate, parse_candidate
from jinglebridge.protocol.sdp.text import dumps, loads_answer, loads_offer
from jinglebridge.protocol.session.events import CandidatesReceived, Event
from jinglebridge.protocol.session.habits import Habits
from jinglebridge.protocol.session.session import JingleSession
from jinglebridge.protocol.xml import build, parse

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "vectors"
Mapper = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def page() -> Iterator[Mapper]:
    """The page's mapping, in Node."""
    node = Path(sys.executable).parent / "node"
    program = ROOT / "web" / "tests" / "interop" / "mapper.ts"
    command = [str(node), "--experimental-transform-types", "--no-warnings", str(program)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT / "web"
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(**request: str | None) -> dict[str, Any]:
            assert process.stdin is not None
            assert process.stdout is not None
            said = {name: value for name, value in request.items() if value is not None}
            process.stdin.write(json.dumps(said) + "\n")
            process.stdin.flush()
            answer: dict[str, Any] = json.loads(process.stdout.readline())
            assert "error" not in answer, answer
            return answer

        yield ask
        process.stdin.close()
        process.wait(timeout=10)


def sections(sdp: str) -> list[Counter[str]]:
    """The lines of the session and of each section, in any order."""
    found: list[list[str]] = [[]]
    for raw in sdp.replace("\r\n", "\n").split("\n"):
        line = raw.rstrip()
        if line.startswith("m="):
            found.append([])
        if line:
            found[-1].append(line)
    return [Counter(lines) for lines in found]


def assert_same(sdp: str, wanted: SessionDescription, text: str) -> None:
    """Everything but the sections that Jingle has no content for, which come back rejected."""
    for index, (found, lines) in enumerate(zip(sections(sdp), sections(text), strict=True)):
        if index > 0 and (section := wanted.media[index - 1]).is_rejected:
            assert any(line.startswith(f"m={section.media} 0 ") for line in found)
            assert f"a=mid:{section.mid}" in found
        else:
            assert found == lines


def to_xml(jingle: Jingle) -> str:
    return ElementTree.tostring(build(jingle), "unicode")


def from_xml(text: str) -> Jingle:
    return parse(Jingle, ElementTree.fromstring(text))


def described(sdp: str, writer: Creator) -> str:
    """What the bridge says of a description."""
    description = loads_offer(sdp)
    slots = slots_of(description, Creator.INITIATOR)
    parts = mapped(description, writer=writer, slots=slots)
    return to_xml(
        Jingle(
            action=Action.SESSION_INITIATE,
            sid="s1",
            groups=parts.groups,
            contents=parts.contents,
            residue=parts.residue,
        )
    )


# ---- every description by itself ---------------------------------------------------------------


def described_files() -> Iterator[tuple[Path, Creator]]:
    """All descriptions that we have, each with the role of its writer."""
    for path in sorted((VECTORS / "browsers").glob("*/*.sdp")):
        yield path, Creator.INITIATOR if "-A-" in path.name else Creator.RESPONDER
    for path in sorted((VECTORS / "aiortc").glob("*.sdp")):
        yield path, Creator.INITIATOR if "offer" in path.name else Creator.RESPONDER
    for path in sorted((VECTORS / "probes").glob("*.sdp")):
        yield path, Creator.INITIATOR


DESCRIPTIONS = [
    pytest.param(path, writer, id=f"{path.parent.name}/{path.stem}")
    for path, writer in described_files()
]


def test_all_descriptions_are_here() -> None:
    assert len(DESCRIPTIONS) == 427


@pytest.mark.parametrize(("path", "writer"), DESCRIPTIONS)
def test_what_the_page_describes_reaches_the_bridge_whole(
    page: Mapper, path: Path, writer: Creator
) -> None:
    sdp = path.read_text()
    jingle = from_xml(page(sdp=sdp, writer=writer.value)["jingle"])
    wanted = loads_offer(sdp)
    found: SessionDescription
    if any(section.is_rejected for section in wanted.media):
        slots = slots_of(wanted, Creator.INITIATOR)
        found = answer_of(jingle, writer=writer, offer=wanted, slots=slots)
    else:
        found, _ = offer_of(jingle, writer=writer)
    assert_same(dumps(found), wanted, sdp)


@pytest.mark.parametrize(("path", "writer"), DESCRIPTIONS)
def test_what_the_bridge_describes_reaches_the_page_whole(
    page: Mapper, path: Path, writer: Creator
) -> None:
    sdp = path.read_text()
    wanted = loads_offer(sdp)
    is_rejecting = any(section.is_rejected for section in wanted.media)
    read = page(
        jingle=described(sdp, writer), writer=writer.value, offer=sdp if is_rejecting else None
    )
    assert_same(read["sdp"], wanted, sdp)


# ---- what no vector has ------------------------------------------------------------------------

SESSION = ("v=0", "o=- 7 3 IN IP4 127.0.0.1", "s=-", "t=0 0")
AUDIO = ("m=audio 9 UDP/TLS/RTP/SAVPF 0 111", "c=IN IP4 0.0.0.0", "a=mid:a")
VIDEO = ("m=video 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=mid:v", "a=rtpmap:96 VP8/90000")
DATA = ("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=mid:d")
KEYS = ("a=fingerprint:sha-256 " + ":".join(["AB"] * 32), "a=setup:actpass")
OTHER_KEYS = ("a=fingerprint:sha-256 " + ":".join(["CD"] * 32), "a=setup:active")
ICE = ("a=ice-ufrag:F7gI", "a=ice-pwd:x9cmlYzichV2xlhiMu8gKqJh")
HOST = "a=candidate:1 1 udp 2122260223 192.0.2.7 55093 typ host"
SDES = "AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1c|2^20"

CRAFTED = {
    "all-at-session-level": (*SESSION, *ICE, *KEYS, "a=recvonly", *AUDIO, *VIDEO, *DATA),
    "at-both-levels": (*SESSION, *ICE, *KEYS, "a=sendonly", *AUDIO, *KEYS, *VIDEO, "a=sendonly"),
    "first-section-differs": (*SESSION, *ICE, *KEYS, *AUDIO, *OTHER_KEYS, *VIDEO),
    "later-section-differs": (*SESSION, *KEYS, "a=sendonly", *AUDIO, *VIDEO, "a=inactive"),
    "one-of-two-fingerprints": (*SESSION, *KEYS, *AUDIO, KEYS[0], OTHER_KEYS[0], *VIDEO),
    "extmap-allow-mixed-at-both": (*(*SESSION, "a=extmap-allow-mixed", *AUDIO, *VIDEO, *DATA),),
    "no-direction": (*SESSION, *AUDIO, *VIDEO, *DATA, "a=sendrecv"),
    "setup-alone": (*SESSION, *AUDIO, "a=setup:active"),
    "same-candidate-twice": (
        *(*SESSION, *AUDIO, f"{HOST} generation 0", f"{HOST} network-cost 5", HOST),
        *(f"{HOST} generation 0 network-id 1", f"{HOST} generation 0 network-id 2"),
    ),
    "candidates-of-another-form": (
        *(*SESSION, *AUDIO, f"{HOST} tcptype active tcptype passive", f"{HOST} generation 00"),
        *(f"{HOST} generation 0 raddr 192.0.2.1 rport 1", f"{HOST} rport 07", f"{HOST} tcptype x"),
        *(HOST.replace("typ host", "typ odd"), HOST.replace(" 1 udp", " 300 udp")),
    ),
    "sdes-and-categories": (
        *(*SESSION, *VIDEO, "a=content:slides,alt", f"a=crypto:1 {SDES}"),
        *(f"a=crypto:2 {SDES}|1:32 KDR=1 UNENCRYPTED_SRTCP", "a=content-x:y"),
    ),
    "not-of-their-form": (
        *(*SESSION, *VIDEO, "a=content:a,,b", "a=crypto:1 only", "a=remote-candidates:1 x"),
        *("a=extmap:2 urn:x  two  spaces", "a=rtpmap:97 a b/90000"),
        *("a=fmtp:96 a=1;;b=2; c", "a=rtcp-fb:97 nack"),
    ),
    "chosen-candidates": (
        *(*SESSION, *AUDIO, "a=remote-candidates:1 203.0.113.5 40000 2 2001:db8::5 40001"),
    ),
    "sources": (*SESSION, *VIDEO, "a=ssrc:1 cname:", "a=ssrc:1 flag", "a=ssrc:2 msid:- t:t"),
    "standard-attributes-of-data": (
        *(*SESSION, *DATA, "a=content:slides", "a=rtcp-mux", "a=sctp-port:5000", "a=ptime:20"),
    ),
}
SAID = [pytest.param("\n".join(lines) + "\n", id=name) for name, lines in CRAFTED.items()]


@pytest.mark.parametrize("sdp", SAID)
def test_crafted_descriptions_pass_both_ways(page: Mapper, sdp: str) -> None:
    for writer in Creator:
        jingle = from_xml(page(sdp=sdp, writer=writer.value)["jingle"])
        assert sections(dumps(offer_of(jingle, writer=writer)[0])) == sections(sdp)
        read = page(jingle=described(sdp, writer), writer=writer.value)
        assert sections(read["sdp"]) == sections(sdp)


@pytest.mark.parametrize("sdp", SAID)
def test_both_name_candidates_and_levels_alike(page: Mapper, sdp: str) -> None:
    ours = from_xml(described(sdp, Creator.INITIATOR))
    theirs = from_xml(page(sdp=sdp, writer="initiator")["jingle"])
    assert own_lines(ours) == own_lines(theirs)
    for one, other in zip(ours.contents, theirs.contents, strict=True):
        assert own_lines(one) == own_lines(other)
        assert one.transport is not None
        assert other.transport is not None
        assert [item.id for item in one.transport.candidates] == [
            item.id for item in other.transport.candidates
        ]


def own_lines(part: Jingle | Content) -> list[str]:
    lines = part.residue.lines if part.residue else ()
    return sorted(line for line in lines if line.startswith("~"))


# ---- offers with their answers -----------------------------------------------------------------


def calls() -> Iterator[tuple[str, Path, Path]]:
    """First offers of the browsers and their answers."""
    for browser in ("chromium-156", "firefox-153"):
        folder = VECTORS / "browsers" / browser
        for offer in sorted(folder.glob("*--01-A-offer-*.sdp")):
            answer = next(iter(folder.glob(f"{offer.name.split('--')[0]}--02-B-answer-*.sdp")))
            if "m=" in offer.read_text():
                yield f"{browser}/{offer.stem.split('--')[0]}", offer, answer


CALLS = [pytest.param(offer, answer, id=name) for name, offer, answer in calls()]


@pytest.mark.parametrize(("offer_file", "answer_file"), CALLS)
def test_an_answer_of_the_bridge_reaches_the_page_whole(
    page: Mapper, offer_file: Path, answer_file: Path
) -> None:
    sdp = answer_file.read_text()
    xml = described(sdp, Creator.RESPONDER)
    read = page(jingle=xml, writer="responder", offer=offer_file.read_text())
    assert_same(read["sdp"], loads_answer(sdp), sdp)


@pytest.mark.parametrize(("offer_file", "answer_file"), CALLS)
def test_an_answer_of_the_page_reaches_the_bridge_whole(
    page: Mapper, offer_file: Path, answer_file: Path
) -> None:
    sdp = answer_file.read_text()
    jingle = from_xml(page(sdp=sdp, writer="responder")["jingle"])
    offer = loads_offer(offer_file.read_text())
    slots = slots_of(offer, Creator.INITIATOR)
    answer = answer_of(jingle, writer=Creator.RESPONDER, offer=offer, slots=slots)
    assert_same(dumps(answer), loads_answer(sdp), sdp)


# ---- trickled candidates -----------------------------------------------------------------------


def candidates() -> list[str]:
    """All candidates of all descriptions, and each as a browser might trickle it."""
    found = {
        line.removeprefix("a=").rstrip()
        for path, _ in described_files()
        for line in path.read_text().splitlines()
        if line.startswith("a=candidate:")
    }
    return sorted(found | {f"{line} ufrag F7gI network-id 1 network-cost 999" for line in found})


CALL = VECTORS / "browsers" / "chromium-156" / "audio--01-A-offer-initial.sdp"


def credentials(offer: Offer) -> dict[str, str | None]:
    section = offer.media[0]
    return {"name": section.mid, "ufrag": section.ice_ufrag, "pwd": section.ice_pwd}


def test_there_are_candidates_of_each_kind() -> None:
    known = candidates()
    assert len(known) > 100
    for words in (" UDP ", " udp ", " tcp ", "tcptype", ".local", "typ relay", "x-foo"):
        assert any(words in line for line in known), words
    assert any("generation" not in line for line in known)


def test_candidates_of_the_page_reach_the_bridge_whole(page: Mapper) -> None:
    sdp = CALL.read_text()
    offer = loads_offer(sdp)
    opening = from_xml(page(sdp=sdp, writer="initiator")["jingle"])

    def received(line: str) -> list[Event]:
        session = JingleSession(role=Creator.RESPONDER, sid="s1", local="b@x/1", peer="a@x/1")
        session.receive(opening)
        return session.receive(from_xml(page(candidate=line, **credentials(offer))["jingle"]))

    for line in candidates():
        if line.split()[1] != "1":
            # RTCP goes with RTP here, so its own candidates are of no use
            assert received(line) == []
            continue
        [event] = received(line)
        assert isinstance(event, CandidatesReceived)
        assert [build_candidate(item) for item in event.trickled.candidates] == [line]
        assert (event.trickled.mid, event.trickled.ufrag) == (
            offer.media[0].mid,
            offer.media[0].ice_ufrag,
        )
    [end] = received("")
    assert isinstance(end, CandidatesReceived)
    assert end.trickled.end_of_candidates
    assert end.trickled.candidates == ()


def test_candidates_of_the_bridge_reach_the_page_whole(page: Mapper) -> None:
    offer = loads_offer(CALL.read_text())
    mid, ufrag = offer.media[0].mid, offer.media[0].ice_ufrag
    session = JingleSession(
        role=Creator.INITIATOR,
        sid="s1",
        local="a@x/1",
        peer="b@x/1",
        habits=Habits(end_of_candidates=True),
    )
    session.initiate(offer)
    session.delivered()
    lines = candidates()
    for line in lines:
        trickled = TrickledCandidates(mid=mid, ufrag=ufrag, candidates=(parse_candidate(line),))
        [request] = session.trickle(trickled)
        read = page(trickled=to_xml(request), name=mid)
        assert read["candidates"] == [{"candidate": line, "mid": mid, "ufrag": ufrag}]
    end = TrickledCandidates(mid=mid, ufrag=ufrag, end_of_candidates=True)
    [request] = session.trickle(end)
    read = page(trickled=to_xml(request), name=mid)
    assert read["candidates"] == [{"candidate": "", "mid": mid, "ufrag": ufrag}]
