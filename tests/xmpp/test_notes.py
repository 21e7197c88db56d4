"""Nobody fills the log."""

from structlog.typing import EventDict

from jinglebridge.xmpp.notes import IN_ALL, PER_MINUTE, Notes


def test_lines_about_one_account_are_bounded(logged: list[EventDict]) -> None:
    notes = Notes(clock=lambda: 1000.0)
    for number in range(10_000):
        notes.write("refused", f"mallory@localhost/{number}", error="x")
    assert len(logged) == PER_MINUTE // 3
    notes.write("refused", "juliet@localhost/balcony", error="y")
    assert logged[-1] == {
        "event": "refused",
        "peer": "juliet@localhost/balcony",
        "error": "y",
        "log_level": "info",
    }


def test_lines_about_all_are_bounded(logged: list[EventDict]) -> None:
    notes = Notes(clock=lambda: 1000.0)
    for number in range(10_000):
        notes.write("refused", f"guest{number}@anon.localhost/x", error="x")
    assert len(logged) == IN_ALL // 3


def test_a_stanza_may_come_from_nobody(logged: list[EventDict]) -> None:
    Notes().write("stanza dropped", None)
    assert logged == [{"event": "stanza dropped", "peer": None, "log_level": "info"}]
