"""What a hostile account sends through a real server is refused, and calls of others go on."""

import asyncio
from collections.abc import AsyncIterator
from collections.abc import Callable as Function
from xml.etree.ElementTree import Element, tostring

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from slixmpp.xmlstream import StanzaBase
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatcherId

from jinglebridge.protocol.jingle.xep_0166 import Creator
from jinglebridge.protocol.sdp.text import loads_offer
from jinglebridge.protocol.session.session import JingleSession
from jinglebridge.protocol.xml import build
from tests.support.caller import Caller, Noise, OutgoingCall
from tests.support.stack import ECHO, Stack, stack

pytestmark = pytest.mark.server

DEEP = 36_000
TINY = (64, 48, 10)
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
JINGLE_ERRORS = "urn:xmpp:jingle:errors:1"
FOREIGN = {
    "session-terminate": "<reason><success/></reason>",
    "session-info": "<mute xmlns='urn:xmpp:jingle:apps:rtp:info:1'/>",
    "transport-info": (
        "<content creator='initiator' name='0'>"
        "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='abcd' "
        "pwd='0123456789012345678901'><candidate component='1' foundation='1' generation='0' "
        "id='a' ip='127.0.0.1' network='0' port='9' priority='1' protocol='udp' type='host'/>"
        "</transport></content>"
    ),
}
"""What ends, mutes or diverts a call, by action."""


@pytest.fixture
async def bridge_alone(nothing_left: None) -> AsyncIterator[Stack]:
    async with stack(page=False) as running:
        yield running


@pytest.fixture
async def victim(bridge_alone: Stack) -> AsyncIterator[OutgoingCall]:
    """A call of somebody else, which has to go on through all that happens."""
    async with bridge_alone.caller("juliet") as juliet:
        call = await juliet.call(ECHO, video=TINY)
        await call.wait_for(frames=3)
        yield call
        assert not call.ended.done()
        await call.wait_for(frames=call.heard.video_frames + 5)
        assert [row.session.sid for row in bridge_alone.bridge.calls] == [call.session.sid]
        assert len(bridge_alone.events("link up")) == 1
        assert not bridge_alone.events("link lost")
        await call.hang_up()


async def test_a_bottomless_stanza(bridge_alone: Stack, victim: OutgoingCall) -> None:
    async with bridge_alone.caller("tybalt") as tybalt:
        nested = "<a xmlns='urn:example:0'>" + "<a>" * (DEEP - 1) + "</a>" * DEEP
        answer = await ask(tybalt, f"<iq type='set' to='{ECHO}' id='deep'>{nested}</iq>", "deep")
        assert refused(answer) == ("policy-violation", None)
        # Those that get no answer are followed by one that does.
        for stanza in ("message", "presence"):
            tybalt.client.send_raw(f"<{stanza} to='{ECHO}'>{nested}</{stanza}>")
        ping = f"<iq type='get' to='{ECHO}' id='ping'><ping xmlns='urn:xmpp:ping'/></iq>"
        assert (await ask(tybalt, ping, "ping")).get("type") == "result"
    assert len(bridge_alone.events("stanza refused")) == 3


def in_codec(element: Element) -> None:
    _first(element, "payload-type").set(
        "name", "VP8/90000\r\na=candidate:1 1 udp 1 8.8.8.8 53 typ host"
    )


def in_ufrag(element: Element) -> None:
    _first(element, "transport").set("ufrag", "abcd\r\na=ice-lite")


def in_password(element: Element) -> None:
    _first(element, "transport").set("pwd", "0123456789012345678901\na=setup:passive")


def in_candidate(element: Element) -> None:
    _first(element, "candidate").set("ip", "127.0.0.1 9 typ host\r\na=ice-lite")


@pytest.mark.parametrize("inject", [in_codec, in_ufrag, in_password, in_candidate])
async def test_line_ends_that_would_become_lines_of_sdp(
    inject: Function[[Element], None], bridge_alone: Stack, victim: OutgoingCall
) -> None:
    async with bridge_alone.caller("tybalt") as tybalt:
        element = await offered(tybalt)
        inject(element)
        # slixmpp would write the line ends as they are, and any XML parser read them as spaces.
        iq = Element("iq", {"type": "set", "to": ECHO, "id": "inject"})
        iq.append(element)
        answer = await ask(tybalt, tostring(iq, "unicode"), "inject")
        assert refused(answer) == ("bad-request", None)
        assert len(bridge_alone.bridge.calls) == 1


@pytest.mark.parametrize("whose", ["another account", "a guest", "another device"])
async def test_the_sid_of_somebody_else(
    whose: str, bridge_alone: Stack, victim: OutgoingCall
) -> None:
    user = {"another account": "tybalt", "a guest": None, "another device": "juliet"}[whose]
    async with bridge_alone.caller(user) as other:
        for action, content in FOREIGN.items():
            sid = victim.session.sid
            jingle = f"<jingle xmlns='urn:xmpp:jingle:1' action='{action}' sid='{sid}'>{content}"
            iq = f"<iq type='set' to='{ECHO}' id='{action}'>{jingle}</jingle></iq>"
            answer = await ask(other, iq, action)
            assert refused(answer) == ("item-not-found", "unknown-session"), action


async def ask(caller: Caller, stanza: str, number: str) -> Element:
    """Send a stanza as it is, and wait for the answer to its id."""
    answered: asyncio.Future[Element] = asyncio.get_running_loop().create_future()

    def take(iq: StanzaBase) -> None:
        answered.set_result(iq.xml)

    caller.client.register_handler(Callback(number, MatcherId(number), take, once=True))
    caller.client.send_raw(stanza)
    async with asyncio.timeout(15):
        return await answered


def refused(answer: Element) -> tuple[str, str | None]:
    """The stanza error's condition and the Jingle condition in it."""
    assert answer.get("type") == "error"
    names: dict[str, list[str]] = {STANZAS: [], JINGLE_ERRORS: []}
    for item in answer.iter():
        namespace, _, name = item.tag.removeprefix("{").rpartition("}")
        if namespace in names and name != "text":
            names[namespace].append(name)
    [condition] = names[STANZAS]
    return condition, next(iter(names[JINGLE_ERRORS]), None)


async def offered(caller: Caller) -> Element:
    """An honest session-initiate that is not sent."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        pc.addTrack(Noise(*TINY))
        await pc.setLocalDescription(await pc.createOffer())
        session = JingleSession(role=Creator.INITIATOR, sid="evil", local=caller.jid, peer=ECHO)
        return build(session.initiate(loads_offer(pc.localDescription.sdp)))
    finally:
        await pc.close()


def _first(element: Element, name: str) -> Element:
    return next(item for item in element.iter() if item.tag.endswith("}" + name))
