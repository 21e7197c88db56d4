"""What Dino and stanza really sent, played again in order: every stanza gets its right answers.

Byte for byte but for the ids of what we proposed ourselves, and the payload types in the answers to
our offers. Where the peer's stanza answers a call of ours, we call first.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring, tostring

import pytest

from jinglebridge.bridge.bridge import Bridge
from jinglebridge.bridge.limits import Limits
from jinglebridge.bridge.outgoing import OutgoingCall
from jinglebridge.protocol.jingle.xep_0166 import ReasonCondition, reason_of
from jinglebridge.services.echo import EchoService
from jinglebridge.xmpp.component import Component
from jinglebridge.xmpp.guard import StanzaBounds
from tests.personas import xml
from tests.personas.engine import NegotiatingEngine
from tests.personas.line import condition_of
from tests.personas.pipe import Pipe
from tests.personas.xml import CLIENT, DTLS, JMI, RECEIPTS, RTP, J, tag

CAPTURES = Path(__file__).parents[1] / "vectors" / "clients"
DOMAIN = "bridge.h2.test"
SERVICES = ("echo", "nojmi", "novid", "nodtls", "barenojmi", "bare")
"""What the recorded clients called."""

TAKEN = ("ringing", "proceed", "received")
ONE = ("result", "session-accept", *["transport-info"] * 2)
"""A call with one transport: two candidates of ours."""
TWO = (*ONE, *["transport-info"] * 2)
"""Dino never bundles: each content has a transport of its own."""
ANSWERS: dict[str, dict[str, tuple[str, ...]]] = {
    "dino": {
        "004-in-disco": ("error item-not-found",),  # the node of another caps ver
        "008-in-jmi-propose": TAKEN,
        "010-in-session-initiate": TWO,
        "012-in-session-info": ("result",),
        "013-in-session-info": ("result",),
        "014-in-session-info": ("result",),
        "015-in-session-terminate": ("result", "finish"),
    },
    "dino-audio-then-video": {
        "001-in-jmi-propose": TAKEN,
        "004-in-session-initiate": ONE,
        "008-in-content-add": ("error feature-not-implemented",),
        "012-in-session-terminate": ("result", "finish"),
        "015-in-jmi-proceed": ("session-initiate", *["transport-info"] * 2),
        "018-in-session-accept": ("result",),
    },
    "dino-content-add-in": {
        "002-in-jmi-proceed": ("session-initiate", *["transport-info"] * 2),
        "005-in-session-accept": ("result",),
        "009-in-content-modify": ("error feature-not-implemented",),
        "010-in-content-accept": ("error unexpected-request",),  # of an add that we never made
    },
    "dino-incoming": {
        "002-in-jmi-proceed": ("session-initiate", *["transport-info"] * 4),
        "005-in-session-accept": ("result",),
        "012-in-disco": ("result",),
        "018-in-disco": ("result",),
        "023-in-disco": ("result",),
        "028-in-disco": ("result",),
    },
    "dino-incoming2": {
        "002-in-jmi-proceed": ("session-initiate", *["transport-info"] * 4),
        "005-in-session-accept": ("result",),
    },
    "dino-jidtests": {
        "003-in-disco": ("result",),
        "007-in-disco": ("result",),
        "010-in-disco": ("result",),
        "012-in-session-initiate": ONE,
        "016-in-disco": ("result",),
        "020-in-session-initiate": ONE,
        "026-in-jmi-propose": TAKEN,
        "028-in-session-initiate": ONE,
        "034-in-jmi-propose": TAKEN,
        "036-in-session-initiate": ONE,
    },
    "dino-retract-reject": {
        "002-in-jmi-propose": TAKEN,
        "003-in-jmi-retract": (),
        "005-in-jmi-reject": (),
    },
    "dino-video-cam": {
        "001-in-jmi-propose": TAKEN,
        # the same client calls again: its first call moves to the second (XEP-0353 §4.2)
        "002-in-jmi-propose": ("finish", *TAKEN),
        "003-in-session-initiate": TWO,
        "004-in-session-initiate": TWO,
        "009-in-disco": ("result",),
        "012-in-disco": ("result",),
    },
    "stanza-bot": {
        "001-in-session-initiate": ONE,
        "003-in-transport-info": ("result",),
        "004-in-transport-info": ("result",),
        "005-in-transport-info": ("result",),
        "006-in-transport-info": ("result",),
        "007-in-transport-info": ("result",),
        "015-in-session-terminate": ("result",),
    },
}
"""What every stanza is answered with, in order."""
LIMITS = Limits(calls_per_peer=20, request_timeout=2.0, close_timeout=0.2)
CALLS = {
    "dino-audio-then-video/015-in-jmi-proceed": ("audio",),
    "dino-content-add-in/002-in-jmi-proceed": ("audio",),
    "dino-incoming/002-in-jmi-proceed": ("audio", "video"),
    "dino-incoming2/002-in-jmi-proceed": ("audio", "video"),
    "dino-retract-reject/005-in-jmi-reject": ("audio",),
}
"""The stanzas that answer a call of ours, and what it offers."""


@dataclass(slots=True)
class Replay:
    """One folder's stanzas, and what was said to each."""

    pipe: Pipe
    bridge: Bridge
    engine: NegotiatingEngine
    said: list[Element] = field(default_factory=list)
    calls: dict[str, OutgoingCall] = field(default_factory=dict)
    """Ours, by the id that they had when they were recorded."""

    def take(self, jid: str, stanza: Element) -> None:
        """What the recorded client gets; it acknowledges requests."""
        if stanza.tag != f"{CLIENT}presence":
            self.said.append(stanza)
        if stanza.tag == f"{CLIENT}iq" and stanza.get("type") in ("get", "set"):
            ids = {"id": stanza.get("id"), "to": stanza.get("from")}
            self.pipe.send_as(jid, tag("iq", type="result", **ids))

    async def send(self, name: str, stanza: Element) -> list[Element]:
        """Let a recorded stanza arrive; everything that was said then."""
        jid = stanza.attrib.pop("from")
        self.pipe.enter(jid, partial(self.take, jid))
        if name in CALLS:
            recorded = stanza[0].get("id", "")
            self.calls[recorded] = self.bridge.call(xml.bare(jid), "echo", kinds=CALLS[name])
            said = await self._quiet()
            assert [kind_of(item) for item in said] == ["propose"]
        self._make_ours(stanza)
        self.pipe.send_as(jid, tostring(stanza, "unicode"))
        return await self._quiet()

    async def _quiet(self) -> list[Element]:
        before = -1
        while before != len(self.said):
            before = len(self.said)
            await asyncio.sleep(0.03)
        said, self.said = self.said, []
        return said

    def _make_ours(self, stanza: Element) -> None:
        """In answers to us: the ids that we chose this time, of calls and of payload types."""
        for item in stanza:
            for attribute in ("id", "sid"):
                call = self.calls.get(item.get(attribute, ""))
                if call is not None and call.proposal is not None:
                    item.set(attribute, call.proposal.initiation.id)
                    for one in item.iter(f"{RTP}payload-type"):
                        one.set("id", PAYLOAD_TYPES[one.get("name", "")])


PAYLOAD_TYPES = {"opus": "111", "VP8": "96"}
"""Of our offers."""


def kind_of(stanza: Element) -> str:
    """An answer in a word or two."""
    if stanza.tag == f"{CLIENT}iq":
        jingle = stanza.find(f"{J}jingle")
        if jingle is not None:
            return jingle.get("action", "")
        if stanza.get("type") == "error":
            return f"error {condition_of(stanza)}"
        return stanza.get("type", "")
    known = [item for item in stanza if item.tag.startswith((JMI, RECEIPTS))]
    return xml.name_of(known[0]) if known else xml.name_of(stanza)


@asynccontextmanager
async def replaying() -> AsyncIterator[Replay]:
    component = Component(
        DOMAIN,
        "secret",
        host="127.0.0.1",
        port=1,
        bounds=StanzaBounds(),
        request_timeout=LIMITS.request_timeout,
    )
    engine = NegotiatingEngine()
    bridge = Bridge(
        signaling=component,
        engine=engine,
        services=[EchoService(name=name) for name in SERVICES],
        limits=LIMITS,
    )
    component.attach(bridge)
    pipe = Pipe(component.stream, DOMAIN)
    await pipe.open()
    try:
        yield Replay(pipe, bridge, engine)
    finally:
        await bridge.close()
        await pipe.end()


def check_accept(offer: Element, accept: Element) -> None:
    """The session-accept to a recorded session-initiate."""
    offered = {item.get("name"): item for item in offer.findall(f"{J}content")}
    accepted = {item.get("name"): item for item in accept.findall(f"{J}content")}
    assert accept.get("sid") == offer.get("sid")
    assert list(accepted) == list(offered)
    groups = [item.find(f"{xml.GROUPING}group") is not None for item in (offer, accept)]
    assert groups[0] == groups[1], "bundled when it was offered, and only then"
    ufrags = {xml.transport_of(item).get("ufrag") for item in accepted.values()}
    assert len(ufrags) == (1 if groups[0] else len(accepted))
    for name, content in accepted.items():
        ids = {item.get("id") for item in content.iter(f"{RTP}payload-type")}
        known = {item.get("id") for item in offered[name].iter(f"{RTP}payload-type")}
        assert ids, name
        assert ids <= known, name
        assert content.find(f".//{RTP}encryption") is None, "SDES is not mixed with DTLS"
        (fingerprint,) = content.iter(f"{DTLS}fingerprint")
        assert fingerprint.get("setup") == "active"


def check_candidates(said: list[Element]) -> None:
    """One content with one candidate each, and with the credentials of the description."""
    jingles = [item for stanza in said if (item := stanza.find(f"{J}jingle")) is not None]
    described, *infos = jingles
    credentials = {
        item.get("name"): (xml.transport_of(item).get("ufrag"), xml.transport_of(item).get("pwd"))
        for item in described.findall(f"{J}content")
    }
    for info in infos:
        (content,) = info.findall(f"{J}content")
        (candidate,) = xml.transport_of(content)
        transport = xml.transport_of(content)
        found = transport.get("ufrag"), transport.get("pwd")
        assert found == credentials[content.get("name")]
        assert candidate.get("foundation", "").isdecimal()


@pytest.mark.parametrize("folder", sorted(ANSWERS))
async def test_what_clients_sent_is_answered(folder: str) -> None:
    async with replaying() as replay:
        for path in sorted((CAPTURES / folder).glob("*.xml")):
            stanza = fromstring(path.read_text())
            offer = stanza.find(f"{J}jingle")
            said = await replay.send(f"{folder}/{path.stem}", stanza)
            assert tuple(map(kind_of, said)) == ANSWERS[folder][path.stem], path.stem
            for item in said:
                if item.get("type") == "result":
                    assert item.get("id") == stanza.get("id")
            if offer is not None and "session-initiate" in path.stem:
                accept = said[1].find(f"{J}jingle")
                assert accept is not None
                check_accept(offer, accept)
            if "transport-info" in ANSWERS[folder][path.stem]:
                check_candidates(said)


def test_every_recorded_stanza_is_in_the_table() -> None:
    recorded = {(path.parent.name, path.stem) for path in CAPTURES.glob("*/*.xml")}
    assert recorded == {(folder, name) for folder, names in ANSWERS.items() for name in names}


async def test_a_recorded_reject_ends_our_call() -> None:
    async with replaying() as replay:
        name = "dino-retract-reject/005-in-jmi-reject"
        await replay.send(name, fromstring((CAPTURES / f"{name}.xml").read_text()))
        (call,) = replay.calls.values()
        async with asyncio.timeout(5):
            await asyncio.wait({call.task})
        assert call.reason == reason_of(ReasonCondition.DECLINE)


async def test_a_recorded_answer_is_taken() -> None:
    """Dino's session-accept to an audio and video call of ours: unbundled, one codec each."""
    async with replaying() as replay:
        for path in sorted((CAPTURES / "dino-incoming2").glob("*.xml")):
            name = f"dino-incoming2/{path.stem}"
            await replay.send(name, fromstring(path.read_text()))
        (media,) = replay.engine.sessions
        assert media.committed is not None
        assert not media.committed.bundle
        codecs = [section.payload_types[0].name for section in media.committed.media]
        assert codecs == ["opus", "VP8"]
        # component 2 is of no use with rtcp-mux; what was offered beside it is there
        assert all(section.candidates for section in media.committed.media)
