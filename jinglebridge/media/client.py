"""The bridge's end of a link to a media engine, wherever that runs."""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeVar

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
from jinglebridge.protocol.sdp.text import dumps, loads_answer, loads_offer

_KINDS: tuple[type[CallError], ...] = tuple(CallError.__subclasses__())
_ERRORS: Mapping[str, type[CallError]] = {kind.reason: kind for kind in _KINDS}

R = TypeVar("R", jsep.OfferMessage, jsep.AnswerMessage, jsep.Committed)


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
        self._reply: asyncio.Future[jsep.Message] | None = None
        self.refusal: CallError | None = None
        """Why the engine takes no more of this session."""
        self._closed = asyncio.Event()
        self._closing = False

    async def answer(self, offer: Offer) -> Answer:
        """Send the offer and wait for the answer; see ``MediaSession``."""
        request = jsep.OfferMessage(session=self._session, sdp=dumps(offer))
        return loads_answer((await self._ask(request, jsep.AnswerMessage)).sdp)

    async def prepare_offer(self, kinds: tuple[str, ...]) -> Offer:
        """Ask for an offer of the engine's; see ``MediaSession``."""
        request = jsep.PrepareOffer(session=self._session, kinds=kinds)
        return loads_offer((await self._ask(request, jsep.OfferMessage)).sdp)

    async def commit(self, answer: Answer) -> None:
        """Send the peer's answer and wait until it is taken; see ``MediaSession``."""
        request = jsep.AnswerMessage(session=self._session, sdp=dumps(answer))
        await self._ask(request, jsep.Committed)

    async def _ask(self, request: jsep.Message, kind: type[R]) -> R:
        if self.refusal is not None:
            raise self.refusal
        self._reply = asyncio.get_running_loop().create_future()
        self._send(request)
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                reply = await self._reply
        except TimeoutError:
            raise Timeout("the media engine did not answer in time") from None
        finally:
            self._reply = None
        if not isinstance(reply, kind):
            raise GeneralError("the media engine answered something else than it was asked")
        return reply

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
            case jsep.AnswerMessage() | jsep.OfferMessage() | jsep.Committed():
                if self._reply is not None and not self._reply.done():
                    self._reply.set_result(message)
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
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(error)
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
