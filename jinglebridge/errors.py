"""Every error of the project, in one tree.

Each class carries what goes on the wire, so that the two places that catch (the component and the
call) need no table of their own::

    JinglebridgeError
    ├── OperatorError                 one line for the operator, exit code 2
    ├── SignalingError                our request to a peer failed (error, time-out, no link)
    │   └── AnswerLost                it may have arrived: the link was lost before the answer
    ├── LocalProtocolError            we tried what the protocol forbids: a bug of ours
    ├── RemoteProtocolError           the peer's fault, found before its request is acknowledged
    │   ├── MalformedStanza           bad-request
    │   │   └── SdpError              with section and line
    │   ├── UnsupportedAction         feature-not-implemented
    │   ├── UnsupportedInfo           feature-not-implemented + unsupported-info
    │   ├── UnknownSession            item-not-found + unknown-session
    │   ├── OutOfOrder                unexpected-request + out-of-order
    │   ├── TieBreak                  conflict + tie-break
    │   ├── ServiceUnknown            item-not-found
    │   ├── NotAllowed                not-allowed
    │   ├── Forbidden                 forbidden
    │   ├── PolicyViolation           policy-violation
    │   └── ResourceConstraint        resource-constraint
    └── CallError                     found after the acknowledgement: ends one call with a reason
        ├── UnsupportedApplications   ├── UnsupportedTransports   ├── IncompatibleParameters
        ├── FailedApplication         ├── FailedTransport         ├── ConnectivityError
        ├── SecurityError             ├── Timeout                 ├── Busy
        ├── Gone                      └── GeneralError

Stanza conditions are RFC 6120 §8.3.3's, Jingle conditions XEP-0166 §10's, reasons XEP-0166 §7.4's.
"""

from typing import ClassVar, Literal

StanzaErrorType = Literal["auth", "cancel", "continue", "modify", "wait"]


class JinglebridgeError(Exception):
    """Base of everything that this project raises on purpose."""


class OperatorError(JinglebridgeError):
    """Wrong configuration or surroundings: shown as one line, then exit code 2."""


class SignalingError(JinglebridgeError):
    """A request of ours was refused, timed out, or could not be sent.

    Args:
        condition: the stanza error condition (RFC 6120 §8.3.3).
        text: the peer's own words, when there were any.
        jingle_condition: the Jingle condition inside the error (XEP-0166 §10), when there was one.
    """

    def __init__(self, condition: str, text: str = "", jingle_condition: str | None = None) -> None:
        super().__init__(f"{condition}: {text}" if text else condition)
        self.condition = condition
        self.text = text
        self.jingle_condition = jingle_condition


class AnswerLost(SignalingError):
    """The link was lost after a request had left: whether it arrived is unknown."""

    def __init__(self, text: str) -> None:
        super().__init__("remote-server-timeout", text)


class LocalProtocolError(JinglebridgeError):
    """We tried something that the protocol forbids in this state: our bug, nothing was changed."""


class RemoteProtocolError(JinglebridgeError):
    """The peer's request is refused with a stanza error; no state was changed."""

    condition: ClassVar[str] = "bad-request"
    error_type: ClassVar[StanzaErrorType] = "cancel"
    jingle_condition: ClassVar[str | None] = None


class MalformedStanza(RemoteProtocolError):
    """The request says something that its schema, grammar or our bounds do not allow."""

    error_type = "modify"


class SdpError(MalformedStanza):
    """A line of a session description breaks the grammar.

    Args:
        reason: what is wrong.
        section: index of the m-section, ``None`` for the session's own lines.
        line: number of the line (1 is the first), 0 when a value could not be written.
        content: the line or value.
    """

    def __init__(
        self, reason: str, *, section: int | None = None, line: int = 0, content: str = ""
    ) -> None:
        where = "session" if section is None else f"section {section}"
        at = f", line {line}" if line else ""
        shown = f": {content[:120]!r}" if content else ""
        super().__init__(f"{where}{at}: {reason}{shown}")
        self.reason = reason
        self.section = section
        self.line = line
        self.content = content


class UnsupportedAction(RemoteProtocolError):
    """A Jingle action that this side does not take part in (XEP-0166 §7.2)."""

    condition = "feature-not-implemented"


class UnsupportedInfo(RemoteProtocolError):
    """A session-info payload that is not understood (XEP-0166 §6.8)."""

    condition = "feature-not-implemented"
    error_type = "modify"
    jingle_condition = "unsupported-info"


class UnknownSession(RemoteProtocolError):
    """No session of this peer has this sid (XEP-0166 §10)."""

    condition = "item-not-found"
    jingle_condition = "unknown-session"


class OutOfOrder(RemoteProtocolError):
    """The action is not possible in the session's present state (XEP-0166 §10)."""

    condition = "unexpected-request"
    error_type = "wait"
    jingle_condition = "out-of-order"


class TieBreak(RemoteProtocolError):
    """The peer's action crossed one of ours that wins (XEP-0166 §7.2.16)."""

    condition = "conflict"
    jingle_condition = "tie-break"


class ServiceUnknown(RemoteProtocolError):
    """No service answers at the JID that was called."""

    condition = "item-not-found"


class NotAllowed(RemoteProtocolError):
    """The peer may not do this."""

    condition = "not-allowed"


class Forbidden(RemoteProtocolError):
    """The operator's rules let this peer call nobody here."""

    condition = "forbidden"
    error_type = "auth"


class PolicyViolation(RemoteProtocolError):
    """The stanza is larger or more deeply nested, or holds more, than anything honest."""

    condition = "policy-violation"
    error_type = "modify"


class ResourceConstraint(RemoteProtocolError):
    """A limit on sessions or rates is reached; the peer may try later."""

    condition = "resource-constraint"
    error_type = "wait"


class CallError(JinglebridgeError):
    """Ends one call with this Jingle reason; its message becomes the reason's ``<text>``."""

    reason: ClassVar[str] = "general-error"


class GeneralError(CallError):
    """Something failed that has no reason of its own."""


class UnsupportedApplications(CallError):
    """No content of the offer is of a kind that the service takes."""

    reason = "unsupported-applications"


class UnsupportedTransports(CallError):
    """The offered transports are not ICE-UDP with DTLS."""

    reason = "unsupported-transports"


class IncompatibleParameters(CallError):
    """The parties have no codec or parameter in common."""

    reason = "incompatible-parameters"


class FailedApplication(CallError):
    """The media side could not work with the description."""

    reason = "failed-application"


class FailedTransport(CallError):
    """The transport worked and broke."""

    reason = "failed-transport"


class ConnectivityError(CallError):
    """No path between the parties was found."""

    reason = "connectivity-error"


class SecurityError(CallError):
    """A fingerprint or another security property is wrong or missing."""

    reason = "security-error"


class Timeout(CallError):
    """The peer did not answer in time."""

    reason = "timeout"


class Busy(CallError):
    """The service takes no more calls now."""

    reason = "busy"


class Gone(CallError):
    """The bridge goes away while the call is running."""

    reason = "gone"
