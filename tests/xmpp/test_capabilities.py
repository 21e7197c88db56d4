"""What is known of peers' devices, and what is not believed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from xml.etree.ElementTree import Element, SubElement, fromstring

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from structlog.typing import EventDict

from jinglebridge.errors import SignalingError
from jinglebridge.protocol.disco.xep_0004 import Field, Form, Value
from jinglebridge.protocol.disco.xep_0030 import DiscoInfo, Feature, Identity, info_of
from jinglebridge.protocol.disco.xep_0115 import capabilities_of
from jinglebridge.protocol.jingle.residue import NAMESPACE as RESIDUE
from jinglebridge.protocol.session.habits import Habits
from jinglebridge.xmpp.capabilities import CapabilityBounds, PeerCapabilities

NS = "jabber:component:accept"
CAPS = "{http://jabber.org/protocol/caps}c"
ECHO = "echo@bridge.example.net/media"
JULIET = "juliet@example.org"
BALCONY, GARDEN = f"{JULIET}/balcony", f"{JULIET}/garden"
PHONE = info_of(
    Identity(category="client", type="phone", name="Phone"),
    ("urn:xmpp:jingle:1", "urn:xmpp:jingle-message:0"),
)
NODE = "https://phone.example"
TIMEOUT = SignalingError("remote-server-timeout")


@dataclass(slots=True)
class World:
    """Peers that answer what a test puts there."""

    bounds: CapabilityBounds = field(default_factory=lambda: CapabilityBounds(timeout=0.05))
    answers: dict[str, DiscoInfo | SignalingError | Exception] = field(default_factory=dict)
    """By full JID, or by node."""
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    now: float = 1000.0
    _peers: PeerCapabilities | None = None

    @property
    def peers(self) -> PeerCapabilities:
        if self._peers is None:
            self._peers = PeerCapabilities(self._ask, self.bounds, clock=lambda: self.now)
        return self._peers

    async def _ask(self, sender: str, peer: str, query: DiscoInfo) -> DiscoInfo:
        self.asked.append((sender, peer, query.node))
        await self.gate.wait()
        answer = self.answers.get(query.node or peer, SignalingError("item-not-found"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def show(self, peer: str, info: DiscoInfo | None = PHONE, **more: str) -> None:
        """Presence of a device, which then answers."""
        stanza = Element(f"{{{NS}}}presence", {"from": peer, "to": ECHO})
        if "priority" in more:
            SubElement(stanza, f"{{{NS}}}priority").text = more["priority"]
        if info is not None:
            caps = capabilities_of(info, NODE)
            self.answers.setdefault(f"{NODE}#{caps.ver}", info)
            SubElement(stanza, CAPS, {"hash": caps.hash, "node": caps.node, "ver": caps.ver})
        self.peers.available(peer, ECHO, stanza)

    async def settle(self) -> None:
        while self.peers._questions:
            await asyncio.gather(*self.peers._questions.values(), return_exceptions=True)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    here = World()
    here.gate.set()
    yield here
    await here.peers.close()
    assert not here.peers._questions


async def test_a_device_that_shows_itself_is_asked_once_for_all_of_its_kind(world: World) -> None:
    caps = capabilities_of(PHONE, NODE)
    world.show(BALCONY)
    await world.settle()
    assert world.asked == [(ECHO, BALCONY, f"{NODE}#{caps.ver}")]
    world.show(GARDEN)
    world.show("romeo@example.net/orchard")
    world.show(BALCONY)
    for peer in (BALCONY, GARDEN, "romeo@example.net/orchard"):
        assert await world.peers.features(ECHO, peer) == PHONE.vars
    assert len(world.asked) == 1


async def test_whoever_shows_nothing_is_asked_when_it_matters(world: World) -> None:
    world.answers[BALCONY] = PHONE
    assert await world.peers.features(ECHO, BALCONY) == PHONE.vars
    assert world.asked == [(ECHO, BALCONY, None)]


async def test_presence_without_capabilities(world: World) -> None:
    world.show(BALCONY, None)
    await world.settle()
    assert not world.asked
    world.answers[BALCONY] = PHONE
    for _ in range(2):
        assert await world.peers.features(ECHO, BALCONY) == PHONE.vars
    assert len(world.asked) == 1
    world.peers.unavailable(BALCONY)
    await world.peers.features(ECHO, BALCONY)
    assert len(world.asked) == 2


async def test_a_device_that_does_not_know_its_own_node(world: World) -> None:
    caps = capabilities_of(PHONE, NODE)
    world.answers[f"{NODE}#{caps.ver}"] = SignalingError("item-not-found")
    world.answers[BALCONY] = PHONE
    world.show(BALCONY)
    await world.settle()
    assert [node for _, _, node in world.asked] == [f"{NODE}#{caps.ver}", None]
    assert await world.peers.features(ECHO, BALCONY) == PHONE.vars
    assert len(world.asked) == 2


OTHER = info_of(Identity(category="client", type="pc"), ("urn:a", "urn:b"))


async def test_a_wrong_digest_counts_for_nobody_else(world: World) -> None:
    """Poison: Mallory announces what Juliet does and answers something else."""
    caps = capabilities_of(PHONE, NODE)
    world.answers[f"{NODE}#{caps.ver}"] = OTHER
    world.show("mallory@example.org/x")
    await world.settle()
    assert await world.peers.features(ECHO, "mallory@example.org/x") == OTHER.vars
    world.answers[f"{NODE}#{caps.ver}"] = PHONE
    world.show(BALCONY)
    assert await world.peers.features(ECHO, BALCONY) == PHONE.vars
    assert await world.peers.features(ECHO, "mallory@example.org/x") == PHONE.vars


async def test_what_is_ill_formed_is_kept_for_its_device_alone(world: World) -> None:
    twice = replace(PHONE, features=(*PHONE.features, *PHONE.features))
    world.show(BALCONY, twice)
    await world.settle()
    assert await world.peers.features(ECHO, BALCONY) == PHONE.vars
    assert not world.peers._answers


async def test_habits_from_the_node_at_once_and_from_features_later(world: World) -> None:
    assert world.peers.habits(BALCONY) == Habits()
    world.show(BALCONY, None)
    assert world.peers.habits(BALCONY) == Habits()
    ours = info_of(Identity(category="client", type="web"), (RESIDUE,))
    world.show(BALCONY, ours)
    assert world.peers.habits(BALCONY) == Habits()
    await world.settle()
    assert world.peers.habits(BALCONY) == Habits(end_of_candidates=True)


async def test_devices_come_in_the_order_of_their_priority(world: World) -> None:
    for name, priority in (("a", "0"), ("b", "7"), ("c", "-1"), ("d", "7"), ("e", "+5")):
        world.show(f"{JULIET}/{name}", None, priority=priority)
    world.show("romeo@example.net/orchard", None)
    assert [peer[-1] for peer in world.peers.resources(JULIET)] == ["d", "b", "e", "a", "c"]
    world.peers.unavailable(f"{JULIET}/b")
    world.peers.unavailable(f"{JULIET}/nobody")
    assert [peer[-1] for peer in world.peers.resources(JULIET)] == ["d", "e", "a", "c"]
    world.peers.unavailable(JULIET)
    assert world.peers.resources(JULIET) == ()
    assert world.peers.resources("romeo@example.net") == ("romeo@example.net/orchard",)


@pytest.mark.parametrize(
    ("text", "priority"),
    [("", 0), ("x", 0), ("--1", 0), ("-+5", 0), ("999", 127), ("-999", -128), ("1e3", 0),
     ("9" * 5000, 0), ("٣", 0), (" 5 ", 5)],
)  # fmt: skip
async def test_priorities_that_are_none(world: World, text: str, priority: int) -> None:
    world.show(BALCONY, None, priority=text)
    assert world.peers._devices[BALCONY].priority == priority


async def test_an_account_is_no_device(world: World) -> None:
    world.show(JULIET)
    assert world.peers.resources(JULIET) == ()
    assert not world.asked


@pytest.mark.parametrize(
    "caps",
    [
        "<c xmlns='http://jabber.org/protocol/caps' node='n' ver='v'/>",
        "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver=''/>",
        "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='{0}'/>",
        "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='{0}' ver='v'/>",
        "<c xmlns='http://jabber.org/protocol/caps' hash='{0}' node='n' ver='v'/>",
        "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='a&#10;b'/>",
    ],
    ids=["legacy", "no digest", "long digest", "long node", "long hash", "lines"],
)
async def test_capabilities_that_are_not_looked_at(world: World, caps: str) -> None:
    stanza = fromstring(f"<presence xmlns='{NS}'>{caps.format('x' * 10_000)}</presence>")
    world.peers.available(BALCONY, ECHO, stanza)
    await world.settle()
    assert not world.asked
    assert world.peers.resources(JULIET) == (BALCONY,)
    assert world.peers._devices[BALCONY].caps is None


@pytest.mark.parametrize("condition", ["remote-server-timeout", "forbidden"])
async def test_a_device_that_says_nothing(world: World, condition: str) -> None:
    caps = capabilities_of(PHONE, NODE)
    world.answers[f"{NODE}#{caps.ver}"] = SignalingError(condition)
    world.show(BALCONY)
    await world.settle()
    with pytest.raises(SignalingError, match=condition):
        await world.peers.features(ECHO, BALCONY)
    assert [node for _, _, node in world.asked] == [f"{NODE}#{caps.ver}"] * 2


async def test_a_device_that_is_slow(world: World) -> None:
    world.gate.clear()
    world.show(BALCONY)
    with pytest.raises(SignalingError, match="no answer in time"):
        await world.peers.features(ECHO, BALCONY)
    assert not world.peers._questions


async def test_many_wait_for_one_answer_and_whoever_leaves_hurts_nobody(world: World) -> None:
    world.gate.clear()
    world.answers[BALCONY] = PHONE
    waiting = [asyncio.create_task(world.peers.features(ECHO, BALCONY)) for _ in range(5)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    world.gate.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == [PHONE.vars] * 4
    assert len(world.asked) == 1


async def test_a_bug_is_logged_and_told(world: World, logged: list[EventDict]) -> None:
    world.answers[BALCONY] = ZeroDivisionError("here")
    with pytest.raises(ZeroDivisionError):
        await world.peers.features(ECHO, BALCONY)
    await asyncio.sleep(0)
    assert [entry["event"] for entry in logged] == ["question failed"]


async def test_questions_have_bounds() -> None:
    world = World(bounds=CapabilityBounds(questions=3, questions_per_minute=100, timeout=0.05))
    for number in range(5):
        world.show(f"{JULIET}/{number}", info_of(PHONE.identities[0], (f"urn:{number}",)))
    assert len(world.peers._questions) == 3
    with pytest.raises(SignalingError, match="resource-constraint"):
        await world.peers.features(ECHO, "romeo@example.net/orchard")
    await world.peers.close()
    assert not world.peers._questions


async def test_an_account_that_changes_all_the_time_is_asked_at_a_rate(world: World) -> None:
    for number in range(50):
        world.show(BALCONY, info_of(PHONE.identities[0], (f"urn:{number}",)))
        await world.settle()
    assert len(world.asked) == 4
    world.now += 60
    world.show(BALCONY, info_of(PHONE.identities[0], ("urn:later",)))
    await world.settle()
    assert len(world.asked) == 5


async def test_what_is_kept_is_bounded() -> None:
    world = World(
        bounds=CapabilityBounds(
            devices=10, devices_per_account=4, answers=5, questions_per_minute=10_000
        )
    )
    world.gate.set()
    for number in range(30):
        peer = f"user{number}@example.org/x"
        world.show(peer, info_of(PHONE.identities[0], (f"urn:{number}",)))
        await world.settle()
    assert len(world.peers._devices) == len(world.peers._accounts) == 10
    assert len(world.peers._answers) == 5
    for number in range(30):
        world.show(f"{JULIET}/{number}", None)
    assert [peer[-2:] for peer in world.peers.resources(JULIET)] == ["29", "28", "27", "26"]
    assert len(world.peers._devices) == 10
    assert sum(map(len, world.peers._accounts.values())) == 10
    await world.peers.close()


async def test_the_latest_are_kept() -> None:
    world = World(bounds=CapabilityBounds(answers=2, questions_per_minute=10_000))
    world.gate.set()
    infos = [info_of(PHONE.identities[0], (f"urn:{number}",)) for number in range(3)]
    for number in (0, 1):
        world.show(f"{JULIET}/{number}", infos[number])
        await world.settle()
    await world.peers.features(ECHO, f"{JULIET}/0")
    world.show(f"{JULIET}/2", infos[2])
    await world.settle()
    before = len(world.asked)
    await world.peers.features(ECHO, f"{JULIET}/0")
    assert len(world.asked) == before
    await world.peers.features(ECHO, f"{JULIET}/1")
    assert len(world.asked) == before + 1
    await world.peers.close()


async def test_an_answer_that_is_too_large_is_used_and_not_kept(world: World) -> None:
    large = replace(PHONE, features=tuple(Feature(var=f"urn:{n}:{'x' * 200}") for n in range(100)))
    world.show(BALCONY, large)
    await world.settle()
    assert await world.peers.features(ECHO, BALCONY) == large.vars
    assert not world.peers._answers
    assert world.peers._devices[BALCONY].answer is None


async def test_forms_count_and_are_not_kept(world: World) -> None:
    form = Form(
        type="result",
        fields=(
            Field(var="FORM_TYPE", type="hidden", values=(Value(text="a:form"),)),
            Field(var="os", values=(Value(text="x" * 100_000),)),
        ),
    )
    info = replace(PHONE, forms=(form,))
    world.show(BALCONY, info)
    await world.settle()
    (kept,) = world.peers._answers.values()
    assert kept == PHONE


async def test_an_answer_of_a_device_that_left_or_changed_is_not_kept(world: World) -> None:
    world.gate.clear()
    world.answers[BALCONY] = PHONE
    world.show(BALCONY, None)
    task = asyncio.create_task(world.peers.features(ECHO, BALCONY))
    await asyncio.sleep(0)
    world.peers.unavailable(BALCONY)
    world.gate.set()
    assert await task == PHONE.vars
    assert not world.peers._devices


class Rows(RuleBasedStateMachine):
    """Whatever presence comes, what is kept agrees with itself and stays small."""

    def __init__(self) -> None:
        super().__init__()
        bounds = CapabilityBounds(devices=6, devices_per_account=3)
        self.peers = PeerCapabilities(self.ask, bounds, clock=lambda: 0.0)

    async def ask(self, sender: str, peer: str, query: DiscoInfo) -> DiscoInfo:
        raise SignalingError("item-not-found")

    @rule(account=st.integers(0, 3), device=st.integers(0, 5), priority=st.integers(-2, 2))
    def show(self, account: int, device: int, priority: int) -> None:
        stanza = Element(f"{{{NS}}}presence")
        SubElement(stanza, f"{{{NS}}}priority").text = str(priority)
        peer = f"user{account}@example.org/{device}"
        self.peers.available(peer, ECHO, stanza)
        assert peer in self.peers.resources(f"user{account}@example.org")

    @rule(account=st.integers(0, 3), device=st.one_of(st.none(), st.integers(0, 5)))
    def leave(self, account: int, device: int | None) -> None:
        name = f"user{account}@example.org"
        peer = name if device is None else f"{name}/{device}"
        self.peers.unavailable(peer)
        assert peer not in self.peers.resources(name)
        assert device is not None or not self.peers.resources(name)

    @invariant()
    def rows_agree(self) -> None:
        listed = [peer for devices in self.peers._accounts.values() for peer in devices]
        assert sorted(listed) == sorted(self.peers._devices)
        assert len(listed) <= 6
        for account, devices in self.peers._accounts.items():
            assert 1 <= len(devices) <= 3
            found = self.peers.resources(account)
            assert sorted(found) == sorted(devices)
            priorities = [self.peers._devices[peer].priority for peer in found]
            assert priorities == sorted(priorities, reverse=True)


TestRows = Rows.TestCase
