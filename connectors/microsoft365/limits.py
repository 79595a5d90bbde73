"""
What Microsoft lets one application do in one tenant.

A read in a batch counts as if it had come alone.  The submissions of searches in the audit log, so many a day, are counted in `activity.search_quota`.
"""

from __future__ import annotations

from connectors.kit.limits import Limit

READS, WRITES, REPORTS, SEARCHES = "reads", "writes", "reports", "searches"
"""The names of the limits.  For searches none a minute is published; they are throttled by themselves, and hold up nothing else."""

_PAGE = "learn.microsoft.com/graph/throttling-limits"
_IDENTITY = f"{_PAGE}#identity-and-access-service-limits"

LIMITS = (
    # The smallest tenant has 3,500 resource units in 10 s.  Writes, at one each, use up to 200 of them; no read of ours costs more than three.
    Limit(READS, 6_000, _IDENTITY, at_once=20, within=10),
    # 3,000 in 150 s
    Limit(WRITES, 1_200, _IDENTITY),
    # signIns and directoryAudits: 5 in 10 s
    Limit(REPORTS, 30, f"{_PAGE}#identity-and-access-reports-service-limits", within=10),
)

CONNECTIONS = 96
"""
More than may be under way at once: twice the places of all limits, since urgent calls have as many of their own, are 88.  They stay alive: by its default the pool closes four of five after each answer, and its bookkeeping
for hundreds of waiting requests holds up the loop for seconds.
"""


def limit_of(method: str, path: str) -> str:
    if "/auditLogs/" in path:
        return REPORTS
    if path.startswith("/security/"):
        return SEARCHES
    return READS if method == "GET" or path == "/$batch" else WRITES
