"""Who may do what: requests that are refused before they change anything."""

from dataclasses import replace

import pytest

from jinglebridge.bridge.limits import Limits
from jinglebridge.errors import (
    MalformedStanza,
    NotAllowed,
    OutOfOrder,
    PolicyViolation,
    RemoteProtocolError,
    ResourceConstraint,
    ServiceUnknown,
    UnknownSession,
    UnsupportedAction,
    UnsupportedInfo,
)
from jinglebridge.protocol.jingle.xep_0166 import (
    Action,
    Content,
    Creator,
    Jingle,
    ReasonCondition,
    reason_of,
)
from jinglebridge.protocol.session.session import JingleSession
from tests.bridge.stage import BRIDGE, ECHO, JULIET, OFFER, QUICK, Stage, eventually, idle

LATER = [action for action in Action if action is not Action.SESSION_INITIATE]


@pytest.mark.parametrize(
    ("peer", "local", "sid"),
    [
        (JULIET, ECHO, "another"),
        ("mallory@example.org/balcony", ECHO, "sid1"),
        ("juliet@example.org/garden", ECHO, "sid1"),
        ("juliet@example.org", ECHO, "sid1"),
        ("juliet@elsewhere.org/balcony", ECHO, "sid1"),
        (JULIET, f"closed@{BRIDGE}", "sid1"),
        (JULIET, BRIDGE, "sid1"),
        (JULIET, f"echo+more@{BRIDGE}", "sid1"),
    ],
    ids=["sid", "account", "resource", "bare", "domain", "service", "component", "argument"],
)
async def test_a_known_sid_opens_nothing(stage: Stage, peer: str, local: str, sid: str) -> None:
    honest, call = await stage.connected()
    before = (call.session.state, len(honest.requests), call.reason)
    reason = reason_of(ReasonCondition.SUCCESS)
    for action in LATER:
        with pytest.raises(UnknownSession):
            stage.bridge.deliver(peer, local, Jingle(action=action, sid=sid, reason=reason))
    await idle()
    assert (call.session.state, len(honest.requests), call.reason) == before
    assert not stage.media().received
    call.hang_up()
    await stage.over(call)


async def test_either_jid_of_the_service_reaches_the_session(stage: Stage) -> None:
    peer, call = await stage.connected()
    reason = reason_of(ReasonCondition.SUCCESS)
    request = Jingle(action=Action.SESSION_TERMINATE, sid="sid1", reason=reason)
    stage.bridge.deliver(JULIET, f"{ECHO}/media", request)
    await stage.over(call)
    assert peer.farewell is None


EXPECTED: dict[Action, type[RemoteProtocolError]] = {
    Action.SESSION_INITIATE: OutOfOrder,
    Action.SESSION_ACCEPT: OutOfOrder,
    Action.CONTENT_ACCEPT: OutOfOrder,
    Action.CONTENT_REJECT: OutOfOrder,
    Action.TRANSPORT_ACCEPT: OutOfOrder,
    Action.TRANSPORT_REJECT: OutOfOrder,
    Action.CONTENT_ADD: UnsupportedAction,
    Action.CONTENT_MODIFY: UnsupportedAction,
    Action.CONTENT_REMOVE: UnsupportedAction,
    Action.DESCRIPTION_INFO: UnsupportedAction,
    Action.SECURITY_INFO: UnsupportedAction,
    Action.TRANSPORT_REPLACE: UnsupportedAction,
}


@pytest.mark.parametrize(("action", "error"), EXPECTED.items(), ids=str)
async def test_actions_that_a_running_call_does_not_take(
    stage: Stage, action: Action, error: type[RemoteProtocolError]
) -> None:
    peer, call = await stage.connected()
    contents = (Content(creator=Creator.INITIATOR, name="0"),)
    with pytest.raises(error):
        peer.send(Jingle(action=action, sid="sid1", contents=contents))
    assert not call.task.done()
    assert len(stage.bridge.calls) == 1
    peer.hang_up()
    await stage.over(call)


async def test_session_info_that_nobody_knows(stage: Stage) -> None:
    peer, call = await stage.connected()
    with pytest.raises(UnsupportedInfo):
        peer.send(Jingle(action=Action.SESSION_INFO, sid="sid1", foreign=("{urn:x}wave",)))
    peer.hang_up()
    await stage.over(call)


def initiate(peer: str = JULIET, local: str = ECHO, sid: str = "sid1") -> Jingle:
    return JingleSession(role=Creator.INITIATOR, sid=sid, local=peer, peer=local).initiate(OFFER)


async def refused(
    stage: Stage, jingle: Jingle, *, peer: str = JULIET, local: str = ECHO
) -> RemoteProtocolError:
    count = len(stage.bridge.calls)
    with pytest.raises(RemoteProtocolError) as caught:
        stage.bridge.deliver(peer, local, jingle)
    await idle()
    assert len(stage.bridge.calls) == count
    return caught.value


@pytest.mark.parametrize(
    "initiator", ["mallory@example.org/balcony", "juliet@elsewhere.org/balcony", "x"]
)
async def test_a_session_is_initiated_for_oneself(stage: Stage, initiator: str) -> None:
    error = await refused(stage, replace(initiate(), initiator=initiator))
    assert isinstance(error, NotAllowed)
    assert not stage.engine.sessions


@pytest.mark.parametrize("initiator", [None, JULIET, "juliet@example.org/garden"])
async def test_an_initiator_of_the_same_account_is_fine(
    stage: Stage, initiator: str | None
) -> None:
    stage.bridge.deliver(JULIET, ECHO, replace(initiate(), initiator=initiator))
    (call,) = stage.bridge.calls
    call.hang_up()
    await stage.over(call)


@pytest.mark.parametrize("local", [f"nobody@{BRIDGE}", BRIDGE, f"@{BRIDGE}", f"{BRIDGE}/echo"])
async def test_nobody_answers_there(stage: Stage, local: str) -> None:
    assert isinstance(await refused(stage, initiate(), local=local), ServiceUnknown)


async def test_a_service_chooses_its_callers(stage: Stage) -> None:
    closed = f"closed@{BRIDGE}"
    assert isinstance(await refused(stage, initiate(), local=closed), NotAllowed)
    stage.bridge.deliver(JULIET, f"closed+friend@{BRIDGE}", initiate())
    (call,) = stage.bridge.calls
    assert call.service == "closed"
    call.hang_up()
    await stage.over(call)


async def test_a_sid_is_used_once_at_a_time(stage: Stage) -> None:
    peer, call = await stage.connected()
    assert isinstance(await refused(stage, initiate()), OutOfOrder)
    peer.hang_up()
    await stage.over(call)
    _, again = await stage.connected()
    again.hang_up()
    await stage.over(again)


async def test_calls_of_one_account_are_bounded(stage: Stage) -> None:
    stage.limits = replace(QUICK, calls_per_peer=2)
    _, first = await stage.connected("a", "juliet@example.org/1")
    await stage.connected("b", "juliet@example.org/2")
    third = "juliet@example.org/3"
    assert isinstance(
        await refused(stage, initiate(third, sid="c"), peer=third), ResourceConstraint
    )
    await stage.connected("d", "romeo@example.org/1")
    first.hang_up()
    await stage.over(first)
    await stage.connected("c", third)
    await stage.bridge.close()


async def test_calls_are_bounded_in_all(stage: Stage) -> None:
    stage.limits = replace(QUICK, calls=2)
    await stage.connected("a", "a@x/1")
    _, second = await stage.connected("b", "b@x/1")
    assert isinstance(await refused(stage, initiate("c@x/1"), peer="c@x/1"), ResourceConstraint)
    second.hang_up()
    await stage.over(second)
    await stage.connected("c", "c@x/1")
    await stage.bridge.close()


async def test_contents_are_bounded(stage: Stage) -> None:
    stage.limits = replace(QUICK, contents=3)
    (content, *_) = initiate().contents
    many = tuple(replace(content, name=f"c{number}") for number in range(4))
    error = await refused(stage, replace(initiate(), contents=many, groups=()))
    assert isinstance(error, PolicyViolation)
    stage.bridge.deliver(JULIET, ECHO, replace(initiate(), contents=many[:3], groups=()))
    await eventually(lambda: stage.engine.sessions and stage.media().offer)
    await stage.bridge.close()


async def test_requests_that_wait_are_bounded(stage: Stage) -> None:
    stage.limits = replace(QUICK, inbox=5)
    peer, call = await stage.connected()
    for _ in range(5):
        peer.trickle(0)
    with pytest.raises(ResourceConstraint):
        peer.trickle(0)
    peer.hang_up()
    await stage.over(call)
    assert len(stage.media().received) == 5


async def test_a_session_without_contents_is_malformed(stage: Stage) -> None:
    error = await refused(stage, Jingle(action=Action.SESSION_INITIATE, sid="sid1"))
    assert isinstance(error, MalformedStanza)


async def test_two_contents_of_one_name_are_malformed(stage: Stage) -> None:
    (content, *_) = initiate().contents
    request = replace(initiate(), contents=(content, content), groups=())
    assert isinstance(await refused(stage, request), MalformedStanza)


async def test_a_bridge_that_stops_takes_no_calls(stage: Stage) -> None:
    peer, call = await stage.connected()
    closing = stage.bridge.close()
    late = initiate("late@x/1")
    stage.signaling.deliver = lambda _: stage.bridge.deliver("late@x/1", ECHO, late)
    await closing
    assert call.task.done()
    assert len(stage.engine.sessions) == 1
    assert isinstance(await refused(stage, late, peer="late@x/1"), ResourceConstraint)
    assert peer.farewell is None


def test_the_defaults_are_bounds() -> None:
    limits = Limits()
    assert limits.calls_per_peer < limits.calls
    assert limits.contents <= 64
    assert limits.accept_timeout < limits.connect_timeout
