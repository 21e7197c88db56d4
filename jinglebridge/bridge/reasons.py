"""Why a call ends, from what went wrong."""

from jinglebridge.errors import CallError, OutOfOrder, SignalingError
from jinglebridge.protocol.jingle.xep_0166 import Reason, ReasonCondition, reason_of

MAX_WORDS = 500
"""Characters of a reason's text."""

_REFUSALS = {
    **dict.fromkeys(
        (
            "gone",
            "item-not-found",
            "recipient-unavailable",
            "redirect",
            "remote-server-not-found",
            "service-unavailable",
        ),
        ReasonCondition.GONE,
    ),
    **dict.fromkeys(
        ("forbidden", "not-allowed", "not-acceptable", "not-authorized", "policy-violation"),
        ReasonCondition.DECLINE,
    ),
    "resource-constraint": ReasonCondition.BUSY,
    "remote-server-timeout": ReasonCondition.TIMEOUT,
    "feature-not-implemented": ReasonCondition.UNSUPPORTED_APPLICATIONS,
}
"""What an error to a session-initiate or a proposal (RFC 6120 §8.3.3) says in Jingle's words."""


def reason_for(error: CallError) -> Reason:
    """What goes to the peer."""
    return reason_of(ReasonCondition(error.reason), printable(str(error)))


def refusal(error: SignalingError) -> Reason:
    """Why there is no call, when its beginning came back as an error."""
    if error.jingle_condition == "tie-break":
        return reason_of(ReasonCondition.ALTERNATIVE_SESSION, "the peer calls at the same time")
    condition = _REFUSALS.get(error.condition, ReasonCondition.GENERAL_ERROR)
    return reason_of(condition, printable(f"the call was refused: {error}"))


def was_taken(error: SignalingError, repeated: bool, connected: bool) -> bool:
    """Whether the peer has our session-accept, whatever it answered, or did not.

    Args:
        error: what the request failed with.
        repeated: whether it was sent again, since nobody knew.
        connected: whether media flows, for which the peer needs what stands in it.
    """
    if repeated and error.jingle_condition == OutOfOrder.jingle_condition:
        return True
    return connected and error.condition == "remote-server-timeout"


def repeated(reason: Reason | None) -> Reason:
    """A peer's reason, short enough to be said back to it."""
    if reason is None or reason.condition is None:
        return reason_of(ReasonCondition.SUCCESS)
    return reason_of(reason.condition, printable(reason.text.text) if reason.text else "")


def printable(words: str) -> str:
    """Bounded, on one line: a character that XML forbids would end the stream of all calls."""
    return "".join(item if item.isprintable() else "?" for item in words)[:MAX_WORDS]
