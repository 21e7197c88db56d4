"""The slot table: which m-section is which content, for the whole life of a session.

The index of a slot is the index of its m-section and never changes; a content is known by creator
and name, an m-section by its mid. Names may hold what a mid may not (spaces, Unicode), so the two
differ where they must.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from jinglebridge.errors import MalformedStanza, SdpError
from jinglebridge.protocol.jingle.xep_0166 import Content, Creator
from jinglebridge.protocol.jingle.xep_0167 import RtpDescription
from jinglebridge.protocol.sdp.description import MediaDescription, SessionDescription

_MID = re.compile(r"[!#$%&'*+.^_`{|}~0-9A-Za-z-]{1,16}")
"""RFC 5888 §4's token, at most what fits the MID header extension everywhere (16 bytes)."""
_WORD = re.compile(r"\S+")


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

    def of_contents(
        self, contents: tuple[Content, ...], *, are_new: bool = False
    ) -> tuple[Slot | None, ...]:
        """The slot of each content of one request, ``None`` for those that are new.

        A wrong creator is forgiven unless the right one stands beside it: both parties may own a
        content of one name.

        Args:
            contents: of the request.
            are_new: the request says so (content-add), and no creator is taken for wrong.

        Raises:
            MalformedStanza: two of them have the same creator and name (XEP-0166 §7.3).
        """
        counted = Counter((item.creator, item.name) for item in contents)
        if twice := next((name for (_, name), count in counted.items() if count > 1), None):
            raise MalformedStanza(f"two contents have the creator and the name of {twice[:60]!r}")
        exact = {(slot.creator, slot.name): slot for slot in self.slots}
        found = [exact.get((item.creator, item.name)) for item in contents]
        taken = {slot.mid for slot in found if slot is not None}
        for index, item in enumerate(contents if not are_new else ()):
            slot = self.by_content(item.creator, item.name)
            if found[index] is None and slot is not None and slot.mid not in taken:
                found[index] = slot
                taken.add(slot.mid)
        return tuple(found)

    def mids_of(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The mids of a group's members, who are named without creators (XEP-0338 §3).

        A name that stands twice means the contents of both parties, in the table's order; one of
        no content is left as it is where it can stand in SDP and is no other's mid.
        """
        owned: dict[str, list[str]] = {}
        for slot in self.slots:
            owned.setdefault(slot.name, []).append(slot.mid)
        used: Counter[str] = Counter()
        mids = []
        for name in names:
            if name in owned:
                mids.append(owned[name][min(used[name], len(owned[name]) - 1)])
                used[name] += 1
            elif name and " " not in name and self.by_mid(name) is None:
                mids.append(name)
        return tuple(mids)

    def with_content(self, content: Content) -> "SlotTable":
        """A table with one more slot at the end; its mid is the content's name where it can be."""
        taken = {slot.mid for slot in self.slots}
        mid = content.name
        if mid in taken or not (_MID.fullmatch(mid) or _was_mid(content)):
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
        return SlotTable((*self.slots, _slot_of(section, creator, self.slots)))

    def after(self, description: SessionDescription, writer: Creator) -> "SlotTable":
        """The table when ``writer`` has described the session again.

        Sections keep their slots; a live section with another mid recycles its slot for a content
        of the writer's (RFC 9429 §5.2.2), and sections beyond the last slot are new ones of its.

        Raises:
            SdpError: there are fewer sections than slots; none ever goes away (RFC 9429 §5.2.2).
        """
        if len(description.media) < len(self.slots):
            reason = f"{len(self.slots)} sections are known and {len(description.media)} described"
            raise SdpError(reason)
        slots = list(self.slots)
        for index, section in enumerate(description.media):
            if index == len(slots):
                slots.append(_slot_of(section, writer, slots))
            elif slots[index].mid != section.mid and not section.is_rejected:
                slots[index] = _slot_of(section, writer, slots)
        return SlotTable(tuple(slots))


def unusual_mid(slot: Slot) -> tuple[str, ...]:
    """The line of a residue that says that the content's name is its mid, though a long one."""
    is_usual = slot.mid != slot.name or _MID.fullmatch(slot.mid)
    return () if is_usual else (f"a=mid:{slot.mid}",)


def _was_mid(content: Content) -> bool:
    lines = content.residue.lines if content.residue else ()
    return f"a=mid:{content.name}" in lines and _WORD.fullmatch(content.name) is not None


def _slot_of(section: MediaDescription, creator: Creator, others: Sequence[Slot]) -> Slot:
    # a mid that was given up may still be the name of another slot's content
    taken = {slot.name for slot in others if slot.creator is creator}
    name, number = section.mid, 2
    while name in taken:
        name, number = f"{section.mid}-{number}", number + 1
    return Slot(creator=creator, name=name, mid=section.mid, media=section.media)


def slots_of(description: SessionDescription, creator: Creator) -> SlotTable:
    """The table of a first offer: every section's mid is its content's name."""
    return SlotTable().after(description, creator)
