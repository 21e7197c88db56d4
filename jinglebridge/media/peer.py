"""The media half of one call: transports, candidates in and out, and one clock for all of them."""

import asyncio
import secrets
import string
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
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
from jinglebridge.media.negotiation import MAX_TRANSPORTS, negotiate
from jinglebridge.media.offering import make_offer, take_answer
from jinglebridge.media.plan import LocalParameters, SectionParameters
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offered:
    """Our offer while it waits for its answer."""

    offer: Offer
    local: LocalParameters


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
        self._needless: tuple[MediaTransport, ...] = ()
        """Those of our offer that the answer did without."""
        self._offered: _Offered | None = None
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
        self._check_unused()
        negotiated = negotiate(offer, self._local_parameters(len(offer.media)))
        for plan in negotiated.transports:
            # The answerer is controlled; an ice-lite peer cannot control (RFC 8445 §6.1.1).
            transport = self._open(
                plan.mids[0], plan.local_ufrag, plan.local_pwd, controlling=plan.remote_is_lite
            )
            transport.connect(plan)
            self._transports += (transport,)
        for transport in self._transports:
            transport.start()
        await self._run()
        return negotiated.answer

    async def prepare_offer(self, kinds: tuple[str, ...]) -> Offer:
        """Offer, and look for candidates of every section; see ``MediaSession``."""
        self._check_unused()
        local = self._local_parameters(min(len(kinds), MAX_TRANSPORTS))
        offer = make_offer(kinds, local)
        self._offered = _Offered(offer=offer, local=local)
        self._transports = tuple(
            self._open(section.mid, own.ufrag, own.pwd, controlling=True)
            for section, own in zip(offer.media, local.sections, strict=True)
        )
        for transport in self._transports:
            transport.start()
        return offer

    async def commit(self, answer: Answer) -> None:
        """Connect as the peer's answer says; see ``MediaSession``."""
        if self._offered is None or self._closed:
            raise LocalProtocolError("this media session has no offer that waits for an answer")
        plans = take_answer(self._offered.offer, answer, self._offered.local)
        ours = {
            section.mid: transport
            for section, transport in zip(self._offered.offer.media, self._transports, strict=True)
        }
        self._offered = None
        used = {plan.mids[0]: ours.pop(plan.mids[0]) for plan in plans}
        self._transports = tuple(used.values())
        self._needless = tuple(ours.values())
        for plan in plans:
            used[plan.mids[0]].connect(plan)
        await self._run()
        await self._close_all(self._needless)

    def _check_unused(self) -> None:
        if self._transports or self._closed:
            raise LocalProtocolError("this media session has had its offer")

    async def _run(self) -> None:
        """What follows when plans are known: candidates that waited, and the clock."""
        held, self._held = tuple(self._held), deque(maxlen=_MAX_HELD)
        for trickled in held:
            await self.add_candidates(trickled)
        self._clock = asyncio.create_task(self._tick(), name="media clock")

    async def add_candidates(self, trickled: TrickledCandidates) -> None:
        """Add the peer's candidates; see ``MediaSession``.

        Those of bundled sections go to the section that owns the transport (RFC 9143 §9.1). What
        belongs to no known section or ICE generation is held, because browsers send candidates of
        a new generation before its offer (RFC 8838 §10).
        """
        for transport in self._transports:
            plan = transport.plan
            if plan is None or trickled.mid not in plan.mids:
                continue
            if trickled.ufrag in (None, plan.remote_ufrag):
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
        await self._close_all((*self._transports, *self._needless))
        self._set_state(ConnectionState.CLOSED)

    def stats(self) -> tuple[object, ...]:
        """RTP statistics of each transport."""
        return tuple(one.rtp.stats() for one in self._transports if one.rtp is not None)

    @staticmethod
    async def _close_all(transports: tuple[MediaTransport, ...]) -> None:
        await asyncio.gather(*(transport.close() for transport in transports))

    def _open(self, mid: str, ufrag: str, pwd: str, *, controlling: bool) -> MediaTransport:
        def found(candidate: Candidate | None) -> None:
            trickled = TrickledCandidates(
                mid=mid,
                ufrag=ufrag,
                candidates=() if candidate is None else (candidate,),
                end_of_candidates=candidate is None,
            )
            self._emit(LocalCandidates(trickled=trickled))

        return MediaTransport(
            name=mid,
            ufrag=ufrag,
            pwd=pwd,
            controlling=controlling,
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
