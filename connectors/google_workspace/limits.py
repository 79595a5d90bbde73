"""Google's published rate limits."""

from __future__ import annotations

from connectors.kit.limits import Limit

DIRECTORY, REPORTS, FILTERED = "directory", "reports", "reports.filtered"

LIMITS = (
    Limit(DIRECTORY, 2_400, "developers.google.com/admin-sdk/directory/v1/limits"),
    Limit(REPORTS, 2_400, "developers.google.com/admin-sdk/reports/v1/limits"),
    Limit(FILTERED, 250, "developers.google.com/admin-sdk/reports/v1/limits"),
)
"""
Each is for one administrator in one Cloud project; other deployments with both are not counted here.

The Directory also refuses too many calls at once for one tenant, from all clients together.  Google gives no number and
raises none; eight at once worked.  A query of the logs is filtered if it names a user, an event or a parameter.
"""
THREADS = 2 * sum(limit.at_once for limit in LIMITS if limit.name != FILTERED)
"""
One for each call that may be under way at once: twice the places, since urgent calls have as many of their own.  A filtered query also
holds a place of `REPORTS`.
"""
