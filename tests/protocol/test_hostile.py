"""Nothing that a peer writes makes a line of its own, and only typed errors come out."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from jinglebridge.errors import CallError, MalformedStanza, RemoteProtocolError, SdpError
from jinglebridge.protocol.jingle.xep_0166 import Creator, Jingle
from jinglebridge.protocol.mapping.descriptions import offer_of
from jinglebridge.protocol.sdp.description import Offer
from jinglebridge.protocol.sdp.text import dumps, loads_answer, loads_offer
from jinglebridge.protocol.xml import parse
from tests.protocol.helpers import (
    SDP_FILES,
    STANZA_FILES,
    VECTORS,
    offered,
    read,
    say,
    sections,
    wire,
)

JINGLE = "{urn:xmpp:jingle:1}jingle"
ENDS = "\r\n\x00\t\x0b\x0c\x1b\x1c\x1d\x1e\x7f\x85\u2028\u2029"
INJECTION = "a=injected:1"

FULL = (
    "v=0",
    "o=- 1 2 IN IP4 127.0.0.1",
    "s=call",
    "t=0 0",
    "a=group:BUNDLE 0 2",
    "a=extmap-allow-mixed",
    "a=x-session:1",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0",
    "c=IN IP4 192.0.2.1",
    "b=AS:64",
    "a=mid:0",
    "a=sendonly",
    "a=ice-ufrag:abcd",
    "a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa",
    "a=fingerprint:sha-256 AB:CD",
    "a=setup:actpass",
    "a=candidate:1 1 tcp 1 10.0.0.1 9 typ srflx raddr 10.0.0.2 rport 5 tcptype active generation 0",
    "a=end-of-candidates",
    "a=extmap:1/sendonly urn:x vad=on",
    "a=rtpmap:111 opus/48000/2",
    "a=fmtp:111 useinbandfec=1;0-15",
    "a=rtcp-fb:111 ccm tmmbr smaxpr=120",
    "a=rtcp-fb:111 trr-int 100",
    "a=rtcp-fb:* nack pli",
    "a=rtcp-mux",
    "a=ptime:20",
    "a=maxptime:60",
    "a=ssrc:1 cname:x",
    "a=ssrc:2 cname:x",
    "a=ssrc-group:FID 1 2",
    "a=msid:- track",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    "c=IN IP4 0.0.0.0",
    "a=mid:2",
    "a=ice-ufrag:abcd",
    "a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa",
    "a=fingerprint:sha-256 AB:CD",
    "a=setup:actpass",
    "a=sctp-port:5000",
)


def jingles() -> Iterator[tuple[str, ET.Element]]:
    yield "everything", ET.fromstring(wire(say(offered(*FULL))))
    for path in STANZA_FILES:
        found = ET.fromstring(read(path)).find(f".//{JINGLE}")
        if found is not None and found.get("action") == "session-initiate":
            yield path.parent.name + "-" + path.stem, found


OFFERS = tuple(jingles())


def sdp_of(root: ET.Element) -> str:
    """What a request becomes, or the typed error that refuses it."""
    offer, _ = offer_of(parse(Jingle, root), writer=Creator.INITIATOR)
    return dumps(offer)


def places(root: ET.Element) -> Iterator[tuple[ET.Element, str | None]]:
    """Attributes and texts of a tree, at most two of each kind."""
    kinds: Counter[tuple[str, str | None]] = Counter()
    for item in root.iter():
        for name in (*item.attrib, None):
            kinds[item.tag, name] += 1
            if kinds[item.tag, name] <= 2:
                yield item, name


def values(name: str, old: str) -> Iterator[str]:
    # every character in our own request, where each element is small; the worst ones in all
    for end in (*ENDS, "\r\n") if name == "everything" else ("\n", "\r", "\u2028"):
        yield f"{old or 'x'}{end}{INJECTION}"
    if name != "everything":
        return
    for end in ("\n", "\u2028"):
        yield f"{end}{INJECTION}"
        yield f"{old}{end}"


@pytest.mark.parametrize(("name", "root"), OFFERS, ids=[name for name, _ in OFFERS])
def test_no_value_makes_a_line(name: str, root: ET.Element) -> None:
    usual = sdp_of(root)
    assert not set(ENDS) & set(usual.replace("\r\n", ""))
    tried = 0
    for item, attribute in places(root):
        old = item.text if attribute is None else item.attrib[attribute]
        for value in values(name, old or ""):
            if attribute is None:
                item.text = value
            else:
                item.set(attribute, value)
            tried += 1
            harmless(root, item)
        if attribute is None:
            item.text = old
        else:
            item.set(attribute, old or "")
    assert sdp_of(root) == usual
    assert tried > 100


def harmless(root: ET.Element, item: ET.Element) -> None:
    try:
        sdp = sdp_of(root)
    except (MalformedStanza, CallError):
        return
    if item.tag == "{urn:jinglebridge:sdp:0}residue":
        # lines are what it is made of, parted by LF alone
        sdp = sdp.replace(f"\r\n{INJECTION}\r\n", "\r\n")
    assert INJECTION not in sdp.replace("\r\n", "\n").splitlines()
    assert sdp.splitlines() == sdp.removesuffix("\r\n").split("\r\n")
    loads_offer(sdp)


def test_captured_offers_are_tried_too() -> None:
    assert len(OFFERS) >= 8


def mutated(value: str, rng: random.Random) -> str:
    """A text with one to three changes of the kinds that parsers trip over."""
    pieces = [
        "\r\n",
        "\n",
        "\x00",
        "\u2028",
        " ",
        ":",
        "=",
        "/",
        "-1",
        "0",
        "99999999999",
        "a=",
        "m=",
    ]
    pieces += ["*", ";", "\u00a0", "\t", "a=mid:0\r\n", "nan", "\ud800"]
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(value) + 1)
        match rng.randrange(5):
            case 0:
                value = value[:at] + rng.choice(pieces) + value[at:]
            case 1:
                value = value[:at] + value[at + rng.randint(1, 12) :]
            case 2:
                value = value[:at] + chr(rng.randrange(0x180)) + value[at + 1 :]
            case 3:
                end = at + rng.randint(1, 200)
                value = value[:end] + value[at:end] + value[end:]
            case _:
                lines = value.split("\n")
                first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
                lines[first], lines[second] = lines[second], lines[first]
                value = "\n".join(lines)
    return value


SEED = 20261122
PARTS = 3
"""Of 1,000 edits each, twice; tests/fuzz has many more, through the public functions."""
TEXTS = [read(path) for path in SDP_FILES if path.stat().st_size < 1800]


@pytest.mark.parametrize("part", range(PARTS))
def test_changed_descriptions_raise_only_typed_errors(part: int) -> None:
    rng = random.Random(SEED + part)
    written = 0
    for number in range(1000):
        text = mutated(rng.choice(TEXTS), rng)
        try:
            offer = loads_offer(text)
        except SdpError:
            continue
        sdp = dumps(offer)
        written += 1
        if number % 4 == 0:
            assert dumps(loads_answer(sdp)) == sdp, f"seed {SEED + part}, number {number}"
        if number % 8 == 0:
            said_or_refused(offer)
    assert written > 100


def said_or_refused(offer: Offer) -> None:
    alive = tuple(item for item in offer.media if not item.is_rejected)
    try:
        offer_of(say(replace(offer, media=alive)), writer=Creator.INITIATOR)
    except (RemoteProtocolError, CallError):
        return


def mutate_tree(root: ET.Element, rng: random.Random) -> None:
    items = list(root.iter())
    for _ in range(rng.randint(1, 3)):
        item, other = rng.choice(items), rng.choice(items)
        match rng.randrange(6):
            case 0 if item.attrib:
                name = rng.choice(sorted(item.attrib))
                item.set(name, mutated(item.attrib[name], rng))
            case 1 if item.attrib:
                del item.attrib[rng.choice(sorted(item.attrib))]
            case 2:
                item.text = mutated(item.text or "", rng)
            case 3 if len(item):
                item.remove(rng.choice(list(item)))
            case 4 if other not in item.iter() and item not in other.iter():
                item.append(other)
            case _:
                item.tag = other.tag


@pytest.mark.parametrize("part", range(PARTS))
def test_changed_requests_raise_only_typed_errors(part: int) -> None:
    rng = random.Random(SEED - part)
    texts = [ET.tostring(root, encoding="unicode") for _, root in OFFERS]
    texts = [text for text in texts if len(text) < 8000]
    taken = 0
    for number in range(1000):
        root = ET.fromstring(rng.choice(texts))
        mutate_tree(root, rng)
        try:
            sdp = sdp_of(root)
        except (RemoteProtocolError, CallError):
            continue
        taken += 1
        if number % 4 == 0:
            again = sections(dumps(loads_offer(sdp)))
            assert again == sections(sdp), f"seed {SEED - part}, number {number}"
    assert taken > 100


def test_vectors_are_where_they_are_looked_for() -> None:
    assert isinstance(VECTORS, Path)
    assert len(TEXTS) > 100
