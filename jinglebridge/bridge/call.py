"""One call: an inbox and the one task that works it off.

Whatever happens to a call (the peer's requests, the media's events, commands of ours) goes through
the inbox in order, so that nothing overtakes anything. This is one of the two places where errors
are caught: whatever goes wrong ends this call with a reason, and no other.
"""

import asyncio
from collections.abc import Callable, Iterable
from enum import Enum

import structlog

from jinglebridge.bridge.inbox import (
    Broken,
    Dial,
    HangUp,
    Item,
    OwnItem,
    RequestFailed,
    Superseded,
)
from jinglebridge.bridge.limits import Limits
from jinglebridge.bridge.ports import (
    ConnectionChanged,
    ConnectionState,
    LocalCandidates,
    MediaEngine,
    MediaSession,
    Signaling,
)
from jinglebridge.bridge.reasons import reason_for, refusal, was_taken
from jinglebridge.bridge.requests import Requests
from jinglebridge.errors import (
    AnswerLost,
    CallError,
    ConnectivityError,
    GeneralError,
    Gone,
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
from jinglebridge.protocol.jingle.xep_0167 import Ringing
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

TIMED_OUT = "remote-server-timeout"
"""The condition of an error that came from nobody: the peer may have got the request."""
_FATAL = ("item-not-found", "gone")
"""Errors to any request that say that the peer or its session is no more."""
_AWAY = ("recipient-unavailable", "remote-server-not-found")
"""The same, unless media flows: a server that was started again says so until the peer is back."""


class Progress(Enum):
    """How far a call has got."""

    RINGING = "ringing"
    ANSWERED = "answered"
    CONNECTED = "connected"
    ENDED = "ended"


class Call:
    """A session with its media.

    Args:
        session: the Jingle session.
        events: what it said of the peer's session-initiate; none where we initiate.
        kinds: the media that we offer where we initiate, ``audio`` or ``video``.
        service: name of the service that was called, or calls.
        signaling: the way to the peer.
        engine: opens the media half.
        limits: bounds and time-outs.
        ended: told once, when the call is over and its media is gone.
    """

    def __init__(
        self,
        *,
        session: JingleSession,
        events: Iterable[Event] = (),
        kinds: tuple[str, ...] = (),
        service: str,
        signaling: Signaling,
        engine: MediaEngine,
        limits: Limits,
        ended: Callable[["Call"], None],
    ) -> None:
        self.session = session
        self.service = service
        self._engine = engine
        self._limits = limits
        self._ended = ended
        self._inbox: asyncio.Queue[Item] = asyncio.Queue()
        if kinds:
            self._inbox.put_nowait(Dial(kinds))
        for event in events:
            self._inbox.put_nowait(event)
        self._requests = Requests(
            session=session, signaling=signaling, limits=limits, failed=self._note_failure
        )
        self._refusal: SignalingError | None = None
        self._unsure = False
        self._observers: list[Callable[[Progress], None]] = []
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
    def refusal(self) -> SignalingError | None:
        """The error that our session-initiate was answered with, if it was."""
        return self._refusal

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
        self._inbox.put_nowait(HangUp(reason or reason_of(ReasonCondition.SUCCESS)))

    def supersede(self, reason: Reason) -> None:
        """End a call of ours because the peer's crossed it and won (XEP-0166 §7.2.16)."""
        self._hanging_up = True
        self._inbox.put_nowait(Superseded(reason))

    def observe(self, observer: Callable[[Progress], None]) -> None:
        """Tell somebody of the call's progress from now on."""
        self._observers.append(observer)

    def _progressed(self, progress: Progress) -> None:
        for observer in self._observers:
            observer(progress)

    async def _run(self) -> None:
        try:
            while self._reason is None:
                await self._handle(await self._inbox.get())
        except CallError as error:
            self._end(reason_for(error))
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

    async def _handle(self, item: Item) -> None:
        match item:
            case OfferReceived():
                await self._answer(item)
            case AnswerReceived():
                await self._answered(item)
            case CandidatesReceived():
                await self._add_candidates(item.trickled)
            case LocalCandidates():
                self._requests.send(*self.session.trickle(item.trickled))
            case ConnectionChanged():
                self._connection_changed(item)
            case InfoReceived():
                self._informed(item)
            case OfferRefused():
                self._end(item.reason)
            case SessionEnded():
                self._reason = item.reason or reason_of(ReasonCondition.SUCCESS)
            case _:
                await self._handle_own(item)

    async def _handle_own(self, item: OwnItem) -> None:
        match item:
            case Dial():
                await self._dial(item.kinds)
            case HangUp():
                self._end(item.reason)
            case Superseded():
                self._give_way(item.reason)
            case RequestFailed():
                self._request_failed(item)
            case Broken():
                raise item.error

    async def _open(self) -> MediaSession:
        self._media = await self._engine.open(
            self.service, self.session.peer, self._inbox.put_nowait
        )
        return self._media

    async def _dial(self, kinds: tuple[str, ...]) -> None:
        try:
            async with asyncio.timeout(self._limits.accept_timeout):
                offer = await (await self._open()).prepare_offer(kinds)
        except TimeoutError:
            raise Timeout("the media side made no offer in time") from None
        if self._hanging_up:
            return  # that waits in the inbox
        self._requests.send(self.session.initiate(offer), *self.session.delivered())
        error = Timeout("nobody answered in time")
        self._set_deadline(self._limits.ring_timeout, Broken(error))

    async def _answered(self, event: AnswerReceived) -> None:
        if self._media is None:
            return
        self._progressed(Progress.ANSWERED)
        self._await_connection()
        try:
            async with asyncio.timeout(self._limits.accept_timeout):
                await self._media.commit(event.answer)
        except TimeoutError:
            raise Timeout("the media side did not take the answer in time") from None

    async def _answer(self, event: OfferReceived) -> None:
        try:
            async with asyncio.timeout(self._limits.accept_timeout):
                answer = await (await self._open()).answer(event.offer)
        except TimeoutError:
            raise Timeout("the media side did not answer in time") from None
        if self._hanging_up or self.session.state is not State.PENDING:
            return  # one of us hung up meanwhile; that waits in the inbox
        self._requests.send(self.session.accept(answer), *self.session.delivered())
        self._progressed(Progress.ANSWERED)
        self._await_connection()

    async def _add_candidates(self, trickled: TrickledCandidates) -> None:
        if self._media is None:
            return
        try:
            async with asyncio.timeout(self._limits.accept_timeout):
                await self._media.add_candidates(trickled)
        except TimeoutError:
            raise Timeout("the media side took no candidates in time") from None

    def _await_connection(self) -> None:
        error = ConnectivityError("no path for media was found in time")
        failed = ConnectionChanged(state=ConnectionState.FAILED, error=error)
        self._set_deadline(self._limits.connect_timeout, failed)

    def _set_deadline(self, delay: float, item: Item) -> None:
        """Put this into the inbox after so many seconds, in the place of what was to come."""
        self._cancel_deadline()
        self._deadline = asyncio.get_running_loop().call_later(delay, self._inbox.put_nowait, item)

    def _informed(self, event: InfoReceived) -> None:
        self._log.debug("peer informed", info=type(event.info).__name__.lower())
        if isinstance(event.info, Ringing):
            self._progressed(Progress.RINGING)

    def _connection_changed(self, event: ConnectionChanged) -> None:
        self._connection = event.state
        self._log.info("media", state=event.state.value)
        if event.state in (ConnectionState.CONNECTED, ConnectionState.FAILED):
            self._cancel_deadline()
        if event.state is ConnectionState.FAILED:
            raise event.error or ConnectivityError("the path for media broke")
        if event.state is ConnectionState.CLOSED:
            raise GeneralError("the media side closed the call")
        if event.state is ConnectionState.CONNECTED:
            self._progressed(Progress.CONNECTED)

    def _note_failure(self, request: Jingle, error: Exception) -> None:
        if isinstance(error, SignalingError):
            self._inbox.put_nowait(RequestFailed(request, error))
        else:
            self._inbox.put_nowait(Broken(error))

    def _request_failed(self, item: RequestFailed) -> None:
        action, error = item.request.action, item.error
        self._log.warning("refused", action=action.value, error=str(error))
        connected = self._connection is ConnectionState.CONNECTED
        if isinstance(error, AnswerLost):
            self._unsure = self._unsure or action is Action.SESSION_ACCEPT
            if action is Action.SESSION_ACCEPT and not connected:
                self._requests.send(item.request)  # no sign yet that the first has arrived
            return
        words = f"{action.value} was refused: {error}"
        if action is Action.SESSION_INITIATE:
            self._refusal = error
            self._give_way(refusal(error))
        elif error.condition in _FATAL or (error.condition in _AWAY and not connected):
            self._reason = reason_for(Gone(words))
        elif action is Action.SESSION_ACCEPT and not was_taken(error, self._unsure, connected):
            raise Timeout(words) if error.condition == TIMED_OUT else GeneralError(words)

    def _give_way(self, reason: Reason) -> None:
        """End without a word to the peer, unless it knows our session or may know it."""
        known = self._requests.acknowledged(Action.SESSION_INITIATE)
        if known or (self._refusal is not None and self._refusal.condition == TIMED_OUT):
            self._end(reason)
        else:
            self._reason = reason

    def _end(self, reason: Reason) -> None:
        self._reason = reason
        if self.session.state not in (State.NEW, State.ENDED):
            self._requests.send_last(self.session.terminate(reason))

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
            self._progressed(Progress.ENDED)
            await self._requests.finish()
