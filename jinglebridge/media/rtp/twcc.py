"""Transport-wide congestion control feedback, built and parsed.

draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1. Built with run length and two-bit vector
chunks; one-bit vector chunks are understood too.
"""

from dataclasses import dataclass
from struct import Struct, error

RTPFB = 205
FORMAT = 15
TICK = 0.000_250
"""Unit of the deltas, in seconds."""
TICKS_PER_REFERENCE = 256
"""The reference time counts 64 ms."""

_HEAD = Struct("!BBHLLHHL")
_CHUNK = Struct("!H")
_LARGE = Struct("!h")
_NOT_RECEIVED, _SMALL_DELTA, _LARGE_DELTA = range(3)
_LONGEST_RUN = 0x1FFF
_VECTOR = 7
"""Symbols in a two-bit vector chunk; a run at least as long is shorter as a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportFeedback:
    """Which packets of one transport arrived when."""

    sender_ssrc: int
    media_ssrc: int
    base_sequence: int
    """Transport-wide sequence number of the first status, 16 bits."""
    reference_time: int
    """In 64 ms since an arbitrary instant, 24 bits."""
    count: int
    """Number of this feedback packet, 8 bits."""
    deltas: tuple[int | None, ...]
    """For each packet the time since the one received before it (since the reference time for the
    first), in ticks of 250 µs, 16 bits with sign; ``None`` when it did not arrive."""


def build_feedback(feedback: TransportFeedback) -> bytes:
    """Write one RTCP packet.

    Raises:
        struct.error: a value is out of its range.
    """
    symbols = [_symbol(delta) for delta in feedback.deltas]
    body = bytearray()
    at = 0
    while at < len(symbols):
        at = _add_chunk(body, symbols, at)
    for delta, symbol in zip(feedback.deltas, symbols, strict=True):
        if delta is None:
            continue
        body += bytes((delta,)) if symbol == _SMALL_DELTA else _LARGE.pack(delta)
    padding = -len(body) % 4
    if padding:
        body += bytes(padding - 1) + bytes((padding,))
    head = _HEAD.pack(
        0x80 | (0x20 if padding else 0) | FORMAT,
        RTPFB,
        4 + len(body) // 4,
        feedback.sender_ssrc,
        feedback.media_ssrc,
        feedback.base_sequence,
        len(symbols),
        feedback.reference_time << 8 | feedback.count,
    )
    return head + body


def _symbol(delta: int | None) -> int:
    if delta is None:
        return _NOT_RECEIVED
    return _SMALL_DELTA if 0 <= delta <= 0xFF else _LARGE_DELTA


def _add_chunk(body: bytearray, symbols: list[int], at: int) -> int:
    symbol = symbols[at]
    limit = min(len(symbols), at + _LONGEST_RUN)
    end = at + 1
    while end < limit and symbols[end] == symbol:
        end += 1
    if end - at >= _VECTOR or end == len(symbols):
        body += _CHUNK.pack(symbol << 13 | end - at)
        return end
    vector = symbols[at : at + _VECTOR]
    chunk = 0xC000
    for place, value in enumerate(vector):
        chunk |= value << 12 - 2 * place
    body += _CHUNK.pack(chunk)
    return at + len(vector)


def parse_feedback(data: bytes) -> TransportFeedback:
    """Read one RTCP packet.

    Raises:
        ValueError: it is no feedback, or contradicts itself.
    """
    try:
        first, kind, _, sender, media, base, statuses, time = _HEAD.unpack_from(data)
        if kind != RTPFB or first & 0x1F != FORMAT or not statuses:
            raise ValueError("no transport-wide feedback")
        symbols, at = _read_symbols(data, _HEAD.size, statuses)
        deltas: list[int | None] = []
        for symbol in symbols:
            if symbol == _NOT_RECEIVED:
                deltas.append(None)
            elif symbol == _SMALL_DELTA:
                deltas.append(data[at])
                at += 1
            elif symbol == _LARGE_DELTA:
                deltas.append(_LARGE.unpack_from(data, at)[0])
                at += 2
            else:
                raise ValueError("reserved packet status")
    except (error, IndexError) as problem:
        raise ValueError("transport-wide feedback is truncated") from problem
    return TransportFeedback(
        sender_ssrc=sender,
        media_ssrc=media,
        base_sequence=base,
        reference_time=time >> 8,
        count=time & 0xFF,
        deltas=tuple(deltas),
    )


def _read_symbols(data: bytes, at: int, count: int) -> tuple[list[int], int]:
    symbols: list[int] = []
    while len(symbols) < count:
        chunk = _CHUNK.unpack_from(data, at)[0]
        at += 2
        if not chunk & 0x8000:
            run = min(chunk & _LONGEST_RUN, count - len(symbols))
            symbols += [chunk >> 13] * run
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    return symbols[:count], at
