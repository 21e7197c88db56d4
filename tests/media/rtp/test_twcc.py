import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinglebridge.media.rtp.twcc import TransportFeedback, build_feedback, parse_feedback

deltas = st.one_of(
    st.none(), st.integers(0, 255), st.integers(-0x8000, 0x7FFF), st.just(0), st.just(4)
)
runs = st.lists(st.tuples(deltas, st.integers(1, 40)), min_size=1, max_size=40).map(
    lambda items: tuple(delta for delta, count in items for _ in range(count))
)
feedbacks = st.builds(
    TransportFeedback,
    sender_ssrc=st.integers(0, 0xFFFFFFFF),
    media_ssrc=st.integers(0, 0xFFFFFFFF),
    base_sequence=st.integers(0, 0xFFFF),
    reference_time=st.integers(0, 0xFFFFFF),
    count=st.integers(0, 0xFF),
    deltas=st.one_of(runs, st.lists(deltas, min_size=1, max_size=60).map(tuple)),
)


def feedback(*values: int | None) -> TransportFeedback:
    return TransportFeedback(
        sender_ssrc=1, media_ssrc=2, base_sequence=3, reference_time=4, count=5, deltas=values
    )


def packet(statuses: int, body: bytes) -> bytes:
    head = struct.pack("!BBHLLHHL", 0x8F, 205, 4 + len(body) // 4, 1, 2, 3, statuses, 4 << 8 | 5)
    return head + body


@settings(deadline=None, max_examples=60)
@given(feedbacks)
def test_round_trip(value: TransportFeedback) -> None:
    data = build_feedback(value)
    assert len(data) % 4 == 0
    assert len(data) == 4 + 4 * int.from_bytes(data[2:4], "big")
    assert parse_feedback(data) == value


def test_the_octets_of_a_run() -> None:
    data = build_feedback(feedback(*[8] * 7))
    assert data[20:] == bytes.fromhex("2007 08080808080808 000003")
    assert data[0] == 0x80 | 0x20 | 15  # padded (RFC 3550 §6.4.1)


def test_the_octets_of_a_vector() -> None:
    # draft-holmer §3.1.4's two-bit vector: not received, small, large, …
    data = build_feedback(feedback(None, 1, -2, None, None, None, 3, 4))
    assert data[20:] == bytes.fromhex("c601 2001 01 fffe 03 04 000003".replace(" ", ""))


def test_a_run_longer_than_one_chunk_can_say() -> None:
    value = feedback(1, *[None] * 9_000, 2)
    data = build_feedback(value)
    assert len(data) < 40
    assert parse_feedback(data) == value


def test_one_bit_vectors_are_understood() -> None:
    data = packet(16, bytes.fromhex("a001 2002 07 0809 0a00 0000".replace(" ", "")))
    assert parse_feedback(data).deltas == (7, *[None] * 12, 8, 9, 10)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(packet(0, b"\0\0\0\0"), id="no status"),
        pytest.param(packet(9, b""), id="no chunk"),
        pytest.param(packet(20_000, b"\x20\x07\x01\x01"), id="chunks truncated"),
        pytest.param(packet(7, b"\x20\x07\x01\x01"), id="small deltas truncated"),
        pytest.param(packet(7, b"\x40\x07\x01\x01\x02"), id="large deltas truncated"),
        pytest.param(packet(1, b"\x60\x01\x01\x01"), id="reserved status"),
        pytest.param(b"\x81" + packet(1, b"\x20\x01\x01\x01")[1:], id="another format"),
        pytest.param(b"\x8f\xce" + packet(1, b"\x20\x01\x01\x01")[2:], id="another type"),
    ],
)
def test_refuses_what_is_malformed(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"feedback|reserved"):
        parse_feedback(data)


@settings(deadline=None, max_examples=60)
@given(feedbacks, st.integers(0, 200), st.integers(0, 255))
def test_a_changed_octet_gives_a_value_or_a_value_error(
    value: TransportFeedback, at: int, octet: int
) -> None:
    data = bytearray(build_feedback(value))
    data[at % len(data)] = octet
    try:
        parse_feedback(bytes(data))
    except ValueError:
        return


def test_values_out_of_range_are_refused() -> None:
    with pytest.raises(struct.error):
        build_feedback(feedback(0x8000))
