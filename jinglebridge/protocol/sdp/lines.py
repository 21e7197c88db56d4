"""Single lines: candidates, codec parameters and feedback between text and values.

:func:`checked` is the one way by which text gets into a session description.
"""

import re

from jinglebridge.errors import SdpError
from jinglebridge.protocol.jingle.xep_0167 import Parameter, PayloadType
from jinglebridge.protocol.jingle.xep_0176 import Candidate
from jinglebridge.protocol.jingle.xep_0293 import (
    FeedbackParameter,
    RtcpFeedback,
    RtcpFeedbackInterval,
)
from jinglebridge.protocol.sdp import grammar

_FORBIDDEN = re.compile("[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029\ud800-\udfff\ufffe\uffff]")
"""Control characters, whatever some reader takes for a line end, and what XML cannot hold."""
_WORD = re.compile("[^\x00-\x20\x7f\x85\u2028\u2029\ud800-\udfff\ufffe\uffff]+")
_ADDRESS = re.compile(grammar.ADDRESS, re.ASCII)
_LARGEST = 2**32 - 1
_LARGEST_GENERATION = 255


def is_harmless(sdp: str) -> bool:
    """Whether no line of a whole text holds what ``checked`` refuses."""
    return _is_harmless(sdp.replace("\r\n", "").replace("\n", ""))


def _is_harmless(text: str) -> bool:
    # what is printable holds nothing forbidden, and is known far sooner
    return text.isprintable() or _FORBIDDEN.search(text) is None


def checked(text: str, *, section: int | None = None, line: int = 0) -> str:
    """Return ``text`` if it may stand on a line of a description.

    Raises:
        SdpError: it holds CR, LF, NUL, another control character or line end.
    """
    if not _is_harmless(text):
        raise SdpError("a control character", section=section, line=line, content=text)
    return text


def word(text: str, *, section: int | None = None) -> str:
    """Return ``text`` if it is one word: :func:`checked`, without white space, not empty.

    Raises:
        SdpError: it is not.
    """
    if text.isprintable() and text and " " not in text:
        return text
    if _WORD.fullmatch(text) is None:
        checked(text, section=section)
        raise SdpError("one word expected", section=section, content=text)
    return text


def words_of(text: str | None) -> tuple[str, ...]:
    """The words of a text; only spaces part them, as in the grammars of the standards."""
    return tuple(part for part in (text or "").split(" ") if part)


def number(text: str | None, largest: int = _LARGEST) -> int | None:
    """A number in the range, or ``None``."""
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > 10:
        return None
    value = int(text)
    return value if value <= largest else None


def parse_fmtp(text: str) -> tuple[Parameter, ...]:
    """The words of ``a=fmtp`` (RFC 8866 §6.15); one without ``=`` gets an empty name."""
    parameters = []
    for item in (part.strip() for part in text.split(";")):
        name, equals, value = item.partition("=")
        if equals and name:
            parameters.append(Parameter(name=name, value=value))
        elif item:
            parameters.append(Parameter(name="", value=item))
    return tuple(parameters)


def build_fmtp(parameters: tuple[Parameter, ...]) -> str:
    """The text of ``a=fmtp`` for these words, empty when there are none."""
    words = []
    for item in parameters:
        if item.name and item.value is not None:
            words.append(f"{item.name}={item.value}")
        else:
            words.append(item.name or item.value or "")
    return ";".join(part for part in words if part)


def parse_feedback(kind: str, words: tuple[str, ...]) -> RtcpFeedback | RtcpFeedbackInterval | None:
    """The value of an ``a=rtcp-fb`` line (RFC 4585 §4.2), or ``None`` when it has none."""
    if kind == "trr-int":
        interval = number(words[0]) if len(words) == 1 else None
        if interval is None or str(interval) != words[0]:
            return None
        return RtcpFeedbackInterval(value=interval)
    parameters = []
    for part in words[1:]:
        name, equals, value = part.partition("=")
        if not name:
            name, equals = part, ""
        parameters.append(FeedbackParameter(name=name, value=value if equals else None))
    return RtcpFeedback(
        type=kind, subtype=words[0] if words else None, parameters=tuple(parameters)
    )


def build_feedback(payload: str, feedback: RtcpFeedback | RtcpFeedbackInterval) -> str:
    """The attribute ``rtcp-fb:…`` without ``a=``; ``payload`` is a number or ``*``."""
    if isinstance(feedback, RtcpFeedbackInterval):
        return f"rtcp-fb:{payload} trr-int {feedback.value}"
    text = f"rtcp-fb:{payload} {word(feedback.type)}"
    if feedback.subtype is not None:
        text += f" {word(feedback.subtype)}"
    for item in feedback.parameters:
        text += f" {word(item.name if item.value is None else f'{item.name}={item.value}')}"
    return text


def build_rtpmap(payload: PayloadType) -> str | None:
    """The attribute ``rtpmap:…`` without ``a=``; ``None`` where name or rate is missing."""
    if payload.name is None or payload.clockrate is None:
        return None
    channels = f"/{payload.channels}" if payload.channels is not None else ""
    return f"rtpmap:{payload.id} {word(payload.name)}/{payload.clockrate}{channels}"


def parse_candidate(text: str) -> Candidate:
    """Read ``candidate:…``, with or without ``a=`` (RFC 8839 §5.1).

    Raises:
        SdpError: it breaks the grammar.
    """
    line = checked(text.strip().removeprefix("a="))
    parts = grammar.read("candidate", line)
    if parts is None:
        raise SdpError("not a candidate", content=line)
    return candidate_of(parts)


def candidate_of(parts: dict[str, str | None]) -> Candidate:
    """The value of the parts of a ``candidate`` line.

    Raises:
        SdpError: a number is out of range.
    """
    words = words_of(parts["pairs"])
    pairs = list(zip(words[::2], words[1::2], strict=True))
    known: dict[str, str] = {}
    extensions = []
    for name, value in pairs:
        standard = name in ("rport", "tcptype", "generation") or (
            name == "raddr" and _ADDRESS.fullmatch(value)
        )
        if standard and name not in known:
            known[name] = value
        else:
            extensions.append((name, value))
    component, port = number(parts["component"], 256), number(parts["port"], 65_535)
    priority = number(parts["priority"])
    if component is None or port is None or priority is None:
        numbers = (parts[name] for name in ("component", "priority", "port"))
        content = " ".join(text or "" for text in numbers)
        raise SdpError("a number of the candidate is out of range", content=content)
    return Candidate(
        foundation=parts["foundation"] or "",
        component=component,
        protocol=parts["protocol"] or "",
        priority=priority,
        ip=parts["ip"] or "",
        port=port,
        type=parts["type"] or "",
        rel_addr=known.get("raddr"),
        rel_port=number(known.get("rport"), 65_535),
        tcptype=known.get("tcptype"),
        generation=number(known.get("generation")),
        extensions=tuple(extensions),
    )


def is_sayable(candidate: Candidate) -> bool:
    """Whether XEP-0176's attributes allow these values (§5.3; tcptype as in XEP-0371 §5.2)."""
    return (
        candidate.component > 0
        and candidate.priority > 0
        and candidate.protocol.lower() in ("udp", "tcp")
        and candidate.type in ("host", "prflx", "relay", "srflx")
        and (candidate.generation or 0) <= _LARGEST_GENERATION
        and candidate.tcptype in (None, "active", "passive", "so")
    )


def build_candidate(candidate: Candidate) -> str:
    """Write ``candidate:…`` without ``a=``.

    Raises:
        SdpError: a value is not one word.
    """
    pairs = (word(text) for pair in candidate.extensions for text in pair)
    return " ".join((build_plain_candidate(candidate), *pairs))


def build_plain_candidate(candidate: Candidate) -> str:
    """Write ``candidate:…`` without ``a=`` and without the extensions.

    Raises:
        SdpError: a value is not one word.
    """
    words = [
        f"candidate:{word(candidate.foundation)}",
        str(candidate.component),
        word(candidate.protocol),
        str(candidate.priority),
        word(candidate.ip),
        str(candidate.port),
        "typ",
        word(candidate.type),
    ]
    if candidate.rel_addr is not None:
        words += ["raddr", word(candidate.rel_addr)]
    if candidate.rel_port is not None:
        words += ["rport", str(candidate.rel_port)]
    if candidate.tcptype is not None:
        words += ["tcptype", word(candidate.tcptype)]
    if candidate.generation is not None:
        words += ["generation", str(candidate.generation)]
    return " ".join(words)
