"""Calls that are proposed to us (XEP-0353)."""

import pytest

from jinglebridge.bridge.access import AccessRules, Names
from jinglebridge.bridge.bridge import Bridge
from jinglebridge.errors import (
    Forbidden,
    ResourceConstraint,
    ServiceUnknown,
)
from jinglebridge.protocol.jingle.xep_0166 import Action, Reason, ReasonCondition, reason_of
from jinglebridge.protocol.jingle.xep_0353 import (
    Accept,
    Finish,
    Proceed,
    Propose,
    Reject,
    Retract,
    Ringing,
)
from jinglebridge.protocol.session.transitions import State
from tests.bridge.callee import AUDIO, FULL, GARDEN, PROPOSED, Device, World
from tests.bridge.stage import BRIDGE, CONNECTED, ECHO, JULIET, Stage, eventually, idle

CANCEL = reason_of(ReasonCondition.CANCEL)


async def proposed(world: World, jid: str = JULIET, id_: str = PROPOSED) -> Device:
    """A call that was proposed, taken and connected."""
    device = world.add(jid)
    device.propose(id_)
    device.begin(id_)
    await eventually(lambda: device.answers)
    world.stage.media(jid).change(CONNECTED)
    await idle()
    return device


async def test_a_proposal_rings_and_is_taken_from_the_full_jid(world: World) -> None:
    device = world.add()
    device.propose()
    assert device.heard == [Ringing(id=PROPOSED), Proceed(id=PROPOSED)]
    for sent in world.stage.signaling.messages:
        assert (sent.sender, sent.peer) == (FULL, JULIET)
    assert not world.stage.bridge.calls
    await world.stage.bridge.close()


async def test_the_session_follows_and_both_say_that_it_is_over(world: World) -> None:
    device = await proposed(world)
    (call,) = world.stage.bridge.calls
    device.terminate(PROPOSED)
    device.say(Finish(id=PROPOSED, reason=reason_of(ReasonCondition.SUCCESS)))
    await world.stage.over(call)
    assert device.said_to_it == ["ringing", "proceed", "finish"]
    assert device.reason_of(Finish) == reason_of(ReasonCondition.SUCCESS)
    assert Action.SESSION_TERMINATE not in device.actions


async def test_our_end_is_a_terminate_and_a_finish(world: World) -> None:
    device = await proposed(world)
    (call,) = world.stage.bridge.calls
    call.hang_up(reason_of(ReasonCondition.EXPIRED, "your time is over"))
    await world.stage.over(call)
    assert device.actions[-1] is Action.SESSION_TERMINATE
    assert device.reason_of(Finish) == reason_of(ReasonCondition.EXPIRED, "your time is over")
    assert device.state(PROPOSED) is State.ENDED


async def test_a_finish_alone_ends_the_session_too(world: World) -> None:
    device = await proposed(world)
    (call,) = world.stage.bridge.calls
    device.say(Finish(id=PROPOSED, reason=reason_of(ReasonCondition.CONNECTIVITY_ERROR)))
    await world.stage.over(call)
    assert device.actions[-1] is Action.SESSION_TERMINATE
    assert device.reason_of(Finish) == reason_of(ReasonCondition.CONNECTIVITY_ERROR)


async def test_what_is_proposed_again_is_answered_again(world: World) -> None:
    device = world.add()
    device.propose()
    device.propose()
    assert device.said_to_it == ["ringing", "proceed", "proceed"]
    device.begin()
    device.propose()
    await eventually(lambda: device.answers)
    assert len(world.stage.bridge.calls) == 1
    assert device.said_to_it == ["ringing", "proceed", "proceed"]
    await world.stage.bridge.close()


async def test_a_proposal_that_is_retracted_is_over(world: World) -> None:
    device = world.add()
    device.propose()
    device.say(Retract(id=PROPOSED, reason=CANCEL))
    device.propose()
    assert device.said_to_it == ["ringing", "proceed", "ringing", "proceed"]
    await world.stage.bridge.close()


async def test_a_session_that_does_not_follow_is_waited_for_in_vain(world: World) -> None:
    world.limited(ring_timeout=0.05)
    device = world.add()
    device.propose()
    await eventually(lambda: "finish" in device.said_to_it)
    assert device.reason_of(Finish) == reason_of(ReasonCondition.EXPIRED)


async def test_a_session_that_follows_late_is_a_call_like_any_other(world: World) -> None:
    world.limited(ring_timeout=0.05)
    device = world.add()
    device.propose()
    await eventually(lambda: "finish" in device.said_to_it)
    device.begin()
    await eventually(lambda: device.answers)
    (call,) = world.stage.bridge.calls
    call.hang_up()
    await world.stage.over(call)
    assert device.said_to_it == ["ringing", "proceed", "finish"]


@pytest.mark.parametrize("message", [Retract(id=PROPOSED, reason=CANCEL), Finish(id=PROPOSED)])
@pytest.mark.parametrize("jid", [GARDEN, "mallory@example.org/x"])
async def test_others_have_no_say(world: World, message: Retract | Finish, jid: str) -> None:
    device = await proposed(world)
    other = Device(world.stage.bridge, jid)
    other.say(message)
    other.say(message, f"closed@{BRIDGE}")
    await idle()
    (call,) = world.stage.bridge.calls
    assert call.reason is None
    device.terminate(PROPOSED)
    await world.stage.over(call)


@pytest.mark.parametrize("kind", [Ringing, Proceed, Accept, Reject, Retract, Finish])
async def test_messages_about_nothing_are_nothing(
    world: World, kind: type[Ringing | Proceed | Accept | Reject | Retract | Finish]
) -> None:
    device = world.add()
    device.say(kind(id="unknown"))
    device.propose()
    device.say(kind(id=PROPOSED), f"closed@{BRIDGE}")
    assert device.said_to_it == ["ringing", "proceed"]
    await world.stage.bridge.close()


async def test_another_resource_of_our_own_account_cannot_take_what_is_taken(world: World) -> None:
    device = world.add()
    device.propose()
    Device(world.stage.bridge, f"{ECHO}/elsewhere").say(Accept(id=PROPOSED))
    device.begin()
    await eventually(lambda: device.answers)
    await world.stage.bridge.close()


async def test_a_proposal_to_nobody_is_an_error(world: World) -> None:
    device = world.add()
    with pytest.raises(ServiceUnknown):
        device.propose(local=f"nobody@{BRIDGE}")
    assert not device.heard


async def test_a_service_that_does_not_take_the_call_declines(world: World) -> None:
    device = world.add()
    device.propose(local=f"closed@{BRIDGE}")
    assert device.reason_of(Reject) == reason_of(
        ReasonCondition.DECLINE, "closed does not take this call"
    )
    assert device.said_to_it == ["reject"]


async def test_what_is_no_call_is_declined(world: World) -> None:
    device = world.add()
    foreign = ("{urn:xmpp:jingle:apps:file-transfer:5}description",)
    device.say(Propose(id=PROPOSED, foreign=foreign), ECHO)
    assert device.reason_of(Reject) == reason_of(ReasonCondition.UNSUPPORTED_APPLICATIONS)
    device.say(Propose(id="another", foreign=foreign, descriptions=AUDIO), ECHO)
    assert device.said_to_it == ["reject", "ringing", "proceed"]
    await world.stage.bridge.close()


async def test_a_full_bridge_is_busy(world: World) -> None:
    world.limited(calls=1)
    await proposed(world, "romeo@example.org/orchard", "first")
    device = world.add()
    device.propose()
    reason = device.reason_of(Reject)
    assert reason is not None
    assert reason.condition is ReasonCondition.BUSY
    assert reason.text is not None
    assert "no more calls" in reason.text.text
    await world.stage.bridge.close()
    device.propose("late")
    assert device.said_to_it == ["reject", "reject"]


async def test_proposals_of_one_account_are_bounded_like_its_calls(world: World) -> None:
    device = world.add()
    for number in range(40):
        Device(world.stage.bridge, f"romeo@example.org/{number}").propose(f"id{number}")
    # each leaves the one before: there is one at a time
    said = [type(sent.message).__name__ for sent in world.stage.signaling.messages]
    assert said.count("Finish") == said.count("Proceed") - 1
    device.propose()
    assert device.said_to_it == ["ringing", "proceed"]
    await world.stage.bridge.close()


async def test_a_device_switch_ends_the_old_call(world: World) -> None:
    old = await proposed(world)
    (call,) = world.stage.bridge.calls
    new = world.add(GARDEN)
    new.propose("next")
    new.begin("next")
    await world.stage.over(call)
    assert old.actions[-1] is Action.SESSION_TERMINATE
    finish = old.heard[-1]
    assert isinstance(finish, Finish)
    assert finish.reason == reason_of(ReasonCondition.EXPIRED, "Session migrated")
    assert finish.migrated is not None
    assert finish.migrated.to == "next"
    assert old.said_to_it.count("finish") == 1
    await eventually(lambda: new.answers)
    (running,) = world.stage.bridge.calls
    assert running.session.sid == "next"
    await world.stage.bridge.close()


async def test_calls_without_a_proposal_are_never_orphans(world: World) -> None:
    direct = world.add()
    direct.begin("direct")
    await eventually(lambda: direct.answers)
    await proposed(world, GARDEN)
    assert len(world.stage.bridge.calls) == 2
    await world.stage.bridge.close()


async def test_a_refused_session_leaves_the_proposal_waiting(world: World) -> None:
    """What failed can be tried again; the proposal's own time bounds it."""
    device = world.add()
    device.propose()
    world.stage.bridge._closing = True
    with pytest.raises(ResourceConstraint):
        device.begin()
    world.stage.bridge._closing = False
    device.begin()
    await eventually(lambda: device.answers)
    await world.stage.bridge.close()


async def test_without_a_link_nothing_is_said_and_nothing_breaks(world: World) -> None:
    device = world.add()
    world.stage.signaling.linked = False
    device.propose()
    world.stage.signaling.linked = True
    assert not device.heard
    device.propose()
    assert device.said_to_it == ["proceed"]
    await world.stage.bridge.close()
    assert device.said_to_it == ["proceed", "finish"]


async def test_a_stopping_bridge_says_so_of_what_it_took(world: World) -> None:
    device = world.add()
    device.propose()
    await world.stage.bridge.close(reason_of(ReasonCondition.GONE, "maintenance"))
    assert device.reason_of(Finish) == reason_of(ReasonCondition.GONE, "maintenance")


async def test_a_forbidden_caller_learns_only_that(stage: Stage) -> None:
    stage._bridge = Bridge(
        signaling=stage.signaling,
        engine=stage.engine,
        services=stage.services,
        limits=stage.limits,
        rules=AccessRules(allow=Names.of(["example.net"])),
    )
    device = World(stage).add()
    with pytest.raises(Forbidden):
        device.propose()
    assert not device.heard


async def test_a_peer_s_words_are_said_back_in_short(world: World) -> None:
    device = await proposed(world)
    (call,) = world.stage.bridge.calls
    device.say(Finish(id=PROPOSED, reason=reason_of(ReasonCondition.GONE, "\x9b" + "x" * 10_000)))
    await world.stage.over(call)
    assert device.reason_of(Finish) == reason_of(ReasonCondition.GONE, "?" + "x" * 499)
    assert device.requests[-1].reason == device.reason_of(Finish)


@pytest.mark.parametrize("reason", [None, Reason()])
async def test_an_end_without_a_condition_is_a_success(world: World, reason: Reason | None) -> None:
    device = await proposed(world)
    (call,) = world.stage.bridge.calls
    device.say(Finish(id=PROPOSED, reason=reason))
    await world.stage.over(call)
    assert device.reason_of(Finish) == reason_of(ReasonCondition.SUCCESS)


async def test_a_session_that_does_not_follow_and_is_finished(world: World) -> None:
    device = world.add()
    device.propose()
    device.say(Finish(id=PROPOSED, reason=reason_of(ReasonCondition.CONNECTIVITY_ERROR)))
    assert device.reason_of(Finish) == reason_of(ReasonCondition.CONNECTIVITY_ERROR)
    assert not world.stage.bridge.calls


async def test_proposals_are_bounded_as_calls_are(world: World) -> None:
    """A proposal is no call yet, but it waits for one."""
    world.limited(calls=3)
    devices = [world.add(f"user{number}@example.org/x") for number in range(5)]
    for device in devices:
        device.propose(device.jid)
    assert [device.said_to_it[-1] for device in devices] == [*["proceed"] * 3, *["reject"] * 2]
    await world.stage.bridge.close()


async def test_nothing_ticks_for_what_is_decided(world: World) -> None:
    device = world.add()
    for id_ in ("begun", "retracted"):
        device.propose(id_)
        row = world.stage.bridge._proposals.find(JULIET, id_)
        assert row is not None
        assert row.timer is not None
        if id_ == "begun":
            device.begin(id_)
        else:
            device.say(Retract(id=id_, reason=CANCEL))
        assert row.timer is None
    await world.stage.bridge.close()


async def test_another_device_does_not_begin_what_was_promised_to_the_first(world: World) -> None:
    device, other = world.add(), world.add(GARDEN)
    device.propose()
    other.begin()
    await eventually(lambda: other.answers)
    (call,) = world.stage.bridge.calls
    other.terminate(PROPOSED)
    await world.stage.over(call)
    row = world.stage.bridge._proposals.find(JULIET, PROPOSED)
    assert row is not None
    assert row.is_taken
    device.begin()
    await eventually(lambda: device.answers)
    assert (row.call,) == world.stage.bridge.calls
    await world.stage.bridge.close()
    assert device.said_to_it == ["ringing", "proceed", "finish"]
    assert not other.heard


async def test_calls_to_two_services_are_two_calls(world: World) -> None:
    device = await proposed(world)
    device.propose("second", f"closed+friend@{BRIDGE}")
    await idle()
    assert len(world.stage.bridge.calls) == 1
    assert device.said_to_it == ["ringing", "proceed", "ringing", "proceed"]
    await world.stage.bridge.close()
