"""What the bridge needs of the world: signalling and media, each with a fake in ``testing``.

Everything that crosses the media port also exists as JSEP messages (``bridge/jsep.py``), so that
an engine in another process is another file and nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from jinglebridge.errors import CallError
from jinglebridge.protocol.jingle.xep_0166 import Jingle
from jinglebridge.protocol.jingle.xep_0353 import JingleMessage
from jinglebridge.protocol.sdp.description import Answer, Offer, TrickledCandidates
from jinglebridge.protocol.session.habits import Habits


class Signaling(Protocol):
    """The way to a peer; implemented by the XMPP component."""

    @property
    def domain(self) -> str:
        """Ours: the domain of every sender."""

    async def request(self, sender: str, peer: str, jingle: Jingle) -> None:
        """Send one Jingle request and wait for its result.

        Args:
            sender: our JID in this session, full or bare.
            peer: the peer's full JID.
            jingle: the request.

        Raises:
            SignalingError: refused, timed out, or no link to the server.
        """

    def send_message(
        self, sender: str, peer: str, message: JingleMessage, *, stanza_id: str
    ) -> None:
        """Send a message of type ``chat`` that is to be stored (XEP-0353 §3), and not wait.

        Args:
            sender: our JID, full or bare.
            peer: the peer's JID; bare: for all of its devices.
            message: what is said.
            stanza_id: by which an error that comes back is known.

        Raises:
            SignalingError: no link to the server.
        """

    async def features(self, sender: str, peer: str) -> frozenset[str]:
        """What a device of a peer knows, from its presence or by asking it (XEP-0030, XEP-0115).

        Args:
            sender: our JID, full or bare.
            peer: the device's full JID.

        Raises:
            SignalingError: it does not say, or there is no such device.
        """

    def resources(self, peer_bare: str) -> tuple[str, ...]:
        """The devices of an account that are seen available: full JIDs, best priority first."""

    def habits(self, peer: str) -> Habits:
        """What a device needs, as far as it is known now.

        Args:
            peer: its full JID.
        """


class ConnectionState(Enum):
    """State of a media session's transports, the worst of them (W3C RTCPeerConnectionState)."""

    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    FAILED = "failed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalCandidates:
    """The media session found candidates, or finished looking."""

    trickled: TrickledCandidates


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionChanged:
    """The transports reached another state."""

    state: ConnectionState
    error: CallError | None = None
    """Why, when the state is ``FAILED``."""


MediaEvent = LocalCandidates | ConnectionChanged


class MediaSession(Protocol):
    """The media half of one call; used by the call's task alone."""

    async def answer(self, offer: Offer) -> Answer:
        """Take the peer's offer and say what of it is accepted.

        Gathering starts here; candidates follow as events and are not part of the answer.

        Raises:
            CallError: nothing of the offer can be taken, with the Jingle reason.
        """

    async def prepare_offer(self, kinds: tuple[str, ...]) -> Offer:
        """Make an offer of ours, which the peer's answer belongs to: see :meth:`commit`.

        Gathering starts here; candidates follow as events and are not part of the offer. Every
        section has a transport of its own, because the peer may not bundle (RFC 9429 §4.1.1,
        "balanced"); those that its answer makes needless end with :meth:`commit`.

        Args:
            kinds: one section each, in this order: ``audio`` or ``video``.

        Raises:
            CallError: no such offer can be made.
        """

    async def commit(self, answer: Answer) -> None:
        """Take the peer's answer to the offer that was prepared, and begin to connect.

        Raises:
            CallError: the answer does not fit the offer, or nothing is left of it.
        """

    async def add_candidates(self, trickled: TrickledCandidates) -> None:
        """Add the peer's candidates; those of a generation not yet known wait."""

    async def close(self) -> None:
        """End transports, sockets and tasks; may be called in any state and more than once."""


class MediaEngine(Protocol):
    """Opens media sessions."""

    async def open(
        self, service: str, peer: str, emit: Callable[[MediaEvent], None]
    ) -> MediaSession:
        """Open the media half of a call.

        Args:
            service: name of the service's program, ``echo`` for example.
            peer: the peer's full JID, for logs only.
            emit: takes the session's events; never blocks.

        Raises:
            CallError: the engine has no room or no such program.
        """

    async def close(self) -> None:
        """End every session and the engine."""
