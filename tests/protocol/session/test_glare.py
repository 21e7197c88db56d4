import pytest

from jinglebridge.protocol.session.glare import overrules

LOW, HIGH = "juliet@example.org/a", "romeo@example.net/a"


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        (("a1", HIGH), ("a2", LOW)),
        (("same", LOW), ("same", HIGH)),
        # octets, not letters of a language and not UTF-16: upper case first, then by code point
        (("B", HIGH), ("a", LOW)),
        (("\uffee", HIGH), ("\U0001f980", LOW)),
        (("a", HIGH), ("aa", LOW)),
    ],
)
def test_the_lower_sid_wins_and_then_the_lower_jid(
    winner: tuple[str, str], loser: tuple[str, str]
) -> None:
    assert overrules(*winner, *loser)
    assert not overrules(*loser, *winner)
