"""Candidates beyond a session's share are dropped and counted, and never an error."""

from dataclasses import replace

import pytest

from jinglebridge.protocol.jingle.xep_0166 import Action, Content, Creator, Jingle
from jinglebridge.protocol.jingle.xep_0176 import Candidate, IceUdpTransport
from jinglebridge.protocol.sdp.description import TrickledCandidates
from jinglebridge.protocol.sdp.lines import parse_candidate
from jinglebridge.protocol.session.events import CandidatesReceived, OfferReceived
from jinglebridge.protocol.session.quota import CandidateQuota
from jinglebridge.protocol.session.session import JingleSession
from jinglebridge.protocol.xml import build, parse
from jinglebridge.testing import session_pair
from tests.bridge.stage import OFFER


def candidates(count: int, start: int = 0) -> tuple[Candidate, ...]:
    return tuple(
        parse_candidate(
            f"candidate:{number} 1 udp 1 192.0.2.1 {10_000 + number} typ host generation 0"
        )
        for number in range(start, start + count)
    )


def trickled(count: int, mid: str = "0", ufrag: str | None = "abcd") -> TrickledCandidates:
    return TrickledCandidates(mid=mid, ufrag=ufrag, candidates=candidates(count))


def test_a_share_is_that_of_a_transport_and_a_generation() -> None:
    quota = CandidateQuota(maximum=10)
    for mid, ufrag in (("0", "abcd"), ("1", "abcd"), ("0", "efgh"), ("0", None)):
        first, quota = quota.admit(trickled(7, mid, ufrag))
        assert len(first.candidates) == 7
        second, quota = quota.admit(trickled(7, mid, ufrag))
        assert second.candidates == candidates(3)
    assert quota.dropped == 16


def test_the_end_of_candidates_is_never_dropped() -> None:
    quota = CandidateQuota(maximum=1)
    given = (trickled(1), trickled(5), replace(trickled(5), end_of_candidates=True))
    kept, quota = quota.admit_all(given)
    assert [len(item.candidates) for item in kept] == [1, 0]
    assert kept[1].end_of_candidates
    assert quota.dropped == 10


def test_what_is_remembered_is_bounded() -> None:
    quota = CandidateQuota()
    for number in range(1_000):
        _, quota = quota.admit(trickled(1, ufrag=f"ufrag{number}"))
    assert len(quota.taken) == 64
    assert quota.taken[-1] == ("0", "ufrag999", 1)


def responder(maximum: int = 64) -> JingleSession:
    return JingleSession(
        role=Creator.RESPONDER,
        sid="sid1",
        local="romeo@example.net/orchard",
        peer="juliet@example.org/balcony",
        max_candidates=maximum,
    )


def transport_info(count: int, start: int, ufrag: str | None = None) -> Jingle:
    transport = IceUdpTransport(
        ufrag=ufrag or OFFER.media[0].ice_ufrag, pwd="p" * 22, candidates=candidates(count, start)
    )
    content = Content(creator=Creator.INITIATOR, name="0", transport=transport)
    return Jingle(action=Action.TRANSPORT_INFO, sid="sid1", contents=(content,))


def test_a_session_takes_64_and_drops_the_rest() -> None:
    initiator, _ = session_pair()
    session = responder()
    offered = replace(OFFER.media[0], candidates=candidates(60))
    offer = replace(OFFER, media=(offered, *OFFER.media[1:]))
    (event,) = session.receive(initiator.initiate(offer))
    assert isinstance(event, OfferReceived)
    assert len(event.offer.media[0].candidates) == 60
    taken = []
    for number in range(100):
        taken += session.receive(transport_info(1, 60 + number))
    assert len(taken) == 4
    assert all(isinstance(item, CandidatesReceived) for item in taken)
    assert session.dropped_candidates == 96
    assert session.receive(transport_info(1, 500, "restarted"))


@pytest.mark.parametrize("count", [64, 65, 1_000])
def test_an_offer_full_of_candidates_is_an_offer(count: int) -> None:
    initiator, _ = session_pair()
    session = responder()
    offered = replace(OFFER.media[0], candidates=candidates(count))
    request = initiator.initiate(replace(OFFER, media=(offered, *OFFER.media[1:])))
    (event,) = session.receive(parse(Jingle, build(request)))
    assert isinstance(event, OfferReceived)
    assert event.offer.media[0].candidates == candidates(64)
    assert session.dropped_candidates == count - 64
