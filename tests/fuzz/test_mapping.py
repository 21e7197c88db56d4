"""The random edits of `make fuzz`, as many as the suite has time for."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from jinglebridge.convert import jingle_to_sdp, sdp_to_jingle
from jinglebridge.errors import JinglebridgeError, MalformedStanza
from tests.fuzz.mapping import batch, case_of, changes, report
from tests.protocol.helpers import HEAD, text_of

SEED = 20261122
CASES = 20_000


@pytest.mark.parametrize("part", range(20))
def test_random_edits_raise_only_typed_errors(part: int) -> None:
    size = CASES // 20
    outcomes, wrong = batch((SEED, part * size, (part + 1) * size))
    assert wrong == []
    assert outcomes.total() == size
    accepted = {name: count for name, count in outcomes.items() if name.endswith(" accepted")}
    assert {name.split(" ")[0] for name in accepted} == {"sdp", "tree", "xml"}
    assert sum(accepted.values()) > size / 4


def test_a_case_is_always_the_same() -> None:
    assert case_of(SEED, 7) == case_of(SEED, 7)
    assert case_of(SEED, 7) != case_of(SEED, 8)


def test_an_error_that_is_not_typed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> str:
        raise ValueError("not typed")

    monkeypatch.setattr("tests.fuzz.mapping.sdp_to_jingle", broken)
    outcomes, wrong = batch((SEED, 0, 40))
    assert wrong
    assert all("ValueError: not typed" in line for line in wrong)
    page = report(SEED, outcomes, wrong, 1.0)
    assert f"--seed {SEED} --only" in page


def test_a_line_that_is_lost_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def losing(jingle: str, **given: Any) -> str:
        lines = jingle_to_sdp(jingle, **given).split("\r\n")
        return "\r\n".join(line for line in lines if not line.startswith("a=sctp-port"))

    def refusing(*_: object, **__: object) -> str:
        raise MalformedStanza("no")

    monkeypatch.setattr("tests.fuzz.mapping.jingle_to_sdp", losing)
    assert any("- a=sctp-port" in line for line in batch((SEED, 0, 400))[1])
    monkeypatch.setattr("tests.fuzz.mapping.jingle_to_sdp", refusing)
    assert any("our own Jingle is refused: no" in line for line in batch((SEED, 0, 40))[1])


def test_what_the_document_excepts_is_no_loss() -> None:
    usual = text_of(*HEAD, *SECTION, "a=mid:0", "a=sendrecv")
    for old, new in (("a=mid:0", "a=mid:0\r\na=mid:1"), ("VP8/90000", "VP8/90000/1")):
        assert changes(usual.replace(old, new), usual) == []
    assert changes(usual, usual.replace("a=sendrecv", "a=sendonly")) == [
        "- a=sendrecv",
        "+ a=sendonly",
    ]
    assert changes(usual + "a=x:1\r\n" * 2, usual) == ["- a=x:1"]


# ---- time ----------------------------------------------------------------------------------------

SECTION = (
    *("m=video 9 UDP/TLS/RTP/SAVPF 96 97", "c=IN IP4 0.0.0.0", "a=ice-ufrag:abcd"),
    *("a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa", "a=fingerprint:sha-256 AB:CD", "a=setup:actpass"),
    *("a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack pli", "a=fmtp:96 max-fr=30;max-fs=3600"),
    *("a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96", "a=rtcp-mux", "a=msid:- track"),
)


def many_sections(size: int, salt: int) -> str:
    """Small sections, each with lines of its own."""
    lines, number = list(HEAD), salt
    while len(text_of(*lines)) < size and number < salt + 60:
        own = [
            f"a=candidate:{number} 1 udp {number + 1} 192.0.2.1 {9 + n} typ host" for n in range(8)
        ]
        lines += [*SECTION, f"a=mid:{number}", *own]
        lines += [f"a=x-{number}-{n}:{'y' * 60}" for n in range(size // 6_000)]
        number += 1
    return text_of(*lines)


def unknown_lines(size: int, salt: int) -> str:
    """Different attributes that only the residue can say, as many sections as they need."""
    lines, number = list(HEAD), salt
    while len(text_of(*lines)) < size:
        if (number - salt) % 400 == 0:
            lines += [*SECTION, f"a=mid:{number}"]
        lines.append(f"a=unknown-{number}:{'z' * 24}")
        number += 1
    return text_of(*lines)


def sources(size: int, salt: int) -> str:
    """Sources with several parameters, and candidates with extensions."""
    lines, number = list(HEAD), salt
    while len(text_of(*lines)) < size:
        if (number - salt) % 60 == 0:
            lines += [*SECTION, f"a=mid:{number}"]
        lines.append(f"a=ssrc:{number} cname:{number}")
        lines.append(f"a=ssrc:{number} msid:- {number}")
        lines.append(f"a=extmap:{number % 200 + 1} urn:x:{number}")
        lines.append(
            f"a=candidate:{number} 1 udp {number + 1} 192.0.2.1 9 typ host network-id {number}"
        )
        number += 1
    return text_of(*lines)


def slowdown(call: Callable[[str], object], half: list[str], whole: list[str]) -> float:
    """How much longer the whole texts take, in CPU time, the fastest of each counting.

    They take turns, since a busy machine changes its speed; no text comes twice, since repeated
    lines are remembered.
    """
    times: tuple[list[float], list[float]] = ([], [])
    for texts in zip(half, whole, strict=True):
        for text, found in zip(texts, times, strict=True):
            before = time.process_time()
            call(text)
            found.append(time.process_time() - before)
    return min(times[1]) / min(times[0])


def to_jingle(sdp: str) -> str:
    return sdp_to_jingle(sdp, role="initiator", sid="sid1")


def to_sdp(jingle: str) -> str:
    return jingle_to_sdp(jingle, role="initiator")


@pytest.mark.parametrize("of", [many_sections, unknown_lines, sources])
def test_twice_the_size_takes_at_most_three_times_as_long(of: Callable[[int, int], str]) -> None:
    half = [of(32_768, salt) for salt in range(100_000, 200_000, 20_000)]
    whole = [of(65_536, salt) for salt in range(200_000, 300_000, 20_000)]
    assert all(31_000 < len(text) < 36_000 for text in half)
    assert all(63_000 < len(text) < 69_000 for text in whole)
    assert slowdown(to_jingle, half, whole) <= 3
    small, large = [to_jingle(text) for text in half], [to_jingle(text) for text in whole]
    assert slowdown(to_sdp, small, large) <= 3


def refused(xml: str) -> None:
    with pytest.raises(JinglebridgeError):
        jingle_to_sdp(xml, role="initiator", carry=True)


def nested(size: int) -> str:
    return "<a>" * (size // 7) + "</a>" * (size // 7)


def attributes(size: int) -> str:
    return "<a " + " ".join(f"b{n}='1'" for n in range(size // 10)) + "/>"


@pytest.mark.parametrize("of", [nested, attributes])
def test_what_is_refused_is_refused_in_linear_time(of: Callable[[int], str]) -> None:
    assert slowdown(refused, [of(100_000)] * 5, [of(200_000)] * 5) <= 3
