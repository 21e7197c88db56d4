"""The fakes are public: what they promise holds."""

import pytest

from jinglebridge.bridge.ports import LocalCandidates, MediaEvent
from jinglebridge.errors import Busy, OutOfOrder, SecurityError, SignalingError
from jinglebridge.protocol.jingle.xep_0166 import Action, Jingle, ReasonCondition, reason_of
from jinglebridge.protocol.sdp.description import Direction
from jinglebridge.protocol.sdp.text import dumps, loads_offer
from jinglebridge.protocol.session.events import AnswerReceived, OfferReceived, SessionEnded
from jinglebridge.protocol.session.transitions import State
from jinglebridge.testing import (
    FakeEngine,
    FakeSignaling,
    SentRequest,
    answer_to,
    offer_of,
    session_pair,
)
from tests.bridge.stage import ECHO, JULIET, OFFER

REQUEST = Jingle(action=Action.SESSION_INFO, sid="sid1")


def test_a_pair_of_sessions_calls_and_ends() -> None:
    initiator, responder = session_pair()
    (offered,) = responder.receive(initiator.initiate(OFFER))
    assert isinstance(offered, OfferReceived)
    (answered,) = initiator.receive(responder.accept(answer_to(offered.offer)))
    assert isinstance(answered, AnswerReceived)
    assert len(answered.answer.media) == len(OFFER.media)
    (ended,) = responder.receive(initiator.terminate(reason_of(ReasonCondition.SUCCESS)))
    assert isinstance(ended, SessionEnded)
    assert (initiator.state, responder.state) == (State.ENDED, State.ENDED)
    assert (initiator.peer, responder.peer) == (responder.local, initiator.local)


def test_an_answer_mirrors_the_offer() -> None:
    answer = answer_to(OFFER)
    for offered, taken in zip(OFFER.media, answer.media, strict=True):
        assert (taken.mid, taken.media) == (offered.mid, offered.media)
        assert taken.payload_types == offered.payload_types
        assert taken.direction is (offered.direction or Direction.SENDRECV).reversed
        assert taken.ice_ufrag != offered.ice_ufrag
        assert not taken.candidates


async def test_a_refusal_of_the_connected_peer_is_an_error_of_the_request() -> None:
    def refuse(sent: SentRequest) -> None:
        raise OutOfOrder("not now")

    signaling = FakeSignaling(deliver=refuse)
    with pytest.raises(SignalingError) as caught:
        await signaling.request(ECHO, JULIET, REQUEST)
    assert (caught.value.condition, caught.value.jingle_condition) == (
        "unexpected-request",
        "out-of-order",
    )
    assert signaling.sent == [SentRequest(sender=ECHO, peer=JULIET, jingle=REQUEST)]


async def test_an_engine_without_room() -> None:
    engine = FakeEngine(open_error=Busy("full"))
    with pytest.raises(Busy, match="full"):
        await engine.open("echo", JULIET, lambda _: None)
    assert not engine.sessions
    await engine.close()
    assert engine.closed


async def test_an_engine_that_offers() -> None:
    events: list[MediaEvent] = []
    session = await FakeEngine().open("echo", JULIET, events.append)
    offer = await session.prepare_offer(("audio", "video"))
    assert offer == offer_of(("audio", "video")) == loads_offer(dumps(offer))
    assert [item.media for item in offer.media] == ["audio", "video"]
    trickled = [item.trickled for item in events if isinstance(item, LocalCandidates)]
    assert [item.mid for item in trickled] == [item.mid for item in offer.media]
    await session.commit(answer_to(offer))
    assert session.committed == answer_to(offer)


async def test_an_engine_that_does_not_take_the_answer() -> None:
    async def refuse() -> None:
        raise SecurityError("no")

    session = await FakeEngine(before_commit=refuse).open("echo", JULIET, lambda _: None)
    offer = await session.prepare_offer(("audio",))
    with pytest.raises(SecurityError):
        await session.commit(answer_to(offer))
    assert session.committed is None
