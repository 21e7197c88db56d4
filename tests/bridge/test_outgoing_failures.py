"""Calls that we place and that come to nothing, or break."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from structlog.typing import EventDict

from jinglebridge.bridge.call import Progress
from jinglebridge.errors import (
    IncompatibleParameters,
    ResourceConstraint,
    ServiceUnknown,
    SignalingError,
)
from jinglebridge.protocol.jingle.xep_0166 import (
    Action,
    ReasonCondition,
    reason_of,
)
from jinglebridge.protocol.jingle.xep_0353 import (
    Finish,
    Retract,
)
from jinglebridge.testing import SentMessage
from tests.bridge.callee import (
    ACCOUNT,
    FULL,
    GARDEN,
    JINGLE_ONLY,
    WITH_INITIATION,
    World,
    answer_at_once,
    connected,
    over,
    proceed_at_once,
    steps,
)
from tests.bridge.stage import BRIDGE, JULIET, eventually, idle

RINGING, ANSWERED, ENDED = Progress.RINGING, Progress.ANSWERED, Progress.ENDED


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


async def test_only_known_services_call(world: World) -> None:
    with pytest.raises(ServiceUnknown):
        world.stage.bridge.call(ACCOUNT, "nobody")
    await world.stage.bridge.close()
    with pytest.raises(ResourceConstraint, match="stops"):
        world.stage.bridge.call(ACCOUNT, "echo")


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


async def test_a_call_that_has_no_room_never_begins(world: World) -> None:
    world.limited(calls_per_peer=1)
    outgoing, device = await connected(world, features=JINGLE_ONLY)
    before = len(device.requests)
    second = world.stage.bridge.call(ACCOUNT, "echo")
    assert (await over(second))[0] is ReasonCondition.BUSY
    await idle()
    assert len(device.requests) == before
    assert len(world.stage.engine.sessions) == 1
    outgoing.hang_up()
    await over(outgoing)


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
