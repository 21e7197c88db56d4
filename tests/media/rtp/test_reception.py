import random

import pytest

from jinglebridge.media.rtp.reception import NOT_WANTED, Reception


def receive(reception: Reception, *sequences: int, now: float = 1.0) -> list[int]:
    return [reception.arrived(item & 0xFFFF, item * 960, 48_000, now) for item in sequences]


def test_numbers_go_on_over_the_wrap() -> None:
    reception = Reception()
    first, *others = receive(reception, 65_534, 65_535, 65_536, 65_537)
    assert others == [first + 1, first + 2, first + 3]
    assert first & 0xFFFF == 65_534
    assert reception.report(1, 0, 0).highest_sequence == 0x1_0001
    assert (reception.packets, reception.lost) == (4, 0)


def test_a_stream_may_begin_at_zero() -> None:
    reception = Reception()
    first, second = receive(reception, 0, 1)
    assert second == first + 1
    assert reception.report(1, 0, 0).highest_sequence == 1


def test_a_late_packet_finds_its_place_once() -> None:
    reception = Reception()
    first, *_ = receive(reception, 10, 11, 14)
    assert list(reception.missing.due(1.0, 1.0)) == [first + 2, first + 3]
    assert receive(reception, 12) == [first + 2]
    assert receive(reception, 12, 14, 10) == [NOT_WANTED] * 3
    assert (reception.recovered, reception.duplicates, reception.lost) == (1, 3, 1)


def test_what_a_retransmission_brings_is_placed_but_counts_as_lost() -> None:
    reception = Reception()
    assert reception.restored(10, 1.0) == NOT_WANTED
    first, *_ = receive(reception, 10, 12)
    assert reception.restored(11, 1.0) == first + 1
    assert reception.restored(11, 1.0) == NOT_WANTED
    assert reception.restored(12, 1.0) == NOT_WANTED
    assert reception.restored(20_000, 1.0) == NOT_WANTED
    assert reception.restored(13, 1.0) == first + 3  # lost at the tail
    assert (reception.recovered, reception.lost) == (2, 2)
    assert receive(reception, 14) == [first + 4]


def test_a_leap_needs_a_second_packet_to_be_believed() -> None:
    reception = Reception()
    first, *_ = receive(reception, 100, 101)
    assert receive(reception, 30_000) == [NOT_WANTED]
    assert receive(reception, 102) == [first + 2]
    assert receive(reception, 30_000, 101, 30_003, 30_002) == [NOT_WANTED] * 4
    placed = receive(reception, 30_003, 30_004)
    assert placed[0] > first + 30_000
    assert placed[1] == placed[0] + 1
    assert placed[1] & 0xFFFF == 30_004
    assert reception.lost == 0


def test_too_large_a_gap_is_not_asked_for() -> None:
    reception = Reception()
    receive(reception, 100, 101)
    before = reception.overrun
    receive(reception, 1_000)
    assert (before, reception.overrun) == (False, True)
    assert len(reception.missing) == 0
    assert reception.lost == 898


def test_the_fraction_is_of_the_time_since_the_last_report() -> None:
    reception = Reception()
    receive(reception, *(item for item in range(100) if item % 4))
    block = reception.report(7, 0x01020304, 0x8000)
    assert block.ssrc == 7
    assert block.fraction_lost == 24 * 256 // 99
    assert (block.packets_lost, block.lsr, block.dlsr) == (24, 0x01020304, 0x8000)
    receive(reception, *range(100, 200))
    block = reception.report(7, 0, 0)
    assert (block.fraction_lost, block.packets_lost) == (0, 24)
    assert reception.report(7, 0, 0).fraction_lost == 0


def test_packets_found_later_do_not_make_the_fraction_negative() -> None:
    reception = Reception()
    receive(reception, 1, 3)
    assert reception.report(1, 0, 0).fraction_lost == 256 // 3
    receive(reception, 2)
    block = reception.report(1, 0, 0)
    assert (block.fraction_lost, block.packets_lost) == (0, 0)


def test_jitter_is_the_smoothed_deviation() -> None:
    reception = Reception()
    assert reception.jitter == 0
    rng = random.Random(3)
    now, expected, transit = 5.0, 0.0, None
    for item in range(400):
        now += 0.02 + rng.uniform(-0.004, 0.004)
        timestamp = (item * 960 + 0xFFFF_0000) & 0xFFFF_FFFF
        reception.arrived(item, timestamp, 48_000, now)
        # RFC 3550 §A.8, without wrapping
        here = now * 48_000 - item * 960
        if transit is not None:
            expected += (abs(here - transit) - expected) / 16
        transit = here
    assert reception.jitter == pytest.approx(expected / 48_000)
    assert reception.report(1, 0, 0).jitter == int(expected)


def test_a_new_timeline_is_no_jitter() -> None:
    reception = Reception()
    reception.arrived(1, 0, 48_000, 1.0)
    reception.arrived(2, 0x7000_0000, 48_000, 1.02)
    assert reception.jitter == 0
    assert reception.started
