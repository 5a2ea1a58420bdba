"""What the app's own part of a hook takes, as its histogram counts it: without the wait for the encoder's attach."""

from __future__ import annotations

import math
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

FAMILY = "headend_hook_own_seconds"


def buckets(exposition: str, hook: str = "on_publish") -> dict[float, float]:
    """How many were answered within so many seconds, as /metrics says it."""
    return {
        float(sample.labels["le"]): sample.value
        for family in text_string_to_metric_families(exposition)
        if family.name == FAMILY
        for sample in family.samples
        if sample.name == f"{FAMILY}_bucket" and sample.labels["hook"] == hook
    }


def quantile(share: float, before: Mapping[float, float], after: Mapping[float, float]) -> float:
    """Seconds within which this share of what came between was answered, as PromQL estimates it; NaN for nothing."""
    counts = {limit: after[limit] - before.get(limit, 0.0) for limit in sorted(after)}
    wanted = share * max(counts.values(), default=0.0)
    if wanted <= 0:
        return math.nan
    low = below = 0.0
    for limit, count in counts.items():
        if count >= wanted:
            # Beyond the last limit nobody can say how much more it is.
            return low if math.isinf(limit) else low + (limit - low) * (wanted - below) / (count - below)
        low, below = limit, count
    return low
