"""Rejected m-sections: Jingle has no word for them, so their lines travel in the residue.

A browser repeats all codecs in a section that it stopped; deflated, they stay small.
"""

import base64
import binascii
import zlib
from dataclasses import replace

from jinglebridge.errors import SdpError
from jinglebridge.protocol.jingle.residue import Encoding, RejectedSection, Residue, lines_of
from jinglebridge.protocol.sdp.description import Attribute, MediaDescription, SectionDefaults
from jinglebridge.protocol.sdp.text import MAX_SIZE, loads_section
from jinglebridge.protocol.sdp.writer import write_section

_PLAIN = 256
"""Up to this many characters, lines are left readable."""


def pack(index: int, section: MediaDescription, defaults: SectionDefaults) -> RejectedSection:
    """The element that keeps a rejected section."""
    text = "\n".join(write_section(section, defaults))
    if len(text) <= _PLAIN:
        return RejectedSection(index=index, text=text)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(text.encode()) + packer.flush()
    encoded = base64.b64encode(packed).decode()
    return RejectedSection(index=index, encoding=Encoding.DEFLATE, text=encoded)


def unpack(residue: Residue | None) -> dict[int, MediaDescription]:
    """The rejected sections that a residue keeps, by index; live ones are not taken from it.

    Raises:
        SdpError: a section cannot be unpacked or read, or all are longer than a description may be.
    """
    kept = {}
    left = MAX_SIZE
    for element in residue.sections if residue else ():
        text = _text_of(element, left)
        left -= len(text)
        section = loads_section(lines_of(text), index=element.index)
        if section.is_rejected:
            kept[element.index] = replace(section, attributes=_allowed(section.attributes))
    return kept


def _allowed(attributes: tuple[Attribute, ...]) -> tuple[Attribute, ...]:
    # carried XML is for conversions of text, no peer may hand it to a peer connection
    return tuple(item for item in attributes if item.name != "x-jingle")


def _text_of(element: RejectedSection, longest: int) -> str:
    if element.encoding is None:
        return element.text
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        packed = base64.b64decode(element.text, validate=True)
        text = unpacker.decompress(packed, max(1, longest))
        if unpacker.unconsumed_tail or not unpacker.eof:
            raise SdpError("a kept section is too long or cut off", section=element.index)
        return text.decode()
    except (binascii.Error, zlib.error, ValueError):
        raise SdpError("a kept section cannot be unpacked", section=element.index) from None
