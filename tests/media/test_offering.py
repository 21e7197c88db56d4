"""Our offers, and what becomes of them for every kind of answer."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinglebridge.errors import (
    CallError,
    FailedApplication,
    IncompatibleParameters,
    SecurityError,
    UnsupportedApplications,
    UnsupportedTransports,
)
from jinglebridge.media.codecs import FORWARDED_CODECS
from jinglebridge.media.identity import DtlsRole
from jinglebridge.media.negotiation import negotiate
from jinglebridge.media.offering import make_offer, take_answer
from jinglebridge.media.plan import TransportPlan
from jinglebridge.media.rtp.extensions import MID, TRANSPORT_CC
from jinglebridge.media.rtp.parameters import RtpCodec
from jinglebridge.protocol.jingle.xep_0167 import PayloadType
from jinglebridge.protocol.jingle.xep_0320 import Setup
from jinglebridge.protocol.jingle.xep_0338 import group_of
from jinglebridge.protocol.sdp.description import Answer, Direction, MediaDescription
from jinglebridge.protocol.sdp.lines import parse_candidate
from jinglebridge.protocol.sdp.text import dumps, loads_offer
from tests.media.test_negotiation import FINGERPRINT, check_consistent, local

OFFER = make_offer(("audio", "video"), local())
THEIRS = replace(FINGERPRINT, value=":".join(["CD"] * 32))
CANDIDATE = parse_candidate("candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host")


def answered(section: MediaDescription, **changes: object) -> MediaDescription:
    """What a peer that takes everything makes of a section."""
    values: dict[str, object] = {
        "direction": Direction.SENDRECV,
        "ice_ufrag": "peer",
        "ice_pwd": "p" * 22,
        "fingerprints": (THEIRS,),
        "setup": Setup.ACTIVE,
        "sources": (),
        "source_groups": (),
        "msids": (),
    }
    return replace(section, **(values | changes))  # type: ignore[arg-type]  # a test's keywords


def answer(*media: MediaDescription, bundle: tuple[str, ...] = ("0", "1")) -> Answer:
    groups = (group_of("BUNDLE", bundle),) if bundle else ()
    return Answer(groups=groups, media=media)


AUDIO, VIDEO = (answered(section) for section in OFFER.media)
STUB = answered(OFFER.media[1], ice_ufrag=None, ice_pwd=None, fingerprints=(), setup=None)


def taken(*media: MediaDescription, bundle: tuple[str, ...] = ("0", "1")) -> list[TransportPlan]:
    return list(take_answer(OFFER, answer(*media, bundle=bundle), local()))


# The offer


def test_offer_is_what_an_answerer_needs() -> None:
    assert OFFER.bundle == ("0", "1")
    assert [section.media for section in OFFER.media] == ["audio", "video"]
    for section in OFFER.media:
        assert (section.port, section.rtcp_mux) == (9, True)
        assert section.setup is Setup.ACTPASS
        assert section.direction is Direction.SENDRECV
        assert section.fingerprints == (FINGERPRINT,)
    # Each section can do without the others.
    assert len({section.ice_ufrag for section in OFFER.media}) == 2
    assert len({section.ice_pwd for section in OFFER.media}) == 2


def test_offer_survives_its_text() -> None:
    text = dumps(OFFER)
    assert loads_offer(text) == OFFER
    assert dumps(loads_offer(text)) == text


def test_offered_codecs_can_be_forwarded() -> None:
    names = {
        section.media: [one.name for one in section.payload_types if one.name != "rtx"]
        for section in OFFER.media
    }
    assert names == {"audio": ["opus"], "video": ["VP8", "H264", "VP9"]}
    for kind, offered in names.items():
        assert {str(name).lower() for name in offered} <= FORWARDED_CODECS[kind]
    assert OFFER.media[0].payload_types[0].id == 111
    video = OFFER.media[1]
    for codec in video.payload_types[::2]:
        repeating = video.payload_type(codec.id + 1)
        assert repeating is not None
        assert repeating.parameter("apt") == str(codec.id)


def test_extensions_have_one_number_in_all_sections() -> None:
    numbers: dict[str, int] = {}
    for section in OFFER.media:
        for item in section.header_extensions:
            assert numbers.setdefault(item.uri, item.id) == item.id
        assert {MID, TRANSPORT_CC} <= {item.uri for item in section.header_extensions}
    assert len(set(numbers.values())) == len(numbers)
    assert set(numbers.values()) <= set(range(1, 15))


def test_our_answerer_takes_all_that_we_offer() -> None:
    negotiated = negotiate(OFFER, local())
    check_consistent(OFFER, negotiated)
    for offered, ours in zip(OFFER.media, negotiated.answer.media, strict=True):
        assert [one.id for one in ours.payload_types] == [one.id for one in offered.payload_types]
        assert [one.id for one in ours.header_extensions] == [
            one.id for one in offered.header_extensions
        ]


@pytest.mark.parametrize("kinds", [(), ("text",), ("audio", "application"), ("audio",) * 9])
def test_offer_of_something_else_is_refused(kinds: tuple[str, ...]) -> None:
    with pytest.raises(UnsupportedApplications):
        make_offer(kinds, local())


@pytest.mark.parametrize("kinds", [("audio",), ("video",), ("video", "audio"), ("audio",) * 8])
def test_offers_of_other_kinds(kinds: tuple[str, ...]) -> None:
    offer = make_offer(kinds, local())
    assert tuple(section.media for section in offer.media) == kinds
    check_consistent(offer, negotiate(offer, local()))


# Transports


def test_bundled_answer_leaves_one_transport() -> None:
    [plan] = taken(AUDIO, VIDEO)
    assert plan.mids == ("0", "1")
    assert (plan.local_ufrag, plan.remote_ufrag) == (OFFER.media[0].ice_ufrag, "peer")
    assert plan.remote_fingerprints == (THEIRS,)
    assert [section.mid for section in plan.rtp] == ["0", "1"]
    assert [section.local_ssrc for section in plan.rtp] == [1000, 1001]


def test_answer_without_a_group_leaves_two() -> None:
    plans = taken(AUDIO, VIDEO, bundle=())
    assert [plan.mids for plan in plans] == [("0",), ("1",)]
    assert [plan.local_ufrag for plan in plans] == [one.ice_ufrag for one in OFFER.media]


def test_credentials_of_its_own_are_a_transport_of_its_own() -> None:
    video = replace(VIDEO, ice_ufrag="other", ice_pwd="o" * 22, setup=Setup.PASSIVE)
    sound, picture = taken(AUDIO, video)
    assert (sound.mids, picture.mids) == (("0",), ("1",))
    assert (picture.remote_ufrag, picture.remote_pwd) == ("other", "o" * 22)
    assert picture.local_ufrag == OFFER.media[1].ice_ufrag
    assert (sound.role, picture.role) == (DtlsRole.SERVER, DtlsRole.CLIENT)


@pytest.mark.parametrize("bundle", [("0", "1"), ()])
def test_stub_uses_the_transport_that_there_is(bundle: tuple[str, ...]) -> None:
    [plan] = taken(AUDIO, STUB, bundle=bundle)
    assert plan.mids == ("0", "1")


def test_first_of_the_answers_group_names_the_transport() -> None:
    [plan] = taken(AUDIO, VIDEO, bundle=("1", "0", "unknown", "1"))
    assert plan.mids == ("1", "0")
    assert plan.local_ufrag == OFFER.media[1].ice_ufrag


@pytest.mark.parametrize("gone", [0, 1])
@pytest.mark.parametrize("how", ["port 0", "left out"])
def test_section_that_is_not_taken(gone: int, how: str) -> None:
    sections = [AUDIO, VIDEO]
    if how == "port 0":
        sections[gone] = MediaDescription(
            mid=str(gone), media=sections[gone].media, port=0, payload_types=()
        )
    else:
        del sections[gone]
    [plan] = taken(*sections, bundle=(str(1 - gone),))
    assert plan.mids == (str(1 - gone),)
    assert plan.local_ufrag == OFFER.media[1 - gone].ice_ufrag


def test_candidates_of_the_answer_go_to_their_transport() -> None:
    sections = [
        replace(section, candidates=(replace(CANDIDATE, port=port),))
        for port, section in ((1, AUDIO), (2, VIDEO))
    ]
    [bundled] = taken(*sections)
    assert [one.port for one in bundled.remote_candidates] == [1, 2]
    plans = taken(*sections, bundle=())
    assert [[one.port for one in plan.remote_candidates] for plan in plans] == [[1], [2]]


@pytest.mark.parametrize(
    ("setup", "role"),
    [
        (Setup.ACTIVE, DtlsRole.SERVER),
        (Setup.PASSIVE, DtlsRole.CLIENT),
        (None, DtlsRole.SERVER),
    ],
)
def test_dtls_role_follows_the_answers_setup(setup: Setup | None, role: DtlsRole) -> None:
    [plan] = taken(replace(AUDIO, setup=setup), replace(VIDEO, setup=setup))
    assert plan.role is role


@pytest.mark.parametrize("direction", [*Direction, None])
def test_direction_is_the_answers(direction: Direction | None) -> None:
    [plan] = taken(replace(AUDIO, direction=direction), VIDEO)
    theirs = direction or Direction.SENDRECV
    assert plan.rtp[0].sends is theirs.receives
    assert plan.rtp[0].receives is theirs.sends


# Wrong answers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"fingerprints": ()}, SecurityError),
        ({"fingerprints": (replace(THEIRS, hash="sha-1"),)}, SecurityError),
        ({"ice_ufrag": None}, UnsupportedTransports),
        ({"ice_pwd": None}, UnsupportedTransports),
        ({"setup": Setup.ACTPASS}, IncompatibleParameters),
        ({"setup": Setup.HOLDCONN}, UnsupportedTransports),
        ({"rtcp_mux": False}, UnsupportedTransports),
        ({"payload_types": ()}, IncompatibleParameters),
        ({"payload_types": (PayloadType(id=0),)}, IncompatibleParameters),
        (
            {"payload_types": (PayloadType(id=111, name="speex", clockrate=16_000),)},
            IncompatibleParameters,
        ),
        ({"media": "video"}, FailedApplication),
        ({"mid": "2"}, FailedApplication),
        ({"mid": "1"}, FailedApplication),
        ({"port": 0}, UnsupportedApplications),
    ],
)
def test_wrong_answers_are_refused(changes: dict[str, object], error: type[CallError]) -> None:
    wrong = replace(AUDIO, **changes)  # type: ignore[arg-type]  # a test's keywords
    refused = replace(VIDEO, port=0) if error is UnsupportedApplications else VIDEO
    with pytest.raises(error):
        taken(wrong, refused, bundle=())


def test_answer_without_sections_is_refused() -> None:
    with pytest.raises(UnsupportedApplications):
        taken()


def test_stub_alone_is_refused() -> None:
    with pytest.raises(SecurityError):
        taken(replace(AUDIO, port=0), STUB, bundle=())


# Codecs


def codecs(*media: MediaDescription) -> tuple[RtpCodec, ...]:
    [plan] = taken(*media)
    return plan.rtp[-1].codecs


def test_whole_answer_leaves_every_codec() -> None:
    video = codecs(AUDIO, VIDEO)
    assert [(one.name, one.payload_type, one.rtx_payload_type) for one in video] == [
        ("vp8", 96, 97),
        ("h264", 102, 103),
        ("vp9", 98, 99),
    ]
    assert all(one.feedback == {"nack", "nack pli", "ccm fir", "transport-cc"} for one in video)
    assert {one.sent_type for one in video} == {None}


def test_one_payload_type_without_anything() -> None:
    """What Dino answers: one codec, the feedback that it knows, and no extension."""
    feedback = tuple(
        one for one in OFFER.media[1].payload_types[0].rtcp_fb if one.type in ("nack", "goog-remb")
    )
    vp8 = PayloadType(id=96, name="VP8", clockrate=90_000, rtcp_fb=feedback)
    video = replace(VIDEO, payload_types=(vp8,), header_extensions=())
    [codec] = codecs(AUDIO, video)
    assert (codec.payload_type, codec.rtx_payload_type) == (96, None)
    assert codec.feedback == {"nack", "nack pli", "goog-remb"}
    [plan] = taken(AUDIO, video)
    assert plan.rtp[1].local_rtx_ssrc is None
    assert plan.rtp[1].header_extensions == ()


def test_transport_cc_needs_feedback_and_extension() -> None:
    without_extension = replace(VIDEO, header_extensions=())
    assert "goog-remb" in codecs(AUDIO, without_extension)[0].feedback
    assert "transport-cc" not in codecs(AUDIO, without_extension)[0].feedback
    vp8 = replace(OFFER.media[1].payload_types[0], rtcp_fb=())
    [plan] = taken(AUDIO, replace(VIDEO, payload_types=(vp8,)))
    assert TRANSPORT_CC not in [uri for _, uri in plan.rtp[1].header_extensions]
    assert plan.rtp[1].codecs[0].feedback == frozenset()


def test_feedback_that_was_not_offered_is_not_given() -> None:
    opus = replace(OFFER.media[0].payload_types[0], rtcp_fb=OFFER.media[1].payload_types[0].rtcp_fb)
    [plan] = taken(replace(AUDIO, payload_types=(opus,)), VIDEO)
    assert plan.rtp[0].codecs[0].feedback == {"transport-cc"}


def test_extensions_that_were_not_offered_are_not_used() -> None:
    first, *_ = OFFER.media[1].header_extensions
    strange = (
        replace(first, id=9),
        replace(first, uri="urn:x"),
        *OFFER.media[1].header_extensions[-1:],
    )
    [plan] = taken(AUDIO, replace(VIDEO, header_extensions=strange))
    last = OFFER.media[1].header_extensions[-1]
    assert plan.rtp[1].header_extensions == ((last.id, last.uri),)


def test_order_is_the_answers() -> None:
    items = OFFER.media[1].payload_types
    video = replace(VIDEO, payload_types=(*items[4:], *items[:2]))
    assert [one.name for one in codecs(AUDIO, video)] == ["vp9", "vp8"]


def test_numbers_of_the_answers_own() -> None:
    vp8 = PayloadType(id=120, name="vp8", clockrate=90_000)
    apt = OFFER.media[1].payload_types[1].parameters
    rtx = PayloadType(
        id=121, name="rtx", clockrate=90_000, parameters=(replace(apt[0], value="120"),)
    )
    first, second = codecs(AUDIO, replace(VIDEO, payload_types=(vp8, rtx)))
    assert (first.payload_type, first.sent_type) == (96, 120)
    assert (first.rtx_payload_type, first.sent_rtx_type) == (97, 121)
    # And for a peer that sends what it said, not what we asked for:
    assert (second.payload_type, second.sent_type) == (120, None)
    assert second.rtx_payload_type == 121


def test_numbers_that_change_places() -> None:
    vp8, h264 = OFFER.media[1].payload_types[0], OFFER.media[1].payload_types[2]
    swapped = (replace(vp8, id=102), replace(h264, id=96))
    found = codecs(AUDIO, replace(VIDEO, payload_types=swapped))
    assert [(one.name, one.payload_type, one.sent_type) for one in found] == [
        ("vp8", 96, 102),
        ("h264", 102, 96),
    ]


def test_number_without_a_name_is_the_offers() -> None:
    [codec] = codecs(AUDIO, replace(VIDEO, payload_types=(PayloadType(id=98),)))
    assert (codec.name, codec.clock_rate) == ("vp9", 90_000)


def test_sources_of_the_answer_are_known() -> None:
    theirs = OFFER.media[1]
    video = replace(VIDEO, sources=theirs.sources, source_groups=theirs.source_groups)
    [plan] = taken(AUDIO, video)
    assert plan.rtp[1].remote_ssrcs == (1001,)
    assert plan.rtp[1].remote_rtx == ((1001, 2001),)


# Any answer


def a_section(offered: MediaDescription) -> st.SearchStrategy[MediaDescription]:
    """A section of an answer, right or wrong in any of its parts."""
    mostly_right = {
        "mid": st.sampled_from([offered.mid] * 30 + ["0", "7"]),
        "media": st.sampled_from([offered.media] * 30 + ["text"]),
        "port": st.sampled_from([9, 9, 9, 0]),
        "ice_ufrag": st.sampled_from(["one"] * 6 + ["two", "two", None]),
        "ice_pwd": st.sampled_from(["p" * 22] * 15 + [None]),
        "fingerprints": st.sampled_from([(THEIRS,)] * 15 + [(), (replace(THEIRS, hash="md5"),)]),
        "setup": st.sampled_from([Setup.ACTIVE, Setup.PASSIVE, None] * 5 + [*Setup]),
        "rtcp_mux": st.sampled_from([True] * 30 + [False]),
        "direction": st.sampled_from([*Direction, None]),
        "header_extensions": st.lists(st.sampled_from(offered.header_extensions)).map(tuple),
        "payload_types": st.lists(
            st.builds(
                lambda item, number: replace(item, id=number) if number else item,
                st.sampled_from([*offered.payload_types * 2, PayloadType(id=0)]),
                st.sampled_from([None] * 9 + [96, 98, 100, 102, 111]),
            ),
            unique_by=lambda item: item.id,
            min_size=1,
            max_size=8,
        ).map(tuple),
    }
    return st.fixed_dictionaries(mostly_right).map(lambda changes: answered(offered, **changes))


@given(
    st.tuples(*(a_section(section) for section in OFFER.media)),
    st.lists(st.lists(st.sampled_from(["0", "1", "7"]), max_size=3), max_size=2),
)
def test_any_answer_is_taken_or_refused(
    sections: tuple[MediaDescription, ...], groups: list[list[str]]
) -> None:
    given_groups = tuple(group_of("BUNDLE", tuple(names)) for names in groups)
    try:
        plans = take_answer(OFFER, Answer(groups=given_groups, media=sections), local())
    except CallError:
        return
    theirs = {one.mid: one for one in sections if not one.is_rejected}
    assert sorted(mid for plan in plans for mid in plan.mids) == sorted(theirs)
    ours = {one.mid: one for one in OFFER.media}
    for plan in plans:
        assert plan.local_ufrag == ours[plan.mids[0]].ice_ufrag
        assert plan.remote_ufrag == theirs[plan.mids[0]].ice_ufrag
        assert plan.remote_fingerprints == (THEIRS,)
        assert {theirs[mid].ice_ufrag for mid in plan.mids} <= {plan.remote_ufrag, None}
        for section in plan.rtp:
            assert section.codecs
            offered = {one.id for one in ours[section.mid].payload_types}
            own = {one.id for one in theirs[section.mid].payload_types}
            numbers = [one.payload_type for one in section.codecs]
            assert len(set(numbers)) == len(numbers)
            for codec in section.codecs:
                assert codec.payload_type in offered | own
                sent = codec.payload_type if codec.sent_type is None else codec.sent_type
                assert sent in own
