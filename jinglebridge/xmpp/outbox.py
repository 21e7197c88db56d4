"""What a peer has to get: written at once, or kept for a short while when it cannot be.

A component's stream has no acknowledgements (XEP-0198 is not for XEP-0114), so that nobody knows
of what was written just before a loss whether it arrived. Therefore a request is kept until it is
answered. Once the link is back those that do no harm twice are sent again, with the same id, and
the others fail with ``AnswerLost``: their outcome is unknown, and whoever asked can look what
became of it. What was never written waits in order. All of it is bounded by count, bytes and age.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import structlog

from jinglebridge.errors import AnswerLost, SignalingError

_Key = tuple[str, str]
"""Whom a request went to, and its id."""

_LOST = "the link was lost before the answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxBounds:
    """How much may wait for the link."""

    stanzas: int = 10_000
    size: int = 8 * 1024 * 1024
    """Characters of all of them."""
    age: float = 15.0
    """Of each, in s; also the time-out of a request, from when it was asked."""


@dataclass(slots=True, kw_only=True)
class _Letter:
    text: str
    expires: float
    key: _Key | None = None
    answer: asyncio.Future[Element] | None = None
    repeatable: bool = False
    lost: bool = False
    """Whether it had left before the link was lost."""


class Outbox:
    """Stanzas on their way out.

    Args:
        write: puts text on the stream.
        is_open: whether the stream takes any now.
        bounds: on what waits.
    """

    def __init__(
        self, write: Callable[[str], None], is_open: Callable[[], bool], bounds: OutboxBounds
    ) -> None:
        self._write = write
        self._is_open = is_open
        self._bounds = bounds
        self._waiting: deque[_Letter] = deque()
        self._size = 0
        self._asked: dict[_Key, _Letter] = {}
        self._undecided: list[_Letter] = []
        self._log = structlog.get_logger()

    @property
    def waiting(self) -> int:
        """How many stanzas wait for the link."""
        return len(self._waiting)

    def keep(self, text: str) -> None:
        """Send, or let it wait for the link.

        Raises:
            SignalingError: too much waits already.
        """
        self._put(_Letter(text=text, expires=self._expiry()))

    async def ask(self, peer: str, id_: str, text: str, *, repeatable: bool) -> Element:
        """Send a request, or let it wait for the link, and wait for its answer.

        When the asker gives up, a repeatable request is sent all the same, as long as it is young
        enough: the end of a call has to be told. Any other is not: nobody would end what it begins.

        Args:
            peer: whom it goes to; nobody else can answer.
            id_: the request's id.
            text: the request.
            repeatable: whether it does no harm to get it twice.

        Raises:
            AnswerLost: the link was lost before the answer came; raised when it is back.
            SignalingError: no answer in time, or too much waits already.
        """
        answer: asyncio.Future[Element] = asyncio.get_running_loop().create_future()
        letter = _Letter(
            text=text,
            expires=self._expiry(),
            key=(peer, id_),
            answer=answer,
            repeatable=repeatable,
        )
        self._put(letter)
        try:
            async with asyncio.timeout_at(letter.expires):
                return await answer
        except TimeoutError:
            if letter.lost:
                raise AnswerLost(_LOST) from None
            left = self._asked.pop((peer, id_), None) is not None
            words = "no answer in time" if left else "no link to the server"
            raise SignalingError("remote-server-timeout", words) from None
        finally:
            if not repeatable:
                letter.expires = 0.0

    def answered(self, peer: str, id_: str, answer: Element) -> None:
        """Take an answer; one that nobody waits for is ignored."""
        letter = self._asked.pop((peer, id_), None)
        if letter is not None and letter.answer is not None and not letter.answer.done():
            letter.answer.set_result(answer)

    def flush(self) -> None:
        """The stream takes stanzas again: send what waits, in order."""
        if not self._is_open():
            return
        now = asyncio.get_running_loop().time()
        undecided, self._undecided = self._undecided, []
        for letter in undecided:
            if letter.answer is not None and not letter.answer.done():
                letter.answer.set_exception(AnswerLost(_LOST))
        while self._waiting and self._is_open():
            letter = self._waiting.popleft()
            self._size -= len(letter.text)
            if letter.expires > now:
                self._send(letter)

    def lost(self) -> None:
        """The stream is gone, and with it any answer to what was sent on it."""
        now = asyncio.get_running_loop().time()
        asked, self._asked = self._asked, {}
        again: list[_Letter] = []
        for letter in asked.values():
            letter.lost = not letter.repeatable
            if letter.expires > now:
                (self._undecided if letter.lost else again).append(letter)
        self._waiting.extendleft(reversed(again))
        self._size += sum(len(letter.text) for letter in again)

    def _expiry(self) -> float:
        return asyncio.get_running_loop().time() + self._bounds.age

    def _put(self, letter: _Letter) -> None:
        self._forget(asyncio.get_running_loop().time())
        if not self._waiting and self._is_open():
            self._send(letter)
            return
        full = len(self._waiting) >= self._bounds.stanzas
        if full or self._size + len(letter.text) > self._bounds.size:
            raise SignalingError("remote-server-timeout", "too much waits for the server")
        self._waiting.append(letter)
        self._size += len(letter.text)

    def _send(self, letter: _Letter) -> None:
        self._write(letter.text)
        if letter.key is not None:
            self._asked[letter.key] = letter

    def _forget(self, now: float) -> None:
        """Let go of what is too old; all live equally long, so the oldest stand first."""
        while self._waiting and self._waiting[0].expires <= now:
            self._size -= len(self._waiting.popleft().text)
        for key in tuple(self._expired(now)):
            del self._asked[key]

    def _expired(self, now: float) -> Iterator[_Key]:
        for key, letter in self._asked.items():
            if letter.expires > now:
                return
            yield key
