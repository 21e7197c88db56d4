"""What clients really sent, and how it differs from what a browser would: all of it is taken."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from jinglebridge.protocol.jingle.xep_0166 import Action, Content, Creator, Jingle, Senders
from jinglebridge.protocol.jingle.xep_0167 import PayloadType, RtpDescription
from jinglebridge.protocol.jingle.xep_0176 import Candidate, IceUdpTransport
from jinglebridge.protocol.jingle.xep_0320 import Setup
from jinglebridge.protocol.jingle.xep_0338 import group_of
from jinglebridge.protocol.sdp.description import Direction, Offer, TrickledCandidates
from jinglebridge.protocol.sdp.text import dumps, loads_offer
from jinglebridge.protocol.session.events import AnswerReceived, CandidatesReceived, OfferReceived
from jinglebridge.protocol.session.session import JingleSession
from jinglebridge.protocol.xml import parse
from jinglebridge.testing import answer_to
from tests.protocol.helpers import unwire, wire

CLIENTS = Path(__file__).parents[2] / "vectors" / "clients"
DINO = "dino/010-in-session-initiate.xml"
STANZA = "stanza-bot/001-in-session-initiate.xml"
OFFERS = tuple(
    str(path.relative_to(CLIENTS)) for path in sorted(CLIENTS.glob("*/*session-initiate.xml"))
)
ACCEPTS = tuple(
    str(path.relative_to(CLIENTS)) for path in sorted(CLIENTS.glob("*/*session-accept.xml"))
)
US, THEM = "echo@bridge.h2.test/media", "alice@h2.test/dino"


def captured(name: str) -> Jingle:
    element = ET.fromstring((CLIENTS / name).read_text()).find("{urn:xmpp:jingle:1}jingle")
    assert element is not None
    return parse(Jingle, element)


def called(jingle: Jingle) -> tuple[JingleSession, Offer]:
    """A session of ours with this session-initiate, and what it says to a peer connection."""
    session = JingleSession(role=Creator.RESPONDER, sid=jingle.sid, local=US, peer=THEM)
    (event,) = session.receive(jingle)
    assert isinstance(event, OfferReceived)
    return session, event.offer


def answered(jingle: Jingle) -> tuple[JingleSession, Jingle]:
    """The session-accept for an offer, as the client reads it."""
    session, offer = called(jingle)
    accept = unwire(wire(session.accept(answer_to(offer))))
    session.delivered()
    return session, accept


def transport_of(content: Content) -> IceUdpTransport:
    assert content.transport is not None
    return content.transport


def changed(jingle: Jingle, index: int, **values: object) -> Jingle:
    """The request with this content changed."""
    contents = list(jingle.contents)
    contents[index] = replace(contents[index], **values)  # type: ignore[arg-type] # by name
    return replace(jingle, contents=tuple(contents))


@pytest.mark.parametrize("name", OFFERS)
def test_every_offer_is_understood_and_answered_in_kind(name: str) -> None:
    offered = captured(name)
    _, accept = answered(offered)
    assert [(item.creator, item.name) for item in accept.contents] == [
        (item.creator, item.name) for item in offered.contents
    ]
    for content in accept.contents:
        transport = transport_of(content)
        assert transport.ufrag
        assert transport.pwd
        assert {item.setup for item in transport.fingerprints} == {Setup.ACTIVE}


@pytest.mark.parametrize("name", OFFERS)
def test_the_sdp_of_every_offer_is_sound(name: str) -> None:
    _, offer = called(captured(name))
    sdp = dumps(offer)
    assert dumps(loads_offer(sdp)) == sdp
    assert "a=crypto:" not in sdp


def test_an_offer_without_senders_means_both() -> None:
    """stanza leaves them out (XEP-0166 §7.3: the default is both)."""
    offered = captured(STANZA)
    assert {item.senders for item in offered.contents} == {None}
    _, accept = answered(offered)
    assert {item.senders for item in accept.contents} <= {None, Senders.BOTH}
    stripped = changed(changed(captured(DINO), 0, senders=None), 1, senders=None)
    _, offer = called(stripped)
    assert [item.direction for item in offer.media] == [None, None]
    _, explicit = called(captured(DINO))
    assert [item.direction for item in explicit.media] == [Direction.SENDRECV] * 2


def test_a_creator_that_was_forgotten_is_the_initiator() -> None:
    text = (CLIENTS / DINO).read_text().replace(" creator='initiator'", "")
    element = ET.fromstring(text).find("{urn:xmpp:jingle:1}jingle")
    assert element is not None
    assert parse(Jingle, element) == captured(DINO)


def test_sdes_keys_beside_a_fingerprint_are_not_echoed() -> None:
    _, accept = answered(captured(DINO))
    for content in accept.contents:
        assert isinstance(content.description, RtpDescription)
        assert content.description.encryption is None


def test_transports_that_are_not_bundled_stay_apart() -> None:
    """Dino has ICE and DTLS for each content."""
    _, offer = called(captured(DINO))
    assert offer.bundle == ()
    assert len({item.ice_ufrag for item in offer.media}) == 2
    _, accept = answered(captured(DINO))
    assert accept.groups == ()


def test_candidates_for_rtcp_are_left_out_where_it_goes_with_rtp() -> None:
    offered = captured(DINO)
    found = [[one.component for one in transport_of(c).candidates] for c in offered.contents]
    assert found == [[1, 2], [1, 2]]
    _, offer = called(offered)
    assert [[one.component for one in item.candidates] for item in offer.media] == [[1], [1]]


def test_candidates_for_rtcp_stay_where_it_goes_alone() -> None:
    offered = captured(DINO)
    description = offered.contents[0].description
    assert isinstance(description, RtpDescription)
    _, offer = called(changed(offered, 0, description=replace(description, rtcp_mux=False)))
    assert [len(item.candidates) for item in offer.media] == [2, 1]


def info(sid: str, *contents: Content) -> Jingle:
    return Jingle(action=Action.TRANSPORT_INFO, sid=sid, contents=contents)


def candidate(number: int, component: int = 1, **more: object) -> Candidate:
    known = transport_of(captured(DINO).contents[0]).candidates[0]
    values = {"component": component, "port": 1000 + number, "id": f"c{number}", **more}
    return replace(known, **values)  # type: ignore[arg-type] # by name


def trickled_by(session: JingleSession, *requests: Jingle) -> list[TrickledCandidates]:
    events = [event for item in requests for event in session.receive(unwire(wire(item)))]
    assert all(isinstance(event, CandidatesReceived) for event in events)
    return [event.trickled for event in events if isinstance(event, CandidatesReceived)]


def test_trickled_candidates_for_rtcp_are_left_out() -> None:
    session, _ = answered(captured(DINO))
    (one,) = trickled_by(
        session,
        info(session.sid, Content(name="audio", transport=IceUdpTransport(
            ufrag="9eo9", candidates=(candidate(1), candidate(2, component=2)),
        ))),
        info(session.sid, Content(name="video", transport=IceUdpTransport(
            ufrag="hZYV", candidates=(candidate(3, component=2),),
        ))),
    )  # fmt: skip
    assert [item.port for item in one.candidates] == [1001]


def test_one_candidate_a_request_or_many_of_several_contents() -> None:
    """stanza sends them one by one, others as they come: what is understood is the same."""
    ports = {"audio": (1, 2, 3), "video": (4, 5, 6)}
    contents = {
        name: [
            Content(name=name, transport=IceUdpTransport(candidates=(candidate(number),)))
            for number in numbers
        ]
        for name, numbers in ports.items()
    }
    session, _ = answered(captured(DINO))
    single = trickled_by(
        session, *(info(session.sid, item) for name in ports for item in contents[name])
    )
    assert len(single) == 6
    session, _ = answered(captured(DINO))
    together = [
        Content(
            name=name,
            transport=IceUdpTransport(candidates=tuple(candidate(n) for n in numbers)),
        )
        for name, numbers in ports.items()
    ]
    glued = trickled_by(session, info(session.sid, *together))
    assert len(glued) == 2
    for name in ports:
        one_by_one = [one for item in single if item.mid == name for one in item.candidates]
        assert one_by_one == [one for item in glued if item.mid == name for one in item.candidates]


@pytest.mark.parametrize(
    "number", ["003", "004", "005", "006", "007"], ids=["host", "host 2", "tcp", "tcp 2", "end"]
)
def test_what_stanza_trickles(number: str) -> None:
    """Without a password, without ids and generations, with TCP, and an end alone."""
    session, _ = answered(captured(STANZA))
    sent = captured(f"stanza-bot/{number}-in-transport-info.xml")
    (content,) = sent.contents
    (trickled,) = trickled_by(session, sent)
    transport = transport_of(content)
    assert (trickled.mid, trickled.ufrag) == (content.name, transport.ufrag)
    assert len(trickled.candidates) == len(transport.candidates)
    assert trickled.end_of_candidates is (number == "007")
    for one in trickled.candidates:
        assert (one.tcptype == "active") is (one.protocol == "tcp")


@pytest.mark.parametrize("foundation", ["1", "3708364019", "0", "a1b2c3d4e5f60718293a4b5c6d7e8f90",
                                        "Rel+/9"])  # fmt: skip
def test_foundations_of_any_kind(foundation: str) -> None:
    session, _ = answered(captured(DINO))
    transport = IceUdpTransport(candidates=(candidate(1, foundation=foundation),))
    (one,) = trickled_by(session, info(session.sid, Content(name="audio", transport=transport)))
    assert one.candidates[0].foundation == foundation


def test_a_relay_candidate_without_its_port() -> None:
    """stanza says rel-addr and no rel-port."""
    relay = candidate(1, type="relay", rel_addr="192.0.2.7")
    assert relay.rel_port is None
    offered = captured(STANZA)
    transport = replace(transport_of(offered.contents[0]), candidates=(relay,))
    _, offer = called(changed(offered, 0, transport=transport))
    (line,) = [line for line in dumps(offer).splitlines() if line.startswith("a=candidate:")]
    assert " typ relay raddr 192.0.2.7 generation 0" in line
    assert "rport" not in line
    (again,) = loads_offer(dumps(offer)).media[0].candidates
    assert (again.rel_addr, again.rel_port) == ("192.0.2.7", None)


def test_channels_of_video_are_no_channels() -> None:
    """stanza says channels='1' of video, where an rtpmap has none."""
    text = (CLIENTS / STANZA).read_text()
    assert "<payload-type channels='1' clockrate='90000' id='96' name='VP8'>" in text
    _, offer = called(captured(STANZA))
    video = next(item for item in offer.media if item.media == "video")
    assert {payload.channels for payload in video.payload_types} == {None}
    assert "a=rtpmap:96 VP8/90000\r\n" in dumps(offer)


def test_a_parameter_that_is_all_name() -> None:
    """stanza says ``a=fmtp:63 111/111`` as a name without a value."""
    assert "<parameter name='111/111'/>" in (CLIENTS / STANZA).read_text()
    _, offer = called(captured(STANZA))
    assert "a=fmtp:63 111/111\r\n" in dumps(offer)


def test_a_content_that_only_shares_a_transport() -> None:
    """Conversations adds video with an empty transport to a bundle: the other's counts."""
    offered = captured(DINO)
    bundled = replace(offered, groups=(group_of("BUNDLE", ("audio", "video")),))
    stub = changed(bundled, 1, transport=IceUdpTransport())
    _, offer = called(stub)
    assert offer.bundle == ("audio", "video")
    first, second = offer.media
    assert first.ice_ufrag == "9eo9"
    assert (second.ice_ufrag, second.ice_pwd, second.fingerprints) == (None, None, ())
    _, accept = answered(stub)
    assert [item.name for item in accept.contents] == ["audio", "video"]


def test_the_group_may_stand_behind_the_contents() -> None:
    offered = captured(STANZA)
    element = ET.fromstring(wire(offered))
    groups = element.findall("{urn:xmpp:jingle:apps:grouping:0}group")
    assert len(groups) == 1
    element.remove(groups[0])
    element.append(groups[0])
    assert called(parse(Jingle, element))[1] == called(offered)[1]


@pytest.mark.parametrize("name", ACCEPTS)
def test_every_accept_is_understood(name: str) -> None:
    """Dino takes the offered bundle apart: one payload type each, a transport each."""
    accept = captured(name)
    session = JingleSession(role=Creator.INITIATOR, sid=accept.sid, local=US, peer=THEM)
    contents = {item.name: item for item in accept.contents}
    media = tuple(
        replace(section, mid=mid, payload_types=payloads_of(contents[mid]), ice_ufrag="ours")
        for mid, section in zip(contents, OURS.media, strict=False)
    )
    offer = replace(OURS, media=media, groups=(group_of("BUNDLE", tuple(contents)),))
    session.initiate(offer)
    (event,) = session.receive(accept)
    assert isinstance(event, AnswerReceived)
    assert event.answer.bundle == ()
    assert len({item.ice_ufrag for item in event.answer.media}) == len(contents)
    for section in event.answer.media:
        assert section.setup is Setup.ACTIVE
        assert {one.component for one in section.candidates} == {1}


def payloads_of(content: Content) -> tuple[PayloadType, ...]:
    assert isinstance(content.description, RtpDescription)
    return content.description.payload_types


_, OURS = called(captured(DINO))
