"""XEP-0030: Service Discovery, version 2.5."""

from jinglebridge.protocol.disco.xep_0004 import Form
from jinglebridge.protocol.xml import TEXT, attribute, children, element

INFO_NAMESPACE = "http://jabber.org/protocol/disco#info"
ITEMS_NAMESPACE = "http://jabber.org/protocol/disco#items"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@element(INFO_NAMESPACE, "identity")
class Identity:
    """What kind of thing a JID is."""

    category: str = attribute(TEXT)
    type: str = attribute(TEXT)
    name: str | None = attribute(TEXT, default=None)
    lang: str | None = attribute(TEXT, name=XML_LANG, default=None)


@element(INFO_NAMESPACE, "feature")
class Feature:
    """One protocol that a JID understands."""

    var: str = attribute(TEXT)


@element(INFO_NAMESPACE, "query")
class DiscoInfo:
    """Question for, and answer with, identities and features."""

    node: str | None = attribute(TEXT, default=None)
    identities: tuple[Identity, ...] = children(Identity, default=())
    features: tuple[Feature, ...] = children(Feature, default=())
    forms: tuple[Form, ...] = children(Form, default=(), maximum=16)
    """More about the JID (XEP-0128)."""

    @property
    def vars(self) -> frozenset[str]:
        """The features by name."""
        return frozenset(feature.var for feature in self.features)


@element(ITEMS_NAMESPACE, "item")
class Item:
    """One JID that belongs to another."""

    jid: str = attribute(TEXT)
    name: str | None = attribute(TEXT, default=None)
    node: str | None = attribute(TEXT, default=None)


@element(ITEMS_NAMESPACE, "query")
class DiscoItems:
    """Question for, and answer with, items."""

    node: str | None = attribute(TEXT, default=None)
    items: tuple[Item, ...] = children(Item, default=())


def info_of(identity: Identity, features: tuple[str, ...]) -> DiscoInfo:
    """The answer of a JID with one identity."""
    return DiscoInfo(
        identities=(identity,), features=tuple(Feature(var=var) for var in sorted(features))
    )
