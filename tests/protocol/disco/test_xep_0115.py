from jinglebridge.protocol.disco.features import CALLABLE, COMMON
from jinglebridge.protocol.disco.xep_0030 import (
    DiscoInfo,
    Feature,
    Identity,
    info_of,
)
from jinglebridge.protocol.disco.xep_0115 import Capabilities, capabilities_of, verification_string
from jinglebridge.protocol.xml import build, parse


def test_the_example_of_the_standard() -> None:
    """XEP-0115 §5.2."""
    features = ("disco#info", "disco#items", "muc")
    info = info_of(
        Identity(category="client", type="pc", name="Exodus 0.9.1"),
        (
            "http://jabber.org/protocol/caps",
            *(f"http://jabber.org/protocol/{name}" for name in features),
        ),
    )
    assert verification_string(info) == "QgayPKawpkPSDYmwT/WM94uAlu0="


def test_the_order_of_what_is_said_does_not_matter() -> None:
    one, two = Identity(category="a", type="b"), Identity(category="a", type="c", name="x")
    features = tuple(Feature(var=var) for var in "bca")
    first = DiscoInfo(identities=(one, two), features=features)
    second = DiscoInfo(identities=(two, one), features=features[::-1])
    assert verification_string(first) == verification_string(second)
    other = DiscoInfo(identities=(one,), features=features)
    assert verification_string(first) != verification_string(other)


def test_presence_names_the_digest() -> None:
    info = info_of(Identity(category="a", type="b"), CALLABLE)
    caps = capabilities_of(info, "urn:x")
    assert caps == Capabilities(hash="sha-1", node="urn:x", ver=verification_string(info))
    assert parse(Capabilities, build(caps)) == caps


def test_what_is_promised() -> None:
    assert len(set(CALLABLE)) == len(CALLABLE)
    assert set(COMMON) < set(CALLABLE)
    assert "urn:xmpp:jingle:apps:rtp:audio" in CALLABLE
    assert "urn:xmpp:jingle:apps:rtp:video" in CALLABLE
