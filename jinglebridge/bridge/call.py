"""One call: an inbox and the one task that works it off.

Whatever happens to a call (the peer's requests, the media's events, commands of ours) goes through
the inbox in order, so that nothing overtakes anything. This is one of the two places where errors
are caught: whatever goes wrong ends this call with a reason, and no other.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

import structlog

from jinglebridge.bridge.limits import Limits
from jinglebridge.bridge.ports import (
    ConnectionChanged,
    ConnectionState,
    LocalCandidates,
    MediaEngine,
    MediaEvent,
    MediaSession,
    Signaling,
)
from jinglebridge.errors import (
    CallError,
    ConnectivityError,
    GeneralError,
    Gone,
    LocalProtocolError,
    ResourceConstraint,
    SignalingError,
    Timeout,
)
from jinglebridge.protocol.jingle.xep_0166 import (
    Action,
    Jingle,
    Reason,
    ReasonCondition,
    reason_of,
)
from jinglebridge.protocol.sdp.description import TrickledCandidates
from jinglebridge.protocol.session.events import (
    AnswerReceived,
    CandidatesReceived,
    Event,
    InfoReceived,
    OfferReceived,
    OfferRefused,
    SessionEnded,
)
from jinglebridge.protocol.session.session import JingleSession
from jinglebridge.protocol.session.transitions import State

_FATAL = ("item-not-found", "gone", "recipient-unavailable", "remote-server-not-found")
"""Errors to any request that say that the peer or its session is no more."""
MAX_WORDS = 500
"""Characters of a reason's text."""


@dataclass(frozen=True, slots=True)
class _HangUp:
    reason: Reason


@dataclass(frozen=True, slots=True)
class _RequestFailed:
    request: Jingle
    error: SignalingError


@dataclass(frozen=True, slots=True)
class _Broken:
    """A bug of ours or of a port's, met outside the call's own task."""

    error: Exception


_Item = Event | MediaEvent | _HangUp | _RequestFailed | _Broken


class Call:
    """A session with its media.

    Args:
        session: the Jingle session, in which the peer is the initiator.
        events: what the session said of the peer's session-initiate.
        service: name of the service that was called.
        signaling: the way to the peer.
        engine: opens the media half.
        limits: bounds and time-outs.
        ended: told once, when the call is over and its media is gone.
    """

    def __init__(
        self,
        *,
        session: JingleSession,
        events: Iterable[Event],
        service: str,
        signaling: Signaling,
        engine: MediaEngine,
        limits: Limits,
        ended: Callable[["Call"], None],
    ) -> None:
        self.session = session
        self.service = service
        self._signaling = signaling
        self._engine = engine
        self._limits = limits
        self._ended = ended
        self._inbox: asyncio.Queue[_Item] = asyncio.Queue()
        for event in events:
            self._inbox.put_nowait(event)
        self._requests: set[asyncio.Task[None]] = set()
        self._media: MediaSession | None = None
        self._connection = ConnectionState.NEW
        self._deadline: asyncio.TimerHandle | None = None
        self._reason: Reason | None = None
        self._hanging_up = False
        self._log = structlog.get_logger().bind(sid=session.sid, peer=session.peer, service=service)
        self.task = asyncio.create_task(self._run(), name=f"call {session.sid}")

    @property
    def reason(self) -> Reason | None:
        """Why the call ended, once it has."""
        return self._reason

    @property
    def connection(self) -> ConnectionState:
        """State of the media."""
        return self._connection

    def receive(self, jingle: Jingle) -> None:
        """Take a request of the peer; returns before any slow work.

        Raises:
            RemoteProtocolError: the request is refused; nothing was changed.
        """
        full = self._inbox.qsize() >= self._limits.inbox
        if full and jingle.action is not Action.SESSION_TERMINATE:
            raise ResourceConstraint("too many requests for one call")
        for event in self.session.receive(jingle):
            self._inbox.put_nowait(event)

    def hang_up(self, reason: Reason | None = None) -> None:
        """End the call from our side."""
        self._hanging_up = True
        self._inbox.put_nowait(_HangUp(reason or reason_of(ReasonCondition.SUCCESS)))

    async def _run(self) -> None:
        try:
            while self._reason is None:
                await self._handle(await self._inbox.get())
        except CallError as error:
            self._end(_reason_for(error))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                self._end(reason_of(ReasonCondition.GONE, "the bridge stops"))
                raise
            # not we were cancelled, but what we waited for
            self._failed()
        except Exception:
            self._failed()
        finally:
            await self._clean_up()

    def _failed(self) -> None:
        self._log.exception("call failed")
        self._end(reason_of(ReasonCondition.GENERAL_ERROR, "internal error"))

    async def _handle(self, item: _Item) -> None:
        match item:
            case OfferReceived():
                await self._answer(item)
            case CandidatesReceived():
                await self._add_candidates(item.trickled)
            case LocalCandidates():
                self._send_all(self.session.trickle(item.trickled))
            case ConnectionChanged():
                self._connection_changed(item)
            case InfoReceived():
                self._log.debug("peer informed", info=type(item.info).__name__.lower())
            case OfferRefused():
                self._end(item.reason)
            case SessionEnded():
                self._reason = item.reason or reason_of(ReasonCondition.SUCCESS)
            case _HangUp():
                self._end(item.reason)
            case _RequestFailed():
                self._request_failed(item)
            case _Broken():
                raise item.error
            case AnswerReceived():
                raise LocalProtocolError("an answer to a call that never offered")

    async def _answer(self, event: OfferReceived) -> None:
        try:
            async with asyncio.timeout(self._limits.accept_timeout):
                self._media = await self._engine.open(
                    self.service, self.session.peer, self._inbox.put_nowait
                )
                answer = await self._media.answer(event.offer)
        except TimeoutError:
            raise Timeout("the media side did not answer in time") from None
        if self._hanging_up or self.session.state is not State.PENDING:
            return  # one of us hung up meanwhile; that waits in the inbox
        self._send(self.session.accept(answer))
        self._send_all(self.session.delivered())
        self._deadline = asyncio.get_running_loop().call_later(
            self._limits.connect_timeout, self._connect_timed_out
        )

    async def _add_candidates(self, trickled: TrickledCandidates) -> None:
        if self._media is None:
            return
        try:
            async with asyncio.timeout(self._limits.accept_timeout):
                await self._media.add_candidates(trickled)
        except TimeoutError:
            raise Timeout("the media side took no candidates in time") from None

    def _connect_timed_out(self) -> None:
        error = ConnectivityError("no path for media was found in time")
        self._inbox.put_nowait(ConnectionChanged(state=ConnectionState.FAILED, error=error))

    def _connection_changed(self, event: ConnectionChanged) -> None:
        self._connection = event.state
        self._log.info("media", state=event.state.value)
        if event.state in (ConnectionState.CONNECTED, ConnectionState.FAILED):
            self._cancel_deadline()
        if event.state is ConnectionState.FAILED:
            raise event.error or ConnectivityError("the path for media broke")
        if event.state is ConnectionState.CLOSED:
            raise GeneralError("the media side closed the call")

    def _request_failed(self, item: _RequestFailed) -> None:
        self._log.warning("refused", action=item.request.action.value, error=str(item.error))
        gone = item.error.condition in _FATAL
        if gone or item.request.action is Action.SESSION_ACCEPT:
            words = f"{item.request.action.value} was refused: {item.error}"
            if gone:
                self._reason = _reason_for(Gone(words))
            elif item.error.condition == "remote-server-timeout":
                raise Timeout(words)
            else:
                raise GeneralError(words)

    def _end(self, reason: Reason) -> None:
        self._reason = reason
        if self.session.state not in (State.NEW, State.ENDED):
            # never kept back: whoever answers no request still has to learn of the end
            self._own(self._request(self.session.terminate(reason)))

    def _send_all(self, requests: list[Jingle]) -> None:
        for request in requests:
            self._send(request)

    def _send(self, request: Jingle) -> None:
        """Send without waiting for the result: some clients never give one."""
        if len(self._requests) >= self._limits.requests:
            raise GeneralError("the peer answers none of our requests")
        self._own(self._request(request))

    def _own(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    async def _request(self, request: Jingle) -> None:
        try:
            async with asyncio.timeout(self._limits.request_timeout):
                await self._signaling.request(self.session.local, self.session.peer, request)
        except TimeoutError:
            if request.action is Action.SESSION_ACCEPT:
                error = SignalingError("remote-server-timeout", "no answer in time")
                self._inbox.put_nowait(_RequestFailed(request, error))
        except SignalingError as error:
            self._inbox.put_nowait(_RequestFailed(request, error))
        except Exception as error:
            self._inbox.put_nowait(_Broken(error))

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    async def _clean_up(self) -> None:
        self._cancel_deadline()
        self._connection = ConnectionState.CLOSED
        try:
            if self._media is not None:
                async with asyncio.timeout(self._limits.close_timeout):
                    await self._media.close()
        except Exception:
            self._log.exception("media did not close")
        finally:
            dropped = self.session.dropped_candidates
            self._log.info("ended", reason=str(self._reason), dropped_candidates=dropped)
            self._ended(self)
            await self._finish_requests()

    async def _finish_requests(self) -> None:
        """Give the last requests (session-terminate among them) time to be answered."""
        if self._requests:
            _, late = await asyncio.wait(self._requests, timeout=self._limits.close_timeout)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


def _reason_for(error: CallError) -> Reason:
    """What goes to the peer: one character that XML forbids would end the stream of all calls."""
    words = "".join(item if item.isprintable() else "?" for item in str(error))
    return reason_of(ReasonCondition(error.reason), words[:MAX_WORDS])
