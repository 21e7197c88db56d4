"""A server that takes components (XEP-0114) as a script says: one word for each connection."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Self, cast
from xml.etree.ElementTree import Element, XMLPullParser, tostring

from tests.xmpp.test_stanzas import NS

_STREAMS = "http://etherx.jabber.org/streams"
_ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"
_HEADER = (
    f"<?xml version='1.0'?><stream:stream xmlns='{NS}' xmlns:stream='{_STREAMS}' "
    "id='stream-1' from='bridge.localhost'>"
)


class Word(Enum):
    """What happens to a connection."""

    TAKE = "take"
    """The component is on; what it sends to itself comes back."""
    CONFLICT = "conflict"
    NOT_AUTHORIZED = "not-authorized"
    OTHER_HOST = "see-other-host"
    NOTHING = "nothing"
    """Not a word is said."""
    HEADER = "header"
    """The handshake is never answered."""
    CLOSE = "close"
    RESET = "reset"
    """In the middle of the handshake."""


@dataclass(slots=True)
class Connection:
    """One of them."""

    word: Word
    at: float
    """On the loop's clock, in s."""
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    received: list[Element] = field(default_factory=list)
    speaks: bool = True
    """Whether stanzas come back."""
    reads: asyncio.Event = field(default_factory=asyncio.Event)
    handshakes: int = 0
    end: str = ""
    """How the component ended it: ``closed`` or ``reset``."""

    def reset(self) -> None:
        """End it as a crashed machine does."""
        raw: socket.socket = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def send(self, text: str) -> None:
        """Put text on the stream."""
        self.writer.write(text.encode())

    @property
    def pings(self) -> int:
        """How often we were asked whether we live."""
        return sum(1 for item in self.received if item.find("{urn:xmpp:ping}ping") is not None)

    def requests(self, action: str) -> list[Element]:
        """Requests of this Jingle action."""
        found = (item.find("{urn:xmpp:jingle:1}jingle") for item in self.received)
        wanted = (item is not None and item.get("action") == action for item in found)
        return [item for item, take in zip(self.received, wanted, strict=True) if take]


@dataclass(slots=True)
class Script:
    """The server; words are used up, the last one stays."""

    words: list[Word]
    connections: list[Connection] = field(default_factory=list)
    open: int = 0
    most: int = 0
    """Connections at the same time."""
    _server: asyncio.Server | None = None
    _port: int = 0

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return self._port

    @property
    def last(self) -> Connection:
        """The latest connection."""
        return self.connections[-1]

    async def start(self) -> Self:
        """Listen, on the same port each time."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Listen no more; connections stay."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        word = self.words.pop(0) if len(self.words) > 1 else self.words[0]
        here = Connection(word, asyncio.get_running_loop().time(), reader, writer)
        here.reads.set()
        self.connections.append(here)
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await self._converse(here)
            here.end = "closed"
        except ConnectionError:
            here.end = "reset"
        finally:
            self.open -= 1
            writer.close()

    async def _converse(self, here: Connection) -> None:
        if here.word is Word.CLOSE:
            return
        parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
        depth = 0
        while True:
            await here.reads.wait()
            data = await here.reader.read(65_536)
            if not data:
                return
            parser.feed(data)
            for event, item in cast(Iterator[tuple[str, Element]], parser.read_events()):
                depth += 1 if event == "start" else -1
                if event == "start" and depth == 1 and here.word is not Word.NOTHING:
                    here.send(_HEADER)
                elif event == "end" and depth == 1:
                    self._stanza(here, item)
                elif depth == 0:
                    here.send("</stream:stream>")
                    return

    def _stanza(self, here: Connection, item: Element) -> None:
        if not item.tag.endswith("}handshake"):
            here.received.append(item)
            to = item.get("to", "")
            if here.speaks and to == item.get("from", "").partition("/")[0]:
                here.send(tostring(item, "unicode"))
            return
        here.handshakes += 1
        match here.word:
            case Word.TAKE:
                here.send("<handshake/>")
            case Word.RESET:
                here.reset()
            case Word.CONFLICT | Word.NOT_AUTHORIZED | Word.OTHER_HOST:
                here.send(
                    f"<stream:error><{here.word.value} xmlns='{_ERRORS}'>127.0.0.1:1"
                    f"</{here.word.value}><text xmlns='{_ERRORS}'>no</text></stream:error>"
                    "</stream:stream>"
                )
                here.writer.close()


@asynccontextmanager
async def scripted(*words: Word) -> AsyncIterator[Script]:
    """A server for the length of a test."""
    script = await Script(list(words)).start()
    try:
        yield script
    finally:
        await script.stop()
        for each in script.connections:
            each.writer.transport.abort()
