"""Which section a packet of an unknown source belongs to (RFC 9143 §9.2)."""

from typing import NamedTuple

from jinglebridge.media.rtp.extensions import MID, REPAIRED_RID, RID, extension_id
from jinglebridge.media.rtp.packet import Header, read_header
from jinglebridge.media.rtp.parameters import RtpSection


class Binding(NamedTuple):
    """Where a new source belongs."""

    section: RtpSection
    rid: str | None
    """The RID that it carries, or repairs."""
    retransmits: bool
    """Whether it is a retransmission stream."""


class Demultiplexer:
    """Finds sections by what was signalled, by MID, and by payload type.

    Args:
        sections: all that share the transport.
    """

    def __init__(self, sections: tuple[RtpSection, ...] = ()) -> None:
        self._by_mid = {section.mid.encode(): section for section in sections}
        self._mid_ids = tuple({extension_id(item, MID) for item in sections} - {0})
        self._by_ssrc: dict[int, RtpSection] = {}
        self._primary: dict[int, int] = {}
        self._by_type: dict[int, RtpSection | None] = {}
        for section in sections:
            for ssrc in section.remote_ssrcs:
                self._by_ssrc[ssrc] = section
            for ssrc, rtx in section.remote_rtx:
                self._by_ssrc[rtx] = section
                self._primary[rtx] = ssrc
            for payload_type in _payload_types(section):
                taken = payload_type in self._by_type
                self._by_type[payload_type] = None if taken else section

    def primary_of(self, ssrc: int) -> int | None:
        """The source whose packets this one was signalled to repeat."""
        return self._primary.get(ssrc)

    def bind(self, ssrc: int, data: bytes) -> Binding | None:
        """Find the place of a source by one of its packets; ``None`` if there is none."""
        header = read_header(data)
        if header is None:
            return None
        payload_type = data[1] & 0x7F
        section = self._section(ssrc, payload_type, data, header)
        if section is None or not section.receives:
            return None
        rid = _text(data, header, extension_id(section, RID))
        for codec in section.codecs:
            if payload_type == codec.payload_type:
                return Binding(section, rid, False)
            if payload_type == codec.rtx_payload_type:
                repaired = _text(data, header, extension_id(section, REPAIRED_RID))
                return Binding(section, repaired, True)
        return None

    def _section(
        self, ssrc: int, payload_type: int, data: bytes, header: Header
    ) -> RtpSection | None:
        for identifier in self._mid_ids:
            element = header.element(identifier)
            if element is not None:
                return self._by_mid.get(data[element.at : element.at + element.length])
        return self._by_ssrc.get(ssrc) or self._by_type.get(payload_type)


def _payload_types(section: RtpSection) -> set[int]:
    types = {codec.payload_type for codec in section.codecs}
    return types | {codec.rtx_payload_type for codec in section.codecs if codec.rtx_payload_type}


def _text(data: bytes, header: Header, identifier: int) -> str | None:
    element = header.element(identifier) if identifier else None
    if element is None:
        return None
    value = data[element.at : element.at + element.length]
    # RFC 8852 §3.3: letters and digits; anything else is no RID.
    return value.decode("ascii", "replace") or None
