"""Lines about codecs: every browser says the same hundred in every call, so they are remembered."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinglebridge.protocol.jingle.xep_0293 import RtcpFeedbackInterval
from jinglebridge.protocol.jingle.xep_0294 import is_extension_id
from jinglebridge.protocol.sdp import grammar
from jinglebridge.protocol.sdp.description import Direction, HeaderExtension
from jinglebridge.protocol.sdp.lines import build_fmtp, number, parse_feedback, parse_fmtp, words_of

NAMES = frozenset({"rtpmap", "fmtp", "rtcp-fb", "extmap"})
"""None of these lines is anybody's secret."""
_REMEMBERED, _LONGEST = 4096, 128
"""How many lines are kept, and how long those may be, in characters."""
_DIRECTIONS = {direction.value: direction for direction in Direction}


@dataclass(frozen=True, slots=True)
class CodecLine:
    """What a line says."""

    field: str
    """``rtpmap``, ``fmtp``, ``rtcp_fb``, ``trr_int`` or ``header_extensions``."""
    payload: str
    """The payload type's number, ``*`` for all of them, empty for a header extension."""
    value: Any
    """Of the field's kind; for ``rtpmap`` name, clock rate and channels."""
    text: str = ""
    """The words of ``fmtp`` as they stood."""
    is_usual: bool = True
    """Whether they are what the parameters make."""


def read(text: str) -> CodecLine | None:
    """Read one of these lines, ``None`` if it is not exactly of its form.

    Args:
        text: the line without ``a=``; it begins with one of ``NAMES``.
    """
    return _remembered(text) if len(text) <= _LONGEST else _read(text)


def _read(text: str) -> CodecLine | None:
    name = text.partition(":")[0]
    parts = grammar.read(name, text)
    return None if parts is None else _READERS[name](parts)


def _rtpmap(parts: dict[str, str | None]) -> CodecLine | None:
    rate, channels = number(parts["rate"]), number(parts["channels"], 255)
    if rate is None or (parts["channels"] is not None and channels is None):
        return None
    return CodecLine("rtpmap", parts["payload"] or "", (parts["codec"], rate, channels))


def _fmtp(parts: dict[str, str | None]) -> CodecLine | None:
    text = parts["config"] or ""
    parameters = parse_fmtp(text)
    if not parameters:
        return None
    is_usual = build_fmtp(parameters) == text
    return CodecLine("fmtp", parts["payload"] or "", parameters, text, is_usual)


def _rtcp_fb(parts: dict[str, str | None]) -> CodecLine | None:
    feedback = parse_feedback(parts["type"] or "", words_of(parts["words"]))
    if feedback is None:
        return None
    field = "trr_int" if isinstance(feedback, RtcpFeedbackInterval) else "rtcp_fb"
    return CodecLine(field, parts["payload"] or "", feedback)


def _extmap(parts: dict[str, str | None]) -> CodecLine | None:
    identifier = number(parts["id"], 65_535)
    if identifier is None or not is_extension_id(identifier):
        return None
    extension = HeaderExtension(
        id=identifier,
        uri=parts["uri"] or "",
        direction=_DIRECTIONS.get(parts["direction"] or ""),
        config=parts["config"],
    )
    return CodecLine("header_extensions", "", extension)


_READERS = {"rtpmap": _rtpmap, "fmtp": _fmtp, "rtcp-fb": _rtcp_fb, "extmap": _extmap}
_remembered = lru_cache(maxsize=_REMEMBERED)(_read)
