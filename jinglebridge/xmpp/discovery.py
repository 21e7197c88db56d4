"""What our JIDs answer to whoever asks what they are (XEP-0030, XEP-0092).

A bare JID answers as its full JID does; servers ask too, in the name of a user's bare JID.
"""

from jinglebridge import __version__
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
from jinglebridge.protocol.disco.xep_0092 import SoftwareVersion, software_version
from jinglebridge.protocol.disco.xep_0115 import verification_string
from jinglebridge.protocol.session.table import bare

NODE = "urn:jinglebridge:caps"
NAME = "jinglebridge"


class Discovery:
    """Answers for all JIDs of a component.

    Args:
        domain: the component's.
        bridge: knows the services.
    """

    def __init__(self, domain: str, bridge: Bridge) -> None:
        self._domain = domain
        self._bridge = bridge

    def info(self, local: str, query: DiscoInfo) -> DiscoInfo:
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
        local_part = local_part_of(local)
        if local_part:
            return info_of_service(self._bridge.service_at(local_part))
        identity = Identity(category="component", type="generic", name=NAME)
        return info_of(identity, (*COMMON, ITEMS_NAMESPACE))

    def items(self, local: str, query: DiscoItems) -> DiscoItems:
        """The services, for whoever asks the component itself; a service has no items.

        Raises:
            ServiceUnknown: no service or node of that name.
        """
        local_part = local_part_of(local)
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

    def version(self, local: str) -> SoftwareVersion:
        """What runs here.

        Raises:
            ServiceUnknown: no service of that name.
        """
        self._info_at(local)
        return software_version(NAME, __version__)


def info_of_service(service: Service) -> DiscoInfo:
    """What a JID that can be called says of itself."""
    return info_of(Identity(category="client", type="bot", name=service.title), CALLABLE)


def local_part_of(jid: str) -> str:
    """What stands before the ``@`` of a JID; empty for a domain."""
    local_part, at, _ = bare(jid).rpartition("@")
    return local_part if at else ""
