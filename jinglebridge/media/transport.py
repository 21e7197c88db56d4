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

_CANCEL_AGAIN_S = 0.1


class MediaTransport:
    """Looks for candidates, then runs one :class:`TransportPlan`.

    All of it is one task, which owns every socket and every other task.

    Args:
        name: for logs.
        ufrag: our ICE username fragment.
        pwd: our ICE password.
        controlling: our first idea of the ICE role (RFC 8445 §6.1.1).
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
        name: str,
        ufrag: str,
        pwd: str,
        controlling: bool,
        settings: MediaSettings,
        certificate: RTCCertificate,
        program: Program,
        transport_cc: TransportCc,
        found: Callable[[Candidate | None], None],
        changed: Callable[[], None],
    ) -> None:
        self.state = ConnectionState.NEW
        self.plan: TransportPlan | None = None
        """What was negotiated, once it is known."""
        self.error: CallError | None = None
        """Why the transport failed."""
        self.rtp: RtpTransport | None = None
        """From the plan on."""
        self._name = name
        self._settings = settings
        self._certificate = certificate
        self._program = program
        self._transport_cc = transport_cc
        self._found = found
        self._changed = changed
        self._mux = Mux()
        self._ice = IceConnection(
            controlling=controlling,
            ufrag=ufrag,
            pwd=pwd,
            settings=settings,
            receiver=self._mux,
        )
        self._dtls: DtlsTransport | None = None
        self._data: DataChannels | None = None
        self._planned: asyncio.Future[TransportPlan] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look for candidates in the background, and connect once there is a plan."""
        self._task = asyncio.create_task(self._run(), name=f"media transport {self._name}")

    def connect(self, plan: TransportPlan) -> None:
        """Connect as negotiated; called once, before or after :meth:`start`."""
        self.plan = plan
        for candidate in plan.remote_candidates:
            self.add_candidate(candidate)
        self._planned.set_result(plan)

    def add_candidate(self, candidate: Candidate) -> None:
        """Try one more address of the peer, if the policy allows it."""
        self._ice.add_candidate(candidate)

    def tick(self, now: float) -> None:
        """Give RTP its turn; a transport whose RTP breaks has failed.

        Args:
            now: monotonic time in seconds.
        """
        connected = self.state is ConnectionState.CONNECTED
        # With an error it is ending already, which a second cancellation would disturb.
        if self._task is None or self.rtp is None or not connected or self.error is not None:
            return
        try:
            self.rtp.tick(now)
        except Exception as error:
            logger.exception("RTP of media transport %s broke", self._name)
            self.error = GeneralError(f"RTP broke: {type(error).__name__}")
            self._task.cancel()

    async def close(self) -> None:
        """End everything, in any state and more than once; returns when nothing is left."""
        while self._task is not None and not self._task.done():
            # aiortc uses wait_for, which before Python 3.12 forgets a cancellation that comes
            # together with what it waits for.
            self._task.cancel()
            # wait() leaves the task alone when this call itself is cancelled.
            await asyncio.wait([self._task], timeout=_CANCEL_AGAIN_S)
        await self._end()
        self._set_state(ConnectionState.CLOSED)

    async def _run(self) -> None:
        try:
            await self._ice.gather(self._found)
            self._found(None)
            plan = await self._planned
            self._set_state(ConnectionState.CONNECTING)
            try:
                async with asyncio.timeout(self._settings.connect_timeout_s):
                    dtls = await self._connect(plan)
            except TimeoutError:
                raise ConnectivityError("no path between the parties was found in time") from None
            self._set_state(ConnectionState.CONNECTED)
            await self._wait_lost(dtls)
        except CallError as error:
            self.error = error
        except Exception as error:
            logger.exception("media transport %s broke", self._name)
            self.error = GeneralError(f"the media transport broke: {type(error).__name__}")
        finally:
            await self._end()
            if self.error is not None:
                self._set_state(ConnectionState.FAILED)

    async def _connect(self, plan: TransportPlan) -> DtlsTransport:
        dtls = self._dtls = DtlsTransport(
            mux=self._mux,
            certificate=self._certificate,
            role=plan.role,
            fingerprints=plan.remote_fingerprints,
        )
        rtp = self.rtp = RtpTransport(
            dtls.send_rtp, dtls.send_rtcp, self._program, transport_cc=self._transport_cc
        )
        if plan.data is not None:
            self._data = DataChannels(dtls, plan.data)
        self._mux.attach(self._ice)
        self._ice.watch_consent(self._consent_changed)
        await self._ice.establish(remote_ufrag=plan.remote_ufrag, remote_pwd=plan.remote_pwd)
        rtp.configure(plan.rtp, monotonic())
        await dtls.open(rtp)
        if self._data is not None:
            await self._data.start()
        return dtls

    async def _wait_lost(self, dtls: DtlsTransport) -> None:
        """Return never: raises when the peer ends DTLS or no longer answers."""
        ended = asyncio.create_task(dtls.wait_ended())
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
        # Who hangs up closes its peer connection first: its session-terminate is on the way.
        self._set_state(ConnectionState.DISCONNECTED)
        await asyncio.sleep(self._settings.farewell_timeout_s)
        raise FailedTransport("the peer ended the media transport")

    async def _end(self) -> None:
        """Release everything, once, in a task that no cancelled caller takes along.

        aioice waits for its sockets on futures that a cancelled wait would cancel for good.
        """
        if self._ending is None:
            self._ending = asyncio.create_task(
                self._release(), name=f"end of media transport {self._name}"
            )
        await asyncio.wait([self._ending])
        error = self._ending.exception()
        if error is not None:
            logger.error("media transport %s did not end well", self._name, exc_info=error)

    async def _release(self) -> None:
        if self.rtp is not None:
            self.rtp.close()
        if self._data is not None:
            await self._data.close()
        if self._dtls is not None:
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
