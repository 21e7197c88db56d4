"""Asking a sender for key frames, no more often than it can bear."""

from jinglebridge.media.rtp.rtcp import build_fir, build_pli

INTERVAL = 0.5
"""Least seconds between two requests to one source."""


class KeyFrameRequests:
    """Coalesces the requests for one source; a request that comes too early is kept."""

    __slots__ = ("_fir_number", "_free_at", "_ssrc", "_wanted", "sent")

    def __init__(self, ssrc: int) -> None:
        self._ssrc = ssrc
        self._wanted = False
        self._free_at = 0.0
        self._fir_number = 0
        self.sent = 0

    def want(self) -> None:
        """Let the next :meth:`due` ask."""
        self._wanted = True

    def due(self, sender_ssrc: int, feedback: frozenset[str], now: float) -> bytes | None:
        """The request to send now, if one is wanted and allowed.

        Args:
            sender_ssrc: who asks.
            feedback: the kinds of feedback negotiated; FIR serves where PLI was not.
            now: the time, in seconds.
        """
        if not self._wanted or now < self._free_at:
            return None
        self._wanted = False
        if "nack pli" in feedback:
            request = build_pli(sender_ssrc, self._ssrc)
        elif "ccm fir" in feedback:
            request = build_fir(sender_ssrc, self._ssrc, self._fir_number)
            self._fir_number += 1
        else:
            return None
        self._free_at = now + INTERVAL
        self.sent += 1
        return request
