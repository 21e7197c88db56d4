"""A client on a bare TCP stream: what it sends and gets is exactly what stands on the wire."""

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast
from xml.etree.ElementTree import Element, XMLPullParser, tostring
from xml.sax.saxutils import quoteattr

from jinglebridge.protocol.jingle.xep_0166 import Jingle
from jinglebridge.protocol.xml import build, parse, tag_of

PASSWORD = "p"
CLIENT = "{jabber:client}"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
JINGLE_ERRORS = "{urn:xmpp:jingle:errors:1}"
_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
_BIND = "urn:ietf:params:xml:ns:xmpp-bind"
_SESSION = "urn:ietf:params:xml:ns:xmpp-session"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as it came."""

    type: str
    condition: str
    jingle: str | None
    text: str


def refusal_of(answer: Element) -> Refusal:
    """Read an IQ error, strictly: one condition, at most one of Jingle's."""
    assert answer.get("type") == "error", tostring(answer)
    error = answer.find(f"{CLIENT}error")
    assert error is not None
    names = [item.tag.removeprefix(STANZAS) for item in error if item.tag.startswith(STANZAS)]
    (condition,) = [name for name in names if name != "text"]
    jingle = [item.tag.removeprefix(JINGLE_ERRORS) for item in error if JINGLE_ERRORS in item.tag]
    assert len(jingle) <= 1
    return Refusal(
        type=error.get("type", ""),
        condition=condition,
        jingle=jingle[0] if jingle else None,
        text=error.findtext(f"{STANZAS}text") or "",
    )


def _new_parser() -> "XMLPullParser[Element]":
    return XMLPullParser(("start", "end"))


@dataclass(slots=True)
class Phone:
    """A signed-in client; made by ``signed_in``."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    jid: str = ""
    answers: bool = True
    """Whether requests get their result."""
    received: list[Element] = field(default_factory=list)
    """Everything but answers to our requests."""
    _pending: dict[str, asyncio.Future[Element]] = field(default_factory=dict)
    _ids: "itertools.count[int]" = field(default_factory=itertools.count)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _parser: "XMLPullParser[Element]" = field(default_factory=_new_parser)
    _depth: int = 0

    async def open(self) -> None:
        """Begin a stream; its features are waited for."""
        self._parser, self._depth = _new_parser(), 0
        await self.send(
            "<stream:stream xmlns='jabber:client' to='localhost' version='1.0' "
            "xmlns:stream='http://etherx.jabber.org/streams'>"
        )
        assert (await self._next()).tag.endswith("}features")

    async def sign_in(self, user: str, password: str, resource: str) -> None:
        """SASL PLAIN (RFC 4616), then bind."""
        await self.open()
        token = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        await self.send(f"<auth xmlns='{_SASL}' mechanism='PLAIN'>{token}</auth>")
        assert (await self._next()).tag == f"{{{_SASL}}}success"
        await self.open()
        await self.send(
            f"<iq type='set' id='bind'><bind xmlns='{_BIND}'>"
            f"<resource>{resource}</resource></bind></iq>"
        )
        self.jid = (await self._next()).findtext(f".//{{{_BIND}}}jid") or ""
        assert self.jid == f"{user}@localhost/{resource}"
        await self.send(f"<iq type='set' id='session'><session xmlns='{_SESSION}'/></iq>")
        await self._next()

    async def send(self, text: str | bytes) -> None:
        """Put bytes on the stream."""
        self.writer.write(text.encode() if isinstance(text, str) else text)
        await self.writer.drain()

    async def ask(
        self, to: str, payload: str, *, kind: str = "set", id_: str | None = None
    ) -> Element:
        """Send a request and wait for its answer."""
        id_ = id_ or f"ask-{next(self._ids)}"
        future: asyncio.Future[Element] = asyncio.get_running_loop().create_future()
        self._pending[id_] = future
        await self.send(f"<iq type='{kind}' id='{id_}' to={quoteattr(to)}>{payload}</iq>")
        async with asyncio.timeout(10):
            return await future

    async def jingle(self, to: str, jingle: Jingle) -> Element:
        """Send a Jingle request and wait for its answer."""
        return await self.ask(to, tostring(build(jingle), "unicode"))

    async def ping(self, to: str) -> float:
        """Time of an answered ping, in s."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        answer = await self.ask(to, "<ping xmlns='urn:xmpp:ping'/>", kind="get")
        assert answer.get("type") == "result", tostring(answer)
        return loop.time() - started

    @property
    def requests(self) -> list[Jingle]:
        """Jingle requests that came, oldest first."""
        found = (item.find(tag_of(Jingle)) for item in self.received if item.get("type") == "set")
        return [parse(Jingle, item) for item in found if item is not None]

    async def wait_for(self, condition: Callable[["Phone"], object], within: float = 10.0) -> None:
        """Wait until this holds for what came."""
        async with asyncio.timeout(within):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()

    async def listen(self) -> None:
        """Take stanzas until the stream ends."""
        while True:
            self._take(await self._next())

    def _take(self, stanza: Element) -> None:
        is_iq = stanza.tag == f"{CLIENT}iq"
        if is_iq and stanza.get("type") in ("result", "error"):
            future = self._pending.pop(stanza.get("id", ""), None)
            if future is not None:
                future.set_result(stanza)
                return
        self.received.append(stanza)
        self._changed.set()
        if is_iq and stanza.get("type") == "set" and self.answers:
            id_, to = quoteattr(stanza.get("id", "")), quoteattr(stanza.get("from", ""))
            self.writer.write(f"<iq type='result' id={id_} to={to}/>".encode())

    async def _next(self) -> Element:
        while True:
            events = cast(Iterator[tuple[str, Element]], self._parser.read_events())
            for event, item in events:
                self._depth += 1 if event == "start" else -1
                if event == "end" and self._depth == 1:
                    return item
            data = await self.reader.read(65_536)
            if not data:
                raise ConnectionResetError("the stream ended")
            self._parser.feed(data)


@asynccontextmanager
async def signed_in(
    port: int, user: str, password: str = PASSWORD, resource: str = "phone"
) -> AsyncIterator[Phone]:
    """A client for the length of a test."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    phone = Phone(reader, writer)
    try:
        async with asyncio.timeout(10):
            await phone.sign_in(user, password, resource)
        listening = asyncio.create_task(phone.listen(), name=f"phone {user}")
        try:
            yield phone
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
