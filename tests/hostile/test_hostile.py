"""A sample of `make hostile`, with the same bounds but for those on time."""

from collections.abc import AsyncIterator
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from jinglebridge.dev.prosody import PrivateProsody
from tests.hostile import accounts, attacks
from tests.hostile.figures import quantile, spread
from tests.hostile.generate import BRIDGE, GIANTS, Case, batch, giant, initiate
from tests.hostile.run import calling, offers, reaped
from tests.hostile.server import ScriptedServer, serving
from tests.hostile.shapes import every_shape
from tests.hostile.subject import Subject, burden, default_limits, subject
from tests.support.leaks import holdings, nothing_but
from tests.xmpp.phone import PASSWORD, signed_in

SEED = 20261122


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with serving(BRIDGE):
        pass  # with its first stream uvloop opens a descriptor and keeps it
    before = holdings()
    async with serving(BRIDGE) as scripted:
        yield scripted
    await nothing_but(before)
    assert scripted.streams <= 1, "the component's stream was lost"
    assert scripted.foreign == []


def healthy(running: Subject) -> None:
    assert running.failures() == []


def giants() -> list[Case]:
    """One of each kind, as large as it gets."""
    attributes = (("to", f"echo@{BRIDGE}"), ("type", "set"), ("id", "g"))
    return [
        Case(name=name, attributes=attributes, giant=kind, amount=amounts[-1])
        for kind, amounts in GIANTS.items()
        for name in ("iq", "message", "presence")
    ]


async def test_generated_stanzas(server: ScriptedServer) -> None:
    cases = batch(SEED, 0, 1_200)
    async with subject(BRIDGE, server.port, "secret") as running:
        async with calling(running, every=0.1):
            figures = await attacks.stanzas(server, cases, rate=500, settle=0.2)
        assert figures["honest_call_alive"]
        assert figures["answers"] > len(cases) / 2
        assert server.seen["iq set"] > 50, "no session was met"
        healthy(running)


async def test_giants(server: ScriptedServer) -> None:
    async with subject(BRIDGE, server.port, "secret") as running:
        figures = await attacks.stanzas(server, giants(), rate=50, settle=0.2)
        assert figures["honest_call_alive"]
        healthy(running)


async def test_hijacks(server: ScriptedServer) -> None:
    async with subject(BRIDGE, server.port, "secret") as running:
        figures = await attacks.hijack(server, attempts=600, seed=SEED)
        assert (figures["accepted"], figures["distinguishable"]) == (0, 0), figures["examples"]
        assert figures["heard_by_victim"] == 0
        assert figures["victim_alive"]
        unknown = "cancel item-not-found unknown-session: no session of yours has this sid"
        assert figures["answers"][unknown] > 300
        healthy(running)


async def test_a_flood_of_one_account(server: ScriptedServer) -> None:
    limits = default_limits(connect_timeout=2.0)
    async with subject(BRIDGE, server.port, "secret", limits=limits, real_media=True) as running:
        before = burden(running)
        offer = offers()["Dino, audio and video"]
        figures = await attacks.flood(server, rate=300, seconds=3, offer=offer)
        assert figures["refused"] >= figures["initiates"] - 12
        assert figures["honest_refused"] == 0
        assert figures["honest_setups"]["count"] >= 5
        after = (await reaped(running, before))["after"]
        assert (after["calls"], after["files"]) == (0, before.files)
        healthy(running)


@pytest.mark.server
async def test_stanzas_of_accounts_through_a_real_server() -> None:
    async with PrivateProsody(extra_config="allow_unencrypted_plain_auth = true") as prosody:
        for user in accounts.USERS:
            prosody.add_account(user, PASSWORD)
        port, secret = prosody.component_port, prosody.component_secret
        async with subject("bridge.localhost", port, secret) as running:
            stream = running.component.stream.stream_id
            cases = batch(SEED, 1, 300)
            # giants take the server itself a second each
            cases = [case for case in cases if not case.giant]
            figures = await accounts.stanzas(prosody.c2s_port, cases, rate=100)
            assert figures["pings"]["count"] > 0
            assert running.component.stream.stream_id == stream
            healthy(running)


XML_LANG = "xml:lang2='1'"


@pytest.mark.server
@pytest.mark.parametrize(
    "inside",
    [
        f"<ping xmlns='urn:xmpp:ping' {XML_LANG}/>",
        "<ping xmlns='urn:xmpp:ping'><xml:x/></ping>",
        "<ping xmlns='urn:xmpp:ping' xmlns:p='urn:p' p:xmlns='1' p:a='2'/>",
        f"<ping xmlns='urn:xmpp:ping' x='{'&quot;' * 40_000}'/>",
    ],
    ids=["xml attribute", "xml element", "prefixes", "quotes"],
)
async def test_what_a_server_passes_on_ends_no_stream(inside: str) -> None:
    """Prosody binds the namespace of ``xml:`` to another prefix, which XML forbids."""
    async with PrivateProsody(extra_config="allow_unencrypted_plain_auth = true") as prosody:
        prosody.add_account("juliet", PASSWORD)
        port, secret = prosody.component_port, prosody.component_secret
        async with subject("bridge.localhost", port, secret) as running:
            stream = running.component.stream.stream_id
            async with signed_in(prosody.c2s_port, "juliet") as phone:
                answer = await phone.ask("echo@bridge.localhost", inside, kind="get")
                assert answer.get("type") == "result"
                await phone.ping("echo@bridge.localhost")
            assert running.component.stream.stream_id == stream
            healthy(running)


# ---- the attackers' own tools --------------------------------------------------------------------


def test_a_batch_is_always_the_same_and_well_formed() -> None:
    first, again = batch(SEED, 3, 200), batch(SEED, 3, 200)
    assert first == again
    assert first != batch(SEED, 4, 200)
    for case in first:
        fromstring(case.text("mallory@example.org/x"))
    assert {"iq", "message", "presence"} <= {case.name for case in first}


def test_every_giant_is_as_large_as_it_says() -> None:
    for kind, amounts in GIANTS.items():
        assert len(giant(kind, amounts[-1])) > len(giant(kind, amounts[0])) > 0
        fromstring(f"<iq>{giant(kind, amounts[0])}</iq>")


def test_every_schema_has_its_shapes() -> None:
    shapes = every_shape()
    names = {item.tag for item in shapes}
    assert "{urn:xmpp:jingle:1}jingle" in names
    assert len(shapes) > 60
    for item in shapes:
        for attribute in item.attributes:
            assert attribute.values, (item.tag, attribute.name)


async def test_a_foreign_name_is_seen(server: ScriptedServer) -> None:
    """The counter counts: a component of our own making lies."""
    async with subject(BRIDGE, server.port, "secret") as running:
        running.component.stream.send("<message from='juliet@example.org' to='a@b'/>")
        await server.ping(attacks.HONEST, attacks.ECHO)
        assert len(server.foreign) == 1
        server.foreign.clear()


async def test_an_error_is_seen(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("on purpose")

    async with subject(BRIDGE, server.port, "secret") as running:
        monkeypatch.setattr(running.bridge, "deliver", broken)
        reason = initiate("", sid="x", action="session-info")
        answer = await server.ask(attacks.HONEST, attacks.ECHO, reason)
        assert answer.get("type") == "error"
        assert any("on purpose" in item for item in running.failures())


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, 0.0), ([1.0], 0.99, 1.0), (list(range(1, 101)), 0.95, 95), ([3, 1, 2], 0.5, 2)],
)
def test_quantiles(values: list[float], share: float, expected: float) -> None:
    assert quantile(values, share) == expected


def test_spread() -> None:
    figures: dict[str, Any] = spread([0.001] * 99 + [1.0])
    assert figures == {"count": 100, "p50_ms": 1, "p95_ms": 1, "p99_ms": 1, "max_ms": 1000}
