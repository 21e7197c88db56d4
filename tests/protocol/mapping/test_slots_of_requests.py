"""The slot table against the contents of one request, groups, and descriptions that follow."""

from dataclasses import replace

import pytest

from jinglebridge.errors import MalformedStanza, SdpError
from jinglebridge.protocol.jingle.xep_0166 import Content, Creator
from jinglebridge.protocol.mapping.slots import Slot, SlotTable, slots_of
from tests.protocol.helpers import AUDIO, DATA, HEAD, VIDEO, offered

INITIATOR, RESPONDER = Creator.INITIATOR, Creator.RESPONDER
THREE = offered(*HEAD, *AUDIO, *VIDEO, *DATA)
BOTH_OWN = SlotTable(
    (
        Slot(creator=INITIATOR, name="video", mid="video", media="video"),
        Slot(creator=RESPONDER, name="video", mid="m1", media="video"),
    )
)


def contents(*keys: tuple[Creator, str]) -> tuple[Content, ...]:
    return tuple(Content(creator=creator, name=name) for creator, name in keys)


def found(slots: SlotTable, *keys: tuple[Creator, str], are_new: bool = False) -> list[str | None]:
    return [slot and slot.mid for slot in slots.of_contents(contents(*keys), are_new=are_new)]


def test_each_content_has_its_own_slot() -> None:
    assert found(BOTH_OWN, (RESPONDER, "video"), (INITIATOR, "video")) == ["m1", "video"]
    assert found(BOTH_OWN, (INITIATOR, "audio")) == [None]


def test_a_wrong_creator_is_forgiven_unless_the_right_one_stands_beside_it() -> None:
    one = SlotTable(BOTH_OWN.slots[:1])
    assert found(one, (RESPONDER, "video")) == ["video"]
    assert found(one, (RESPONDER, "video"), (INITIATOR, "video")) == [None, "video"]
    assert found(one, (INITIATOR, "video"), (RESPONDER, "video")) == ["video", None]


def test_a_content_that_is_added_has_the_creator_that_it_says() -> None:
    one = SlotTable(BOTH_OWN.slots[:1])
    assert found(one, (RESPONDER, "video"), are_new=True) == [None]
    assert found(one, (INITIATOR, "video"), are_new=True) == ["video"]


def test_a_content_is_known_by_creator_and_name() -> None:
    with pytest.raises(MalformedStanza, match="'video'"):
        found(BOTH_OWN, (RESPONDER, "video"), (RESPONDER, "video"))


def test_groups_name_contents_without_their_creators() -> None:
    assert BOTH_OWN.mids_of(("video", "video")) == ("video", "m1")
    assert BOTH_OWN.mids_of(("video", "video", "video")) == ("video", "m1", "m1")
    # "m1" is the mid of another content, "a b" and "" are no words
    assert BOTH_OWN.mids_of(("m1", "a b", "", "nobody", "video")) == ("nobody", "video")


def test_a_section_that_takes_a_place_names_its_content() -> None:
    slots = SlotTable().with_section(THREE.media[1], RESPONDER)
    assert slots.slots == (Slot(creator=RESPONDER, name="1", mid="1", media="video"),)


def test_a_section_under_a_new_mid_recycles_its_slot_for_the_writer() -> None:
    slots = slots_of(THREE, INITIATOR)
    audio, video, data = THREE.media
    stopped = THREE.with_media((audio, replace(video, port=0, mid="9"), data))
    assert slots.after(stopped, RESPONDER) == slots
    again = slots.after(THREE.with_media((audio, replace(video, mid="9"), data)), RESPONDER)
    assert again.slots[1] == Slot(creator=RESPONDER, name="9", mid="9", media="video")
    assert (again.slots[0], again.slots[2]) == (slots.slots[0], slots.slots[2])


def test_sections_beyond_the_last_slot_are_the_writers() -> None:
    slots = slots_of(THREE.with_media(THREE.media[:1]), INITIATOR)
    assert [slot.creator for slot in slots.after(THREE, RESPONDER).slots] == [
        INITIATOR,
        RESPONDER,
        RESPONDER,
    ]


def test_sections_never_go_away() -> None:
    with pytest.raises(SdpError, match="3 sections are known and 1 described"):
        slots_of(THREE, INITIATOR).after(THREE.with_media(THREE.media[:1]), INITIATOR)


def test_a_mid_that_is_used_again_names_no_second_content() -> None:
    # the section of the mid "video" was recycled, its name lives on in the other slot
    recycled = SlotTable((replace(BOTH_OWN.slots[0], name="x", mid="x"), BOTH_OWN.slots[1]))
    video = replace(THREE.media[1], mid="video")
    others = tuple(replace(video, mid=slot.mid) for slot in recycled.slots)
    after = recycled.after(THREE.with_media((*others, video)), RESPONDER)
    assert after.slots[2] == Slot(creator=RESPONDER, name="video-2", mid="video", media="video")
    names = {(slot.creator, slot.name) for slot in after.slots}
    assert len(names) == 3
