"""Calls of ours that cross the peer's, or that another one takes the place of."""

import asyncio

import pytest

from jinglebridge.bridge.call import Progress
from jinglebridge.errors import (
    OutOfOrder,
    SignalingError,
)
from jinglebridge.protocol.jingle.xep_0166 import (
    Action,
    Creator,
    Jingle,
    ReasonCondition,
    reason_of,
)
from jinglebridge.protocol.jingle.xep_0353 import (
    Finish,
    Proceed,
    Reject,
    Retract,
)
from jinglebridge.protocol.session.session import JingleSession
from tests.bridge.callee import (
    ACCOUNT,
    GARDEN,
    JINGLE_ONLY,
    Device,
    World,
    answer_at_once,
    connected,
    over,
    steps,
)
from tests.bridge.stage import BRIDGE, CONNECTED, ECHO, JULIET, OFFER, eventually, idle

RINGING, ANSWERED, ENDED = Progress.RINGING, Progress.ANSWERED, Progress.ENDED


async def test_our_proposal_came_first(world: World) -> None:
    device = world.add()
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.heard)
    device.propose("~ sorts after every UUID")
    assert device.said_to_it == ["propose", "reject"]
    reject = device.heard[-1]
    assert isinstance(reject, Reject)
    assert reject.tie_break
    assert reject.reason == reason_of(ReasonCondition.EXPIRED, "Tie-Break")
    device.say(Retract(id="~ sorts after every UUID", reason=reject.reason, tie_break=True))
    device.on_offer = answer_at_once
    device.proceed()
    await eventually(lambda: device.actions.count(Action.TRANSPORT_INFO))
    outgoing.hang_up()
    await over(outgoing)


async def test_the_peer_s_proposal_came_first(world: World) -> None:
    device = world.add()
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.heard)
    device.propose("0")
    assert device.said_to_it == ["propose", "retract", "ringing", "proceed"]
    retract = device.heard[1]
    assert isinstance(retract, Retract)
    assert retract.tie_break
    device.begin("0")
    await eventually(lambda: device.answers)
    world.stage.media().change(CONNECTED)
    await idle()
    assert outgoing.call is world.stage.bridge.calls[0]
    device.terminate("0")
    assert await over(outgoing) == (ReasonCondition.SUCCESS, "")
    assert (await steps(outgoing))[-2:] == [Progress.CONNECTED, ENDED]
    assert device.said_to_it[-1] == "finish"


async def test_the_peer_s_proposal_came_first_and_nothing_follows(world: World) -> None:
    device = world.limited(ring_timeout=0.1).add()
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.heard)
    device.propose("0")
    condition, words = await over(outgoing)
    assert (condition, words) == (ReasonCondition.TIMEOUT, "the peer's own call did not begin")


async def test_waiting_for_the_peer_s_own_call_can_be_given_up(world: World) -> None:
    device = world.add()
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.heard)
    device.propose("0")
    await idle()
    outgoing.hang_up()
    assert (await over(outgoing))[0] is ReasonCondition.CANCEL
    await world.stage.bridge.close()


@pytest.mark.parametrize(("local", "wins"), [("a@a/a", False), (JULIET, True)])
async def test_the_same_id_twice(world: World, local: str, wins: bool) -> None:
    """The lower JID wins; ours is echo@bridge…"""
    device = world.add(local)
    outgoing = world.stage.bridge.call(local.partition("/")[0], "echo")
    await eventually(lambda: device.heard)
    device.propose(device.proposed)
    await idle()
    expected = ["propose", "reject"] if wins else ["propose", "retract", "ringing", "proceed"]
    assert device.said_to_it == expected
    outgoing.hang_up()
    await over(outgoing)
    await world.stage.bridge.close()


async def test_a_device_switch_takes_the_call_along(world: World) -> None:
    outgoing, old = await connected(world)
    new = world.add(GARDEN)
    new.propose("next")
    new.begin("next")
    await eventually(lambda: new.answers)
    await eventually(lambda: outgoing.call and outgoing.call.session.sid == "next")
    assert old.actions[-1] is Action.SESSION_TERMINATE
    assert not outgoing.task.done()
    new.terminate("next")
    assert await over(outgoing) == (ReasonCondition.SUCCESS, "")


async def test_our_session_came_first(world: World) -> None:
    device = world.add(features=JINGLE_ONLY)
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.requests)
    with pytest.raises(Exception, match="came first") as caught:
        device.begin("~ sorts after every UUID")
    assert caught.value.jingle_condition == "tie-break"  # type: ignore[attr-defined] # a TieBreak
    assert len(world.stage.bridge.calls) == 1
    outgoing.hang_up()
    await over(outgoing)


async def test_the_peer_s_session_came_first(world: World) -> None:
    """It did not take ours yet, and refuses it when it comes."""
    device = world.add(features=JINGLE_ONLY)
    crossed: list[str] = []

    def cross(jingle: Jingle) -> SignalingError | None:
        if jingle.action is not Action.SESSION_INITIATE or crossed:
            return None
        crossed.append(jingle.sid)
        device.begin("0")
        return SignalingError("conflict", "", "tie-break")

    world.stage.signaling.fail = cross
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.answers)
    assert Action.SESSION_TERMINATE not in device.actions
    await eventually(lambda: outgoing.call and outgoing.call.session.sid == "0")
    (call,) = world.stage.bridge.calls
    device.terminate("0")
    assert await over(outgoing) == (ReasonCondition.SUCCESS, "")
    await world.stage.over(call)


async def test_the_peer_calls_while_ours_waits_for_it(world: World) -> None:
    """It has our session: that one is ended with a word."""
    device = world.add(features=JINGLE_ONLY)
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.requests)
    await idle()
    device.begin("0")
    await eventually(lambda: device.answers)
    ends = [item for item in device.requests if item.action is Action.SESSION_TERMINATE]
    (end,) = ends
    assert end.reason is not None
    assert end.reason.condition is ReasonCondition.ALTERNATIVE_SESSION
    outgoing.hang_up()
    await over(outgoing)


async def test_the_peer_calls_before_ours_has_left(world: World) -> None:
    gate = asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    world.stage.engine.before_offer = wait
    device = world.add(features=JINGLE_ONLY)
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: world.stage.engine.sessions)
    device.begin("~ sorts after every UUID")
    gate.set()
    await eventually(lambda: device.answers)
    assert Action.SESSION_INITIATE not in device.actions
    assert len(world.stage.bridge.calls) == 1
    outgoing.hang_up()
    await over(outgoing)


async def test_a_refusal_for_a_call_that_never_comes(world: World) -> None:
    world.add(features=JINGLE_ONLY)
    world.stage.signaling.fail = lambda _: SignalingError("conflict", "", "tie-break")
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    assert await over(outgoing) == (
        ReasonCondition.ALTERNATIVE_SESSION,
        "the peer calls at the same time",
    )


async def test_proceed_from_a_stranger_is_nothing(world: World) -> None:
    device = world.add()
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.heard)
    mallory = Device(world.stage.bridge, "mallory@example.org/x")
    mallory.say(Proceed(id=device.proposed))
    mallory.say(Proceed(id=device.proposed), ECHO)
    await idle()
    assert not world.stage.engine.sessions
    outgoing.hang_up()
    await over(outgoing)


async def test_the_peer_calls_without_a_proposal_while_ours_rings(world: World) -> None:
    """Both want the same call: the one that is there is it."""
    device, other = world.add(), world.add(GARDEN)
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.heard)
    device.begin("~ sorts after every UUID")
    assert other.said_to_it == ["propose", "retract"]
    await eventually(lambda: device.answers)
    assert outgoing.call is world.stage.bridge.calls[0]
    device.terminate("~ sorts after every UUID")
    assert await over(outgoing) == (ReasonCondition.SUCCESS, "")


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
    assert (await over(outgoing))[0] is ReasonCondition.CANCEL
    device.terminate("0")
    await world.stage.over(running)


async def test_hanging_up_ends_the_call_that_takes_the_place_of_ours(world: World) -> None:
    """In the moment in which ours is given up and the peer's is not led yet."""
    device = world.add(features=JINGLE_ONLY)
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.requests)
    device.begin("0")
    outgoing.hang_up()
    assert (await over(outgoing))[0] is ReasonCondition.CANCEL
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
    assert (await over(outgoing))[0] is ReasonCondition.CANCEL
    assert device.said_to_it == ["propose", "retract", "ringing", "proceed", "finish"]
    reason = device.reason_of(Finish)
    assert reason is not None
    assert reason.condition is ReasonCondition.CANCEL


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
    assert await steps(outgoing) == [Progress.ANSWERED, Progress.CONNECTED, Progress.ENDED]


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
    assert (await over(outgoing))[0] is ReasonCondition.SUCCESS


async def test_the_same_sid_twice(world: World) -> None:
    """The end of ours leaves the peer's alone, whose name in the table it has."""
    device = world.add("a@a/a", JINGLE_ONLY)

    def cross(jingle: Jingle) -> SignalingError | None:
        if jingle.action is not Action.SESSION_INITIATE:
            return None
        device.begin(jingle.sid)
        return SignalingError("conflict", "", "tie-break")

    world.stage.signaling.fail = cross
    outgoing = world.stage.bridge.call("a@a", "echo")
    await eventually(lambda: device.answers)
    await eventually(lambda: outgoing.call and outgoing.call.session.role is Creator.RESPONDER)
    assert world.stage.bridge.calls == (outgoing.call,)
    outgoing.hang_up()
    await over(outgoing)


async def test_a_device_takes_the_call_and_moves_it_at_once(world: World) -> None:
    """Both messages are there before we look at the first one."""
    first, second = world.add(), world.add(GARDEN)
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: first.heard)
    first.proceed()
    second.propose("next")
    second.begin("next")
    await eventually(lambda: outgoing.call)
    assert outgoing.call is world.stage.bridge.calls[0]
    assert not first.requests
    outgoing.hang_up()
    await over(outgoing)


async def test_calls_between_other_parties_do_not_cross(world: World) -> None:
    """The same device calls another service of ours."""
    device = world.add(features=JINGLE_ONLY)
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.requests)
    session = JingleSession(
        role=Creator.INITIATOR, sid="~", local=JULIET, peer=f"closed+friend@{BRIDGE}"
    )
    device.sessions["~"] = session
    device.bridge.deliver(JULIET, session.peer, session.initiate(OFFER))
    await eventually(lambda: device.answers)
    assert len(world.stage.bridge.calls) == 2
    outgoing.hang_up()
    await over(outgoing)
    await world.stage.bridge.close()


async def test_nobody_else_takes_the_place_of_our_call(world: World) -> None:
    device = world.add()
    mallory = world.add("mallory@example.org/x")
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.heard)
    device.propose("0")
    mallory.begin("0")
    await eventually(lambda: mallory.answers)
    assert outgoing.call is None
    device.begin("0")
    await eventually(lambda: outgoing.call)
    assert outgoing.call is world.stage.bridge.calls[1]
    outgoing.hang_up()
    await over(outgoing)
    await world.stage.bridge.close()
