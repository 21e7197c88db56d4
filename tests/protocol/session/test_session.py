import itertools
from dataclasses import replace

import pytest

from jinglebridge.errors import (
    LocalProtocolError,
    MalformedStanza,
    NotAllowed,
    RemoteProtocolError,
    SdpError,
    UnsupportedInfo,
)
from jinglebridge.protocol.jingle.xep_0166 import (
    Action,
    Content,
    Creator,
    Jingle,
    Reason,
    ReasonCondition,
    reason_of,
)
from jinglebridge.protocol.jingle.xep_0167 import Hold, Ringing
from jinglebridge.protocol.jingle.xep_0176 import IceUdpTransport
from jinglebridge.protocol.sdp.description import Answer, Offer, TrickledCandidates
from jinglebridge.protocol.sdp.lines import parse_candidate
from jinglebridge.protocol.session.events import (
    AnswerReceived,
    CandidatesReceived,
    InfoReceived,
    OfferReceived,
    OfferRefused,
    SessionEnded,
)
from jinglebridge.protocol.session.session import MAX_HELD, JingleSession
from jinglebridge.protocol.session.transitions import RECEIVED, REFUSED, SENT, State
from jinglebridge.testing import answer_to, session_pair
from tests.protocol.helpers import AUDIO, DATA, HEAD, offered, unwire, wire

PASSWORD = "a" * 24
OFFER = offered(
    *HEAD,
    *AUDIO,
    "a=sendrecv",
    "a=ice-ufrag:abcd",
    f"a=ice-pwd:{PASSWORD}",
    *DATA,
    "a=sctp-port:5000",
)
SUCCESS = reason_of(ReasonCondition.SUCCESS, "good bye")
CANDIDATE = parse_candidate("candidate:1 1 udp 1 192.0.2.1 9 typ host generation 0 network-id 1")


def trickled(number: int = 0, *, mid: str = "0", **more: object) -> TrickledCandidates:
    candidate = replace(CANDIDATE, port=1000 + number)
    values = {"mid": mid, "ufrag": "abcd", "candidates": (candidate,), **more}
    return TrickledCandidates(**values)


def session_in(role: Creator, state: State) -> JingleSession:
    """A session that came to this state by itself."""
    initiator, responder = session_pair()
    ours = initiator if role is Creator.INITIATOR else responder
    if state is State.NEW:
        return ours
    responder.receive(initiator.initiate(OFFER))
    if state is State.ACTIVE:
        initiator.receive(responder.accept(answer_to(OFFER)))
    if state is State.ENDED:
        ours.terminate(SUCCESS)
    return ours


def request(action: Action) -> Jingle:
    """A request of this kind that has nothing wrong with it."""
    initiator, responder = session_pair()
    initiate = initiator.initiate(OFFER)
    match action:
        case Action.SESSION_INITIATE:
            return initiate
        case Action.SESSION_ACCEPT:
            responder.receive(initiate)
            return responder.accept(answer_to(OFFER))
        case Action.TRANSPORT_INFO:
            transport = IceUdpTransport(candidates=(replace(CANDIDATE, extensions=()),))
            contents = (Content(name="0", transport=transport),)
            return Jingle(action=action, sid="sid1", contents=contents)
        case _:
            return Jingle(action=action, sid="sid1")


CELLS = tuple(itertools.product(Creator, State, Action))


@pytest.mark.parametrize(("role", "state", "action"), CELLS)
def test_every_request_in_every_state(role: Creator, state: State, action: Action) -> None:
    session = session_in(role, state)
    before = session._facts
    following = RECEIVED.get((role, state, action))
    if following is None:
        with pytest.raises(REFUSED[action]):
            session.receive(request(action))
        assert session._facts is before
    else:
        session.receive(request(action))
        assert session.state is following


COMMANDS = {
    Action.SESSION_INITIATE: lambda session: session.initiate(OFFER),
    Action.SESSION_ACCEPT: lambda session: session.accept(answer_to(OFFER)),
    Action.SESSION_INFO: lambda session: session.inform(Ringing()),
    Action.SESSION_TERMINATE: lambda session: session.terminate(SUCCESS),
}


@pytest.mark.parametrize(
    ("role", "state", "action"), tuple(itertools.product(Creator, State, COMMANDS))
)
def test_every_command_in_every_state(role: Creator, state: State, action: Action) -> None:
    session = session_in(role, state)
    before = session._facts
    following = SENT.get((role, state, action))
    if following is None:
        with pytest.raises(LocalProtocolError):
            COMMANDS[action](session)
        assert session._facts is before
    else:
        sent = COMMANDS[action](session)
        assert (sent.action, sent.sid) == (action, "sid1")
        assert session.state is following


def test_a_call() -> None:
    initiator, responder = session_pair()
    initiate = initiator.initiate(OFFER)
    assert (initiate.initiator, initiate.responder) == (initiator.local, None)
    (received,) = responder.receive(unwire(wire(initiate)))
    assert isinstance(received, OfferReceived)
    assert received.offer == OFFER
    answer = answer_to(OFFER)
    accept = responder.accept(answer)
    assert (accept.initiator, accept.responder) == (None, responder.local)
    (received,) = initiator.receive(unwire(wire(accept)))
    assert isinstance(received, AnswerReceived)
    assert received.answer == answer
    (info,) = initiator.receive(responder.inform(Hold()))
    assert info == InfoReceived(info=Hold())
    (ended,) = responder.receive(unwire(wire(initiator.terminate(SUCCESS))))
    assert ended == SessionEnded(reason=SUCCESS)
    assert initiator.state is responder.state is State.ENDED
    assert initiator.slots == responder.slots


MALFORMED = [
    (Creator.RESPONDER, State.NEW, Jingle(action=Action.SESSION_INITIATE, sid="sid1")),
    (
        Creator.RESPONDER,
        State.NEW,
        replace(
            request(Action.SESSION_INITIATE),
            contents=request(Action.SESSION_INITIATE).contents * 2,
        ),
    ),
    (
        Creator.INITIATOR,
        State.PENDING,
        Jingle(action=Action.SESSION_ACCEPT, sid="sid1", contents=(Content(name="other"),)),
    ),
    (
        Creator.INITIATOR,
        State.PENDING,
        Jingle(action=Action.SESSION_ACCEPT, sid="sid1", contents=(Content(name="0"),)),
    ),
    (
        Creator.INITIATOR,
        State.ACTIVE,
        Jingle(action=Action.TRANSPORT_INFO, sid="sid1", contents=(Content(name="other"),)),
    ),
    (
        Creator.INITIATOR,
        State.ACTIVE,
        Jingle(action=Action.TRANSPORT_INFO, sid="sid1", contents=(Content(name="0"),)),
    ),
    (
        Creator.RESPONDER,
        State.PENDING,
        Jingle(action=Action.SESSION_INFO, sid="sid1", foreign=("{urn:x}y",)),
    ),
]


@pytest.mark.parametrize(("role", "state", "jingle"), MALFORMED)
def test_a_malformed_request_changes_nothing(role: Creator, state: State, jingle: Jingle) -> None:
    session = session_in(role, state)
    before = session._facts
    with pytest.raises((MalformedStanza, UnsupportedInfo)):
        session.receive(jingle)
    assert session._facts is before


def test_an_unusable_offer_is_acknowledged_and_refused() -> None:
    _, responder = session_pair()
    content = Content(name="files", transport=IceUdpTransport(), foreign=("{urn:x}description",))
    (event,) = responder.receive(
        Jingle(action=Action.SESSION_INITIATE, sid="sid1", contents=(content,))
    )
    assert isinstance(event, OfferRefused)
    assert event.reason.condition is ReasonCondition.UNSUPPORTED_APPLICATIONS
    assert responder.state is State.PENDING
    assert responder.terminate(event.reason).reason == event.reason


def test_an_empty_session_info_is_a_ping() -> None:
    assert session_in(Creator.RESPONDER, State.ACTIVE).receive(request(Action.SESSION_INFO)) == []


def test_candidates_go_one_in_a_request_with_credentials() -> None:
    session = session_in(Creator.INITIATOR, State.ACTIVE)
    assert session.delivered() == []
    both = trickled(candidates=(CANDIDATE, replace(CANDIDATE, port=10)), end_of_candidates=True)
    sent = session.trickle(both)
    assert [len(item.contents) for item in sent] == [1, 1, 1]
    transports = [item.contents[0].transport for item in sent]
    assert [len(item.candidates) for item in transports] == [1, 1, 0]
    assert [item.gathering_complete for item in transports] == [False, False, True]
    assert {(item.ufrag, item.pwd) for item in transports} == {("abcd", PASSWORD)}


def test_a_password_belongs_to_its_generation() -> None:
    session = session_in(Creator.INITIATOR, State.ACTIVE)
    session.delivered()
    for stranger in (trickled(ufrag="efgh"), trickled(mid="2", ufrag="abcd")):
        (sent,) = session.trickle(stranger)
        assert sent.contents[0].transport.pwd is None
    assert session.trickle(trickled(mid="nobody")) == []


def test_an_accepting_sides_password_is_its_answers() -> None:
    session = session_in(Creator.RESPONDER, State.ACTIVE)
    session.delivered()
    (sent,) = session.trickle(trickled(ufrag="fake"))
    assert sent.contents[0].transport.pwd == "f" * 22


def test_candidates_wait_until_the_description_was_delivered() -> None:
    initiator, responder = session_pair()
    assert initiator.trickle(trickled(0)) == []
    responder.receive(initiator.initiate(OFFER))
    assert initiator.trickle(trickled(1)) == []
    sent = initiator.delivered()
    assert [item.contents[0].transport.candidates[0].port for item in sent] == [1000, 1001]
    assert initiator.delivered() == []
    (later,) = initiator.trickle(trickled(2))
    events = [event for item in (*sent, later) for event in responder.receive(unwire(wire(item)))]
    assert events == [CandidatesReceived(trickled=trickled(number)) for number in range(3)]


def test_candidates_that_are_too_late_are_dropped() -> None:
    session = session_in(Creator.INITIATOR, State.PENDING)
    session.trickle(trickled())
    session.terminate(SUCCESS)
    assert session.delivered() == []
    assert session.trickle(trickled()) == []


def test_the_peers_early_candidates_follow_its_answer() -> None:
    initiator = session_in(Creator.INITIATOR, State.PENDING)
    assert initiator.receive(request(Action.TRANSPORT_INFO)) == []
    first, second = initiator.receive(request(Action.SESSION_ACCEPT))
    assert isinstance(first, AnswerReceived)
    assert isinstance(second, CandidatesReceived)
    assert initiator.receive(request(Action.TRANSPORT_INFO)) == [
        CandidatesReceived(trickled=replace(second.trickled))
    ]


def test_early_candidates_are_bounded() -> None:
    initiator = session_in(Creator.INITIATOR, State.PENDING)
    for _ in range(MAX_HELD + 100):
        assert initiator.receive(request(Action.TRANSPORT_INFO)) == []
    _, *early = initiator.receive(request(Action.SESSION_ACCEPT))
    assert 0 < len(early) <= MAX_HELD


def test_a_transport_info_without_candidates_says_nothing_yet() -> None:
    session = session_in(Creator.RESPONDER, State.ACTIVE)
    contents = (Content(name="0", transport=IceUdpTransport(ufrag="abcd")),)
    assert (
        session.receive(Jingle(action=Action.TRANSPORT_INFO, sid="sid1", contents=contents)) == []
    )


def test_what_cannot_be_written_changes_nothing() -> None:
    initiator, _ = session_pair()
    bad = replace(OFFER, name="x\r\na=injected:1")
    before = initiator._facts
    with pytest.raises(SdpError):
        initiator.initiate(bad)
    assert initiator._facts is before
    assert isinstance(OFFER, Offer)
    assert isinstance(answer_to(OFFER), Answer)
    assert issubclass(SdpError, RemoteProtocolError)
    assert Reason().condition is None


def test_another_device_of_the_called_account_may_accept() -> None:
    initiator, _ = session_pair()
    assert not initiator.may_be_answered_by("romeo@example.net/phone", "sid1"), "nothing is sent"
    initiator.initiate(OFFER)
    assert initiator.may_be_answered_by("romeo@example.net/phone", "sid1")
    assert not initiator.may_be_answered_by("romeo@example.net/phone", "sid2")
    assert not initiator.may_be_answered_by("mallory@example.net/phone", "sid1")


def test_only_the_responder_is_asked_for_an_accept() -> None:
    initiator, responder = session_pair()
    responder.receive(initiator.initiate(OFFER))
    assert not responder.may_be_answered_by("juliet@example.org/phone", "sid1")


def test_a_session_is_not_accepted_for_somebody_else() -> None:
    initiator, responder = session_pair()
    responder.receive(initiator.initiate(OFFER))
    accept = responder.accept(answer_to(OFFER))
    with pytest.raises(NotAllowed, match="for oneself only"):
        initiator.receive(replace(accept, responder="mallory@example.net/phone"))
    assert initiator.state is State.PENDING
    initiator.receive(replace(accept, responder="romeo@example.net/phone"))
    assert initiator.state is State.ACTIVE
