import pytest

from jinglebridge.media.rtp.packet import read_header
from jinglebridge.media.rtp.parameters import RtpSection
from jinglebridge.media.rtp.rewriting import plan_rewriting
from tests.media.rtp.harness import (
    EXTENSIONS,
    LEVEL,
    X_LEVEL,
    X_MID,
    X_RID,
    X_RRID,
    X_TWCC,
    Packet,
    rtp,
    video_section,
)

HERE = video_section()


def rewrite(data: bytes, sink: RtpSection) -> Packet:
    header = read_header(data)
    assert header is not None
    packet = bytearray(data)
    for start, end, octets in plan_rewriting(header, HERE, sink).patches:
        assert end - start == len(octets)
        packet[start:end] = octets
    return Packet(bytes(packet))


@pytest.mark.parametrize("two_byte", [False, True])
def test_rids_go_and_the_unknown_stays(two_byte: bool) -> None:
    data = rtp(
        1,
        extensions=(
            (X_LEVEL, b"\x45"),
            (X_RID, b"hi"),
            (9, b"unknown"),
            (X_MID, b"1"),
            (X_RRID, b"hi"),
        ),
        two_byte=two_byte,
    )
    sent = rewrite(data, HERE)
    assert sent.extensions == {X_LEVEL: b"\x45", 9: b"unknown", X_MID: b"1"}
    assert sent.payload == b"payload 1"


@pytest.mark.parametrize("two_byte", [False, True])
def test_elements_get_the_other_sections_ids(two_byte: bool) -> None:
    sink = video_section(header_extensions=((7, LEVEL), (5, dict(EXTENSIONS)[X_MID])))
    data = rtp(
        1,
        extensions=((X_LEVEL, b"\x45"), (X_TWCC, b"\0\1"), (X_MID, b"1"), (9, b"unknown")),
        two_byte=two_byte,
    )
    assert rewrite(data, sink).extensions == {7: b"\x45", 5: b"1"}


def test_an_id_that_the_form_cannot_hold_goes() -> None:
    sink = video_section(header_extensions=((20, LEVEL),))
    assert rewrite(rtp(1, extensions=((X_LEVEL, b"\x45"),)), sink).extensions == {}
    data = rtp(1, extensions=((X_LEVEL, b"\x45"),), two_byte=True)
    assert rewrite(data, sink).extensions == {20: b"\x45"}


def test_the_mid_becomes_the_sinks() -> None:
    data = rtp(1, extensions=((X_MID, b"1"),))
    assert rewrite(data, video_section(mid="7")).extensions == {X_MID: b"7"}


def test_a_mid_of_another_length_is_inserted() -> None:
    header = read_header(rtp(1, extensions=((X_MID, b"1"),)))
    assert header is not None
    plan = plan_rewriting(header, HERE, video_section(mid="long"))
    assert plan.adds_mid


def test_elements_of_a_wrong_size_are_left_alone() -> None:
    data = rtp(1, extensions=((X_TWCC, b"\0\1\2"), (2, b"\0\1")))
    header = read_header(data)
    assert header is not None
    plan = plan_rewriting(header, HERE, HERE)
    assert (plan.transport_cc_at, plan.abs_send_time_at, plan.patches) == (0, 0, [])
