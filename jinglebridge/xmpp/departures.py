"""Who went offline in the middle of a call: not believed at once.

A server that stops says of all its users that they are gone, just before it goes itself; and a
client that changes networks is gone for some seconds. In both cases media goes on and the client
is soon back. So a call with media has a while to hear of its peer again.
"""

import asyncio

import structlog

from jinglebridge.bridge.bridge import Bridge
from jinglebridge.bridge.ports import ConnectionState

_BELIEVED_AFTER = 5.0


class Departures:
    """Ends the calls of those who are really gone.

    Args:
        bridge: has the calls.
        after: how long a call with media waits for its peer, in s.
    """

    def __init__(self, bridge: Bridge, *, after: float = _BELIEVED_AFTER) -> None:
        self._bridge = bridge
        self._after = after
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._log = structlog.get_logger()

    def gone(self, peer: str) -> None:
        """A device went offline, or its server says so."""
        if not self._has_media(peer):
            self._bridge.peer_gone(peer)
        elif peer not in self._timers:
            self._log.info("peer offline", peer=peer, waits_s=self._after)
            loop = asyncio.get_running_loop()
            self._timers[peer] = loop.call_later(self._after, self._believe, peer)

    def back(self, peer: str) -> None:
        """It is there."""
        timer = self._timers.pop(peer, None)
        if timer is not None:
            timer.cancel()

    def forget(self) -> None:
        """Believe none of it: the server that said so went away itself."""
        for peer in tuple(self._timers):
            self.back(peer)

    def _has_media(self, peer: str) -> bool:
        return any(
            call.session.peer == peer and call.connection is ConnectionState.CONNECTED
            for call in self._bridge.calls
        )

    def _believe(self, peer: str) -> None:
        del self._timers[peer]
        self._bridge.peer_gone(peer)
