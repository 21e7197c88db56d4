"""How many candidates of the peer are taken: what is more is dropped and counted.

Each candidate makes the ICE agent send checks to an address that the peer names, so their number
bounds what a session can be made to send at others (RFC 8445 §19.5.1). Dropping is no error: an
honest client with many interfaces has a working path among the first ones.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from jinglebridge.protocol.sdp.description import SessionDescription, TrickledCandidates

D = TypeVar("D", bound=SessionDescription)

_GENERATIONS = 64
"""Transports and generations that are remembered; the oldest are forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateQuota:
    """What was taken so far."""

    maximum: int = 64
    """Candidates of one transport and ICE generation."""
    taken: tuple[tuple[str, str | None, int], ...] = ()
    """mid, ufrag and count of each transport and generation."""
    dropped: int = 0
    """Candidates that were too many."""

    def admit(self, trickled: TrickledCandidates) -> "tuple[TrickledCandidates, CandidateQuota]":
        """Take as many candidates as there is room for; the rest is counted as dropped."""
        if not trickled.candidates:
            return trickled, self
        key = (trickled.mid, trickled.ufrag)
        before = next((count for *known, count in self.taken if tuple(known) == key), 0)
        kept = trickled.candidates[: self.maximum - before]
        others = tuple(row for row in self.taken if row[:2] != key)
        return replace(trickled, candidates=kept), replace(
            self,
            taken=(*others, (*key, before + len(kept)))[-_GENERATIONS:],
            dropped=self.dropped + len(trickled.candidates) - len(kept),
        )

    def admit_all(
        self, trickled: Iterable[TrickledCandidates]
    ) -> "tuple[tuple[TrickledCandidates, ...], CandidateQuota]":
        """Take candidates as in ``admit``; what says nothing any more is left out."""
        found, quota = [], self
        for item in trickled:
            kept, quota = quota.admit(item)
            if kept.candidates or kept.end_of_candidates:
                found.append(kept)
        return tuple(found), quota

    def admit_described(self, description: D) -> "tuple[D, CandidateQuota]":
        """Take the candidates inside a description."""
        media, quota = [], self
        for section in description.media:
            given = TrickledCandidates(
                mid=section.mid, ufrag=section.ice_ufrag, candidates=section.candidates
            )
            kept, quota = quota.admit(given)
            unchanged = len(kept.candidates) == len(section.candidates)
            media.append(section if unchanged else replace(section, candidates=kept.candidates))
        return replace(description, media=tuple(media)), quota
