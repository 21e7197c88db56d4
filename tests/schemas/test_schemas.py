"""What we emit is what the specifications' text says, and our schemas can tell when it is not."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

from jinglebridge import errors
from jinglebridge.convert import Role, sdp_to_jingle
from jinglebridge.errors import RemoteProtocolError, SdpError, SignalingError
from jinglebridge.protocol.disco.xep_0030 import DiscoInfo, DiscoItems
from jinglebridge.protocol.disco.xep_0115 import verification_string
from jinglebridge.protocol.jingle.xep_0166 import Jingle, ReasonCondition, reason_of
from jinglebridge.protocol.jingle.xep_0167 import Active, Hold, Mute, Ringing, Unhold, Unmute
from jinglebridge.protocol.sdp.description import SessionDescription, TrickledCandidates
from jinglebridge.protocol.sdp.lines import parse_candidate
from jinglebridge.protocol.sdp.text import loads_answer, loads_offer
from jinglebridge.protocol.xml import build
from jinglebridge.testing import session_pair
from jinglebridge.xmpp import stanzas
from jinglebridge.xmpp.capabilities import PeerCapabilities
from jinglebridge.xmpp.component import InternalError, NotUnderstood
from jinglebridge.xmpp.departures import Departures
from jinglebridge.xmpp.discovery import NODE, Discovery
from jinglebridge.xmpp.presence import Presence
from tests.bridge.stage import JULIET, Stage
from tests.schemas.wrong import CASES, IN_PLACE, OUT_OF_PLACE
from tests.support.schema import (
    SCHEMAS,
    Extension,
    alone,
    beyond_in,
    extension_at,
    overlay,
    schema_files,
    schema_of,
    tree_of,
    whole,
)

VECTORS = Path(__file__).parents[1] / "vectors"
SDP_FILES = tuple(sorted(VECTORS.rglob("*.sdp")))
DOMAIN = "bridge.example.net"
ECHO = f"echo@{DOMAIN}"


def named(xml: str, namespace: str) -> str:
    """An element in its namespace."""
    end = min(xml.index(mark) for mark in " />" if mark in xml)
    return f"{xml[:end]} xmlns='{namespace}'{xml[end:]}"


def rows_of(xml: str | Element) -> set[Extension]:
    """The extension points that a tree uses."""
    rows = {extension_at(item.tag, child.tag) for item in tree_of(xml).iter() for child in item}
    return {row for row in rows if row is not None}


# the schemas themselves


def test_every_file_is_a_schema_of_its_own_namespace() -> None:
    files = list(SCHEMAS.glob("*.xsd"))
    assert len(schema_files()) == len(files)
    assert set(schema_files()) == set(CASES)
    assert all(schema_of(namespace) is not None for namespace in schema_files())


@pytest.mark.parametrize("namespace", CASES)
def test_right_and_wrong(namespace: str) -> None:
    case = CASES[namespace]
    assert len(case.wrong) >= 5
    for xml in case.right:
        assert alone(named(xml, namespace)) == [], xml
    for xml in case.wrong:
        assert alone(named(xml, namespace)) != [], xml


@pytest.mark.parametrize("xml", OUT_OF_PLACE)
def test_out_of_place(xml: str) -> None:
    assert [problem for problem in alone(xml) if "no schema" not in problem] == []
    assert whole(xml) != []


@pytest.mark.parametrize("xml", IN_PLACE)
def test_in_place(xml: str) -> None:
    assert whole(xml) == []


def test_an_unknown_namespace_is_an_error() -> None:
    assert alone("<x xmlns='urn:example:unknown'/>") == ["{urn:example:unknown}x: no schema"]


def test_the_overlay_gives_every_reason() -> None:
    assert all(row.section for row in overlay().extensions)
    assert all(row.section and row.reason for row in overlay().beyond)


# what we emit


WRITERS: tuple[tuple[Role, str], ...] = (
    ("initiator", "session-initiate"),
    ("responder", "session-accept"),
)


@pytest.mark.parametrize("path", SDP_FILES, ids=lambda path: str(path.relative_to(VECTORS)))
def test_descriptions(path: Path) -> None:
    sdp = path.read_bytes().decode()
    for role, action in WRITERS:
        jingle = sdp_to_jingle(
            sdp,
            role=role,
            action=action,
            sid="a73sjjvkla37jfea",
            initiator="romeo@example.net/orchard",
            responder="juliet@example.org/balcony",
        )
        assert whole(jingle) == []


CALLS = tuple(
    tuple(
        VECTORS / "browsers" / browser / f"{call}--{step}.sdp"
        for step in ("01-A-offer-initial", "02-B-answer-initial")
    )
    for browser in ("chromium-156", "firefox-153")
    for call in ("audio-video", "answer-rejects-video", "data-only")
)
CANDIDATES = (
    "candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host generation 0 network-cost 999",
    "candidate:2 1 tcp 1518280447 9ab6ffd4-22d1-4b0e-8d44-5d8e5f6b9ec4.local 9 typ host "
    "tcptype active generation 0",
    "candidate:3 1 UDP 1686052607 198.51.100.7 61000 typ srflx raddr 0.0.0.0 rport 0",
    "candidate:4 2 udp 41885439 2001:db8::7 61001 typ relay raddr 198.51.100.7 rport 61000",
)


def dialogue(offer_file: Path, answer_file: Path) -> Iterator[Jingle]:
    """Every request of a call, from both sides."""
    initiator, responder = session_pair()
    offer = loads_offer(offer_file.read_text())
    answer = loads_answer(answer_file.read_text())
    initiate = initiator.initiate(offer)
    yield initiate
    responder.receive(initiate)
    yield responder.inform(Ringing())
    accept = responder.accept(answer)
    yield accept
    initiator.receive(accept)
    for side, description in ((initiator, offer), (responder, answer)):
        yield from side.delivered()
        yield from side.trickle(trickled(description))
        for info in (Active(), Hold(), Unhold(), Mute(creator="initiator", name="0")):
            yield side.inform(info)
        yield side.inform(Unmute(creator="responder"))
    yield initiator.terminate(reason_of(ReasonCondition.SUCCESS))
    yield responder.terminate(reason_of(ReasonCondition.GONE, "the bridge stops"))


def trickled(description: SessionDescription) -> TrickledCandidates:
    """Candidates of its first section, and their end."""
    section = description.media[0]
    return TrickledCandidates(
        mid=section.mid,
        ufrag=section.ice_ufrag or description.defaults.ice_ufrag,
        candidates=tuple(map(parse_candidate, CANDIDATES)),
        end_of_candidates=True,
    )


@pytest.mark.parametrize(
    "files", CALLS, ids=lambda files: f"{files[0].parent.name}/{files[0].name}"
)
def test_calls(files: tuple[Path, Path]) -> None:
    requests = list(dialogue(*files))
    assert len(requests) == 3 + 2 * (len(CANDIDATES) + 1 + 5) + 2
    for request in requests:
        assert whole(build(request)) == []


@pytest.mark.parametrize("condition", ReasonCondition)
def test_reasons(condition: ReasonCondition) -> None:
    initiator, _ = session_pair()
    initiator.initiate(loads_offer(CALLS[0][0].read_text()))
    request = initiator.terminate(reason_of(condition, "words & <more>"))
    assert whole(build(request)) == []


def refusals() -> Iterator[RemoteProtocolError]:
    """One error of each class that answers a request."""
    classes = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, RemoteProtocolError)
    ]
    for kind in (*classes, InternalError, NotUnderstood):
        yield kind("reason", content="x\x00y") if kind is SdpError else kind("words\r\nand < more")
    yield RemoteProtocolError("")


REQUEST = fromstring(
    f"<iq xmlns='{stanzas.NAMESPACE}' type='set' id='i1' from='{JULIET}' to='{ECHO}'/>"
)


@pytest.mark.parametrize("error", tuple(refusals()), ids=lambda error: type(error).__name__)
def test_errors(error: RemoteProtocolError) -> None:
    assert whole(stanzas.error_answer(REQUEST, error)) == []


async def nobody_answers(sender: str, peer: str, query: DiscoInfo) -> DiscoInfo:
    raise SignalingError("service-unavailable")


@dataclass(slots=True)
class Scene:
    presence: Presence
    discovery: Discovery
    sent: list[Element] = field(default_factory=list)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    stage = Stage()
    sent: list[Element] = []
    peers = PeerCapabilities(nobody_answers)
    presence = Presence(DOMAIN, stage.bridge, peers, Departures(stage.bridge), sent.append)
    yield Scene(presence, Discovery(DOMAIN, stage.bridge), sent)
    await stage.bridge.close()


def announce(scene: Scene, kind: str) -> None:
    """A stanza of presence for somebody and for nobody."""
    for local in (ECHO, f"nobody@{DOMAIN}"):
        scene.presence.handle(stanzas.presence(JULIET, local, kind))


def answers(scene: Scene, local: str) -> Iterator[Element]:
    """What a JID answers to questions about it."""
    info = scene.discovery.info(local, DiscoInfo())
    node = f"{NODE}#{verification_string(info)}"
    for payload in (
        info,
        scene.discovery.info(local, DiscoInfo(node=node)),
        scene.discovery.items(local, DiscoItems()),
    ):
        yield stanzas.answer(REQUEST, "result", build(payload))


@pytest.mark.parametrize("kind", ["probe", "subscribe", "unsubscribe"])
async def test_presence(scene: Scene, kind: str) -> None:
    announce(scene, kind)
    assert scene.sent
    for stanza in scene.sent:
        assert whole(stanza) == []


@pytest.mark.parametrize("local", [DOMAIN, ECHO, f"{ECHO}/media"])
async def test_discovery(scene: Scene, local: str) -> None:
    for answer in answers(scene, local):
        assert whole(answer) == []


async def test_the_overlay_lists_nothing_that_nobody_says(scene: Scene) -> None:
    announce(scene, "probe")
    probes = [path.read_bytes().decode() for path in (VECTORS / "probes").glob("*.sdp")]
    emitted: tuple[str | Element, ...] = (
        *IN_PLACE,
        *(build(item) for files in CALLS for item in dialogue(*files)),
        *(sdp_to_jingle(sdp, role="initiator", sid="s1") for sdp in probes),
        *(stanzas.error_answer(REQUEST, error) for error in refusals()),
        *answers(scene, ECHO),
        *scene.sent,
    )
    assert set().union(*map(rows_of, emitted)) == set(overlay().extensions)
    assert set().union(*map(beyond_in, emitted)) == set(overlay().beyond)
