"""Log lines about what peers did wrong: enough to see it, never as many as they like."""

import time
from collections.abc import Callable

import structlog

from jinglebridge.bridge.rates import Rate
from jinglebridge.protocol.session.table import bare

PER_MINUTE = 60
"""Lines about one account; a third of them at once."""
IN_ALL = 1_200
"""Lines about all of them."""


class Notes:
    """Writes lines about peers, until there are too many of them.

    Args:
        clock: any that does not go back, in s.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._log = structlog.get_logger()
        self._per_peer = Rate(PER_MINUTE)
        self._all = Rate(IN_ALL)

    def write(self, event: str, peer: str | None, **words: object) -> None:
        """Write a line, or leave it.

        Args:
            event: what happened.
            peer: who did it, as the server stamped it.
            words: more of it.
        """
        now, name = self._clock(), bare(peer or "")
        if self._per_peer.wait(name, now) > 0 or self._all.wait("", now) > 0:
            return
        self._per_peer.take(name, now)
        self._all.take("", now)
        self._log.info(event, peer=peer, **words)
