"""Presence of our JIDs, and what they make of others' presence."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, SubElement

import pytest

from jinglebridge.bridge.access import AccessRules, Names
from jinglebridge.bridge.bridge import Bridge
from jinglebridge.errors import SignalingError
from jinglebridge.protocol.disco.xep_0030 import DiscoInfo
from jinglebridge.xmpp.capabilities import PeerCapabilities
from jinglebridge.xmpp.departures import Departures
from jinglebridge.xmpp.discovery import NODE, Discovery
from jinglebridge.xmpp.presence import Presence
from tests.bridge.stage import JULIET, Stage
from tests.xmpp.test_discovery import digest, info_at

DOMAIN = "bridge.example.net"
ECHO = f"echo@{DOMAIN}"
MEDIA = f"{ECHO}/media"
BARE = "juliet@example.org"
NS = "jabber:component:accept"
CAPS = "{http://jabber.org/protocol/caps}c"


async def silent(sender: str, peer: str, query: DiscoInfo) -> DiscoInfo:
    raise SignalingError("service-unavailable")


@dataclass(slots=True)
class Scene:
    stage: Stage
    now: float = 1000.0
    sent: list[Element] = field(default_factory=list)
    bridge: Bridge | None = None
    peers: PeerCapabilities = field(default_factory=lambda: PeerCapabilities(silent))
    _presence: Presence | None = None

    @property
    def presence(self) -> Presence:
        if self._presence is None:
            self._presence = Presence(
                DOMAIN,
                self.bridge or self.stage.bridge,
                self.peers,
                Departures(self.bridge or self.stage.bridge, after=0.1),
                self.sent.append,
                clock=lambda: self.now,
            )
        return self._presence

    def receive(
        self, kind: str | None, peer: str = JULIET, local: str = ECHO, **caps: str
    ) -> list[Element]:
        stanza = Element(f"{{{NS}}}presence", {"from": peer, "to": local})
        if kind is not None:
            stanza.set("type", kind)
        if caps:
            SubElement(stanza, CAPS, caps)
        before = len(self.sent)
        self.presence.handle(stanza)
        return self.sent[before:]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    stage = Stage()
    here = Scene(stage)
    yield here
    await here.peers.close()
    await stage.bridge.close()


async def renewed(scene: Scene) -> int:
    """Show presence again, all of it; how many turns of the loop it took."""
    scene.presence.renew()
    turns = 0
    while scene.presence.is_renewing:
        await asyncio.sleep(0)
        turns += 1
    return turns


def shape(stanza: Element) -> tuple[str | None, str | None, str | None]:
    return stanza.get("from"), stanza.get("to"), stanza.get("type")


@pytest.mark.parametrize(
    "local",
    [f"nobody@{DOMAIN}", f"nobody@{DOMAIN}/media", f"+@{DOMAIN}", f"closed@{DOMAIN}", DOMAIN],
)
async def test_a_service_that_is_not_there_or_not_for_this_peer(scene: Scene, local: str) -> None:
    assert not scene.receive("probe", local=local)
    assert not scene.receive(None, local=local)
    account = local.partition("/")[0]
    (refused,) = scene.receive("subscribe", local=local)
    assert shape(refused) == (account, BARE, "unsubscribed")


async def test_whom_the_rules_refuse_sees_nobody(scene: Scene) -> None:
    scene.bridge = Bridge(
        signaling=scene.stage.signaling,
        engine=scene.stage.engine,
        services=scene.stage.services,
        limits=scene.stage.limits,
        rules=AccessRules(deny=Names.of(["example.org"])),
    )
    assert not scene.receive("probe")
    assert not scene.receive(None)
    assert [shape(item)[2] for item in scene.receive("subscribe")] == ["unsubscribed"]
    await scene.bridge.close()


async def test_presence_promises_what_disco_answers(scene: Scene) -> None:
    (stanza,) = scene.receive("probe")
    caps = stanza.find(CAPS)
    assert caps is not None
    assert (caps.get("hash"), caps.get("node")) == ("sha-1", NODE)
    node = f"{caps.get('node')}#{caps.get('ver')}"
    discovery = Discovery(DOMAIN, scene.stage.bridge)
    for local in (ECHO, MEDIA):
        query = info_at(discovery, local, node)
        assert digest(query) == caps.get("ver")
        assert query.get("node") == node
        assert digest(info_at(discovery, local)) == caps.get("ver")


@pytest.mark.parametrize("local", [ECHO, f"{ECHO}/media"])
async def test_a_probe_is_answered_from_the_full_jid(scene: Scene, local: str) -> None:
    (stanza,) = scene.receive("probe", local=local)
    assert stanza.tag == f"{{{NS}}}presence"
    assert stanza.attrib == {"from": MEDIA, "to": JULIET}
    assert stanza.findtext(f"{{{NS}}}status") == "Sends your own picture and voice back to you."


async def test_a_subscription_is_granted_and_followed_by_presence(scene: Scene) -> None:
    granted, available = scene.receive("subscribe", peer="juliet@example.org")
    assert granted.attrib == {"from": ECHO, "to": "juliet@example.org", "type": "subscribed"}
    assert available.get("type") is None
    assert available.get("from") == f"{ECHO}/media"
    assert available.find(CAPS) is not None


async def test_a_subscription_ends(scene: Scene) -> None:
    """RFC 6121 §3.3.3."""
    ended, gone = scene.receive("unsubscribe", peer=BARE)
    assert shape(ended) == (ECHO, BARE, "unsubscribed")
    assert shape(gone) == (MEDIA, BARE, "unavailable")


@pytest.mark.parametrize("kind", ["subscribed", "unsubscribed", "error", "strange"])
async def test_other_presence_is_answered_by_nothing(scene: Scene, kind: str) -> None:
    _, call = await scene.stage.connected()
    assert not scene.receive(kind)
    assert not call.task.done()


async def test_directed_presence_is_answered_with_ours_once(scene: Scene) -> None:
    (stanza,) = scene.receive(None)
    assert shape(stanza) == (MEDIA, JULIET, None)
    assert stanza.find(CAPS) is not None
    assert not scene.receive(None)
    assert scene.peers.resources(BARE) == (JULIET,)


@pytest.mark.parametrize("kind", ["unavailable", "error"])
async def test_whoever_comes_back_is_answered_again(scene: Scene, kind: str) -> None:
    assert scene.receive(None)
    assert not scene.receive(kind)
    assert scene.peers.resources(BARE) == ()
    assert scene.receive(None)


async def test_each_service_shows_itself(scene: Scene) -> None:
    assert scene.receive(None, local=ECHO)
    assert scene.receive(None, local=f"echo+x@{DOMAIN}")
    assert not scene.receive(None, local=MEDIA)


async def test_two_bots_that_show_themselves_come_to_an_end(scene: Scene) -> None:
    """Another one of the same kind, with each other's presence delivered for ever."""
    other = Scene(scene.stage)
    stanzas = scene.receive(None, peer="echo@other.example/media")
    rounds = 0
    while stanzas:
        rounds += 1
        assert rounds < 5
        stanzas = other.receive(None, peer="echo@other.example/media")
        stanzas = scene.receive(None, peer="echo@other.example/media") if stanzas else []
    await other.peers.close()


async def test_answers_have_a_rate(scene: Scene) -> None:
    """At sign-in a client asks for each of its contacts; nobody asks for ever."""
    asked = [bool(scene.receive("probe", local=f"echo+{n}@{DOMAIN}")) for n in range(100)]
    assert asked == [True] * 60 + [False] * 40
    assert scene.receive("probe", peer="romeo@example.net/orchard")
    scene.now += 60
    assert scene.receive("probe")


async def test_what_is_remembered_is_bounded(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jinglebridge.xmpp.presence._MAX_SEEN", 3)
    for number in range(10):
        assert scene.receive(None, peer=f"user{number}@example.org/x")
    assert len(scene.presence._shown) == 3


async def test_capabilities_are_taken_from_presence(scene: Scene) -> None:
    scene.receive(None, hash="sha-1", node="https://stanzajs.org", ver="AAAA")
    assert scene.peers.habits(JULIET).end_of_candidates


async def test_a_server_that_was_away_is_told_again(scene: Scene) -> None:
    """Whoever signed in before we were back has asked in vain."""
    scene.receive("probe", peer=BARE)
    scene.receive("subscribe", peer="romeo@example.org")
    scene.receive(None, peer="nurse@example.org/hall")
    scene.receive(None, peer="tybalt@example.org/square")
    scene.receive("unavailable", peer="tybalt@example.org/square")
    scene.receive("probe", peer="mercutio@example.org")
    scene.receive("unsubscribe", peer="mercutio@example.org")
    scene.sent.clear()
    await renewed(scene)
    assert [item.get("to") for item in scene.sent] == [
        BARE, "romeo@example.org", "nurse@example.org/hall"
    ]  # fmt: skip
    assert {(item.get("from"), item.get("type")) for item in scene.sent} == {(MEDIA, None)}
    assert all(item.find(CAPS) is not None for item in scene.sent)
    # to the server that has forgotten all of it, everybody is new
    assert scene.receive(None, peer="nurse@example.org/hall")


async def test_what_is_told_again_is_bounded(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jinglebridge.xmpp.presence._MAX_TOLD", 3)
    for number in range(5):
        scene.receive("probe", peer=f"user{number}@example.org")
    scene.sent.clear()
    await renewed(scene)
    assert [item.get("to") for item in scene.sent] == [f"user{n}@example.org" for n in (2, 3, 4)]


async def test_others_have_their_turn_while_many_are_told_again(scene: Scene) -> None:
    for number in range(1_000):
        scene.receive("probe", peer=f"user{number}@example.org")
    scene.sent.clear()
    scene.presence.renew()
    assert len(scene.sent) <= 50
    scene.receive("unsubscribe", peer="user999@example.org")
    assert await renewed(scene) >= 20  # from the first one, whatever was under way
    told = [item.get("to") for item in scene.sent if item.get("type") is None]
    assert told[-999:] == [f"user{number}@example.org" for number in range(999)]
    assert "user999@example.org" not in told


async def test_nobody_is_told_on_a_link_that_is_lost_again(scene: Scene) -> None:
    for number in range(1_000):
        scene.receive("probe", peer=f"user{number}@example.org")
    scene.presence.renew()
    scene.presence.lost()
    scene.sent.clear()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not scene.sent


async def test_who_was_not_answered_in_time_is_answered_later(scene: Scene) -> None:
    """A client that comes back too often sees nothing of us; not for ever."""
    for _ in range(60):
        scene.receive("probe")
    assert not scene.receive(None)
    scene.now += 1
    assert [shape(item) for item in scene.receive(None)] == [(MEDIA, JULIET, None)]
    assert not scene.receive(None)


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
    for kind in ("probe", "subscribe", "unsubscribe", "unavailable", None):
        assert not scene.receive(kind, local=local)
    assert scene.stage.bridge.calls == (call,)


@pytest.mark.parametrize("kind", ["probe", "subscribe", "unsubscribe", "unavailable", None])
async def test_our_own_domain_gets_no_answer(scene: Scene, kind: str | None) -> None:
    assert not scene.receive(kind, peer=f"echo@{DOMAIN}/media")
