import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinglebridge.protocol.session.glare import overrules

ROMEO, JULIET = "romeo@example.net/a", "juliet@example.org/b"


@pytest.mark.parametrize(
    ("sid", "other_sid"),
    [("a", "b"), ("1", "a"), ("Z", "a"), ("a", "aa"), ("a", "é"), ("\uffff", "\U00010000")],
)
def test_the_lower_sid_by_octets_wins(sid: str, other_sid: str) -> None:
    for jid, other in ((ROMEO, JULIET), (JULIET, ROMEO)):
        assert overrules(sid, jid, other_sid, other)
        assert not overrules(other_sid, jid, sid, other)


def test_for_the_same_sid_the_lower_jid_wins() -> None:
    assert overrules("a", JULIET, "a", ROMEO)
    assert not overrules("a", ROMEO, "a", JULIET)


@given(st.text(), st.text(), st.text(), st.text())
def test_both_parties_come_to_the_same_end(sid: str, jid: str, other_sid: str, other: str) -> None:
    if (sid, jid) != (other_sid, other):
        assert overrules(sid, jid, other_sid, other) != overrules(other_sid, other, sid, jid)
