"""The bridge's end of a link to a media engine, wherever that runs."""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from contextlib import suppress

from jinglebridge.bridge import jsep
from jinglebridge.bridge.ports import (
    ConnectionChanged,
    ConnectionState,
    LocalCandidates,
    MediaEvent,
)
from jinglebridge.errors import CallError, GeneralError, Gone, Timeout
from jinglebridge.media.settings import MediaSettings
from jinglebridge.protocol.sdp.description import Answer, Offer, TrickledCandidates
from jinglebridge.protocol.sdp.text import dumps, loads_answer

_KINDS: tuple[type[CallError], ...] = tuple(CallError.__subclasses__())
_ERRORS: Mapping[str, type[CallError]] = {kind.reason: kind for kind in _KINDS}


class RemoteSession:
    """The bridge's end of one media session; a :class:`~jinglebridge.bridge.ports.MediaSession`."""

    def __init__(
        self,
        session: str,
        settings: MediaSettings,
        send: Callable[[jsep.Message], None],
        emit: Callable[[MediaEvent], None],
    ) -> None:
        self._session = session
        self._settings = settings
        self._send = send
        self._emit = emit
        self._answer: asyncio.Future[str] | None = None
        self.refusal: CallError | None = None
        """Why the engine takes no more of this session."""
        self._closed = asyncio.Event()
        self._closing = False

    async def answer(self, offer: Offer) -> Answer:
        """Send the offer and wait for the answer; see ``MediaSession``."""
        if self.refusal is not None:
            raise self.refusal
        self._answer = asyncio.get_running_loop().create_future()
        self._send(jsep.OfferMessage(session=self._session, sdp=dumps(offer)))
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                return loads_answer(await self._answer)
        except TimeoutError:
            raise Timeout("the media engine did not answer in time") from None
        finally:
            self._answer = None

    async def add_candidates(self, trickled: TrickledCandidates) -> None:
        """Send the peer's candidates; see ``MediaSession``."""
        if not self._closing:
            self._send(jsep.candidates_of(self._session, trickled))

    async def close(self) -> None:
        """End the session; see ``MediaSession``."""
        if not self._closing:
            self._closing = True
            self._send(jsep.Close(session=self._session))
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.request_timeout_s):
                await self._closed.wait()

    def received(self, message: jsep.Message) -> None:
        """Take a message of the engine."""
        match message:
            case jsep.AnswerMessage():
                if self._answer is not None and not self._answer.done():
                    self._answer.set_result(message.sdp)
            case jsep.Failed():
                self._refuse(_ERRORS.get(message.reason, GeneralError)(message.text))
            case jsep.Candidates():
                self._emit(LocalCandidates(trickled=jsep.trickled_of(message)))
            case jsep.ConnectionChangedMessage():
                self._changed(message)

    def lost(self) -> None:
        """The engine went away."""
        self._refuse(Gone("the media engine went away"))
        self._closed.set()

    def _refuse(self, error: CallError) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        else:
            self.refusal = error

    def _changed(self, message: jsep.ConnectionChangedMessage) -> None:
        try:
            state = ConnectionState(message.state)
        except ValueError as error:
            raise jsep.JsepError("a session reached an unknown state") from error
        reason = None
        if state is ConnectionState.FAILED:
            reason = _ERRORS.get(message.reason or "", GeneralError)(message.text or "")
        if self.refusal is None:
            self._emit(ConnectionChanged(state=state, error=reason))
        if state is ConnectionState.CLOSED:
            self._closed.set()


class EngineClient:
    """The bridge's end of a link to an engine.

    Args:
        settings: for the time to wait for an answer.
        send: takes frames for the engine.
    """

    def __init__(self, settings: MediaSettings, send: Callable[[bytes], None]) -> None:
        self._settings = settings
        self._send = send
        self._frames = jsep.FrameReader()
        self._sessions: dict[str, RemoteSession] = {}
        self._numbers = itertools.count(1)

    def open(self, service: str, peer: str, emit: Callable[[MediaEvent], None]) -> RemoteSession:
        """Open a session; a refusal shows when it is asked to answer."""
        name = str(next(self._numbers))
        session = RemoteSession(name, self._settings, self._say, emit)
        self._sessions[name] = session
        self._say(jsep.Open(session=name, service=service, peer=peer))
        return session

    def receive(self, data: bytes) -> None:
        """Take bytes from the engine.

        Raises:
            JsepError: the two ends do not speak the same protocol.
        """
        for message in self._frames.feed(data):
            session = self._sessions.get(message.session)
            if session is None:
                continue
            session.received(message)
            if (
                isinstance(message, jsep.ConnectionChangedMessage)
                and message.state == ConnectionState.CLOSED.value
            ):
                del self._sessions[message.session]

    def lost(self) -> None:
        """The link is gone, and every session with it."""
        for session in self._sessions.values():
            session.lost()
        self._sessions.clear()

    def _say(self, message: jsep.Message) -> None:
        self._send(jsep.encode(message))
