"""The numbers of an outgoing stream: one sequence and one timeline over changing sources."""

from bisect import bisect_right
from struct import Struct

_DROPOUT = 3_000
"""A source that leaps further ahead has begun anew; the gap is not real."""
_LATEST = 1_000
"""A packet further behind is refused by SRTP's own window."""
_SKIPPED = 128
_WORD = Struct("!L")


class Numbering:
    """Maps a source's extended sequence numbers to ours.

    Ours are the source's plus an offset, so that real losses keep their gap and a late packet
    finds its place in it; packets of mere padding, which are not sent, leave none. No number is
    ever given to two packets: with SRTP that would use a key stream twice.

    Args:
        first: our first sequence number, 16 bits.
    """

    __slots__ = (
        "_clock_rate",
        "_continues",
        "_floor",
        "_highest",
        "_last",
        "_last_at",
        "_offset",
        "_skipped",
        "timestamp_offset",
    )

    def __init__(self, first: int) -> None:
        self._continues = True
        self._highest = self._floor = 0
        self._offset = first - 1
        self._skipped: list[int] = []
        self._last: bytes | None = None
        self._last_at = 0.0
        self._clock_rate = 0
        self.timestamp_offset = 0
        """What to add to the source's timestamps, 32 bits."""

    @property
    def began(self) -> bool:
        """Whether anything of the present source was numbered."""
        return not self._continues

    def begin(self, clock_rate: int) -> None:
        """Go on with another source: its next packet follows the latest one, in number and time.

        Args:
            clock_rate: of the timeline, in Hz.
        """
        self._continues = True
        self._clock_rate = clock_rate

    def number(self, sequence: int, data: bytes, now: float) -> int:
        """Our 16-bit number for a packet, -1 if it came too late to have one.

        Args:
            sequence: the source's extended sequence number.
            data: the source's packet.
            now: the time, in seconds.
        """
        ahead = sequence - self._highest
        if 0 < ahead < _DROPOUT and not self._continues:
            self._highest = sequence
        elif ahead > 0 or self._continues:
            self._join(sequence, data, now)
        elif sequence >= self._floor and ahead > -_LATEST:
            # Those skipped after this packet's place have lowered the offset since.
            skipped = len(self._skipped) - bisect_right(self._skipped, sequence)
            return (sequence + self._offset + skipped) & 0xFFFF
        else:
            return -1
        self._last = data
        self._last_at = now
        return (sequence + self._offset) & 0xFFFF

    def skip(self, sequence: int) -> None:
        """Give this number of the source to nobody."""
        if self._continues or not 0 < sequence - self._highest < _DROPOUT:
            return  # the next packet closes the gap, or a later one has left it already
        self._highest = sequence
        self._offset -= 1
        self._skipped.append(sequence)
        if len(self._skipped) > _SKIPPED:
            self._floor = self._skipped.pop(0) + 1

    def _join(self, sequence: int, data: bytes, now: float) -> None:
        if self._continues and self._last is not None:
            passed = max(1, int((now - self._last_at) * self._clock_rate))
            latest = _WORD.unpack_from(self._last, 4)[0] + self.timestamp_offset
            offset = latest + passed - _WORD.unpack_from(data, 4)[0]
            self.timestamp_offset = offset & 0xFFFF_FFFF
        self._offset += self._highest + 1 - sequence
        self._highest = self._floor = sequence
        self._skipped.clear()
        self._continues = False
