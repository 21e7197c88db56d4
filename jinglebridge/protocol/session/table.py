"""All sessions, by the peer's full JID and sid: both, so that a known sid alone opens nothing."""

from collections import Counter
from typing import Generic, TypeVar

from jinglebridge.errors import OutOfOrder, ResourceConstraint, UnknownSession

T = TypeVar("T")


def bare(jid: str) -> str:
    """A JID without its resource."""
    return jid.partition("/")[0]


def domain_of(jid: str) -> str:
    """The domain of a JID."""
    return bare(jid).rpartition("@")[2]


class SessionTable(Generic[T]):
    """Rows of ``T``, bounded in all, for each domain and for each bare JID.

    Args:
        maximum: rows in all.
        maximum_per_peer: rows of one bare JID.
        maximum_per_domain: rows of one domain; default: as in all.
    """

    def __init__(
        self, *, maximum: int, maximum_per_peer: int, maximum_per_domain: int | None = None
    ) -> None:
        self._maximum = maximum
        self._maximum_per_peer = maximum_per_peer
        self._maximum_per_domain = maximum if maximum_per_domain is None else maximum_per_domain
        self._rows: dict[tuple[str, str], T] = {}
        self._per_peer: Counter[str] = Counter()
        self._per_domain: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> tuple[T, ...]:
        """All rows, oldest first."""
        return tuple(self._rows.values())

    def has(self, peer: str, sid: str) -> bool:
        """Whether there is a row of this peer and sid."""
        return (peer, sid) in self._rows

    def find(self, peer: str, sid: str) -> T:
        """The row of this peer and sid.

        Raises:
            UnknownSession: there is none.
        """
        row = self._rows.get((peer, sid))
        if row is None:
            raise UnknownSession("no session of yours has this sid")
        return row

    def check_room(self, peer: str, sid: str) -> None:
        """See whether a row may be added.

        Raises:
            OutOfOrder: the peer has a session of this sid.
            ResourceConstraint: a bound is reached.
        """
        if self.has(peer, sid):
            raise OutOfOrder("a session of this sid exists")
        if self._per_peer[bare(peer)] >= self._maximum_per_peer:
            raise ResourceConstraint(f"at most {self._maximum_per_peer} calls for one account")
        if self._per_domain[domain_of(peer)] >= self._maximum_per_domain:
            raise ResourceConstraint("no more calls of your server at the moment")
        if len(self._rows) >= self._maximum:
            raise ResourceConstraint("no more calls at the moment")

    def add(self, peer: str, sid: str, row: T) -> None:
        """Add a row; errors as in ``check_room``."""
        self.check_room(peer, sid)
        self._rows[peer, sid] = row
        self._per_peer[bare(peer)] += 1
        self._per_domain[domain_of(peer)] += 1

    def move(self, peer: str, other: str, sid: str) -> None:
        """Let a row be another device's of the same account."""
        row = self._rows.pop((peer, sid))
        self._rows[other, sid] = row

    def remove(self, peer: str, sid: str) -> None:
        """Remove a row; a missing one is no error, since both sides may end a session."""
        if self._rows.pop((peer, sid), None) is None:
            return
        for counts, key in ((self._per_peer, bare(peer)), (self._per_domain, domain_of(peer))):
            counts[key] -= 1
            if not counts[key]:
                del counts[key]
