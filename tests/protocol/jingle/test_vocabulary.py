"""Every element of every module: written and read again, and what its grammar refuses."""

from xml.etree import ElementTree as ET

import pytest

from jinglebridge.errors import MalformedStanza
from jinglebridge.protocol.jingle import (
    residue,
    xep_0166,
    xep_0167,
    xep_0176,
    xep_0293,
    xep_0294,
    xep_0320,
    xep_0338,
    xep_0339,
    xep_0343,
)
from jinglebridge.protocol.xml import build, parse, tag_of

CANDIDATE = xep_0176.Candidate(
    component=1,
    foundation="1",
    generation=0,
    id="c1",
    ip="x.local",
    network=0,
    port=9,
    priority=1,
    protocol="tcp",
    rel_addr="192.0.2.1",
    rel_port=0,
    tcptype="active",
    type="srflx",
)
FINGERPRINT = xep_0320.Fingerprint(hash="sha-256", setup=xep_0320.Setup.ACTPASS, value="AB:cd")
TRANSPORT = xep_0176.IceUdpTransport(
    ufrag="abcd",
    pwd="p" * 22,
    fingerprints=(FINGERPRINT, xep_0320.Fingerprint(hash="x", value="00")),
    sctpmap=xep_0343.SctpMap(number=5000, streams=65_536),
    candidates=(CANDIDATE,),
    remote_candidates=(xep_0176.RemoteCandidate(component=1, ip="::1", port=1),),
    gathering_complete=True,
)
FEEDBACK = xep_0293.RtcpFeedback(
    type="ccm",
    subtype="tmmbr",
    parameters=(
        xep_0293.FeedbackParameter(name="smaxpr", value="120"),
        xep_0293.FeedbackParameter(name="x"),
    ),
)
DESCRIPTION = xep_0167.RtpDescription(
    media="audio",
    payload_types=(
        xep_0167.PayloadType(
            id=127,
            name="opus",
            clockrate=48_000,
            channels=2,
            ptime=20,
            maxptime=60,
            parameters=(
                xep_0167.Parameter(name="a", value="b c"),
                xep_0167.Parameter(value="0-15"),
            ),
            rtcp_fb=(FEEDBACK,),
            trr_int=xep_0293.RtcpFeedbackInterval(value=100),
        ),
        xep_0167.PayloadType(id=0),
    ),
    bandwidths=(xep_0167.Bandwidth(type="AS", value="64"),),
    encryption=xep_0167.Encryption(),
    rtcp_fb=(FEEDBACK,),
    trr_int=xep_0293.RtcpFeedbackInterval(value=1),
    header_extensions=(
        xep_0294.RtpHeaderExtension(
            id=1,
            uri="urn:x",
            senders="initiator",
            parameters=(xep_0294.ExtensionParameter(name="vad", value="on"),),
        ),
    ),
    extmap_allow_mixed=True,
    sources=(
        xep_0339.Source(ssrc=2**32 - 1, parameters=(xep_0339.SourceParameter(name="cname"),)),
    ),
    source_groups=(xep_0339.source_group_of("FID", (1, 2)),),
    rtcp_mux=True,
)
CONTENT = xep_0166.Content(
    creator=xep_0166.Creator.RESPONDER,
    name="my content",
    disposition="session",
    senders=xep_0166.Senders.NONE,
    description=DESCRIPTION,
    transport=TRANSPORT,
    residue=residue.residue_of(("a=x", "a=y")),
)
REASON = xep_0166.reason_of(xep_0166.ReasonCondition.BUSY, "later,\nplease")
JINGLE = xep_0166.Jingle(
    action=xep_0166.Action.SESSION_INITIATE,
    sid="sid 1",
    initiator="a@b/c",
    responder="d@e/f",
    groups=(xep_0338.group_of("BUNDLE", ("my content", "x")),),
    contents=(CONTENT, xep_0166.Content(name="x", description=xep_0343.DataChannelDescription())),
    reason=REASON,
    info=xep_0167.Mute(creator="initiator", name="my content"),
    residue=residue.residue_of(("s=x",)),
)


@pytest.mark.parametrize(
    "value",
    [
        JINGLE,
        TRANSPORT,
        DESCRIPTION,
        REASON,
        xep_0166.Reason(),
        xep_0166.Content(name="x"),
        *(
            xep_0166.Jingle(action=action, sid="x", info=info)
            for action, info in zip(
                xep_0166.Action,
                [
                    xep_0167.Active(),
                    xep_0167.Hold(),
                    xep_0167.Unhold(),
                    xep_0167.Ringing(),
                    xep_0167.Mute(),
                    xep_0167.Unmute(name="x"),
                    *[None] * 9,
                ],
                strict=True,
            )
        ),
        *(xep_0166.reason_of(condition) for condition in xep_0166.ReasonCondition),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_comes_back(value: object) -> None:
    text = ET.tostring(build(value), encoding="unicode")
    assert parse(type(value), ET.fromstring(text)) == value


def test_the_group_comes_first() -> None:
    assert build(JINGLE)[0].tag == tag_of(xep_0338.Group)


def test_names_of_members() -> None:
    assert JINGLE.groups[0].names == ("my content", "x")
    assert DESCRIPTION.source_groups[0].ssrcs == (1, 2)


def test_a_reason_in_words() -> None:
    assert str(REASON) == "busy: later,\nplease"
    assert str(xep_0166.reason_of(xep_0166.ReasonCondition.GONE)) == "gone"
    assert str(xep_0166.Reason()) == "no reason"


def test_what_is_absent_has_its_meaning() -> None:
    content = parse(
        xep_0166.Content, ET.fromstring("<content xmlns='urn:xmpp:jingle:1' name='x'/>")
    )
    assert (content.creator, content.senders) == (xep_0166.Creator.INITIATOR, None)
    sctpmap = ET.fromstring(f"<sctpmap xmlns='{xep_0343.NAMESPACE}' number='1'/>")
    assert parse(xep_0343.SctpMap, sctpmap).protocol == "webrtc-datachannel"


def test_another_word_for_senders_of_an_extension_is_no_reason_to_refuse() -> None:
    xml = build(DESCRIPTION.header_extensions[0])
    xml.set("senders", "sendonly")
    assert parse(xep_0294.RtpHeaderExtension, xml).senders == ""


GRAMMAR = [
    (xep_0166.Jingle, JINGLE, "action", ["", "session-start"], ["session-info"]),
    (xep_0166.Jingle, JINGLE, "sid", ["", " x", "x" * 257, "a\nb"], ["x", "x y", "x" * 256]),
    (xep_0166.Content, CONTENT, "creator", ["", "me"], ["initiator"]),
    (xep_0166.Content, CONTENT, "name", ["", "x" * 257, "a\rb"], [" ", "\u00fc/x", "x" * 256]),
    (xep_0166.Content, CONTENT, "senders", ["", "sendrecv"], ["both"]),
    (xep_0167.RtpDescription, DESCRIPTION, "media", ["", "a b", "a/b", "x" * 33], ["text"]),
    (xep_0167.PayloadType, DESCRIPTION.payload_types[0], "id", ["", "128", "-1", "x"], ["0"]),
    (xep_0167.PayloadType, DESCRIPTION.payload_types[0], "name", ["", "a b"], ["VP8"]),
    (xep_0167.PayloadType, DESCRIPTION.payload_types[0], "channels", ["256"], ["255"]),
    (xep_0167.PayloadType, DESCRIPTION.payload_types[0], "clockrate", [str(2**32)], ["1"]),
    (xep_0176.Candidate, CANDIDATE, "foundation", ["", "a-b", "x" * 33], ["x" * 32, "+/"]),
    (xep_0176.Candidate, CANDIDATE, "component", ["257", "-1"], ["0", "256"]),
    (xep_0176.Candidate, CANDIDATE, "port", ["65536"], ["65535"]),
    (xep_0176.Candidate, CANDIDATE, "priority", [str(2**32)], [str(2**32 - 1)]),
    (xep_0176.Candidate, CANDIDATE, "ip", ["", "a b", "x" * 256], ["fe80::1%eth0", "a_b.local"]),
    (xep_0176.Candidate, CANDIDATE, "rel-addr", ["<x>"], ["10.0.0.1"]),
    (xep_0176.Candidate, CANDIDATE, "protocol", ["", "a b", "x" * 17], ["UDP"]),
    (xep_0176.Candidate, CANDIDATE, "type", ["", "a b"], ["relay"]),
    (xep_0176.IceUdpTransport, TRANSPORT, "ufrag", ["", "abc", "ab cd", "x" * 257], ["x" * 256]),
    (xep_0176.IceUdpTransport, TRANSPORT, "pwd", ["", "x" * 21, "x" * 257], ["x" * 256]),
    (xep_0293.RtcpFeedback, FEEDBACK, "type", ["", "a b"], ["nack"]),
    (xep_0293.FeedbackParameter, FEEDBACK.parameters[0], "name", ["", "a b"], ["x"]),
    (xep_0293.FeedbackParameter, FEEDBACK.parameters[0], "value", ["a b"], ["", "x"]),
    (xep_0294.RtpHeaderExtension, DESCRIPTION.header_extensions[0], "id", ["65536"], ["4096"]),
    (xep_0294.RtpHeaderExtension, DESCRIPTION.header_extensions[0], "uri", ["", "a b"], ["urn:y"]),
    (xep_0320.Fingerprint, FINGERPRINT, "setup", ["", "ACTIVE"], ["holdconn"]),
    (xep_0320.Fingerprint, FINGERPRINT, "hash", ["", "a b"], ["sha-512"]),
    (xep_0338.Group, JINGLE.groups[0], "semantics", ["", "a b"], ["LS"]),
    (xep_0339.Source, DESCRIPTION.sources[0], "ssrc", ["", str(2**32), "-1"], ["0"]),
    (xep_0343.SctpMap, TRANSPORT.sctpmap, "number", ["65536", ""], ["0"]),
]


@pytest.mark.parametrize(
    ("kind", "value", "name", "bad", "good"),
    GRAMMAR,
    ids=[f"{kind.__name__}-{name}" for kind, _, name, *_ in GRAMMAR],
)
def test_the_grammar_of_an_attribute(
    kind: type, value: object, name: str, bad: list[str], good: list[str]
) -> None:
    xml = build(value)
    assert name in xml.attrib
    for text in bad:
        xml.set(name, text)
        with pytest.raises(MalformedStanza, match=f" {name}>"):
            parse(kind, xml)
    for text in good:
        xml.set(name, text)
        parse(kind, xml)


@pytest.mark.parametrize("text", ["1 2", "1\u2028"])
def test_the_grammar_of_a_bandwidth(text: str) -> None:
    xml = build(DESCRIPTION.bandwidths[0])
    xml.text = text
    with pytest.raises(MalformedStanza):
        parse(xep_0167.Bandwidth, xml)


@pytest.mark.parametrize("text", ["", "A", "AB:", "AB CD", "AB:C", ":".join(["AB"] * 129), "GG"])
def test_the_grammar_of_a_digest(text: str) -> None:
    xml = build(FINGERPRINT)
    xml.text = text
    with pytest.raises(MalformedStanza):
        parse(xep_0320.Fingerprint, xml)


@pytest.mark.parametrize(
    ("value", "child", "maximum"),
    [
        (JINGLE, CONTENT, 64),
        (JINGLE, JINGLE.groups[0], 16),
        (TRANSPORT, CANDIDATE, 4096),
        (TRANSPORT, FINGERPRINT, 16),
        (DESCRIPTION, DESCRIPTION.payload_types[0], 128),
        (DESCRIPTION, DESCRIPTION.header_extensions[0], 64),
        (DESCRIPTION, DESCRIPTION.sources[0], 64),
        (DESCRIPTION, DESCRIPTION.source_groups[0], 32),
        (DESCRIPTION, FEEDBACK, 32),
        (DESCRIPTION, DESCRIPTION.bandwidths[0], 8),
        (JINGLE.groups[0], JINGLE.groups[0].contents[0], 256),
    ],
    ids=lambda item: type(item).__name__ if not isinstance(item, int) else str(item),
)
def test_children_are_counted(value: object, child: object, maximum: int) -> None:
    xml = build(value)
    tag = tag_of(type(child))
    while len(xml.findall(tag)) < maximum:
        xml.append(build(child))
    parse(type(value), xml)
    xml.append(build(child))
    with pytest.raises(MalformedStanza, match=f"more than {maximum}"):
        parse(type(value), xml)
