"""slixmpp's component stream, with every stanza looked at before slixmpp does anything with it.

slixmpp copies a stanza to refuse it and walks it recursively, so that one deep stanza would end
the stream for all calls; it keeps a roster row for everybody who ever sent presence, it answers an
error that it does not understand, and it follows a server's word to another host. All of it is kept
away from it here: stanzas go to one handler, as elements, and stream errors are only noted.

slixmpp is told of the end of any connection in one object, whichever connection it was, so that a
new one is only opened when the old one is gone: ``drop`` ends it at once, unsent data and all.
"""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

from slixmpp import ComponentXMPP

from jinglebridge.errors import PolicyViolation
from jinglebridge.protocol.xml import local_name
from jinglebridge.xmpp.guard import MAX_JID, StanzaBounds, is_answerable
from jinglebridge.xmpp.notes import Notes
from jinglebridge.xmpp.reader import StanzaReader
from jinglebridge.xmpp.stanzas import NAMESPACE

_STANZAS = frozenset(f"{{{NAMESPACE}}}{name}" for name in ("iq", "message", "presence"))
_STREAM_ERROR = "{http://etherx.jabber.org/streams}error"

WRITABLE = "stream_writable"
"""The event that stanzas can be sent again."""
_GONE_WITHIN = 2.0
"""For the event loop to tell of the end of a connection that we ended, in s."""
_BUFFERED = 256 * 1024
"""Octets that a server may leave unread before stanzas wait."""

_SLICE = 16 * 1024
"""Octets that are read in one go: media, timers and other calls take their turns in between."""
_HELD = 4 * 1024 * 1024
"""Octets until answers are not sent either."""


class ComponentStream(ComponentXMPP):
    """The stream to the server.

    Args:
        jid: the component's domain.
        secret: shared with the server.
        host: where the server listens.
        port: one of its component ports.
        bounds: the largest stanza that is read.
        handle: takes every other stanza; never raises.
        refuse: answers a request beyond the bounds; never raises.
        notes: on what peers did wrong.
    """

    def __init__(
        self,
        jid: str,
        secret: str,
        *,
        host: str,
        port: int,
        bounds: StanzaBounds,
        handle: Callable[[Element], None],
        refuse: Callable[[Element, PolicyViolation], None],
        notes: Notes,
    ) -> None:
        self._reader = StanzaReader(bounds)
        # slixmpp leaves this method without types
        super().__init__(jid, secret, host, port, fix_error_ns=True)  # type: ignore[no-untyped-call]
        self._domain = jid
        self._bounds = bounds
        self._handle = handle
        self._refuse = refuse
        self._notes = notes
        self._full = False
        self._stalled = False
        self._unread = bytearray()
        self._unheard: socket.socket | None = None
        self.heard = 0
        """How often the server has sent anything."""
        self.error: str | None = None
        """Condition of the stream error that ended, or will end, the last connection."""

    @property
    def is_up(self) -> bool:
        """Whether the server has taken our handshake on this connection."""
        ends = self.transport is not None and self.transport.is_closing()
        return self.sessionstarted and self.is_connected() and not ends

    @property
    def is_writable(self) -> bool:
        """Whether stanzas can leave now: the server reads them, as far as can be known."""
        return self.is_up and not self._full and not self._stalled

    @property
    def takes_answers(self) -> bool:
        """Whether what is worth nothing later can still be sent; the buffer has a bound."""
        held = self.transport.get_write_buffer_size() if self.transport is not None else 0
        return self.is_up and held < _HELD

    @property
    def is_stalled(self) -> bool:
        """Whether the server was found silent, and still is."""
        return self._stalled

    def stall(self) -> None:
        """The server is silent: nothing is sent until it is heard again."""
        self._stalled = True

    def send(self, data: Any, use_filters: bool = True) -> None:
        """Send a stanza of ours, as text, at once; anything else is slixmpp's own."""
        if isinstance(data, str):
            self.send_raw(data)
        else:
            super().send(data, use_filters)

    def open(self) -> None:
        """Try to connect, once; ``drop`` must have ended what was before."""
        self.error = None
        self.connect(self.server_host, self.server_port)

    async def drop(self, *, unheard: bool = False) -> None:
        """End the connection, or the attempt at one, at once; returns when it is gone.

        Args:
            unheard: whether the server would not hear of it now, and is told when the next one is
                made: else it believes in the old one and refuses us for its sake.
        """
        attempt = self._current_connection_attempt
        self.cancel_connection_attempt()
        if attempt is not None:
            await asyncio.gather(attempt, return_exceptions=True)
            await asyncio.sleep(0)
            if self.transport is not None:
                # uvloop closes the connection of a cancelled attempt without telling of it
                self.connection_lost(None)
        if self.transport is not None:
            gone = self.disconnected
            if unheard:
                descriptor: int = self.transport.get_extra_info("socket").fileno()
                # without a descriptor to spare it ends now, heard or not
                with contextlib.suppress(OSError):
                    self._unheard = socket.socket(fileno=os.dup(descriptor))
            self.transport.abort()
            await asyncio.wait({gone}, timeout=_GONE_WITHIN)

    def end_unheard(self) -> None:
        """Let the server hear of the end of an old connection (RST)."""
        if self._unheard is not None:
            self._unheard.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._unheard.close()
            self._unheard = None

    async def stop_sending(self) -> None:
        """End the task that slixmpp starts with the first connection and never ends."""
        sending = self._run_out_filters
        if sending is not None:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    def reschedule_connection_attempt(self) -> None:
        """Do nothing: slixmpp would try again on its own beside us."""
        self._current_connection_attempt = None

    def init_parser(self) -> None:
        """Read a new stream with our own reader; slixmpp's looks at nothing before it is whole."""
        super().init_parser()
        self._reader = StanzaReader(self._bounds)
        self.parser = self._reader  # type: ignore[assignment] # it has what is used of it

    def connection_made(self, transport: Any, send_event: bool = True) -> None:
        """See asyncio."""
        self.end_unheard()
        transport.set_write_buffer_limits(high=_BUFFERED)
        self._full = self._stalled = False
        self._unread.clear()
        super().connection_made(transport, send_event)

    def connection_lost(self, exception: BaseException | None) -> None:
        """See asyncio."""
        rest = bytes(self._unread)
        self._unread.clear()
        if rest:
            # what the server said last says why it went
            super().data_received(rest)
        self.sessionstarted = False
        super().connection_lost(exception)

    def pause_writing(self) -> None:
        """See asyncio: the server reads too slowly, or not at all."""
        self._full = True

    def resume_writing(self) -> None:
        """See asyncio."""
        self._full = False
        self.event(WRITABLE)

    def data_received(self, data: bytes | str) -> None:
        """See asyncio; anything at all says that the server lives."""
        self.heard += 1
        if self._stalled:
            self._stalled = False
            self.event(WRITABLE)
        octets = data.encode() if isinstance(data, str) else data
        if self._unread:
            self._unread += octets
        elif len(octets) <= _SLICE:
            super().data_received(octets)
        else:
            self._unread += octets
            self._pause_reading(True)
            self._read_slice()

    def _read_slice(self) -> None:
        """Read a part of what came, and the rest after everybody else had a turn."""
        if not self._unread:
            return  # the connection is gone, or another one's first data was read at once
        self.heard += 1
        piece = bytes(self._unread[:_SLICE])
        del self._unread[:_SLICE]
        super().data_received(piece)
        if self._unread:
            self.loop.call_soon(self._read_slice)
        else:
            self._pause_reading(False)

    def _pause_reading(self, paused: bool) -> None:
        transport: Any = self.transport
        if transport is not None and not transport.is_closing():
            if paused:
                transport.pause_reading()
            else:
                transport.resume_reading()

    def _spawn_event(self, xml: Element) -> None:
        if xml.tag.startswith("{jabber:client}"):
            xml.tag = xml.tag.replace("jabber:client", NAMESPACE)
        if xml.tag == _STREAM_ERROR:
            self.error = next((local_name(item.tag) for item in xml), "undefined-condition")[:60]
            return
        if xml.tag not in _STANZAS:
            super()._spawn_event(xml)
            return
        if not is_answerable(xml, self._domain):
            sender = (xml.get("from") or "")[:MAX_JID]
            self._notes.write("stanza dropped", sender, kind=local_name(xml.tag))
            return
        excess = self._reader.excess
        if excess is None:
            self._handle(xml)
            return
        self._notes.write("stanza refused", xml.get("from"), error=str(excess))
        if xml.tag.endswith("}iq") and xml.get("type") in ("get", "set"):
            self._refuse(xml, excess)
