"""Presence of our JIDs, which makes them callable, and what others' presence means to us.

A client shows a call button only for a JID whose presence it has, sent from a full JID with
capabilities that match the disco answer exactly. There is no roster and nothing is broadcast:
whoever asks, subscribes, or shows its own presence gets ours; and ours never goes away by itself,
because after a restart nobody would know whom to tell that we are back. When the server was away,
those who asked last are told again: their clients may have asked before we were back.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from xml.etree.ElementTree import Element, SubElement

import structlog

from jinglebridge.bridge.bridge import Bridge
from jinglebridge.bridge.rates import Rate
from jinglebridge.bridge.service import Service, full_jid
from jinglebridge.errors import RemoteProtocolError
from jinglebridge.protocol.disco.xep_0115 import Capabilities, capabilities_of
from jinglebridge.protocol.session.table import bare
from jinglebridge.protocol.xml import build
from jinglebridge.xmpp import stanzas
from jinglebridge.xmpp.capabilities import PeerCapabilities
from jinglebridge.xmpp.departures import Departures
from jinglebridge.xmpp.discovery import NODE, info_of_service

_PER_MINUTE, _BURST = 120, 60
"""Answers to one account; at sign-in a client asks for each of its contacts at once."""
_MAX_SEEN = 8192
"""Devices whose presence was answered with ours and that are remembered for it."""
_MAX_TOLD = 4096
"""Accounts and devices that are told again when the server was away."""
_AT_ONCE = 32
"""Of these in one go: media, timers and other calls take their turns in between."""


class Presence:
    """Presence of all JIDs of a component.

    Args:
        domain: the component's.
        bridge: knows the services and who may call them.
        peers: takes what others' presence says of them.
        departures: takes who went offline.
        send: takes a stanza to send.
        clock: any that does not go back, in s.
    """

    def __init__(
        self,
        domain: str,
        bridge: Bridge,
        peers: PeerCapabilities,
        departures: Departures,
        send: Callable[[Element], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._domain = domain
        self._bridge = bridge
        self._peers = peers
        self._departures = departures
        self._send = send
        self._clock = clock
        self._rate = Rate(_PER_MINUTE, _BURST)
        self._shown: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._told: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._to_tell: deque[tuple[str, str]] = deque()
        self._renewal: asyncio.Handle | None = None
        self._capabilities: dict[str, Capabilities] = {}
        self._log = structlog.get_logger()

    def handle(self, stanza: Element) -> None:
        """Take a presence stanza of a peer."""
        peer, local = stanza.get("from"), stanza.get("to")
        if peer is None or local is None or not stanzas.is_ours(local, self._domain):
            return
        if stanzas.is_ours(peer, self._domain):
            return
        match stanza.get("type"):
            case None:
                self._available(peer, local, stanza)
            case "unavailable":
                self._gone(peer, local)
                self._departures.gone(peer)
            case "error":
                self._gone(peer, local)
            case "probe" | "subscribe" | "unsubscribe" as kind:
                self._asked(peer, local, kind)

    def show(self, local: str, peer: str) -> None:
        """Show our presence to an account that we call, so that it can know us (XEP-0353 §3.1)."""
        service = self._service(peer, local)
        if service is not None:
            self._announce(service, local, bare(peer))
            self._remember(bare(peer), local)

    def renew(self) -> None:
        """Show our presence again, after the server was away and has forgotten it.

        Whoever comes back later than we asks for itself; but whoever was faster asked in vain.
        """
        self.lost()
        self._shown.clear()
        self._to_tell = deque(self._told)
        self._renew_some()

    @property
    def is_renewing(self) -> bool:
        """Whether there is somebody to show our presence again."""
        return self._renewal is not None

    def lost(self) -> None:
        """Tell nobody more: the server went away, or we do."""
        self._to_tell.clear()
        if self._renewal is not None:
            self._renewal.cancel()
            self._renewal = None

    def _renew_some(self) -> None:
        self._renewal = None
        for _ in range(min(_AT_ONCE, len(self._to_tell))):
            key = peer, local = self._to_tell.popleft()
            service = self._service(peer, local) if key in self._told else None
            if service is not None:
                self._announce(service, local, peer)
        if self._to_tell:
            self._renewal = asyncio.get_running_loop().call_soon(self._renew_some)

    def _available(self, peer: str, local: str, stanza: Element) -> None:
        """Take directed presence: whoever shows itself the first time sees us too.

        Only the first time, since a bot that does the same would be answered for ever.
        """
        service = self._service(peer, local)
        if service is None:
            return
        self._departures.back(peer)
        self._peers.available(peer, full_jid(bare(local)), stanza)
        key = peer, bare(local)
        is_new = key not in self._shown
        if is_new and not self._may_answer(peer):
            return
        self._shown[key] = None
        self._shown.move_to_end(key)
        if len(self._shown) > _MAX_SEEN:
            self._shown.popitem(last=False)
        if is_new:
            self._announce(service, local, peer)
            self._remember(peer, local)

    def _gone(self, peer: str, local: str) -> None:
        self._peers.unavailable(peer)
        self._shown.pop((peer, bare(local)), None)
        self._told.pop((peer, bare(local)), None)

    def _asked(self, peer: str, local: str, kind: str) -> None:
        if not self._may_answer(peer):
            return
        service = self._service(peer, local)
        if kind == "unsubscribe" or (kind == "subscribe" and service is None):
            self._send(stanzas.presence(bare(local), bare(peer), "unsubscribed"))
            if kind == "unsubscribe":  # who sees us no more is to know it (RFC 6121 §3.3.3)
                self._send(stanzas.presence(full_jid(bare(local)), bare(peer), "unavailable"))
                self._told.pop((bare(peer), bare(local)), None)
        elif service is not None:
            if kind == "subscribe":
                self._send(stanzas.presence(bare(local), bare(peer), "subscribed"))
            self._announce(service, local, peer)
            self._remember(bare(peer), local)

    def _remember(self, peer: str, local: str) -> None:
        key = peer, bare(local)
        self._told[key] = None
        self._told.move_to_end(key)
        if len(self._told) > _MAX_TOLD:
            self._told.popitem(last=False)

    def _may_answer(self, peer: str) -> bool:
        account, now = bare(peer), self._clock()
        if self._rate.wait(account, now) > 0:
            self._log.debug("presence not answered: too often", peer=peer)
            return False
        self._rate.take(account, now)
        return True

    def _announce(self, service: Service, local: str, peer: str) -> None:
        stanza = stanzas.presence(full_jid(bare(local)), peer)
        status = SubElement(stanza, f"{{{stanzas.NAMESPACE}}}status")
        status.text = service.description
        capabilities = self._capabilities.get(service.name)
        if capabilities is None:
            capabilities = capabilities_of(info_of_service(service), NODE)
            self._capabilities[service.name] = capabilities
        stanza.append(build(capabilities))
        self._send(stanza)

    def _service(self, peer: str, local: str) -> Service | None:
        try:
            return self._bridge.service_for(peer, local)
        except RemoteProtocolError:
            return None
