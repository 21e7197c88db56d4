"""The engine's end of a link: sessions that are opened, fed and ended by messages."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from jinglebridge.bridge import jsep
from jinglebridge.bridge.ports import (
    ConnectionChanged,
    ConnectionState,
    LocalCandidates,
    MediaEvent,
)
from jinglebridge.errors import (
    Busy,
    CallError,
    FailedApplication,
    GeneralError,
    RemoteProtocolError,
    UnsupportedApplications,
)
from jinglebridge.media.dtls import Certificates
from jinglebridge.media.peer import Peer
from jinglebridge.media.program import Program
from jinglebridge.media.settings import MediaSettings
from jinglebridge.protocol.sdp.text import dumps, loads_answer, loads_offer

logger = logging.getLogger(__name__)


class EngineHost:
    """The engine's end of a link: runs a :class:`Peer` for every open session.

    Args:
        settings: addresses, ports, times and limits.
        programs: makes the program of each service, by the service's name.
        send: takes frames for the bridge.
    """

    def __init__(
        self,
        settings: MediaSettings,
        programs: Mapping[str, Callable[[], Program]],
        send: Callable[[bytes], None],
    ) -> None:
        self._settings = settings
        self._programs = programs
        self._send = send
        self._certificates = Certificates()
        self._frames = jsep.FrameReader()
        self._inboxes: dict[str, asyncio.Queue[jsep.Message]] = {}
        self._closing = False
        self._tasks: set[asyncio.Task[None]] = set()

    def receive(self, data: bytes) -> None:
        """Take bytes from the bridge.

        Raises:
            JsepError: the two ends do not speak the same protocol.
        """
        for message in self._frames.feed(data):
            if isinstance(message, jsep.Open):
                self._open(message)
            elif message.session in self._inboxes:
                self._inboxes[message.session].put_nowait(message)
            elif isinstance(message, jsep.Close):
                self._say_closed(message.session)

    async def close(self) -> None:
        """End every session."""
        if not self._closing:
            self._closing = True
            for task in self._tasks:
                task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _open(self, message: jsep.Open) -> None:
        program = self._programs.get(message.service)
        refusal: CallError | None = None
        if program is None:
            refusal = UnsupportedApplications(f"no media program is called {message.service}")
        elif (
            self._closing
            or message.session in self._inboxes
            or len(self._inboxes) >= self._settings.max_sessions
        ):
            refusal = Busy("the media engine takes no more calls now")
        if program is None or refusal is not None:
            self._refuse(message.session, refusal or GeneralError())
            self._say_closed(message.session)
            return
        self._inboxes[message.session] = asyncio.Queue()
        task = asyncio.create_task(
            self._run(message.session, program()), name=f"media session {message.session}"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, session: str, program: Program) -> None:
        inbox = self._inboxes[session]
        peer = Peer(
            settings=self._settings,
            certificate=self._certificates.current(datetime.now(UTC)),
            program=program,
            emit=lambda event: self._emit(session, event),
        )
        try:
            while not isinstance(message := await inbox.get(), jsep.Close):
                await self._handle(peer, message)
        finally:
            # The last word, "closed", is the peer's own.
            await peer.close()
            del self._inboxes[session]

    async def _handle(self, peer: Peer, message: jsep.Message) -> None:
        try:
            if isinstance(message, jsep.OfferMessage):
                answer = await peer.answer(loads_offer(message.sdp))
                self._say(jsep.AnswerMessage(session=message.session, sdp=dumps(answer)))
            elif isinstance(message, jsep.PrepareOffer):
                offer = await peer.prepare_offer(message.kinds)
                self._say(jsep.OfferMessage(session=message.session, sdp=dumps(offer)))
            elif isinstance(message, jsep.AnswerMessage):
                await peer.commit(loads_answer(message.sdp))
                self._say(jsep.Committed(session=message.session))
            elif isinstance(message, jsep.Candidates):
                await peer.add_candidates(jsep.trickled_of(message))
        except CallError as error:
            self._refuse(message.session, error)
        except RemoteProtocolError as error:
            self._refuse(message.session, FailedApplication(str(error)))
        except Exception as error:
            # One session's bug must not end the others, which share this process.
            logger.exception("media session %s failed", message.session)
            self._refuse(message.session, GeneralError(type(error).__name__))

    def _emit(self, session: str, event: MediaEvent) -> None:
        if isinstance(event, LocalCandidates):
            self._say(jsep.candidates_of(session, event.trickled))
        else:
            self._say(
                jsep.ConnectionChangedMessage(
                    session=session,
                    state=event.state.value,
                    reason=event.error.reason if event.error else None,
                    text=str(event.error)[: jsep.MAX_TEXT] if event.error else None,
                )
            )

    def _say_closed(self, session: str) -> None:
        self._emit(session, ConnectionChanged(state=ConnectionState.CLOSED))

    def _refuse(self, session: str, error: CallError) -> None:
        text = str(error)[: jsep.MAX_TEXT]
        self._say(jsep.Failed(session=session, reason=error.reason, text=text))

    def _say(self, message: jsep.Message) -> None:
        self._send(jsep.encode(message))
