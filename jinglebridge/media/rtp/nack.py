"""Packets that did not arrive: what is asked for again, and how long (RFC 4585 §6.2.1)."""

from collections.abc import Iterable
from struct import Struct

FIRST_RETRY = 0.1
"""Seconds between two requests while the round-trip time is unknown."""
_LEAST_RETRY = 0.02
_EARLY = 0.005  # a tick that comes a little early counts
_TRIES = 10
_LIFETIME = 1.0
_MOST = 512
_FCI = Struct("!HH")
_HEAD = Struct("!BBHLL")
_FCI_PER_PACKET = 256


class _Missing:
    __slots__ = ("ask_at", "ends_at", "tries")

    def __init__(self, now: float) -> None:
        self.ask_at = now
        self.ends_at = now + _LIFETIME
        self.tries = 0


class MissingPackets:
    """The gaps of one incoming stream, by extended sequence number."""

    __slots__ = ("_missing",)

    def __init__(self) -> None:
        self._missing: dict[int, _Missing] = {}

    def __len__(self) -> int:
        return len(self._missing)

    def add(self, first: int, end: int, now: float) -> bool:
        """Note that ``first`` up to before ``end`` are missing.

        Returns:
            Whether they are looked for. If not, too many are missing for asking to make sense,
            and all of them were given up.
        """
        if end - first + len(self._missing) > _MOST:
            self._missing.clear()
            return False
        for sequence in range(first, end):
            self._missing[sequence] = _Missing(now)
        return True

    def found(self, sequence: int) -> bool:
        """Note that a packet arrived; whether it was missing."""
        return self._missing.pop(sequence, None) is not None

    def due(self, now: float, retry_after: float) -> list[int]:
        """What to ask for now, lowest first; what was not found in its time is given up.

        Args:
            now: the time, in seconds.
            retry_after: round-trip time to the sender, in seconds.
        """
        asked: list[int] = []
        over: list[int] = []
        for sequence, missing in self._missing.items():
            if now >= missing.ends_at:
                over.append(sequence)
            elif now >= missing.ask_at - _EARLY and missing.tries < _TRIES:
                missing.tries += 1
                missing.ask_at = now + max(retry_after, _LEAST_RETRY)
                asked.append(sequence)
        for sequence in over:
            del self._missing[sequence]
        return asked

    def clear(self) -> None:
        """Forget every gap."""
        self._missing.clear()


def build_nacks(sender_ssrc: int, media_ssrc: int, sequences: Iterable[int]) -> list[bytes]:
    """Write generic NACKs for extended sequence numbers in ascending order."""
    items: list[list[int]] = []
    for sequence in sequences:
        distance = sequence - items[-1][0] if items else 0
        if items and distance <= 16:
            items[-1][1] |= 1 << distance - 1
        else:
            items.append([sequence, 0])
    packets = []
    for start in range(0, len(items), _FCI_PER_PACKET):
        part = items[start : start + _FCI_PER_PACKET]
        body = b"".join(_FCI.pack(pid & 0xFFFF, blp) for pid, blp in part)
        packets.append(_HEAD.pack(0x81, 205, 2 + len(part), sender_ssrc, media_ssrc) + body)
    return packets
