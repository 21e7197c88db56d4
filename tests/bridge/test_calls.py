"""A call from its session-initiate to its end."""

import asyncio
from dataclasses import replace

import pytest

from jinglebridge.bridge.call import Call
from jinglebridge.bridge.ports import ConnectionState
from jinglebridge.protocol.jingle.residue import NAMESPACE as RESIDUE
from jinglebridge.protocol.jingle.xep_0166 import Action, Jingle, ReasonCondition, reason_of
from jinglebridge.protocol.jingle.xep_0167 import Mute
from jinglebridge.protocol.session.events import AnswerReceived
from jinglebridge.protocol.session.transitions import State
from jinglebridge.testing import CANDIDATE
from tests.bridge.stage import ECHO, JULIET, OFFER, Stage, eventually, idle

ACCEPT, TERMINATE = Action.SESSION_ACCEPT, Action.SESSION_TERMINATE
INFO = Action.TRANSPORT_INFO


async def test_offer_answer_candidates_and_media(stage: Stage) -> None:
    peer, call = await stage.connected()
    media = stage.media()

    assert media.offer is not None
    assert [item.media for item in media.offer.media] == ["audio", "video"]
    assert media.offer.media[0].ice_ufrag == OFFER.media[0].ice_ufrag
    assert peer.actions == [ACCEPT, INFO, INFO]
    assert peer.requests[0].responder == ECHO
    assert isinstance(peer.events[0], AnswerReceived)
    assert [item.mid for item in peer.events[0].answer.media] == ["0", "1"]
    first, end = peer.candidates
    assert [(item.ip, item.port) for item in first.candidates] == [(CANDIDATE.ip, CANDIDATE.port)]
    assert (first.ufrag, end.end_of_candidates) == ("fake", True)
    assert call.connection.value == "connected"
    assert (call.service, call.session.peer, call.session.local) == ("echo", JULIET, ECHO)

    peer.trickle(0, 1, end=True)
    await idle()
    assert [item.candidates[0].port for item in media.received[:2]] == [40_001, 40_002]
    assert media.received[-1].end_of_candidates

    peer.hang_up()
    await stage.over(call)
    assert peer.farewell is None
    assert call.reason == reason_of(ReasonCondition.SUCCESS)
    assert call.connection.value == "closed"


async def test_candidates_never_leave_before_the_answer(stage: Stage) -> None:
    peer, call = await stage.connected()
    media = stage.media()
    assert peer.actions.index(ACCEPT) == 0
    for request in peer.requests[1:]:
        (content,) = request.contents
        assert content.transport is not None
        assert content.transport.ufrag == "fake"
        assert content.transport.pwd == "f" * 22
        assert len(content.transport.candidates) + content.transport.gathering_complete == 1
    assert media.closed == 0
    call.hang_up()
    await stage.over(call)


async def test_candidates_behind_the_offer_wait_for_the_answer(stage: Stage) -> None:
    """The peer trickles at once; an engine that is still at work must not see that first."""
    gate = asyncio.Event()

    async def wait() -> None:
        await gate.wait()
        assert not stage.media().received

    stage.engine.before_answer = wait
    peer = stage.peer()
    call = peer.call()
    peer.trickle(0)
    peer.trickle(1)
    peer.trickle(end=True)
    await idle()
    media = stage.media()
    assert not media.received
    gate.set()
    await eventually(lambda: len(media.received) == 3)
    assert [len(item.candidates) for item in media.received] == [1, 1, 0]
    assert peer.actions[0] is ACCEPT
    call.hang_up()
    await stage.over(call)


async def test_acknowledged_before_any_work(stage: Stage) -> None:
    call = stage.peer().call()
    assert not stage.engine.sessions
    assert not stage.signaling.sent
    assert call.session.state is State.PENDING
    call.hang_up()
    await stage.over(call)


async def test_we_hang_up(stage: Stage) -> None:
    peer, call = await stage.connected()
    call.hang_up()
    await stage.over(call)
    assert peer.actions[-1] is TERMINATE
    assert peer.ending == (ReasonCondition.SUCCESS, "")


async def test_we_hang_up_with_a_reason(stage: Stage) -> None:
    peer, call = await stage.connected()
    call.hang_up(reason_of(ReasonCondition.EXPIRED, "your time is over"))
    call.hang_up()
    await stage.over(call)
    assert peer.ending == (ReasonCondition.EXPIRED, "your time is over")


async def test_both_hang_up_at_once(stage: Stage) -> None:
    peer, call = await stage.connected()
    call.hang_up()
    peer.hang_up()
    await stage.over(call)
    assert peer.farewell is None


async def test_the_peer_goes_offline(stage: Stage) -> None:
    peer, call = await stage.connected()
    other, running = await stage.connected("sid2", "juliet@example.org/garden")
    stage.bridge.peer_gone(JULIET)
    await stage.over(call)
    assert peer.ending[0] is ReasonCondition.GONE
    assert stage.bridge.calls == (running,)
    assert other.farewell is None
    running.hang_up()
    await stage.over(running)


async def test_the_bridge_stops(stage: Stage) -> None:
    calls = [await stage.connected(f"sid{number}", f"romeo{number}@a/b") for number in range(3)]
    await stage.bridge.close()
    for peer, call in calls:
        assert call.task.done()
        assert peer.ending == (ReasonCondition.GONE, "the bridge stops")
    assert stage.engine.closed


async def test_the_bridge_stops_for_a_reason(stage: Stage) -> None:
    peer, _ = await stage.connected()
    await stage.bridge.close(reason_of(ReasonCondition.EXPIRED, "maintenance"))
    assert peer.ending == (ReasonCondition.EXPIRED, "maintenance")


async def test_an_engine_at_work_does_not_keep_the_bridge_from_stopping(stage: Stage) -> None:
    """The answer takes longer than the bridge has: the peer is told all the same."""
    stage.engine.before_answer = asyncio.Event().wait  # type: ignore[assignment] # never answers
    peer = stage.peer()
    call = peer.call()
    await idle()
    await stage.bridge.close()
    assert call.task.done()
    assert peer.actions == [TERMINATE]
    assert peer.ending == (ReasonCondition.GONE, "the bridge stops")


async def test_the_peer_hangs_up_while_the_engine_answers(stage: Stage) -> None:
    gate = asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    stage.engine.before_answer = wait
    peer = stage.peer()
    call = peer.call()
    await idle()
    peer.hang_up(ReasonCondition.CANCEL)
    gate.set()
    await stage.over(call)
    assert not peer.requests
    assert call.reason == reason_of(ReasonCondition.CANCEL)


async def test_we_hang_up_while_the_engine_answers(stage: Stage) -> None:
    gate = asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    stage.engine.before_answer = wait
    peer = stage.peer()
    call = peer.call()
    await idle()
    call.hang_up(reason_of(ReasonCondition.BUSY))
    gate.set()
    await stage.over(call)
    assert peer.actions == [TERMINATE]
    assert peer.ending[0] is ReasonCondition.BUSY


async def test_the_peer_informs(stage: Stage) -> None:
    peer, call = await stage.connected()
    mute = Mute(creator="initiator", name="0")
    peer.send(Jingle(action=Action.SESSION_INFO, sid="sid1", info=mute))
    peer.send(Jingle(action=Action.SESSION_INFO, sid="sid1"))
    await idle()
    assert not call.task.done()
    call.hang_up()
    await stage.over(call)


async def test_a_full_jid_is_answered_from_that_full_jid(stage: Stage) -> None:
    peer = stage.peer(local=f"{ECHO}/media")
    call = peer.call()
    await eventually(lambda: peer.actions == [ACCEPT, INFO, INFO])
    assert {item.sender for item in stage.signaling.sent} == {f"{ECHO}/media"}
    call.hang_up()
    await stage.over(call)


async def test_calls_do_not_know_each_other(stage: Stage) -> None:
    """One engine that hangs delays nobody else's call."""
    stage.engine.before_answer = asyncio.Event().wait  # type: ignore[assignment] # never answers
    slow = stage.peer("slow", "slow@a/b").call()
    await idle()
    stage.engine.before_answer = _at_once
    peer, call = await stage.connected("quick", "quick@a/b")
    assert peer.actions == [ACCEPT, INFO, INFO]
    call.hang_up()
    await stage.over(call)
    await stage.over(slow)


async def _at_once() -> None:
    pass


@pytest.mark.parametrize("state", [ConnectionState.CONNECTING, ConnectionState.DISCONNECTED])
async def test_passing_states_of_the_media_end_nothing(
    stage: Stage, state: ConnectionState
) -> None:
    _, call = await stage.connected()
    stage.media().change(state)
    await idle()
    assert call.connection is state
    assert not call.task.done()
    call.hang_up()
    await stage.over(call)


async def test_fifty_calls_one_after_another(stage: Stage) -> None:
    ended: list[Call] = []
    for number in range(50):
        peer, call = await stage.connected(f"sid{number}")
        peer.hang_up()
        await stage.over(call)
        ended.append(call)
    assert len(stage.engine.sessions) == 50


@pytest.mark.parametrize(("feature", "told"), [(RESIDUE, 1), ("urn:xmpp:jingle:1", 0)])
async def test_a_call_follows_the_callers_habits(stage: Stage, feature: str, told: int) -> None:
    """Only who is known to understand the end of candidates is told of it."""
    stage.signaling.devices[JULIET] = frozenset({feature})
    peer = stage.peer()
    request = peer.session.initiate(OFFER)
    contents = tuple(replace(item, residue=None) for item in request.contents)
    peer.send(replace(request, contents=contents, residue=None))
    await eventually(lambda: Action.SESSION_ACCEPT in peer.actions)
    await idle()
    ends = [
        content.transport.gathering_complete
        for sent in peer.requests
        for content in sent.contents
        if content.transport is not None
    ]
    assert sum(ends) == told
    (call,) = stage.bridge.calls
    call.hang_up()
    await stage.over(call)
