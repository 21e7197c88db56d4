"""Random legal descriptions through the conversion: both roles, offers, answers, whole sessions."""

from collections import Counter
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jinglebridge.convert import Role, SlotTable, jingle_to_sdp, sdp_to_jingle, slots_after
from jinglebridge.protocol.jingle.xep_0167 import Bandwidth, Crypto, Parameter, PayloadType
from jinglebridge.protocol.jingle.xep_0176 import Candidate, RemoteCandidate
from jinglebridge.protocol.jingle.xep_0293 import (
    FeedbackParameter,
    RtcpFeedback,
    RtcpFeedbackInterval,
)
from jinglebridge.protocol.jingle.xep_0320 import Fingerprint, Setup
from jinglebridge.protocol.jingle.xep_0338 import group_of
from jinglebridge.protocol.jingle.xep_0339 import Source, SourceParameter, source_group_of
from jinglebridge.protocol.jingle.xep_0507 import Category
from jinglebridge.protocol.sdp.description import (
    RTP_PROTOCOL,
    SCTP_PROTOCOL,
    Attribute,
    Direction,
    HeaderExtension,
    MediaDescription,
    Msid,
    Offer,
    Origin,
    Rid,
    SectionDefaults,
)
from jinglebridge.protocol.sdp.text import dumps, inherit, loads_offer
from tests.protocol.helpers import sections

ROLES: tuple[Role, ...] = get_args(Role)
RELAXED = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=120
)

TOKENS = st.text("abcXYZ019!#$%&'*+.^_`{|}~-", min_size=1, max_size=8)
MIDS = TOKENS | st.text("abc019-", min_size=17, max_size=40)
VISIBLE = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Z"])
WORDS = st.text(VISIBLE, min_size=1, max_size=8)
ICE = st.text("abcXYZ019+/", min_size=1, max_size=8)
TEXTS = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
COUNTS = st.integers(0, 2**32 - 1)
PORTS = st.integers(0, 65_535)
ADDRESSES = st.sampled_from(["192.0.2.1", "2001:db8::1", "fe80::1%eth0", "x-1.local", "0.0.0.0"])  # noqa: S104 # no socket


def some(values: st.SearchStrategy, most: int = 3, **more: object) -> st.SearchStrategy:
    return st.lists(values, max_size=most, **more).map(tuple)


def maybe(values: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | values


PARAMETERS = st.builds(
    Parameter, name=TOKENS, value=st.text("abc019=/,.+ -", min_size=1, max_size=6).map(str.strip)
) | st.builds(Parameter, name=st.just(""), value=st.text("019-,/x", min_size=1, max_size=6))
FEEDBACK = st.builds(
    RtcpFeedback,
    type=TOKENS.filter(lambda text: text != "trr-int"),
    subtype=TOKENS,
    parameters=some(
        st.builds(FeedbackParameter, name=TOKENS, value=maybe(st.text("abc=019", max_size=4))), 2
    ),
) | st.builds(RtcpFeedback, type=st.sampled_from(["nack", "transport-cc"]))
INTERVALS = maybe(st.builds(RtcpFeedbackInterval, value=COUNTS))
CODECS = st.builds(
    PayloadType,
    id=st.integers(0, 127),
    name=TOKENS,
    clockrate=COUNTS,
    channels=st.none(),
    parameters=some(PARAMETERS),
    rtcp_fb=some(FEEDBACK, 2),
    trr_int=INTERVALS,
) | st.builds(PayloadType, id=st.integers(0, 34), rtcp_fb=some(FEEDBACK, 1))
EXTENSIONS = st.builds(
    HeaderExtension,
    id=st.integers(1, 256) | st.integers(4096, 4351),
    uri=WORDS,
    direction=maybe(st.sampled_from(Direction)),
    config=maybe(TEXTS),
)
CANDIDATES = st.builds(
    Candidate,
    component=st.integers(1, 256),
    foundation=ICE,
    generation=maybe(st.integers(0, 255)),
    ip=ADDRESSES,
    port=PORTS,
    priority=st.integers(1, 2**32 - 1),
    protocol=st.sampled_from(["udp", "UDP", "tcp", "TCP", "Udp"]),
    rel_addr=maybe(ADDRESSES),
    rel_port=maybe(PORTS),
    tcptype=maybe(st.sampled_from(["active", "passive", "so"])),
    type=st.sampled_from(["host", "srflx", "prflx", "relay"]),
    extensions=some(
        st.tuples(st.sampled_from(["network-id", "network-cost", "ufrag", "x"]), WORDS), 2
    ),
)
DIGESTS = st.lists(st.integers(0, 255), min_size=1, max_size=4).map(
    lambda values: ":".join(f"{value:02X}" for value in values)
)
FINGERPRINTS = st.builds(Fingerprint, hash=TOKENS, value=DIGESTS)
SOURCES = st.builds(
    Source,
    ssrc=COUNTS,
    parameters=st.lists(
        st.builds(
            SourceParameter,
            name=WORDS.map(lambda text: text.replace(":", "_")),
            value=maybe(TEXTS),
        ),
        min_size=1,
        max_size=2,
    ).map(tuple),
)
GROUPS = st.builds(source_group_of, TOKENS, some(COUNTS))
CRYPTOS = st.builds(Crypto, suite=WORDS, key_params=WORDS, session_params=maybe(TEXTS), tag=WORDS)
REMOTE = st.builds(RemoteCandidate, component=st.integers(0, 256), ip=ADDRESSES, port=PORTS)
UNKNOWN = st.builds(
    Attribute, name=st.sampled_from(["x", "X-y", "rtcp", "tls-id", "imageattr"]), value=maybe(TEXTS)
)
OTHER_LINES = some(st.builds("i={}".format, TEXTS), 1)


CONNECTIONS = st.just("IN IP4 0.0.0.0") | ADDRESSES.map("IN IP4 {}".format)


@st.composite
def common(draw: st.DrawFn) -> dict[str, object]:
    """What sections of both kinds have."""
    fingerprints = draw(some(FINGERPRINTS, 2))
    return {
        "direction": draw(maybe(st.sampled_from(Direction))),
        "connection": draw(CONNECTIONS),
        "ice_ufrag": draw(maybe(ICE.map("{}ufra".format))),
        "ice_pwd": draw(maybe(ICE.map(lambda text: text + "p" * 22))),
        "ice_options": draw(some(TOKENS)),
        "candidates": draw(some(CANDIDATES)),
        "end_of_candidates": draw(st.booleans()),
        "remote_candidates": draw(some(REMOTE, 2)),
        "fingerprints": fingerprints,
        # XEP-0320 §2: a setup goes with a fingerprint
        "setup": draw(maybe(st.sampled_from(Setup))) if fingerprints else None,
        "max_message_size": draw(maybe(COUNTS)),
        "attributes": draw(some(UNKNOWN)),
        "other_lines": draw(OTHER_LINES),
    }


@st.composite
def rtp_sections(draw: st.DrawFn) -> MediaDescription:
    media = draw(st.sampled_from(["audio", "video", "text", "application"]))
    codecs = draw(st.lists(CODECS, min_size=1, max_size=3, unique_by=lambda item: item.id))
    if media != "video":
        codecs = [
            replace(item, channels=draw(maybe(st.integers(0, 255)))) if item.name else item
            for item in codecs
        ]
    return MediaDescription(
        mid="0",
        media=media,
        port=draw(st.just(9) | st.integers(1, 65_535)),
        protocol=draw(st.sampled_from([RTP_PROTOCOL, "RTP/AVP", "TCP/TLS/RTP/SAVPF"])),
        payload_types=tuple(codecs),
        bandwidths=draw(some(st.builds(Bandwidth, type=TOKENS, value=WORDS), 2)),
        rtcp_fb=draw(some(FEEDBACK, 2)),
        trr_int=draw(INTERVALS),
        ptime=draw(maybe(COUNTS)),
        maxptime=draw(maybe(COUNTS)),
        header_extensions=draw(some(EXTENSIONS)),
        extmap_allow_mixed=draw(st.booleans()),
        rtcp_mux=draw(st.booleans()),
        rtcp_rsize=draw(st.booleans()),
        categories=draw(some(st.builds(Category, name=TOKENS), 2)),
        cryptos=draw(some(CRYPTOS, 2)),
        sources=draw(some(SOURCES, 2, unique_by=lambda item: item.ssrc)),
        source_groups=draw(some(GROUPS, 2)),
        msids=draw(some(st.builds(Msid, stream=WORDS, track=maybe(WORDS)), 2)),
        rids=draw(
            some(
                st.builds(
                    Rid,
                    id=st.text("abc019-_", min_size=1, max_size=4),
                    direction=st.sampled_from(["send", "recv"]),
                    parameters=maybe(TEXTS),
                ),
                2,
            )
        ),
        simulcast=draw(maybe(TEXTS)),
        bundle_only=draw(st.booleans()),
        **draw(common()),
    )


@st.composite
def data_sections(draw: st.DrawFn) -> MediaDescription:
    return MediaDescription(
        mid="0",
        media="application",
        port=draw(st.just(9) | st.integers(1, 65_535)),
        protocol=draw(st.sampled_from([SCTP_PROTOCOL, "TCP/DTLS/SCTP", "DTLS/SCTP"])),
        formats=(draw(st.sampled_from(["webrtc-datachannel", "5000"])),),
        sctp_port=draw(maybe(PORTS)),
        **draw(common()),
    )


SECTIONS = rtp_sections() | data_sections()


@st.composite
def described(draw: st.DrawFn, media: tuple[MediaDescription, ...]) -> str:
    """A description with these sections, and what may stand above them."""
    connection = draw(maybe(CONNECTIONS))
    if connection is not None:
        # RFC 8866 §5.7: needed in a section only where it stands not above all
        media = tuple(
            replace(section, connection=draw(st.sampled_from([None, section.connection])))
            for section in media
        )
    mids = [section.mid for section in media]
    defaults = SectionDefaults(
        ice_ufrag=draw(maybe(ICE.map("{}ufra".format))),
        ice_pwd=draw(maybe(ICE.map(lambda text: text + "p" * 22))),
        ice_options=draw(some(TOKENS, 2)),
        fingerprints=draw(st.tuples(FINGERPRINTS)),
        setup=draw(maybe(st.sampled_from(Setup))),
        direction=draw(maybe(st.sampled_from(Direction))),
    )
    group = st.builds(
        group_of, st.sampled_from(["BUNDLE", "LS"]), some(st.sampled_from(mids), unique=True)
    )
    offer = Offer(
        origin=Origin(session_id=str(draw(COUNTS)), version=str(draw(COUNTS))),
        name=draw(st.just("-") | TEXTS),
        bandwidths=draw(some(st.builds(Bandwidth, type=TOKENS, value=WORDS), 1)),
        groups=draw(some(group, 2)),
        extmap_allow_mixed=draw(st.booleans()),
        connection=connection,
        ice_lite=draw(st.booleans()),
        defaults=draw(st.just(SectionDefaults()) | st.just(defaults)),
        attributes=draw(some(UNKNOWN)),
        media=media,
    )
    shared = tuple(inherit(section, offer.defaults) for section in offer.media)
    return dumps(offer.with_media(shared))


@st.composite
def placed(draw: st.DrawFn, most: int = 3) -> tuple[MediaDescription, ...]:
    """Sections under different mids, some of them rejected."""
    found = draw(st.lists(SECTIONS, min_size=1, max_size=most))
    names = draw(st.lists(MIDS, min_size=len(found), max_size=len(found), unique=True))
    return tuple(
        replace(section, mid=name, port=0 if draw(st.integers(0, 5)) == 0 else section.port)
        for section, name in zip(found, names, strict=True)
    )


DESCRIPTIONS = placed().flatmap(described)


def changes(found: str, wanted: str) -> list[str]:
    """The lines that are missing or new, section by section."""
    parts = zip_longest(sections(found), sections(wanted), fillvalue=Counter())
    return [
        f"{number - 1}: {sign} {line}"
        for number, (new, old) in enumerate(parts)
        for sign, lines in (("-", old - new), ("+", new - old))
        for line in lines
    ]


@RELAXED
@given(
    DESCRIPTIONS, st.sampled_from(ROLES), st.sampled_from(["session-initiate", "session-accept"])
)
def test_any_legal_description_comes_back(sdp: str, role: Role, action: str) -> None:
    jingle = sdp_to_jingle(sdp, role=role, action=action, sid="sid1")
    back = jingle_to_sdp(jingle, role=role)
    assert changes(back, sdp) == []
    assert sdp_to_jingle(back, role=role, action=action, sid="sid1") == jingle


def like(offered: MediaDescription, section: MediaDescription) -> MediaDescription:
    """A section as an answer to another one: its media, of which video has no channels."""
    codecs = section.payload_types
    if offered.media == "video":
        codecs = tuple(replace(item, channels=None) for item in codecs)
    return replace(section, mid=offered.mid, media=offered.media, payload_types=codecs)


@RELAXED
@given(st.data(), placed(), st.sampled_from(ROLES))
def test_an_answer_to_it_comes_back(
    data: st.DataObject, media: tuple[MediaDescription, ...], offerer: Role
) -> None:
    offer = data.draw(described(media))
    role: Role = "responder" if offerer == "initiator" else "initiator"
    answered = tuple(
        like(section, data.draw(SECTIONS)) if not section.is_rejected else section
        for section in media
    )
    # an answer keeps each section's media
    answered = tuple(
        new if new.is_rtp == old.is_rtp else replace(old, port=0)
        for new, old in zip(answered, media, strict=True)
    )
    answer = data.draw(described(answered))
    slots = slots_after(offer, role=offerer)
    assert slots_after(answer, role=role, slots=slots) == slots
    jingle = sdp_to_jingle(answer, role=role, action="session-accept", sid="sid1", slots=slots)
    back = jingle_to_sdp(jingle, role=role, offer=offer, slots=slots)
    assert changes(back, answer) == []


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one party does to the session before it offers again."""

    role: Role
    added: tuple[MediaDescription, ...]
    stopped: int
    recycled: MediaDescription


TURNS = st.builds(
    Turn,
    role=st.sampled_from(ROLES),
    added=some(SECTIONS, 1),
    stopped=st.integers(0, 5),
    recycled=SECTIONS,
)


@settings(RELAXED, max_examples=60)
@given(st.data(), placed(2), st.lists(TURNS, min_size=1, max_size=4))
def test_a_session_comes_back_with_its_table(
    data: st.DataObject, media: tuple[MediaDescription, ...], turns: list[Turn]
) -> None:
    slots = SlotTable()
    taken = {section.mid for section in media}
    names = (f"n{number}" for number in range(100) if f"n{number}" not in taken)
    for number, turn in enumerate((None, *turns)):
        role: Role = "initiator" if turn is None else turn.role
        if turn is not None:
            now = list(media)
            for index, section in enumerate(now):
                if section.is_rejected:
                    now[index] = replace(turn.recycled, mid=next(names))
                elif index == turn.stopped:
                    now[index] = replace(section, port=0, bundle_only=False)
            media = (*now, *(replace(item, mid=next(names)) for item in turn.added))
        sdp = data.draw(described(media))
        after = slots_after(sdp, role=role, slots=slots)
        action = "session-initiate" if number == 0 else "content-add"
        jingle = sdp_to_jingle(sdp, role=role, action=action, sid="sid1", slots=slots)
        assert changes(jingle_to_sdp(jingle, role=role, slots=after), sdp) == []
        kept = [
            (old, new)
            for old, new in zip(slots.slots, after.slots, strict=False)
            if old.mid == new.mid
        ]
        assert all(old == new for old, new in kept)
        keys = {(slot.creator, slot.name) for slot in after.slots}
        assert len(keys) == len({slot.mid for slot in after.slots}) == len(media)
        slots = after


def test_the_strategies_make_what_they_say() -> None:
    """Each field of a section is filled by some example."""
    found: set[str] = set()

    @settings(RELAXED, database=None, max_examples=60)
    @given(DESCRIPTIONS)
    def collect(sdp: str) -> None:
        for section in loads_offer(sdp).media:
            for name in MediaDescription.__dataclass_fields__:
                if getattr(section, name):
                    found.add(name)

    collect()
    assert set(MediaDescription.__dataclass_fields__) - found <= {"fmtp_texts"}
