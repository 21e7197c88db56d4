"""One transport of a call from end to end: ICE, the mux, DTLS, and RTP or data over it."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from aiortc import RTCCertificate

from jinglebridge.bridge.ports import ConnectionState
from jinglebridge.errors import CallError, ConnectivityError, FailedTransport, GeneralError
from jinglebridge.media.data import DataChannels
from jinglebridge.media.dtls import DtlsTransport
from jinglebridge.media.ice import IceConnection
from jinglebridge.media.mux import Mux
from jinglebridge.media.plan import TransportPlan
from jinglebridge.media.program import Program
from jinglebridge.media.rtp.congestion import TransportCc
from jinglebridge.media.rtp.transport import RtpTransport
from jinglebridge.media.settings import MediaSettings
from jinglebridge.protocol.jingle.xep_0176 import Candidate

logger = logging.getLogger(__name__)


class MediaTransport:
    """Runs one :class:`TransportPlan` in one task of its own, which owns every socket and task.

    Args:
        plan: what was negotiated.
        settings: addresses, ports and times.
        certificate: ours.
        program: what happens to the packets.
        transport_cc: the packet numbering that the call's transports share.
        found: takes each local candidate, then ``None`` when there will be no more.
        changed: called after each change of ``state``.
    """

    def __init__(
        self,
        *,
        plan: TransportPlan,
        settings: MediaSettings,
        certificate: RTCCertificate,
        program: Program,
        transport_cc: TransportCc,
        found: Callable[[Candidate | None], None],
        changed: Callable[[], None],
    ) -> None:
        self.plan = plan
        self.state = ConnectionState.NEW
        self.error: CallError | None = None
        """Why the transport failed."""
        self._settings = settings
        self._found = found
        self._changed = changed
        self._mux = Mux()
        self._ice = IceConnection(
            # The answerer is controlled; an ice-lite peer cannot control (RFC 8445 §6.1.1).
            controlling=plan.remote_is_lite,
            ufrag=plan.local_ufrag,
            pwd=plan.local_pwd,
            settings=settings,
            receiver=self._mux,
        )
        self._dtls = DtlsTransport(
            mux=self._mux,
            certificate=certificate,
            role=plan.role,
            fingerprints=plan.remote_fingerprints,
        )
        self.rtp = RtpTransport(
            self._dtls.send_rtp, self._dtls.send_rtcp, program, transport_cc=transport_cc
        )
        self._data = DataChannels(self._dtls, plan.data) if plan.data is not None else None
        self._task: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look for candidates and connect, in the background."""
        for candidate in self.plan.remote_candidates:
            self.add_candidate(candidate)
        self._task = asyncio.create_task(self._run(), name=f"media transport {self.plan.mids[0]}")

    def add_candidate(self, candidate: Candidate) -> None:
        """Try one more address of the peer, if the policy allows it."""
        self._ice.add_candidate(candidate)

    def tick(self, now: float) -> None:
        """Give RTP its turn; a transport whose RTP breaks has failed.

        Args:
            now: monotonic time in seconds.
        """
        if self._task is None or self.state is not ConnectionState.CONNECTED:
            return
        try:
            self.rtp.tick(now)
        except Exception as error:
            logger.exception("RTP of media transport %s broke", self.plan.mids[0])
            self.error = GeneralError(f"RTP broke: {type(error).__name__}")
            self._task.cancel()

    async def close(self) -> None:
        """End everything, in any state and more than once; returns when nothing is left."""
        if self._task is not None:
            self._task.cancel()
            # wait() leaves the task alone when this call itself is cancelled.
            await asyncio.wait([self._task])
        await self._end()
        self._set_state(ConnectionState.CLOSED)

    async def _run(self) -> None:
        try:
            self._set_state(ConnectionState.CONNECTING)
            try:
                async with asyncio.timeout(self._settings.connect_timeout_s):
                    await self._connect()
            except TimeoutError:
                raise ConnectivityError("no path between the parties was found in time") from None
            self._set_state(ConnectionState.CONNECTED)
            await self._wait_lost()
        except CallError as error:
            self.error = error
        except Exception as error:
            logger.exception("media transport %s broke", self.plan.mids[0])
            self.error = GeneralError(f"the media transport broke: {type(error).__name__}")
        finally:
            await self._end()
            if self.error is not None:
                self._set_state(ConnectionState.FAILED)

    async def _connect(self) -> None:
        await self._ice.gather(self._found)
        self._found(None)
        self._mux.attach(self._ice)
        self._ice.watch_consent(self._consent_changed)
        await self._ice.establish(
            remote_ufrag=self.plan.remote_ufrag,
            remote_pwd=self.plan.remote_pwd,
            remote_is_lite=self.plan.remote_is_lite,
        )
        self.rtp.configure(self.plan.rtp, monotonic())
        await self._dtls.open(self.rtp)
        if self._data is not None:
            await self._data.start()

    async def _wait_lost(self) -> None:
        """Return never: raises when the peer ends DTLS or no longer answers."""
        ended = asyncio.create_task(self._dtls.wait_ended())
        lost = asyncio.create_task(self._ice.wait_closed())
        try:
            await asyncio.wait((ended, lost), return_when=asyncio.FIRST_COMPLETED)
            peer_ended = ended.done()
        finally:
            ended.cancel()
            lost.cancel()
            await asyncio.wait((ended, lost))
        if not peer_ended:
            raise ConnectivityError("the peer no longer answers")
        raise FailedTransport("the peer ended the media transport")

    async def _end(self) -> None:
        """Release everything, once, in a task that no cancelled caller takes along.

        aioice waits for its sockets on futures that a cancelled wait would cancel for good.
        """
        if self._ending is None:
            self._ending = asyncio.create_task(
                self._release(), name=f"end of media transport {self.plan.mids[0]}"
            )
        await asyncio.wait([self._ending])
        error = self._ending.exception()
        if error is not None:
            logger.error("media transport %s did not end well", self.plan.mids[0], exc_info=error)

    async def _release(self) -> None:
        self.rtp.close()
        if self._data is not None:
            await self._data.close()
        with suppress(ConnectionError):
            await self._dtls.close()
        self._mux.close()
        await self._ice.close()

    def _consent_changed(self, granted: bool) -> None:
        if self.state in (ConnectionState.CONNECTED, ConnectionState.DISCONNECTED):
            self._set_state(ConnectionState.CONNECTED if granted else ConnectionState.DISCONNECTED)

    def _set_state(self, state: ConnectionState) -> None:
        over = self.state in (ConnectionState.FAILED, ConnectionState.CLOSED)
        if state is self.state or (over and state is not ConnectionState.CLOSED):
            return
        self.state = state
        self._changed()
