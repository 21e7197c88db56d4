"""The packets that one outgoing stream sent last, for those that the peer asks for again."""

from struct import Struct

_SIZE = 512
_HALF = Struct("!H")


class History:
    """A ring of sent packets by their 16-bit sequence number."""

    __slots__ = ("_packets", "_repeated_at")

    def __init__(self) -> None:
        self._packets: list[bytes | None] = [None] * _SIZE
        self._repeated_at = [0.0] * _SIZE

    def add(self, sequence: int, packet: bytes) -> None:
        """Keep a packet instead of the one sent 512 numbers before."""
        place = sequence % _SIZE
        self._packets[place] = packet
        self._repeated_at[place] = 0.0

    def get(self, sequence: int) -> bytes | None:
        """The packet with this number, if it is still kept."""
        packet = self._packets[sequence % _SIZE]
        if packet is None or _HALF.unpack_from(packet, 2)[0] != sequence:
            return None
        return packet

    def may_repeat(self, sequence: int, interval: float, now: float) -> bool:
        """Whether the packet was not repeated for ``interval`` seconds; notes that it is now."""
        place = sequence % _SIZE
        if now < self._repeated_at[place] + interval:
            return False
        self._repeated_at[place] = now
        return True
