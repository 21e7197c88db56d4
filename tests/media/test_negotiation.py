"""Answers: consistent with every real offer, and right in the corners that browsers do not show."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from jinglebridge.errors import (
    CallError,
    IncompatibleParameters,
    SecurityError,
    UnsupportedApplications,
    UnsupportedTransports,
)
from jinglebridge.media.identity import DtlsRole
from jinglebridge.media.negotiation import negotiate
from jinglebridge.media.plan import LocalParameters, Negotiated, SectionParameters
from jinglebridge.protocol.jingle.xep_0320 import Fingerprint, Setup
from jinglebridge.protocol.sdp.description import Answer, Direction, MediaDescription, Offer
from jinglebridge.protocol.sdp.text import dumps, loads_answer, loads_offer

VECTORS = Path(__file__).parents[1] / "vectors"
SDPS = sorted(
    path
    for folder in ("browsers/chromium-156", "browsers/firefox-153", "aiortc")
    for path in (VECTORS / folder).glob("*--*.sdp")
)
OFFERS = [
    path
    for path in SDPS
    if re.search("offer|A-local", path.stem.rpartition("--")[2]) and "m=" in path.read_text()
]
FINGERPRINT = Fingerprint(hash="sha-256", value=":".join(["AB"] * 32))
TWCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"


def local(sections: int = 16, *, data_channels: bool = True) -> LocalParameters:
    return LocalParameters(
        session_id="4611686018427387904",
        cname="cname",
        stream_id="stream",
        fingerprint=FINGERPRINT,
        sections=tuple(
            SectionParameters(
                ufrag=f"ufrag{index}",
                pwd=f"password{index:016}",
                ssrc=1000 + index,
                rtx_ssrc=2000 + index,
            )
            for index in range(sections)
        ),
        data_channels=data_channels,
    )


def offer_of(*sections: str, session: str = "a=group:BUNDLE 0 1 2 3\n") -> Offer:
    head = "v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nt=0 0\n"
    return loads_offer(head + session + "".join(sections))


def transport(ufrag: str = "abcd", setup: str = "actpass") -> str:
    return (
        f"a=ice-ufrag:{ufrag}\na=ice-pwd:0123456789012345678901\n"
        f"a=fingerprint:sha-256 {':'.join(['CD'] * 32)}\na=setup:{setup}\n"
    )


def audio(mid: str = "0", port: int = 9, rest: str = "", setup: str = "actpass") -> str:
    return (
        f"m=audio {port} UDP/TLS/RTP/SAVPF 111 0\na=mid:{mid}\na=rtcp-mux\n"
        f"a=rtpmap:111 opus/48000/2\n{transport(setup=setup)}{rest}"
    )


def video(mid: str = "1", port: int = 9, rest: str = "") -> str:
    return (
        f"m=video {port} UDP/TLS/RTP/SAVPF 96 97\na=mid:{mid}\na=rtcp-mux\n"
        f"a=rtpmap:96 VP8/90000\na=rtpmap:97 rtx/90000\na=fmtp:97 apt=96\n{transport()}{rest}"
    )


def data(mid: str = "2") -> str:
    return (
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\n"
        f"a=mid:{mid}\na=sctp-port:5001\na=max-message-size:262144\n{transport()}"
    )


def media(text: str) -> MediaDescription:
    return negotiate(offer_of(text), local()).answer.media[0]


@pytest.mark.parametrize("path", OFFERS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_real_offer_gets_a_consistent_answer(path: Path) -> None:
    offer = loads_offer(path.read_text())
    negotiated = negotiate(offer, local(len(offer.media)))
    check_consistent(offer, negotiated)
    # What browsers offer for use is taken: audio, video and data alike.
    for offered, answered in zip(offer.media, negotiated.answer.media, strict=True):
        assert answered.is_rejected == offered.is_rejected, offered.mid
    text = dumps(negotiated.answer)
    assert loads_answer(text) == negotiated.answer
    assert dumps(loads_answer(text)) == text


def test_the_offers_are_there() -> None:
    assert len(OFFERS) > 80


def check_consistent(offer: Offer, negotiated: Negotiated) -> None:
    answer = negotiated.answer
    assert [one.mid for one in answer.media] == [one.mid for one in offer.media]
    used = [one.mid for one in answer.media if not one.is_rejected]
    planned = [mid for plan in negotiated.transports for mid in plan.mids]
    assert sorted(used) == sorted(planned)
    for group in answer.groups:
        offered_group = next(one for one in offer.groups if one.semantics == group.semantics)
        assert set(group.names) <= set(offered_group.names) & set(used)
    for plan in negotiated.transports:
        assert len({section(answer, mid).ice_ufrag for mid in plan.mids}) == 1
        assert plan.remote_ufrag == section(offer, plan.mids[0]).ice_ufrag
        assert plan.remote_fingerprints
        if len(plan.mids) > 1:
            assert plan.mids in [group.names for group in answer.groups]
    for offered, answered in zip(offer.media, answer.media, strict=True):
        check_section(offered, answered)
    ids = {rtp.mid for rtp in negotiated.sections}
    assert ids == {one.mid for one in answer.media if one.is_rtp and not one.is_rejected}


def check_section(offered: MediaDescription, answered: MediaDescription) -> None:
    assert (answered.media, answered.protocol) == (offered.media, offered.protocol)
    if answered.is_rejected:
        assert answered.payload_types or answered.formats
        return
    assert answered.port == 9
    assert not answered.bundle_only
    assert answered.setup is Setup.ACTIVE if offered.setup is Setup.ACTPASS else Setup.PASSIVE
    numbers = [one.id for one in offered.payload_types]
    kept = [one.id for one in answered.payload_types]
    assert kept == [number for number in numbers if number in kept]
    extensions = {(one.id, one.uri) for one in offered.header_extensions}
    assert {(one.id, one.uri) for one in answered.header_extensions} <= extensions
    assert answered.rtcp_mux or not answered.is_rtp
    direction, reply = offered.direction or Direction.SENDRECV, answered.direction
    if answered.is_rtp:
        assert reply is not None
        assert not reply.sends or direction.receives
        assert not reply.receives or direction.sends
        assert len(answered.msids) == (1 if reply.sends else 0)


def section(description: Offer | Answer, mid: str) -> MediaDescription:
    found = description.section(mid)
    assert found is not None
    return found


def test_codecs_keep_the_offers_order_and_drop_what_cannot_be_forwarded() -> None:
    offer = loads_offer(
        (VECTORS / "browsers/chromium-156/audio-video--01-A-offer-initial.sdp").read_text()
    )
    sound, picture = negotiate(offer, local()).answer.media
    names = [one.name or str(one.id) for one in sound.payload_types]
    assert names == [
        "opus",
        "red",
        "G722",
        "PCMU",
        "PCMA",
        "CN",
        "telephone-event",
        "telephone-event",
    ]
    assert "ulpfec" not in [one.name for one in picture.payload_types]
    assert 119 not in [one.id for one in picture.payload_types]  # rtx of red
    assert picture.payload_types[1].parameter("apt") == "96"


def test_rtp_section_says_what_was_agreed() -> None:
    offer = loads_offer(
        (VECTORS / "browsers/chromium-156/audio-video--01-A-offer-initial.sdp").read_text()
    )
    sound, picture = negotiate(offer, local()).sections
    assert picture.codecs[0].name == "vp8"
    assert picture.codecs[0].rtx_payload_type == 97
    assert picture.codecs[0].feedback == {"nack", "nack pli", "ccm fir", "transport-cc"}
    assert picture.remote_ssrcs == (545023491,)
    assert picture.remote_rtx == ((545023491, 673751686),)
    assert (picture.local_ssrc, picture.local_rtx_ssrc) == (1001, 2001)
    assert sound.local_rtx_ssrc is None
    assert (3, TWCC) in picture.header_extensions
    assert not any("rtp-stream-id" in uri for _, uri in picture.header_extensions)


def test_static_payload_types_need_no_rtpmap() -> None:
    codecs = negotiate(offer_of(audio()), local()).sections[0].codecs
    assert [(one.name, one.clock_rate) for one in codecs] == [("opus", 48000), ("pcmu", 8000)]


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        ("sendrecv", Direction.SENDRECV),
        ("sendonly", Direction.RECVONLY),
        ("recvonly", Direction.INACTIVE),
        ("inactive", Direction.INACTIVE),
    ],
)
def test_direction_is_what_echo_can_do(offered: str, expected: Direction) -> None:
    negotiated = negotiate(offer_of(audio(rest=f"a={offered}\n")), local())
    assert negotiated.answer.media[0].direction is expected
    assert negotiated.sections[0].sends is expected.sends
    assert negotiated.sections[0].receives is expected.receives


@pytest.mark.parametrize(
    ("offered", "answered", "role"),
    [
        ("actpass", Setup.ACTIVE, DtlsRole.CLIENT),
        ("passive", Setup.ACTIVE, DtlsRole.CLIENT),
        ("active", Setup.PASSIVE, DtlsRole.SERVER),
    ],
)
def test_dtls_role_follows_setup(offered: str, answered: Setup, role: DtlsRole) -> None:
    negotiated = negotiate(offer_of(audio(setup=offered)), local())
    assert negotiated.answer.media[0].setup is answered
    assert negotiated.transports[0].role is role


def test_holdconn_is_no_transport() -> None:
    with pytest.raises(UnsupportedTransports):
        negotiate(offer_of(audio(setup="holdconn")), local())


def test_remb_only_where_transport_cc_is_missing() -> None:
    feedback = "a=rtcp-fb:96 goog-remb\na=rtcp-fb:96 transport-cc\na=rtcp-fb:96 ccm tmmbr\n"
    without = media(video("0", rest=feedback))
    assert [one.type for one in without.payload_types[0].rtcp_fb] == ["goog-remb"]
    with_it = media(video("0", rest=feedback + f"a=extmap:3 {TWCC}\n"))
    assert [one.type for one in with_it.payload_types[0].rtcp_fb] == ["transport-cc"]


def test_feedback_for_all_payload_types_counts_for_each() -> None:
    offer = offer_of(video("0", rest="a=rtcp-fb:* nack pli\na=rtcp-fb:* foo\n"))
    negotiated = negotiate(offer, local())
    assert len(negotiated.answer.media[0].rtcp_fb) == 1
    assert negotiated.sections[0].codecs[0].feedback == {"nack pli"}


def test_extension_direction_is_turned_round() -> None:
    answered = media(audio(rest="a=extmap:1/sendonly urn:ietf:params:rtp-hdrext:sdes:mid\n"))
    assert answered.header_extensions[0].direction is Direction.RECVONLY


def test_two_byte_extension_ids_need_allow_mixed() -> None:
    line = "a=extmap:20 urn:ietf:params:rtp-hdrext:sdes:mid\n"
    assert media(audio(rest=line)).header_extensions == ()
    mixed = media(audio(rest=line + "a=extmap-allow-mixed\n"))
    assert [one.id for one in mixed.header_extensions] == [20]
    assert mixed.extmap_allow_mixed


def test_unbundled_sections_get_a_transport_each() -> None:
    negotiated = negotiate(offer_of(audio(), video(), session=""), local())
    assert [plan.mids for plan in negotiated.transports] == [("0",), ("1",)]
    assert negotiated.answer.groups == ()
    assert len({one.ice_ufrag for one in negotiated.answer.media}) == 2


def test_rejected_first_section_moves_the_bundle_tag() -> None:
    bad = audio().replace("opus/48000/2", "mp4a/48000").replace("111 0", "111")
    negotiated = negotiate(offer_of(bad, video(), data()), local())
    assert negotiated.answer.bundle == ("1", "2")
    assert negotiated.answer.media[0].is_rejected
    assert negotiated.transports[0].mids == ("1", "2")


def test_unusable_section_is_rejected_alone() -> None:
    text = "m=text 9 UDP/TLS/RTP/SAVPF 98\na=mid:0\na=rtpmap:98 t140/1000\n" + transport()
    negotiated = negotiate(offer_of(text, video()), local())
    check_consistent(offer_of(text, video()), negotiated)
    assert [one.is_rejected for one in negotiated.answer.media] == [True, False]


def test_section_without_rtcp_mux_is_rejected() -> None:
    negotiated = negotiate(offer_of(audio().replace("a=rtcp-mux\n", ""), video()), local())
    assert [one.is_rejected for one in negotiated.answer.media] == [True, False]


def test_bundle_only_sections_use_the_owners_transport() -> None:
    lines = video(port=0, rest="a=bundle-only\n").replace(transport(), "")
    negotiated = negotiate(offer_of(audio(), lines), local())
    assert negotiated.transports[0].mids == ("0", "1")
    assert negotiated.answer.media[1].port == 9


def test_bundle_only_section_cannot_stand_alone() -> None:
    dead = audio().replace("opus/48000/2", "mp4a/48000").replace("111 0", "111")
    lines = video(port=0, rest="a=bundle-only\n").replace(transport(), "")
    with pytest.raises(CallError):
        negotiate(offer_of(dead, lines), local())


@pytest.mark.parametrize("session", ["a=group:BUNDLE 0 1\n", ""])
def test_stub_uses_the_transport_that_there_is(session: str) -> None:
    """Some clients name a transport once and leave the others empty."""
    stub = video().replace(transport(), "")
    negotiated = negotiate(offer_of(audio(), stub, session=session), local())
    assert [plan.mids for plan in negotiated.transports] == [("0", "1")]
    assert {one.ice_ufrag for one in negotiated.answer.media} == {"ufrag0"}
    assert bool(negotiated.answer.groups) is bool(session)


def test_stub_before_every_transport_is_rejected() -> None:
    stub = audio().replace(transport(), "")
    negotiated = negotiate(offer_of(stub, video(), session=""), local())
    assert [one.is_rejected for one in negotiated.answer.media] == [True, False]


def test_sdes_keys_beside_the_fingerprint_are_not_answered() -> None:
    key = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{'A' * 40}\n"
    negotiated = negotiate(offer_of(audio(rest=key), video(rest=key)), local())
    assert not any(one.is_rejected for one in negotiated.answer.media)
    assert "crypto" not in dumps(negotiated.answer)


def test_sdes_keys_alone_are_refused() -> None:
    key = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{'A' * 40}\n"
    fingerprint = f"a=fingerprint:sha-256 {':'.join(['CD'] * 32)}\n"
    with pytest.raises(SecurityError):
        negotiate(offer_of(audio(rest=key).replace(fingerprint, "")), local())


def test_data_channels_alone() -> None:
    negotiated = negotiate(offer_of(data("0")), local())
    answered = negotiated.answer.media[0]
    assert (answered.sctp_port, answered.formats) == (5000, ("webrtc-datachannel",))
    plan = negotiated.transports[0].data
    assert plan is not None
    assert (plan.remote_port, plan.remote_max_message_size) == (5001, 262144)
    with pytest.raises(UnsupportedApplications):
        negotiate(offer_of(data("0")), local(data_channels=False))


def test_candidates_of_the_whole_bundle_belong_to_its_transport() -> None:
    line = "a=candidate:1 1 udp 2130706431 192.0.2.{} 5000 typ host\n"
    offer = offer_of(audio(rest=line.format(1)), video(rest=line.format(2)))
    addresses = [one.ip for one in negotiate(offer, local()).transports[0].remote_candidates]
    assert addresses == ["192.0.2.1", "192.0.2.2"]


@pytest.mark.parametrize(
    ("replaced", "by", "error"),
    [
        ("a=fingerprint:sha-256 " + ":".join(["CD"] * 32), "a=x", SecurityError),
        ("sha-256 " + ":".join(["CD"] * 32), "sha-1 " + ":".join(["CD"] * 20), SecurityError),
        ("opus/48000/2", "mp4a/48000", IncompatibleParameters),
        ("a=rtcp-mux", "a=x", UnsupportedTransports),
        ("a=ice-ufrag:abcd", "a=x", UnsupportedTransports),
        ("m=audio 9", "m=audio 0", UnsupportedApplications),
        ("m=audio", "m=image", UnsupportedApplications),
        ("UDP/TLS/RTP/SAVPF", "udptl", UnsupportedApplications),
    ],
)
def test_offer_with_nothing_left_is_refused(replaced: str, by: str, error: type[CallError]) -> None:
    with pytest.raises(error):
        negotiate(offer_of(audio().replace("111 0", "111").replace(replaced, by)), local())


def test_offer_without_sections_is_refused() -> None:
    with pytest.raises(UnsupportedApplications):
        negotiate(offer_of(session=""), local())


def test_telephone_events_alone_are_no_call() -> None:
    offer = offer_of(
        "m=audio 9 UDP/TLS/RTP/SAVPF 110\na=mid:0\na=rtcp-mux\n"
        "a=rtpmap:110 telephone-event/48000\n" + transport()
    )
    with pytest.raises(IncompatibleParameters):
        negotiate(offer, local())


def test_transports_are_limited() -> None:
    offer = offer_of(*(audio(str(mid)) for mid in range(12)), session="")
    negotiated = negotiate(offer, local())
    assert len(negotiated.transports) == 8
    assert [one.is_rejected for one in negotiated.answer.media] == 8 * [False] + 4 * [True]


def test_two_sections_of_one_name() -> None:
    offer = offer_of(audio(), video())
    twins = offer.with_media((offer.media[0], replace(offer.media[1], mid="0")))
    negotiated = negotiate(twins, local())
    assert [one.is_rejected for one in negotiated.answer.media] == [False, True]


def test_retransmissions_of_nothing_are_dropped() -> None:
    for apt in ("apt=95", "apt=", "apt=96x", "apt=97", "apt=²"):
        answered = media(video("0").replace("apt=96", apt))
        assert [one.id for one in answered.payload_types] == [96]
