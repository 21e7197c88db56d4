from itertools import product

import pytest

from jinglebridge.errors import LocalProtocolError
from jinglebridge.protocol.jingle.xep_0166 import Creator, ReasonCondition, reason_of
from jinglebridge.protocol.jingle.xep_0167 import RtpDescription
from jinglebridge.protocol.jingle.xep_0353 import (
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
    InitiationEvent,
    PeerFinished,
    PeerProceeded,
    PeerRang,
    ProposalEnded,
    Stage,
)

CALLER, CALLEE = Creator.INITIATOR, Creator.RESPONDER
ROMEO, JULIET = "romeo@example.net/orchard", "juliet@example.org/balcony"
PHONE = "juliet@example.org/phone"
ID = "ca3cf894"
AUDIO = (RtpDescription(media="audio"),)
BYE = reason_of(ReasonCondition.SUCCESS)
MESSAGES: tuple[JingleMessage, ...] = (
    Propose(id=ID, descriptions=AUDIO),
    Ringing(id=ID),
    Proceed(id=ID),
    Accept(id=ID),
    Reject(id=ID, reason=BYE, tie_break=True),
    Retract(id=ID, reason=BYE),
    Finish(id=ID, reason=BYE, migrated=Migrated(to="next")),
)


def at(role: Creator, stage: Stage) -> Initiation:
    """A proposal between Romeo, who calls, and Juliet, at this stage."""
    local, peer = (ROMEO, JULIET) if role is CALLER else (JULIET, ROMEO)
    initiation = Initiation(role=role, id=ID, local=local, peer=peer)
    initiation.stage = stage
    return initiation


def meaning(message: JingleMessage, following: Stage, sender: str) -> InitiationEvent:
    match message:
        case Propose():
            return CallProposed(descriptions=AUDIO)
        case Ringing():
            return PeerRang(device=sender)
        case Proceed():
            return PeerProceeded(device=sender)
        case Finish() if following is Stage.FINISHED:
            return PeerFinished(reason=BYE, migrated_to="next")
        case _:
            return ProposalEnded(reason=BYE, tie_break=isinstance(message, Reject))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda item: type(item).__name__)
@pytest.mark.parametrize(("role", "stage"), list(product(Creator, Stage)))
def test_every_message_at_every_stage(role: Creator, stage: Stage, message: JingleMessage) -> None:
    initiation = at(role, stage)
    following = RECEIVED.get((role, stage, type(message)))
    events = initiation.receive(message, initiation.peer)
    if following is None:
        assert (events, initiation.stage) == ([], stage), "it changes nothing"
    else:
        assert events == [meaning(message, following, initiation.peer)]
        assert initiation.stage is following


def test_a_call_from_its_proposal_to_its_end() -> None:
    caller = Initiation(role=CALLER, id=ID, local=ROMEO, peer="juliet@example.org")
    callee = Initiation(role=CALLEE, id=ID, local=JULIET, peer=ROMEO)
    callee.receive(caller.propose(AUDIO), ROMEO)
    assert caller.receive(callee.ring(), JULIET) == [PeerRang(device=JULIET)]
    assert caller.undecided
    assert caller.waiting
    assert caller.receive(callee.proceed(), JULIET) == [PeerProceeded(device=JULIET)]
    assert (caller.peer, caller.undecided) == (JULIET, False)
    for side in (caller, callee):
        side.start()
        assert not side.waiting
    finish = caller.end(BYE)
    assert finish == Finish(id=ID, reason=BYE)
    assert callee.receive(finish, ROMEO) == [PeerFinished(reason=BYE)]
    assert callee.end(BYE) == Finish(id=ID, reason=BYE), "both parties say it (XEP-0353 §3.7)"
    assert (caller.stage, callee.stage) == (Stage.ENDED, Stage.ENDED)
    assert callee.end(BYE) is None, "nothing is said twice"


@pytest.mark.parametrize("message", [Proceed(id=ID), Reject(id=ID), Finish(id=ID)])
def test_only_those_who_were_asked_have_a_say(message: JingleMessage) -> None:
    caller = at(CALLER, Stage.RINGING)
    assert caller.receive(message, "mallory@example.org/x") == []
    assert caller.receive(message, PHONE) != [], "any device of the account may decide"


def test_once_a_device_took_the_call_no_other_has_a_say() -> None:
    caller = at(CALLER, Stage.RINGING)
    caller.receive(Proceed(id=ID), PHONE)
    for message in (Proceed(id=ID), Reject(id=ID), Finish(id=ID)):
        assert caller.receive(message, JULIET) == []
    assert (caller.stage, caller.peer) == (Stage.PROCEEDED, PHONE)


def test_another_device_of_the_caller_cannot_retract() -> None:
    callee = at(CALLEE, Stage.PROPOSED)
    assert callee.receive(Retract(id=ID), "romeo@example.net/other") == []
    assert callee.receive(Retract(id=ID), ROMEO) == [ProposalEnded(reason=None)]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda item: type(item).__name__)
@pytest.mark.parametrize(("role", "stage"), list(product(Creator, Stage)))
def test_what_another_device_of_ours_says(
    role: Creator, stage: Stage, message: JingleMessage
) -> None:
    initiation = at(role, stage)
    decided = isinstance(message, Accept | Proceed | Reject)
    ends = decided and role is CALLEE and stage in (Stage.PROPOSED, Stage.RINGING)
    events = initiation.receive(message, PHONE if role is CALLEE else "romeo@example.net/other")
    assert events == ([ProposalEnded(reason=None)] if ends else [])
    assert initiation.stage is (Stage.ENDED if ends else stage)


@pytest.mark.parametrize(
    ("role", "stage", "said"),
    [
        (CALLER, Stage.NEW, None),
        (CALLER, Stage.PROPOSED, Retract(id=ID, reason=BYE, tie_break=True)),
        (CALLER, Stage.RINGING, Retract(id=ID, reason=BYE, tie_break=True)),
        (CALLEE, Stage.NEW, None),
        (CALLEE, Stage.PROPOSED, Reject(id=ID, reason=BYE, tie_break=True)),
        (CALLEE, Stage.RINGING, Reject(id=ID, reason=BYE, tie_break=True)),
        *((role, Stage.ENDED, None) for role in Creator),
        *(
            (role, stage, Finish(id=ID, reason=BYE, migrated=Migrated(to="next")))
            for role in Creator
            for stage in (Stage.PROCEEDED, Stage.STARTED, Stage.FINISHED)
        ),
    ],
)
def test_how_the_end_is_said(role: Creator, stage: Stage, said: JingleMessage | None) -> None:
    initiation = at(role, stage)
    assert initiation.end(BYE, tie_break=True, migrated_to="next") == said
    assert initiation.stage is Stage.ENDED


@pytest.mark.parametrize(
    ("role", "stage", "kind", "condition"),
    [
        (CALLER, Stage.PROPOSED, Retract, ReasonCondition.TIMEOUT),
        (CALLER, Stage.RINGING, Retract, ReasonCondition.TIMEOUT),
        (CALLEE, Stage.PROPOSED, Reject, ReasonCondition.EXPIRED),
        (CALLEE, Stage.RINGING, Reject, ReasonCondition.EXPIRED),
        (CALLER, Stage.PROCEEDED, Finish, ReasonCondition.EXPIRED),
        (CALLEE, Stage.PROCEEDED, Finish, ReasonCondition.EXPIRED),
    ],
)
def test_who_waits_gives_up(
    role: Creator,
    stage: Stage,
    kind: type[Retract | Reject | Finish],
    condition: ReasonCondition,
) -> None:
    initiation = at(role, stage)
    assert initiation.waiting
    assert initiation.expire() == kind(id=ID, reason=reason_of(condition))
    assert initiation.stage is Stage.ENDED


@pytest.mark.parametrize("role", Creator)
@pytest.mark.parametrize("stage", [Stage.NEW, Stage.STARTED, Stage.FINISHED, Stage.ENDED])
def test_where_nobody_waits_nothing_expires(role: Creator, stage: Stage) -> None:
    initiation = at(role, stage)
    assert not initiation.waiting
    assert initiation.expire() is None
    assert initiation.stage is stage


def test_a_proposal_that_came_back_leaves_nothing_to_say() -> None:
    caller = at(CALLER, Stage.PROPOSED)
    caller.fail()
    assert caller.end(BYE) is None


ALLOWED = {
    (CALLER, "propose"): {Stage.NEW: Stage.PROPOSED},
    (CALLEE, "ring"): {Stage.PROPOSED: Stage.RINGING, Stage.RINGING: Stage.RINGING},
    (CALLEE, "proceed"): {
        Stage.PROPOSED: Stage.PROCEEDED,
        Stage.RINGING: Stage.PROCEEDED,
        Stage.PROCEEDED: Stage.PROCEEDED,
    },
    (CALLER, "start"): {Stage.PROCEEDED: Stage.STARTED},
    (CALLEE, "start"): {Stage.PROCEEDED: Stage.STARTED},
}


@pytest.mark.parametrize("name", ["propose", "ring", "proceed", "start"])
@pytest.mark.parametrize(("role", "stage"), list(product(Creator, Stage)))
def test_every_command_at_every_stage(role: Creator, stage: Stage, name: str) -> None:
    initiation = at(role, stage)
    command = {
        "propose": lambda: initiation.propose(AUDIO),
        "ring": initiation.ring,
        "proceed": initiation.proceed,
        "start": initiation.start,
    }[name]
    following = ALLOWED.get((role, name), {}).get(stage)
    if following is None:
        with pytest.raises(LocalProtocolError):
            command()
        assert initiation.stage is stage
    else:
        command()
        assert initiation.stage is following
