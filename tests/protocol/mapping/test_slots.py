import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinglebridge.protocol.jingle.residue import Residue
from jinglebridge.protocol.jingle.xep_0166 import Content, Creator
from jinglebridge.protocol.mapping.descriptions import offer_of
from jinglebridge.protocol.mapping.slots import Slot, SlotTable, slots_of
from jinglebridge.protocol.sdp.text import dumps, loads_offer
from tests.protocol.helpers import AUDIO, DATA, HEAD, VIDEO, offered, say, text_of

INITIATOR, RESPONDER = Creator.INITIATOR, Creator.RESPONDER


def table(*contents: tuple[Creator, str]) -> SlotTable:
    slots = SlotTable()
    for creator, name in contents:
        slots = slots.with_content(Content(creator=creator, name=name))
    return slots


def mids(slots: SlotTable) -> list[str]:
    return [slot.mid for slot in slots.slots]


def test_a_name_is_the_mid_where_it_can_be() -> None:
    names = ("audio", "my camera", "ü", "x" * 16, "x" * 17, "a/b")
    slots = table(*((INITIATOR, name) for name in names))
    assert mids(slots) == ["audio", "m1", "m2", "x" * 16, "m4", "m5"]


@pytest.mark.parametrize("mid", ["x" * 17, "x" * 256, "a/b", "{1}=", "\u00fc", "1\u00ec"])
def test_an_unusual_mid_comes_back(mid: str) -> None:
    sdp = text_of(*HEAD, f"a=group:BUNDLE {mid} 1", *AUDIO[:2], f"a=mid:{mid}", *VIDEO)
    request = say(loads_offer(sdp))
    assert request.contents[0].name == mid
    offer, slots = offer_of(request, writer=INITIATOR)
    assert mids(slots) == [mid, "1"]
    assert dumps(offer) == sdp


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("x" * 17, "a=mid:" + "y" * 17),
        ("my camera", "a=mid:my camera"),
        ("my\u2003camera", "a=mid:my\u2003camera"),
    ],
)
def test_a_residue_makes_no_mid_of_another_name(name: str, line: str) -> None:
    content = Content(creator=INITIATOR, name=name, residue=Residue(text=line))
    assert mids(SlotTable().with_content(content)) == ["m0"]


def test_an_unusual_mid_that_is_taken_is_made_anew() -> None:
    name = "x" * 17
    slots = SlotTable((Slot(creator=RESPONDER, name=name, mid=name),))
    content = Content(creator=INITIATOR, name=name, residue=Residue(text=f"a=mid:{name}"))
    assert mids(slots.with_content(content)) == [name, "m1"]


def test_both_parties_may_own_a_content_of_one_name() -> None:
    slots = table((INITIATOR, "video"), (RESPONDER, "video"))
    assert mids(slots) == ["video", "m1"]
    first, second = slots.slots
    assert slots.by_content(INITIATOR, "video") is first
    assert slots.by_content(RESPONDER, "video") is second
    assert slots.by_name("video") is first


def test_a_made_mid_never_meets_a_taken_one() -> None:
    assert mids(table((INITIATOR, "m1"), (INITIATOR, "m 1"))) == ["m1", "m2"]
    assert mids(table((INITIATOR, "m 0"), (INITIATOR, "m0"))) == ["m0", "m1"]


def test_a_wrong_creator_is_forgiven_where_the_name_is_unique() -> None:
    slots = table((RESPONDER, "audio"))
    assert slots.by_content(INITIATOR, "audio") is slots.slots[0]
    assert slots.by_content(INITIATOR, "video") is None
    three = SlotTable((*slots.slots, *slots.slots))
    assert three.by_content(INITIATOR, "audio") is None


def test_a_first_offers_mids_are_its_names() -> None:
    slots = slots_of(offered(*HEAD, *AUDIO, *VIDEO, *DATA), INITIATOR)
    assert slots.slots[1] == Slot(creator=INITIATOR, name="1", mid="1", media="video")
    assert slots.by_mid("2") is slots.slots[2]
    assert slots.by_mid("3") is slots.by_name("3") is None
    assert len(slots) == 3


NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
OWNERS = st.sampled_from(Creator)


@given(st.lists(st.tuples(OWNERS, NAMES | st.sampled_from(["m0", "m1", "m2"])), unique=True))
def test_names_and_mids_are_one_to_one(contents: list[tuple[Creator, str]]) -> None:
    slots = table(*contents)
    assert len(set(mids(slots))) == len(contents)
    assert all(mid.isascii() and 1 <= len(mid) <= 16 and " " not in mid for mid in mids(slots))
    for slot, (creator, name) in zip(slots.slots, contents, strict=True):
        assert slots.by_content(creator, name) is slot
        assert slots.by_mid(slot.mid) is slot
