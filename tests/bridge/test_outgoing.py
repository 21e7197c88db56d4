"""Calls that we place: whom they reach, how they go on and how they end."""

import asyncio
from dataclasses import replace

import pytest

from jinglebridge.bridge.call import Progress
from jinglebridge.bridge.outgoing import OutgoingCall
from jinglebridge.bridge.ports import ConnectionState
from jinglebridge.errors import (
    ConnectivityError,
    NotAllowed,
    SignalingError,
    UnknownSession,
)
from jinglebridge.protocol.jingle.xep_0166 import (
    Action,
    Jingle,
    ReasonCondition,
    reason_of,
)
from jinglebridge.protocol.jingle.xep_0167 import Ringing as RingingInfo
from jinglebridge.protocol.jingle.xep_0353 import (
    Accept,
    Finish,
    Propose,
    Reject,
    Retract,
)
from jinglebridge.protocol.session.transitions import State
from tests.bridge.callee import (
    ACCOUNT,
    FULL,
    GARDEN,
    JINGLE_ONLY,
    Device,
    World,
    answer_at_once,
    connected,
    over,
    proceed_at_once,
    steps,
)
from tests.bridge.stage import BRIDGE, JULIET, eventually, idle

RINGING, ANSWERED, ENDED = Progress.RINGING, Progress.ANSWERED, Progress.ENDED


async def test_a_device_takes_the_call_and_gets_its_session(world: World) -> None:
    outgoing, device = await connected(world)
    (propose,) = [item for item in device.heard if isinstance(item, Propose)]
    assert [item.media for item in propose.descriptions] == ["audio"]
    first = world.stage.signaling.messages[0]
    assert (first.sender, first.peer) == (FULL, ACCOUNT)
    assert first.stanza_id == f"jm-propose-{propose.id}"
    initiate = device.requests[0]
    assert (initiate.action, initiate.sid) == (Action.SESSION_INITIATE, propose.id)
    assert initiate.initiator == FULL
    assert [content.name for content in initiate.contents] == ["0"]
    assert device.actions[1:] == [Action.TRANSPORT_INFO]
    assert outgoing.call is not None
    assert (outgoing.call.session.peer, outgoing.call.service) == (JULIET, "echo")
    outgoing.hang_up()
    assert await over(outgoing) == (ReasonCondition.SUCCESS, "")
    assert await steps(outgoing) == [RINGING, ANSWERED, Progress.CONNECTED, ENDED]
    assert device.actions[-1] is Action.SESSION_TERMINATE
    assert device.reason_of(Finish) == reason_of(ReasonCondition.SUCCESS)


async def test_audio_and_video(world: World) -> None:
    device = world.add()
    device.on_propose, device.on_offer = proceed_at_once, answer_at_once
    outgoing = world.stage.bridge.call(ACCOUNT, "echo", kinds=("audio", "video"))
    await eventually(lambda: device.actions.count(Action.SESSION_INITIATE))
    assert [item.media for item in device.heard[0].descriptions] == ["audio", "video"]  # type: ignore[union-attr] # a propose
    assert len(device.requests[0].contents) == 2
    outgoing.hang_up()
    await over(outgoing)


async def test_the_peer_hangs_up(world: World) -> None:
    outgoing, device = await connected(world)
    device.terminate(device.proposed)
    device.say(Finish(id=device.proposed, reason=reason_of(ReasonCondition.SUCCESS)))
    assert await over(outgoing) == (ReasonCondition.SUCCESS, "")
    assert Action.SESSION_TERMINATE not in device.actions
    assert device.said_to_it == ["propose", "finish"]


async def test_media_that_breaks_ends_it_on_both_levels(world: World) -> None:
    outgoing, device = await connected(world)
    world.stage.media().change(ConnectionState.FAILED, ConnectivityError("no way"))
    assert await over(outgoing) == (ReasonCondition.CONNECTIVITY_ERROR, "no way")
    assert device.actions[-1] is Action.SESSION_TERMINATE
    reason = device.reason_of(Finish)
    assert reason is not None
    assert reason.condition is ReasonCondition.CONNECTIVITY_ERROR


@pytest.mark.parametrize("condition", [ReasonCondition.BUSY, ReasonCondition.DECLINE])
async def test_declined(world: World, condition: ReasonCondition) -> None:
    device, other = world.add(), world.add(GARDEN)
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: other.heard)
    other.ring()
    device.reject(condition)
    device.proceed()
    assert await over(outgoing) == (condition, "")
    assert await steps(outgoing) == [RINGING, ENDED]
    assert device.said_to_it == other.said_to_it == ["propose"]
    assert not world.stage.engine.sessions


async def test_a_rejection_without_a_reason_is_a_decline(world: World) -> None:
    device = world.add()
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.heard)
    device.say(Reject(id=device.proposed))
    assert await over(outgoing) == (ReasonCondition.DECLINE, "")


async def test_we_think_better_of_it_while_it_rings(world: World) -> None:
    device = world.add()
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.heard)
    device.ring()
    outgoing.hang_up()
    assert await over(outgoing) == (ReasonCondition.CANCEL, "")
    assert device.reason_of(Retract) == reason_of(ReasonCondition.CANCEL)


async def test_we_think_better_of_it_at_once(world: World) -> None:
    device = world.add()
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    outgoing.hang_up(reason_of(ReasonCondition.CANCEL))
    outgoing.hang_up()
    assert await over(outgoing) == (ReasonCondition.CANCEL, "")
    assert await steps(outgoing) == [ENDED]
    assert not device.heard


async def test_we_think_better_of_it_before_the_answer(world: World) -> None:
    device = world.add()
    device.on_propose = proceed_at_once
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.requests)
    outgoing.hang_up()
    assert (await over(outgoing))[0] is ReasonCondition.CANCEL
    end = device.requests[-1]
    assert (end.action, end.reason) == (
        Action.SESSION_TERMINATE,
        reason_of(ReasonCondition.CANCEL),
    )
    assert device.said_to_it == ["propose", "finish"]


async def test_the_first_device_wins(world: World) -> None:
    first, second = world.add(), world.add(GARDEN)
    first.on_offer = answer_at_once
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: second.heard)
    first.proceed()
    second.proceed()
    second.reject()
    second.say(Accept(id=second.proposed))
    await eventually(lambda: first.actions.count(Action.TRANSPORT_INFO))
    assert not second.requests
    # not a word to the second: the first would hear it too
    assert second.said_to_it == ["propose"]
    outgoing.hang_up()
    await over(outgoing)


async def test_a_device_that_rejects_what_it_took(world: World) -> None:
    outgoing, device = await connected(world)
    device.reject(ReasonCondition.DECLINE)
    assert await over(outgoing) == (ReasonCondition.DECLINE, "")
    assert device.actions[-1] is Action.SESSION_TERMINATE


@pytest.mark.parametrize("message", [Reject, Finish])
async def test_a_device_that_takes_the_call_and_thinks_better_of_it_at_once(
    world: World, message: type[Reject | Finish]
) -> None:
    """Both messages are there before we look at the first one."""
    device = world.add()
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.heard)
    device.proceed()
    device.say(message(id=device.proposed, reason=reason_of(ReasonCondition.GONE)))
    assert await over(outgoing) == (ReasonCondition.GONE, "")
    assert not device.requests
    assert not world.stage.bridge.calls


async def test_a_full_jid_is_proposed_to_alone(world: World) -> None:
    device, other = world.add(), world.add(GARDEN)
    device.on_propose, device.on_offer = proceed_at_once, answer_at_once
    outgoing = world.stage.bridge.call(JULIET, "echo")
    await eventually(lambda: device.requests)
    assert not other.heard
    assert world.stage.signaling.messages[0].peer == JULIET
    outgoing.hang_up()
    await over(outgoing)


@pytest.mark.parametrize("jid", [JULIET, ACCOUNT])
async def test_a_client_without_initiation_gets_the_session_at_once(world: World, jid: str) -> None:
    device = world.add(features=JINGLE_ONLY)
    outgoing = world.stage.bridge.call(jid, "echo")
    await eventually(lambda: device.requests)
    assert not device.heard
    sid = device.requests[0].sid
    device.bridge.deliver(
        JULIET, FULL, Jingle(action=Action.SESSION_INFO, sid=sid, info=RingingInfo())
    )
    device.accept(sid)
    await eventually(lambda: world.stage.media().committed)
    device.terminate(sid, ReasonCondition.DECLINE)
    assert await over(outgoing) == (ReasonCondition.DECLINE, "")
    assert await steps(outgoing) == [RINGING, ANSWERED, ENDED]
    assert not device.heard


async def test_devices_without_initiation_are_tried_one_after_another(world: World) -> None:
    world.stage.signaling.devices["juliet@example.org/gone"] = JINGLE_ONLY
    device, other = world.add(features=JINGLE_ONLY), world.add(GARDEN, JINGLE_ONLY)
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.requests)
    device.terminate(device.requests[0].sid, ReasonCondition.BUSY)
    assert await over(outgoing) == (ReasonCondition.BUSY, "")
    assert not other.requests


async def test_somebody_whose_devices_are_unknown_is_proposed_to(world: World) -> None:
    device = world.add(features=None)
    device.on_propose, device.on_offer = proceed_at_once, answer_at_once
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.requests)
    outgoing.hang_up()
    await over(outgoing)


async def test_a_device_that_does_not_say_what_it_knows_is_proposed_to(world: World) -> None:
    device = world.add(features=None)
    world.stage.signaling.devices[JULIET] = SignalingError("remote-server-timeout")
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.heard)
    outgoing.hang_up()
    await over(outgoing)


async def test_another_device_of_the_account_may_accept(world: World) -> None:
    device = world.add(features=JINGLE_ONLY)
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.requests)
    sid = device.requests[0].sid
    with pytest.raises(UnknownSession):
        device.accept(sid, as_device="mallory@example.org/x")
    device.sessions[sid]._facts = world_before(device, sid)
    device.accept(sid, as_device=GARDEN)
    world.devices[GARDEN] = device
    await eventually(lambda: world.stage.media().committed)
    (call,) = world.stage.bridge.calls
    assert call.session.peer == GARDEN
    with pytest.raises(UnknownSession):
        device.terminate(sid)
    outgoing.hang_up()
    await over(outgoing)
    assert world.stage.signaling.sent[-1].peer == GARDEN


def world_before(device: Device, sid: str):  # type: ignore[no-untyped-def] # the session's own
    """The facts of a session whose accept was refused, as before it."""
    return replace(device.sessions[sid]._facts, state=State.PENDING, answer=None)


async def test_accepting_for_somebody_else_is_refused(world: World) -> None:
    device = world.add(features=JINGLE_ONLY)
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.requests)
    sid = device.requests[0].sid
    accept = Jingle(action=Action.SESSION_ACCEPT, sid=sid, responder="mallory@example.org/x")
    with pytest.raises(NotAllowed):
        device.bridge.deliver(JULIET, FULL, accept)
    device.accept(sid)
    await eventually(lambda: world.stage.media().committed)
    outgoing.hang_up()
    await over(outgoing)


async def test_names_are_compared_as_servers_write_them(world: World) -> None:
    device = world.add()
    device.on_propose, device.on_offer = proceed_at_once, answer_at_once
    outgoing = world.stage.bridge.call("Juliet@Example.ORG", "Echo+Loud")
    await eventually(lambda: world.stage.signaling.messages)
    assert world.stage.signaling.messages[0].sender == f"echo+loud@{BRIDGE}/media"
    assert world.stage.signaling.messages[0].peer == ACCOUNT
    outgoing.hang_up()
    await over(outgoing)


async def test_a_stopping_bridge_ends_calls_at_every_stage(world: World) -> None:
    outgoing, _ = await connected(world)
    romeo = world.add("romeo@example.org/orchard")
    ringing = world.stage.bridge.call("romeo@example.org", "echo")
    await eventually(lambda: romeo.heard)
    fresh = world.stage.bridge.call("nurse@example.org", "echo")
    await world.stage.bridge.close(reason_of(ReasonCondition.GONE, "maintenance"))
    for one in (outgoing, ringing, fresh):
        assert await over(one) == (ReasonCondition.GONE, "maintenance")
    assert romeo.said_to_it == ["propose", "retract"]


async def test_the_calls_of_others_are_let_alone(world: World) -> None:
    """Errors, crossings and sessions of one call say nothing to another one."""
    outgoing, _ = await connected(world)
    romeo = world.add("romeo@example.org/orchard")
    crossed = world.stage.bridge.call("romeo@example.org", "echo")
    await eventually(lambda: romeo.heard)
    romeo.propose("0")
    romeo.begin("0")
    await eventually(lambda: crossed.call)
    crossed.hang_up()
    await over(crossed)
    romeo.heard.clear()
    other = world.stage.bridge.call("romeo@example.org", "echo")
    await eventually(lambda: romeo.heard)
    stanza_id = f"jm-propose-{romeo.proposed}"
    world.stage.bridge.message_failed("romeo@example.org", FULL, stanza_id, "service-unavailable")
    assert (await over(other))[0] is ReasonCondition.GONE
    assert not outgoing.task.done()
    outgoing.hang_up()
    await over(outgoing)


async def test_what_is_connected_does_not_ring_any_more(world: World) -> None:
    outgoing, device = await connected(world, features=JINGLE_ONLY)
    info = Jingle(action=Action.SESSION_INFO, sid=device.requests[0].sid, info=RingingInfo())
    device.bridge.deliver(JULIET, FULL, info)
    await idle()
    outgoing.hang_up()
    assert (await over(outgoing))[0] is ReasonCondition.SUCCESS
    assert await steps(outgoing) == [Progress.ANSWERED, Progress.CONNECTED, Progress.ENDED]


async def test_after_hanging_up_no_other_device_is_tried(world: World) -> None:
    """The first one says at the same moment that it is not there."""
    world.add(features=JINGLE_ONLY)
    second = world.add(GARDEN, JINGLE_ONLY)
    ours: list[OutgoingCall] = []

    def refuse(jingle: Jingle) -> SignalingError | None:
        if jingle.action is not Action.SESSION_INITIATE:
            return None
        asyncio.get_running_loop().call_soon(ours[0].hang_up)
        return SignalingError("service-unavailable")

    world.stage.signaling.fail = refuse
    ours.append(world.stage.bridge.call(ACCOUNT, "echo"))
    await over(ours[0])
    assert not [item for item in second.requests if item.action is Action.SESSION_INITIATE]
    actions = [sent.jingle.action for sent in world.stage.signaling.sent]
    assert actions.count(Action.SESSION_INITIATE) == 1


@pytest.mark.parametrize(
    "action", [Action.SESSION_TERMINATE, Action.TRANSPORT_INFO, Action.SESSION_INFO]
)
async def test_another_device_of_the_account_may_do_nothing_else(
    world: World, action: Action
) -> None:
    device = world.add(features=JINGLE_ONLY)
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.requests)
    request = Jingle(action=action, sid=device.requests[0].sid)
    with pytest.raises(UnknownSession):
        device.bridge.deliver(GARDEN, FULL, request)
    await idle()
    assert not outgoing.task.done()
    outgoing.hang_up()
    await over(outgoing)
