"""Who may set up a call, and how often."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from jinglebridge.bridge.limits import Limits
from jinglebridge.bridge.rates import Rate
from jinglebridge.errors import Forbidden, ResourceConstraint
from jinglebridge.protocol.session.table import bare, domain_of

EVERYBODY = "*"
_ALL = ""
"""The one key of the rate that all callers share."""


@dataclass(frozen=True, slots=True)
class Names:
    """A list of who is meant.

    An entry is a bare JID (``juliet@example.org``), a domain (``example.org``), a domain with all
    below it (``*.example.org``) or ``*`` for everybody.
    """

    entries: frozenset[str] = frozenset()

    @classmethod
    def of(cls, entries: Iterable[str]) -> "Names":
        """A list of these entries, in lower case as servers write names."""
        return cls(frozenset(entry.lower() for entry in entries))

    def __contains__(self, jid: object) -> bool:
        if not isinstance(jid, str):
            return False
        name, domain = bare(jid).lower(), domain_of(jid).lower()
        if not self.entries.isdisjoint((EVERYBODY, name, domain)):
            return True
        labels = domain.split(".")
        return any(
            f"*.{'.'.join(labels[number:])}" in self.entries for number in range(1, len(labels))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRules:
    """Who may call at all."""

    allow: Names = Names(frozenset({EVERYBODY}))
    """Whoever is not here is refused."""
    deny: Names = Names()
    """Whoever is here is refused, allowed or not."""


class Access:
    """Asked once for each set-up: with its propose, else with its session-initiate.

    Args:
        rules: who may call.
        limits: how often.
        clock: any that does not go back, in s.
    """

    def __init__(
        self,
        rules: AccessRules | None = None,
        limits: Limits | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        limits = limits or Limits()
        self._rules = rules or AccessRules()
        self._clock = clock
        self._all = Rate(limits.setups_per_minute)
        self._per_peer = Rate(limits.setups_per_minute_per_peer)

    def check(self, peer: str) -> None:
        """See whether somebody may have anything to do with us.

        Args:
            peer: bare or full JID, as the server stamped it.

        Raises:
            Forbidden: by the rules.
        """
        if peer in self._rules.deny or peer not in self._rules.allow:
            raise Forbidden("this bridge takes no calls from you")

    def check_rate(self, peer: str, *, counted: bool = False) -> None:
        """See whether there is a set-up left for a peer; it is not counted.

        Args:
            peer: bare or full JID, as the server stamped it.
            counted: it was counted before, with its propose; refused is who overdrew since.

        Raises:
            ResourceConstraint: too many set-ups, of this account or of all.
        """
        now = self._clock()
        taken = int(counted)
        if (wait := self._per_peer.wait(bare(peer), now, taken=taken)) > 0:
            raise ResourceConstraint(f"too many calls from you: try again in {wait:.0f} s")
        if not counted and (wait := self._all.wait(_ALL, now)) > 0:
            raise ResourceConstraint(f"too many calls: try again in {wait:.0f} s")

    def admit(self, peer: str) -> None:
        """Count one more set-up of a peer.

        Args:
            peer: bare or full JID, as the server stamped it.

        Raises:
            Forbidden: by the rules.
            ResourceConstraint: too many set-ups, of this account or of all; nothing was counted.
        """
        self.check(peer)
        self.check_rate(peer)
        self.count(peer)

    def count(self, peer: str) -> None:
        """Count one more set-up of a peer, whatever became of it."""
        now = self._clock()
        self._per_peer.take(bare(peer), now)
        self._all.take(_ALL, now)
