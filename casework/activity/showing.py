"""`show`'s part on downloads: the statements as they stand in the database, the rest from the newest summary."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from audit.events import EventType
from casework.activity.passes import passes_of, telling
from casework.activity.statement import verdict_text
from casework.context import Context
from casework.errors import EvidenceError
from casework.evidence.store import EvidenceStore
from casework.recording import seal
from models.tables import Collection
from models.vocabulary import Completeness

HIDDEN = "…"
SUMMARIES = "downloads/summary-"
_ABOUT_ITSELF = {"lastday", "made_at", "timezone"}
"""What a summary says that is shown elsewhere."""


def downloads(context: Context, case_id: str) -> dict[str, Any]:
    """Return what was collected, without what only security and legal may see: folders and targets of exits are hidden."""
    shown = _whole(context, case_id)
    for folder in shown.get("folders", ()):
        folder["folder"] = HIDDEN
    for made in shown.get("exits", ()):
        made["text"] = HIDDEN
    return shown | {"confidential": "hidden"} if "sources" in shown else shown


def look(context: Context, case_id: str, *, by: str) -> dict[str, Any]:
    """Return everything, after having sealed that *by* has looked."""
    context.case(case_id)
    with context.store.write() as session:
        seal(context, session, EventType.CASE_EVIDENCE_LOOKED, case_id, scope="downloads", payload={"by": by})
    shown = _whole(context, case_id)
    return shown | {"confidential": "shown"} if "sources" in shown else shown


def _whole(context: Context, case_id: str) -> dict[str, Any]:
    with context.store.read() as session:
        passes = passes_of(session, case_id)
    if not passes or context.evidence is None:
        return {"state": "not_collected"}
    shown: dict[str, Any] = {"state": _state(passes), "sources": [_source(row) for row in passes]}
    try:
        summary = latest(context.evidence, case_id)
    except EvidenceError as exc:
        return shown | {"problem": str(exc), "remedy": exc.remedy}
    if summary is not None:
        shown |= {name: part for name, part in summary.items() if name not in _ABOUT_ITSELF}
    return shown


def latest(evidence: EvidenceStore, case_id: str) -> dict[str, Any] | None:
    """Return the newest summary, None if there is none."""
    kept = evidence.list(case_id, SUMMARIES)
    if not kept:
        return None
    with evidence.open(case_id, kept[-1].name) as clear:
        content: dict[str, Any] = json.loads(clear.read())
    return content


def _state(passes: Sequence[Collection]) -> str:
    """Return the sum of what is known of each log: `collected`, `partial` or `not_available`."""
    verdicts = {row.verdict for row in telling(passes).values()}
    if verdicts == {Completeness.COMPLETE}:
        return "collected"
    return "not_available" if verdicts == {Completeness.NOT_AVAILABLE} else "partial"


def _source(row: Collection) -> dict[str, Any]:
    """Return one pass.  After an erasure the words and the counts stand, and the vendor's sentences are gone."""
    stated = row.statement or {}
    file = stated.get("file") or {}
    verdict = row.verdict if row.ended_at is not None and row.verdict is not None else Completeness.PARTIAL
    reason = row.reason if row.ended_at is not None else "under_way"
    said = verdict_text(verdict, reason)
    return {
        "service": str(row.service),
        "source": row.source,
        "account": row.account_id,
        "round": row.round,
        "verdict": str(verdict),
        "reason": reason,
        "text": stated.get("text", said.en),
        "text_ja": stated.get("text_ja", said.ja),
        "from": row.from_at.isoformat(),
        "until": row.until_at.isoformat(),
        "oldest": row.oldest_at.isoformat() if row.oldest_at else None,
        "newest": row.newest_at.isoformat() if row.newest_at else None,
        "pages": row.pages,
        "records": row.records,
        "duplicates": row.duplicates,
        "lag": stated.get("lag_seconds"),
        "retention": stated.get("retention_days"),
        "caveats": stated.get("caveats", []),
        "file": file.get("name"),
        "sha256": file.get("sha256"),
        "content_sha256": file.get("content_sha256"),
        "difference": _difference(row),
    }


def _difference(row: Collection) -> dict[str, Any] | None:
    """Return what a later pass added to the earlier ones; None for the first."""
    if row.round == 1:
        return None
    late = row.late if row.late_before is not None else None
    if late is None:
        text, ja = f"{row.records:,} records were new in a second reading of the whole window", f"全期間を再取得し、新たに{row.records:,}件"  # fmt: skip
    else:
        later = row.records - late
        text = f"{late:,} records came late, {later:,} happened since the pass before"
        ja = f"遅れて反映された記録{late:,}件、前回以降の記録{later:,}件"
    return {"new": row.records, "late": late, "text": text, "text_ja": ja}
