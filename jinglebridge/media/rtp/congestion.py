"""What a sender needs to find its rate: transport-wide feedback, or an estimate for REMB."""

from jinglebridge.media.rtp.twcc import (
    TICK,
    TICKS_PER_REFERENCE,
    TransportFeedback,
    build_feedback,
)

_INTERVAL = 0.1
_EARLY = 0.005  # a tick that comes a little early counts
_REMEMBERED = 0.5
_ARRIVALS = 5_000
_STATUSES = 500  # 1 + 20 + 500 * 2.3 octets stay below any path's MTU
_LONGEST_GAP = 1_000
_DELTAS = range(-0x8000, 0x8000)

REMB_LEAST, REMB_FIRST, REMB_MOST = 100_000, 500_000, 2_500_000


class TransportCc:
    """One space of transport-wide sequence numbers, in and out.

    Browsers number the packets of all transports of a peer connection in one space, so transports
    that belong to one peer connection share one instance.
    """

    __slots__ = (
        "_arrivals",
        "_count",
        "_due_at",
        "_expected",
        "_highest",
        "_sequence",
        "_times",
    )

    def __init__(self) -> None:
        self._sequence = 0
        self._arrivals: list[tuple[int, float]] = []
        self._times: dict[int, float] = {}
        self._highest = 0
        self._expected = 0
        self._due_at = 0.0
        self._count = 0

    def next_sequence(self) -> int:
        """The number of the next packet that is sent."""
        self._sequence = (self._sequence + 1) & 0xFFFF
        return self._sequence

    def received(self, sequence: int, now: float) -> None:
        """Note that the packet with this 16-bit number arrived."""
        if len(self._arrivals) < _ARRIVALS:
            self._arrivals.append((sequence, now))

    def is_due(self, now: float) -> bool:
        """Whether :meth:`feedback` has something to say."""
        return bool(self._arrivals) and now >= self._due_at - _EARLY

    def feedback(self, sender_ssrc: int, media_ssrc: int, now: float) -> list[bytes]:
        """RTCP packets about everything new; to be called when it is due."""
        self._due_at = now + _INTERVAL
        numbers = self._take_arrivals()
        start = min(self._expected, *numbers)
        if start < self._expected:
            # A late packet makes its successors be reported once more; senders expect that.
            reported = sorted(number for number in self._times if number >= start)
        else:
            reported = sorted(set(numbers))
        self._expected = max(self._expected, reported[-1] + 1)
        packets = [
            build_feedback(feedback)
            for feedback in self._split(start, reported, sender_ssrc, media_ssrc)
        ]
        while self._times:
            number = next(iter(self._times))
            if self._times[number] >= now - _REMEMBERED:
                break
            del self._times[number]
        return packets

    def _take_arrivals(self) -> list[int]:
        arrivals, self._arrivals = self._arrivals, []
        times, highest = self._times, self._highest
        numbers: list[int] = []
        for sequence, at in arrivals:
            ahead = (sequence - highest + 0x8000 & 0xFFFF) - 0x8000
            if ahead < -_LONGEST_GAP or not highest:
                # Not late but numbered afresh, or else nothing would be reported for long.
                times.clear()
                numbers.clear()
                highest = self._expected = ((highest >> 16) + 1 << 16) + sequence
                number = highest
            else:
                number = highest + ahead
                if ahead > 0:
                    highest = number
            times.setdefault(number, at)
            numbers.append(number)
        self._highest = highest
        return numbers

    def _split(
        self, start: int, reported: list[int], sender_ssrc: int, media_ssrc: int
    ) -> list[TransportFeedback]:
        """Statuses from ``start`` on, in as many packets as their limits ask for."""
        feedbacks: list[TransportFeedback] = []
        base, expected, ticks, reference = start, start, 0, 0
        deltas: list[int | None] = []

        def finish() -> None:
            feedbacks.append(
                TransportFeedback(
                    sender_ssrc=sender_ssrc,
                    media_ssrc=media_ssrc,
                    base_sequence=base & 0xFFFF,
                    reference_time=reference & 0xFFFFFF,
                    count=self._count,
                    deltas=tuple(deltas),
                )
            )
            self._count = (self._count + 1) & 0xFF
            deltas.clear()

        for number in reported:
            at = int(self._times[number] / TICK)
            gap = number - expected
            if deltas and (at - ticks not in _DELTAS or len(deltas) + gap >= _STATUSES):
                finish()
            if not deltas:
                reference = at // TICKS_PER_REFERENCE
                ticks = reference * TICKS_PER_REFERENCE
                # A gap that fills a packet by itself tells the sender nothing it can use.
                base = number if gap >= _STATUSES else expected
                gap = number - base
            deltas += [None] * gap
            deltas.append(at - ticks)
            ticks, expected = at, number + 1
        finish()
        return feedbacks


class ReceiveEstimate:
    """A modest limit for senders that understand REMB alone (draft-alvestrand-rmcat-remb-03).

    It follows what arrives: a little above it while nothing is lost, below it when much is.
    """

    __slots__ = ("_bitrate",)

    def __init__(self) -> None:
        self._bitrate = float(REMB_FIRST)

    def update(self, received: float, lost: float) -> int:
        """The next limit in bit/s.

        Args:
            received: what arrived since the last call, in bit/s.
            lost: the share of packets lost since the last call, 0 to 1.
        """
        if lost > 0.1:
            self._bitrate = received * (1 - lost / 2)
        elif lost < 0.02:
            self._bitrate = max(self._bitrate, min(self._bitrate * 1.08, received * 1.5))
        self._bitrate = min(max(self._bitrate, REMB_LEAST), REMB_MOST)
        return int(self._bitrate)
