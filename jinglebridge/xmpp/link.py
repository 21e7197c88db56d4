"""The link to the server: opened, kept, opened again.

slixmpp components do not reconnect, and connecting from its ``disconnected`` event makes a
thousand connections in seconds on a conflict. So one task connects, watches the stream, waits a
jittered while after its end, and connects again. Calls know nothing of it: their media goes on,
and their stanzas wait in the outbox.

A server may also be there and say nothing: stopped, overloaded, or behind a path that broke
without a word. So a silence is questioned with pings (XEP-0199) to ourselves, which every server
sends back. Unanswered, the link counts as stalled: nothing is sent any more, but a server that
comes back to its senses finds everything as it was. After a longer silence the link is given up.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import structlog

from jinglebridge.errors import OperatorError
from jinglebridge.protocol.disco.xep_0199 import NAMESPACE as PING
from jinglebridge.xmpp.stream import ComponentStream

_SETTLE = 0.05
"""Time to read what has already come, in s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTimes:
    """How long the link waits for what, in s."""

    connect: float = 3.0
    """For a connection: the kernel alone would ask an unreachable host ever more rarely."""
    handshake: float = 10.0
    """For the server's answer to our handshake, from the start of an attempt."""
    shortest: float = 0.3
    """Pause before an attempt, at least."""
    soon: float = 2.0
    """At most, in the first minute, and while another has our name."""
    later: float = 10.0
    """At most, after the first minute."""
    refused: float = 30.0
    """After a wrong secret."""
    first_minute: float = 60.0
    question: float = 2.0
    """Silence of the server until it is asked whether it lives."""
    answer: float = 2.5
    """For its answer; then nothing is sent any more."""
    patience: float = 5.0
    """For anything at all after that; then the link is given up."""


class LinkState(Enum):
    """Where the link stands."""

    DOWN = "down"
    STANDBY = "standby"
    """Another component has our name; we wait until it is gone."""
    STALLED = "stalled"
    """Connected to a server that says nothing."""
    UP = "up"


def pause(condition: str | None, since: float, chance: float, times: LinkTimes) -> float:
    """How long to wait before the next attempt, in s.

    Args:
        condition: the stream error of the last attempt, when there was one.
        since: how long there has been no link, in s.
        chance: between 0 and 1; spreads the attempts of many.
        times: the bounds.
    """
    if condition == "not-authorized":
        return times.refused
    if condition == "conflict":
        return times.soon * (0.75 + chance / 4)
    longest = times.soon if since < times.first_minute else times.later
    return times.shortest + chance * (longest - times.shortest)


class Link:
    """Keeps a stream open.

    Args:
        stream: the component's stream.
        times: how long it waits for what.
    """

    def __init__(self, stream: ComponentStream, times: LinkTimes | None = None) -> None:
        self._stream = stream
        self._times = times or LinkTimes()
        self._log = structlog.get_logger()
        self._changed = asyncio.Event()
        self._is_standby = False
        self._task: asyncio.Task[None] | None = None
        for event in ("connected", "session_start", "disconnected", "connection_failed"):
            stream.add_event_handler(event, self._on_change)

    @property
    def state(self) -> LinkState:
        """Whether the component is on the server now."""
        if self._stream.is_up:
            return LinkState.STALLED if self._stream.is_stalled else LinkState.UP
        return LinkState.STANDBY if self._is_standby else LinkState.DOWN

    async def open(self, *, standby: bool = False) -> None:
        """Connect for the first time, then keep the link in the background.

        Args:
            standby: whether to wait while another component has our name.

        Raises:
            OperatorError: the server refuses the component, or nothing listens there.
        """
        if not await self._attempt():
            if not (standby and self._stream.error == "conflict"):
                await self._disconnect()
                raise OperatorError(self._explanation())
            self._log.warning("waiting as standby", reason=self._explanation())
            await self._restore(said=self._explanation())
        self._task = asyncio.create_task(self._keep(), name="link")

    async def close(self) -> None:
        """Leave the server."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._disconnect()

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._watch()
            lost_at = loop.time()
            self._log.warning("link lost", reason=self._stream.error or "closed")
            await self._restore()
            self._log.info("link restored", after_s=round(loop.time() - lost_at, 1))

    async def _watch(self) -> None:
        """Return when the stream has ended; end it when the server is silent for too long."""
        stream, times = self._stream, self._times
        while stream.is_up:
            if await self._hears(times.question):
                continue
            self._ask()
            if await self._hears(times.answer):
                continue
            self._log.warning("the server is silent")
            stream.stall()
            if not await self._hears(times.patience):
                stream.error = "no answer"
                await stream.drop(unheard=True)
        # what the server ended may still wait for it to read the rest
        await stream.drop()

    async def _hears(self, within: float) -> bool:
        """Whether the server says anything in that time, or ends the stream."""
        stream = self._stream
        before = stream.heard
        await self._wait(within)
        if stream.is_up and stream.heard == before:
            # a process that was suspended itself reads first what came meanwhile
            await asyncio.sleep(_SETTLE)
        return not stream.is_up or stream.heard != before

    def _ask(self) -> None:
        """Ping ourselves: whatever comes back, and it is two stanzas, came from the server."""
        jid = str(self._stream.boundjid)
        self._stream.send(
            f"<iq type='get' id='{self._stream.new_id()}' from='{jid}' to='{jid}'>"
            f"<ping xmlns='{PING}'/></iq>"
        )

    async def _restore(self, said: str = "") -> None:
        loop, stream = asyncio.get_running_loop(), self._stream
        lost_at = loop.time()
        while True:
            self._is_standby = stream.error == "conflict"
            chance = random.random()  # noqa: S311 # jitter is no secret
            await asyncio.sleep(pause(stream.error, loop.time() - lost_at, chance, self._times))
            if await self._attempt():
                self._is_standby = False
                return
            reason = self._explanation()
            if reason != said or stream.error == "not-authorized":
                self._log.warning("no link", reason=reason)
            said = reason

    async def _attempt(self) -> bool:
        """Connect, once; whether the server took us."""
        stream, times = self._stream, self._times
        started = asyncio.get_running_loop().time()
        try:
            stream.open()
            await self._wait_while(stream.is_connecting, started + times.connect)
            await self._wait_while(
                lambda: stream.is_connected() and not stream.is_up, started + times.handshake
            )
        finally:
            if not stream.is_up:
                await stream.drop()
        if stream.is_up:
            self._log.info("link up", component=str(stream.boundjid))
        return stream.is_up

    async def _disconnect(self) -> None:
        stream, self._is_standby = self._stream, False
        if stream.is_up:
            await stream.disconnect(wait=1.0)
        await stream.drop()
        stream.end_unheard()
        await stream.stop_sending()

    async def _wait_while(self, condition: Callable[[], bool], deadline: float) -> None:
        loop = asyncio.get_running_loop()
        while condition() and loop.time() < deadline:
            await self._wait(deadline - loop.time())

    async def _wait(self, seconds: float) -> None:
        """Wait that long, or until the stream's state changes."""
        self._changed.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    def _on_change(self, _: object) -> None:
        self._changed.set()

    def _explanation(self) -> str:
        where = f"{self._stream.server_host}:{self._stream.server_port}"
        jid, error = str(self._stream.boundjid), self._stream.error
        if error == "not-authorized":
            return f"the server at {where} refuses {jid}: the component secret is wrong"
        if error == "conflict":
            return f"the server at {where} already has a component {jid}"
        if error is not None:
            return f"the server at {where} refuses {jid}: {error}"
        return f"no XMPP server takes components at {where}"
