"""What our JIDs say about themselves: disco answers, and presence that makes them callable.

A client shows a call button only for a JID whose presence it has, sent from a full JID with
capabilities that match the disco answer exactly.
"""

from collections.abc import Callable
from xml.etree.ElementTree import Element, SubElement

from jinglebridge.bridge.bridge import Bridge
from jinglebridge.bridge.service import Service
from jinglebridge.errors import ServiceUnknown
from jinglebridge.protocol.disco.features import CALLABLE, COMMON
from jinglebridge.protocol.disco.xep_0030 import (
    ITEMS_NAMESPACE,
    DiscoInfo,
    DiscoItems,
    Identity,
    Item,
    info_of,
)
from jinglebridge.protocol.disco.xep_0115 import capabilities_of, verification_string
from jinglebridge.protocol.session.table import bare
from jinglebridge.protocol.xml import build
from jinglebridge.xmpp import stanzas

RESOURCE = "media"
"""Resource of the full JID that every service's presence comes from."""
NODE = "urn:jinglebridge:caps"


class Presence:
    """Answers for all JIDs of a component.

    Args:
        domain: the component's.
        bridge: knows the services.
        send: takes a stanza to send.
    """

    def __init__(self, domain: str, bridge: Bridge, send: Callable[[Element], None]) -> None:
        self._domain = domain
        self._bridge = bridge
        self._send = send

    def disco_info(self, local: str, query: DiscoInfo) -> DiscoInfo:
        """The answer to a disco#info query.

        Raises:
            ServiceUnknown: no service or node of that name.
        """
        info = self._info_at(local)
        if query.node is None:
            return info
        if query.node != f"{NODE}#{verification_string(info)}":
            raise ServiceUnknown(f"no node {query.node[:100]!r}")
        return DiscoInfo(node=query.node, identities=info.identities, features=info.features)

    def _info_at(self, local: str) -> DiscoInfo:
        local_part = _local_part(local)
        if local_part:
            return _service_info(self._bridge.service_at(local_part))
        identity = Identity(category="component", type="generic", name="jinglebridge")
        return info_of(identity, (*COMMON, ITEMS_NAMESPACE))

    def disco_items(self, local: str, query: DiscoItems) -> DiscoItems:
        """The services, for whoever asks the component itself; a service has no items.

        Raises:
            ServiceUnknown: no service or node of that name.
        """
        local_part = _local_part(local)
        if local_part:
            self._bridge.service_at(local_part)
        if query.node is not None:
            raise ServiceUnknown(f"no node {query.node[:100]!r}")
        if local_part:
            return DiscoItems()
        return DiscoItems(
            items=tuple(
                Item(jid=f"{service.name}@{self._domain}", name=service.title)
                for service in self._bridge.services
            )
        )

    def handle(self, stanza: Element) -> None:
        """Take a presence stanza: answer probes and subscriptions, notice who went away."""
        peer, local = stanza.get("from"), stanza.get("to")
        if peer is None or local is None or not stanzas.is_ours(local, self._domain):
            return
        match stanza.get("type"):
            case "probe":
                self._announce(local, peer)
            case "subscribe":
                self._subscribed(local, peer)
            case "unsubscribe":
                self._send(stanzas.presence(bare(local), bare(peer), "unsubscribed"))
            case "unavailable":
                self._bridge.peer_gone(peer)

    def _subscribed(self, local: str, peer: str) -> None:
        if self._service(local) is None:
            self._send(stanzas.presence(bare(local), bare(peer), "unsubscribed"))
            return
        self._send(stanzas.presence(bare(local), bare(peer), "subscribed"))
        self._announce(local, peer)

    def _announce(self, local: str, peer: str) -> None:
        service = self._service(local)
        if service is None:
            return
        stanza = stanzas.presence(f"{bare(local)}/{RESOURCE}", peer)
        status = SubElement(stanza, f"{{{stanzas.NAMESPACE}}}status")
        status.text = service.description
        stanza.append(build(capabilities_of(_service_info(service), NODE)))
        self._send(stanza)

    def _service(self, local: str) -> Service | None:
        try:
            return self._bridge.service_at(_local_part(local))
        except ServiceUnknown:
            return None


def _local_part(jid: str) -> str:
    local_part, at, _ = bare(jid).rpartition("@")
    return local_part if at else ""


def _service_info(service: Service) -> DiscoInfo:
    return info_of(Identity(category="client", type="bot", name=service.title), CALLABLE)
