from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinglebridge.errors import (
    IncompatibleParameters,
    MalformedStanza,
    SdpError,
    UnsupportedApplications,
    UnsupportedTransports,
)
from jinglebridge.protocol.jingle.residue import Residue
from jinglebridge.protocol.jingle.xep_0166 import Action, Content, Creator, Jingle
from jinglebridge.protocol.jingle.xep_0167 import PayloadType, RtpDescription
from jinglebridge.protocol.jingle.xep_0176 import IceUdpTransport
from jinglebridge.protocol.jingle.xep_0338 import group_of
from jinglebridge.protocol.mapping.descriptions import answer_of, offer_of
from jinglebridge.protocol.mapping.slots import slots_of
from jinglebridge.protocol.sdp.text import dumps, loads_answer, loads_offer
from tests.protocol.helpers import (
    AUDIO,
    DATA,
    HEAD,
    VIDEO,
    Exchange,
    exchanges,
    offered,
    read,
    say,
    sections,
    text_of,
    through,
)

INITIATOR, RESPONDER = Creator.INITIATOR, Creator.RESPONDER


@pytest.mark.parametrize("exchange", exchanges(), ids=lambda item: item.name)
def test_an_answer_comes_back_whole(exchange: Exchange) -> None:
    offer = loads_offer(read(exchange.offer))
    answer = loads_answer(read(exchange.answer))
    offerer = INITIATOR if exchange.initiator_offers else RESPONDER
    answerer = RESPONDER if exchange.initiator_offers else INITIATOR
    slots = slots_of(offer, offerer)
    request = say(answer, action=Action.SESSION_ACCEPT, writer=answerer, slots=slots)
    again = answer_of(request, writer=answerer, offer=offer, slots=slots)
    assert sections(dumps(again)) == sections(read(exchange.answer))


def test_there_are_exchanges_of_all_kinds() -> None:
    found = exchanges()
    assert len(found) == 84
    assert sum(not item.initiator_offers for item in found) >= 1
    answers = [loads_answer(read(item.answer)) for item in found]
    assert any(section.is_rejected for answer in answers for section in answer.media)


ODD = st.sampled_from(
    [
        "a=x:1",
        "a=x y",
        "a=X:caf\u00e9\u00a0",
        "a=rtcp-fb:120 nack pli",
        "a=rtcp-fb:* nack",
        "a=rtcp-fb:* trr-int 100",
        "a=rtcp-fb:0 ccm tmmbr smaxpr=120 =x y=",
        "a=rtpmap:120 VP8/90000",
        "a=fmtp:120 a=b",
        "a=fmtp:0 a=b; c",
        "a=fmtp:0 a=b==;c=",
        "a=fmtp:0 0-15,66",
        "a=extmap:1/inactive urn:x a=b  c",
        "a=extmap:2/sendonly urn:y",
        "a=extmap:3 urn:z a=b c",
        "a=ssrc:1 cname:x y:{z}",
        "a=ssrc:2 flag",
        "a=ssrc-group:FID 1 2",
        "a=ssrc-group:FID 3 4",
        "a=msid:- track",
        "a=msid:stream",
        "a=rid:1 send max-width=1;pt=0",
        "a=candidate:1 1 udp 1 192.0.2.1 9 typ host",
        "a=candidate:1 1 udp 1 x.local 9 typ srflx raddr 0.0.0.0 rport 0 generation 0 network-id 1",
        "a=candidate:2 2 TCP 5 fe80::1%eth0 9 typ host tcptype active generation 1",
        "a=candidate:3 1 udp 1 bad! 9 typ host",
        "b=AS:30",
        "b=TIAS",
        "c=IN IP4 192.0.2.9",
        "i=title",
        "y=?",
    ]
)
ONCE = st.sampled_from(
    [
        "a=rtcp-mux",
        "a=rtcp-rsize",
        "a=bundle-only",
        "a=extmap-allow-mixed",
        "a=ptime:20",
        "a=maxptime:120",
        "a=sctp-port:5000",
        "a=max-message-size:0",
        "a=end-of-candidates",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa",
        "a=ice-options:trickle ice2",
        "a=simulcast:send 1;~2",
    ]
)
FINGERPRINTS = st.sampled_from(
    [
        (),
        ("a=fingerprint:sha-256 AB:CD", "a=setup:actpass"),
        ("a=fingerprint:x 00", "a=fingerprint:y 11"),
    ]
)
MEDIA = st.sampled_from(
    [
        "m=audio 9 UDP/TLS/RTP/SAVPF 0 111",
        "m=video 54400 RTP/AVP 0",
        "m=application 9 RTP/AVP 0",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "m=application 9 DTLS/SCTP 5000",
        "m=image 9 udptl t38",
    ]
)
DIRECTIONS = st.sampled_from(
    [(), ("a=sendrecv",), ("a=sendonly",), ("a=recvonly",), ("a=inactive",)]
)


@st.composite
def section_lines(draw: st.DrawFn, mid: str) -> tuple[str, ...]:
    return (
        draw(MEDIA),
        "c=" + draw(st.sampled_from(["IN IP4 0.0.0.0", "IN IP6 ::1"])),
        f"a=mid:{mid}",
        *draw(DIRECTIONS),
        *draw(FINGERPRINTS),
        *draw(st.lists(ONCE, unique=True, max_size=6)),
        *draw(st.lists(ODD, unique=True, max_size=8)),
    )


@st.composite
def descriptions(draw: st.DrawFn) -> str:
    count = draw(st.integers(1, 3))
    head = draw(
        st.lists(
            st.sampled_from(
                [
                    "t=1 2",
                    "u=http://example.org",
                    "b=CT:1",
                    "c=IN IP4 192.0.2.1",
                    "a=ice-lite",
                    "a=group:BUNDLE 0",
                    "a=group:LS 0",
                    "a=x",
                    "a=setup:passive",
                    "a=ice-options:trickle",
                ]
            ),
            unique=True,
        )
    )
    body = [line for index in range(count) for line in draw(section_lines(str(index)))]
    return text_of(*HEAD, *head, *body)


@given(descriptions(), st.sampled_from(Creator))
def test_any_legal_description_comes_back(sdp: str, writer: Creator) -> None:
    offer = loads_offer(sdp)
    again = offer_of(say(offer, writer=writer, slots=slots_of(offer, writer)), writer=writer)[0]
    written, expected = sections(dumps(again)), sections(sdp)
    for part in (*written, *expected):
        # XEP-0320 says it with a fingerprint only
        del part["a=setup:passive"]
    assert written == expected


def content(name: str = "audio", **more: object) -> Content:
    values = {
        "description": RtpDescription(
            media="audio", payload_types=(PayloadType(id=0, name="PCMU", clockrate=8000),)
        ),
        "transport": IceUdpTransport(),
    }
    return Content(name=name, **{**values, **more})


def initiate(*contents: Content, **more: object) -> Jingle:
    return Jingle(action=Action.SESSION_INITIATE, sid="sid1", contents=contents, **more)


def test_contents_that_cannot_be_taken_get_no_section() -> None:
    request = initiate(
        content("files", description=None, foreign=("{urn:x}description",)),
        content("socks", transport=None, foreign=("{urn:x}transport",)),
        content("audio"),
        groups=(group_of("BUNDLE", ("files", "audio", "socks", "unheard-of")),),
    )
    offer, slots = offer_of(request, writer=INITIATOR)
    assert [section.mid for section in offer.media] == ["audio"]
    assert len(slots) == 1
    # browsers refuse a group of what is not there
    assert offer.bundle == ("audio", "unheard-of")


def test_an_offer_without_anything_known_is_refused() -> None:
    with pytest.raises(UnsupportedApplications):
        offer_of(initiate(content(description=None)), writer=INITIATOR)
    with pytest.raises(UnsupportedTransports):
        offer_of(initiate(content(transport=None)), writer=INITIATOR)
    with pytest.raises(IncompatibleParameters):
        offer_of(initiate(content(description=RtpDescription(media="audio"))), writer=INITIATOR)


def test_an_answer_has_the_offers_sections_in_the_offers_order() -> None:
    offer = offered(*HEAD, *AUDIO, *VIDEO, *DATA)
    slots = slots_of(offer, INITIATOR)
    request = say(offer, action=Action.SESSION_ACCEPT, writer=RESPONDER, slots=slots)
    audio, _, data = request.contents
    shuffled = Jingle(action=request.action, sid=request.sid, contents=(data, audio))
    answer = answer_of(shuffled, writer=RESPONDER, offer=offer, slots=slots)
    assert [(item.mid, item.port) for item in answer.media] == [("0", 9), ("1", 0), ("2", 9)]
    assert sections(dumps(answer))[2].keys() >= {"m=video 0 UDP/TLS/RTP/SAVPF 96", "a=mid:1"}


def test_an_answer_cannot_take_what_was_not_offered() -> None:
    offer = offered(*HEAD, *AUDIO)
    request = Jingle(action=Action.SESSION_ACCEPT, sid="sid1", contents=(content("other"),))
    with pytest.raises(SdpError, match="not offered"):
        answer_of(request, writer=RESPONDER, offer=offer, slots=slots_of(offer, INITIATOR))


def test_groups_name_contents_in_jingle_and_mids_in_sdp() -> None:
    request = initiate(content("my camera"), content("x" * 40), content("2"))
    grouped = say_group(request, ("my camera", "nobody", "no body", "2", "x" * 40))
    offer, slots = offer_of(grouped, writer=INITIATOR)
    assert [mid for mid in offer.bundle if mid in {"m0", "m1", "2"}] == ["m0", "2", "m1"]
    assert offer.bundle == tuple(
        dumps(offer).split("a=group:BUNDLE ")[1].split("\r\n")[0].split(" ")
    )
    names = say(offer, slots=slots).groups[0].names
    assert [name for name in names if name != "nobody"] == ["my camera", "2", "x" * 40]


def say_group(request: Jingle, names: tuple[str, ...]) -> Jingle:
    return Jingle(
        action=request.action,
        sid=request.sid,
        contents=request.contents,
        groups=(group_of("BUNDLE", names),),
    )


@pytest.mark.parametrize(
    "line",
    [
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        "o=x",
        "s=a\ns=b",
        "v",
        "hello",
        "o=a b c IN IP4 x\no=a b c IN IP4 x",
    ],
)
def test_a_sessions_residue_cannot_add_sections_or_nonsense(line: str) -> None:
    with pytest.raises(MalformedStanza):
        offer_of(initiate(content(), residue=Residue(text=line)), writer=INITIATOR)


@pytest.mark.parametrize("line", ["v=0", "a=group:BUNDLE audio x"])
def test_what_a_session_says_by_itself_is_not_taken_from_the_residue(line: str) -> None:
    plain, _ = offer_of(initiate(content()), writer=INITIATOR)
    offer, _ = offer_of(initiate(content(), residue=Residue(text=line)), writer=INITIATOR)
    assert offer == plain


def test_a_sessions_residue_is_bounded() -> None:
    text = "a=x\n" * 513
    with pytest.raises(MalformedStanza, match="<jingle>, <residue>: a residue has at most 512"):
        offer_of(initiate(content(), residue=Residue(text=text)), writer=INITIATOR)


@pytest.mark.parametrize(("before", "where"), [(0, "session"), (1, "section 0")])
def test_no_more_lines_are_said_than_a_residue_holds(before: int, where: str) -> None:
    parts = [*HEAD], [*AUDIO]
    parts[before].extend(["a=x"] * 500)
    assert through(offered(*parts[0], *parts[1])) == offered(*parts[0], *parts[1])
    parts[before].extend(["a=x"] * 13)
    with pytest.raises(SdpError, match=f"{where}: more than 512 lines"):
        say(offered(*parts[0], *parts[1]))


def test_an_error_in_a_residue_names_the_content() -> None:
    wrong = replace(content(), name="my camera", residue=Residue(text="hello"))
    with pytest.raises(MalformedStanza, match=r"content 'my camera', <residue>: .*'hello'"):
        offer_of(initiate(content(), wrong), writer=INITIATOR)


@pytest.mark.parametrize(
    "line",
    ["a=fingerprint:sha-256 AB:CD", "a=ice-ufrag:evil", "a=ice-pwd:" + "x" * 22, "a=setup:active"],
)
def test_the_residue_gives_no_section_what_its_content_lacks(line: str) -> None:
    offer, _ = offer_of(initiate(content(), residue=Residue(text=line)), writer=INITIATOR)
    assert line not in dumps(offer)


def test_one_content_without_mixed_extensions_keeps_the_session_from_saying_it() -> None:
    offer = offered(*HEAD, "a=extmap-allow-mixed", *AUDIO, *VIDEO)
    assert sections(dumps(through(offer)))[0]["a=extmap-allow-mixed"] == 1
    request = say(offer)
    first, second = request.contents
    edited = replace(second, description=replace(second.description, extmap_allow_mixed=False))
    again, _ = offer_of(replace(request, contents=(first, edited)), writer=INITIATOR)
    assert [part["a=extmap-allow-mixed"] for part in sections(dumps(again))] == [0, 1, 0]
    without = [
        replace(item, description=replace(item.description, extmap_allow_mixed=False))
        for item in request.contents
    ]
    again, _ = offer_of(replace(request, contents=tuple(without)), writer=INITIATOR)
    assert "a=extmap-allow-mixed" not in dumps(again)


def test_a_request_without_contents_is_an_empty_offer() -> None:
    assert offer_of(initiate(), writer=INITIATOR)[0].media == ()


def test_rejected_sections_have_no_content() -> None:
    offer = offered(*HEAD, *AUDIO, "m=video 0 UDP/TLS/RTP/SAVPF 96", "a=mid:1")
    assert [item.name for item in say(offer).contents] == ["0"]
