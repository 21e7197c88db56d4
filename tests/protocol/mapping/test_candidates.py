from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinglebridge.errors import SdpError
from jinglebridge.protocol.jingle.residue import Residue, residue_of
from jinglebridge.protocol.jingle.xep_0176 import Candidate
from jinglebridge.protocol.mapping.candidates import wired, with_extensions
from jinglebridge.protocol.sdp.lines import build_candidate, parse_candidate

PLAIN = parse_candidate("candidate:1 1 udp 1 192.0.2.1 9 typ host generation 0")
FULL = replace(PLAIN, extensions=(("network-id", "1"), ("network-cost", "999")))
BARE = replace(PLAIN, generation=None)


def through(*candidates: Candidate) -> tuple[Candidate, ...]:
    pairs = wired(candidates)
    residue = residue_of(tuple(line for _, line in pairs if line is not None))
    return with_extensions(tuple(sent for sent, _ in pairs), residue)


def test_a_plain_candidate_needs_no_residue() -> None:
    ((sent, line),) = wired((PLAIN,))
    assert line is None
    assert replace(sent, id=None) == PLAIN


@pytest.mark.parametrize("candidate", [PLAIN, FULL, BARE, replace(BARE, extensions=(("x", "y"),))])
def test_a_candidate_comes_back(candidate: Candidate) -> None:
    assert through(candidate) == (candidate,)


def test_equal_candidates_come_back_too() -> None:
    assert through(PLAIN, FULL, BARE, FULL) == (PLAIN, FULL, BARE, FULL)
    ids = [sent.id for sent, _ in wired((PLAIN, FULL, BARE, FULL))]
    assert len(set(ids)) == 4


def test_ids_are_the_same_each_time() -> None:
    assert wired((PLAIN, FULL)) == wired((PLAIN, FULL))
    assert wired((PLAIN,))[0][0].id != wired((replace(PLAIN, port=10),))[0][0].id


def test_on_the_wire_there_is_always_a_generation_and_no_extension() -> None:
    for sent, _ in wired((FULL, BARE)):
        assert sent.generation == 0
        assert sent.extensions == ()


def test_the_network_is_not_for_sdp() -> None:
    assert with_extensions((replace(PLAIN, id="1", network=7),), None) == (PLAIN,)


def test_lines_of_other_ids_and_kinds_do_not_count() -> None:
    residue = Residue(text="~c other x y\na=x\n~session setup")
    assert with_extensions((replace(PLAIN, id="mine"),), residue) == (PLAIN,)
    assert with_extensions((PLAIN,), residue) == (PLAIN,)


def test_a_generation_that_the_standard_element_gives_wins() -> None:
    residue = Residue(text="~c c1 generation -")
    moved = replace(PLAIN, id="c1", generation=3)
    assert with_extensions((moved,), residue)[0].generation == 3


@pytest.mark.parametrize("words", ["x", "x y z", "x  y"])
def test_extensions_come_in_pairs(words: str) -> None:
    with pytest.raises(SdpError, match="pairs"):
        with_extensions((PLAIN,), Residue(text=f"~c c1 {words}"))


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)


@given(st.lists(st.tuples(WORDS, WORDS), max_size=4), st.none() | st.integers(0, 9))
def test_any_extensions_come_back(pairs: list[tuple[str, str]], generation: int | None) -> None:
    candidate = replace(PLAIN, generation=generation, extensions=tuple(pairs))
    assert through(candidate) == (candidate,)
    assert "\r" not in build_candidate(candidate)
