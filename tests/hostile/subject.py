"""The bridge under attack, and everything that must not happen in it."""

import asyncio
import contextlib
import gc
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from jinglebridge.bridge.bridge import Bridge
from jinglebridge.bridge.limits import Limits
from jinglebridge.bridge.ports import ConnectionState, MediaEngine, MediaEvent, MediaSession
from jinglebridge.media.candidates import CandidatePolicy
from jinglebridge.media.engine import InProcessEngine
from jinglebridge.media.settings import MediaSettings
from jinglebridge.services.echo import EchoProgram, EchoService
from jinglebridge.testing import FakeEngine, FakeMediaSession
from jinglebridge.xmpp.component import Component
from jinglebridge.xmpp.guard import StanzaBounds
from jinglebridge.xmpp.link import Link
from tests.hostile.attacks import HONEST, VICTIM

WIDE = Limits(
    calls=1_000,
    calls_per_domain=1_000,
    calls_per_peer=16,
    setups_per_minute=1_000_000,
    setups_per_minute_per_peer=1_000_000,
    accept_timeout=10,
    connect_timeout=20,
    close_timeout=1,
    request_timeout=5,
)
"""Room for every stanza to do its worst: the limits themselves are attacked by the flood."""
STEADY = frozenset({HONEST, VICTIM})
"""Clients whose calls get connected, and stay so."""
SLOW = "slow"
"""Resource of clients whose calls the media side leaves unanswered."""


async def _never() -> None:
    await asyncio.Event().wait()


class UnevenEngine:
    """A fake engine that answers at once, or for some clients never."""

    def __init__(self) -> None:
        self.prompt = FakeEngine()
        self.slow = FakeEngine(before_answer=_never)

    async def open(
        self, service: str, peer: str, emit: Callable[[MediaEvent], None]
    ) -> MediaSession:
        engine = self.slow if peer.endswith(f"/{SLOW}") else self.prompt
        session = await engine.open(service, peer, emit)
        if peer in STEADY:
            connect = partial(session.change, ConnectionState.CONNECTED)
            asyncio.get_running_loop().call_later(0.2, connect)
        # thousands of closed ones would be a leak of the test's own
        engine.sessions[:] = [item for item in engine.sessions if not item.closed]
        return session

    async def close(self) -> None:
        await self.prompt.close()

    def media(self, peer: str) -> FakeMediaSession:
        """The latest media session of a peer."""
        everything = (*self.prompt.sessions, *self.slow.sessions)
        return [item for item in everything if item.peer == peer][-1]


@dataclass(slots=True)
class Watch:
    """What must not happen: each entry is one failure."""

    exceptions: list[str] = field(default_factory=list)
    """That nobody caught."""
    errors: list[str] = field(default_factory=list)
    """That were logged."""
    log_lines: int = 0

    def note(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """See ``loop.set_exception_handler``."""
        self.exceptions.append(str(context)[:1_000])

    def process(self, logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        """See structlog's processors."""
        self.log_lines += 1
        if name in ("error", "critical", "exception") or event.get("exc_info"):
            self.errors.append(
                str(structlog.processors.format_exc_info(logger, name, event))[:2_000]
            )
        raise structlog.DropEvent


class _Errors(logging.Handler):
    def __init__(self, watch: Watch) -> None:
        super().__init__(logging.ERROR)
        self._watch = watch

    def emit(self, record: logging.LogRecord) -> None:
        self._watch.errors.append(self.format(record)[:2_000])


@asynccontextmanager
async def watched() -> AsyncIterator[Watch]:
    """Look at uncaught exceptions and at the log for the length of the block."""
    watch, loop = Watch(), asyncio.get_running_loop()
    handler = _Errors(watch)
    before, earlier = structlog.get_config(), loop.get_exception_handler()
    structlog.configure(
        processors=[watch.process],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    logging.getLogger().addHandler(handler)
    loop.set_exception_handler(watch.note)
    try:
        yield watch
    finally:
        loop.set_exception_handler(earlier)
        logging.getLogger().removeHandler(handler)
        structlog.configure(**before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What runs."""

    component: Component
    link: Link
    bridge: Bridge
    engine: UnevenEngine
    watch: Watch

    def failures(self) -> list[str]:
        """What must not have happened and did."""
        return [*self.watch.exceptions, *self.watch.errors]


@asynccontextmanager
async def subject(
    domain: str, port: int, secret: str, *, limits: Limits = WIDE, real_media: bool = False
) -> AsyncIterator[Subject]:
    """A bridge on a server.

    Args:
        domain: its own.
        port: the server's for components, on 127.0.0.1.
        secret: shared with the server.
        limits: its bounds.
        real_media: whether its media side opens sockets; otherwise it is a fake.
    """
    async with watched() as watch:
        component = Component(
            domain, secret, host="127.0.0.1", port=port, bounds=StanzaBounds(), request_timeout=5.0
        )
        fake = UnevenEngine()
        engine: MediaEngine = _media(limits) if real_media else fake
        bridge = Bridge(signaling=component, engine=engine, services=[EchoService()], limits=limits)
        component.attach(bridge)
        link = Link(component.stream)
        await link.open()
        try:
            yield Subject(component=component, link=link, bridge=bridge, engine=fake, watch=watch)
        finally:
            await bridge.close()
            await link.close()


def _media(limits: Limits) -> InProcessEngine:
    return InProcessEngine(
        MediaSettings(
            bind_addresses=("127.0.0.1",),
            policy=CandidatePolicy(allow_loopback=True),
            connect_timeout_s=limits.connect_timeout,
            max_sessions=limits.calls,
            data_channels=False,
        ),
        {"echo": EchoProgram},
    )


@dataclass(frozen=True, slots=True)
class Burden:
    """What the process holds."""

    calls: int
    tasks: int
    files: int
    rss_mib: float


def burden(running: Subject) -> Burden:
    """Look now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    files = 0
    with contextlib.suppress(OSError):
        files = len(os.listdir("/proc/self/fd"))
    return Burden(
        calls=len(running.bridge.calls),
        tasks=len(asyncio.all_tasks()),
        files=files,
        rss_mib=round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1),
    )


def default_limits(**changes: Any) -> Limits:
    """The product's own limits."""
    return replace(Limits(), **changes)
