import pytest

from jinglebridge.protocol.sdp.description import Attribute, Direction, MediaDescription, Msid, Rid
from jinglebridge.protocol.sdp.text import loads_section
from jinglebridge.protocol.sdp.writer import write_section
from tests.protocol.helpers import AUDIO


def section(*lines: str) -> MediaDescription:
    return loads_section((*AUDIO, *lines))


@pytest.mark.parametrize(
    "line",
    [
        "a=rtpmap:96 VP8/90000",
        "a=rtpmap:300 VP8/90000",
        "a=rtpmap:111 opus/99999999999",
        "a=rtpmap:111 opus/48000/256",
        "a=fmtp:96 a=b",
        "a=fmtp:300 a=b",
        "a=fmtp:111 ;",
        "a=rtcp-fb:96 nack",
        "a=rtcp-fb:300 nack",
        "a=rtcp-fb:111 trr-int x",
        "a=rtcp-fb:* trr-int x",
        "a=extmap:65536 urn:x",
        "a=ssrc:4294967296 cname:x",
        "a=ssrc-group:FID 1 4294967296",
        "a=candidate:1 1 udp 1 192.0.2.1 9 typ host rport 70000",
        "a=candidate:1 257 udp 1 192.0.2.1 9 typ host",
        "a=candidate:1 1 udp 1 192.0.2.1 9 typ host generation 0 tcptype active",
        "a=fingerprint:sha-256 xx",
        "a=setup:ACTIVE",
        "a=ptime:99999999999",
        "a=sctp-port:65536",
        "a=group:BUNDLE 0",
        "a=ice-lite",
        "a=rtcp-mux:x",
        "a=unknown",
        "a=fmtp:111 a=\tb",
        "a=mid:\t1",
    ],
)
def test_a_line_that_no_field_takes_is_kept(line: str) -> None:
    read = section(line)
    name, colon, value = line[2:].partition(":")
    assert read.attributes == (Attribute(name=name, value=value if colon else None),)
    assert list(write_section(read)).count(line) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a=rtpmap:111 opus/48000/2", "a=rtpmap:111 other/1"),
        ("a=mid:x", "a=mid:y"),
        ("a=setup:active", "a=setup:passive"),
        ("a=ice-ufrag:abcd", "a=ice-ufrag:efgh"),
        ("a=ptime:20", "a=ptime:30"),
        ("a=rtcp-mux", "a=rtcp-mux"),
        ("a=sendonly", "a=recvonly"),
        ("a=ice-options:a b", "a=ice-options:c"),
        ("a=rtcp-fb:111 trr-int 1", "a=rtcp-fb:111 trr-int 2"),
        ("a=rtcp-fb:* trr-int 1", "a=rtcp-fb:* trr-int 2"),
    ],
)
def test_the_first_of_two_counts_and_the_second_is_kept(first: str, second: str) -> None:
    read = loads_section((*AUDIO[:2], first, second))
    assert f"a={read.attributes[0].name}" == second.partition(":")[0]
    written = list(write_section(read))
    assert first in written
    assert second in written


def test_what_a_section_says() -> None:
    read = section(
        "a=recvonly",
        "a=msid:- t",
        "a=msid:s",
        "a=rid:h send pt=111;max-width=1",
        "a=rid:l recv",
        "a=simulcast:send h;~l",
        "a=max-message-size:0",
        "a=ssrc:1 a:b",
        "a=ssrc:2 c",
        "a=ssrc:1 d:",
        "a=ssrc-group:FID 1 2",
        "a=extmap:1/recvonly urn:x a b",
        "a=fmtp:111 a=1",
        "a=fmtp:111 b=2; c",
        "a=fmtp:0 x=1",
    )
    assert read.direction is Direction.RECVONLY
    assert read.msids == (Msid(stream="-", track="t"), Msid(stream="s"))
    assert read.rids == (
        Rid(id="h", direction="send", parameters="pt=111;max-width=1"),
        Rid(id="l", direction="recv"),
    )
    assert (read.simulcast, read.max_message_size) == ("send h;~l", 0)
    assert [source.ssrc for source in read.sources] == [1, 2]
    assert [item.value for item in read.sources[0].parameters] == ["b", ""]
    assert read.source_groups[0].ssrcs == (1, 2)
    assert read.header_extensions[0].config == "a b"
    assert [item.name for item in read.payload_type(111).parameters] == ["a", "b", ""]
    assert read.payload_type(111).parameter("b") == "2"
    assert read.payload_type(111).parameter("x") is None
    assert read.fmtp_texts == ((111, "a=1"), (111, "b=2; c"))
    assert read.attributes == ()


@pytest.mark.parametrize(
    "line",
    [
        "a=content:sl\u00efdes",
        "a=content:slides," + "x" * 65,
        "a=remote-candidates:1 192.0.2.1 65536",
        "a=remote-candidates:257 192.0.2.1 9",
        "a=remote-candidates:1 bad! 9",
    ],
)
def test_a_value_that_jingle_does_not_allow_is_kept_as_it_stands(line: str) -> None:
    section = loads_section((*AUDIO, line))
    assert (section.categories, section.remote_candidates) == ((), ())
    assert line in write_section(section)
