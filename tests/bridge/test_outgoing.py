"""Calls that we place: whom they reach, how they go on and how they end."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from structlog.typing import EventDict

from jinglebridge.bridge.call import Progress
from jinglebridge.bridge.outgoing import OutgoingCall
from jinglebridge.bridge.ports import ConnectionState
from jinglebridge.errors import (
    ConnectivityError,
    IncompatibleParameters,
    NotAllowed,
    ResourceConstraint,
    ServiceUnknown,
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
    Proceed,
    Propose,
    Reject,
    Retract,
)
from jinglebridge.protocol.session.transitions import State
from jinglebridge.testing import SentMessage
from tests.bridge.callee import (
    FULL,
    JINGLE_ONLY,
    WITH_INITIATION,
    Device,
    World,
    answer_at_once,
    proceed_at_once,
)
from tests.bridge.stage import BRIDGE, CONNECTED, ECHO, JULIET, Stage, eventually, idle

ACCOUNT = "juliet@example.org"
GARDEN = "juliet@example.org/garden"
RINGING, ANSWERED, ENDED = Progress.RINGING, Progress.ANSWERED, Progress.ENDED


@pytest.fixture
def world(stage: Stage) -> World:
    return World(stage)


async def over(outgoing: OutgoingCall) -> tuple[ReasonCondition | None, str]:
    """Wait for the end; condition and words of its reason."""
    async with asyncio.timeout(3):
        await asyncio.wait({outgoing.task})
    assert outgoing.task.exception() is None
    reason = outgoing.reason
    assert reason is not None
    return reason.condition, reason.text.text if reason.text else ""


async def steps(outgoing: OutgoingCall) -> list[Progress]:
    async with asyncio.timeout(3):
        return [step async for step in outgoing.steps()]


async def connected(world: World, jid: str = ACCOUNT) -> tuple[OutgoingCall, Device]:
    """A call of ours with media."""
    device = world.devices.get(JULIET) or world.add()
    device.on_propose, device.on_offer = proceed_at_once, answer_at_once
    outgoing = world.stage.bridge.call(jid, "echo")
    await eventually(lambda: world.stage.engine.sessions and world.stage.media().committed)
    world.stage.media().change(CONNECTED)
    await idle()
    return outgoing, device


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


async def test_nobody_answers(world: World) -> None:
    device = world.limited(ring_timeout=0.1).add()
    device.bridge = world.stage.bridge
    device.on_propose = lambda it, _propose: it.ring()
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    assert await over(outgoing) == (ReasonCondition.TIMEOUT, "")
    assert device.said_to_it == ["propose", "retract"]
    assert device.reason_of(Retract) == reason_of(ReasonCondition.TIMEOUT)
    device.proceed()
    await idle()
    assert not device.requests


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


async def test_no_device_can_be_reached(world: World) -> None:
    for name in ("gone", "away"):
        world.stage.signaling.devices[f"{ACCOUNT}/{name}"] = JINGLE_ONLY
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    assert await over(outgoing) == (
        ReasonCondition.GONE,
        f"no device of {ACCOUNT} can be reached",
    )
    assert len(world.stage.engine.sessions) == 2


@pytest.mark.parametrize("jid", [JULIET, ACCOUNT])
async def test_whoever_takes_no_calls_is_not_called(world: World, jid: str) -> None:
    device = world.add(features=frozenset({"urn:xmpp:ping"}))
    outgoing = world.stage.bridge.call(jid, "echo")
    condition, words = await over(outgoing)
    assert condition is ReasonCondition.UNSUPPORTED_APPLICATIONS
    assert jid in words
    assert not device.heard
    assert not device.requests


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


def bounce(world: World, condition: str, *, sender: str = ACCOUNT) -> Callable[[SentMessage], None]:
    def fail(sent: SentMessage) -> None:
        asyncio.get_running_loop().call_soon(
            world.stage.bridge.message_failed, sender, sent.sender, sent.stanza_id, condition
        )

    return fail


async def test_a_proposal_that_comes_back(world: World) -> None:
    world.away = bounce(world, "service-unavailable")
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    assert await over(outgoing) == (
        ReasonCondition.GONE,
        "the call was refused: service-unavailable",
    )
    assert len(world.stage.signaling.messages) == 1


async def test_a_proposal_that_comes_back_is_followed_by_sessions_without(world: World) -> None:
    """One device knows initiation and is away by now, the other one never knew it."""
    world.stage.signaling.devices[f"{ACCOUNT}/away"] = WITH_INITIATION
    device = world.add(features=JINGLE_ONLY)
    device.on_propose = lambda _it, _propose: None
    device.on_offer = answer_at_once
    world.stage.signaling.deliver_message = bounce(world, "service-unavailable")
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: world.stage.engine.sessions and world.stage.media().committed)
    outgoing.hang_up()
    await over(outgoing)
    assert len(world.stage.signaling.messages) == 1


@pytest.mark.parametrize(
    ("sender", "local", "prefix"),
    [
        (GARDEN, FULL, "jm-propose-"),
        ("mallory@example.org", FULL, "jm-propose-"),
        (ACCOUNT, f"closed@{BRIDGE}", "jm-propose-"),
        (ACCOUNT, FULL, "jm-retract-"),
        (ACCOUNT, FULL, ""),
    ],
)
async def test_errors_that_mean_nothing(world: World, sender: str, local: str, prefix: str) -> None:
    device = world.add()
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    await eventually(lambda: device.heard)
    bridge = world.stage.bridge
    bridge.message_failed(sender, local, prefix + device.proposed, "service-unavailable")
    device.ring()
    bridge.message_failed(ACCOUNT, FULL, f"jm-propose-{device.proposed}", "service-unavailable")
    await idle()
    assert not outgoing.task.done()
    outgoing.hang_up()
    await over(outgoing)


async def test_without_a_link_there_is_no_call(world: World) -> None:
    world.stage.signaling.linked = False
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    condition, words = await over(outgoing)
    assert condition is ReasonCondition.TIMEOUT
    assert "no link to the server" in words


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("not-allowed", ReasonCondition.DECLINE),
        ("resource-constraint", ReasonCondition.BUSY),
        ("bad-request", ReasonCondition.GENERAL_ERROR),
        ("feature-not-implemented", ReasonCondition.UNSUPPORTED_APPLICATIONS),
    ],
)
async def test_a_session_that_is_refused(
    world: World, condition: str, reason: ReasonCondition
) -> None:
    world.add(features=JINGLE_ONLY)
    world.stage.signaling.fail = lambda _: SignalingError(condition, "in words")
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    assert await over(outgoing) == (reason, f"the call was refused: {condition}: in words")
    assert Action.SESSION_TERMINATE not in [
        sent.jingle.action for sent in world.stage.signaling.sent
    ]


async def test_a_session_that_nobody_accepts(world: World) -> None:
    world.limited(ring_timeout=0.1)
    device = world.add(features=JINGLE_ONLY)
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    assert await over(outgoing) == (ReasonCondition.TIMEOUT, "nobody answered in time")
    assert device.actions[-1] is Action.SESSION_TERMINATE


async def test_a_session_that_is_never_acknowledged(world: World) -> None:
    world.limited(request_timeout=0.05)
    world.add(features=JINGLE_ONLY)
    world.stage.signaling.answers = False
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    condition, _ = await over(outgoing)
    assert condition is ReasonCondition.TIMEOUT
    assert world.stage.signaling.sent[-1].jingle.action is Action.SESSION_TERMINATE


async def test_no_path_for_media(world: World) -> None:
    world.limited(connect_timeout=0.05)
    device = world.add(features=JINGLE_ONLY)
    device.on_offer = answer_at_once
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    assert (await over(outgoing))[0] is ReasonCondition.CONNECTIVITY_ERROR
    assert await steps(outgoing) == [ANSWERED, ENDED]


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


async def test_only_known_services_call(world: World) -> None:
    with pytest.raises(ServiceUnknown):
        world.stage.bridge.call(ACCOUNT, "nobody")
    await world.stage.bridge.close()
    with pytest.raises(ResourceConstraint, match="stops"):
        world.stage.bridge.call(ACCOUNT, "echo")


async def test_names_are_compared_as_servers_write_them(world: World) -> None:
    device = world.add()
    device.on_propose, device.on_offer = proceed_at_once, answer_at_once
    outgoing = world.stage.bridge.call("Juliet@Example.ORG", "Echo+Loud")
    await eventually(lambda: world.stage.signaling.messages)
    assert world.stage.signaling.messages[0].sender == f"echo+loud@{BRIDGE}/media"
    assert world.stage.signaling.messages[0].peer == ACCOUNT
    outgoing.hang_up()
    await over(outgoing)


async def test_no_room_for_one_more(world: World) -> None:
    world.limited(calls_per_peer=1)
    outgoing, device = await connected(world)
    second = world.stage.bridge.call(ACCOUNT, "echo")
    condition, words = await over(second)
    assert condition is ReasonCondition.BUSY
    assert "at most 1 calls" in words
    assert device.said_to_it == ["propose"]
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


def raising(error: BaseException) -> Callable[[], Awaitable[None]]:
    async def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize("how", ["open", "offer", "commit"])
async def test_media_that_does_not_work(world: World, how: str) -> None:
    error, engine = IncompatibleParameters("nothing in common"), world.stage.engine
    if how == "open":
        engine.open_error = error
    elif how == "offer":
        engine.before_offer = raising(error)
    else:
        engine.before_commit = raising(error)
    device = world.add()
    device.on_propose, device.on_offer = proceed_at_once, answer_at_once
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    condition = ReasonCondition.INCOMPATIBLE_PARAMETERS
    assert await over(outgoing) == (condition, "nothing in common")
    assert (Action.SESSION_TERMINATE in device.actions) is (how == "commit")
    assert device.reason_of(Finish) == reason_of(condition, "nothing in common")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("offer", "the media side made no offer in time"),
        ("commit", "the media side did not take the answer in time"),
    ],
)
async def test_media_that_takes_too_long(world: World, how: str, words: str) -> None:
    world.limited(accept_timeout=0.05)
    engine, never = world.stage.engine, asyncio.Event().wait
    setattr(engine, f"before_{how}", never)
    device = world.add()
    device.on_propose, device.on_offer = proceed_at_once, answer_at_once
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    assert await over(outgoing) == (ReasonCondition.TIMEOUT, words)


async def test_a_bug_ends_one_call(world: World, logged: list[EventDict]) -> None:
    world.stage.signaling.devices = None  # type: ignore[assignment] # broken
    outgoing = world.stage.bridge.call(ACCOUNT, "echo")
    assert await over(outgoing) == (ReasonCondition.GENERAL_ERROR, "internal error")
    assert [item["event"] for item in logged if item["log_level"] == "error"] == ["call failed"]


async def test_a_call_that_cannot_be_ended_in_time(world: World) -> None:
    """Whoever hangs on to a call is cancelled with the bridge."""
    outgoing, _ = await connected(world)
    assert outgoing.call is not None
    outgoing.task.cancel()
    async with asyncio.timeout(3):
        await asyncio.wait({outgoing.task})
    assert outgoing.task.cancelled()
    assert outgoing.reason == reason_of(ReasonCondition.GONE, "the bridge stops")
    outgoing.call.hang_up()
    await world.stage.over(outgoing.call)


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


# Both at once ---------------------------------------------------------------------------------


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
