"""The echo's choice of what to send back."""

from aiortc.rtp import RtcpByePacket

from jinglebridge.media.program import Program, Sink, Source
from jinglebridge.media.rtp.packet import Header
from jinglebridge.media.rtp.parameters import RtpSection
from jinglebridge.services.echo import EchoProgram
from tests.media.rtp.harness import OUR_VIDEO, X_MID, X_RID, Bench, rtp, video_section

SECTION = video_section(remote_ssrcs=(), remote_rtx=())


def heard(bench: Bench) -> list[bytes]:
    return [sent.payload for sent in bench.take()]


def packet(sequence: int, ssrc: int, rid: bytes | None = None) -> bytes:
    extensions = ((X_MID, b"1"),) if rid is None else ((X_MID, b"1"), (X_RID, rid))
    return rtp(sequence, ssrc=ssrc, extensions=extensions, payload=b"%d from %d" % (sequence, ssrc))


def test_the_latest_source_is_heard_and_an_earlier_one_again_after_it() -> None:
    bench = Bench(SECTION)
    bench.receive(packet(1, 70), packet(1, 71), packet(2, 70), packet(2, 71))
    assert heard(bench) == [b"1 from 70", b"1 from 71", b"2 from 71"]
    bench.feed(RtcpByePacket(sources=[71]))
    bench.receive(packet(3, 70))
    assert heard(bench) == [b"3 from 70"]
    bench.feed(RtcpByePacket(sources=[70]))
    bench.receive(packet(4, 70))
    assert heard(bench) == [b"4 from 70"]


def test_the_first_encoding_of_a_simulcast_track_is_heard() -> None:
    bench = Bench(SECTION)
    bench.receive(packet(1, 70, b"hi"), packet(1, 71, b"lo"), packet(2, 70), packet(2, 71))
    assert heard(bench) == [b"1 from 70", b"2 from 70"]


def test_a_source_that_was_there_before_its_sink_is_heard() -> None:
    bench = Bench(video_section(sends=False))
    bench.receive(rtp(1))
    bench.transport.configure((video_section(),), bench.now)
    bench.receive(rtp(2))
    assert [(sent.ssrc, sent.payload) for sent in bench.take()] == [(OUR_VIDEO, b"payload 2")]


class Tape:
    """A sink of a program's own."""

    def __init__(self, section: RtpSection) -> None:
        self.section = section
        self.source: Source | None = None
        self.taken: list[tuple[bytes, int]] = []
        self.skipped = 0

    def source_connected(self, source: Source, now: float) -> None:
        self.source = source

    def source_disconnected(self, source: Source) -> None:
        self.source = None

    def forward(self, data: bytes, sequence: int, header: Header, now: float) -> None:
        self.taken.append((data[header.payload_at : header.payload_end(data)], sequence))

    def skip(self, sequence: int) -> None:
        self.skipped += 1


class Recording(EchoProgram):
    """Echoes, and keeps a copy."""

    def __init__(self) -> None:
        super().__init__()
        self.tape: Tape | None = None

    def source_appeared(self, source: Source, now: float) -> None:
        super().source_appeared(source, now)
        self.tape = Tape(source.section)
        source.connect(self.tape, now)


def test_a_program_may_connect_sinks_of_its_own() -> None:
    program = Recording()
    bench = Bench(SECTION, program=program)
    bench.receive(rtp(1, ssrc=70), rtp(2, ssrc=70, payload=b"", padding=9), rtp(3, ssrc=70))
    assert heard(bench) == [b"payload 1", b"payload 3"]
    tape = program.tape
    assert tape is not None
    assert [payload for payload, _ in tape.taken] == [b"payload 1", b"payload 3"]
    assert tape.taken[1][1] - tape.taken[0][1] == 2
    assert tape.skipped == 1
    source = tape.source
    assert source is not None
    source.disconnect(tape)
    source.disconnect(tape)
    assert tape.source is None
    bench.receive(rtp(4, ssrc=70))
    assert len(tape.taken) == 2
    assert heard(bench) == [b"payload 4"]


def test_the_echo_is_a_program() -> None:
    program: Program = EchoProgram()
    sink: Sink = Tape(SECTION)
    program.sink_opened(sink, 1.0)
    program.sink_closed(sink, 1.0)
