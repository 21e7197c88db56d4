"""Presence, discovery and messages over a real server: what makes a JID callable."""

import asyncio
from collections.abc import Callable
from xml.etree.ElementTree import Element

import pytest
import slixmpp

from jinglebridge import __version__
from jinglebridge.dev.prosody import COMPONENT_DOMAIN, PrivateProsody
from jinglebridge.protocol.disco.xep_0030 import DiscoInfo
from jinglebridge.protocol.disco.xep_0115 import Capabilities, check_digest
from jinglebridge.protocol.xml import parse, tag_of
from jinglebridge.xmpp import stanzas
from jinglebridge.xmpp.discovery import Discovery
from tests.xmpp.attached import ECHO, MEDIA, Attached, attached
from tests.xmpp.phone import CLIENT, PASSWORD, Phone, signed_in

pytestmark = [pytest.mark.server, pytest.mark.asyncio(loop_scope="module")]

QUERY = tag_of(DiscoInfo)
RECEIVED = "{urn:xmpp:receipts}received"


def presences(phone: Phone) -> list[Element]:
    return [
        item
        for item in phone.received
        if item.tag == f"{CLIENT}presence" and (item.get("from") or "").startswith(ECHO)
    ]


def messages(phone: Phone) -> list[Element]:
    return [item for item in phone.received if item.tag == f"{CLIENT}message"]


def caps_in(presence: Element) -> Capabilities | None:
    element = presence.find(tag_of(Capabilities))
    return None if element is None else parse(Capabilities, element)


async def eventually(condition: Callable[[], object], within: float = 5.0) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 # what changes sets no event
            await asyncio.sleep(0.01)


async def test_directed_presence_shows_who_is_there_and_what_it_can(
    whole: Attached, juliet: Phone
) -> None:
    await juliet.send(f"<presence to='{ECHO}'/>")
    await juliet.wait_for(presences)
    (shown,) = presences(juliet)
    assert (shown.get("from"), shown.get("type")) == (MEDIA, None)
    caps = caps_in(shown)
    assert caps is not None
    asked = f"<query xmlns='http://jabber.org/protocol/disco#info' node='{caps.node}#{caps.ver}'/>"
    answer = (await juliet.ask(MEDIA, asked, kind="get")).find(QUERY)
    assert answer is not None
    info = parse(DiscoInfo, answer)
    check_digest(info, caps)
    assert {"urn:xmpp:jingle:1", "urn:xmpp:jingle-message:0", "urn:xmpp:receipts"} <= info.vars
    await eventually(lambda: whole.component.resources("juliet@localhost") == (juliet.jid,))
    await juliet.send(f"<presence to='{ECHO}' type='unavailable'/>")
    await eventually(lambda: not whole.component.resources("juliet@localhost"))


async def test_whoever_signs_out_is_forgotten(whole: Attached, prosody: PrivateProsody) -> None:
    async with signed_in(prosody.c2s_port, "romeo") as romeo:
        await romeo.send(f"<presence/><presence to='{ECHO}'><priority>5</priority></presence>")
        await romeo.wait_for(presences)
        assert whole.component.resources("romeo@localhost") == (romeo.jid,)
    await eventually(lambda: not whole.component.resources("romeo@localhost"))


async def test_a_subscription_ends(whole: Attached, prosody: PrivateProsody) -> None:
    async with signed_in(prosody.c2s_port, "romeo") as romeo:
        await romeo.ask("romeo@localhost", "<query xmlns='jabber:iq:roster'/>", kind="get")
        await romeo.send(f"<presence/><presence type='subscribe' to='{ECHO}'/>")
        await romeo.wait_for(lambda phone: any(p.get("from") == MEDIA for p in presences(phone)))
        before = len(presences(romeo))
        await romeo.send(f"<presence type='unsubscribe' to='{ECHO}'/>")
        await romeo.wait_for(
            lambda phone: "unavailable" in [p.get("type") for p in presences(phone)[before:]]
        )


async def test_the_server_asks_in_a_users_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prosody's PEP asks contacts what they want to be told, from the account's bare JID."""
    asked: list[tuple[str, str | None]] = []
    answer = Discovery.info

    def info(self: Discovery, local: str, query: DiscoInfo) -> DiscoInfo:
        asked.append((local, query.node))
        return answer(self, local, query)

    monkeypatch.setattr(Discovery, "info", info)
    # a server of its own: it asks once for each digest, for all its users
    async with (
        PrivateProsody(extra_config="allow_unencrypted_plain_auth = true") as prosody,
        attached(prosody) as whole,
    ):
        prosody.add_account("romeo", PASSWORD)
        async with signed_in(prosody.c2s_port, "romeo") as romeo:
            await romeo.ask("romeo@localhost", "<query xmlns='jabber:iq:roster'/>", kind="get")
            await romeo.send("<presence/>")
            # it asks those who are told of its user's presence
            whole.component.send(stanzas.presence(ECHO, "romeo@localhost", "subscribe"))
            await romeo.wait_for(presences)
            await romeo.send(f"<presence type='subscribed' to='{ECHO}'/>")
            await romeo.send(f"<presence type='subscribe' to='{ECHO}'/>")
            await romeo.wait_for(lambda phone: any(map(caps_in, presences(phone))))
            caps, *_ = filter(None, map(caps_in, presences(romeo)))
            await eventually(lambda: asked)
            assert set(asked) == {(MEDIA, f"{caps.node}#{caps.ver}")}


async def test_software_version(whole: Attached, juliet: Phone) -> None:
    for jid in (ECHO, MEDIA, COMPONENT_DOMAIN):
        answer = await juliet.ask(jid, "<query xmlns='jabber:iq:version'/>", kind="get")
        (query,) = answer
        assert [item.text for item in query] == ["jinglebridge", __version__]


async def test_words_are_confirmed_and_answered(whole: Attached, juliet: Phone) -> None:
    await juliet.send(
        f"<message to='{ECHO}' type='chat' id='m1'><body>hi</body>"
        "<request xmlns='urn:xmpp:receipts'/></message>"
    )
    await juliet.wait_for(lambda phone: len(messages(phone)) == 2)
    receipt, help_text = messages(juliet)
    received = receipt.find(RECEIVED)
    assert received is not None
    assert (receipt.get("from"), received.get("id")) == (MEDIA, "m1")
    assert "call" in (help_text.findtext(f"{CLIENT}body") or "")


async def test_words_to_nobody_come_back(whole: Attached, juliet: Phone) -> None:
    await juliet.send(
        f"<message to='nobody@{COMPONENT_DOMAIN}' type='chat' id='m1'><body>hi</body></message>"
    )
    await juliet.wait_for(messages)
    (error,) = messages(juliet)
    assert (error.get("type"), error.get("id")) == ("error", "m1")


async def test_a_proposal_is_confirmed_from_the_full_jid(whole: Attached, juliet: Phone) -> None:
    await juliet.send(
        f"<message to='{ECHO}' type='chat' id='m1'><propose xmlns='urn:xmpp:jingle-message:0' "
        "id='call1'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>"
        "</message>"
    )
    await juliet.wait_for(
        lambda phone: any(item.find(RECEIVED) is not None for item in messages(phone))
    )
    assert {item.get("from") for item in messages(juliet)} == {MEDIA}
    await juliet.send(
        f"<message to='{ECHO}' type='chat' id='m2'>"
        "<retract xmlns='urn:xmpp:jingle-message:0' id='call1'/></message>"
    )


async def test_the_capabilities_of_a_real_library(whole: Attached, prosody: PrivateProsody) -> None:
    """slixmpp's own digest and answer: asked once, believed, and known."""
    client = slixmpp.ClientXMPP("romeo@localhost/slix", PASSWORD)
    client.enable_direct_tls = client.enable_starttls = False
    client.enable_plaintext = True
    for plugin in ("xep_0030", "xep_0115"):
        client.register_plugin(plugin)
    client.plugin["feature_mechanisms"].unencrypted_scram = True
    started = asyncio.Event()
    client.add_event_handler("session_start", lambda _: started.set())
    client.connect("127.0.0.1", prosody.c2s_port)
    try:
        async with asyncio.timeout(10):
            await started.wait()
        await client.plugin["xep_0030"].add_feature("urn:xmpp:jingle:1")
        await client.plugin["xep_0115"].update_caps(broadcast=False)
        client.send_presence(pto=ECHO)
        jid = str(client.boundjid)
        await eventually(lambda: whole.component._peers._answers)
        assert whole.component.resources("romeo@localhost") == (jid,)
        features = await whole.component.features(MEDIA, jid)
        assert {"urn:xmpp:jingle:1", "http://jabber.org/protocol/disco#info"} <= features
        # it asks us as well, and believes us
        async with asyncio.timeout(5):
            known = client.plugin["xep_0115"].get_caps
            # slixmpp leaves this method without types
            while not await known(slixmpp.JID(MEDIA)):  # type: ignore[no-untyped-call] # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        sending = client._run_out_filters
        await client.disconnect(wait=1.0)
        if sending is not None:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
