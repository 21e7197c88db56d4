"""Writes docs/interop.md from what was played."""

from collections.abc import Iterable

from tests.personas import needs
from tests.personas.matrix import CLIENTS, Played, remark
from tests.personas.persona import Persona
from tests.personas.scenes import CASES

_HEAD = """\
# Clients

<!-- Written by scripts/interop from tests/personas: the tables are what was played. -->

Which clients can call a service, and be called by one, and what each of them needs of us.

How this is known:

- **Personas.** Each client has a scripted peer in `tests/personas`, written from its source code
  and from captured stanzas. It sends what the client sends, in the client's XML, and looks at all
  that it gets for what the client needs. Every cell below is played over signalling in memory
  (`test_matrix.py`), and again over a Prosody with the real media endpoint (`test_served.py`),
  where the media of personas is left unconnected.
- **Captured stanzas.** What Dino 0.4 and stanza 12 really sent, to another component, is played
  again byte for byte (`test_captures.py`).
- **The client itself.** Only stanza 12 was run: the npm package calls echo from Chromium over
  Prosody's WebSocket, and hears and sees itself (`tests/e2e/test_stanza.py`). **No other client of
  this page was run against this bridge yet**: a persona knows what we know of its client, and no
  more.

✓ it went as it should, and the client got all that it needs. A number refers to a remark.
"""
_COLUMNS = {
    "incoming": (
        "## The client calls us",
        """\
*decline*: the service takes no calls just now. *busy*: there is no room for another call.
*retract*: the caller changes its mind, at once or just after our answer. *time-out*: media finds no
path; or the session never follows the proposal.""",
    ),
    "outgoing": (
        "## We call the client",
        """\
*decline*, *busy*: its user says no, or is in another call. *retract*: we take the call back while
it rings. *time-out*: nobody answers.""",
    ),
}


def document(played: Played) -> str:
    """The whole document."""
    remarks: dict[str, int] = {}
    parts = [_HEAD]
    for direction, (title, words) in _COLUMNS.items():
        parts += [title, "", words, "", *_table(direction, played, remarks), ""]
    parts += [f"{number}. {text}" for text, number in remarks.items()]
    parts += ["", "## What all of them need", "", *_list(needs.COMMON.values())]
    parts += ["", "Those with Jingle Message Initiation (JMI, XEP-0353) also need:", ""]
    parts += _list(needs.INITIATION.values())
    for client in CLIENTS:
        parts += ["", f"## {client.name} {client.version}", "", f"Known from {client.source}."]
        parts += ["", "It needs:", "", *_list(client.needs.values()), ""]
        parts += ["What it does:", "", *_list(client.does)]
    return "\n".join(parts) + "\n"


def _table(direction: str, played: Played, remarks: dict[str, int]) -> Iterable[str]:
    cases = [case for case in CASES if case.direction == direction]
    yield f"| | {' | '.join(case.title for case in cases)} |"
    yield f"|---|{'---|' * len(cases)}"
    for client in CLIENTS:
        cells = []
        for case in cases:
            text = remark(client, case)
            mark = "✓" if (client, case) in played else "✗"
            if text is not None:
                mark += f" {remarks.setdefault(text, len(remarks) + 1)}"
            cells.append(mark)
        yield f"| **{client.name}** | {' | '.join(cells)} |"


def _list(items: Iterable[str]) -> list[str]:
    return [f"- {item}" for item in items]


def unchecked(client: type[Persona], played: Played) -> set[str]:
    """Needs of a client that no cell looked at."""
    looked = frozenset[str]().union(*(found for (one, _), found in played.items() if one is client))
    return set(client.all_needs()) - looked
