"""Bounds on what a peer can make us hold, do or wait for."""

from dataclasses import dataclass

from jinglebridge.errors import PolicyViolation
from jinglebridge.protocol.jingle.xep_0166 import Jingle
from jinglebridge.protocol.jingle.xep_0167 import RtpDescription
from jinglebridge.protocol.session.initiation import TIMEOUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of everything; the defaults suit one small machine."""

    calls: int = 100
    """Calls at the same time."""
    calls_per_domain: int = 80
    """Calls of all accounts of one domain at the same time."""
    calls_per_peer: int = 4
    """Calls of one bare JID at the same time."""
    setups_per_minute: int = 600
    """Calls that begin in a minute; a third of them at once."""
    setups_per_minute_per_peer: int = 30
    """Calls of one bare JID that begin in a minute; a third of them at once."""
    contents: int = 32
    """Contents of one session."""
    payload_types: int = 128
    """Payload types of one content: RTP has no more numbers."""
    candidates: int = 64
    """Candidates of one transport and ICE generation; what is more is dropped."""
    inbox: int = 512
    """Events that wait for one call."""
    requests: int = 128
    """Requests of one call that wait for their results."""
    request_timeout: float = 15.0
    """For the result of a request of ours, in s."""
    accept_timeout: float = 15.0
    """For the media side's answer, in s."""
    connect_timeout: float = 30.0
    """From our answer to connected media, in s."""
    ring_timeout: float = TIMEOUT
    """For somebody to answer a call, and for a call that was taken to begin, in s."""
    close_timeout: float = 5.0
    """For one call to end when all do, in s."""


def check_request(jingle: Jingle, limits: Limits) -> None:
    """Look at the counts in a request, whatever its action.

    Raises:
        PolicyViolation: it has more contents, or a content more payload types, than are taken.
    """
    if len(jingle.contents) > limits.contents:
        raise PolicyViolation(f"a session has at most {limits.contents} contents")
    for content in jingle.contents:
        description = content.description
        if (
            isinstance(description, RtpDescription)
            and len(description.payload_types) > limits.payload_types
        ):
            raise PolicyViolation(f"a content has at most {limits.payload_types} payload types")
