"""XEP-0353: Jingle Message Initiation, version 0.8.0.

A proposal travels in messages of type ``chat`` before there is a session, so that all devices of an
account ring; its id becomes the session's sid. Deviations: a reason may be missing, as before 0.4;
``accept``, with which a device told its siblings that it took the call before 0.4, is read.
Descriptions of applications that are not known here are kept by their names.
"""

from jinglebridge.protocol.jingle.xep_0166 import Reason
from jinglebridge.protocol.jingle.xep_0167 import RtpDescription
from jinglebridge.protocol.xml import (
    attribute,
    child,
    children,
    element,
    flag,
    foreign,
    matching,
    tag_of,
)

NAMESPACE = "urn:xmpp:jingle-message:0"

_ID = r"\S.{0,255}"
"""As a sid (XEP-0166 §7.1), since it becomes one."""


@element(NAMESPACE, "propose")
class Propose:
    """The sender would like to open a session (XEP-0353 §3.1)."""

    id: str = attribute(matching(_ID))
    descriptions: tuple[RtpDescription, ...] = children(RtpDescription, maximum=16, default=())
    foreign: tuple[str, ...] = foreign(default=())
    """Clark names of children that we do not know: other applications, for example."""


@element(NAMESPACE, "ringing")
class Ringing:
    """A device of the callee rings (XEP-0353 §3.2)."""

    id: str = attribute(matching(_ID))


@element(NAMESPACE, "proceed")
class Proceed:
    """The device that sends this takes the call and awaits session-initiate (XEP-0353 §3.4)."""

    id: str = attribute(matching(_ID))


@element(NAMESPACE, "accept")
class Accept:
    """A device of the callee tells its siblings that it takes the call (before version 0.4)."""

    id: str = attribute(matching(_ID))


@element(NAMESPACE, "reject")
class Reject:
    """The callee declines, on all its devices (XEP-0353 §3.5)."""

    id: str = attribute(matching(_ID))
    reason: Reason | None = child(Reason, default=None)
    tie_break: bool = flag(NAMESPACE, "tie-break", default=False)
    """The proposal crossed one that wins (XEP-0353 §4.1)."""


@element(NAMESPACE, "retract")
class Retract:
    """The caller takes its proposal back (XEP-0353 §3.3)."""

    id: str = attribute(matching(_ID))
    reason: Reason | None = child(Reason, default=None)
    tie_break: bool = flag(NAMESPACE, "tie-break", default=False)
    """The proposal crossed one that wins (XEP-0353 §4.1)."""


@element(NAMESPACE, "migrated")
class Migrated:
    """Where the call goes on (XEP-0353 §4.2)."""

    to: str = attribute(matching(_ID))
    """Id of the new session."""


@element(NAMESPACE, "finish")
class Finish:
    """A call that was taken is over; both parties say so (XEP-0353 §3.7)."""

    id: str = attribute(matching(_ID))
    reason: Reason | None = child(Reason, default=None)
    migrated: Migrated | None = child(Migrated, default=None)


JingleMessage = Propose | Ringing | Proceed | Accept | Reject | Retract | Finish

MESSAGES: dict[str, type[JingleMessage]] = {
    tag_of(kind): kind for kind in (Propose, Ringing, Proceed, Accept, Reject, Retract, Finish)
}
"""Every message's class by the Clark name of its element."""
