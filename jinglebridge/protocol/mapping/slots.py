"""The slot table: which m-section is which content, for the whole life of a session.

The index of a slot is the index of its m-section and never changes; a content is known by creator
and name, an m-section by its mid. Names may hold what a mid may not (spaces, Unicode), so the two
differ where they must.
"""

import re
from dataclasses import dataclass

from jinglebridge.protocol.jingle.xep_0166 import Content, Creator
from jinglebridge.protocol.jingle.xep_0167 import RtpDescription
from jinglebridge.protocol.sdp.description import MediaDescription, SessionDescription

_MID = re.compile(r"[!#$%&'*+.^_`{|}~0-9A-Za-z-]{1,16}")
"""RFC 5888 §4's token, at most what fits the MID header extension everywhere (16 bytes)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One m-section and its content."""

    creator: Creator
    name: str
    mid: str
    media: str = "audio"
    """Of the m-section, for when it is rejected and nothing else says it."""


@dataclass(frozen=True, slots=True)
class SlotTable:
    """All slots of a session, by index."""

    slots: tuple[Slot, ...] = ()

    def __len__(self) -> int:
        return len(self.slots)

    def by_mid(self, mid: str) -> Slot | None:
        """The slot of this m-section."""
        return next((slot for slot in self.slots if slot.mid == mid), None)

    def by_content(self, creator: Creator, name: str) -> Slot | None:
        """The slot of this content; a wrong creator is forgiven where the name is unique.

        Several clients write ``initiator`` whoever created the content.
        """
        named = [slot for slot in self.slots if slot.name == name]
        exact = next((slot for slot in named if slot.creator is creator), None)
        return exact or (named[0] if len(named) == 1 else None)

    def by_name(self, name: str) -> Slot | None:
        """The first slot whose content has this name (XEP-0338 names no creator)."""
        return next((slot for slot in self.slots if slot.name == name), None)

    def with_content(self, content: Content) -> "SlotTable":
        """A table with one more slot at the end; its mid is the content's name where it can be."""
        taken = {slot.mid for slot in self.slots}
        mid = content.name
        if _MID.fullmatch(mid) is None or mid in taken:
            number = len(self.slots)
            while f"m{number}" in taken:
                number += 1
            mid = f"m{number}"
        description = content.description
        media = description.media if isinstance(description, RtpDescription) else "application"
        slot = Slot(creator=content.creator, name=content.name, mid=mid, media=media)
        return SlotTable((*self.slots, slot))

    def with_section(self, section: MediaDescription, creator: Creator) -> "SlotTable":
        """A table with one more slot at the end, for a section whose mid names its content."""
        return SlotTable((*self.slots, _slot_of(section, creator)))

    def after(self, description: SessionDescription, writer: Creator) -> "SlotTable":
        """The table when ``writer`` has described the session again.

        Sections keep their slots; a live section with another mid recycles its slot for a content
        of the writer's (RFC 9429 §5.2.2), and sections beyond the last slot are new ones of its.
        """
        slots = list(self.slots)
        for index, section in enumerate(description.media):
            if index == len(slots):
                slots.append(_slot_of(section, writer))
            elif slots[index].mid != section.mid and not section.is_rejected:
                slots[index] = _slot_of(section, writer)
        return SlotTable(tuple(slots))


def _slot_of(section: MediaDescription, creator: Creator) -> Slot:
    return Slot(creator=creator, name=section.mid, mid=section.mid, media=section.media)


def slots_of(description: SessionDescription, creator: Creator) -> SlotTable:
    """The table of a first offer: every section's mid is its content's name."""
    return SlotTable().after(description, creator)
