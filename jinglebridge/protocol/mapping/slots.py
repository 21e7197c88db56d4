"""The slot table: which m-section is which content, for the whole life of a session.

The index of a slot is the index of its m-section and never changes; a content is known by creator
and name, an m-section by its mid. Names may hold what a mid may not (spaces, Unicode), so the two
differ where they must.
"""

import re
from dataclasses import dataclass

from jinglebridge.protocol.jingle.xep_0166 import Content, Creator
from jinglebridge.protocol.sdp.description import SessionDescription

_MID = re.compile(r"[!#$%&'*+.^_`{|}~0-9A-Za-z-]{1,16}")
"""RFC 5888 §4's token, at most what fits the MID header extension everywhere (16 bytes)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One m-section and its content."""

    creator: Creator
    name: str
    mid: str


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
        slot = Slot(creator=content.creator, name=content.name, mid=mid)
        return SlotTable((*self.slots, slot))

    def with_section(self, mid: str, creator: Creator = Creator.INITIATOR) -> "SlotTable":
        """A table with one more slot at the end, for a section whose mid names its content."""
        return SlotTable((*self.slots, Slot(creator=creator, name=mid, mid=mid)))


def slots_of(description: SessionDescription, creator: Creator) -> SlotTable:
    """The table of a first offer: every section's mid is its content's name."""
    return SlotTable(
        tuple(
            Slot(creator=creator, name=section.mid, mid=section.mid)
            for section in description.media
        )
    )
