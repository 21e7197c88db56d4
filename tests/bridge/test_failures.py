"""What fails after the acknowledgement ends one call, with a reason that says why."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from jinglebridge import errors
from jinglebridge.bridge.ports import ConnectionState, LocalCandidates
from jinglebridge.errors import CallError, SignalingError
from jinglebridge.protocol.jingle.xep_0166 import Action, Content, Jingle, ReasonCondition
from jinglebridge.protocol.sdp.description import TrickledCandidates
from jinglebridge.testing import FakeSignaling
from tests.bridge.stage import (
    CANDIDATES,
    OFFER,
    QUICK,
    Stage,
    eventually,
    idle,
)

ACCEPT, TERMINATE = Action.SESSION_ACCEPT, Action.SESSION_TERMINATE
INFO = Action.TRANSPORT_INFO
FAILED = ConnectionState.FAILED
CALL_ERRORS = sorted(
    (
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, CallError) and kind is not CallError
    ),
    key=lambda kind: kind.__name__,
)


def raising(error: BaseException) -> Callable[[], Awaitable[None]]:
    async def fail() -> None:
        raise error

    return fail


class Gated(FakeSignaling):
    """A session-accept fails when the gate is opened."""

    def __init__(self, error: SignalingError) -> None:
        super().__init__()
        self.error = error
        self.gate = asyncio.Event()

    async def request(self, sender: str, peer: str, jingle: Jingle) -> None:
        await super().request(sender, peer, jingle)
        if jingle.action is ACCEPT:
            await self.gate.wait()
            raise self.error


def accepts(stage: Stage) -> int:
    """How often a session-accept was sent."""
    return sum(item.jingle.action is ACCEPT for item in stage.signaling.sent)


def test_every_call_error_has_a_reason_of_its_own() -> None:
    assert len(CALL_ERRORS) == 11
    assert len({kind.reason for kind in CALL_ERRORS}) == 11
    for kind in CALL_ERRORS:
        assert ReasonCondition(kind.reason)


@pytest.mark.parametrize("kind", CALL_ERRORS, ids=lambda kind: kind.reason)
@pytest.mark.parametrize("where", ["open", "answer", "later"])
async def test_an_error_of_the_engine_is_the_reason(
    stage: Stage, kind: type[CallError], where: str
) -> None:
    _, bystander = await stage.connected("other", "romeo@x/1")
    error = kind("a word for people")
    if where == "open":
        stage.engine.open_error = error
    elif where == "answer":
        stage.engine.before_answer = raising(error)
    peer = stage.peer()
    call = peer.call()
    if where == "later":
        await eventually(lambda: ACCEPT in peer.actions)
        stage.media().change(FAILED, error)
    await stage.over(call)
    assert peer.ending == (ReasonCondition(kind.reason), "a word for people")
    assert (ACCEPT in peer.actions) == (where == "later")
    assert not bystander.task.done()
    bystander.hang_up()
    await stage.over(bystander)


async def test_media_that_fails_without_a_word(stage: Stage) -> None:
    peer, call = await stage.connected()
    stage.media().change(FAILED)
    await stage.over(call)
    assert peer.ending[0] is ReasonCondition.CONNECTIVITY_ERROR


async def test_media_that_closes_by_itself(stage: Stage) -> None:
    peer, call = await stage.connected()
    stage.media().change(ConnectionState.CLOSED)
    await stage.over(call)
    assert peer.ending[0] is ReasonCondition.GENERAL_ERROR


@pytest.mark.parametrize("error", [RuntimeError("secret path"), KeyError("k"), AssertionError()])
@pytest.mark.parametrize("where", ["answer", "candidates"])
async def test_a_bug_of_the_engine_ends_one_call_and_says_no_more_than_that(
    stage: Stage, error: Exception, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, bystander = await stage.connected("other", "romeo@x/1")
    peer = stage.peer()
    if where == "answer":
        stage.engine.before_answer = raising(error)
        call = peer.call()
    else:
        call = peer.call()
        await eventually(lambda: ACCEPT in peer.actions)
        media = stage.media()

        async def fail(self: object, trickled: TrickledCandidates) -> None:
            raise error

        monkeypatch.setattr(type(media), "add_candidates", fail)
        peer.trickle(0)
    await stage.over(call)
    assert peer.ending == (ReasonCondition.GENERAL_ERROR, "internal error")
    assert not bystander.task.done()
    bystander.hang_up()
    await stage.over(bystander)


async def test_an_engine_that_does_not_answer(stage: Stage) -> None:
    stage.limits = replace(QUICK, accept_timeout=0.03)
    stage.engine.before_answer = asyncio.Event().wait  # type: ignore[assignment] # never answers
    peer = stage.peer()
    call = peer.call()
    await stage.over(call)
    assert peer.actions == [TERMINATE]
    assert peer.ending[0] is ReasonCondition.TIMEOUT


async def test_no_path_for_media(stage: Stage) -> None:
    stage.limits = replace(QUICK, connect_timeout=0.03)
    peer = stage.peer()
    call = peer.call()
    await stage.over(call)
    assert peer.actions == [ACCEPT, INFO, INFO, TERMINATE]
    assert peer.ending[0] is ReasonCondition.CONNECTIVITY_ERROR


async def test_connected_media_has_no_deadline_any_more(stage: Stage) -> None:
    stage.limits = replace(QUICK, connect_timeout=0.03)
    peer, call = await stage.connected()
    await asyncio.sleep(0.06)
    assert not call.task.done()
    peer.hang_up()
    await stage.over(call)


async def offered(stage: Stage, *contents: Content) -> tuple[ReasonCondition | None, str]:
    """The reason that an offer of these contents ends with; it is acknowledged first."""
    peer = stage.peer()
    request = replace(peer.session.initiate(OFFER), contents=contents, groups=(), residue=None)
    peer.send(request)
    (call,) = stage.bridge.calls
    assert not peer.requests
    await stage.over(call)
    assert peer.actions == [TERMINATE]
    assert not stage.engine.sessions
    return peer.ending


async def test_an_application_that_nobody_knows(stage: Stage) -> None:
    wave = "{urn:xmpp:jingle:apps:file-transfer:5}description"
    (content, *_) = stage.peer("x").session.initiate(OFFER).contents
    ending = await offered(stage, replace(content, description=None, foreign=(wave,)))
    assert ending[0] is ReasonCondition.UNSUPPORTED_APPLICATIONS
    assert ending[1]


async def test_a_transport_that_nobody_knows(stage: Stage) -> None:
    socks = "{urn:xmpp:jingle:transports:s5b:1}transport"
    (content, *_) = stage.peer("x").session.initiate(OFFER).contents
    ending = await offered(stage, replace(content, transport=None, foreign=(socks,)))
    assert ending[0] is ReasonCondition.UNSUPPORTED_TRANSPORTS
    assert ending[1]


async def test_one_usable_content_is_enough(stage: Stage) -> None:
    peer = stage.peer()
    request = peer.session.initiate(OFFER)
    audio, video = request.contents
    foreign = replace(video, description=None, foreign=("{urn:x}description",))
    peer.send(replace(request, contents=(audio, foreign), groups=()))
    (call,) = stage.bridge.calls
    await eventually(lambda: ACCEPT in peer.actions)
    assert [item.name for item in peer.requests[0].contents] == ["0"]
    peer.hang_up()
    await stage.over(call)


def refusing(*actions: Action, error: SignalingError) -> Callable[[Jingle], SignalingError | None]:
    return lambda jingle: error if jingle.action in actions else None


async def test_the_peer_refuses_the_answer(stage: Stage) -> None:
    error = SignalingError("not-acceptable", "no", "security-required")
    stage.signaling.fail = refusing(ACCEPT, error=error)
    call = stage.peer().call()
    await stage.over(call)
    assert stage.signaling.sent[-1].jingle.action is TERMINATE
    assert call.reason is not None
    assert call.reason.condition is ReasonCondition.GENERAL_ERROR
    assert "not-acceptable: no" in str(call.reason)


@pytest.mark.parametrize("who", ["the server", "nobody"])
async def test_nobody_confirms_the_answer(stage: Stage, who: str) -> None:
    if who == "nobody":
        stage.limits = replace(QUICK, request_timeout=0.03)
        stage.signaling.answers = False
    else:
        error = SignalingError("remote-server-timeout", "no answer in time")
        stage.signaling.fail = refusing(ACCEPT, error=error)
    call = stage.peer().call()
    await stage.over(call)
    assert [item.jingle.action for item in stage.signaling.sent][-1] is TERMINATE
    assert call.reason is not None
    assert call.reason.condition is ReasonCondition.TIMEOUT


async def test_a_peer_that_confirms_only_the_answer(stage: Stage) -> None:
    """Monal answers neither session-info nor session-terminate."""
    stage.limits = replace(QUICK, request_timeout=0.02)

    def fail(jingle: Jingle) -> SignalingError | None:
        stage.signaling.answers = jingle.action is ACCEPT
        return None

    stage.signaling.fail = fail
    call = stage.peer().call()
    await eventually(lambda: len(stage.signaling.sent) == 3)
    stage.media().change(ConnectionState.CONNECTED)
    await asyncio.sleep(0.05)
    assert not call.task.done()
    call.hang_up()
    await stage.over(call)
    assert [item.jingle.action for item in stage.signaling.sent] == [ACCEPT, INFO, INFO, TERMINATE]


async def test_a_peer_that_answers_nothing_is_told_of_the_end(stage: Stage) -> None:
    """Requests without results are bounded; the last one has its place kept."""
    stage.limits = replace(QUICK, requests=8, request_timeout=60)
    stage.signaling.answers = False
    call = stage.peer().call()
    await eventually(lambda: len(stage.signaling.sent) == 3)
    media = stage.media()
    media.change(ConnectionState.CONNECTED)
    found = LocalCandidates(
        trickled=TrickledCandidates(mid="0", ufrag="fake", candidates=CANDIDATES[:1])
    )
    for _ in range(10):
        media.emit(found)
    await stage.over(call)
    actions = [item.jingle.action for item in stage.signaling.sent]
    assert actions == [ACCEPT, *[INFO] * 7, TERMINATE]
    assert call.reason is not None
    assert call.reason.condition is ReasonCondition.GENERAL_ERROR


async def test_hang_up_of_a_peer_that_answers_nothing(stage: Stage) -> None:
    stage.limits = replace(QUICK, requests=3, request_timeout=60)
    stage.signaling.answers = False
    call = stage.peer().call()
    await eventually(lambda: len(stage.signaling.sent) == 3)
    call.hang_up()
    await stage.over(call)
    assert stage.signaling.sent[-1].jingle.action is TERMINATE
    assert call.reason is not None
    assert call.reason.condition is ReasonCondition.SUCCESS


@pytest.mark.parametrize(
    "condition", ["item-not-found", "gone", "recipient-unavailable", "remote-server-not-found"]
)
async def test_a_peer_that_is_no_more_ends_the_call(stage: Stage, condition: str) -> None:
    stage.signaling.fail = refusing(INFO, error=SignalingError(condition, "who?"))
    call = stage.peer().call()
    await stage.over(call)
    assert call.reason is not None
    assert call.reason.condition is ReasonCondition.GONE
    assert TERMINATE not in [item.jingle.action for item in stage.signaling.sent]


@pytest.mark.parametrize("condition", ["recipient-unavailable", "remote-server-not-found"])
async def test_media_that_flows_knows_better_than_a_server(stage: Stage, condition: str) -> None:
    """A server that was started again answers so until the peer has signed in again."""
    call = stage.peer().call()
    await eventually(lambda: len(stage.signaling.sent) == 3)
    stage.media().change(ConnectionState.CONNECTED)
    stage.signaling.fail = refusing(INFO, error=SignalingError(condition))
    stage.media().emit(
        LocalCandidates(
            trickled=TrickledCandidates(mid="0", ufrag="fake", candidates=CANDIDATES[:1])
        )
    )
    await eventually(lambda: len(stage.signaling.sent) == 4)
    await idle()
    assert not call.task.done()
    call.hang_up()
    await stage.over(call)
    assert stage.signaling.sent[-1].jingle.action is TERMINATE


async def test_an_accept_that_was_lost_is_said_again(stage: Stage) -> None:
    """Nothing tells that the first has arrived: no media."""
    lost = [errors.AnswerLost("the link was lost")] * 2
    stage.signaling.fail = lambda jingle: lost.pop() if lost and jingle.action is ACCEPT else None
    call = stage.peer().call()
    await eventually(lambda: not lost)
    await eventually(lambda: accepts(stage) == 3)
    stage.media().change(ConnectionState.CONNECTED)
    await asyncio.sleep(1.5 * QUICK.connect_timeout)
    assert not call.task.done()
    call.hang_up()
    await stage.over(call)


async def test_media_tells_that_an_accept_has_arrived(stage: Stage) -> None:
    """Twice it would be out of order."""
    stage.signaling = gated = Gated(errors.AnswerLost("the link was lost"))
    call = stage.peer().call()
    await eventually(lambda: accepts(stage) == 1)
    stage.media().change(ConnectionState.CONNECTED)
    await idle()
    gated.gate.set()
    await idle()
    assert accepts(stage) == 1
    assert not call.task.done()
    call.hang_up()
    await stage.over(call)


@pytest.mark.parametrize("lost", [1, 0])
async def test_an_accept_that_is_out_of_order(stage: Stage, lost: int) -> None:
    """Said again, that only tells that the first one has arrived."""
    failures = [errors.AnswerLost("the link was lost")] * lost
    refused = SignalingError("unexpected-request", "", "out-of-order")
    stage.signaling.fail = lambda jingle: (
        (failures.pop() if failures else refused) if jingle.action is ACCEPT else None
    )
    call = stage.peer().call()
    await eventually(lambda: accepts(stage) == 1 + lost)
    if lost:
        stage.media().change(ConnectionState.CONNECTED)
        await idle()
        assert not call.task.done()
        call.hang_up()
    await stage.over(call)
    assert call.reason is not None
    assert (call.reason.condition is ReasonCondition.SUCCESS) == bool(lost)


@pytest.mark.parametrize("connected", [True, False])
async def test_an_accept_that_nobody_answers(stage: Stage, connected: bool) -> None:
    """The server was away for long; but media flows, so the peer has what it needs."""
    stage.signaling = gated = Gated(SignalingError("remote-server-timeout", "no link"))
    call = stage.peer().call()
    await eventually(lambda: accepts(stage))
    if connected:
        stage.media().change(ConnectionState.CONNECTED)
        await idle()
    gated.gate.set()
    await idle()
    if connected:
        assert not call.task.done()
        call.hang_up()
    await stage.over(call)
    assert call.reason is not None
    expected = ReasonCondition.SUCCESS if connected else ReasonCondition.TIMEOUT
    assert call.reason.condition is expected


@pytest.mark.parametrize("condition", ["not-acceptable", "bad-request", "feature-not-implemented"])
async def test_a_candidate_that_is_refused_ends_nothing(stage: Stage, condition: str) -> None:
    stage.signaling.fail = refusing(INFO, error=SignalingError(condition))
    call = stage.peer().call()
    await eventually(lambda: len(stage.signaling.sent) == 3)
    stage.media().change(ConnectionState.CONNECTED)
    await idle()
    assert not call.task.done()
    call.hang_up()
    await stage.over(call)


async def test_words_of_a_reason_are_fit_for_xml(stage: Stage) -> None:
    """One character that XML forbids would close the component's stream for all calls."""
    stage.engine.open_error = errors.FailedApplication("bad\x00 \x1b[31m\ud800\uffff" + "x" * 5_000)
    peer = stage.peer()
    call = peer.call()
    await stage.over(call)
    words = peer.ending[1]
    assert words.startswith("bad? ?[31m")
    assert len(words) <= 500
    assert all(item.isprintable() for item in words)
