"""
The completeness statement of one collection pass: what was requested, what came, what is missing and why.

A log that was not read never counts as "0 downloads": it is `not_available`.  What the vendor does not keep is a limit;
what the vendor kept and we did not get is a loss.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from casework.messages import Message, catalogue, message
from connectors.activity import ActivitySource, UnreadSpan
from models.tables import Collection
from models.vocabulary import Completeness, as_fields

LIMIT = "retention"
"""The reason of a log that was read as far back as its vendor keeps it, which is less than the notice window."""
FORGOTTEN = frozenset({LIMIT, "forgotten"})
UNSEEN = frozenset({"names_unseen", "names_denied"})
"""Reasons of a log that was searched by today's names only: the account's former names cannot be seen."""
LASTING = FORGOTTEN | {"plan", "name_reused", "names_unseen"}
"""Reasons that another reading of the same window would have too."""
_A_DAY = timedelta(days=1)
"""Retention is counted in days, and its edge moves on while a log is read."""
_AS_THEY_ARE = {
    "source", "round", "verdict", "reason", "begun_at", "pages", "records", "late_before", "problems", "gaps", "names",
}  # fmt: skip
"""The columns of a pass that its statement holds under the same names."""
_NOTHING_TO_READ = frozenset({"denied", "not_on_plan", "not_recorded"})


class Reach(NamedTuple):
    """Since when a log could be read, and how many days its vendor keeps; None where that is not known."""

    since: datetime
    days: int | None


def conclude(
    row: Collection, source: ActivitySource, ending: str, needed_from: datetime, ends_at: datetime
) -> tuple[Completeness, str | None]:
    """
    Return the verdict on a pass that ended with *ending* (`""`: at the window's end), and the reason.

    *needed_from* to *ends_at* is the notice window.  A log that does not reach back to its beginning is partial: by the vendor's
    limit if it was read back to what was kept when the notice window ended; else because days of it are lost.  A pass
    that ended early without records is not available if it has no page, for any reason, or if the log was refused.  Of several
    reasons, one that another reading may mend comes first.
    """
    if ending:
        nothing = row.records == 0 and (ending in _NOTHING_TO_READ or row.pages == 0)
        return (Completeness.NOT_AVAILABLE if nothing else Completeness.PARTIAL), ending
    if lost := [str(gap["reason"]) for gap in row.gaps if gap["reason"] != LIMIT]:
        return Completeness.PARTIAL, min(lost, key=LASTING.__contains__)
    since, days = reach(row, source)
    is_tail = row.late_before is not None and since == row.from_at
    if is_tail or since <= needed_from + _A_DAY:
        return Completeness.COMPLETE, None
    in_time = days is not None and since <= ends_at - timedelta(days=days) + _A_DAY
    shows_some = since < min(ends_at, row.until_at)
    return Completeness.PARTIAL, LIMIT if in_time and shows_some and _forgets_from_the_oldest(row) else "forgotten"


def reach(row: Collection, source: ActivitySource | None) -> Reach:
    """
    Return how far back *row* could read, by the documented retention of *source* and by the gaps that the vendor reported.

    Days that the vendor has forgotten are not days without activity.
    """
    edges = [Reach(row.from_at, None), *(Reach(until, days) for _, until, days in _forgotten(row))]
    if source is not None and source.retention is not None:
        documented = max(row.from_at, row.begun_at - source.retention)
        edges.insert(0, Reach(documented, source.retention.days))
    return max(edges, key=lambda edge: edge.since)


def _forgets_from_the_oldest(row: Collection) -> bool:
    """Whether what was forgotten is at the window's beginning: a hole further on is not the vendor's limit."""
    edge = row.from_at
    for begins, until, _ in sorted(_forgotten(row), key=lambda gap: gap[0]):
        if begins > edge + _A_DAY:
            return False
        edge = max(edge, until)
    return True


def _forgotten(row: Collection) -> list[tuple[datetime, datetime, int | None]]:
    """Return the periods (from, until) that the vendor says it no longer keeps, each with the number of days that it keeps."""
    return [
        (_moment(gap["from"], row.from_at), _moment(gap["until"], row.until_at), gap.get("days"))
        for gap in as_stated(row, "gaps")
        if gap["reason"] == LIMIT
    ]


def as_stated(row: Collection, column: str) -> Any:
    """Return a pass's value of *column*: from its sealed statement if the pass has ended, else from the table."""
    return (row.statement or {}).get(column, getattr(row, column))


def _moment(text: str | None, unknown: datetime) -> datetime:
    return datetime.fromisoformat(text) if text is not None else unknown


def kept_days(source: ActivitySource, passes: Sequence[Collection]) -> int | None:
    """Return how many days the vendor keeps the log, by its documentation and by the gaps in *passes*, the fewest of them."""
    documented = [source.retention.days] if source.retention is not None else []
    told = [days for row in passes for _, _, days in _forgotten(row) if days is not None]
    return min([*documented, *told], default=None)


def is_whole(row: Collection) -> bool:
    """Whether everything available was read: the whole window, or as much of it as the vendor keeps."""
    return row.verdict is Completeness.COMPLETE or is_limited(row)


def is_limited(row: Collection) -> bool:
    """Whether the log was read whole, and its vendor keeps less than the notice window."""
    return row.verdict is Completeness.PARTIAL and row.reason == LIMIT


def sure_until(row: Collection) -> datetime:
    """Return until when an ended pass is known in full: the end of its window less the lag that its statement documents."""
    return row.until_at - timedelta(seconds=(row.statement or {})["lag_seconds"])


def limit_of(row: Collection, source: ActivitySource | None) -> Message:
    """Return a clause that says since when a limited log could be read."""
    since, days = reach(row, source)
    return message("log_since", since=since, days=days)


def verdict_of(verdict: Completeness, reason: str | None) -> Message:
    """Return the verdict as a sentence; a reason that this version no longer knows is shown unchanged."""
    why = message(f"log_{reason}") if f"log_{reason}" in catalogue() else reason
    return message(f"log_{verdict}", why=why)


def tells_of_others(row: Collection, source: ActivitySource | None) -> bool:
    """Whether a pass's log also records what others did to the account: by its statement, or without that entry by *source*."""
    return bool((row.statement or {}).get("of_others", source is not None and source.of_others))


def stated(gap: UnreadSpan, now: datetime) -> dict[str, Any]:
    """Return a gap as its pass keeps it; for one that the vendor has forgotten, also how many days it keeps as of *now*."""
    from_at, until_at = (moment and moment.isoformat() for moment in (gap.from_at, gap.until_at))
    known = {"reason": gap.reason, "text": gap.text, "from": from_at, "until": until_at}
    if gap.reason == LIMIT and gap.until_at is not None:
        return known | {"days": round((now - gap.until_at) / timedelta(days=1))}
    return known


def state(row: Collection, source: ActivitySource, file: dict[str, Any] | None) -> str:
    """
    Return the statement as JSON, to be bound beside the records.  *file*: the trail's leaf of the records' file.

    The same row gives the same bytes: after a crash the same statement is written again.
    """
    assert row.verdict is not None  # noqa: S101  # for the type alone: stated after it was concluded
    verdict = (
        message("log_limited", limit=limit_of(row, source)) if is_limited(row) else verdict_of(row.verdict, row.reason)
    )
    text, details = verdict.said, "; ".join(str(gap["text"]) for gap in row.gaps)
    more = f" ({details})" if details and row.verdict is not Completeness.COMPLETE else ""
    stated = row.model_dump(include=_AS_THEY_ARE) | {
        "lastday": "statement/1",
        **as_fields(row.connection),
        "account": row.account_id,
        "text": text.en + more,
        "text_ja": text.ja + more,
        "from": row.from_at,
        "until": row.until_at,
        "oldest": row.oldest_at,
        "newest": row.newest_at,
        "lag_seconds": int(source.lag.total_seconds()),
        "retention_days": source.retention.days if source.retention is not None else None,
        "plan": source.plan,
        "vendor_page": source.source,
        "caveats": source.caveats,
        "of_others": source.of_others,
        "tells": sorted(source.tells),
        "duplicates_dropped": row.duplicates,
        "came_late": row.late if row.late_before is not None and not row.problems.get("memory_lost") else None,
        "file": file,
    }
    return json.dumps(stated, ensure_ascii=False, indent=1, sort_keys=True, default=lambda at: at.isoformat())
