"""Everything for one test: a private Prosody and the product in this process, on loopback."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import SecretStr

from jinglebridge.app import Application, running
from jinglebridge.bridge.bridge import Bridge
from jinglebridge.config import (
    AccessOptions,
    ComponentOptions,
    HttpOptions,
    LimitOptions,
    LogOptions,
    MediaOptions,
    ServiceOptions,
    Settings,
)
from jinglebridge.dev.prosody import ANONYMOUS_DOMAIN, COMPONENT_DOMAIN, DOMAIN, PrivateProsody
from jinglebridge.http.listener import listen
from jinglebridge.http.page import DemoAccount
from jinglebridge.xmpp.link import Link
from tests.support.caller import Caller, loopback_candidates, signed_in
from tests.support.tcp_proxy import TcpProxy, tcp_proxy

HOST = "127.0.0.1"
ECHO = f"echo@{COMPONENT_DOMAIN}"
_LIMITS = LimitOptions(setups_per_minute_per_peer=600)
"""The product's own, for a caller who calls again and again without a pause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What runs."""

    prosody: PrivateProsody
    application: Application
    url: str
    """Of the page; empty when it is not served."""
    demo: DemoAccount
    log: list[structlog.types.EventDict]
    """Everything that the product has logged so far, at every level."""
    proxy: TcpProxy | None = None
    """On the component's path to the server."""

    @property
    def bridge(self) -> Bridge:
        """All calls."""
        return self.application.bridge

    @property
    def link(self) -> Link:
        """The component's link to Prosody."""
        return self.application.link

    def events(self, name: str) -> list[structlog.types.EventDict]:
        """The logged events of this name, oldest first."""
        return [entry for entry in self.log if entry["event"] == name]

    @asynccontextmanager
    async def caller(self, user: str | None = None, *, resource: str = "") -> AsyncIterator[Caller]:
        """A signed-in XMPP-only client: an account of its own, or a guest."""
        jid, password = ANONYMOUS_DOMAIN, ""
        if user is not None:
            password = secrets.token_urlsafe(9)
            jid = self.prosody.add_account(user, password)
        if resource:
            jid = f"{jid}/{resource}"
        async with signed_in(jid, password, port=self.prosody.c2s_port) as caller:
            yield caller


@asynccontextmanager
async def stack(
    *,
    page: bool = True,
    limits: LimitOptions | None = None,
    proxied: bool = False,
    extra_config: str = "",
) -> AsyncIterator[Stack]:
    """Start everything, and leave nothing behind.

    Args:
        page: whether the page is served.
        limits: of the bridge.
        proxied: whether the component's path to the server can be broken.
        extra_config: of the server.
    """
    async with AsyncExitStack() as entered:
        log = entered.enter_context(_recorded())
        await entered.enter_async_context(loopback_candidates())
        prosody = await entered.enter_async_context(PrivateProsody(extra_config=extra_config))
        password = secrets.token_urlsafe(9)
        demo = DemoAccount(jid=prosody.add_account("demo", password), password=password)
        listener = entered.enter_context(listen(HOST, (0,))) if page else None
        port = listener.getsockname()[1] if listener else 0
        proxy = None
        if proxied:
            proxy = await entered.enter_async_context(tcp_proxy(prosody.component_port))
        settings = _settings(
            prosody,
            page=page,
            limits=limits or _LIMITS,
            component_port=proxy.port if proxy else prosody.component_port,
        )
        application = await entered.enter_async_context(
            running(settings, listener=listener, demo=demo)
        )
        yield Stack(
            prosody=prosody,
            application=application,
            url=f"http://{HOST}:{port}/" if page else "",
            demo=demo,
            log=log,
            proxy=proxy,
        )


async def until(condition: Callable[[], Any], *, within: float = 10.0) -> None:
    """Wait for something that happens in this process.

    Raises:
        TimeoutError: it did not happen within that many seconds.
    """
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 # whatever it is, it sets no event
            await asyncio.sleep(0.02)


@contextmanager
def _recorded() -> Iterator[list[structlog.types.EventDict]]:
    recorder = structlog.testing.LogCapture()
    before = structlog.get_config()
    structlog.configure(
        processors=[recorder],
        wrapper_class=structlog.make_filtering_bound_logger(0),
        cache_logger_on_first_use=False,
    )
    try:
        yield recorder.entries
    finally:
        structlog.configure(**before)


def _settings(
    prosody: PrivateProsody, *, page: bool, limits: LimitOptions, component_port: int
) -> Settings:
    # Made without a look at the environment of whoever runs the tests.
    return Settings.model_construct(
        component=ComponentOptions(
            jid=COMPONENT_DOMAIN,
            secret=SecretStr(prosody.component_secret),
            port=component_port,
        ),
        http=HttpOptions(
            enabled=page,
            domain=DOMAIN,
            anonymous_domain=ANONYMOUS_DOMAIN,
            bosh_upstream=prosody.bosh_url,
            websocket_upstream=prosody.websocket_url,
        ),
        media=MediaOptions(bind=(HOST,), allow_loopback=True),
        access=AccessOptions(),
        limits=limits,
        services=ServiceOptions(),
        log=LogOptions(),
    )
