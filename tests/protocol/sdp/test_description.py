from jinglebridge.protocol.sdp.description import Direction, direction_of
from tests.protocol.helpers import AUDIO, DATA, HEAD, VIDEO, offered


def test_directions() -> None:
    for direction in Direction:
        assert direction_of(sends=direction.sends, receives=direction.receives) is direction
        assert direction.reversed.reversed is direction
    assert Direction.SENDONLY.reversed is Direction.RECVONLY
    assert Direction.INACTIVE.reversed is Direction.INACTIVE


def test_looking_into_a_description() -> None:
    offer = offered(*HEAD, "a=group:LS 0", "a=group:BUNDLE 0 1", *AUDIO, *VIDEO, *DATA)
    assert offer.bundle == ("0", "1")
    assert offered(*HEAD).bundle == ()
    assert offer.section("1") is offer.media[1]
    assert offer.section("9") is None
    assert offer.media[0].payload_type(0) is offer.media[0].payload_types[1]
    assert offer.media[0].payload_type(5) is None
    assert [item.is_rtp for item in offer.media] == [True, True, False]
    assert len(offer.with_media(offer.media[:1]).media) == 1


def test_port_zero_rejects_unless_bundle_only() -> None:
    line = "m=audio 0 UDP/TLS/RTP/SAVPF 0"
    rejected, bundled = offered(*HEAD, line, line, "a=bundle-only").media
    assert rejected.is_rejected
    assert not bundled.is_rejected
