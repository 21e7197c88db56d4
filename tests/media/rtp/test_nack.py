from aiortc.rtp import RtcpPacket, RtcpRtpfbPacket
from hypothesis import given, settings
from hypothesis import strategies as st

from jinglebridge.media.rtp.nack import MissingPackets, build_nacks


def read(packets: list[bytes]) -> list[int]:
    found: list[int] = []
    for data in packets:
        (part,) = RtcpPacket.parse(data)
        assert isinstance(part, RtcpRtpfbPacket)
        assert (part.fmt, part.ssrc, part.media_ssrc) == (1, 5, 6)
        found += [sequence & 0xFFFF for sequence in part.lost]
    return found


@settings(deadline=None, max_examples=60)
@given(st.sets(st.integers(0, 200_000), max_size=300))
def test_builds_what_aiortc_reads(sequences: set[int]) -> None:
    ordered = sorted(sequences)
    assert read(build_nacks(5, 6, ordered)) == [sequence & 0xFFFF for sequence in ordered]


def test_one_item_holds_seventeen_even_over_the_wrap() -> None:
    (data,) = build_nacks(5, 6, range(65_530, 65_547))
    assert len(data) == 16
    assert read([data]) == [sequence & 0xFFFF for sequence in range(65_530, 65_547)]


def test_many_take_several_packets() -> None:
    packets = build_nacks(5, 6, range(0, 512 * 20, 20))
    assert [len(data) for data in packets] == [12 + 256 * 4] * 2


def test_asks_at_once_then_after_each_round_trip_then_gives_up() -> None:
    missing = MissingPackets()
    assert missing.add(10, 12, 1.0)
    assert missing.due(1.0, 0.1) == [10, 11]
    assert missing.due(1.05, 0.1) == []
    assert missing.found(10)
    assert not missing.found(10)
    assert missing.due(1.1, 0.1) == [11]
    assert len(missing) == 1
    assert missing.due(2.0, 0.1) == []
    assert len(missing) == 0
    assert not missing.found(11)


def test_asks_no_more_than_ten_times() -> None:
    missing = MissingPackets()
    missing.add(10, 11, 0.0)
    asked = sum(len(missing.due(tick * 0.02, 0.001)) for tick in range(49))
    assert asked == 10
    assert missing.found(10)


def test_gives_up_when_too_much_is_missing() -> None:
    missing = MissingPackets()
    assert missing.add(0, 500, 0.0)
    assert not missing.add(600, 700, 0.0)
    assert len(missing) == 0
    missing.add(700, 710, 0.0)
    missing.clear()
    assert len(missing) == 0
