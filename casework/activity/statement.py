"""
The completeness statement of one reading: what was asked for, what came, what is missing and why.

Nothing here says "0 downloads": a log that was not read is not available, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from casework.activity.wording import verdict_text
from casework.evidence.store import StoredEvidence
from connectors.activity import ActivitySource
from models.tables import Collection
from models.vocabulary import Completeness

_EDGE = timedelta(days=1)
"""Retention is counted in days, and its edge moves on while a log is read."""
_NOTHING_TO_READ = frozenset({"denied", "not_on_plan", "not_recorded"})


def conclude(row: Collection, ending: str, *, needed_from: datetime) -> tuple[Completeness, str | None]:
    """
    Return the verdict on a reading that ended with *ending* (`""`: at the window's end), and its word.

    *needed_from*: the beginning of the notice window; a log that does not reach back to it is partial.  A reading that
    was refused before its first page has nothing to show, whatever the reason.
    """
    if ending:
        nothing = row.records == 0 and (ending in _NOTHING_TO_READ or row.pages == 0)
        return (Completeness.NOT_AVAILABLE if nothing else Completeness.PARTIAL), ending
    lacking = [gap for gap in row.gaps if not _is_long_ago(gap, needed_from)]
    if lacking:
        return Completeness.PARTIAL, str(lacking[0]["reason"])
    if row.late_before is None and row.from_at > needed_from + _EDGE:
        return Completeness.PARTIAL, "retention"
    return Completeness.COMPLETE, None


def _is_long_ago(gap: Mapping[str, Any], needed_from: datetime) -> bool:
    """Whether the vendor has forgotten only what lies before the notice window: the baseline is shorter, no more."""
    until = gap["until"]
    return gap["reason"] == "retention" and until is not None and datetime.fromisoformat(until) <= needed_from + _EDGE


def state(row: Collection, source: ActivitySource, stored: StoredEvidence | None) -> dict[str, Any]:
    """
    Return the statement, as it is bound beside the records.

    The same row gives the same bytes: a statement that a crash interrupted is written again, not contradicted.
    """
    assert row.verdict is not None  # noqa: S101  # for the type alone: stated after it was concluded
    text = verdict_text(row.verdict, row.reason, [str(gap["text"]) for gap in row.gaps])
    return {
        "lastday": "statement/1",
        "service": str(row.service),
        "source": row.source,
        "account": row.account_id,
        "round": row.round,
        "verdict": str(row.verdict),
        "reason": row.reason,
        "text": text.en,
        "text_ja": text.ja,
        "from": _iso(row.from_at),
        "until": _iso(row.until_at),
        "begun_at": _iso(row.begun_at),
        "oldest": _iso(row.oldest_at),
        "newest": _iso(row.newest_at),
        "lag_seconds": int(source.lag.total_seconds()),
        "retention_days": source.retention.days if source.retention is not None else None,
        "plan": source.plan,
        "vendor_page": source.source,
        "caveats": list(source.caveats),
        "pages": row.pages,
        "records": row.records,
        "duplicates_dropped": row.duplicates,
        "came_late": row.late if row.late_before is not None else None,
        "late_before": _iso(row.late_before),
        "problems": dict(sorted(row.problems.items())),
        "gaps": list(row.gaps),
        "file": stored.leaf() if stored is not None else None,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
