"""XEP-0115: Entity Capabilities, version 1.6.0; no data forms, because we answer with none."""

import base64
import hashlib

from jinglebridge.protocol.disco.xep_0030 import DiscoInfo
from jinglebridge.protocol.xml import TEXT, attribute, element

NAMESPACE = "http://jabber.org/protocol/caps"


@element(NAMESPACE, "c")
class Capabilities:
    """In presence: who asks ``node#ver`` gets exactly what ``ver`` is the digest of."""

    hash: str = attribute(TEXT)
    node: str = attribute(TEXT)
    ver: str = attribute(TEXT)


def verification_string(info: DiscoInfo) -> str:
    """The digest of an answer (XEP-0115 §5.1): SHA-1, in base64."""
    # sorted before they are joined: the separators would change the order
    identities = sorted((item.category, item.type, "", item.name or "") for item in info.identities)
    features = sorted(item.var for item in info.features)
    text = "".join(f"{item}<" for item in (*map("/".join, identities), *features))
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def capabilities_of(info: DiscoInfo, node: str) -> Capabilities:
    """What presence says of an answer."""
    return Capabilities(hash="sha-1", node=node, ver=verification_string(info))
