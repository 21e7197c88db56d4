"""The media port as messages: what a bridge and a media engine say to each other.

A frame is a length (4 bytes, big-endian) and that many bytes of JSON, an object with ``v`` (the
version of this protocol), ``type`` and the message's fields. Descriptions travel as SDP and
candidates as SDP's candidate lines (RFC 9429), so that another engine needs nothing of ours.

One session has at most one offer under way, the peer's or ours. The peer's goes to the engine as
``offer`` and comes back as ``answer``. Ours is asked for by ``prepare-offer`` and comes as
``offer``; the peer's ``answer`` to it is taken by ``committed``. ``failed`` may come instead.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from struct import Struct
from typing import Any

from jinglebridge.errors import JinglebridgeError, SdpError
from jinglebridge.protocol.sdp.description import TrickledCandidates
from jinglebridge.protocol.sdp.lines import build_candidate, parse_candidate

VERSION = 1
MAX_FRAME = 1 << 20
"""Longest JSON of a frame, in bytes."""
MAX_TEXT = 1024
"""Longest identifier or explanation, in characters."""
MAX_SDP = 262_144
"""Longest description, in characters."""
MAX_ITEMS = 256
"""Candidates, or kinds of media, in one message."""

_LENGTH = Struct("!I")
_LONG_FIELDS = {"sdp": MAX_SDP}


class JsepError(JinglebridgeError):
    """A frame that this version does not understand; the link cannot go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """The bridge opens a session; refused with :class:`Failed`, otherwise not answered."""

    session: str
    """Chosen by the bridge, never used again."""
    service: str
    peer: str
    """The peer's full JID, for logs only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareOffer:
    """The bridge wants an offer; answered by :class:`OfferMessage` or :class:`Failed`."""

    session: str
    kinds: tuple[str, ...]
    """``audio`` or ``video``, one for each section."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferMessage:
    """The peer's offer, answered by :class:`AnswerMessage` or :class:`Failed`; or the engine's."""

    session: str
    sdp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerMessage:
    """The engine's answer; or the peer's, answered by :class:`Committed` or :class:`Failed`."""

    session: str
    sdp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """The engine took the peer's answer."""

    session: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Candidates of one section, the peer's or the engine's (RFC 8838)."""

    session: str
    mid: str
    ufrag: str | None = None
    candidates: tuple[str, ...] = ()
    """Lines ``candidate:…``."""
    end: bool = False
    """No more of this generation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionChangedMessage:
    """The session's transports reached another state; ``closed`` is the session's last word."""

    session: str
    state: str
    reason: str | None = None
    """A Jingle reason (XEP-0166 §7.4), when the state is ``failed``."""
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The session's last request, or the session itself, was refused."""

    session: str
    reason: str
    """A Jingle reason (XEP-0166 §7.4)."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """The bridge ends a session; answered by the state ``closed``."""

    session: str


Message = (
    Open
    | PrepareOffer
    | OfferMessage
    | AnswerMessage
    | Committed
    | Candidates
    | ConnectionChangedMessage
    | Failed
    | Close
)

_NAMES: Mapping[type[Message], str] = {
    Open: "open",
    PrepareOffer: "prepare-offer",
    OfferMessage: "offer",
    AnswerMessage: "answer",
    Committed: "committed",
    Candidates: "candidates",
    ConnectionChangedMessage: "connection-changed",
    Failed: "failed",
    Close: "close",
}
_TYPES = {name: kind for kind, name in _NAMES.items()}


def encode(message: Message) -> bytes:
    """A message as one frame.

    Raises:
        JsepError: it is too long.
    """
    content = {"v": VERSION, "type": _NAMES[type(message)]}
    content |= {field.name: getattr(message, field.name) for field in fields(message)}
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    if len(body) > MAX_FRAME:
        raise JsepError(f"a message of {len(body)} bytes is too long")
    return _LENGTH.pack(len(body)) + body


def decode(body: bytes) -> Message:
    """The message of a frame's JSON.

    Raises:
        JsepError: it is none of this version, or breaks a limit.
    """
    if len(body) > MAX_FRAME:
        raise JsepError(f"a message of {len(body)} bytes is too long")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise JsepError("a message is not JSON") from error
    if not isinstance(content, dict):
        raise JsepError("a message is not an object")
    if content.pop("v", None) != VERSION:
        raise JsepError(f"a message is not of version {VERSION}")
    name = content.pop("type", None)
    kind = _TYPES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise JsepError(f"a message has the unknown type {str(name)[:64]!r}")
    return _build(kind, content)


class FrameReader:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes as they come and return the messages that are complete.

        Raises:
            JsepError: a frame is too long or not understood.
        """
        self._buffer += data
        messages = []
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > MAX_FRAME:
                raise JsepError(f"a message of {length} bytes is too long")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                break
            messages.append(decode(bytes(self._buffer[_LENGTH.size : end])))
            del self._buffer[:end]
        return messages


def _build(kind: type[Message], content: dict[str, Any]) -> Message:
    values: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in content:
            values[field.name] = _checked(field.name, field.type, content.pop(field.name))
    if content:
        raise JsepError(f"{_NAMES[kind]} has the unknown field {next(iter(content))[:64]!r}")
    try:
        return kind(**values)
    except TypeError as error:
        raise JsepError(f"{_NAMES[kind]} lacks a field") from error


def _checked(name: str, kind: Any, value: Any) -> Any:
    if kind in (str, str | None) and isinstance(value, str):
        if len(value) <= _LONG_FIELDS.get(name, MAX_TEXT):
            return value
    elif kind == str | None and value is None:
        return None
    elif kind is bool and isinstance(value, bool):
        return value
    elif kind == tuple[str, ...] and isinstance(value, list) and len(value) <= MAX_ITEMS:
        return tuple(_checked(name, str, item) for item in value)
    raise JsepError(f"the field {name} is not what it should be")


def candidates_of(session: str, trickled: TrickledCandidates) -> Candidates:
    """The message for these candidates."""
    return Candidates(
        session=session,
        mid=trickled.mid,
        ufrag=trickled.ufrag,
        candidates=tuple(build_candidate(item) for item in trickled.candidates),
        end=trickled.end_of_candidates,
    )


def trickled_of(message: Candidates) -> TrickledCandidates:
    """The candidates of a message.

    Raises:
        JsepError: one of them is none.
    """
    try:
        candidates = tuple(parse_candidate(item) for item in message.candidates)
    except SdpError as error:
        raise JsepError("a message has a candidate that is none") from error
    return TrickledCandidates(
        mid=message.mid,
        ufrag=message.ufrag,
        candidates=candidates,
        end_of_candidates=message.end,
    )
