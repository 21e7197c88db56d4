"""The life of one proposal: what XEP-0353 says, written down here once more in other words."""

import itertools
from collections.abc import Callable

import pytest

from jinglebridge.errors import LocalProtocolError
from jinglebridge.protocol.jingle.xep_0166 import Creator, ReasonCondition, reason_of
from jinglebridge.protocol.jingle.xep_0167 import RtpDescription
from jinglebridge.protocol.jingle.xep_0353 import (
    MESSAGES,
    Accept,
    Finish,
    JingleMessage,
    Migrated,
    Proceed,
    Propose,
    Reject,
    Retract,
    Ringing,
)
from jinglebridge.protocol.session.initiation import (
    RECEIVED,
    CallProposed,
    Initiation,
    PeerFinished,
    PeerProceeded,
    PeerRang,
    ProposalEnded,
    Stage,
)

ROMEO, JULIET = "romeo@example.net", "juliet@example.org"
ORCHARD, BALCONY, GARDEN = f"{ROMEO}/orchard", f"{JULIET}/balcony", f"{JULIET}/garden"
AUDIO = (RtpDescription(media="audio"),)
BUSY = reason_of(ReasonCondition.BUSY)
CANCEL = reason_of(ReasonCondition.CANCEL)
CALLER, CALLEE = Creator.INITIATOR, Creator.RESPONDER


def caller(stage: Stage = Stage.PROPOSED) -> Initiation:
    """Romeo, who proposes to all of Juliet's devices."""
    it = Initiation(role=CALLER, id="a", local=ORCHARD, peer=JULIET)
    if stage is not Stage.NEW:
        it.propose(AUDIO)
    if stage is Stage.RINGING:
        it.receive(Ringing(id="a"), BALCONY)
    if stage in (Stage.PROCEEDED, Stage.STARTED, Stage.FINISHED):
        it.receive(Proceed(id="a"), BALCONY)
    return finished(it, stage, BALCONY)


def callee(stage: Stage = Stage.PROPOSED) -> Initiation:
    """Juliet's balcony, to whom Romeo proposed."""
    it = Initiation(role=CALLEE, id="a", local=BALCONY, peer=ORCHARD)
    if stage is not Stage.NEW:
        it.receive(Propose(id="a", descriptions=AUDIO), ORCHARD)
    if stage is Stage.RINGING:
        it.ring()
    if stage in (Stage.PROCEEDED, Stage.STARTED, Stage.FINISHED):
        it.proceed()
    return finished(it, stage, ORCHARD)


def finished(it: Initiation, stage: Stage, peer: str) -> Initiation:
    if stage in (Stage.STARTED, Stage.FINISHED):
        it.start()
    if stage is Stage.FINISHED:
        it.receive(Finish(id="a"), peer)
    if stage is Stage.ENDED:
        it.end(CANCEL)
    assert it.stage is stage
    return it


MAKERS: dict[Creator, Callable[[Stage], Initiation]] = {CALLER: caller, CALLEE: callee}
CELLS = tuple(itertools.product(Creator, Stage, MESSAGES.values()))


UNDECIDED, TAKEN = (Stage.PROPOSED, Stage.RINGING), (Stage.PROCEEDED, Stage.STARTED)


def expected(role: Creator, stage: Stage, kind: type[JingleMessage]) -> Stage | None:
    """Where a message of the other party leads; ``None``: nowhere."""
    if kind is Finish:  # §3.7: of what was taken; otherwise it is over all the same
        return {
            **dict.fromkeys(UNDECIDED, Stage.ENDED),
            **dict.fromkeys(TAKEN, Stage.FINISHED),
        }.get(stage)
    if role is CALLEE:  # the caller speaks
        return expected_of_the_caller(stage, kind)
    if kind is Reject:  # §3.5
        return Stage.ENDED if stage in (*UNDECIDED, *TAKEN) else None
    if stage in UNDECIDED:  # §3.2, §3.4
        return {Ringing: Stage.RINGING, Proceed: Stage.PROCEEDED}.get(kind)
    return None


def expected_of_the_caller(stage: Stage, kind: type[JingleMessage]) -> Stage | None:
    before_the_session = (*UNDECIDED, Stage.PROCEEDED)
    if kind is Propose:  # §3.1: the first word, perhaps twice
        again = stage if stage in before_the_session else None
        return Stage.PROPOSED if stage is Stage.NEW else again
    if kind is Retract:  # §3.3
        return Stage.ENDED if stage in before_the_session else None
    return None


@pytest.mark.parametrize(("role", "stage", "kind"), CELLS)
def test_what_a_message_means(role: Creator, stage: Stage, kind: type[JingleMessage]) -> None:
    wanted = expected(role, stage, kind)
    assert RECEIVED.get((role, stage, kind)) is wanted
    it = MAKERS[role](stage)
    events = it.receive(kind(id="a"), BALCONY if role is CALLER else ORCHARD)
    assert it.stage is (wanted or stage)
    assert bool(events) is (wanted is not None)


@pytest.mark.parametrize(("role", "stage", "kind"), CELLS)
@pytest.mark.parametrize("other", ["mallory@example.org/balcony", "juliet.example.org/x"])
def test_a_stranger_has_no_say(
    role: Creator, stage: Stage, kind: type[JingleMessage], other: str
) -> None:
    it = MAKERS[role](stage)
    assert not it.receive(kind(id="a"), other)
    assert it.stage is stage


@pytest.mark.parametrize("kind", MESSAGES.values())
@pytest.mark.parametrize("stage", [Stage.PROCEEDED, Stage.STARTED])
def test_other_devices_have_no_say_once_one_took_the_call(
    stage: Stage, kind: type[JingleMessage]
) -> None:
    it = caller(stage)
    assert not it.receive(kind(id="a"), GARDEN)
    assert (it.stage, it.peer) == (stage, BALCONY)
    it = callee(stage)
    assert not it.receive(kind(id="a"), f"{ROMEO}/elsewhere")
    assert it.stage is stage


@pytest.mark.parametrize("device", [BALCONY, GARDEN])
def test_any_device_may_answer(device: str) -> None:
    it = caller()
    assert caller().undecided
    assert it.receive(Ringing(id="a"), GARDEN) == [PeerRang(device=GARDEN)]
    assert it.receive(Ringing(id="a"), BALCONY) == [PeerRang(device=BALCONY)]
    assert it.receive(Proceed(id="a"), device) == [PeerProceeded(device=device)]
    assert it.peer == device
    assert not it.undecided
    assert not it.receive(Proceed(id="a"), device)
    assert not it.receive(Proceed(id="a"), GARDEN if device == BALCONY else BALCONY)


@pytest.mark.parametrize("stage", [Stage.PROPOSED, Stage.RINGING])
def test_any_device_may_decline(stage: Stage) -> None:
    it = caller(stage)
    assert it.receive(Reject(id="a", reason=BUSY), GARDEN) == [ProposalEnded(reason=BUSY)]
    assert it.stage is Stage.ENDED


def test_a_proposal_that_crossed_another_one() -> None:
    (ended,) = caller().receive(Reject(id="a", tie_break=True), GARDEN)
    assert ended == ProposalEnded(reason=None, tie_break=True)
    (ended,) = callee().receive(Retract(id="a", reason=BUSY, tie_break=True), ORCHARD)
    assert ended == ProposalEnded(reason=BUSY, tie_break=True)


def test_what_was_proposed() -> None:
    it = callee(Stage.NEW)
    (proposed,) = it.receive(Propose(id="a", descriptions=AUDIO), ORCHARD)
    assert proposed == CallProposed(descriptions=AUDIO)


@pytest.mark.parametrize("stage", [Stage.PROPOSED, Stage.RINGING])
@pytest.mark.parametrize("kind", [Accept, Proceed, Reject])
def test_a_sibling_decides_for_us(stage: Stage, kind: type[JingleMessage]) -> None:
    it = callee(stage)
    assert it.receive(kind(id="a"), GARDEN) == [ProposalEnded(reason=None)]
    assert it.stage is Stage.ENDED
    assert it.end(CANCEL) is None


@pytest.mark.parametrize("kind", [Propose, Ringing, Retract, Finish])
def test_a_sibling_that_decides_nothing(kind: type[JingleMessage]) -> None:
    it = callee()
    assert not it.receive(kind(id="a"), GARDEN)
    assert it.stage is Stage.PROPOSED


@pytest.mark.parametrize("kind", [Accept, Proceed, Reject])
@pytest.mark.parametrize(
    "stage", [Stage.NEW, Stage.PROCEEDED, Stage.STARTED, Stage.FINISHED, Stage.ENDED]
)
def test_a_sibling_that_comes_too_late(stage: Stage, kind: type[JingleMessage]) -> None:
    it = callee(stage)
    assert not it.receive(kind(id="a"), GARDEN)
    assert it.stage is stage


@pytest.mark.parametrize("kind", [Accept, Proceed, Reject])
def test_a_caller_s_siblings_decide_nothing(kind: type[JingleMessage]) -> None:
    it = caller()
    assert not it.receive(kind(id="a"), f"{ROMEO}/elsewhere")
    assert it.stage is Stage.PROPOSED


def test_where_the_peer_went() -> None:
    it = caller(Stage.STARTED)
    migrated = Finish(id="a", reason=BUSY, migrated=Migrated(to="b"))
    assert it.receive(migrated, BALCONY) == [PeerFinished(reason=BUSY, migrated_to="b")]
    it = callee(Stage.PROCEEDED)
    assert it.receive(Finish(id="a"), ORCHARD) == [PeerFinished(reason=None, migrated_to=None)]
    assert callee().receive(Finish(id="a", reason=BUSY), ORCHARD) == [ProposalEnded(reason=BUSY)]


CLOSED_BY: dict[tuple[Creator, Stage], JingleMessage | None] = {
    (CALLER, Stage.NEW): None,
    (CALLER, Stage.PROPOSED): Retract(id="a", reason=BUSY),
    (CALLER, Stage.RINGING): Retract(id="a", reason=BUSY),
    (CALLER, Stage.PROCEEDED): Finish(id="a", reason=BUSY),
    (CALLER, Stage.STARTED): Finish(id="a", reason=BUSY),
    (CALLER, Stage.FINISHED): Finish(id="a", reason=BUSY),
    (CALLER, Stage.ENDED): None,
    (CALLEE, Stage.NEW): None,
    (CALLEE, Stage.PROPOSED): Reject(id="a", reason=BUSY),
    (CALLEE, Stage.RINGING): Reject(id="a", reason=BUSY),
    (CALLEE, Stage.PROCEEDED): Finish(id="a", reason=BUSY),
    (CALLEE, Stage.STARTED): Finish(id="a", reason=BUSY),
    (CALLEE, Stage.FINISHED): Finish(id="a", reason=BUSY),
    (CALLEE, Stage.ENDED): None,
}


@pytest.mark.parametrize(("role", "stage"), CLOSED_BY)
def test_how_it_is_ended(role: Creator, stage: Stage) -> None:
    it = MAKERS[role](stage)
    assert it.end(BUSY) == CLOSED_BY[role, stage]
    assert it.stage is Stage.ENDED
    assert it.end(BUSY) is None


def test_ended_in_favour_of_another() -> None:
    assert caller().end(BUSY, tie_break=True) == Retract(id="a", reason=BUSY, tie_break=True)
    assert callee().end(BUSY, tie_break=True) == Reject(id="a", reason=BUSY, tie_break=True)
    message = callee(Stage.STARTED).end(BUSY, migrated_to="b")
    assert message == Finish(id="a", reason=BUSY, migrated=Migrated(to="b"))


@pytest.mark.parametrize(("role", "stage"), tuple(itertools.product(Creator, Stage)))
def test_how_long_it_waits(role: Creator, stage: Stage) -> None:
    it = MAKERS[role](stage)
    waits = stage in (Stage.PROPOSED, Stage.RINGING, Stage.PROCEEDED)
    assert it.waiting is waits
    message = it.expire()
    assert (message is not None) is waits
    assert it.stage is (Stage.ENDED if waits else stage)
    if message is not None:
        closed = CLOSED_BY[role, stage]
        assert type(message) is type(closed)
        timed_out = role is CALLER and stage is not Stage.PROCEEDED
        wanted = ReasonCondition.TIMEOUT if timed_out else ReasonCondition.EXPIRED
        assert message.reason == reason_of(wanted)


def test_what_came_back_is_over_without_a_word() -> None:
    it = caller()
    it.fail()
    assert it.stage is Stage.ENDED
    assert it.end(BUSY) is None


COMMANDS: dict[str, Callable[[Initiation], object]] = {
    "propose": lambda it: it.propose(AUDIO),
    "ring": Initiation.ring,
    "proceed": Initiation.proceed,
    "start": Initiation.start,
}
LEGAL = {
    ("propose", CALLER, Stage.NEW): Stage.PROPOSED,
    ("ring", CALLEE, Stage.PROPOSED): Stage.RINGING,
    ("ring", CALLEE, Stage.RINGING): Stage.RINGING,
    ("proceed", CALLEE, Stage.PROPOSED): Stage.PROCEEDED,
    ("proceed", CALLEE, Stage.RINGING): Stage.PROCEEDED,
    ("proceed", CALLEE, Stage.PROCEEDED): Stage.PROCEEDED,
    ("start", CALLER, Stage.PROCEEDED): Stage.STARTED,
    ("start", CALLEE, Stage.PROCEEDED): Stage.STARTED,
}


@pytest.mark.parametrize(
    ("command", "role", "stage"), tuple(itertools.product(COMMANDS, Creator, Stage))
)
def test_what_we_may_do(command: str, role: Creator, stage: Stage) -> None:
    it = MAKERS[role](stage)
    following = LEGAL.get((command, role, stage))
    if following is None:
        with pytest.raises(LocalProtocolError, match=stage.value):
            COMMANDS[command](it)
        assert it.stage is stage
    else:
        COMMANDS[command](it)
        assert it.stage is following


def test_what_we_say() -> None:
    it = Initiation(role=CALLER, id="a", local=ORCHARD, peer=JULIET)
    assert it.propose(AUDIO) == Propose(id="a", descriptions=AUDIO)
    it = callee()
    assert (it.ring(), it.proceed()) == (Ringing(id="a"), Proceed(id="a"))
