"""Where personas meet the product: a bridge behind a pipe, or behind a real server.

Both give a ``House``: the real component, presence and bridge. Over the pipe every stanza is text
in between, as on a stream; media is negotiated by the real rules and never flows. Over the server
the media endpoint is the real one.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar
from xml.etree.ElementTree import Element

from jinglebridge.bridge.bridge import Bridge
from jinglebridge.bridge.limits import Limits
from jinglebridge.bridge.ports import ConnectionState, MediaEngine
from jinglebridge.dev.prosody import COMPONENT_DOMAIN, DOMAIN, PrivateProsody
from jinglebridge.media.candidates import CandidatePolicy
from jinglebridge.media.engine import InProcessEngine
from jinglebridge.media.settings import MediaSettings
from jinglebridge.services.echo import EchoProgram, EchoService
from jinglebridge.xmpp.component import Component
from jinglebridge.xmpp.guard import StanzaBounds
from jinglebridge.xmpp.link import Link
from tests.personas.engine import NegotiatingEngine
from tests.personas.persona import Persona
from tests.personas.pipe import Pipe
from tests.xmpp.phone import PASSWORD, Phone

ECHO = f"echo@{COMPONENT_DOMAIN}"
MOODY = f"moody@{COMPONENT_DOMAIN}"
P = TypeVar("P", bound=Persona)


@dataclass(slots=True)
class MoodyService:
    """A service that stops taking calls."""

    name: str = "moody"
    title: str = "Moody"
    description: str = "Takes calls for a while."
    is_closed: bool = False

    def admits(self, peer: str, argument: str) -> bool:
        return not self.is_closed


@dataclass(slots=True, kw_only=True)
class House:
    """A bridge, and the clients that are signed in."""

    bridge: Bridge
    engine: MediaEngine
    moody: MoodyService
    enter: Callable[[Persona], Awaitable[None]]
    """Brings a client to its stream."""
    personas: list[Persona] = field(default_factory=list)

    async def sign_in(self, kind: type[P], user: str, service: str = ECHO) -> P:
        """A client that has seen that the service can be called."""
        persona = kind(f"{user}@{DOMAIN}/{kind.name.lower()}", service)
        await self.enter(persona)
        self.personas.append(persona)
        persona.sign_in()
        await persona.until("callable")
        return persona

    def connect_media(self) -> None:
        """Let the media of every call be connected; the real one is left to itself."""
        if isinstance(self.engine, NegotiatingEngine):
            for session in self.engine.sessions:
                if not session.closed:
                    session.change(ConnectionState.CONNECTED)


def _built(
    engine: MediaEngine, limits: Limits, port: int, secret: str
) -> tuple[Component, Bridge, MoodyService]:
    moody = MoodyService()
    component = Component(
        COMPONENT_DOMAIN,
        secret,
        host="127.0.0.1",
        port=port,
        bounds=StanzaBounds(),
        request_timeout=limits.request_timeout,
    )
    bridge = Bridge(
        signaling=component,
        engine=engine,
        services=[EchoService(), moody],
        limits=limits,
    )
    component.attach(bridge)
    return component, bridge, moody


@asynccontextmanager
async def piped(limits: Limits) -> AsyncIterator[House]:
    """A bridge without server or network."""
    engine = NegotiatingEngine()
    component, bridge, moody = _built(engine, limits, 1, "secret")
    pipe = Pipe(component.stream, COMPONENT_DOMAIN)

    async def enter(persona: Persona) -> None:
        persona.line.send = lambda text: pipe.send_as(persona.jid, text)
        pipe.enter(persona.jid, persona.take)

    await pipe.open()
    try:
        yield House(bridge=bridge, engine=engine, moody=moody, enter=enter)
    finally:
        await bridge.close()
        await pipe.end()


class _PersonasPhone(Phone):
    """A client's real stream, with a persona at its end."""

    persona: Persona

    def _take(self, stanza: Element) -> None:
        self.persona.take(stanza)


@asynccontextmanager
async def served(prosody: PrivateProsody, limits: Limits) -> AsyncIterator[House]:
    """A bridge with the real media endpoint on a real server."""
    engine = InProcessEngine(
        MediaSettings(
            bind_addresses=("127.0.0.1",),
            policy=CandidatePolicy(allow_loopback=True),
            connect_timeout_s=limits.connect_timeout,
            max_sessions=limits.calls,
            data_channels=False,
        ),
        {"echo": EchoProgram},
    )
    component, bridge, moody = _built(
        engine, limits, prosody.component_port, prosody.component_secret
    )
    link = Link(component.stream)
    async with AsyncExitStack() as stack:
        await link.open()
        stack.push_async_callback(link.close)
        stack.push_async_callback(bridge.close)

        async def enter(persona: Persona) -> None:
            await stack.enter_async_context(_on_stream(prosody, persona))

        yield House(bridge=bridge, engine=engine, moody=moody, enter=enter)


@asynccontextmanager
async def _on_stream(prosody: PrivateProsody, persona: Persona) -> AsyncIterator[None]:
    user, _, resource = persona.jid.replace(f"@{DOMAIN}", "").partition("/")
    prosody.add_account(user, PASSWORD)
    phone = _PersonasPhone(*await asyncio.open_connection("127.0.0.1", prosody.c2s_port))
    phone.persona = persona
    try:
        async with asyncio.timeout(10):
            await phone.sign_in(user, PASSWORD, resource)
        persona.line.send = lambda text: phone.writer.write(text.encode())
        listening = asyncio.create_task(phone.listen(), name=f"phone {user}")
        try:
            persona.line.send("<presence/>")
            yield
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
    finally:
        phone.writer.close()
        await asyncio.gather(phone.writer.wait_closed(), return_exceptions=True)
