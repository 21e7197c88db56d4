"""What becomes of a packet on its way back."""

import struct
from dataclasses import replace

import pytest
from aiortc.rtp import RtcpRtpfbPacket

from jinglebridge.media.rtp.transport import RtpTransport
from jinglebridge.services.echo import EchoProgram
from tests.media.rtp.harness import (
    AUDIO,
    OPUS,
    OUR_AUDIO,
    OUR_VIDEO,
    VIDEO,
    X_AST,
    X_LEVEL,
    X_MID,
    X_RID,
    X_TWCC,
    Bench,
    audio_section,
    rtp,
    rtx,
    video_section,
)


def test_a_packet_goes_back_as_ours() -> None:
    bench = Bench(audio_section(), video_section())
    bench.receive(rtp(70, timestamp=123, marker=True, payload=b"picture"))
    bench.receive(rtp(9, ssrc=AUDIO, payload_type=OPUS, timestamp=456, payload=b"sound"))
    video, audio = bench.take()
    assert (video.ssrc, video.sequence, video.timestamp) == (OUR_VIDEO, 1_000, 123)
    assert (video.payload_type, video.marker, video.payload) == (96, True, b"picture")
    assert (audio.ssrc, audio.sequence, audio.timestamp) == (OUR_AUDIO, 1_000, 456)
    assert (audio.payload_type, audio.marker, audio.payload) == (OPUS, False, b"sound")


def test_everything_but_the_header_is_byte_for_byte_the_same() -> None:
    bench = Bench(video_section())
    data = rtp(70, csrcs=(1, 2), extensions=((9, b"unknown"), (X_LEVEL, b"\x30")), padding=5)
    bench.receive(data)
    (sent,) = bench.take()
    assert sent.data[:2] + sent.data[4:8] + sent.data[12:] == data[:2] + data[4:8] + data[12:]


def test_a_packet_goes_back_under_the_peers_own_number() -> None:
    [codec] = video_section().codecs
    renumbered = replace(codec, sent_type=120, sent_rtx_type=121)
    bench = Bench(video_section(codecs=(renumbered,)))
    bench.receive(rtp(70, marker=True, payload=b"picture"))
    bench.receive(rtx(500, 71))
    first, second = bench.take()
    assert (first.payload_type, first.marker, first.payload) == (120, True, b"picture")
    assert (second.payload_type, second.marker) == (120, False)
    bench.feed(RtcpRtpfbPacket(fmt=1, ssrc=VIDEO, media_ssrc=OUR_VIDEO, lost=[1_000]))
    (again,) = bench.take()
    assert (again.payload_type, again.marker) == (121, True)


@pytest.mark.parametrize("two_byte", [False, True])
def test_header_extensions(two_byte: bool) -> None:
    bench = Bench(video_section())
    for sequence in (70, 71):
        bench.receive(
            rtp(
                sequence,
                extensions=(
                    (X_AST, b"\1\2\3"),
                    (X_TWCC, struct.pack("!H", 40_000 + sequence)),
                    (X_MID, b"1"),
                    (X_RID, b"hi"),
                    (9, b"unknown"),
                ),
                two_byte=two_byte,
            )
        )
    for number, sent in enumerate(bench.take(), 1):
        assert sent.extensions == {
            X_AST: (int(bench.now * 2**18) & 0xFFFFFF).to_bytes(3, "big"),
            X_TWCC: struct.pack("!H", number),
            X_MID: b"1",
            9: b"unknown",
        }


def test_one_space_of_transport_wide_numbers_for_all_streams() -> None:
    bench = Bench(audio_section(), video_section())
    for sequence in range(3):
        twcc = ((X_TWCC, b"\0\7"),)
        bench.receive(rtp(sequence, extensions=twcc))
        bench.receive(rtp(sequence, ssrc=AUDIO, payload_type=OPUS, extensions=twcc))
    numbers = [int.from_bytes(sent.extensions[X_TWCC], "big") for sent in bench.take()]
    assert numbers == [1, 2, 3, 4, 5, 6]


def test_sequence_numbers_wrap_on_both_sides() -> None:
    bench = Bench(video_section(), first=32_767)
    numbers = []
    for sequence in range(65_000, 65_000 + 70_000):
        bench.transport.rtp_received(rtp(sequence), bench.now)
        numbers += [packet.sequence for packet in bench.take()]
    assert numbers == [(32_767 + index) & 0xFFFF for index in range(70_000)]


def test_losses_keep_their_gap_and_late_packets_their_place() -> None:
    bench = Bench(video_section())
    bench.receive(rtp(10), rtp(13), rtp(11))
    assert [(sent.sequence, sent.payload) for sent in bench.take()] == [
        (1_000, b"payload 10"),
        (1_003, b"payload 13"),
        (1_001, b"payload 11"),
    ]


def test_duplicates_do_not_go_on() -> None:
    bench = Bench(video_section())
    bench.receive(rtp(10), rtp(10), rtp(11), rtp(10))
    assert [sent.sequence for sent in bench.take()] == [1_000, 1_001]
    assert bench.transport.stats().sources[0].duplicates == 2


def test_mere_padding_does_not_go_on_and_leaves_no_gap() -> None:
    bench = Bench(video_section())
    bench.receive(rtp(10), rtp(11, payload=b"", padding=200), rtp(12, payload=b""), rtp(13))
    assert [(sent.sequence, sent.payload) for sent in bench.take()] == [
        (1_000, b"payload 10"),
        (1_001, b"payload 13"),
    ]


def test_padding_that_is_longer_than_the_packet_is_malformed() -> None:
    bench = Bench(video_section())
    bench.receive(rtp(10), rtp(11, padding=4)[:-1] + b"\xff", rtp(12, padding=4)[:-1] + b"\0")
    assert len(bench.take()) == 1
    assert bench.transport.stats().sources[0].malformed == 2


def test_payload_types_that_were_not_negotiated_do_not_go_on() -> None:
    bench = Bench(video_section())
    bench.receive(rtp(10), rtp(11, payload_type=35))
    bench.receive(rtx(1, 10), rtx(2, 9, payload_type=35))
    assert len(bench.take()) == 1
    assert bench.transport.stats().malformed == 0
    assert bench.transport.stats().sources[0].malformed == 1


def test_a_header_that_becomes_malformed_is_dropped() -> None:
    bench = Bench(video_section())
    bench.receive(rtp(10), rtx(1, 10))
    bad = rtp(11, extensions=((1, b"ab"),)).replace(b"\x11ab", b"\x18ab")
    bench.receive(bad, bad[:8] + struct.pack("!L", 0x1112) + bad[12:], rtp(12))
    assert [sent.sequence for sent in bench.take()] == [1_000, 1_002]
    assert bench.transport.stats().sources[0].malformed == 1


def test_nothing_goes_back_where_the_peer_does_not_receive() -> None:
    bench = Bench(video_section(sends=False))
    bench.receive(rtp(10), rtp(11))
    assert bench.take() == []
    assert bench.transport.stats().sources[0].packets == 2


def test_the_first_sequence_numbers_are_random_and_in_the_lower_half() -> None:
    firsts = set()
    for _ in range(40):
        sent: list[bytes] = []
        transport = RtpTransport(sent.append, sent.append, EchoProgram())
        transport.configure((audio_section(),), 1.0)
        transport.rtp_received(rtp(1, ssrc=AUDIO, payload_type=OPUS), 1.0)
        firsts.add(int.from_bytes(sent[-1][2:4], "big"))
    assert len(firsts) > 20
    assert max(firsts) < 0x8000


def test_a_mid_of_another_length_is_replaced() -> None:
    class Cross(EchoProgram):
        """Sends section 1's source to section 22's sink."""

        def source_appeared(self, source, now):  # type: ignore[no-untyped-def]  # as its base
            source.connect(self._sinks["22"], now)

    other = video_section(mid="22", local_ssrc=5, remote_ssrcs=(), remote_rtx=())
    bench = Bench(video_section(), other, program=Cross())
    bench.receive(rtp(10, extensions=((X_MID, b"1"),)), rtp(11))
    first, second = bench.take()
    assert (first.ssrc, first.extensions, first.payload) == (5, {X_MID: b"22"}, b"payload 10")
    assert second.extensions == {}


def test_many_layouts_are_no_burden() -> None:
    bench = Bench(video_section())
    for sequence in range(200):
        bench.receive(
            rtp(sequence, extensions=((9, bytes(sequence % 16 + 1)),), csrcs=(1,) * (sequence % 15))
        )
    assert [sent.extensions[9] for sent in bench.take()] == [
        bytes(sequence % 16 + 1) for sequence in range(200)
    ]


def test_another_source_takes_over_in_number_and_time() -> None:
    bench = Bench(video_section(remote_ssrcs=(), remote_rtx=()))
    bench.receive(rtp(10, timestamp=1_000))
    bench.now += 1.0
    bench.receive(rtp(50_000, ssrc=77, timestamp=8_000_000), rtp(11, ssrc=VIDEO))
    bench.receive(rtp(50_001, ssrc=77, timestamp=8_003_000))
    assert [(sent.sequence, sent.timestamp) for sent in bench.take()] == [
        (1_000, 1_000),
        (1_001, 91_000),
        (1_002, 94_000),
    ]


def test_a_packet_from_before_the_connection_has_no_place() -> None:
    bench = Bench(video_section(sends=False))
    bench.receive(rtp(10), rtp(12))
    bench.transport.configure((video_section(),), bench.now)
    bench.receive(rtp(13), rtp(11), rtp(14))
    assert [sent.payload for sent in bench.take()] == [b"payload 13", b"payload 14"]
