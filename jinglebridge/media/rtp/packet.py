"""Where things are in an RTP packet (RFC 3550 §5.1, RFC 8285), without taking it apart.

Packets of one stream nearly always have the same layout: a :class:`Header` describes one layout
and tells with a few comparisons whether another packet has it too. Nothing is made per packet.
"""

from struct import Struct
from typing import NamedTuple

MINIMUM = 12
"""Octets of the fixed header."""
_ONE_BYTE = b"\xbe\xde"
_HALF = Struct("!H")
_KNOWN_LAYOUTS = 8


class Element(NamedTuple):
    """One header extension element."""

    id: int
    at: int
    """Offset of its value in the packet."""
    length: int
    """Octets of its value."""


class Header:
    """The layout of a header, valid for every packet that it :meth:`matches`."""

    __slots__ = (
        "_fixed",
        "_mask",
        "elements",
        "extended",
        "extension_at",
        "padded",
        "payload_at",
        "transport_cc_at",
        "two_byte",
    )

    def __init__(
        self,
        data: bytes,
        *,
        payload_at: int,
        elements: tuple[Element, ...] = (),
        fixed: tuple[int, ...] = (),
        two_byte: bool = False,
    ) -> None:
        self.payload_at = payload_at
        """Offset of the payload."""
        self.elements = elements
        """In the order of the packet."""
        self.padded = bool(data[0] & 0x20)
        """Whether the last octet counts octets of padding."""
        self.extended = bool(data[0] & 0x10)
        """Whether there is a header extension."""
        self.extension_at = MINIMUM + 4 * (data[0] & 0x0F)
        """Offset of the header extension, or of the place for one."""
        self.two_byte = two_byte
        """Whether the elements are in the two-byte form (RFC 8285 §4.3)."""
        self.transport_cc_at = 0
        """Offset of the transport-wide sequence number, 0 if there is none."""
        # One masked comparison of the whole header as a number is far cheaper than one per octet.
        mask = bytearray(payload_at)
        mask[0] = 0xFF
        for at in fixed:
            mask[at] = 0xFF
        self._mask = int.from_bytes(mask, "big")
        self._fixed = int.from_bytes(data[:payload_at], "big") & self._mask

    def matches(self, data: bytes) -> bool:
        """Whether this packet has the same layout."""
        end = self.payload_at
        return len(data) >= end and int.from_bytes(data[:end], "big") & self._mask == self._fixed

    def element(self, identifier: int) -> Element | None:
        """The first element with this id."""
        for element in self.elements:
            if element.id == identifier:
                return element
        return None

    def payload_end(self, data: bytes) -> int:
        """Offset of the end of the payload, less than its start when the padding is nonsense."""
        if not self.padded:
            return len(data)
        return len(data) - data[-1] if data[-1] else -1


def read_header(data: bytes) -> Header | None:
    """Find out the layout of a packet; ``None`` when it is no RTP packet."""
    if len(data) < MINIMUM or data[0] >> 6 != 2:
        return None
    at = MINIMUM + 4 * (data[0] & 0x0F)
    if not data[0] & 0x10:
        return Header(data, payload_at=at) if at <= len(data) else None
    words = data[at : at + 4]
    end = at + 4 + 4 * _HALF.unpack_from(words, 2)[0] if len(words) == 4 else len(data) + 1
    if end > len(data):
        return None
    # RFC 8285 §4.3: the low four bits of the two-byte form's profile are "appbits".
    two_byte = words[0] == 0x10 and words[1] >> 4 == 0
    fixed = [at, at + 1, at + 2, at + 3]
    if not two_byte and words[:2] != _ONE_BYTE:
        return Header(data, payload_at=end, fixed=tuple(fixed))
    elements = _read_elements(data, at + 4, end, fixed, two_byte=two_byte)
    if elements is None:
        return None
    return Header(data, payload_at=end, elements=elements, fixed=tuple(fixed), two_byte=two_byte)


def _read_elements(
    data: bytes, at: int, end: int, fixed: list[int], *, two_byte: bool
) -> tuple[Element, ...] | None:
    """The elements; adds the offsets of all octets that the layout depends on to ``fixed``."""
    elements: list[Element] = []
    while at < end:
        first = data[at]
        fixed.append(at)
        at += 1
        if first == 0:
            continue
        if two_byte:
            if at == end:
                return None
            identifier, length = first, data[at]
            fixed.append(at)
            at += 1
        else:
            identifier, length = first >> 4, (first & 0x0F) + 1
            if identifier == 15:  # RFC 8285 §4.2: stop here and ignore the rest
                break
        if at + length > end:
            return None
        elements.append(Element(identifier, at, length))
        at += length
    return tuple(elements)


class HeaderReader:
    """Remembers the layouts that one stream has used lately.

    Args:
        transport_cc: id of the transport-wide sequence number, 0 when it was not negotiated.
    """

    __slots__ = ("_known", "_last", "_transport_cc")

    def __init__(self, transport_cc: int = 0) -> None:
        self._transport_cc = transport_cc
        self._known: list[Header] = []
        self._last = Header(bytes(MINIMUM), payload_at=MINIMUM)  # of version 0: matches no packet

    def read(self, data: bytes) -> Header | None:
        """The layout of a packet of at least 12 octets; ``None`` when it is malformed."""
        if self._last.matches(data):
            return self._last
        for header in self._known:
            if header.matches(data):
                self._last = header
                return header
        fresh = read_header(data)
        if fresh is not None:
            element = fresh.element(self._transport_cc) if self._transport_cc else None
            if element is not None and element.length == 2:
                fresh.transport_cc_at = element.at
            self._known.insert(0, fresh)
            del self._known[_KNOWN_LAYOUTS:]
            self._last = fresh
        return fresh


def add_element(packet: bytearray, header: Header, identifier: int, value: bytes) -> int:
    """Insert a header extension element; returns by how many octets the packet grew.

    Nothing happens (0 is returned) when the packet's form of elements cannot hold it or when its
    header extension is of another kind.
    """
    at = header.extension_at
    if not header.extended:
        if 0 < len(value) <= 16 and identifier <= 14:
            body = _ONE_BYTE + b"\0\0" + bytes([identifier << 4 | len(value) - 1]) + value
        else:
            body = b"\x10\0\0\0" + bytes([identifier, len(value)]) + value
        body += bytes(-len(body) % 4)
        packet[at:at] = body
        packet[0] |= 0x10
        _HALF.pack_into(packet, at + 2, len(body) // 4 - 1)
        return len(body)
    if header.two_byte:
        element = bytes([identifier, len(value)]) + value
    elif packet[at : at + 2] == _ONE_BYTE and 0 < len(value) <= 16 and identifier <= 14:
        element = bytes([identifier << 4 | len(value) - 1]) + value
    else:
        return 0
    # First, because an element of id 15 ends the reading of all that follow it.
    element += bytes(-len(element) % 4)
    packet[at + 4 : at + 4] = element
    _HALF.pack_into(packet, at + 2, (header.payload_at - at) // 4 - 1 + len(element) // 4)
    return len(element)
