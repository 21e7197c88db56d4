"""The composition: settings in, running parts out. Nothing but the command line imports this."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from jinglebridge.bridge.access import AccessRules, Names
from jinglebridge.bridge.bridge import Bridge
from jinglebridge.bridge.limits import Limits
from jinglebridge.config import HttpOptions, Settings
from jinglebridge.errors import OperatorError
from jinglebridge.http.listener import listen
from jinglebridge.http.page import DemoAccount, OfferedService, PageConfig
from jinglebridge.http.server import create_app, serving
from jinglebridge.media.candidates import CandidatePolicy
from jinglebridge.media.engine import InProcessEngine
from jinglebridge.media.settings import MediaSettings
from jinglebridge.services import SERVICES, Entry
from jinglebridge.xmpp.component import Component
from jinglebridge.xmpp.guard import StanzaBounds
from jinglebridge.xmpp.link import Link

_PAGES = (
    Path(__file__).parent / "http" / "page",
    Path(__file__).parent.parent / "web" / "dist",
)
"""Where the built page is: beside the installed package, or in a checkout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What runs."""

    bridge: Bridge
    link: Link
    services: tuple[OfferedService, ...]
    """What can be called, by JID."""


async def run(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM.

    Raises:
        OperatorError: The server, the port or the page is not there.
    """
    with stop_signals() as stop:
        await until_first(stop.wait(), _run_for_ever(settings))


async def _run_for_ever(settings: Settings) -> None:
    async with running(settings, standby=True):
        await asyncio.Event().wait()


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    listener: socket.socket | None = None,
    tls: ssl.SSLContext | None = None,
    demo: DemoAccount | None = None,
    standby: bool = False,
) -> AsyncIterator[Application]:
    """Run everything for the length of the block.

    Args:
        settings: all options.
        listener: serves the page here instead of where the settings say.
        tls: serves the page over HTTPS.
        demo: an account that the page offers.
        standby: waits while another component has our name.

    Raises:
        OperatorError: The server, the port or the page is not there.
    """
    entries = _entries(settings)
    services = tuple(
        OfferedService(
            jid=f"{entry.service.name}@{settings.component.jid}",
            name=entry.service.title,
            description=entry.service.description,
        )
        for entry in entries
    )
    async with AsyncExitStack() as stack:
        # The page goes last, so that its calls still hear that they end.
        if settings.http.enabled:
            page = _page(settings.http, services, demo)
            if listener is None:
                listener = stack.enter_context(listen(settings.http.host, (settings.http.port,)))
            await stack.enter_async_context(serving(page, listener, tls))
        component = _component(settings)
        bridge = Bridge(
            signaling=component,
            engine=_engine(settings, entries),
            services=[entry.service for entry in entries],
            limits=_limits(settings),
            rules=access_rules(settings),
        )
        component.attach(bridge)
        link = Link(component.stream)
        stack.push_async_callback(link.close)
        stack.push_async_callback(component.close)
        stack.push_async_callback(bridge.close)
        await link.open(standby=standby)
        yield Application(bridge=bridge, link=link, services=services)


async def until_first(*waits: Coroutine[Any, Any, Any]) -> None:
    """Wait until one of them ends, cancel the others, and raise what it raised."""
    tasks = [asyncio.create_task(wait, name="until first") for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


@contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """Yield an event that SIGINT, SIGTERM and a closed terminal set."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for each in signals:
        loop.add_signal_handler(each, stop.set)
    try:
        yield stop
    finally:
        for each in signals:
            loop.remove_signal_handler(each)


def find_page(configured: Path | None) -> Path:
    """Find the directory of the built page.

    Raises:
        OperatorError: There is none.
    """
    candidates = _PAGES if configured is None else (configured,)
    for directory in candidates:
        if (directory / "index.html").is_file():
            return directory
    raise OperatorError(f"the page is not built: no index.html in {candidates[-1]} (`make web`)")


def access_rules(settings: Settings) -> AccessRules:
    """Who may call: whoever is listed, or else the accounts of our own server.

    Raises:
        OperatorError: nobody may.
    """
    http = settings.http
    _, _, parent = settings.component.jid.partition(".")
    own = (parent, http.domain, http.anonymous_domain)
    allow = settings.access.allow or tuple(domain for domain in own if domain)
    if not allow:
        raise OperatorError(
            f"access.allow: nobody may call: {settings.component.jid} has no parent domain "
            "whose accounts could be meant"
        )
    return AccessRules(allow=Names.of(allow), deny=Names.of(settings.access.deny))


def _entries(settings: Settings) -> tuple[Entry, ...]:
    for name in settings.services.enabled:
        if name not in SERVICES:
            known = ", ".join(SERVICES)
            raise OperatorError(f"services.enabled: no service is called {name!r} (known: {known})")
    return tuple(SERVICES[name] for name in dict.fromkeys(settings.services.enabled))


def _page(
    http: HttpOptions, services: tuple[OfferedService, ...], demo: DemoAccount | None
) -> web.Application:
    return create_app(
        page=find_page(http.page),
        config=PageConfig(
            domain=http.domain,
            anonymous_domain=http.anonymous_domain,
            services=services,
            demo=demo,
        ),
        bosh=http.bosh_upstream,
        websocket=http.websocket_upstream,
    )


def _component(settings: Settings) -> Component:
    options, limits = settings.component, settings.limits
    return Component(
        options.jid,
        options.secret.get_secret_value(),
        host=options.host,
        port=options.port,
        bounds=StanzaBounds(depth=limits.stanza_depth, size=limits.stanza_bytes),
        request_timeout=limits.request_timeout_s,
    )


def _engine(settings: Settings, entries: tuple[Entry, ...]) -> InProcessEngine:
    media, limits = settings.media, settings.limits
    return InProcessEngine(
        MediaSettings(
            bind_addresses=media.bind,
            port_min=media.port_min,
            port_max=media.port_max,
            policy=CandidatePolicy(allow_loopback=media.allow_loopback),
            connect_timeout_s=limits.connect_timeout_s,
            max_sessions=limits.calls,
            # aiortc's SCTP bounds neither what it holds nor its work on unfinished messages
            data_channels=False,
        ),
        {entry.service.name: entry.program for entry in entries},
    )


def _limits(settings: Settings) -> Limits:
    limits = settings.limits
    return Limits(
        calls=limits.calls,
        calls_per_domain=limits.calls_per_domain,
        calls_per_peer=limits.calls_per_peer,
        setups_per_minute=limits.setups_per_minute,
        setups_per_minute_per_peer=limits.setups_per_minute_per_peer,
        contents=limits.contents,
        payload_types=limits.payload_types,
        candidates=limits.candidates,
        request_timeout=limits.request_timeout_s,
        accept_timeout=limits.accept_timeout_s,
        connect_timeout=limits.connect_timeout_s,
        ring_timeout=limits.ring_timeout_s,
    )
