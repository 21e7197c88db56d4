"""Rates are told the time; access is asked once for each set-up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinglebridge.bridge.access import Access, AccessRules, Names
from jinglebridge.bridge.limits import Limits
from jinglebridge.bridge.rates import Rate
from jinglebridge.errors import Forbidden, ResourceConstraint

JULIET, ROMEO = "juliet@example.org/balcony", "romeo@example.net/orchard"


def tries(rate: Rate, now: float, count: int, key: str = "x") -> int:
    """How many of so many tries at one moment succeed."""
    taken = 0
    for _ in range(count):
        if rate.wait(key, now) == 0:
            rate.take(key, now)
            taken += 1
    return taken


def test_a_full_bucket_holds_a_third_of_a_minute() -> None:
    assert tries(Rate(30), 5.0, 100) == 10
    assert tries(Rate(1), 5.0, 100) == 1
    assert tries(Rate(30, burst=3), 5.0, 100) == 3


def test_tokens_come_back_evenly() -> None:
    rate = Rate(60)
    tries(rate, 0.0, 100)
    assert rate.wait("x", 0.0) == pytest.approx(1.0)
    assert [tries(rate, float(second), 5) for second in range(1, 6)] == [1] * 5
    assert tries(rate, 1_000.0, 100) == 20


def test_buckets_are_apart() -> None:
    rate = Rate(30)
    assert tries(rate, 0.0, 100, "a") == 10
    assert tries(rate, 0.0, 100, "b") == 10


def test_full_buckets_take_no_memory() -> None:
    rate = Rate(30)
    for second in range(10_000):
        tries(rate, float(second), 1, f"key{second}")
    # one token is back after two seconds, and a sweep comes once in twenty
    assert len(rate) <= 23


@given(
    per_minute=st.integers(1, 10_000),
    steps=st.lists(st.floats(0, 30, allow_nan=False), max_size=200),
)
def test_no_minute_has_more_than_its_share(per_minute: int, steps: list[float]) -> None:
    rate, now, taken = Rate(per_minute), 0.0, []
    for step in steps:
        now += step
        if rate.wait("x", now) == 0:
            rate.take("x", now)
            taken.append(now)
    burst = max(1, per_minute // 3)
    for number, start in enumerate(taken):
        within = sum(1 for each in taken[number:] if each <= start + 60)
        assert within <= burst + per_minute + 1


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def setups(access: Access, peer: str, count: int) -> int:
    done = 0
    for _ in range(count):
        try:
            access.admit(peer)
        except ResourceConstraint:
            continue
        done += 1
    return done


def test_who_is_refused_is_told_when_to_try_again() -> None:
    access = Access(limits=Limits(setups_per_minute_per_peer=3), clock=Clock())
    access.admit(JULIET)
    with pytest.raises(ResourceConstraint, match="too many calls from you: try again in 20 s"):
        access.admit(JULIET)


def test_set_ups_of_one_account_are_bounded_whatever_its_resource() -> None:
    clock = Clock()
    access = Access(limits=Limits(setups_per_minute_per_peer=30), clock=clock)
    assert setups(access, JULIET, 6) == 6
    assert setups(access, "juliet@example.org/phone", 100) == 4
    assert setups(access, ROMEO, 5) == 5
    clock.now += 60
    assert setups(access, JULIET, 100) == 10


def test_set_ups_are_bounded_in_all() -> None:
    clock = Clock()
    access = Access(limits=Limits(setups_per_minute=60), clock=clock)
    assert sum(setups(access, f"guest{number}@anon.example/x", 1) for number in range(50)) == 20
    clock.now += 10
    assert sum(setups(access, f"guest{number}@anon.example/x", 1) for number in range(50)) == 10


def test_who_is_refused_for_all_loses_none_of_their_own() -> None:
    clock = Clock()
    limits = Limits(setups_per_minute=3, setups_per_minute_per_peer=3)
    access = Access(limits=limits, clock=clock)
    assert setups(access, ROMEO, 1) == 1
    assert setups(access, JULIET, 10) == 0
    clock.now += 20
    assert setups(access, JULIET, 1) == 1


def test_who_may_not_call_is_not_counted() -> None:
    access = Access(AccessRules(deny=Names.of(["example.net"])), Limits(setups_per_minute=3))
    for _ in range(100):
        with pytest.raises(Forbidden):
            access.admit(ROMEO)
    assert setups(access, JULIET, 1) == 1


def test_a_list_is_asked_for_names_only() -> None:
    assert 5 not in Names.of(["*"])


def test_who_counted_before_is_refused_once_overdrawn() -> None:
    access = Access(limits=Limits(setups_per_minute_per_peer=3), clock=Clock())
    access.admit(JULIET)
    access.check_rate(JULIET, counted=True)
    access.count(JULIET)
    with pytest.raises(ResourceConstraint):
        access.check_rate(JULIET, counted=True)
