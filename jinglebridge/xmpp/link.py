"""The link to the server: opened, kept, opened again.

slixmpp components do not reconnect, and connecting from its ``disconnected`` event makes a
thousand connections in seconds on a conflict. So one task connects, waits for the end, waits a
jittered while, and connects again.
"""

import asyncio
import random
from enum import Enum

import structlog

from jinglebridge.errors import OperatorError
from jinglebridge.xmpp.stream import ComponentStream

_HANDSHAKE_TIMEOUT = 10.0
"""For the server's answer to our handshake, in s."""
_SHORT, _LONG, _REFUSED = 1.0, 10.0, 30.0
"""Pauses between attempts, in s: within the first minute, later, and after a wrong secret."""
_FIRST_MINUTE = 60.0


class LinkState(Enum):
    """Where the link stands."""

    DOWN = "down"
    UP = "up"


class Link:
    """Keeps a stream open.

    Args:
        stream: the component's stream.
    """

    def __init__(self, stream: ComponentStream) -> None:
        self._stream = stream
        self._log = structlog.get_logger()
        self._condition: str | None = None
        self._started = asyncio.Event()
        self._lost = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        stream.add_event_handler("session_start", self._on_start)
        stream.add_event_handler("stream_error", self._on_stream_error)
        stream.add_event_handler("disconnected", self._on_lost)
        stream.add_event_handler("connection_failed", self._on_lost)

    @property
    def state(self) -> LinkState:
        """Whether the component is on the server now."""
        return LinkState.UP if self._started.is_set() else LinkState.DOWN

    async def open(self) -> None:
        """Connect for the first time, then keep the link in the background.

        Raises:
            OperatorError: the server refuses the component, or nothing listens there.
        """
        if not await self._attempt():
            await self._disconnect()
            raise OperatorError(self._explanation())
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
            await self._lost.wait()
            lost_at = loop.time()
            self._log.warning("link lost", reason=self._condition or "closed")
            await self._restore(lost_at)
            self._log.info("link restored", after_s=round(loop.time() - lost_at, 1))

    async def _restore(self, lost_at: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._pause(loop.time() - lost_at))
            if await self._attempt():
                return

    def _pause(self, since: float) -> float:
        if self._condition == "not-authorized":
            return _REFUSED
        base = _SHORT if since < _FIRST_MINUTE or self._condition == "conflict" else _LONG
        return base * random.uniform(0.5, 1.5)  # noqa: S311 # jitter is no secret

    async def _attempt(self) -> bool:
        self._condition = None
        self._lost.clear()
        self._started.clear()
        self._stream.connect(self._stream.server_host, self._stream.server_port)
        waits = [
            asyncio.create_task(event.wait(), name="link attempt")
            for event in (self._started, self._lost)
        ]
        try:
            await asyncio.wait(
                waits, timeout=_HANDSHAKE_TIMEOUT, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for task in waits:
                task.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        if self._started.is_set():
            return True
        self._stream.cancel_connection_attempt()
        self._stream.abort()
        return False

    async def _disconnect(self) -> None:
        self._stream.cancel_connection_attempt()
        if self._stream.is_connected():
            await self._stream.disconnect(wait=1.0)
        sending = self._stream._run_out_filters  # slixmpp never ends this task
        if sending is not None:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    def _on_start(self, _: object) -> None:
        self._log.info("link up", component=str(self._stream.boundjid))
        self._started.set()

    def _on_stream_error(self, error: object) -> None:
        self._condition = str(error["condition"])  # type: ignore[index] # untyped slixmpp stanza

    def _on_lost(self, _: object) -> None:
        self._stream.sessionstarted = False
        self._started.clear()
        self._lost.set()

    def _explanation(self) -> str:
        where = f"{self._stream.server_host}:{self._stream.server_port}"
        jid = str(self._stream.boundjid)
        if self._condition == "not-authorized":
            return f"the server at {where} refuses {jid}: the component secret is wrong"
        if self._condition == "conflict":
            return f"the server at {where} already has a component {jid}"
        if self._condition is not None:
            return f"the server at {where} refuses {jid}: {self._condition}"
        return f"no XMPP server takes components at {where}"
