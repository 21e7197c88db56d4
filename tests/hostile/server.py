"""A server that says what we want: the accepting side of XEP-0114, and nothing else of one.

Real servers filter, stamp and throttle. This one puts any stanza in any name on the stream, and
looks at everything that the component sends.
"""

import asyncio
import hashlib
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from time import perf_counter
from typing import cast
from xml.etree.ElementTree import Element, XMLPullParser, tostring
from xml.sax.saxutils import quoteattr

NAMESPACE = "{jabber:component:accept}"
JINGLE = "{urn:xmpp:jingle:1}jingle"
PROPOSE = "{urn:xmpp:jingle-message:0}propose"
DISCO = "{http://jabber.org/protocol/disco#info}query"
SECRET = "secret"
_STREAM_ID = "3BF96D32"

Take = Callable[[Element], None]


def domain_of(jid: str) -> str:
    """The domain of a JID; not the product's own idea of it."""
    return jid.split("/", 1)[0].rsplit("@", maxsplit=1)[-1]


def bare(jid: str) -> str:
    """A JID without its resource."""
    return jid.split("/", 1)[0]


class ScriptedServer:
    """One component at a time; made by ``serving``.

    Args:
        domain: the component's.
    """

    def __init__(self, domain: str) -> None:
        self.domain = domain
        self.port = 0
        self.bound = asyncio.Event()
        """Whether the component is on the stream."""
        self.streams = 0
        """How many there were."""
        self.seen: Counter[str] = Counter()
        """What the component sent, by name and type."""
        self.foreign: list[str] = []
        """What it sent in a name that is not its own."""
        self.silent: Callable[[str], bool] = lambda _: False
        """Whose clients never answer."""
        self.takers: dict[str, Take] = {}
        """Who is told of what comes for a full JID."""
        self.ours: dict[str, str] = {}
        """The sid of the last session that the component began, or proposed, by bare JID."""
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[tuple[str, str], asyncio.Future[Element]] = {}
        self._ids = itertools.count(1)

    @property
    def total(self) -> int:
        """Stanzas that the component sent."""
        return sum(self.seen.values())

    def write(self, text: str) -> None:
        """Put a stanza on the stream.

        Raises:
            ConnectionResetError: there is none.
        """
        if self._writer is None:
            raise ConnectionResetError("no component")
        self._writer.write(text.encode())

    async def drain(self) -> None:
        """Wait until the component reads again."""
        if self._writer is not None:
            await self._writer.drain()

    async def ask(
        self, sender: str, to: str, payload: str, *, kind: str = "set", within: float = 30.0
    ) -> Element:
        """Send a request in somebody's name and wait for its answer."""
        identifier = f"ask{next(self._ids)}"
        future: asyncio.Future[Element] = asyncio.get_running_loop().create_future()
        self._waiting[sender, identifier] = future
        try:
            self.write(
                f"<iq type='{kind}' id='{identifier}' from={quoteattr(sender)} "
                f"to={quoteattr(to)}>{payload}</iq>"
            )
            async with asyncio.timeout(within):
                return await future
        finally:
            self._waiting.pop((sender, identifier), None)

    async def ping(self, sender: str, to: str) -> float:
        """Time of an answered ping, in s."""
        started = perf_counter()
        answer = await self.ask(sender, to, "<ping xmlns='urn:xmpp:ping'/>", kind="get")
        if answer.get("type") != "result":
            raise AssertionError(f"a ping was answered with {tostring(answer, 'unicode')}")
        return perf_counter() - started

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            await self._serve(reader, writer)
        except ConnectionError:
            pass
        finally:
            self.bound.clear()
            self._writer = None
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
        depth = 0
        root: Element | None = None
        while data := await reader.read(262_144):
            parser.feed(data)
            for event, item in cast(Iterator[tuple[str, Element]], parser.read_events()):
                if event == "start":
                    if depth == 0:
                        root = item
                        self._open(writer)
                    depth += 1
                    continue
                depth -= 1
                if depth == 1:
                    self._take(item, writer)
                    if root is not None:
                        root.clear()

    def _open(self, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"<stream:stream xmlns:stream='http://etherx.jabber.org/streams' "
            b"xmlns='jabber:component:accept' from='%s' id='%s'>"
            % (self.domain.encode(), _STREAM_ID.encode())
        )

    def _take(self, stanza: Element, writer: asyncio.StreamWriter) -> None:
        if stanza.tag == f"{NAMESPACE}handshake":
            expected = hashlib.sha1(f"{_STREAM_ID}{SECRET}".encode()).hexdigest()  # noqa: S324 # XEP-0114
            if stanza.text != expected:
                raise ConnectionAbortedError("wrong secret")
            writer.write(b"<handshake/>")
            self._writer = writer
            self.streams += 1
            self.bound.set()
            return
        name = stanza.tag.removeprefix(NAMESPACE)
        kind = stanza.get("type", "")
        self.seen[f"{name} {kind}".strip()] += 1
        sender, recipient = stanza.get("from", ""), stanza.get("to", "")
        if domain_of(sender) != self.domain:
            self.foreign.append(tostring(stanza, "unicode")[:500])
        if domain_of(recipient) == self.domain:
            writer.write(tostring(stanza))
        elif name == "iq" and kind in ("result", "error"):
            future = self._waiting.get((recipient, stanza.get("id", "")))
            if future is not None and not future.done():
                future.set_result(stanza)
        else:
            self._deliver(name, stanza, sender, recipient)

    def _deliver(self, name: str, stanza: Element, sender: str, recipient: str) -> None:
        jingle, propose = stanza.find(JINGLE), stanza.find(PROPOSE)
        if jingle is not None and jingle.get("action") == "session-initiate":
            self.ours[bare(recipient)] = jingle.get("sid", "")
        elif propose is not None:
            self.ours[bare(recipient)] = propose.get("id", "")
        taker = self.takers.get(recipient)
        if taker is not None:
            taker(stanza)
        if name == "iq" and not self.silent(recipient):
            answer = "result" if stanza.find(DISCO) is None else "error"
            self.write(
                f"<iq type='{answer}' id={quoteattr(stanza.get('id', ''))} "
                f"from={quoteattr(recipient)} to={quoteattr(sender)}/>"
            )


@asynccontextmanager
async def serving(domain: str) -> AsyncIterator[ScriptedServer]:
    """A server on a free port, for the length of the block."""
    scripted = ScriptedServer(domain)
    server = await asyncio.start_server(scripted.accept, "127.0.0.1", 0, limit=1 << 20)
    scripted.port = server.sockets[0].getsockname()[1]
    try:
        yield scripted
    finally:
        server.close()
