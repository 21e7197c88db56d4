from jinglebridge.media.rtp.history import History
from tests.media.rtp.harness import rtp


def test_keeps_the_last_512() -> None:
    history = History()
    for sequence in range(65_300, 65_300 + 600):
        history.add(sequence & 0xFFFF, rtp(sequence))
    assert history.get(65_300) is None
    assert history.get((65_300 + 599) & 0xFFFF) == rtp(65_300 + 599)
    assert history.get((65_300 + 88) & 0xFFFF) == rtp(65_300 + 88)
    assert history.get((65_300 + 87) & 0xFFFF) is None
    assert History().get(0) is None


def test_a_packet_is_not_repeated_too_often() -> None:
    history = History()
    history.add(1, rtp(1))
    assert history.may_repeat(1, 0.02, 5.0)
    assert not history.may_repeat(1, 0.02, 5.01)
    assert history.may_repeat(1, 0.02, 5.02)
