"""XEP-0030: Service Discovery, version 2.5."""

from jinglebridge.protocol.xml import TEXT, attribute, children, element

INFO_NAMESPACE = "http://jabber.org/protocol/disco#info"
ITEMS_NAMESPACE = "http://jabber.org/protocol/disco#items"


@element(INFO_NAMESPACE, "identity")
class Identity:
    """What kind of thing a JID is."""

    category: str = attribute(TEXT)
    type: str = attribute(TEXT)
    name: str | None = attribute(TEXT, default=None)


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
