"""Times in, figures out."""

import math
from collections.abc import Sequence


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of all does not exceed (nearest rank); 0 of none."""
    if not values:
        return 0.0
    rank = math.ceil(share * len(values))
    return sorted(values)[max(0, rank - 1)]


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Count, and median, p95, p99 and maximum in ms."""
    return {
        "count": len(seconds),
        "p50_ms": round(quantile(seconds, 0.5) * 1e3, 1),
        "p95_ms": round(quantile(seconds, 0.95) * 1e3, 1),
        "p99_ms": round(quantile(seconds, 0.99) * 1e3, 1),
        "max_ms": round(max(seconds, default=0.0) * 1e3, 1),
    }
