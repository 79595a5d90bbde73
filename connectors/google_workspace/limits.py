"""What Google allows in a minute, as it publishes it."""

from __future__ import annotations

from connectors.kit.limits import Limit

DIRECTORY, REPORTS, FILTERED = "directory", "reports", "reports.filtered"

LIMITS = (
    Limit(DIRECTORY, 2_400, "developers.google.com/admin-sdk/directory/v1/limits"),
    Limit(REPORTS, 2_400, "developers.google.com/admin-sdk/reports/v1/limits"),
    Limit(FILTERED, 250, "developers.google.com/admin-sdk/reports/v1/limits"),
)
"""
Each is for one administrator in one Cloud project, of which further deployments are told nothing.

The Directory also refuses too many calls at once for one tenant, wherever they come from; Google gives no number, and that
limit cannot be raised: eight have done.  A query of the logs is filtered if it names a user, an event or a parameter.
"""
THREADS = sum(limit.at_once for limit in LIMITS if limit.name != FILTERED)
"""As many calls as may be under way at once: a filtered query holds a place of all the Reports API's queries too."""
