from hypothesis import given, settings
from hypothesis import strategies as st

from jinglebridge.media.rtp.numbering import Numbering
from tests.media.rtp.harness import rtp


def numbers(numbering: Numbering, *sequences: int) -> list[int]:
    return [numbering.number(item, rtp(item), 1.0) for item in sequences]


def test_continuous_from_our_own_first_number() -> None:
    numbering = Numbering(1_000)
    numbering.begin(90_000)
    before = numbering.began
    assert numbers(numbering, 70_000, 70_001, 70_002) == [1_000, 1_001, 1_002]
    assert (before, numbering.began) == (False, True)
    assert numbering.timestamp_offset == 0


def test_real_losses_keep_their_gap_and_late_packets_fill_it() -> None:
    numbering = Numbering(1_000)
    assert numbers(numbering, 100, 103, 101, 104, 102) == [1_000, 1_003, 1_001, 1_004, 1_002]


def test_skipped_numbers_leave_no_gap() -> None:
    numbering = Numbering(1_000)
    assert numbers(numbering, 100) == [1_000]
    numbering.skip(101)
    assert numbers(numbering, 102) == [1_001]
    numbering.skip(104)
    # 103 is late; its place is before the skipped one.
    assert numbers(numbering, 105, 103, 106) == [1_003, 1_002, 1_004]


def test_a_late_skip_leaves_its_gap() -> None:
    numbering = Numbering(1_000)
    numbers(numbering, 100, 102)
    numbering.skip(101)
    assert numbers(numbering, 103) == [1_003]


def test_a_skip_before_the_first_packet_changes_nothing() -> None:
    numbering = Numbering(1_000)
    numbering.skip(99)
    assert numbers(numbering, 100) == [1_000]


def test_packets_from_before_the_beginning_have_no_number() -> None:
    numbering = Numbering(1_000)
    assert numbers(numbering, 100, 99) == [1_000, -1]


def test_packets_behind_srtps_window_have_no_number() -> None:
    numbering = Numbering(1_000)
    assert numbers(numbering, 100, 2_000, 1_001, 1_000) == [1_000, 2_900, 1_901, -1]


def test_a_leap_of_the_source_is_no_gap() -> None:
    numbering = Numbering(1_000)
    assert numbers(numbering, 100, 90_000, 90_001, 101) == [1_000, 1_001, 1_002, -1]
    numbering.skip(200_000)
    assert numbers(numbering, 200_001) == [1_003]


def test_so_many_skips_that_old_places_are_forgotten() -> None:
    numbering = Numbering(1_000)
    numbers(numbering, 100, 102)
    for sequence in range(103, 103 + 200):
        numbering.skip(sequence)
    assert numbers(numbering, 303, 101) == [1_003, -1]


def test_another_source_continues_in_number_and_time() -> None:
    numbering = Numbering(1_000)
    numbering.begin(90_000)
    numbering.number(100, rtp(100, timestamp=5_000), 1.0)
    numbering.begin(90_000)
    assert not numbering.began
    assert numbering.number(7, rtp(7, timestamp=4_000_000_000), 1.5) == 1_001
    assert (4_000_000_000 + numbering.timestamp_offset) & 0xFFFFFFFF == 50_000
    assert numbering.number(6, rtp(6), 1.5) == -1
    numbering.begin(90_000)
    assert numbering.number(9, rtp(9, timestamp=77), 1.5) == 1_002
    assert (77 + numbering.timestamp_offset) & 0xFFFFFFFF == 50_001


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("send"), st.integers(0, 60)),
            st.tuples(st.just("skip"), st.integers(0, 60)),
            st.tuples(st.just("switch"), st.just(0)),
        ),
        max_size=80,
    )
)
def test_no_number_is_given_twice(steps: list[tuple[str, int]]) -> None:
    numbering = Numbering(0)
    base, done = 0, set[int]()
    given: list[int] = []
    for step, sequence in steps:
        if step == "switch":
            numbering.begin(90_000)
            base += 100
            done.clear()
        elif sequence in done:
            continue
        elif step == "send":
            done.add(sequence)
            number = numbering.number(base + sequence, rtp(sequence), 1.0)
            given += [number] if number >= 0 else []
        else:
            done.add(sequence)
            numbering.skip(base + sequence)
    assert len(given) == len(set(given))
