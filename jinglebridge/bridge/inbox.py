"""What waits in a call's inbox: what the session and the media say, and what we want ourselves."""

from dataclasses import dataclass

from jinglebridge.bridge.ports import MediaEvent
from jinglebridge.errors import SignalingError
from jinglebridge.protocol.jingle.xep_0166 import Jingle, Reason
from jinglebridge.protocol.session.events import Event


@dataclass(frozen=True, slots=True)
class Dial:
    """Offer these kinds of media."""

    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Superseded:
    """The peer's session-initiate crossed ours and won."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """A request of ours was refused, or nobody answered it."""

    request: Jingle
    error: SignalingError


@dataclass(frozen=True, slots=True)
class Broken:
    """A bug of ours or of a port's, met outside the call's own task; or our patience's end."""

    error: Exception


OwnItem = Dial | HangUp | Superseded | RequestFailed | Broken
Item = Event | MediaEvent | OwnItem
