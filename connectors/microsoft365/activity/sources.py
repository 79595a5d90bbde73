"""Microsoft's logs of an account's activity, as data.  Facts and their pages: `docs/connectors/microsoft365.md`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from connectors.activity import ActivitySource
from connectors.microsoft365.activity.words import DIRECTORY as DIRECTORY_WORDS
from connectors.microsoft365.activity.words import TOLD
from models.vocabulary import ActivityKind

PURVIEW, SIGN_INS, BACKGROUND, DIRECTORY = "purview", "sign_ins", "background_sign_ins", "directory_audits"

READ_AUDIT = ("AuditLogsQuery.Read.All",)
READ_LOGS = ("AuditLog.Read.All",)

STANDARD, LONGEST = timedelta(days=180), timedelta(days=365)
"""How long Purview keeps records: on every plan; on the most expensive one (core workloads)."""
ENTRA_PAID, ENTRA_FREE = timedelta(days=30), timedelta(days=7)

_ENTRA = ActivitySource("", timedelta(minutes=15), ENTRA_PAID, READ_LOGS, plan="Entra ID P1 or P2")
_CALLS = "learn.microsoft.com/graph/api/"
SOURCES = (
    ActivitySource(
        PURVIEW, timedelta(hours=24), LONGEST, READ_AUDIT, tells=TOLD,
        plan="any with Purview Audit; records older than 180 days on E5 only",
        caveats=(
            "Searched by the names that the directory, or Entra's log of the last 30 days (7 on the free plan), knows of the account: what was logged under an older one, or an application's, is not in it.",
            "Which mail was read (MailItemsAccessed) is recorded on some licences only: its absence proves nothing.",
            "The vendor promises no time; other workloads than files, mail and Teams may take a day and longer.",
        ),
        # the lag is typical: core workloads take 60 to 90 minutes, others longer
        source=f"{_CALLS}security-auditcoreroot-post-auditlogqueries",
    ),
    replace(
        _ENTRA, name=SIGN_INS, tells=frozenset({ActivityKind.SIGN_IN, ActivityKind.SIGN_IN_FAILED}),
        caveats=("Interactive sign-ins only: tokens that were renewed without the person are in background_sign_ins.",),
        source=f"{_CALLS}signin-list",
    ),
    replace(
        _ENTRA, name=BACKGROUND, tells=frozenset({ActivityKind.TOKEN_USE, ActivityKind.SIGN_IN_FAILED}),
        caveats=("Read through Graph's beta, since v1.0 does not show sign-ins without the person.",),
        source=f"{_CALLS}signin-list",
    ),
    replace(
        _ENTRA, name=DIRECTORY, tells=frozenset(DIRECTORY_WORDS.values()), of_administration=True, of_others=True,
        plan="any; seven days on Entra ID Free, thirty above", source=f"{_CALLS}directoryaudit-list",
    ),
)  # fmt: skip
