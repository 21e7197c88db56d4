"""Outages of the server under live calls: what is done to it, and what is measured.

Everything runs in this process but Prosody: the bridge, whose link leads through a TCP proxy that
can break, and callers with aiortc's media, whose clients sign in again with the same resource.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import slixmpp
from slixmpp.exceptions import IqError, IqTimeout

from jinglebridge.bridge.call import Call
from jinglebridge.bridge.ports import ConnectionState
from jinglebridge.protocol.jingle.xep_0166 import Action, Jingle, ReasonCondition, reason_of
from jinglebridge.xmpp.link import LinkState
from tests.support import leaks
from tests.support.caller import Caller, OutgoingCall
from tests.support.stack import ECHO, Stack, stack, until
from tests.support.tcp_proxy import TcpProxy

TINY = (64, 48, 10)
_SAMPLED = 0.05
"""Pause between two looks at the packets, in s."""


class Kind(Enum):
    """What happens to the server, or on the way to it."""

    TERM = "SIGTERM, started again"
    KILL = "SIGKILL, started again"
    STOP = "SIGSTOP, then SIGCONT"
    RESET = "the component's socket reset"
    BLACKHOLE = "the component's path silent"


SILENCES = (Kind.STOP, Kind.BLACKHOLE)
"""Where the link may live on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """One of them."""

    kind: Kind
    seconds: float
    """How long the server is not there."""


def outages(rounds: int, seed: int) -> list[Outage]:
    """That many, of all kinds; silences both shorter and longer than the link bears."""
    chance = random.Random(seed)
    lengths = {
        Kind.TERM: (0.0, 1.0, 4.0, 8.0),
        Kind.KILL: (0.0, 1.0, 4.0, 8.0),
        Kind.STOP: (2.0, 6.0, 9.0, 14.0),
        Kind.RESET: (0.0,),
        Kind.BLACKHOLE: (2.0, 6.0, 9.0, 14.0),
    }
    chosen: list[Outage] = []
    while len(chosen) < rounds:
        turn = len(chosen) // len(Kind)
        some = [
            Outage(kind=kind, seconds=lengths[kind][turn % len(lengths[kind])]) for kind in Kind
        ]
        chance.shuffle(some)
        chosen += some
    return chosen[:rounds]


@dataclass(slots=True, kw_only=True)
class Measured:
    """What one outage did."""

    outage: Outage
    online: float = 0.0
    """From the server being there to the component being on it, in s."""
    answered: float = 0.0
    """From the server being there to the first answer that a caller gets, in s."""
    standstill: float = 0.0
    """The longest time that a call got no packet of one kind, in s."""
    on_the_wall: float = 0.0
    """The same, with the times in which a busy machine did not let this process run."""
    attempts: int = 0
    """Connections that the component made."""
    survived: int = 0
    """Calls that were live before and after."""
    hung_up: int = 0
    """Calls that were then ended properly, by either side."""


class Resident:
    """A caller whose client signs in again whenever it is thrown out."""

    def __init__(self, caller: Caller, port: int) -> None:
        self.caller = caller
        self.signed_in_at = self._now()
        self.seen_at = -1.0
        """When it last got the presence of echo."""
        self._port = port
        self._gone = asyncio.Event()
        self._started = asyncio.Event()
        self._started.set()
        client = caller.client
        # slixmpp's SCRAM keeps the loop, and with it all media here, for 0.2 s
        client.plugin["feature_mechanisms"].use_mech = "PLAIN"
        client.add_event_handler("session_start", self._on_start)
        client.add_event_handler("disconnected", self._on_gone)
        client.add_event_handler("presence_available", self._on_presence)
        self._task = asyncio.create_task(self._stay(), name="resident")

    @property
    def is_complete(self) -> bool:
        """Whether it is signed in and sees echo."""
        return self._started.is_set() and self.seen_at >= self.signed_in_at

    async def subscribe(self) -> None:
        """Ask for the presence of echo; it lasts."""
        self.caller.client.send_presence_subscription(ECHO)
        await until(lambda: self.seen_at > 0)
        self._appear()

    async def ping(self, within: float) -> bool:
        """Whether echo answers."""
        iq: Any = self.caller.client.make_iq_get(ito=ECHO)
        iq.append(slixmpp.xmlstream.ET.Element("{urn:xmpp:ping}ping"))
        try:
            await iq.send(timeout=within)
        except (IqError, IqTimeout):
            return False
        return True

    async def close(self) -> None:
        """Sign in no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _on_start(self, _: object) -> None:
        self.signed_in_at = self._now()
        self._started.set()
        self._appear()

    def _appear(self) -> None:
        """To the server, and to echo, which is so told when we go (RFC 6121 §4.6.3)."""
        self.caller.client.send_presence()
        self.caller.client.send_presence(pto=ECHO)

    def _on_gone(self, _: object) -> None:
        self._started.clear()
        self._gone.set()

    def _on_presence(self, presence: slixmpp.Presence) -> None:
        if presence["from"].bare == ECHO:
            self.seen_at = self._now()

    async def _stay(self) -> None:
        client = self.caller.client
        while True:
            await self._gone.wait()
            await asyncio.sleep(0.3)
            self._gone.clear()
            client.connect("127.0.0.1", self._port)
            try:
                async with asyncio.timeout(2.0):
                    await self._started.wait()
            except TimeoutError:
                client.cancel_connection_attempt()
                client.abort()
                self._gone.set()


@dataclass(slots=True)
class Gauge:
    """Looks at the packets of calls and keeps the longest standstill.

    The callers live in this process. While a busy machine does not let it run they can receive
    nothing, so such a time is told apart: what lies between two looks counts as long as it should
    last, or as the process computed in it.
    """

    calls: list[OutgoingCall]
    longest: float = 0.0
    on_the_wall: float = 0.0
    """The same, with the times in which this process did not run."""
    _clock: float = 0.0
    _last: dict[tuple[int, str], tuple[int, float, float]] = field(default_factory=dict)

    async def watch(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        looked, computed = loop.time(), time.process_time()
        while True:
            for call in tuple(self.calls):
                for receiver in call.pc.getReceivers():
                    report = await receiver.getStats()
                    count = sum(
                        item.packetsReceived
                        for item in report.values()
                        if item.type == "inbound-rtp"
                    )
                    self._take((id(call), receiver.track.kind), count, loop.time())
            await asyncio.sleep(_SAMPLED)
            elapsed, ours = loop.time() - looked, time.process_time() - computed
            self._clock += max(min(elapsed, 2 * _SAMPLED), min(elapsed, ours))
            looked, computed = looked + elapsed, computed + ours

    def _take(self, key: tuple[int, str], count: int, now: float) -> None:
        before, at, on_the_wall = self._last.get(key, (-1, self._clock, now))
        if count > before:
            self._last[key] = (count, self._clock, now)
        self.longest = max(self.longest, self._clock - at)
        self.on_the_wall = max(self.on_the_wall, now - on_the_wall)


@dataclass(slots=True, kw_only=True)
class Rig:
    """What runs."""

    stack: Stack
    proxy: TcpProxy
    residents: list[Resident]
    calls: list[OutgoingCall] = field(default_factory=list)
    idle: Counter[str] = field(default_factory=Counter)
    """What was held before the first call."""

    async def dial(self) -> None:
        """A call of every resident that has none."""
        free = [item for item in self.residents if not item.caller.calls]
        calls = await asyncio.gather(*(item.caller.call(ECHO, video=TINY) for item in free))
        self.calls += calls
        await asyncio.gather(*(call.wait_for(frames=3, loudness=1_000) for call in calls))

    def ours(self, call: OutgoingCall) -> Call | None:
        """The bridge's half of a call."""
        sid = call.session.sid
        return next((item for item in self.stack.bridge.calls if item.session.sid == sid), None)

    def is_live(self, call: OutgoingCall) -> bool:
        """Whether both sides still have it, and its media flows."""
        ours = self.ours(call)
        states = (call.pc.connectionState, ours and ours.connection)
        return states == ("connected", ConnectionState.CONNECTED) and not call.ended.done()

    async def suffer(self, outage: Outage) -> Measured:
        """One outage; afterwards everything works as before.

        Raises:
            AssertionError: it does not.
            TimeoutError: something has not happened in time.
        """
        await self.dial()
        measured = Measured(outage=outage)
        before, accepted = list(self.calls), self.proxy.accepted
        gauge = Gauge(calls=self.calls)
        watching = asyncio.create_task(gauge.watch(), name="gauge")
        try:
            back, ending = await self._break(outage)
            await self._online(back, measured)
            if ending is not None:
                await ending
            await until(lambda: all(item.is_complete for item in self.residents), within=15)
            await asyncio.sleep(0.5)  # media of the time after counts too
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        measured.standstill, measured.on_the_wall = gauge.longest, gauge.on_the_wall
        measured.attempts = self.proxy.accepted - accepted
        measured.survived = sum(self.is_live(call) for call in self.calls)
        assert measured.survived == len(self.calls), "a call was lost"
        measured.hung_up = len(before) - len(self.calls)
        await asyncio.gather(*(self._reassure(call) for call in self.calls))
        return measured

    async def hang_up(self, measured: Measured) -> None:
        """End every call, half of them from each side, and find nothing left of them."""
        for number, call in enumerate(tuple(self.calls)):
            if number % 2:
                await self._hang_up_here(call)
            else:
                await call.hang_up()
            self.calls.remove(call)
            measured.hung_up += 1
        await until(lambda: not self.stack.bridge.calls)
        if self.idle:
            await settled(self.idle)

    async def _break(self, outage: Outage) -> tuple[float, "asyncio.Task[None] | None"]:
        """Do it; when the server is there again, on the loop's clock, and a hang-up meanwhile."""
        prosody, loop = self.stack.prosody, asyncio.get_running_loop()
        ending = None
        match outage.kind:
            case Kind.TERM | Kind.KILL:
                await (prosody.terminate() if outage.kind is Kind.TERM else prosody.kill())
                await asyncio.sleep(outage.seconds)
                await prosody.start()
            case Kind.STOP:
                assert prosody.pid is not None
                os.kill(prosody.pid, signal.SIGSTOP)
                try:
                    ending = await self._meanwhile(outage)
                finally:
                    os.kill(prosody.pid, signal.SIGCONT)
            case Kind.RESET:
                back = loop.time()
                self.proxy.reset()
                await until(lambda: self.stack.link.state is not LinkState.UP, within=2)
                return back, None
            case Kind.BLACKHOLE:
                self.proxy.hold()
                try:
                    ending = await self._meanwhile(outage)
                finally:
                    self.proxy.release()
        return loop.time(), ending

    async def _meanwhile(self, outage: Outage) -> "asyncio.Task[None]":
        """Let the time pass; in the middle of it the bridge ends a call."""
        await asyncio.sleep(outage.seconds / 2)
        ending = self._hang_up_here(self.calls.pop(), within=outage.seconds + 5)
        task = asyncio.create_task(ending, name="hang-up in the gap")
        await asyncio.sleep(outage.seconds / 2)
        return task

    async def _online(self, back: float, measured: Measured) -> None:
        loop, link = asyncio.get_running_loop(), self.stack.link
        if measured.outage.kind not in SILENCES:
            await until(lambda: link.state is LinkState.UP, within=15)
            measured.online = loop.time() - back
        async with asyncio.timeout(20):
            while not any(  # noqa: ASYNC110 # there is nothing to wait for but answers
                await asyncio.gather(*(item.ping(1.0) for item in self.residents))
            ):
                await asyncio.sleep(0.05)
        measured.answered = loop.time() - back
        if measured.outage.kind in SILENCES:
            # the link may not even have noticed
            await until(lambda: link.state is LinkState.UP, within=0.1)
            measured.online = measured.answered

    async def _reassure(self, call: OutgoingCall) -> None:
        """Both sides still know the session (XEP-0166 §6.8)."""
        ask = Jingle(action=Action.SESSION_INFO, sid=call.session.sid)
        await call.caller.request(call.session.peer, ask)

    async def _hang_up_here(self, call: OutgoingCall, within: float = 5.0) -> None:
        """The bridge ends it, and the caller is told why."""
        ours = self.ours(call)
        assert ours is not None
        ours.hang_up(reason_of(ReasonCondition.EXPIRED))
        async with asyncio.timeout(within):
            reason = await call.ended
        assert reason is not None
        assert reason.condition is ReasonCondition.EXPIRED
        await call.close()


async def settled(before: Counter[str]) -> None:
    """Wait until no more is held than before, whatever its ports and names are now.

    Raises:
        AssertionError: something is left after a few seconds; it says what.
    """
    deadline = asyncio.get_running_loop().time() + 5
    while left := held() - before:
        assert asyncio.get_running_loop().time() < deadline, f"left behind: {dict(left)}"
        await asyncio.sleep(0.05)


def held() -> Counter[str]:
    """How many tasks and open files of each kind there are."""
    now = leaks.holdings()
    counts = Counter(f"task {task.get_coro().__qualname__}" for task in now.tasks)  # type: ignore[union-attr] # coroutines have names
    for name, count in now.files.items():
        counts[f"file {name.split()[0]}"] += count
    return counts


@asynccontextmanager
async def rig(callers: int = 5) -> AsyncIterator[Rig]:
    """The bridge, its server, the path between them, and residents that have called nobody yet."""
    async with AsyncExitStack() as entered:
        running = await entered.enter_async_context(
            stack(page=False, proxied=True, extra_config="allow_unencrypted_plain_auth = true")
        )
        assert running.proxy is not None
        residents = []
        for number in range(callers):
            caller = await entered.enter_async_context(
                running.caller(f"resident{number}", resource="phone")
            )
            resident = Resident(caller, running.prosody.c2s_port)
            entered.push_async_callback(resident.close)
            residents.append(resident)
        await asyncio.gather(*(item.subscribe() for item in residents))
        here = Rig(stack=running, proxy=running.proxy, residents=residents)
        await here.dial()  # what is loaded or opened once is there now
        await here.hang_up(Measured(outage=Outage(kind=Kind.RESET, seconds=0)))
        here.idle = held()
        yield here
