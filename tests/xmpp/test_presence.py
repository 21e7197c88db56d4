"""What our JIDs say of themselves, and what they make of others' presence."""

import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinglebridge.errors import ServiceUnknown
from jinglebridge.protocol.disco.xep_0030 import DiscoInfo, DiscoItems, Feature, Identity
from jinglebridge.protocol.disco.xep_0115 import verification_string
from jinglebridge.protocol.xml import build, parse
from jinglebridge.xmpp.presence import NODE, Presence
from tests.bridge.stage import JULIET, Stage

DOMAIN = "bridge.example.net"
ECHO = f"echo@{DOMAIN}"
NS = "jabber:component:accept"
CAPS = "{http://jabber.org/protocol/caps}c"
INFO = "{http://jabber.org/protocol/disco#info}"
CALL_FEATURES = {
    "http://jabber.org/protocol/disco#info",
    "http://jabber.org/protocol/caps",
    "urn:xmpp:ping",
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
"""What a client looks for before it shows a call button; jingle-message is no promise yet."""


@dataclass(slots=True)
class Scene:
    stage: Stage
    presence: Presence
    sent: list[Element] = field(default_factory=list)

    def receive(self, kind: str | None, peer: str = JULIET, local: str = ECHO) -> list[Element]:
        stanza = Element(f"{{{NS}}}presence", {"from": peer, "to": local})
        if kind is not None:
            stanza.set("type", kind)
        before = len(self.sent)
        self.presence.handle(stanza)
        return self.sent[before:]

    def info(self, local: str, node: str | None = None) -> Element:
        return build(self.presence.disco_info(local, DiscoInfo(node=node)))


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    stage = Stage()
    sent: list[Element] = []
    yield Scene(stage, Presence(DOMAIN, stage.bridge, sent.append), sent)
    await stage.bridge.close()


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
async def test_a_service_is_callable(scene: Scene, local: str) -> None:
    query = scene.info(local)
    (identity,) = query.iter(f"{INFO}identity")
    assert identity.attrib == {"category": "client", "type": "bot", "name": "Echo"}
    features = [item.get("var") for item in query.iter(f"{INFO}feature")]
    assert set(features) == CALL_FEATURES
    assert len(features) == len(CALL_FEATURES)
    assert query.get("node") is None


async def test_the_component_names_its_services(scene: Scene) -> None:
    query = scene.info(DOMAIN)
    (identity,) = query.iter(f"{INFO}identity")
    assert (identity.get("category"), identity.get("type")) == ("component", "generic")
    assert "http://jabber.org/protocol/disco#items" in [
        item.get("var") for item in query.iter(f"{INFO}feature")
    ]
    items = scene.presence.disco_items(DOMAIN, DiscoItems()).items
    assert [(item.jid, item.name) for item in items] == [
        (ECHO, "Echo"),
        (f"closed@{DOMAIN}", "Closed"),
    ]


async def test_a_service_has_no_items(scene: Scene) -> None:
    assert scene.presence.disco_items(ECHO, DiscoItems()) == DiscoItems()


@pytest.mark.parametrize("local", [f"nobody@{DOMAIN}", f"nobody@{DOMAIN}/media", f"+@{DOMAIN}"])
async def test_a_service_that_is_not_there(scene: Scene, local: str) -> None:
    with pytest.raises(ServiceUnknown):
        scene.presence.disco_info(local, DiscoInfo())
    with pytest.raises(ServiceUnknown):
        scene.presence.disco_items(local, DiscoItems())
    for kind in ("probe", "unsubscribe", None):
        stanzas = scene.receive(kind, local=local)
        assert all(item.get("type") == "unsubscribed" for item in stanzas)
    assert [item.get("type") for item in scene.receive("subscribe", local=local)] == [
        "unsubscribed"
    ]


@pytest.mark.parametrize("local", [ECHO, DOMAIN])
async def test_a_node_that_is_not_there(scene: Scene, local: str) -> None:
    for node in ("x", NODE, f"{NODE}#", f"{NODE}#AAAA"):
        with pytest.raises(ServiceUnknown):
            scene.presence.disco_info(local, DiscoInfo(node=node))
        with pytest.raises(ServiceUnknown):
            scene.presence.disco_items(local, DiscoItems(node=node))


async def test_presence_promises_what_disco_answers(scene: Scene) -> None:
    (stanza,) = scene.receive("probe")
    caps = stanza.find(CAPS)
    assert caps is not None
    assert (caps.get("hash"), caps.get("node")) == ("sha-1", NODE)
    node = f"{caps.get('node')}#{caps.get('ver')}"
    for local in (ECHO, f"{ECHO}/media"):
        query = scene.info(local, node)
        assert digest(query) == caps.get("ver")
        assert query.get("node") == node
        assert digest(scene.info(local)) == caps.get("ver")


@pytest.mark.parametrize("local", [ECHO, f"{ECHO}/media"])
async def test_a_probe_is_answered_from_the_full_jid(scene: Scene, local: str) -> None:
    (stanza,) = scene.receive("probe", local=local)
    assert stanza.tag == f"{{{NS}}}presence"
    assert stanza.attrib == {"from": f"{ECHO}/media", "to": JULIET}
    assert stanza.findtext(f"{{{NS}}}status") == "Sends your own picture and voice back to you."


async def test_a_subscription_is_granted_and_followed_by_presence(scene: Scene) -> None:
    granted, available = scene.receive("subscribe", peer="juliet@example.org")
    assert granted.attrib == {"from": ECHO, "to": "juliet@example.org", "type": "subscribed"}
    assert available.get("type") is None
    assert available.get("from") == f"{ECHO}/media"
    assert available.find(CAPS) is not None


async def test_a_subscription_ends(scene: Scene) -> None:
    (stanza,) = scene.receive("unsubscribe", peer="juliet@example.org")
    assert stanza.attrib == {"from": ECHO, "to": "juliet@example.org", "type": "unsubscribed"}


@pytest.mark.parametrize("kind", [None, "subscribed", "unsubscribed", "error", "strange"])
async def test_other_presence_is_answered_by_nothing(scene: Scene, kind: str | None) -> None:
    _, call = await scene.stage.connected()
    assert not scene.receive(kind)
    assert not call.task.done()


async def test_who_goes_offline_hangs_up(scene: Scene) -> None:
    peer, call = await scene.stage.connected()
    _, other = await scene.stage.connected("sid2", "juliet@example.org/garden")
    assert not scene.receive("unavailable")
    await scene.stage.over(call)
    assert peer.farewell is not None
    assert scene.stage.bridge.calls == (other,)


@pytest.mark.parametrize("peer", ["juliet@example.org", "mallory@example.org/balcony"])
async def test_nobody_else_going_offline_matters(scene: Scene, peer: str) -> None:
    _, call = await scene.stage.connected()
    scene.receive("unavailable", peer=peer)
    assert scene.stage.bridge.calls == (call,)


@pytest.mark.parametrize("local", ["romeo@example.org", "echo@other.example.net", "", "@"])
async def test_presence_for_others_is_left_alone(scene: Scene, local: str) -> None:
    _, call = await scene.stage.connected()
    for kind in ("probe", "subscribe", "unsubscribe", "unavailable"):
        assert not scene.receive(kind, local=local)
    assert scene.stage.bridge.calls == (call,)


def test_disco_elements_are_read_and_written() -> None:
    text = f"<query xmlns='{INFO[1:-1]}' node='n'><feature var='a'/></query>"
    assert parse(DiscoInfo, fromstring(text)) == DiscoInfo(node="n", features=(Feature(var="a"),))
