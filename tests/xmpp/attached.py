"""A bridge with a fake engine, attached to a real server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from jinglebridge.bridge.bridge import Bridge
from jinglebridge.bridge.limits import Limits
from jinglebridge.dev.prosody import COMPONENT_DOMAIN, PrivateProsody
from jinglebridge.services.echo import EchoService
from jinglebridge.testing import FakeEngine, FakeMediaSession
from jinglebridge.xmpp.component import Component
from jinglebridge.xmpp.guard import StanzaBounds
from jinglebridge.xmpp.link import Link, LinkTimes

ECHO = f"echo@{COMPONENT_DOMAIN}"
MEDIA = f"{ECHO}/media"
LIMITS = Limits(
    connect_timeout=60,
    close_timeout=1,
    setups_per_minute=60_000,
    setups_per_minute_per_peer=60_000,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """What runs."""

    component: Component
    link: Link
    bridge: Bridge
    engine: FakeEngine

    @property
    def stream_id(self) -> str:
        """Another one for every stream."""
        return str(self.component.stream.stream_id)

    def media(self, peer: str) -> FakeMediaSession:
        """The latest media session of a peer."""
        return [item for item in self.engine.sessions if item.peer == peer][-1]


def detached(
    port: int,
    secret: str,
    *,
    domain: str = COMPONENT_DOMAIN,
    limits: Limits = LIMITS,
    request_timeout: float = 5.0,
    times: LinkTimes | None = None,
) -> Attached:
    """Everything put together, not yet opened."""
    component = Component(
        domain,
        secret,
        host="127.0.0.1",
        port=port,
        bounds=StanzaBounds(),
        request_timeout=request_timeout,
    )
    engine = FakeEngine()
    bridge = Bridge(signaling=component, engine=engine, services=[EchoService()], limits=limits)
    component.attach(bridge)
    return Attached(
        component=component, link=Link(component.stream, times), bridge=bridge, engine=engine
    )


@asynccontextmanager
async def attached(prosody: PrivateProsody, *, limits: Limits = LIMITS) -> AsyncIterator[Attached]:
    """A bridge on the server."""
    whole = detached(prosody.component_port, prosody.component_secret, limits=limits)
    await whole.link.open()
    try:
        yield whole
    finally:
        await whole.bridge.close()
        await whole.component.close()
        await whole.link.close()
