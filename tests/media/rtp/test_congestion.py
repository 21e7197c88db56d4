import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinglebridge.media.rtp.congestion import (
    REMB_FIRST,
    REMB_LEAST,
    REMB_MOST,
    ReceiveEstimate,
    TransportCc,
)
from jinglebridge.media.rtp.twcc import parse_feedback


def statuses(packets: list[bytes]) -> dict[int, float | None]:
    """Arrival times by 16-bit sequence number, in seconds since the reference's zero."""
    found: dict[int, float | None] = {}
    for data in packets:
        feedback = parse_feedback(data)
        at = feedback.reference_time * 256
        for index, delta in enumerate(feedback.deltas):
            number = (feedback.base_sequence + index) & 0xFFFF
            if delta is None:
                found[number] = None
            else:
                at += delta
                found[number] = at * 0.000_25
    return found


def test_reports_arrivals_and_losses() -> None:
    cc = TransportCc()
    for number, at in ((10, 1.000), (11, 1.005), (14, 1.010), (13, 1.020)):
        cc.received(number, at)
    assert cc.is_due(1.02)
    found = statuses(cc.feedback(1, 2, 1.1))
    assert found == {
        10: pytest.approx(1.000, abs=0.0003),
        11: pytest.approx(1.005, abs=0.0003),
        12: None,
        13: pytest.approx(1.020, abs=0.0003),
        14: pytest.approx(1.010, abs=0.0003),
    }


def test_every_100_ms_and_only_when_something_is_new() -> None:
    cc = TransportCc()
    assert not cc.is_due(1.0)
    cc.received(1, 1.0)
    assert cc.is_due(1.0)
    cc.feedback(1, 2, 1.0)
    assert not cc.is_due(2.0)
    cc.received(2, 1.01)
    assert not cc.is_due(1.08)
    assert cc.is_due(1.1)


def test_a_loss_between_two_feedbacks_is_reported() -> None:
    cc = TransportCc()
    cc.received(1, 1.0)
    assert set(statuses(cc.feedback(1, 2, 1.0))) == {1}
    cc.received(3, 1.1)
    assert statuses(cc.feedback(1, 2, 1.1))[2] is None


def test_a_late_packet_is_reported_with_its_successors() -> None:
    cc = TransportCc()
    for number in (1, 2, 4, 5):
        cc.received(number, 1.0)
    cc.feedback(1, 2, 1.0)
    cc.received(3, 1.1)
    cc.received(6, 1.1)
    found = statuses(cc.feedback(1, 2, 1.1))
    assert set(found) == {3, 4, 5, 6}
    assert None not in found.values()


def test_what_is_older_than_half_a_second_is_forgotten() -> None:
    cc = TransportCc()
    for number in (1, 2, 4):
        cc.received(number, 1.0)
    cc.feedback(1, 2, 1.0)
    cc.received(5, 2.0)
    cc.feedback(1, 2, 2.0)
    cc.received(3, 2.1)
    found = statuses(cc.feedback(1, 2, 2.1))
    assert found[4] is None
    assert found[5] == pytest.approx(2.0, abs=0.0003)


def test_numbers_wrap() -> None:
    cc = TransportCc()
    for number in (65_534, 65_535, 0, 2):
        cc.received(number, 3.0)
    packets = cc.feedback(1, 2, 3.0)
    assert len(packets) == 1
    assert list(statuses(packets)) == [65_534, 65_535, 0, 1, 2]


def test_a_duplicate_is_reported_once() -> None:
    cc = TransportCc()
    cc.received(1, 1.0)
    cc.received(1, 1.2)
    assert statuses(cc.feedback(1, 2, 1.3)) == {1: pytest.approx(1.0, abs=0.0003)}


def test_feedback_packets_are_counted_and_their_count_wraps() -> None:
    cc = TransportCc()
    counts = []
    for number in range(258):
        cc.received(number, number * 0.1)
        counts += [parse_feedback(data).count for data in cc.feedback(1, 2, number * 0.1)]
    assert counts == [*range(256), 0, 1]


def test_a_long_gap_is_not_spelled_out() -> None:
    cc = TransportCc()
    cc.received(1, 1.0)
    cc.received(30_000, 1.01)
    packets = cc.feedback(1, 2, 1.02)
    assert [parse_feedback(data).base_sequence for data in packets] == [1, 30_000]
    assert sum(len(data) for data in packets) < 100


def test_much_at_once_takes_several_packets_below_the_mtu() -> None:
    cc = TransportCc()
    for number in range(0, 2_400, 2):
        cc.received(number, 1.0 + number / 1_000)
    packets = cc.feedback(1, 2, 4.0)
    assert max(map(len, packets)) < 1_200
    found = statuses(packets)
    assert sorted(found) == list(range(2_399))
    assert sum(at is not None for at in found.values()) == 1_200


def test_a_pause_longer_than_a_delta_can_say_begins_another_packet() -> None:
    cc = TransportCc()
    cc.received(1, 1.0)
    cc.received(2, 10.0)
    assert statuses(cc.feedback(1, 2, 10.0)) == {1: 1.0, 2: 10.0}


def test_a_sender_that_numbers_afresh_is_followed() -> None:
    cc = TransportCc()
    cc.received(30_000, 1.0)
    cc.feedback(1, 2, 1.0)
    cc.received(29_999, 1.05)
    cc.received(20_000, 1.1)
    cc.received(20_001, 1.1)
    assert set(statuses(cc.feedback(1, 2, 1.1))) == {20_000, 20_001}
    cc.received(20_002, 1.2)
    assert set(statuses(cc.feedback(1, 2, 1.2))) == {20_002}


def test_arrivals_are_bounded() -> None:
    cc = TransportCc()
    for number in range(20_000):
        cc.received(number & 0xFFFF, 1.0)
    assert len(statuses(cc.feedback(1, 2, 1.0))) == 5_000


def test_our_own_numbers_wrap() -> None:
    cc = TransportCc()
    numbers = [cc.next_sequence() for _ in range(65_537)]
    assert numbers[65_535] == 0
    assert numbers[65_536] == numbers[0] == 1


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 0xFFFF), st.floats(0, 20)), min_size=1, max_size=30),
        max_size=12,
    )
)
def test_anything_can_be_reported(rounds: list[list[tuple[int, float]]]) -> None:
    cc = TransportCc()
    now = 0.0
    for arrivals in rounds:
        for number, wait in arrivals:
            now += wait
            cc.received(number, now)
        now += 0.1
        packets = cc.feedback(1, 2, now)
        last = arrivals[-1][0]
        assert statuses(packets)[last] is not None
        assert max(map(len, packets)) < 1_200


def test_the_estimate_follows_what_arrives() -> None:
    estimate = ReceiveEstimate()
    first = estimate.update(received=1_000_000, lost=0.0)
    assert REMB_FIRST < first < 1_000_000
    grown = first
    for _ in range(60):
        grown = estimate.update(received=2_500_000, lost=0.0)
    assert grown == REMB_MOST
    assert estimate.update(received=1_000_000, lost=0.05) == REMB_MOST
    assert estimate.update(received=1_000_000, lost=0.2) == 900_000
    assert estimate.update(received=0, lost=0.9) == REMB_LEAST
