"""How packets of one layout have to change to leave in a section: found out once per layout."""

from jinglebridge.media.rtp.extensions import (
    ABS_SEND_TIME,
    MID,
    REPAIRED_RID,
    RID,
    TRANSPORT_CC,
    extension_id,
)
from jinglebridge.media.rtp.packet import Element, Header
from jinglebridge.media.rtp.parameters import RtpSection


class Rewriting:
    """The changes to one layout, in the form that costs least per packet.

    Elements are changed in place. One that must go becomes padding (RFC 8285 §4.1.1 allows it
    anywhere), so that the packet keeps its length.
    """

    __slots__ = ("abs_send_time_at", "adds_mid", "patches", "transport_cc_at")

    def __init__(self) -> None:
        self.transport_cc_at = 0
        """Offset of the transport-wide sequence number; 0 if there is none."""
        self.abs_send_time_at = 0
        """Offset of the time of sending; 0 if there is none."""
        self.patches: list[tuple[int, int, bytes]] = []
        """Start, end and new octets, as many as there were."""
        self.adds_mid = False
        """Whether the MID does not fit where it was and has to be inserted."""


def plan_rewriting(header: Header, source: RtpSection, sink: RtpSection) -> Rewriting:
    """What to change in packets of this layout that come from one section and go to another.

    Extensions keep their meaning: they get the sink's id for the same URI, and go when the sink
    has none. RIDs go always, because what leaves is one stream and no layer of a simulcast.
    """
    plan = Rewriting()
    uris = dict(source.header_extensions)
    for element in header.elements:
        uri = uris.get(element.id)
        identifier = element.id if source is sink else _id_there(uri, sink)
        fits = header.two_byte or identifier <= 14
        if uri in (RID, REPAIRED_RID) or not identifier or not fits:
            plan.patches.append(_blank(element, header))
            continue
        if identifier != element.id:
            plan.patches.append(_renumber(element, header, identifier))
        if uri == MID:
            value = sink.mid.encode()
            if len(value) == element.length:
                plan.patches.append((element.at, element.at + element.length, value))
            else:
                plan.patches.append(_blank(element, header))
                plan.adds_mid = True
        elif uri == TRANSPORT_CC and element.length == 2:
            plan.transport_cc_at = element.at
        elif uri == ABS_SEND_TIME and element.length == 3:
            plan.abs_send_time_at = element.at
    return plan


def _id_there(uri: str | None, sink: RtpSection) -> int:
    return 0 if uri is None else extension_id(sink, uri)


def _blank(element: Element, header: Header) -> tuple[int, int, bytes]:
    start = element.at - (2 if header.two_byte else 1)
    end = element.at + element.length
    return start, end, bytes(end - start)


def _renumber(element: Element, header: Header, identifier: int) -> tuple[int, int, bytes]:
    if header.two_byte:
        return element.at - 2, element.at - 1, bytes((identifier,))
    return element.at - 1, element.at, bytes((identifier << 4 | element.length - 1,))
