"""Calls over a real server: what a client sends and gets, stanza by stanza."""

import asyncio
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring, tostring

import pytest
import slixmpp

from jinglebridge.bridge.ports import ConnectionState
from jinglebridge.dev.prosody import COMPONENT_DOMAIN, PrivateProsody
from jinglebridge.protocol.jingle.xep_0166 import (
    Action,
    Creator,
    Jingle,
    ReasonCondition,
    reason_of,
)
from jinglebridge.protocol.sdp.text import loads_offer
from jinglebridge.protocol.session.session import JingleSession
from jinglebridge.protocol.xml import parse, tag_of
from tests.xmpp.attached import ECHO, MEDIA, Attached
from tests.xmpp.phone import CLIENT, PASSWORD, Phone, Refusal, refusal_of, signed_in

pytestmark = [pytest.mark.server, pytest.mark.asyncio(loop_scope="module")]

VECTORS = Path(__file__).parents[1] / "vectors"
CAPTURED = sorted((VECTORS / "clients").glob("*/*-in-session-initiate.xml"))
OFFERS = sorted((VECTORS / "browsers").glob("*/audio-video*--01-A-offer-initial.sdp"))
JINGLE = tag_of(Jingle)
INFO = "http://jabber.org/protocol/disco#info"
ITEMS = "http://jabber.org/protocol/disco#items"


def session(phone: Phone, sid: str = "sid1", to: str = ECHO) -> JingleSession:
    return JingleSession(role=Creator.INITIATOR, sid=sid, local=phone.jid, peer=to)


async def call(
    whole: Attached, phone: Phone, sid: str = "sid1", *, path: Path = OFFERS[0], to: str = ECHO
) -> JingleSession:
    """A call with media."""
    ours = session(phone, sid, to)
    initiate = ours.initiate(loads_offer(path.read_text()))
    assert (await phone.jingle(to, initiate)).get("type") == "result"
    await phone.wait_for(
        lambda phone: any(
            item.sid == sid and item.action is Action.SESSION_ACCEPT for item in phone.requests
        )
    )
    whole.media(phone.jid).change(ConnectionState.CONNECTED)
    return ours


async def hang_up(phone: Phone, ours: JingleSession) -> None:
    farewell = ours.terminate(reason_of(ReasonCondition.SUCCESS))
    assert (await phone.jingle(ours.peer, farewell)).get("type") == "result"


def payload_of(stanza: Element) -> Element:
    (payload,) = stanza
    return payload


@pytest.mark.parametrize("jid", [ECHO, MEDIA, COMPONENT_DOMAIN])
async def test_disco_and_ping(whole: Attached, juliet: Phone, jid: str) -> None:
    answer = await juliet.ask(jid, f"<query xmlns='{INFO}'/>", kind="get")
    assert (answer.get("type"), answer.get("from")) == ("result", jid)
    features = [item.get("var") for item in payload_of(answer) if item.tag.endswith("feature")]
    assert ("urn:xmpp:jingle:1" in features) == (jid != COMPONENT_DOMAIN)
    items = payload_of(await juliet.ask(jid, f"<query xmlns='{ITEMS}'/>", kind="get"))
    expected = [{"jid": ECHO, "name": "Echo"}] if jid == COMPONENT_DOMAIN else []
    assert [item.attrib for item in items] == expected
    await juliet.ping(jid)


@pytest.mark.parametrize("namespace", [INFO, ITEMS])
async def test_nobody_there(whole: Attached, juliet: Phone, namespace: str) -> None:
    answer = await juliet.ask(
        f"nobody@{COMPONENT_DOMAIN}", f"<query xmlns='{namespace}'/>", kind="get"
    )
    refusal = refusal_of(answer)
    assert (refusal.type, refusal.condition, refusal.jingle) == ("cancel", "item-not-found", None)


@pytest.mark.parametrize("kind", ["get", "set"])
async def test_what_nobody_understands(whole: Attached, juliet: Phone, kind: str) -> None:
    answer = await juliet.ask(ECHO, "<query xmlns='urn:example:unknown'/>", kind=kind)
    assert (refusal_of(answer).type, refusal_of(answer).condition) == (
        "cancel",
        "service-unavailable",
    )


async def test_a_contact_is_callable_at_every_login(
    whole: Attached, prosody: PrivateProsody, juliet: Phone
) -> None:
    """A subscription, then the probe that the server sends by itself at the next login."""
    # the server tells of subscriptions to those who asked for their contacts
    await juliet.ask("juliet@localhost", "<query xmlns='jabber:iq:roster'/>", kind="get")
    await juliet.send(f"<presence/><presence type='subscribe' to='{ECHO}'/>")

    def available(phone: Phone) -> list[Element]:
        return [item for item in phone.received if item.get("from") == MEDIA]

    await juliet.wait_for(available)
    kinds = [item.get("type") for item in juliet.received if item.get("from") == ECHO]
    assert "subscribed" in kinds
    async with signed_in(prosody.c2s_port, "juliet", resource="tablet") as tablet:
        await tablet.send("<presence/>")
        await tablet.wait_for(available)
        (presence,) = available(tablet)
        caps = presence.find("{http://jabber.org/protocol/caps}c")
        assert caps is not None
        node = f"{caps.get('node')}#{caps.get('ver')}"
        for jid in (ECHO, MEDIA):
            query = f"<query xmlns='{INFO}' node='{node}'/>"
            answer = payload_of(await tablet.ask(jid, query, kind="get"))
            assert answer.get("node") == node
            assert any(item.get("var") == "urn:xmpp:jingle:1" for item in answer)


async def test_slixmpp_finds_the_digest_right(whole: Attached, prosody: PrivateProsody) -> None:
    """An implementation that is not ours subscribes, pings and recomputes XEP-0115."""
    client = slixmpp.ClientXMPP("romeo@localhost/slixmpp", PASSWORD)
    client.enable_starttls = client.enable_direct_tls = False
    client.enable_plaintext = True
    client.plugin["feature_mechanisms"].unencrypted_scram = True
    for name in ("xep_0030", "xep_0115", "xep_0199"):
        client.register_plugin(name)
    loop = asyncio.get_running_loop()
    started: asyncio.Future[None] = loop.create_future()
    presence: asyncio.Future[Element] = loop.create_future()
    client.add_event_handler("session_start", lambda _: started.set_result(None))
    client.add_event_handler("presence_available", lambda item: presence.set_result(item.xml))
    try:
        async with asyncio.timeout(10):
            client.connect("127.0.0.1", prosody.c2s_port)
            await started
            client.send_presence(pto=ECHO, ptype="probe")
            caps = (await presence).find("{http://jabber.org/protocol/caps}c")
            info = await client.plugin["xep_0030"].get_info(jid=slixmpp.JID(MEDIA))
            assert await client.plugin["xep_0199"].ping(jid=slixmpp.JID(MEDIA)) < 5
        # slixmpp leaves this method without types
        digest = client.plugin["xep_0115"].generate_verstring(  # type: ignore[no-untyped-call]
            info["disco_info"], "sha-1"
        )
        assert caps is not None
        assert caps.get("ver") == digest
    finally:
        await client.disconnect()
        sending = client._run_out_filters
        if sending is not None:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


async def test_a_probe_is_answered(whole: Attached, juliet: Phone) -> None:
    await juliet.send(f"<presence type='probe' to='{ECHO}'/>")
    await juliet.wait_for(lambda phone: phone.received)
    assert juliet.received[0].tag == f"{CLIENT}presence"
    assert juliet.received[0].get("from") == MEDIA
    assert juliet.received[0].get("to") == juliet.jid


@pytest.mark.parametrize("path", CAPTURED, ids=lambda path: f"{path.parent.name}-{path.stem[:3]}")
async def test_what_real_clients_sent(whole: Attached, juliet: Phone, path: Path) -> None:
    """The captured session-initiate, byte for byte but for its addresses."""
    stanza = fromstring(path.read_text())
    element = stanza.find(JINGLE)
    assert element is not None
    element.attrib.pop("initiator", None)
    offered = parse(Jingle, element)
    answer = await juliet.ask(MEDIA, tostring(element, "unicode"))
    assert answer.get("type") == "result", tostring(answer)
    await juliet.wait_for(lambda phone: len(phone.requests) >= 2)
    accept, *infos = juliet.requests
    assert accept.action is Action.SESSION_ACCEPT
    assert (accept.sid, accept.responder) == (offered.sid, MEDIA)
    assert [item.name for item in accept.contents] == [item.name for item in offered.contents]
    for content in accept.contents:
        assert content.transport is not None
        (fingerprint,) = content.transport.fingerprints
        assert fingerprint.setup is not None
        assert fingerprint.setup.value == "active"
    assert {item.action for item in infos} == {Action.TRANSPORT_INFO}
    end = Jingle(
        action=Action.SESSION_TERMINATE, sid=offered.sid, reason=reason_of(ReasonCondition.SUCCESS)
    )
    assert (await juliet.jingle(MEDIA, end)).get("type") == "result"
    assert [item.action for item in juliet.requests].count(Action.SESSION_TERMINATE) == 0


@pytest.mark.parametrize("path", OFFERS, ids=lambda path: f"{path.parent.name}-{path.stem}")
async def test_a_browsers_offer(whole: Attached, juliet: Phone, path: Path) -> None:
    ours = await call(whole, juliet, path=path)
    sections = whole.media(juliet.jid).offer
    assert sections is not None
    assert sections.media == loads_offer(path.read_text()).media
    for request in juliet.requests:
        ours.receive(request)
    await hang_up(juliet, ours)


async def test_the_answer_comes_first_and_the_result_before_it(
    whole: Attached, juliet: Phone
) -> None:
    ours = session(juliet)
    initiate = ours.initiate(loads_offer(OFFERS[0].read_text()))
    answered: list[int] = []

    async def ask() -> None:
        await juliet.jingle(ECHO, initiate)
        answered.append(len(juliet.received))

    await asyncio.gather(ask(), juliet.wait_for(lambda phone: len(phone.requests) >= 3))
    assert answered == [0]
    actions = [item.action for item in juliet.requests]
    assert actions == [Action.SESSION_ACCEPT, Action.TRANSPORT_INFO, Action.TRANSPORT_INFO]
    await hang_up(juliet, ours)


async def test_the_bridge_hangs_up(whole: Attached, juliet: Phone) -> None:
    await call(whole, juliet)
    (running,) = whole.bridge.calls
    running.hang_up(reason_of(ReasonCondition.EXPIRED, "your time is over"))
    await juliet.wait_for(lambda phone: phone.requests[-1].action is Action.SESSION_TERMINATE)
    reason = juliet.requests[-1].reason
    assert reason == reason_of(ReasonCondition.EXPIRED, "your time is over")
    await asyncio.wait({running.task})


async def test_a_client_that_never_answers(whole: Attached, juliet: Phone) -> None:
    ours = await call(whole, juliet)
    juliet.answers = False
    (running,) = whole.bridge.calls
    running.hang_up()
    async with asyncio.timeout(3):
        await asyncio.wait({running.task})
    assert running.task.done()
    assert ours.sid == "sid1"


async def test_a_lost_client_ends_its_call(whole: Attached, prosody: PrivateProsody) -> None:
    async with signed_in(prosody.c2s_port, "romeo") as romeo:
        # directed presence: the server tells the bridge when this client is gone
        await romeo.send(f"<presence/><presence to='{ECHO}'/>")
        await call(whole, romeo)
        (running,) = whole.bridge.calls
        romeo.writer.transport.abort()
        async with asyncio.timeout(10):  # with media, its absence is believed after a while
            await asyncio.wait({running.task})
    assert not whole.bridge.calls
    assert running.reason is not None
    assert running.reason.condition is ReasonCondition.GONE


NOT_IMPLEMENTED = Refusal("cancel", "feature-not-implemented", None, "")
OUT_OF_ORDER = Refusal("wait", "unexpected-request", "out-of-order", "")
UNKNOWN = Refusal("cancel", "item-not-found", "unknown-session", "")
BAD = Refusal("modify", "bad-request", None, "")
UNSUPPORTED_INFO = Refusal("modify", "feature-not-implemented", "unsupported-info", "")

ACTIONS = {
    "content-accept": OUT_OF_ORDER,
    "content-add": NOT_IMPLEMENTED,
    "content-modify": NOT_IMPLEMENTED,
    "content-reject": OUT_OF_ORDER,
    "content-remove": NOT_IMPLEMENTED,
    "description-info": NOT_IMPLEMENTED,
    "security-info": NOT_IMPLEMENTED,
    "session-accept": OUT_OF_ORDER,
    "session-initiate": OUT_OF_ORDER,
    "transport-accept": OUT_OF_ORDER,
    "transport-reject": OUT_OF_ORDER,
    "transport-replace": NOT_IMPLEMENTED,
    "session-start": BAD,
    "": BAD,
}


async def refused(phone: Phone, text: str, *, to: str = ECHO) -> Refusal:
    refusal = refusal_of(await phone.ask(to, text))
    assert refusal.text
    return Refusal(refusal.type, refusal.condition, refusal.jingle, "")


def request(action: str, inside: str = "", sid: str = "sid1") -> str:
    return f"<jingle xmlns='urn:xmpp:jingle:1' action='{action}' sid='{sid}'>{inside}</jingle>"


async def test_every_action_that_a_call_does_not_take(whole: Attached, juliet: Phone) -> None:
    ours = await call(whole, juliet)
    content = "<content creator='initiator' name='0'/>"
    for action, expected in ACTIONS.items():
        assert await refused(juliet, request(action, content)) == expected, action
    assert len(whole.bridge.calls) == 1
    await hang_up(juliet, ours)


async def test_every_action_without_a_session(whole: Attached, juliet: Phone) -> None:
    later = [action.value for action in Action if action is not Action.SESSION_INITIATE]
    for action in later:
        assert await refused(juliet, request(action)) == UNKNOWN, action


async def test_session_info(whole: Attached, juliet: Phone) -> None:
    ours = await call(whole, juliet)
    unknown = request("session-info", "<wave xmlns='urn:example:wave'/>")
    assert await refused(juliet, unknown) == UNSUPPORTED_INFO
    for known in ("", "<mute xmlns='urn:xmpp:jingle:apps:rtp:info:1' name='0'/>"):
        answer = await juliet.ask(ECHO, request("session-info", known))
        assert answer.get("type") == "result"
        assert not len(answer)
    await hang_up(juliet, ours)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<jingle xmlns='urn:xmpp:jingle:1' sid='a'/>", BAD),
        ("<jingle xmlns='urn:xmpp:jingle:1' action='session-info'/>", BAD),
        (request("session-info", sid=""), BAD),
        (request("session-info", sid="x" * 257), BAD),
        (request("session-initiate"), BAD),
        (request("session-initiate", "<content creator='nobody' name='a'/>"), BAD),
        (request("session-initiate", "<content creator='initiator'/>"), BAD),
    ],
    ids=["no action", "no sid", "empty sid", "long sid", "no content", "creator", "no name"],
)
async def test_malformed_requests(
    whole: Attached, juliet: Phone, text: str, expected: Refusal
) -> None:
    assert await refused(juliet, text) == expected


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        (
            "<description xmlns='urn:xmpp:jingle:apps:file-transfer:5'/>"
            "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'/>",
            ReasonCondition.UNSUPPORTED_APPLICATIONS,
        ),
        (
            "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>"
            "<payload-type id='0' name='PCMU' clockrate='8000'/></description>"
            "<transport xmlns='urn:xmpp:jingle:transports:s5b:1' sid='x'/>",
            ReasonCondition.UNSUPPORTED_TRANSPORTS,
        ),
    ],
    ids=["application", "transport"],
)
async def test_an_offer_with_nothing_usable(
    whole: Attached, juliet: Phone, inside: str, reason: ReasonCondition
) -> None:
    content = f"<content creator='initiator' name='a'>{inside}</content>"
    answer = await juliet.ask(ECHO, request("session-initiate", content))
    assert answer.get("type") == "result"
    await juliet.wait_for(lambda phone: phone.requests)
    (farewell,) = juliet.requests
    assert farewell.action is Action.SESSION_TERMINATE
    assert farewell.reason is not None
    assert farewell.reason.condition is reason
    assert farewell.reason.text is not None


async def test_the_bridge_stops(prosody: PrivateProsody, whole: Attached, juliet: Phone) -> None:
    await call(whole, juliet)
    await whole.bridge.close()
    await juliet.wait_for(lambda phone: phone.requests[-1].action is Action.SESSION_TERMINATE)
    reason = juliet.requests[-1].reason
    assert reason is not None
    assert reason.condition is ReasonCondition.GONE
