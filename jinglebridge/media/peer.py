"""The media half of one call: transports, candidates in and out, and one clock for all of them."""

import asyncio
import secrets
import string
from collections import deque
from collections.abc import Callable
from time import monotonic

from aiortc import RTCCertificate

from jinglebridge.bridge.ports import (
    ConnectionChanged,
    ConnectionState,
    LocalCandidates,
    MediaEvent,
)
from jinglebridge.errors import LocalProtocolError
from jinglebridge.media.dtls import fingerprint_of
from jinglebridge.media.negotiation import negotiate
from jinglebridge.media.plan import LocalParameters, SectionParameters, TransportPlan
from jinglebridge.media.program import Program
from jinglebridge.media.rtp.congestion import TransportCc
from jinglebridge.media.settings import MediaSettings
from jinglebridge.media.transport import MediaTransport
from jinglebridge.protocol.jingle.xep_0176 import Candidate
from jinglebridge.protocol.sdp.description import Answer, Offer, TrickledCandidates

TICK_S = 0.02
"""How often RTP gets its turn for feedback and retransmissions."""

_MAX_HELD = 64
"""Candidates kept for a section or generation that is not known yet."""
_ICE_CHARS = string.ascii_letters + string.digits

_WORST_FIRST = (
    ConnectionState.CLOSED,
    ConnectionState.FAILED,
    ConnectionState.DISCONNECTED,
    ConnectionState.CONNECTING,
    ConnectionState.NEW,
    ConnectionState.CONNECTED,
)


class Peer:
    """A :class:`~jinglebridge.bridge.ports.MediaSession` in this process.

    Args:
        settings: addresses, ports and times.
        certificate: ours.
        program: what happens to the packets.
        emit: takes the session's events.
    """

    def __init__(
        self,
        *,
        settings: MediaSettings,
        certificate: RTCCertificate,
        program: Program,
        emit: Callable[[MediaEvent], None],
    ) -> None:
        self._settings = settings
        self._certificate = certificate
        self._program = program
        self._emit = emit
        self._transport_cc = TransportCc()
        self._transports: tuple[MediaTransport, ...] = ()
        self._held: deque[TrickledCandidates] = deque(maxlen=_MAX_HELD)
        self._state = ConnectionState.NEW
        self._clock: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def state(self) -> ConnectionState:
        """The worst state of the transports."""
        return self._state

    async def answer(self, offer: Offer) -> Answer:
        """Take the peer's offer and begin to connect; see ``MediaSession``."""
        if self._transports or self._closed:
            raise LocalProtocolError("this media session has had its offer")
        negotiated = negotiate(offer, self._local_parameters(len(offer.media)))
        self._transports = tuple(self._open(plan) for plan in negotiated.transports)
        held, self._held = tuple(self._held), deque(maxlen=_MAX_HELD)
        for trickled in held:
            await self.add_candidates(trickled)
        for transport in self._transports:
            transport.start()
        self._clock = asyncio.create_task(self._tick(), name="media clock")
        return negotiated.answer

    async def add_candidates(self, trickled: TrickledCandidates) -> None:
        """Add the peer's candidates; see ``MediaSession``.

        Those of bundled sections go to the section that owns the transport (RFC 9143 §9.1). What
        belongs to no known section or ICE generation is held, because browsers send candidates of
        a new generation before its offer (RFC 8838 §10).
        """
        for transport in self._transports:
            plan = transport.plan
            if trickled.mid in plan.mids and trickled.ufrag in (None, plan.remote_ufrag):
                for candidate in trickled.candidates:
                    transport.add_candidate(candidate)
                return
        if not self._closed:
            self._held.append(trickled)

    async def close(self) -> None:
        """End transports, sockets and tasks; see ``MediaSession``."""
        self._closed = True
        self._held.clear()
        if self._clock is not None:
            self._clock.cancel()
            await asyncio.wait([self._clock])
        if self._transports:
            await asyncio.gather(*(transport.close() for transport in self._transports))
        self._set_state(ConnectionState.CLOSED)

    def stats(self) -> tuple[object, ...]:
        """RTP statistics of each transport."""
        return tuple(transport.rtp.stats() for transport in self._transports)

    def _open(self, plan: TransportPlan) -> MediaTransport:
        def found(candidate: Candidate | None) -> None:
            trickled = TrickledCandidates(
                mid=plan.mids[0],
                ufrag=plan.local_ufrag,
                candidates=() if candidate is None else (candidate,),
                end_of_candidates=candidate is None,
            )
            self._emit(LocalCandidates(trickled=trickled))

        return MediaTransport(
            plan=plan,
            settings=self._settings,
            certificate=self._certificate,
            program=self._program,
            transport_cc=self._transport_cc,
            found=found,
            changed=self._transport_changed,
        )

    def _transport_changed(self) -> None:
        if self._closed:
            return
        states = {transport.state for transport in self._transports}
        self._set_state(next(state for state in _WORST_FIRST if state in states))

    def _set_state(self, state: ConnectionState) -> None:
        if state is self._state:
            return
        self._state = state
        error = None
        if state is ConnectionState.FAILED:
            error = next(one.error for one in self._transports if one.error is not None)
        self._emit(ConnectionChanged(state=state, error=error))

    async def _tick(self) -> None:
        due = monotonic()
        while True:
            due = max(due + TICK_S, monotonic())
            await asyncio.sleep(due - monotonic())
            now = monotonic()
            for transport in self._transports:
                transport.tick(now)

    def _local_parameters(self, sections: int) -> LocalParameters:
        ssrcs: set[int] = set()
        while len(ssrcs) < 2 * sections:
            ssrcs.add(secrets.randbelow((1 << 32) - 1) + 1)
        return LocalParameters(
            session_id=str(secrets.randbits(62)),
            cname=_random_text(16),
            stream_id=_random_text(16),
            fingerprint=fingerprint_of(self._certificate),
            sections=tuple(
                SectionParameters(
                    ufrag=_random_text(8),
                    pwd=_random_text(24),
                    ssrc=ssrcs.pop(),
                    rtx_ssrc=ssrcs.pop(),
                )
                for _ in range(sections)
            ),
            data_channels=self._settings.data_channels,
        )


def _random_text(length: int) -> str:
    return "".join(secrets.choice(_ICE_CHARS) for _ in range(length))
