import pytest

from jinglebridge.protocol.mapping.levels import (
    raised,
    section_levels,
    session_levels,
    unrepeated,
)
from jinglebridge.protocol.sdp.description import Direction, MediaDescription, SectionDefaults
from jinglebridge.protocol.sdp.text import dumps
from tests.protocol.helpers import AUDIO, DATA, HEAD, VIDEO, offered, sections, through

MIXED = "a=extmap-allow-mixed"
ABOVE = ("a=ice-ufrag:abcd", "a=ice-pwd:" + "p" * 22, "a=fingerprint:sha-256 AB:CD")


def test_a_field_above_all_sections_is_named_not_repeated() -> None:
    offer = offered(*HEAD, *ABOVE, "a=setup:actpass", "a=recvonly", *AUDIO, *VIDEO)
    rest, lines = session_levels(offer)
    assert rest == SectionDefaults()
    assert lines == ("~session ice_ufrag ice_pwd fingerprints setup direction",)
    assert all(section_levels(item, offer.defaults) == () for item in offer.media)


def test_what_the_first_live_section_says_otherwise_stays_a_line() -> None:
    offer = offered(*HEAD, "a=ice-ufrag:abcd", *AUDIO, "a=ice-ufrag:efgh")
    rest, lines = session_levels(offer)
    assert (rest.ice_ufrag, lines) == ("abcd", ())


def test_without_a_live_section_all_stays_lines() -> None:
    offer = offered(*HEAD, "a=ice-ufrag:abcd", "m=audio 0 RTP/AVP 0")
    assert session_levels(offer) == (offer.defaults, ())
    assert session_levels(offered(*HEAD, "a=ice-ufrag:abcd"))[1] == ()


def test_a_section_that_says_it_too_is_named() -> None:
    offer = offered(*HEAD, "a=ice-ufrag:abcd", *AUDIO, "a=ice-ufrag:abcd", *VIDEO)
    first, second = offer.media
    assert section_levels(first, offer.defaults) == ("~section ice_ufrag",)
    assert section_levels(second, offer.defaults) == ()


@pytest.mark.parametrize(
    "lines",
    [
        (*ABOVE, "a=sendonly", *AUDIO, *VIDEO),
        (*ABOVE, *AUDIO, *ABOVE, *VIDEO),
        (*ABOVE, *AUDIO, *VIDEO, *ABOVE),
        (*ABOVE, *AUDIO, "a=ice-ufrag:other", *VIDEO),
        ("a=inactive", *AUDIO, "a=sendrecv", *VIDEO, "a=inactive"),
        ("a=inactive", *AUDIO, "m=video 0 RTP/AVP 0", *VIDEO[1:], "a=inactive"),
        (MIXED, *AUDIO, MIXED, *VIDEO),
        (MIXED, *AUDIO, *VIDEO, MIXED, *DATA, MIXED),
        (MIXED, *AUDIO, "m=video 0 RTP/AVP 0", *VIDEO[1:], MIXED),
        ("c=IN IP4 192.0.2.1", *AUDIO, VIDEO[0], VIDEO[2]),
        ("c=IN IP4 0.0.0.0", AUDIO[0], AUDIO[2], *VIDEO, "c=IN IP4 192.0.2.9"),
    ],
)
def test_levels_come_back(lines: tuple[str, ...]) -> None:
    offer = offered(*HEAD, *lines)
    assert sections(dumps(through(offer))) == sections(dumps(offer))


def live(**values: object) -> MediaDescription:
    return MediaDescription(mid="0", media="audio", **values)  # type: ignore[arg-type] # a helper


def test_a_field_that_one_content_lacks_stands_at_no_level() -> None:
    said = SectionDefaults(ice_ufrag="line", direction=Direction.SENDONLY)
    both = [live(ice_ufrag="abcd"), live(ice_ufrag="efgh")]
    named = ("a=x", "~session ice_ufrag setup nonsense")
    assert raised(said, named, both) == SectionDefaults(ice_ufrag="abcd")
    assert raised(said, named, [*both, live()]) == SectionDefaults()
    assert raised(said, (), both) == SectionDefaults(ice_ufrag="line")
    assert raised(said, named, []) == said


def test_a_section_leaves_out_what_stands_above_it() -> None:
    defaults = SectionDefaults(ice_ufrag="abcd")
    section = live(ice_ufrag="abcd", ice_pwd="p")
    assert unrepeated(section, defaults, ()).inherited == {"ice_ufrag"}
    assert unrepeated(section, defaults, ("~section ice_ufrag",)).inherited == frozenset()
    assert unrepeated(live(ice_ufrag="efgh"), defaults, ()).inherited == frozenset()


def test_a_section_gets_what_stands_above_it() -> None:
    defaults = SectionDefaults(ice_ufrag="abcd", ice_options=("trickle",))
    section = unrepeated(live(ice_ufrag="efgh"), defaults, ())
    assert section == live(
        ice_ufrag="efgh", ice_options=("trickle",), inherited=frozenset({"ice_options"})
    )
