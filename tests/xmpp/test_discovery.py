"""What our JIDs answer to whoever asks what they are."""

import base64
import hashlib
from collections.abc import AsyncIterator
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinglebridge import __version__
from jinglebridge.errors import ServiceUnknown
from jinglebridge.protocol.disco.xep_0030 import DiscoInfo, DiscoItems, Feature, Identity
from jinglebridge.protocol.disco.xep_0092 import software_version
from jinglebridge.protocol.disco.xep_0115 import verification_string
from jinglebridge.protocol.xml import build, parse
from jinglebridge.xmpp.discovery import NODE, Discovery
from tests.bridge.stage import Stage

DOMAIN = "bridge.example.net"
ECHO = f"echo@{DOMAIN}"
INFO = "{http://jabber.org/protocol/disco#info}"
CALL_FEATURES = {
    "http://jabber.org/protocol/disco#info",
    "http://jabber.org/protocol/caps",
    "jabber:iq:version",
    "urn:xmpp:ping",
    "urn:xmpp:receipts",
    "urn:xmpp:jingle-message:0",
    "urn:xmpp:jingle:1",
    "urn:xmpp:jingle:apps:rtp:1",
    "urn:xmpp:jingle:apps:rtp:audio",
    "urn:xmpp:jingle:apps:rtp:video",
    "urn:xmpp:jingle:transports:ice-udp:1",
    "urn:xmpp:jingle:apps:dtls:0",
    "urn:xmpp:jingle:apps:rtp:rtcp-fb:0",
    "urn:xmpp:jingle:apps:rtp:rtp-hdrext:0",
    "urn:xmpp:jingle:apps:grouping:0",
    "urn:xmpp:jingle:apps:rtp:ssma:0",
    "urn:ietf:rfc:5888",
    "urn:jinglebridge:sdp:0",
    "urn:ietf:rfc:5576",
}
"""What a client looks for before it shows a call button."""


@pytest.fixture
async def discovery() -> AsyncIterator[Discovery]:
    stage = Stage()
    yield Discovery(DOMAIN, stage.bridge)
    await stage.bridge.close()


def info_at(discovery: Discovery, local: str, node: str | None = None) -> Element:
    return build(discovery.info(local, DiscoInfo(node=node)))


def digest(query: Element) -> str:
    """XEP-0115 §5.1, step by step, from the element that a client gets."""
    text = ""
    identities = [
        (item.get("category", ""), item.get("type", ""), "", item.get("name", ""))
        for item in query.iter(f"{INFO}identity")
    ]
    for identity in sorted(identities):
        text += "/".join(identity) + "<"
    for var in sorted(item.get("var", "").encode() for item in query.iter(f"{INFO}feature")):
        text += var.decode() + "<"
    return base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()  # noqa: S324 - XEP-0115


def test_the_example_of_the_specification() -> None:
    """XEP-0115 §5.2."""
    info = DiscoInfo(
        identities=(Identity(category="client", type="pc", name="Exodus 0.9.1"),),
        features=tuple(
            Feature(var=f"http://jabber.org/protocol/{name}")
            for name in ("disco#info", "disco#items", "muc", "caps")
        ),
    )
    assert verification_string(info) == "QgayPKawpkPSDYmwT/WM94uAlu0="
    assert digest(build(info)) == "QgayPKawpkPSDYmwT/WM94uAlu0="


words = st.text("abc:/#-!.01", min_size=1, max_size=6)


@given(
    st.lists(st.builds(Identity, category=words, type=words, name=words), max_size=4),
    st.lists(words, unique=True, max_size=8),
)
def test_the_digest_of_any_answer(identities: list[Identity], features: list[str]) -> None:
    """Sorted as the parts are, not as the joined text is: ``urn:x`` stands before ``urn:x:y``."""
    info = DiscoInfo(
        identities=tuple(identities), features=tuple(Feature(var=var) for var in features)
    )
    assert verification_string(info) == digest(build(info))


@pytest.mark.parametrize("local", [ECHO, f"{ECHO}/media", f"{ECHO}/other", f"echo+x@{DOMAIN}"])
async def test_a_service_is_callable(discovery: Discovery, local: str) -> None:
    query = info_at(discovery, local)
    (identity,) = query.iter(f"{INFO}identity")
    assert identity.attrib == {"category": "client", "type": "bot", "name": "Echo"}
    features = [item.get("var") for item in query.iter(f"{INFO}feature")]
    assert set(features) == CALL_FEATURES
    assert len(features) == len(CALL_FEATURES)
    assert query.get("node") is None


async def test_the_component_names_its_services(discovery: Discovery) -> None:
    query = info_at(discovery, DOMAIN)
    (identity,) = query.iter(f"{INFO}identity")
    assert (identity.get("category"), identity.get("type")) == ("component", "generic")
    assert "http://jabber.org/protocol/disco#items" in [
        item.get("var") for item in query.iter(f"{INFO}feature")
    ]
    items = discovery.items(DOMAIN, DiscoItems()).items
    assert [(item.jid, item.name) for item in items] == [
        (ECHO, "Echo"),
        (f"closed@{DOMAIN}", "Closed"),
    ]


async def test_a_service_has_no_items(discovery: Discovery) -> None:
    assert discovery.items(ECHO, DiscoItems()) == DiscoItems()


@pytest.mark.parametrize("local", [f"nobody@{DOMAIN}", f"nobody@{DOMAIN}/media", f"+@{DOMAIN}"])
async def test_a_service_that_is_not_there(discovery: Discovery, local: str) -> None:
    with pytest.raises(ServiceUnknown):
        discovery.info(local, DiscoInfo())
    with pytest.raises(ServiceUnknown):
        discovery.items(local, DiscoItems())
    with pytest.raises(ServiceUnknown):
        discovery.version(local)


@pytest.mark.parametrize("local", [ECHO, DOMAIN])
async def test_a_node_that_is_not_there(discovery: Discovery, local: str) -> None:
    for node in ("x", NODE, f"{NODE}#", f"{NODE}#AAAA"):
        with pytest.raises(ServiceUnknown):
            discovery.info(local, DiscoInfo(node=node))
        with pytest.raises(ServiceUnknown):
            discovery.items(local, DiscoItems(node=node))


@pytest.mark.parametrize("local", [ECHO, f"{ECHO}/media", DOMAIN])
async def test_what_runs_here(discovery: Discovery, local: str) -> None:
    assert discovery.version(local) == software_version("jinglebridge", __version__)


def test_disco_elements_are_read_and_written() -> None:
    text = f"<query xmlns='{INFO[1:-1]}' node='n'><feature var='a'/></query>"
    assert parse(DiscoInfo, fromstring(text)) == DiscoInfo(node="n", features=(Feature(var="a"),))
