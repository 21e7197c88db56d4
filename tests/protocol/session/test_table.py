import pytest

from jinglebridge.errors import OutOfOrder, ResourceConstraint, UnknownSession
from jinglebridge.protocol.session.table import SessionTable, bare, domain_of

ROMEO, JULIET = "romeo@example.net", "juliet@example.org"


def table(maximum: int = 3, maximum_per_peer: int = 2) -> SessionTable[str]:
    return SessionTable(maximum=maximum, maximum_per_peer=maximum_per_peer)


def test_a_jid_without_its_resource() -> None:
    assert bare("a@b/c/d") == "a@b"
    assert bare("a@b") == "a@b"


def test_rows_are_found_by_full_jid_and_sid() -> None:
    rows = table()
    rows.add(f"{ROMEO}/a", "s", "first")
    rows.add(f"{ROMEO}/b", "s", "second")
    assert rows.find(f"{ROMEO}/a", "s") == "first"
    assert rows.find(f"{ROMEO}/b", "s") == "second"
    assert rows.rows == ("first", "second")
    for peer, sid in ((f"{JULIET}/a", "s"), (f"{ROMEO}/a", "t"), (ROMEO, "s")):
        with pytest.raises(UnknownSession):
            rows.find(peer, sid)


def test_a_second_row_of_the_same_key_is_out_of_order() -> None:
    rows = table()
    rows.add(f"{ROMEO}/a", "s", "first")
    with pytest.raises(OutOfOrder):
        rows.add(f"{ROMEO}/a", "s", "second")
    assert rows.rows == ("first",)


def test_rows_of_one_account_are_bounded_whatever_its_resources() -> None:
    rows = table()
    rows.add(f"{ROMEO}/a", "1", "x")
    rows.add(f"{ROMEO}/b", "2", "x")
    with pytest.raises(ResourceConstraint, match="one account"):
        rows.check_room(f"{ROMEO}/c", "3")
    rows.check_room(f"{JULIET}/a", "3")
    rows.remove(f"{ROMEO}/a", "1")
    rows.add(f"{ROMEO}/c", "3", "x")
    with pytest.raises(ResourceConstraint):
        rows.add(f"{ROMEO}/c", "4", "x")


def test_rows_are_bounded_in_all() -> None:
    rows = table()
    for number in range(3):
        rows.add(f"user{number}@example.org/a", "s", "x")
    with pytest.raises(ResourceConstraint, match="no more calls"):
        rows.add(f"{ROMEO}/a", "s", "x")
    assert len(rows) == 3


def test_the_domain_of_a_jid() -> None:
    assert domain_of("a@b.example/c@d") == "b.example"
    assert domain_of("b.example/c") == "b.example"


def test_rows_of_one_domain_are_bounded_whoever_asks() -> None:
    rows: SessionTable[str] = SessionTable(maximum=9, maximum_per_peer=9, maximum_per_domain=2)
    rows.add("a@example.org/x", "s", "x")
    rows.add("b@example.org/x", "s", "x")
    for peer in ("c@example.org/x", "example.org/x"):
        with pytest.raises(ResourceConstraint, match="your server"):
            rows.check_room(peer, "s")
    rows.check_room("c@sub.example.org/x", "s")
    rows.remove("a@example.org/x", "s")
    rows.check_room("c@example.org/x", "s")


def test_a_row_moves_to_another_device() -> None:
    rows = table()
    rows.add(f"{ROMEO}/a", "s", "first")
    rows.move(f"{ROMEO}/a", f"{ROMEO}/b", "s")
    assert rows.find(f"{ROMEO}/b", "s") == "first"
    with pytest.raises(UnknownSession):
        rows.find(f"{ROMEO}/a", "s")
    rows.remove(f"{ROMEO}/b", "s")
    assert not vars(rows)["_per_peer"]


def test_removed_rows_leave_nothing() -> None:
    rows = table(maximum=100)
    for _ in range(5):
        rows.add(f"{ROMEO}/a", "1", "x")
        rows.add(f"{ROMEO}/a", "2", "x")
        rows.remove(f"{ROMEO}/a", "1")
        rows.remove(f"{ROMEO}/a", "1")
        rows.remove(f"{ROMEO}/a", "2")
        rows.remove(f"{JULIET}/a", "2")
    assert len(rows) == 0
    assert not vars(rows)["_per_peer"]
    assert not vars(rows)["_per_domain"]
