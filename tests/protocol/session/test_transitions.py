"""The tables against what XEP-0166 says, written down here once more in other words."""

import itertools

import pytest

from jinglebridge.errors import OutOfOrder, UnsupportedAction
from jinglebridge.protocol.jingle.xep_0166 import Action, Creator
from jinglebridge.protocol.session.transitions import RECEIVED, REFUSED, SENT, State

CELLS = tuple(itertools.product(Creator, State, Action))
INFORMATIVE = {Action.TRANSPORT_INFO, Action.SESSION_INFO}


def expected(sender: Creator, state: State, action: Action) -> State | None:
    """The state after ``sender`` sent this, or ``None`` where it may not (XEP-0166 §5.1, §6)."""
    if action is Action.SESSION_INITIATE:  # §6.2: the initiator begins, once
        allowed = sender is Creator.INITIATOR and state is State.NEW
        return State.PENDING if allowed else None
    if state not in (State.PENDING, State.ACTIVE):  # nothing exists before and after
        return None
    if action is Action.SESSION_TERMINATE:  # §6.7: either party, at any time
        return State.ENDED
    if action is Action.SESSION_ACCEPT:  # §6.4: the responder, once
        allowed = sender is Creator.RESPONDER and state is State.PENDING
        return State.ACTIVE if allowed else None
    # §6.3, §6.8: they change no state; the others negotiate what this version does not take part in
    return state if action in INFORMATIVE else None


@pytest.mark.parametrize(("role", "state", "action"), CELLS)
def test_what_the_peer_may_send(role: Creator, state: State, action: Action) -> None:
    peer = Creator.RESPONDER if role is Creator.INITIATOR else Creator.INITIATOR
    assert RECEIVED.get((role, state, action)) is expected(peer, state, action)


@pytest.mark.parametrize(("role", "state", "action"), CELLS)
def test_what_we_may_send(role: Creator, state: State, action: Action) -> None:
    wanted = expected(role, state, action)
    if (role, state, action) == (Creator.RESPONDER, State.PENDING, Action.TRANSPORT_INFO):
        wanted = None  # ours wait until the peer has our description
    assert SENT.get((role, state, action)) is wanted


def test_every_action_has_its_error() -> None:
    assert set(REFUSED) == set(Action)
    changes = {
        Action.CONTENT_ADD,
        Action.CONTENT_MODIFY,
        Action.CONTENT_REMOVE,
        Action.DESCRIPTION_INFO,
        Action.SECURITY_INFO,
        Action.TRANSPORT_REPLACE,
    }
    for action, error in REFUSED.items():
        assert error is (UnsupportedAction if action in changes else OutOfOrder)
