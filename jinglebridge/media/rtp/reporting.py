"""Receiver and sender reports each second, and REMB for peers that know nothing better."""

from collections.abc import Iterator, Mapping, Sequence

from jinglebridge.media.rtp.congestion import ReceiveEstimate
from jinglebridge.media.rtp.extensions import TRANSPORT_CC, extension_id
from jinglebridge.media.rtp.parameters import RtpSection
from jinglebridge.media.rtp.rtcp import COMPOUND, REPORT_BLOCKS, build_remb, build_report
from jinglebridge.media.rtp.sink import OutgoingStream
from jinglebridge.media.rtp.source import IncomingStream

_INTERVAL = 1.0
_EARLY = 0.005  # a tick that comes a little early counts


class Reporter:
    """Knows when reports are due and what stands in them."""

    def __init__(self) -> None:
        self._due_at: float | None = None
        self._last_at = 0.0
        self._octets = 0
        self._estimate = ReceiveEstimate()

    def due(
        self,
        sections: Mapping[str, RtpSection],
        sources: Sequence[IncomingStream],
        sinks: Mapping[str, OutgoingStream],
        now: float,
    ) -> list[bytes]:
        """The compounds to send now.

        Args:
            sections: by mid.
            sources: every incoming stream.
            sinks: by mid.
            now: the time, in seconds.
        """
        if self._due_at is None:
            self._due_at, self._last_at = now + _INTERVAL, now
        if now < self._due_at - _EARLY:
            return []
        self._due_at = now + _INTERVAL
        compounds: list[bytes] = []
        for part in self._parts(sections, sources, sinks, now):
            if compounds and len(compounds[-1]) + len(part) <= COMPOUND:
                compounds[-1] += part
            else:
                compounds.append(part)
        self._last_at = now
        return compounds

    def _parts(
        self,
        sections: Mapping[str, RtpSection],
        sources: Sequence[IncomingStream],
        sinks: Mapping[str, OutgoingStream],
        now: float,
    ) -> Iterator[bytes]:
        lost = 0
        for mid, section in sections.items():
            blocks = [item.report_block(now) for item in sources if item.section.mid == mid]
            lost = max(lost, *(block.fraction_lost for block in blocks), 0)
            sink = sinks.get(mid)
            sender = sink.report(now) if sink is not None else None
            if blocks or sender is not None:
                yield build_report(section.local_ssrc, section.cname, sender, blocks)
            for start in range(REPORT_BLOCKS, len(blocks), REPORT_BLOCKS):
                yield build_report(section.local_ssrc, section.cname, None, blocks[start:])
        remb = self._remb(sections, sources, lost / 256, now)
        if remb is not None:
            yield remb

    def _remb(
        self,
        sections: Mapping[str, RtpSection],
        sources: Sequence[IncomingStream],
        lost: float,
        now: float,
    ) -> bytes | None:
        octets = sum(source.octets for source in sources)
        new, self._octets = max(0, octets - self._octets), octets
        if any(extension_id(section, TRANSPORT_CC) for section in sections.values()):
            return None
        limited = [
            source
            for source in sources
            if any("goog-remb" in codec.feedback for codec in source.section.codecs)
        ]
        if not limited or now <= self._last_at:
            return None
        bitrate = self._estimate.update(new * 8 / (now - self._last_at), lost)
        return build_remb(
            limited[0].section.local_ssrc, bitrate, [source.ssrc for source in limited]
        )
