"""Bounds on what a peer can make us hold or wait for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of everything; the defaults suit one small machine."""

    calls: int = 100
    """Calls at the same time."""
    calls_per_peer: int = 4
    """Calls of one bare JID at the same time."""
    contents: int = 32
    """Contents of one session."""
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
    close_timeout: float = 5.0
    """For one call to end when all do, in s."""
