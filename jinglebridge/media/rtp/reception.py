"""The order of one incoming stream: extended sequence numbers, gaps, reports (RFC 3550 §A)."""

from aiortc.rtp import RtcpReceiverInfo, clamp_packets_lost

from jinglebridge.media.rtp.nack import MissingPackets

NOT_WANTED = -1
"""Stands for a packet that is here already or out of all order."""
_DROPOUT = 3_000
"""A sequence number further off than this is a new beginning or nonsense (RFC 3550 §A.1)."""
_JITTER_BOUND = 10.0  # seconds; a larger step is a new timeline, not jitter


class Reception:
    """Places each packet of one stream in its order and knows what is missing."""

    __slots__ = (
        "_arrived_at",
        "_base",
        "_clock_rate",
        "_expected_before",
        "_highest",
        "_jitter",
        "_received",
        "_received_before",
        "_restart_at",
        "_started",
        "_timestamp",
        "duplicates",
        "missing",
        "overrun",
        "packets",
        "recovered",
    )

    def __init__(self) -> None:
        self.missing = MissingPackets()
        self.overrun = False
        """Whether more was missing at once than is looked for; to be reset by the reader."""
        self.packets = 0
        self.recovered = 0
        self.duplicates = 0
        self._started = False
        self._base = self._highest = 0
        self._restart_at = -1
        self._received = self._received_before = self._expected_before = 0
        self._arrived_at = 0.0
        self._timestamp = 0
        self._clock_rate = 1
        self._jitter = 0.0

    @property
    def started(self) -> bool:
        """Whether any packet arrived."""
        return self._started

    @property
    def lost(self) -> int:
        """Packets expected and not received since the stream's last new beginning."""
        return self._highest - self._base + 1 - self._received if self._started else 0

    @property
    def jitter(self) -> float:
        """Interarrival jitter in seconds (RFC 3550 §A.8)."""
        return self._jitter / self._clock_rate

    def arrived(self, sequence: int, timestamp: int, clock_rate: int, now: float) -> int:
        """Place a packet that came on the stream itself.

        Args:
            sequence: its 16-bit sequence number.
            timestamp: its timestamp.
            clock_rate: of its payload type, in Hz.
            now: the time, in seconds.

        Returns:
            Its extended sequence number, or :data:`NOT_WANTED`.
        """
        ahead = (sequence - self._highest) & 0xFFFF
        highest = self._highest
        if ahead == 1 and self._started:
            place = self._highest = highest + 1
        else:
            place = self._place(sequence, ahead, now)
            if place == NOT_WANTED:
                return NOT_WANTED
        self._received += 1
        self.packets += 1
        if place > highest:
            # The difference of the timestamps, as a number with sign.
            elapsed = ((timestamp - self._timestamp + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000
            deviation = abs((now - self._arrived_at) * clock_rate - elapsed)
            if highest and deviation < _JITTER_BOUND * clock_rate:
                self._jitter += (deviation - self._jitter) * 0.0625
            self._timestamp = timestamp
            self._arrived_at = now
            self._clock_rate = clock_rate
        return place

    def restored(self, sequence: int, now: float) -> int:
        """Place a packet that a retransmission stream brought; returns as :meth:`arrived` does."""
        if not self._started:
            return NOT_WANTED
        ahead = (sequence - self._highest) & 0xFFFF
        if 0 < ahead < _DROPOUT or ahead > 0x1_0000 - _DROPOUT:
            place = self._place(sequence, ahead, now)
            self.recovered += place != NOT_WANTED and ahead < _DROPOUT
            return place
        return NOT_WANTED

    def _place(self, sequence: int, ahead: int, now: float) -> int:
        if not self._started:
            self._started = True
            self._begin(0x1_0000 + sequence)
        elif 0 < ahead < _DROPOUT:
            first = self._highest + 1
            self._highest += ahead
            if ahead > 1 and not self.missing.add(first, self._highest, now):
                self.overrun = True
        elif ahead > 0x1_0000 - _DROPOUT:
            late = self._highest - (0x1_0000 - ahead)
            if self.missing.found(late):
                self.recovered += 1
                return late
            self.duplicates += 1
            return NOT_WANTED
        elif ahead and sequence == self._restart_at:
            # Two in a row: the sender began anew. The next cycle keeps extended numbers growing.
            self.missing.clear()
            self._begin(((self._highest >> 16) + 1 << 16) + sequence)
        else:
            self._restart_at = (sequence + 1) & 0xFFFF if ahead else -1
            self.duplicates += 1
            return NOT_WANTED
        return self._highest

    def _begin(self, extended: int) -> None:
        self._base = self._highest = extended
        self._received = self._received_before = self._expected_before = 0
        self._restart_at = -1

    def report(self, ssrc: int, last_report: int, since_report: int) -> RtcpReceiverInfo:
        """A report block about the time since the last one (RFC 3550 §6.4.1, §A.3).

        Args:
            ssrc: of the stream.
            last_report: middle 32 bits of the latest sender report's NTP time, 0 if none.
            since_report: time since it arrived, in 1/65536 s.
        """
        expected = self._highest - self._base + 1
        new = expected - self._expected_before
        missed = new - (self._received - self._received_before)
        self._expected_before = expected
        self._received_before = self._received
        return RtcpReceiverInfo(
            ssrc=ssrc,
            fraction_lost=min((missed << 8) // new, 0xFF) if new > 0 and missed > 0 else 0,
            packets_lost=clamp_packets_lost(expected - self._received),
            highest_sequence=(self._highest - 0x1_0000) & 0xFFFF_FFFF,
            jitter=min(int(self._jitter), 0xFFFF_FFFF),
            lsr=last_report,
            dlsr=since_report & 0xFFFF_FFFF,
        )
