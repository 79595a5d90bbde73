"""
Microsoft's rate limits for one application in one tenant.

Each read in a batch counts.  `activity.queue` counts the audit log's searches, which are limited by day.
"""

from __future__ import annotations

from connectors.kit.limits import Limit

READS, WRITES, REPORTS, SEARCHES = "reads", "writes", "reports", "searches"
"""The names of the limits.  For searches Microsoft publishes none a minute; their throttling holds back only searches."""

_PAGE = "learn.microsoft.com/graph/throttling-limits"
_IDENTITY = f"{_PAGE}#identity-and-access-service-limits"

LIMITS = (
    # the smallest tenant has 3,500 resource units in 10 s: writes use up to 200 at one each, our reads cost three at most
    Limit(READS, 6_000, _IDENTITY, at_once=20, bucket=100),
    # 3,000 in 150 s
    Limit(WRITES, 1_200, _IDENTITY),
    # signIns and directoryAudits: 5 in 10 s
    Limit(REPORTS, 30, f"{_PAGE}#identity-and-access-reports-service-limits", bucket=1),
)

CONNECTIONS = 48
"""
The pool's connections, more than requests under way at once, and all kept alive: by default the pool closes four of five
after each answer, and its bookkeeping for hundreds of waiting requests blocks the loop for seconds.
"""


def limit_of(method: str, path: str) -> str:
    """Return the name of the limit that a call counts against."""
    if "/auditLogs/" in path:
        return REPORTS
    if path.startswith("/security/"):
        return SEARCHES
    return READS if method == "GET" or path == "/$batch" else WRITES
