"""Calls of ours that come to an end, or give way, while something else goes on."""

import asyncio
from dataclasses import replace

import pytest

from jinglebridge.bridge.call import Progress
from jinglebridge.bridge.outgoing import OutgoingCall
from jinglebridge.errors import OutOfOrder, SignalingError
from jinglebridge.protocol.jingle.xep_0166 import Action, Jingle, ReasonCondition
from jinglebridge.protocol.jingle.xep_0167 import Ringing as RingingInfo
from jinglebridge.protocol.jingle.xep_0353 import Finish
from tests.bridge.callee import FULL, JINGLE_ONLY, Device, World, answer_at_once, proceed_at_once
from tests.bridge.stage import CONNECTED, JULIET, Stage, eventually, idle

ACCOUNT = "juliet@example.org"
GARDEN = "juliet@example.org/garden"


@pytest.fixture
def world(stage: Stage) -> World:
    return World(stage)


async def over(outgoing: OutgoingCall) -> ReasonCondition | None:
    """Wait for the end of a call; its condition."""
    async with asyncio.timeout(3):
        await asyncio.wait({outgoing.task})
    assert outgoing.task.exception() is None
    assert outgoing.reason is not None
    return outgoing.reason.condition


async def connected(world: World, **features: frozenset[str]) -> tuple[OutgoingCall, Device]:
    device = world.add(**features)
    device.on_propose, device.on_offer = proceed_at_once, answer_at_once
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: world.stage.engine.sessions and world.stage.media().committed)
    world.stage.media().change(CONNECTED)
    await idle()
    return outgoing, device


async def test_a_call_that_has_no_room_never_begins(world: World) -> None:
    world.limited(calls_per_peer=1)
    outgoing, device = await connected(world, features=JINGLE_ONLY)
    before = len(device.requests)
    second = world.stage.bridge.call(ACCOUNT, "echo")
    assert await over(second) is ReasonCondition.BUSY
    await idle()
    assert len(device.requests) == before
    assert len(world.stage.engine.sessions) == 1
    outgoing.hang_up()
    await over(outgoing)


async def test_crossing_with_the_sid_of_a_running_call_ends_neither(world: World) -> None:
    device = world.add(features=JINGLE_ONLY)
    device.begin("0")
    await eventually(lambda: device.answers)
    (running,) = world.stage.bridge.calls
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: len(world.stage.bridge.calls) == 2)
    session = device.sessions["0"]
    with pytest.raises(OutOfOrder):
        device.begin("0")
    await idle()
    device.sessions["0"] = session
    assert len(world.stage.engine.sessions) == 2
    assert device.actions.count(Action.SESSION_ACCEPT) == 1
    assert running in world.stage.bridge.calls
    assert not outgoing.task.done()
    outgoing.hang_up()
    assert await over(outgoing) is ReasonCondition.CANCEL
    device.terminate("0")
    await world.stage.over(running)


async def test_hanging_up_ends_the_call_that_takes_the_place_of_ours(world: World) -> None:
    """In the moment in which ours is given up and the peer's is not led yet."""
    device = world.add(features=JINGLE_ONLY)
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.requests)
    device.begin("0")
    outgoing.hang_up()
    assert await over(outgoing) is ReasonCondition.CANCEL
    await idle()
    assert not world.stage.bridge.calls
    ended = [item.sid for item in device.requests if item.action is Action.SESSION_TERMINATE]
    assert ended[-1] == "0"


async def test_hanging_up_ends_the_peer_s_proposal_that_is_awaited(world: World) -> None:
    device = world.add()
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.heard)
    device.propose("0")
    await idle()
    outgoing.hang_up()
    assert await over(outgoing) is ReasonCondition.CANCEL
    assert device.said_to_it == ["propose", "retract", "ringing", "proceed", "finish"]
    reason = device.reason_of(Finish)
    assert reason is not None
    assert reason.condition is ReasonCondition.CANCEL


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


async def test_what_is_connected_does_not_ring_any_more(world: World) -> None:
    outgoing, device = await connected(world, features=JINGLE_ONLY)
    info = Jingle(action=Action.SESSION_INFO, sid=device.requests[0].sid, info=RingingInfo())
    device.bridge.deliver(JULIET, FULL, info)
    await idle()
    outgoing.hang_up()
    assert await over(outgoing) is ReasonCondition.SUCCESS
    async with asyncio.timeout(3):
        steps = [step async for step in outgoing.steps()]
    assert steps == [Progress.ANSWERED, Progress.CONNECTED, Progress.ENDED]


async def test_a_call_that_connects_before_ours_is_over_is_told_as_connected(world: World) -> None:
    device = world.add(features=JINGLE_ONLY)
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.requests)
    await idle()
    world.stage.signaling.answers = False  # so that ours waits for the last results
    device.begin("0")
    await eventually(lambda: len(world.stage.engine.sessions) == 2)
    world.stage.media().change(CONNECTED)
    await idle()
    assert outgoing.call is not None
    assert outgoing.call.session.sid != "0"
    world.stage.signaling.answers = True
    await eventually(lambda: outgoing.call and outgoing.call.session.sid == "0")
    outgoing.hang_up()
    await over(outgoing)
    async with asyncio.timeout(3):
        steps = [step async for step in outgoing.steps()]
    assert steps == [Progress.ANSWERED, Progress.CONNECTED, Progress.ENDED]


async def test_two_device_switches_take_the_call_along(world: World) -> None:
    outgoing, device = await connected(world)
    for name in ("next", "last"):
        device = world.add(f"{ACCOUNT}/{name}")
        device.propose(name)
        device.begin(name)
        await eventually(lambda it=device: it.answers)  # type: ignore[misc] # bound now
        await eventually(lambda sid=name: outgoing.call and outgoing.call.session.sid == sid)  # type: ignore[misc] # bound now
    assert not outgoing.task.done()
    device.terminate("last")
    assert await over(outgoing) is ReasonCondition.SUCCESS


async def test_a_bridge_that_stops_leaves_no_request_behind(world: World) -> None:
    """Whoever does not answer the last words is not waited for."""
    world.stage.limits = replace(world.stage.limits, request_timeout=60.0)
    world.limited()
    before = asyncio.all_tasks()
    await connected(world)
    world.stage.signaling.answers = False
    await world.stage.bridge.close()
    await idle()
    assert asyncio.all_tasks() <= before
