"""How often something may happen: token buckets that are told the time."""


class Rate:
    """A bucket of tokens for each key; full ones take no memory.

    A row is the time at which its bucket will be full again (the theoretical arrival time of the
    generic cell rate algorithm, ITU-T I.371), which says all that counting tokens would.

    Args:
        per_minute: tokens that come back in a minute.
        burst: tokens of a full bucket; default: a third of a minute's.
    """

    def __init__(self, per_minute: int, burst: int | None = None) -> None:
        self._interval = 60.0 / per_minute
        self._size = (burst or max(1, per_minute // 3)) * self._interval
        self._full_at: dict[str, float] = {}
        self._swept_at = 0.0

    def __len__(self) -> int:
        return len(self._full_at)

    def wait(self, key: str, now: float, *, taken: int = 0) -> float:
        """How long until a token is there, in s; 0: there is one.

        Args:
            key: whose bucket.
            now: any clock that does not go back, in s.
            taken: tokens that were taken for this before.
        """
        full_at = max(self._full_at.get(key, now), now)
        # a nanosecond against sums that do not come out even
        needed = (1 - taken) * self._interval
        return max(0.0, full_at + needed - self._size - now - 1e-9)

    def take(self, key: str, now: float) -> None:
        """Take a token; whether there is one was asked before."""
        self._full_at[key] = max(self._full_at.get(key, now), now) + self._interval
        if now >= self._swept_at + self._size:
            self._swept_at = now
            self._full_at = {key: at for key, at in self._full_at.items() if at > now}
