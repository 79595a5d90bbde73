"""
What Slack allows a minute: of the Web API by method and tier, of SCIM by sets of calls, of the Audit Logs in all.

Tiers 1 to 4 are 1, 20, 50 and 100 calls (docs.slack.dev/apis/web-api/rate-limits); a method's page names its tier.
"""

from __future__ import annotations

from datetime import timedelta

from connectors.kit.limits import Limit

_METHODS = "docs.slack.dev/reference/methods/"
_SCIM = "docs.slack.dev/reference/scim-api/rate-limits"
_AUDIT = "docs.slack.dev/reference/audit-logs-api"
_TIERS = {
    20: (
        "admin.roles.addAssignments", "admin.roles.removeAssignments", "admin.users.session.list",
        "admin.users.session.reset", "team.accessLogs", "team.integrationLogs", "usergroups.list",
        "usergroups.users.update", "users.list",
    ),
    50: ("admin.roles.listAssignments", "admin.teams.list", "files.list", "users.lookupByEmail"),
    100: ("users.info",),
}  # fmt: skip

AUDIT_LOGS = "audit logs"
SCIM_READS = "SCIM reads"
SCIM_WRITES = "SCIM writes"
ONE_USER = "GET /Users/{id}"

LIMITS = (
    *(Limit(method, calls, f"{_METHODS}{method}") for calls, methods in _TIERS.items() for method in methods),
    Limit(AUDIT_LOGS, 50, _AUDIT),
    # of the whole organisation: the identity provider's calls count too
    Limit(SCIM_READS, 1000, _SCIM),
    Limit(ONE_USER, 300, _SCIM),
    Limit(SCIM_WRITES, 600, _SCIM, bucket=180),
    Limit("DELETE /Users", 180, _SCIM, bucket=20),
    Limit("PATCH /Users", 180, _SCIM, bucket=20),
)

UNSAID = timedelta(seconds=30)
"""How long a throttled method of the Web API rests without a Retry-After.  Our choice: half of Slack's window."""


def scim_sets(verb: str, path: str) -> tuple[str, ...]:
    """Return the names of the `LIMITS` that a call of SCIM counts for, the narrowest first."""
    if verb == "GET":
        return (ONE_USER, SCIM_READS) if path.startswith("Users/") else (SCIM_READS,)
    return (f"{verb} /Users", SCIM_WRITES)
