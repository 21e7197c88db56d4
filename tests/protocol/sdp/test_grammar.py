import pytest

from jinglebridge.protocol.sdp import grammar


def test_every_row_names_its_groups() -> None:
    for row in grammar.ROWS.values():
        assert row.pattern.groups == len(row.names)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("rtcp-mux", "rtcp-mux"),
        ("extmap-allow-mixed", "extmap-allow-mixed"),
        ("end-of-candidates", "end-of-candidates"),
        ("ice-lite", "ice-lite"),
    ],
)
def test_flags_of_the_base_table(name: str, line: str) -> None:
    assert grammar.read(name, line) == {name: line}
    assert grammar.read(name, line + "x") is None
    assert grammar.read(name, line + ":1") is None


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("ice-ufrag:01234567", {"value": "01234567"}),
        ("ice-ufrag:12345e67", {"value": "12345e67"}),
        ("ice-ufrag:infinity", {"value": "infinity"}),
        ("ice-ufrag:nan1", {"value": "nan1"}),
        ("ice-ufrag:abc", None),
        ("ice-ufrag:a.bcd", None),
        ("ice-pwd:" + "a" * 22, {"value": "a" * 22}),
        ("ice-pwd:" + "a" * 21, None),
        ("setup:active", {"value": "active"}),
        ("setup:ACTIVE", None),
        ("mid:a b", None),
        ("ptime:020", None),
        ("rtpmap:0 PCMU/8000", {"payload": "0", "codec": "PCMU", "rate": "8000", "channels": None}),
        ("rtpmap:0  PCMU/8000", None),
        ("msid:a b c", None),
        ("group:LS", {"semantics": "LS", "mids": ""}),
        ("unknown:1", None),
    ],
)
def test_text_stays_text(line: str, parts: dict[str, str | None] | None) -> None:
    assert grammar.read(line.partition(":")[0], line) == parts


def test_a_row_that_the_base_table_lacks_is_noticed() -> None:
    with pytest.raises(LookupError, match="no row for no-such-thing"):
        grammar._from_base("no-such-thing")
