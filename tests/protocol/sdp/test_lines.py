import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinglebridge.errors import SdpError
from jinglebridge.protocol.jingle.xep_0167 import Parameter, PayloadType
from jinglebridge.protocol.jingle.xep_0176 import Candidate
from jinglebridge.protocol.jingle.xep_0293 import RtcpFeedback, RtcpFeedbackInterval
from jinglebridge.protocol.sdp.lines import (
    build_candidate,
    build_feedback,
    build_fmtp,
    build_rtpmap,
    checked,
    number,
    parse_candidate,
    parse_feedback,
    parse_fmtp,
    word,
    words_of,
)

CONTROLS = [
    chr(code) for code in (*range(0x20), 0x7F, 0x85, 0x2028, 0x2029, 0xD800, 0xFFFE) if code != 9
]


@pytest.mark.parametrize("character", CONTROLS, ids=ascii)
def test_no_control_character_gets_into_a_line(character: str) -> None:
    for check in (checked, word):
        for text in (character, f"a{character}", f"{character}a", f"a{character}a=b:c"):
            with pytest.raises(SdpError) as caught:
                check(text, section=3)
            assert caught.value.section == 3


def test_a_word_has_no_space_and_is_not_empty() -> None:
    for text in ("", " ", "a b", "a\tb", "a ", "\ta"):
        with pytest.raises(SdpError, match="one word"):
            word(text)
    assert word("caf\u00e9\u00a0{}:/+") == "caf\u00e9\u00a0{}:/+"
    assert checked("a b\tc ") == "a b\tc "
    assert checked("") == ""


@given(st.text())
def test_what_passes_stays_one_line(text: str) -> None:
    try:
        passed = checked(text)
    except SdpError:
        return
    assert passed == text
    assert len(f"a={text}".splitlines()) == 1
    text.encode()


def test_words() -> None:
    assert words_of(" a  b\u00a0c ") == ("a", "b\u00a0c")
    assert words_of(None) == words_of("") == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("4294967295", 2**32 - 1),
        ("4294967296", None),
        ("00000000001", None),
        ("-1", None),
        ("1.0", None),
        ("", None),
        (None, None),
        ("\u0661", None),
        ("1e1", None),
    ],
)
def test_numbers(text: str | None, value: int | None) -> None:
    assert number(text) == value
    assert number("128", 127) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a=1;b=2", (("a", "1"), ("b", "2"))),
        ("a=1; b ;;", (("a", "1"), ("", "b"))),
        ("0-15,66", (("", "0-15,66"),)),
        ("sprop=Z0IA==,aM=;k=", (("sprop", "Z0IA==,aM="), ("k", ""))),
        ("=x", (("", "=x"),)),
        (" ; ", ()),
    ],
)
def test_codec_parameters(text: str, words: tuple[tuple[str, str], ...]) -> None:
    parameters = parse_fmtp(text)
    assert tuple((item.name, item.value) for item in parameters) == words
    assert parse_fmtp(build_fmtp(parameters)) == parameters


def test_parameters_of_peers_that_forget_a_half() -> None:
    assert build_fmtp((Parameter(name="111/111"), Parameter(value="x"), Parameter())) == "111/111;x"


@pytest.mark.parametrize(
    "text",
    ["nack", "nack pli", "ccm tmmbr smaxpr=120", "x y =z a= b=c=d", "trr-int 100", "app a b c"],
)
def test_feedback(text: str) -> None:
    kind, *words = text.split(" ")
    feedback = parse_feedback(kind, tuple(words))
    assert feedback is not None
    assert build_feedback("96", feedback) == f"rtcp-fb:96 {text}"
    assert isinstance(feedback, RtcpFeedbackInterval) == (kind == "trr-int")


@pytest.mark.parametrize("words", [(), ("1", "2"), ("x",), ("01",), ("99999999999",)])
def test_intervals_that_are_none(words: tuple[str, ...]) -> None:
    assert parse_feedback("trr-int", words) is None


def test_feedback_with_a_space_is_not_written() -> None:
    with pytest.raises(SdpError):
        build_feedback("*", RtcpFeedback(type="a b"))
    with pytest.raises(SdpError):
        build_feedback("*", RtcpFeedback(type="a", subtype="b c"))


def test_codecs() -> None:
    assert build_rtpmap(PayloadType(id=0)) is None
    assert build_rtpmap(PayloadType(id=0, name="PCMU")) is None
    assert build_rtpmap(PayloadType(id=1, name="a", clockrate=8000)) == "rtpmap:1 a/8000"
    opus = PayloadType(id=111, name="opus", clockrate=48000, channels=2)
    assert build_rtpmap(opus) == "rtpmap:111 opus/48000/2"
    with pytest.raises(SdpError):
        build_rtpmap(PayloadType(id=1, name="a b", clockrate=1))


LINE = "candidate:a+/1 1 UDP 4294967295 fe80::1%eth0 65535 typ host"


@pytest.mark.parametrize(
    "text",
    [
        LINE,
        "candidate:1 256 tcp 0 x.local 0 typ relay raddr 0.0.0.0 rport 0 tcptype so generation 3",
        f"{LINE} generation 0 ufrag x network-id 1 network-cost 999 generation 1",
        f"{LINE} raddr <x> x-foo bar",
    ],
)
def test_candidates_come_back(text: str) -> None:
    assert build_candidate(parse_candidate(f"a={text}")) == text


def test_the_parts_of_a_candidate() -> None:
    text = f"{LINE} raddr 192.0.2.1 rport 9 tcptype active generation 2 x y"
    assert parse_candidate(text) == Candidate(
        foundation="a+/1",
        component=1,
        protocol="UDP",
        priority=2**32 - 1,
        ip="fe80::1%eth0",
        port=65535,
        type="host",
        rel_addr="192.0.2.1",
        rel_port=9,
        tcptype="active",
        generation=2,
        extensions=(("x", "y"),),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "candidate:1",
        LINE.replace("candidate:a+/1", "candidate:a b"),
        LINE.replace(" 1 ", " 257 "),
        LINE.replace("65535", "65536"),
        LINE.replace("4294967295", "4294967296"),
        LINE.replace("fe80::1%eth0", "a\u2028b"),
        LINE.replace("fe80::1%eth0", "a!b"),
        LINE + " odd",
        LINE + "\r\na=injected:1",
        LINE.replace("host", "h" * 17),
    ],
)
def test_what_is_no_candidate(text: str) -> None:
    with pytest.raises(SdpError):
        parse_candidate(text)
