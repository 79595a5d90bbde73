"""Slack's logs, as data."""

from __future__ import annotations

from datetime import timedelta

from connectors.activity import ActivitySource
from connectors.slack.activity.words import ACCESS_LOGS, AUDIT_LOGS, FILES, INTEGRATION_LOGS, TOLD
from connectors.slack.manifest import SlackPlan
from models.vocabulary import ActivityKind

UNDOCUMENTED_LAG = timedelta(hours=1)
"""Our choice: Slack documents no delay of its logs."""

_AUDIT_LOGS = ActivitySource(
    AUDIT_LOGS, UNDOCUMENTED_LAG, scopes=("auditlogs:read",), plan="Enterprise", of_administration=True, of_others=True,
    tells=TOLD,
    caveats=(
        "Slack writes file_downloaded when a file is downloaded or viewed within Slack: a view counts.",
        "Downloads by an eDiscovery application carry the name of the person who installed it, not of the one who used it.",
        "Slack does not say how long it keeps these logs, nor how late an entry may appear.",
    ),
    source="https://docs.slack.dev/reference/audit-logs-api",
)  # fmt: skip
_ACCESS_LOGS = ActivitySource(
    ACCESS_LOGS, UNDOCUMENTED_LAG, scopes=("admin",), plan="any paid plan", tells=frozenset({ActivityKind.SIGN_IN}),
    caveats=(
        "One entry stands for many accesses from one address with one program: only the first and the last have a time.",
        "It holds no downloads: their absence is not shown.",
    ),
    source="https://docs.slack.dev/reference/methods/team.accessLogs",
)  # fmt: skip
_INTEGRATION_LOGS = ActivitySource(
    INTEGRATION_LOGS, UNDOCUMENTED_LAG, scopes=("admin",), tells=frozenset({ActivityKind.GRANT}),
    caveats=("It holds applications that were added and changed, not what they read.",),
    source="https://docs.slack.dev/reference/methods/team.integrationLogs",
)  # fmt: skip
_FILES = ActivitySource(
    FILES, UNDOCUMENTED_LAG, scopes=("files:read",), tells=frozenset({ActivityKind.UPLOAD}),
    caveats=(
        "It holds what the person uploaded and has not deleted, not what was downloaded.",
        "It shows that a public link exists, not when it was made.",
        "Files in private channels and direct messages that our token is not in are not listed.",
    ),
    source="https://docs.slack.dev/reference/methods/files.list",
)  # fmt: skip


def sources_for(plan: SlackPlan) -> tuple[ActivitySource, ...]:
    """
    Return the logs to read on *plan*.

    The Audit Logs are read below Enterprise too: their refusal is the evidence that downloads are not recorded there.
    """
    if plan is SlackPlan.ENTERPRISE:
        return (_AUDIT_LOGS,)
    return (_AUDIT_LOGS, _ACCESS_LOGS, _INTEGRATION_LOGS, _FILES)
