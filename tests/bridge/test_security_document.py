"""docs/security.md says what is refused, and with which words: each row is tried."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from jinglebridge.bridge.access import Access, AccessRules, Names
from jinglebridge.bridge.limits import Limits, check_request
from jinglebridge.errors import RemoteProtocolError
from jinglebridge.protocol.jingle.xep_0166 import Action, Content, Creator, Jingle
from jinglebridge.protocol.jingle.xep_0167 import PayloadType, RtpDescription
from jinglebridge.protocol.session.session import JingleSession
from jinglebridge.protocol.session.table import SessionTable
from jinglebridge.xmpp.guard import StanzaBounds
from jinglebridge.xmpp.reader import StanzaReader
from tests.bridge.stage import BRIDGE, ECHO, JULIET, OFFER, QUICK, Stage

DOCUMENT = Path(__file__).parents[2] / "docs" / "security.md"
ROMEO = "romeo@example.net/orchard"


@dataclass(frozen=True, slots=True)
class Row:
    when: str
    option: str
    type: str
    condition: str
    jingle: str
    text: str


def rows() -> list[Row]:
    lines = DOCUMENT.read_text("utf-8").split("| When |")[1].split("\n\n")[0].splitlines()[2:]
    return [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines]


ROWS = {row.when: row for row in rows()}


def bounded(text: str) -> None:
    reader = StanzaReader(StanzaBounds())
    reader.feed(f"<stream>{text}")
    for _ in reader.read_events():
        if reader.excess is not None:
            raise reader.excess


def contents(count: int, *, payload_types: int = 1) -> Jingle:
    types = tuple(PayloadType(id=number) for number in range(payload_types))
    description = RtpDescription(media="audio", payload_types=types)
    return Jingle(
        action=Action.SESSION_INITIATE,
        sid="x",
        contents=tuple(
            Content(creator=Creator.INITIATOR, name=str(number), description=description)
            for number in range(count)
        ),
    )


def setups(limits: Limits) -> None:
    access = Access(limits=limits, clock=lambda: 0.0)
    for _ in range(1_000):
        access.admit(JULIET)


def full(**maxima: int) -> None:
    table: SessionTable[str] = SessionTable(
        **({"maximum": 9, "maximum_per_peer": 99, "maximum_per_domain": 99} | maxima)
    )
    for number in range(10):
        table.add(JULIET, str(number), "row")


WITHOUT_A_CALL: dict[str, Callable[[], None]] = {
    "A stanza is too deep": lambda: bounded("<iq>" + "<a>" * 64 + "</a>" * 64 + "</iq>"),
    "A stanza is too large": lambda: bounded(f"<iq>{'x' * 262_144}</iq>"),
    "Too many contents": lambda: check_request(contents(33), Limits()),
    "Too many payload types": lambda: check_request(
        contents(1, payload_types=101), Limits(payload_types=100)
    ),
    "The caller may not call": lambda: Access(AccessRules(deny=Names.of(["*"]))).admit(JULIET),
    "Set-ups of one account": lambda: setups(Limits()),
    "Set-ups of everybody": lambda: setups(Limits(setups_per_minute=3)),
    "Calls of one account": lambda: full(maximum_per_peer=4),
    "Calls of one domain": lambda: full(maximum_per_domain=4),
    "Calls of everybody": full,
}


def check(row: Row, error: RemoteProtocolError) -> None:
    said = (error.error_type, error.condition, error.jingle_condition or "", str(error))
    assert said == (row.type, row.condition, row.jingle, row.text)


@pytest.mark.parametrize("when", WITHOUT_A_CALL)
def test_a_bound(when: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        WITHOUT_A_CALL[when]()
    check(ROWS[when], caught.value)


def initiate(sid: str = "new") -> Jingle:
    session = JingleSession(role=Creator.INITIATOR, sid=sid, local=JULIET, peer=ECHO)
    return session.initiate(OFFER)


def action(kind: Action, sid: str = "sid1") -> Jingle:
    return Jingle(action=kind, sid=sid)


IN_A_CALL: dict[str, tuple[str, Jingle]] = {
    "The service does not take the caller": (f"closed@{BRIDGE}", initiate()),
    "A call in another's name": (ECHO, replace(initiate(), initiator=ROMEO)),
    "No such service": (f"nobody@{BRIDGE}", initiate()),
    "No such session of this client": (ECHO, action(Action.TRANSPORT_INFO, "other")),
    "The sid is in use": (ECHO, initiate("sid1")),
    "Not in this state": (ECHO, action(Action.SESSION_ACCEPT)),
    "Not an action that we take part in": (ECHO, action(Action.SECURITY_INFO)),
    "A session-info that nobody knows": (
        ECHO,
        replace(action(Action.SESSION_INFO), foreign=("{urn:x}wave",)),
    ),
    "No content at all": (ECHO, replace(initiate(), contents=())),
}


@pytest.mark.parametrize("when", IN_A_CALL)
async def test_a_request(stage: Stage, when: str) -> None:
    _, call = await stage.connected()
    local, request = IN_A_CALL[when]
    with pytest.raises(RemoteProtocolError) as caught:
        stage.bridge.deliver(JULIET, local, request)
    check(ROWS[when], caught.value)
    call.hang_up()
    await stage.over(call)


async def test_requests_that_wait(stage: Stage) -> None:
    stage.limits = replace(QUICK, inbox=2)
    _, call = await stage.connected()
    for _ in range(4):
        call.hang_up()
    info = replace(contents(1), action=Action.TRANSPORT_INFO, sid="sid1")
    with pytest.raises(RemoteProtocolError) as caught:
        stage.bridge.deliver(JULIET, ECHO, info)
    check(ROWS["Requests that wait in one call"], caught.value)
    await stage.over(call)


async def test_a_bridge_that_stops(stage: Stage) -> None:
    await stage.bridge.close()
    with pytest.raises(RemoteProtocolError) as caught:
        stage.bridge.deliver(JULIET, ECHO, initiate())
    check(ROWS["The bridge stops"], caught.value)


def test_every_row_is_tried() -> None:
    others = {"Requests that wait in one call", "The bridge stops"}
    assert set(ROWS) == {*WITHOUT_A_CALL, *IN_A_CALL, *others}
    assert len(rows()) == len(ROWS)


def test_every_option_exists() -> None:
    from jinglebridge.config import options

    known = {"access"} | {option for _, _, section in options() for option in section.model_fields}
    assert {row.option.strip("`") for row in rows()} - {""} <= known
