"""What is legal when: XEP-0166 §5.1 and §6 as tables, nothing else.

A session is PENDING from session-initiate to session-accept, ACTIVE until session-terminate. The
tables say for our role, the state and the action what state comes next, or why the action is
refused. What a table does not list is refused as well: received, with the action's entry in
:data:`REFUSED`; sent, as a bug of ours.
"""

from enum import Enum

from jinglebridge.errors import OutOfOrder, RemoteProtocolError, UnsupportedAction
from jinglebridge.protocol.jingle.xep_0166 import Action, Creator


class State(Enum):
    """Where a session stands (XEP-0166 §5.1)."""

    NEW = "new"
    PENDING = "pending"
    ACTIVE = "active"
    ENDED = "ended"


_INITIATOR, _RESPONDER = Creator.INITIATOR, Creator.RESPONDER

RECEIVED: dict[tuple[Creator, State, Action], State] = {
    (_RESPONDER, State.NEW, Action.SESSION_INITIATE): State.PENDING,
    (_RESPONDER, State.PENDING, Action.TRANSPORT_INFO): State.PENDING,
    (_RESPONDER, State.PENDING, Action.SESSION_INFO): State.PENDING,
    (_RESPONDER, State.PENDING, Action.SESSION_TERMINATE): State.ENDED,
    (_RESPONDER, State.ACTIVE, Action.TRANSPORT_INFO): State.ACTIVE,
    (_RESPONDER, State.ACTIVE, Action.SESSION_INFO): State.ACTIVE,
    (_RESPONDER, State.ACTIVE, Action.SESSION_TERMINATE): State.ENDED,
    (_INITIATOR, State.PENDING, Action.SESSION_ACCEPT): State.ACTIVE,
    (_INITIATOR, State.PENDING, Action.TRANSPORT_INFO): State.PENDING,
    (_INITIATOR, State.PENDING, Action.SESSION_INFO): State.PENDING,
    (_INITIATOR, State.PENDING, Action.SESSION_TERMINATE): State.ENDED,
    (_INITIATOR, State.ACTIVE, Action.TRANSPORT_INFO): State.ACTIVE,
    (_INITIATOR, State.ACTIVE, Action.SESSION_INFO): State.ACTIVE,
    (_INITIATOR, State.ACTIVE, Action.SESSION_TERMINATE): State.ENDED,
}
"""The next state when the peer's action is legal; the role is ours."""

SENT: dict[tuple[Creator, State, Action], State] = {
    (_INITIATOR, State.NEW, Action.SESSION_INITIATE): State.PENDING,
    (_INITIATOR, State.PENDING, Action.TRANSPORT_INFO): State.PENDING,
    (_INITIATOR, State.PENDING, Action.SESSION_INFO): State.PENDING,
    (_INITIATOR, State.PENDING, Action.SESSION_TERMINATE): State.ENDED,
    (_INITIATOR, State.ACTIVE, Action.TRANSPORT_INFO): State.ACTIVE,
    (_INITIATOR, State.ACTIVE, Action.SESSION_INFO): State.ACTIVE,
    (_INITIATOR, State.ACTIVE, Action.SESSION_TERMINATE): State.ENDED,
    (_RESPONDER, State.PENDING, Action.SESSION_ACCEPT): State.ACTIVE,
    (_RESPONDER, State.PENDING, Action.SESSION_INFO): State.PENDING,
    (_RESPONDER, State.PENDING, Action.SESSION_TERMINATE): State.ENDED,
    (_RESPONDER, State.ACTIVE, Action.TRANSPORT_INFO): State.ACTIVE,
    (_RESPONDER, State.ACTIVE, Action.SESSION_INFO): State.ACTIVE,
    (_RESPONDER, State.ACTIVE, Action.SESSION_TERMINATE): State.ENDED,
}
"""The next state when we act."""

REFUSED: dict[Action, type[RemoteProtocolError]] = {
    Action.SESSION_INITIATE: OutOfOrder,
    Action.SESSION_ACCEPT: OutOfOrder,
    Action.SESSION_INFO: OutOfOrder,
    Action.SESSION_TERMINATE: OutOfOrder,
    Action.TRANSPORT_INFO: OutOfOrder,
    # answers to requests that we never make
    Action.CONTENT_ACCEPT: OutOfOrder,
    Action.CONTENT_REJECT: OutOfOrder,
    Action.TRANSPORT_ACCEPT: OutOfOrder,
    Action.TRANSPORT_REJECT: OutOfOrder,
    # a change of the running session, which this version does not take part in
    Action.CONTENT_ADD: UnsupportedAction,
    Action.CONTENT_MODIFY: UnsupportedAction,
    Action.CONTENT_REMOVE: UnsupportedAction,
    Action.DESCRIPTION_INFO: UnsupportedAction,
    Action.SECURITY_INFO: UnsupportedAction,
    Action.TRANSPORT_REPLACE: UnsupportedAction,
}
"""How an action is refused where :data:`RECEIVED` has no entry (XEP-0166 §10)."""
