import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinglebridge.protocol.jingle.xep_0166 import Creator, Senders
from jinglebridge.protocol.mapping.perspective import direction_of_senders, senders_of
from jinglebridge.protocol.sdp.description import Direction

INITIATOR, RESPONDER = Creator.INITIATOR, Creator.RESPONDER
both = st.sampled_from


@pytest.mark.parametrize(
    ("writer", "direction", "senders"),
    [
        (INITIATOR, Direction.SENDRECV, Senders.BOTH),
        (INITIATOR, Direction.SENDONLY, Senders.INITIATOR),
        (INITIATOR, Direction.RECVONLY, Senders.RESPONDER),
        (INITIATOR, Direction.INACTIVE, Senders.NONE),
        (RESPONDER, Direction.SENDRECV, Senders.BOTH),
        (RESPONDER, Direction.SENDONLY, Senders.RESPONDER),
        (RESPONDER, Direction.RECVONLY, Senders.INITIATOR),
        (RESPONDER, Direction.INACTIVE, Senders.NONE),
    ],
)
def test_the_four_cases_of_each_party(
    writer: Creator, direction: Direction, senders: Senders
) -> None:
    assert senders_of(direction, writer) is senders
    assert direction_of_senders(senders, writer) is direction


@given(both(Direction), both(Creator))
def test_each_is_the_inverse_of_the_other(direction: Direction, writer: Creator) -> None:
    assert direction_of_senders(senders_of(direction, writer), writer) is direction


@given(both(Senders))
def test_the_parties_see_the_same_flow_from_two_sides(senders: Senders) -> None:
    mine, yours = (direction_of_senders(senders, writer) for writer in Creator)
    assert mine.reversed is yours
    assert mine.sends is yours.receives


@pytest.mark.parametrize("writer", Creator)
def test_no_word_on_senders_means_both(writer: Creator) -> None:
    assert direction_of_senders(None, writer) is Direction.SENDRECV
