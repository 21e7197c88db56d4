"""The component: stanzas in, stanzas out; the signalling port of the bridge.

One of the two places where errors are caught: what a peer did wrong becomes an IQ error here and
changes nothing else, whatever it was.
"""

from collections.abc import Callable
from xml.etree.ElementTree import Element

import structlog

from jinglebridge.bridge.bridge import Bridge
from jinglebridge.errors import (
    LocalProtocolError,
    MalformedStanza,
    PolicyViolation,
    RemoteProtocolError,
    SignalingError,
)
from jinglebridge.protocol.disco.xep_0030 import DiscoInfo, DiscoItems
from jinglebridge.protocol.disco.xep_0092 import SoftwareVersion
from jinglebridge.protocol.disco.xep_0199 import Ping
from jinglebridge.protocol.jingle.xep_0166 import Action, Jingle
from jinglebridge.protocol.jingle.xep_0353 import JingleMessage, Propose
from jinglebridge.protocol.session.habits import Habits
from jinglebridge.protocol.xml import build, local_name, namespace_of, parse, tag_of
from jinglebridge.xmpp import stanzas
from jinglebridge.xmpp.capabilities import PeerCapabilities
from jinglebridge.xmpp.departures import Departures
from jinglebridge.xmpp.discovery import Discovery
from jinglebridge.xmpp.guard import StanzaBounds, checked_text
from jinglebridge.xmpp.messages import Messages
from jinglebridge.xmpp.notes import Notes
from jinglebridge.xmpp.outbox import Outbox, OutboxBounds
from jinglebridge.xmpp.presence import Presence
from jinglebridge.xmpp.repeats import Repeats
from jinglebridge.xmpp.stream import WRITABLE, ComponentStream

_Handler = Callable[[Element, Element], Element | None]

REPEATABLE = frozenset({Action.TRANSPORT_INFO, Action.SESSION_INFO, Action.SESSION_TERMINATE})
"""What does no harm twice: a candidate is known already, a session is over already."""

_NOBODY_THERE = ("recipient-unavailable", "service-unavailable")
"""What a server says of a device that went while nobody could tell us."""


class InternalError(RemoteProtocolError):
    """We failed; the peer is told so and everything else goes on."""

    condition = "internal-server-error"


class NotUnderstood(RemoteProtocolError):
    """A request with a payload that nobody here knows (RFC 6120 §8.4)."""

    condition = "service-unavailable"


class Component:
    """The bridge's place on the server.

    Args:
        jid: the component's domain.
        secret: shared with the server.
        host: where the server listens.
        port: one of its component ports.
        bounds: the largest stanza that is read.
        request_timeout: for the result of a request of ours, and for stanzas to wait for a lost
            link, in s.
    """

    def __init__(
        self,
        jid: str,
        secret: str,
        *,
        host: str,
        port: int,
        bounds: StanzaBounds,
        request_timeout: float,
    ) -> None:
        self.domain = jid
        self._bridge: Bridge | None = None
        self._discovery: Discovery | None = None
        self._departures: Departures | None = None
        self._presence: Presence | None = None
        self._messages: Messages | None = None
        self._peers = PeerCapabilities(self._ask_info)
        self._repeats = Repeats()
        self._log = structlog.get_logger()
        self._notes = Notes()
        self.stream = ComponentStream(
            jid,
            secret,
            host=host,
            port=port,
            bounds=bounds,
            handle=self._handle,
            refuse=self._refuse,
            notes=self._notes,
        )
        self._outbox = Outbox(
            self._write, lambda: self.stream.is_writable, OutboxBounds(age=request_timeout)
        )
        self.stream.add_event_handler("session_start", self._on_up)
        self.stream.add_event_handler(WRITABLE, lambda _: self._outbox.flush())
        self.stream.add_event_handler("disconnected", self._on_lost)
        self._iq_handlers: dict[tuple[str, str], _Handler] = {
            ("set", tag_of(Jingle)): self._jingle,
            ("get", tag_of(DiscoInfo)): self._disco_info,
            ("get", tag_of(DiscoItems)): self._disco_items,
            ("get", tag_of(SoftwareVersion)): self._version,
            ("get", tag_of(Ping)): lambda _stanza, _payload: None,
        }

    def attach(self, bridge: Bridge) -> None:
        """Say which bridge takes the calls; before the stream is opened."""
        self._bridge = bridge
        self._discovery = Discovery(self.domain, bridge)
        self._departures = Departures(bridge)
        self._presence = Presence(self.domain, bridge, self._peers, self._departures, self.send)
        self._messages = Messages(self.domain, bridge, self.send, self._notes)

    def send(self, stanza: Element) -> None:
        """Send a stanza; dropped when there is no stream.

        Raises:
            LocalProtocolError: its ``from`` is not ours, or it holds what XML forbids.
        """
        text = checked_text(stanza, self.domain)
        if self.stream.takes_answers:
            self.stream.send(text, use_filters=False)

    async def request(self, sender: str, peer: str, jingle: Jingle) -> None:
        """Send a Jingle request and wait for its result; see ``ports.Signaling``.

        Raises:
            SignalingError: refused, timed out, or no link to the server for that long.
            LocalProtocolError: ``sender`` is not ours, or the request holds what XML forbids.
        """
        repeatable = jingle.action in REPEATABLE
        try:
            await self._ask(sender, peer, "set", build(jingle), repeatable=repeatable)
        except SignalingError as error:
            if error.condition in _NOBODY_THERE:
                self._peers.unavailable(peer)
            raise

    async def features(self, sender: str, peer: str) -> frozenset[str]:
        """What a device understands; see ``ports.Signaling``.

        Raises:
            SignalingError: it does not say.
        """
        return await self._peers.features(sender, peer)

    def resources(self, peer_bare: str) -> tuple[str, ...]:
        """The devices of an account; see ``ports.Signaling``."""
        return self._peers.resources(peer_bare)

    def habits(self, peer: str) -> Habits:
        """What a device needs; see ``ports.Signaling``."""
        return self._peers.habits(peer)

    async def close(self) -> None:
        """Ask peers nothing any more; before the link is closed."""
        await self._peers.close()

    async def _ask(
        self, sender: str, peer: str, kind: str, payload: Element, *, repeatable: bool
    ) -> Element:
        identifier = self.stream.new_id()
        iq = Element(
            f"{{{stanzas.NAMESPACE}}}iq",
            {"type": kind, "id": identifier, "from": sender, "to": peer},
        )
        iq.append(payload)
        text = checked_text(iq, self.domain)
        answer = await self._outbox.ask(peer, identifier, text, repeatable=repeatable)
        if answer.get("type") == "error":
            raise stanzas.error_of(answer)
        return answer

    async def _ask_info(self, sender: str, peer: str, query: DiscoInfo) -> DiscoInfo:
        answer = await self._ask(sender, peer, "get", build(query), repeatable=True)
        payload = answer.find(tag_of(DiscoInfo))
        if payload is None:
            raise SignalingError("undefined-condition", "an answer without content")
        try:
            return parse(DiscoInfo, payload)
        except MalformedStanza as error:
            raise SignalingError("undefined-condition", str(error)) from None

    def send_message(
        self, sender: str, peer: str, message: JingleMessage, *, stanza_id: str
    ) -> None:
        """Send a Jingle message; see ``ports.Signaling``.

        Raises:
            SignalingError: no link to the server, for a propose; others wait for it a while.
            LocalProtocolError: ``sender`` is not ours, or the message holds what XML forbids.
        """
        stanza = stanzas.jingle_message(sender, peer, build(message), stanza_id)
        text = checked_text(stanza, self.domain)
        if isinstance(message, Propose) and not self.stream.is_writable:
            raise SignalingError("remote-server-timeout", "no link to the server")
        if isinstance(message, Propose) and self._presence is not None:
            self._presence.show(sender, peer)
        self._outbox.keep(text)

    def _on_up(self, _: object) -> None:
        if self._presence is not None:
            self._presence.renew()
        self._outbox.flush()

    def _on_lost(self, _: object) -> None:
        if self._presence is not None:
            self._presence.lost()
        if self._departures is not None:
            self._departures.forget()
        self._outbox.lost()

    def _write(self, text: str) -> None:
        self.stream.send(text, use_filters=False)

    def _handle(self, stanza: Element) -> None:
        """Take one stanza of a peer; nothing leaves this but answers."""
        try:
            if stanza.tag.endswith("}iq"):
                if stanza.get("type") in ("result", "error"):
                    self._handle_answer(stanza)
                else:
                    self._handle_iq(stanza)
            elif stanza.tag.endswith("}presence") and self._presence is not None:
                self._presence.handle(stanza)
            elif stanza.tag.endswith("}message") and self._messages is not None:
                self._messages.handle(stanza)
        except Exception:
            self._log.exception("stanza failed", peer=stanza.get("from"))

    def _refuse(self, stanza: Element, error: PolicyViolation) -> None:
        """Answer a request that is too large or too deep to be looked at."""
        try:
            self.send(stanzas.error_answer(stanza, error))
        except Exception:
            self._log.exception("refusal failed", peer=stanza.get("from"))

    def _handle_answer(self, stanza: Element) -> None:
        """Only whom we asked can answer."""
        self._outbox.answered(stanza.get("from", ""), stanza.get("id", ""), stanza)

    def _handle_iq(self, stanza: Element) -> None:
        try:
            payload = self._answer_iq(stanza)
        except RemoteProtocolError as error:
            self._notes.write("refused", stanza.get("from"), error=str(error))
            self.send(stanzas.error_answer(stanza, error))
        except Exception:
            self._log.exception("request failed", peer=stanza.get("from"))
            self.send(stanzas.error_answer(stanza, InternalError("something failed here")))
        else:
            self.send(stanzas.answer(stanza, "result", payload))

    def _answer_iq(self, stanza: Element) -> Element | None:
        if not stanza.get("from") or not stanza.get("id"):
            raise MalformedStanza("a request has from and id")
        payload = next(iter(stanza), None)
        if payload is None:
            raise MalformedStanza("a request has a payload")
        handler = self._iq_handlers.get((stanza.get("type", ""), payload.tag))
        if handler is None:
            name = f"{local_name(payload.tag)} of {namespace_of(payload.tag)}"
            raise NotUnderstood(f"{name[:200]} is not understood")
        return handler(stanza, payload)

    def _jingle(self, stanza: Element, payload: Element) -> None:
        if self._bridge is None:
            raise LocalProtocolError("a request before a bridge was attached")
        if self._repeats.knows(stanza, payload):
            return
        peer, local = stanza.get("from", ""), stanza.get("to", "")
        initiates = payload.get("action") == Action.SESSION_INITIATE.value
        if initiates:
            # a flood is refused before its contents, most of the work, are read
            self._bridge.expect(peer, local, payload.get("sid", ""))
        try:
            jingle = parse(Jingle, payload)
            if self._departures is not None:
                self._departures.back(peer)
            self._bridge.deliver(peer, local, jingle)
        except MalformedStanza:
            if initiates:
                self._bridge.spend(peer)
            raise
        self._repeats.add(stanza, payload)

    def _disco_info(self, stanza: Element, payload: Element) -> Element:
        query = parse(DiscoInfo, payload)
        return build(self._known_discovery().info(stanza.get("to", ""), query))

    def _disco_items(self, stanza: Element, payload: Element) -> Element:
        query = parse(DiscoItems, payload)
        return build(self._known_discovery().items(stanza.get("to", ""), query))

    def _version(self, stanza: Element, _payload: Element) -> Element:
        return build(self._known_discovery().version(stanza.get("to", "")))

    def _known_discovery(self) -> Discovery:
        if self._discovery is None:
            raise LocalProtocolError("a request before a bridge was attached")
        return self._discovery
