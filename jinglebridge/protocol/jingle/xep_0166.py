"""XEP-0166: Jingle, version 1.1.2.

Deviations: ``creator`` may be absent (read as initiator) because clients forget it; ``senders``
stays absent where the peer left it out (it then means both, §7.3).
"""

from enum import Enum

from jinglebridge.protocol.jingle.residue import Residue
from jinglebridge.protocol.jingle.xep_0167 import (
    Active,
    Hold,
    Mute,
    Ringing,
    RtpDescription,
    SessionInfo,
    Unhold,
    Unmute,
)
from jinglebridge.protocol.jingle.xep_0176 import IceUdpTransport
from jinglebridge.protocol.jingle.xep_0338 import Group
from jinglebridge.protocol.jingle.xep_0343 import DataChannelDescription
from jinglebridge.protocol.xml import (
    MULTILINE,
    TEXT,
    attribute,
    child,
    children,
    choice,
    element,
    foreign,
    matching,
    text,
    which,
)

NAMESPACE = "urn:xmpp:jingle:1"
ERRORS_NAMESPACE = "urn:xmpp:jingle:errors:1"


class Action(Enum):
    """The fifteen actions (XEP-0166 §7.2)."""

    CONTENT_ACCEPT = "content-accept"
    CONTENT_ADD = "content-add"
    CONTENT_MODIFY = "content-modify"
    CONTENT_REJECT = "content-reject"
    CONTENT_REMOVE = "content-remove"
    DESCRIPTION_INFO = "description-info"
    SECURITY_INFO = "security-info"
    SESSION_ACCEPT = "session-accept"
    SESSION_INFO = "session-info"
    SESSION_INITIATE = "session-initiate"
    SESSION_TERMINATE = "session-terminate"
    TRANSPORT_ACCEPT = "transport-accept"
    TRANSPORT_INFO = "transport-info"
    TRANSPORT_REJECT = "transport-reject"
    TRANSPORT_REPLACE = "transport-replace"


class Creator(Enum):
    """Who brought a content into the session; fixed at its birth (XEP-0166 §7.3)."""

    INITIATOR = "initiator"
    RESPONDER = "responder"


class Senders(Enum):
    """Who sends in a content (XEP-0166 §7.3)."""

    BOTH = "both"
    INITIATOR = "initiator"
    NONE = "none"
    RESPONDER = "responder"


class ReasonCondition(Enum):
    """Why something ends or is refused (XEP-0166 §7.4)."""

    ALTERNATIVE_SESSION = "alternative-session"
    BUSY = "busy"
    CANCEL = "cancel"
    CONNECTIVITY_ERROR = "connectivity-error"
    DECLINE = "decline"
    EXPIRED = "expired"
    FAILED_APPLICATION = "failed-application"
    FAILED_TRANSPORT = "failed-transport"
    GENERAL_ERROR = "general-error"
    GONE = "gone"
    INCOMPATIBLE_PARAMETERS = "incompatible-parameters"
    MEDIA_ERROR = "media-error"
    SECURITY_ERROR = "security-error"
    SUCCESS = "success"
    TIMEOUT = "timeout"
    UNSUPPORTED_APPLICATIONS = "unsupported-applications"
    UNSUPPORTED_TRANSPORTS = "unsupported-transports"


@element(NAMESPACE, "text")
class ReasonText:
    """Words for people beside a reason."""

    text: str = text(MULTILINE, default="")


@element(NAMESPACE, "reason")
class Reason:
    """A condition with words for people."""

    condition: ReasonCondition | None = which(NAMESPACE, ReasonCondition, default=None)
    text: ReasonText | None = child(ReasonText, default=None)

    def __str__(self) -> str:
        name = self.condition.value if self.condition else "no reason"
        return f"{name}: {self.text.text}" if self.text and self.text.text else name


def reason_of(condition: ReasonCondition, words: str = "") -> Reason:
    """A reason with an optional text."""
    return Reason(condition=condition, text=ReasonText(text=words) if words else None)


@element(NAMESPACE, "content")
class Content:
    """One stream of media with its transport (XEP-0166 §7.3)."""

    creator: Creator = attribute(choice(Creator), default=Creator.INITIATOR)
    name: str = attribute(matching(r".{1,256}"))
    """With ``creator`` the key of the content in its session."""
    disposition: str | None = attribute(TEXT, default=None)
    senders: Senders | None = attribute(choice(Senders), default=None)
    description: RtpDescription | DataChannelDescription | None = child(
        RtpDescription, DataChannelDescription, default=None
    )
    transport: IceUdpTransport | None = child(IceUdpTransport, default=None)
    residue: Residue | None = child(Residue, default=None)
    foreign: tuple[str, ...] = foreign(default=())
    """Clark names of children we do not know: another application or transport, for example."""


@element(NAMESPACE, "jingle")
class Jingle:
    """One request of a session (XEP-0166 §7.1)."""

    action: Action = attribute(choice(Action))
    sid: str = attribute(matching(r"\S.{0,255}"))
    initiator: str | None = attribute(TEXT, default=None)
    responder: str | None = attribute(TEXT, default=None)
    groups: tuple[Group, ...] = children(Group, maximum=16, default=())
    contents: tuple[Content, ...] = children(Content, maximum=64, default=())
    reason: Reason | None = child(Reason, default=None)
    info: SessionInfo | None = child(Active, Hold, Unhold, Ringing, Mute, Unmute, default=None)
    residue: Residue | None = child(Residue, default=None)
    foreign: tuple[str, ...] = foreign(default=())
    """Clark names of children we do not know: another session-info payload, for example."""
