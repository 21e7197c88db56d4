"""A fault at every call of every port: that call ends, no other notices, nothing is left."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import pytest

from jinglebridge.bridge.ports import ConnectionState, MediaEvent, MediaSession
from jinglebridge.errors import GeneralError, SignalingError
from jinglebridge.protocol.jingle.xep_0166 import Action, Jingle, ReasonCondition
from jinglebridge.protocol.jingle.xep_0353 import JingleMessage
from jinglebridge.protocol.sdp.description import Answer, Offer, TrickledCandidates
from jinglebridge.protocol.session.habits import Habits
from jinglebridge.testing import FakeEngine, FakeMediaSession, FakeSignaling
from tests.bridge.stage import QUICK, Stage, eventually, idle

Fault = Literal["known", "unknown", "cancel", "hang"]
FAULTS: tuple[Fault, ...] = ("known", "unknown", "cancel", "hang")
VICTIM = "victim@x/1"


@dataclass(slots=True)
class Trap:
    """Counts what is done for the victim and lets one step of it fail."""

    at: int
    fault: Fault
    known: Exception
    steps: list[str] = field(default_factory=list)

    async def step(self, peer: str, name: str) -> None:
        if peer != VICTIM:
            return
        self.steps.append(name)
        if len(self.steps) - 1 != self.at:
            return
        match self.fault:
            case "known":
                raise self.known
            case "unknown":
                raise ZeroDivisionError("a bug")
            case "cancel":
                raise asyncio.CancelledError
            case "hang":
                await asyncio.Event().wait()

    @property
    def sprung(self) -> str | None:
        return self.steps[self.at] if len(self.steps) > self.at else None


@dataclass(slots=True)
class TrappedSession:
    inner: FakeMediaSession
    trap: Trap

    async def answer(self, offer: Offer) -> Answer:
        await self.trap.step(self.inner.peer, "answer")
        return await self.inner.answer(offer)

    async def add_candidates(self, trickled: TrickledCandidates) -> None:
        await self.trap.step(self.inner.peer, "add_candidates")
        await self.inner.add_candidates(trickled)

    async def close(self) -> None:
        await self.inner.close()
        await self.trap.step(self.inner.peer, "close")


@dataclass(slots=True)
class TrappedEngine:
    inner: FakeEngine
    trap: Trap

    async def open(
        self, service: str, peer: str, emit: Callable[[MediaEvent], None]
    ) -> MediaSession:
        await self.trap.step(peer, "open")
        return TrappedSession(await self.inner.open(service, peer, emit), self.trap)

    async def close(self) -> None:
        await self.inner.close()


@dataclass(slots=True)
class TrappedSignaling:
    inner: FakeSignaling
    trap: Trap

    @property
    def domain(self) -> str:
        return self.inner.domain

    def send_message(
        self, sender: str, peer: str, message: JingleMessage, *, stanza_id: str
    ) -> None:
        self.inner.send_message(sender, peer, message, stanza_id=stanza_id)

    async def features(self, sender: str, peer: str) -> frozenset[str]:
        return await self.inner.features(sender, peer)

    def resources(self, peer_bare: str) -> tuple[str, ...]:
        return self.inner.resources(peer_bare)

    def habits(self, peer: str) -> Habits:
        return self.inner.habits(peer)

    async def request(self, sender: str, peer: str, jingle: Jingle) -> None:
        await self.trap.step(peer, jingle.action.value)
        await self.inner.request(sender, peer, jingle)


SIGNALING_STEPS = ("session-accept", "transport-info", "transport-info", "session-terminate")
ENGINE_STEPS = ("open", "answer", "add_candidates", "add_candidates", "close")
HARMLESS = {
    # a candidate that the peer refuses or never confirms is no reason to end anything
    ("transport-info", "known"), ("transport-info", "cancel"), ("transport-info", "hang"),
    # the call is over already
    *((step, fault) for step in ("session-terminate", "close") for fault in FAULTS),
}  # fmt: skip


async def play(stage: Stage, trap: Trap, *, engine: bool) -> None:
    """A victim's call and another's; the victim's goes as far as the trap lets it."""
    stage.limits = replace(
        QUICK, request_timeout=0.05, accept_timeout=0.05, connect_timeout=0.15, close_timeout=0.05
    )
    stage.bridge_of(
        stage.signaling if engine else TrappedSignaling(stage.signaling, trap),
        TrappedEngine(stage.engine, trap) if engine else stage.engine,
    )
    other, running = await stage.connected("other", "romeo@x/1")
    peer = stage.peer("victim", VICTIM)
    call = peer.call()
    for number in range(2):
        if not call.task.done() and call.reason is None:
            peer.trickle(number)
    await eventually(
        lambda: Action.SESSION_ACCEPT in peer.actions or call.task.done() or trap.sprung
    )
    await idle()
    ends_by_itself = trap.sprung is not None and (trap.sprung, trap.fault) not in HARMLESS
    if ends_by_itself:
        await eventually(call.task.done)
    else:
        stage.media(VICTIM).change(ConnectionState.CONNECTED)
        await idle()
        assert not call.task.done()
        call.hang_up()
        await eventually(call.task.done)
    assert trap.sprung is not None, trap.steps
    assert call not in stage.bridge.calls
    assert call.reason is not None
    assert not [item for item in stage.engine.sessions if item.peer == VICTIM and not item.closed]

    trapped_farewell = not engine and trap.sprung == "session-terminate"
    if not trapped_farewell:
        assert peer.farewell is not None, trap.steps
    assert stage.bridge.calls == (running,)
    assert other.actions == [
        Action.SESSION_ACCEPT, Action.TRANSPORT_INFO, Action.TRANSPORT_INFO
    ]  # fmt: skip
    assert not running.task.done()
    other.trickle(0)
    await eventually(lambda: stage.media("romeo@x/1").received)
    other.hang_up()
    await stage.over(running)
    after = stage.peer("after", VICTIM)
    trap.at = -1
    again = after.call()
    await eventually(lambda: Action.SESSION_ACCEPT in after.actions)
    again.hang_up()
    await stage.over(again)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("at", range(len(ENGINE_STEPS)))
async def test_the_engine_fails_at_every_step(stage: Stage, at: int, fault: Fault) -> None:
    trap = Trap(at=at, fault=fault, known=GeneralError("known"))
    await play(stage, trap, engine=True)
    assert ENGINE_STEPS[: at + 1] == tuple(trap.steps[: at + 1])


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("at", range(len(SIGNALING_STEPS)))
async def test_signalling_fails_at_every_step(stage: Stage, at: int, fault: Fault) -> None:
    trap = Trap(at=at, fault=fault, known=SignalingError("not-acceptable"))
    await play(stage, trap, engine=False)
    assert SIGNALING_STEPS[: at + 1] == tuple(trap.steps[: at + 1])


async def test_the_reasons_of_faults(stage: Stage) -> None:
    """A known error says itself, a hang is a time-out, everything else a general error."""
    expected: dict[Fault, ReasonCondition] = {
        "known": ReasonCondition.GENERAL_ERROR,
        "unknown": ReasonCondition.GENERAL_ERROR,
        "cancel": ReasonCondition.GENERAL_ERROR,
        "hang": ReasonCondition.TIMEOUT,
    }
    stage.limits = replace(QUICK, accept_timeout=0.05)
    for number, (fault, condition) in enumerate(expected.items()):
        trap = Trap(at=1, fault=fault, known=GeneralError("known"))
        stage.bridge_of(stage.signaling, TrappedEngine(stage.engine, trap))
        peer = stage.peer(f"sid{number}", VICTIM)
        call = peer.call()
        await stage.over(call)
        assert peer.ending[0] is condition


async def test_the_engine_does_not_close(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(self: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(FakeEngine, "close", hang)
    peer, call = await stage.connected()
    async with asyncio.timeout(2):
        await stage.bridge.close()
    assert call.task.done()
    assert peer.farewell is not None


async def test_the_call_task_is_cancelled(stage: Stage) -> None:
    peer, call = await stage.connected()
    call.task.cancel()
    await asyncio.wait({call.task})
    assert call.task.cancelled()
    assert not stage.bridge.calls
    assert peer.ending[0] is ReasonCondition.GONE
