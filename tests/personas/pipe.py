"""A server in memory: one component's stream at one end, clients' stanzas at the other."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, cast
from xml.etree.ElementTree import Element, XMLPullParser, fromstring, tostring

from jinglebridge.xmpp.stream import ComponentStream
from tests.personas.xml import CLIENT, STANZAS, bare, tag

_COMPONENT = "jabber:component:accept"
_HEADER = (
    "<stream:stream xmlns='jabber:component:accept' id='pipe' from='{}' "
    "xmlns:stream='http://etherx.jabber.org/streams'>"
)


class Pipe(asyncio.Transport):
    """The component's transport: bytes out are parsed and routed, text in is sent as bytes.

    Args:
        stream: the component's.
        domain: the component's.
    """

    def __init__(self, stream: ComponentStream, domain: str) -> None:
        super().__init__()
        self._stream = stream
        self._domain = domain
        self._parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
        self._depth = 0
        self._clients: dict[str, Callable[[Element], None]] = {}
        self._loop = asyncio.get_running_loop()
        self.closed = False

    async def open(self) -> None:
        """Connect the component; returns when its handshake was taken."""
        stream = self._stream
        # slixmpp starts this task when it opens a socket
        stream._run_out_filters = asyncio.ensure_future(stream.run_filters())
        stream.connection_made(self)
        async with asyncio.timeout(5):
            while not stream.sessionstarted:  # noqa: ASYNC110 # slixmpp's flag
                await asyncio.sleep(0)

    async def end(self) -> None:
        """Take the component's connection away, and what is left of it."""
        self.close()
        await asyncio.sleep(0)
        await self._stream.stop_sending()

    def enter(self, jid: str, take: Callable[[Element], None]) -> None:
        """A client with this full JID is there from now on."""
        self._clients[jid] = take

    def send_as(self, jid: str, text: str) -> None:
        """A client sends this: to the component, or to its own account."""
        name, _, rest = text.partition(" ")
        stamped = f"{name} from='{jid}' {rest}"
        to = fromstring(text).get("to", "")
        if bare(to).rpartition("@")[2] == self._domain:
            self._receive(stamped)
        elif to == bare(jid):
            self._deliver(fromstring(f"<stream xmlns='jabber:client'>{stamped}</stream>")[0])

    def _receive(self, text: str) -> None:
        if not self.closed:
            self._loop.call_soon(self._stream.data_received, text.encode())

    def _route(self, stanza: Element) -> None:
        """RFC 6121 §8: an IQ needs its resource, messages and presence find a client."""
        assert bare(stanza.get("from", "")).rpartition("@")[2] == self._domain, tostring(stanza)
        is_request = stanza.get("type") in ("get", "set")
        if not self._deliver(stanza) and stanza.tag == f"{CLIENT}iq" and is_request:
            error = tag("error", tag("service-unavailable", xmlns=STANZAS), type="cancel")
            addresses = {"id": stanza.get("id"), "to": stanza.get("from")}
            self._receive(tag("iq", error, type="error", from_=stanza.get("to"), **addresses))

    def _deliver(self, stanza: Element) -> bool:
        to, found = stanza.get("to", ""), False
        for jid, take in self._clients.items():
            if to == jid or (to == bare(jid) and stanza.tag != f"{CLIENT}iq"):
                self._loop.call_soon(take, stanza)
                found = True
        return found

    # asyncio.Transport

    def write(self, data: Any) -> None:
        self._parser.feed(bytes(data).replace(_COMPONENT.encode(), b"jabber:client"))
        events = cast(Iterator[tuple[str, Element]], self._parser.read_events())
        for event, item in events:
            self._depth += 1 if event == "start" else -1
            if event == "start" and self._depth == 1:
                self._receive(_HEADER.format(self._domain))
            elif event == "end" and self._depth == 1:
                if item.tag == f"{CLIENT}handshake":
                    self._receive("<handshake/>")
                else:
                    self._route(item)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is no buffer."""

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.close()

    def write_eof(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._loop.call_soon(self._stream.connection_lost, None)
