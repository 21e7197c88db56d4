"""Whatever the parties do in whatever order: every call ends, and nothing of it is left.

Devices of one account and we call, propose, take, decline, cross, finish and vanish at random.
Every request and message of theirs is one that the protocol allows them; none has to make sense.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable

import pytest
from structlog.typing import EventDict

from jinglebridge.bridge.outgoing import OutgoingCall
from jinglebridge.errors import LocalProtocolError, RemoteProtocolError, SignalingError
from jinglebridge.protocol.jingle.xep_0166 import Creator, Jingle
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
from tests.bridge.callee import AUDIO, FULL, JINGLE_ONLY, WITH_INITIATION, Device, World
from tests.bridge.stage import CONNECTED, ECHO, Stage, idle

ACCOUNT = "juliet@example.org"
WORDS = (Ringing, Proceed, Accept, Reject, Retract, Finish)
TIMES = {
    "ring_timeout": 0.03,
    "request_timeout": 0.03,
    "accept_timeout": 0.03,
    "connect_timeout": 0.03,
}


class Chaos:
    """One run."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.choice = random.Random(seed)
        self.bridge = world.stage.bridge
        self.calls: list[OutgoingCall] = []
        self.ids = ["0", "~"]
        """Of proposals and sessions, ours too: some sort before ours, others after."""
        kinds = [JINGLE_ONLY, WITH_INITIATION, WITH_INITIATION, None]
        self.devices = [
            world.add(f"{ACCOUNT}/{name}", self.choice.choice(kinds)) for name in ("a", "b")
        ]
        world.stage.signaling.fail = self.fail
        self.steps: tuple[Callable[[], object], ...] = (
            self.we_call,
            self.we_hang_up,
            self.they_propose,
            self.they_say,
            self.they_say,
            self.they_say,
            self.they_begin,
            self.they_accept,
            self.they_terminate,
            self.it_comes_back,
            self.media_changes,
            self.somebody_vanishes,
        )

    def fail(self, _: Jingle) -> SignalingError | None:
        if self.choice.random() < 0.9:
            return None
        tie_break = self.choice.random() < 0.5
        condition = self.choice.choice(["item-not-found", "service-unavailable", "conflict"])
        return SignalingError(condition, "", "tie-break" if tie_break else None)

    @property
    def device(self) -> Device:
        return self.choice.choice(self.devices)

    @property
    def id(self) -> str:
        heard = [item.id for device in self.devices for item in device.heard]
        return self.choice.choice([*self.ids, *heard[-6:]])

    def we_call(self) -> None:
        jid = self.choice.choice([ACCOUNT, *(device.jid for device in self.devices)])
        if len(self.calls) < 4:
            self.calls.append(self.bridge.call(jid, "echo"))

    def we_hang_up(self) -> None:
        if self.calls and self.choice.random() < 0.5:
            self.choice.choice(self.calls).hang_up()

    def they_propose(self) -> None:
        self.ids.append(f"{self.choice.choice('0~')}{len(self.ids)}")
        device = self.device
        device.say(Propose(id=self.id, descriptions=AUDIO), self.choice.choice([ECHO, FULL]))

    def they_say(self) -> None:
        self.device.say(self.choice.choice(WORDS)(id=self.id))

    def they_begin(self) -> None:
        device, id_ = self.device, self.id
        if id_ not in device.sessions:
            device.begin(id_)

    def they_accept(self) -> None:
        device = self.device
        for sid, session in device.sessions.items():
            if session.role is Creator.RESPONDER and session.state is State.PENDING:
                other = self.device.jid if self.choice.random() < 0.2 else None
                device.accept(sid, as_device=other)
                return

    def they_terminate(self) -> None:
        device = self.device
        live = [sid for sid, it in device.sessions.items() if it.state is not State.ENDED]
        if live:
            device.terminate(self.choice.choice(live))

    def it_comes_back(self) -> None:
        self.bridge.message_failed(
            self.choice.choice([ACCOUNT, self.device.jid]),
            FULL,
            f"jm-propose-{self.id}",
            "service-unavailable",
        )

    def media_changes(self) -> None:
        for media in self.world.stage.engine.sessions[-2:]:
            if not media.closed:
                media.change(CONNECTED)

    def somebody_vanishes(self) -> None:
        if self.choice.random() < 0.2:
            self.bridge.peer_gone(self.device.jid)

    async def run(self, length: int) -> None:
        for _ in range(length):
            # refused, or a device that would do what it may not
            with contextlib.suppress(RemoteProtocolError, LocalProtocolError):
                self.choice.choice(self.steps)()
            await self.pause()

    async def pause(self) -> None:
        match self.choice.randrange(6):
            case 0 | 1:
                return
            case 2:
                await asyncio.sleep(0)
            case 5:
                await asyncio.sleep(self.choice.choice([0.01, 0.04]))
            case _:
                await idle()


@pytest.mark.parametrize("block", range(6))
async def test_everything_ends(stage: Stage, logged: list[EventDict], block: int) -> None:
    for seed in range(block * 10, (block + 1) * 10):
        stage.signaling.devices.clear()
        world = World(stage).limited(**TIMES)
        chaos = Chaos(world, seed)
        await chaos.run(40)
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            await chaos.bridge.close()
        where = f"seed {seed}"
        assert not chaos.bridge.calls, where
        assert not chaos.bridge._outgoing._calls, where
        assert not chaos.bridge._proposals._rows.rows, where
        assert all(call.task.done() and call.reason is not None for call in chaos.calls), where
        assert all(media.closed == 1 for media in stage.engine.sessions), where
        broken = [item for item in logged if item["log_level"] == "error"]
        assert not broken, (where, broken)
