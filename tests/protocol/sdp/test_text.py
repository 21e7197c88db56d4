from collections.abc import Callable
from pathlib import Path

import pytest

from jinglebridge.errors import SdpError
from jinglebridge.protocol.sdp.description import Answer, Offer
from jinglebridge.protocol.sdp.text import (
    MAX_SECTIONS,
    MAX_SIZE,
    dumps,
    loads_answer,
    loads_offer,
    loads_section,
)
from tests.protocol.helpers import (
    AUDIO,
    DATA,
    HEAD,
    SDP_FILES,
    VIDEO,
    name_of,
    offered,
    read,
    sections,
    text_of,
)


def test_there_are_vectors() -> None:
    assert len(SDP_FILES) == 427


@pytest.mark.parametrize("path", SDP_FILES, ids=name_of)
def test_a_vector_comes_back_with_the_same_lines(path: Path) -> None:
    sdp = read(path)
    ours = dumps(loads_offer(sdp))
    assert sections(ours) == sections(sdp)
    assert dumps(loads_offer(ours)) == ours, "ours comes back byte for byte"


def test_offers_and_answers_are_different_types() -> None:
    assert type(loads_offer(text_of(*HEAD))) is Offer
    assert type(loads_answer(text_of(*HEAD))) is Answer


@pytest.mark.parametrize(
    "change",
    [
        lambda sdp: sdp.replace("\r\n", "\n"),
        lambda sdp: sdp.removesuffix("\r\n"),
        lambda sdp: sdp.replace("\r\n", " \t \r\n"),
        lambda sdp: sdp.replace("\r\n", "\r\n\r\n"),
        lambda sdp: sdp.replace("\r\n", "\n\n \n"),
    ],
    ids=["LF", "no last line end", "trailing space", "empty lines", "all"],
)
def test_sloppy_text_is_read_and_written_strictly(change: Callable[[str], str]) -> None:
    strict = text_of(*HEAD, *AUDIO, *VIDEO)
    written = dumps(loads_offer(strict))
    assert sections(written) == sections(strict)
    assert dumps(loads_offer(change(strict))) == written


def test_lines_are_written_in_the_order_of_the_standard() -> None:
    shuffled = (
        "v=0",
        "a=x",
        "t=0 0",
        "k=prompt",
        "b=AS:1",
        "c=IN IP4 192.0.2.1",
        "p=+1",
        "e=a@example.org",
        "u=http://example.org",
        "i=title",
        "s=name",
        "o=- 1 2 IN IP4 127.0.0.1",
        "y=unknown",
    )
    written = dumps(offered(*shuffled, *AUDIO, "a=x", "k=clear:x", "b=AS:2", "i=audio"))
    types = [line[0] for line in written.splitlines()]
    assert "".join(types) == "vosiuepcbtkay" + "micbkaa"


@pytest.mark.parametrize(
    ("part", "lines"),
    [
        (0, ("t=1 2",)),
        (0, ("c=IN IP4 192.0.2.1", "c=IN IP4 192.0.2.2")),
        (0, ("b=AS",)),
        (1, ("c=IN IP4 192.0.2.2",)),
        (1, ("b=AS", "b=X-Y:1")),
        (1, ("a=x y", "a=", "a=:z")),
        (1, ("y=unknown",)),
        (0, ("a=setup:active", "a=setup:passive")),
        (0, ("a=sendonly", "a=recvonly", "a=inactive:x")),
        (0, ("a=ice-ufrag:abcd", "a=ice-ufrag:efgh", "a=ice-options:a b")),
        (1, ("a=sendrecv", "a=sendonly")),
        (1, ("a=x:caf\u00e9\u00a0\u2003", "a=rtcp-fb:0 nack\u00a0pli", "a=msid:a\u00a0b c")),
        (1, ("a=ice-options:a\u00a0b c",)),
        (0, ("a=group:BUNDLE 0\u00a01", "a=group:LS", "a=group")),
    ],
)
def test_what_is_read_is_written(part: int, lines: tuple[str, ...]) -> None:
    head = (*HEAD, *lines) if part == 0 else HEAD
    sdp = text_of(*head, *AUDIO, *(lines if part else ()))
    assert sections(dumps(loads_offer(sdp))) == sections(sdp)


def test_what_stands_at_session_level_is_found_in_the_section() -> None:
    offer = offered(
        *HEAD,
        "a=ice-ufrag:abcd",
        "a=fingerprint:sha-256 AB:CD",
        "a=setup:actpass",
        "a=recvonly",
        *AUDIO,
        *VIDEO,
        "a=setup:active",
    )
    audio, video = offer.media
    assert audio.ice_ufrag == "abcd"
    assert audio.inherited == {"ice_ufrag", "fingerprints", "setup", "direction"}
    assert video.inherited == {"ice_ufrag", "fingerprints", "direction"}
    assert video.setup is not None
    assert video.setup.value == "active"
    assert dumps(offer).count("setup") == 2


def test_a_changed_value_is_written_where_it_differs_from_the_session() -> None:
    offer = offered(*HEAD, "a=setup:actpass", *AUDIO)
    changed = offer.with_media(
        tuple(
            type(item)(
                mid=item.mid,
                media=item.media,
                payload_types=item.payload_types,
                inherited=item.inherited,
            )
            for item in offer.media
        )
    )
    assert dumps(changed).count("a=setup") == 1, "the section says nothing of its own"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((), "the description is empty"),
        (("o=- 1 2 IN IP4 127.0.0.1",), "begins with v=0"),
        (("v=1",), "begins with v=0"),
        (("v=0", "v=0"), "begins with v=0"),
        (("v=0", "hello"), "type=value"),
        (("v=0", "="), "type=value"),
        (("v=0", "1=x"), "type=value"),
        (("v=0", "a=x\x00"), "control character"),
        (("v=0", "a=x\rm=audio"), "control character"),
        (("v=0", "o=x"), "not here"),
        ((*HEAD, "o=- 1 2 IN IP4 127.0.0.1"), "not here"),
        ((*HEAD, "s=again"), "not here"),
        ((*HEAD, "m=audio"), "not a media line"),
        ((*HEAD, *AUDIO, "v=0"), "a line of the session"),
        ((*HEAD, *AUDIO, "o=- 1 2 IN IP4 127.0.0.1"), "a line of the session"),
        ((*HEAD, *AUDIO, "a"), "type=value"),
        ((*HEAD, *AUDIO, "a=x\x0b"), "control character"),
        ((*HEAD, *AUDIO, "a=x\u2028y"), "control character"),
        ((*HEAD, *AUDIO, *AUDIO), "the same mid"),
        ((*HEAD, "m=audio 99999 RTP/AVP 0"), "not a media line"),
        ((*HEAD, "m=audio 9 RTP/AVP 128"), "different numbers to 127"),
        ((*HEAD, "m=audio 9 RTP/AVP 00"), "different numbers to 127"),
        ((*HEAD, "m=audio 9 RTP/AVP 1 1"), "different numbers to 127"),
        ((*HEAD, "m=audio 9 RTP/AVP x"), "different numbers to 127"),
    ],
)
def test_nonsense_is_refused(lines: tuple[str, ...], reason: str) -> None:
    with pytest.raises(SdpError, match=reason):
        loads_offer(text_of(*lines))


def test_an_error_says_where() -> None:
    with pytest.raises(SdpError) as caught:
        offered(*HEAD, *AUDIO, *VIDEO, "bad line")
    assert (caught.value.section, caught.value.line, caught.value.content) == (1, 11, "bad line")
    assert str(caught.value).startswith("section 1, line 11: ")


def test_sizes_are_bounded() -> None:
    with pytest.raises(SdpError, match="longer than"):
        loads_offer("v=0\r\n" + "a" * MAX_SIZE)
    line = "m=audio 9 RTP/AVP 0"
    assert len(offered(*HEAD, *[line] * MAX_SECTIONS).media) == MAX_SECTIONS
    with pytest.raises(SdpError, match="sections"):
        offered(*HEAD, *[line] * (MAX_SECTIONS + 1))
    with pytest.raises(SdpError, match="lines"):
        offered(*HEAD, *AUDIO, *["a=x"] * 4097)
    with pytest.raises(SdpError, match="type=value"):
        offered(*HEAD, *["a=x"] * 4097)


def test_one_section_can_be_read_alone() -> None:
    section = loads_section((*DATA, "a=sctp-port:5000"), index=3)
    assert (section.mid, section.sctp_port, section.formats) == ("2", 5000, ("webrtc-datachannel",))
    assert loads_section((), index=3).mid == "3"
    with pytest.raises(SdpError, match="section 3, line 2"):
        loads_section((*AUDIO[:1], "x"), index=3)


def test_an_empty_session_gets_the_usual_lines() -> None:
    assert dumps(loads_offer("v=0")) == text_of("v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=-", "t=0 0")
