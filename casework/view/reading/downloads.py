"""The download evidence of a case: the statements from its rows, the rest from the newest summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import rfc8785
from pydantic import TypeAdapter
from sqlmodel import Session

from casework.activity.logs import name_of
from casework.activity.passes import SUMMARIES, not_begun, passes_of, telling
from casework.activity.statement import verdict_of
from casework.context import Context
from casework.errors import CaseworkError
from casework.evidence.store import EvidenceStore
from casework.messages import message
from casework.truth.rows import accepted_accounts
from casework.view.downloads import CollectionPass, Downloads, LateRecords
from models.tables import Collection, EvidenceFile
from models.vocabulary import Completeness

HIDDEN = "…"


@dataclass(frozen=True, slots=True)
class Summary:
    """The newest summary: the digest of its file and its *content*, or the *problem* in reading it and its *remedy*."""

    sha256: str | None
    content: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None
    remedy: str | None = None


def summary_in(context: Context, case_id: str) -> Summary | None:
    """Return the newest summary, None without one.  A summary that cannot be read raises nothing: the rest of the view is shown."""
    newest = next(reversed(context.evidence.list(case_id, SUMMARIES)), None) if context.evidence is not None else None
    if context.evidence is None or newest is None:
        return None
    try:
        return Summary(newest.sha256, content_of(context.evidence, newest))
    except CaseworkError as exc:
        return Summary(newest.sha256, problem=str(exc), remedy=exc.remedy)
    except (ValueError, OSError):
        return _unreadable(case_id, newest.sha256)


def _unreadable(case_id: str, sha256: str | None) -> Summary:
    remedy = "Read it with the version that wrote it; the logs' own files are whole."
    return Summary(sha256, problem=f"{case_id}: cannot read this summary", remedy=remedy)


def lacking_in(context: Context, session: Session, case_id: str) -> tuple[str, ...]:
    """Return the leaver's logs whose reading has not begun, of those that this process knows."""
    logs = not_begun(context, accepted_accounts(session, case_id), passes_of(session, case_id))
    return tuple(sorted(set(map(name_of, logs))))


def downloads_in(
    session: Session, case_id: str, summary: Summary | None, lacking: tuple[str, ...], *, confidential: bool
) -> Downloads:
    """Return the evidence of downloads; unless *confidential*, folders, strangers and targets of ways out are hidden."""
    passes = passes_of(session, case_id)
    if not passes:
        return Downloads(state="not_collected")
    stated = {"state": _state(passes, begun=not lacking), "confidential": "shown" if confidential else "hidden",
              "sources": tuple(map(_source, passes)), "not_begun": lacking}  # fmt: skip
    shown = _shown(case_id, stated, summary)
    return shown if confidential else _hidden(shown)


def _shown(case_id: str, stated: dict[str, Any], summary: Summary | None) -> Downloads:
    if summary is None:
        return Downloads.model_validate(stated)
    stated |= {"summary_sha256": summary.sha256}
    try:
        told = {"problem": summary.problem, "remedy": summary.remedy} if summary.problem else {}
        return Downloads.model_validate({**summary.content, **stated, **told})
    except ValueError:
        return _shown(case_id, stated, _unreadable(case_id, summary.sha256))


def content_of(evidence: EvidenceStore, summary: EvidenceFile) -> dict[str, Any]:
    """Return the content of *summary*.  Raises `CaseworkError`, `OSError`, or `ValueError` if it is not a summary."""
    with evidence.open(summary.case_id, summary.name) as clear:
        content = TypeAdapter(dict[str, Any]).validate_json(clear.read())
    rfc8785.dumps(content)  # content without a canonical form cannot be shown
    return content


def _hidden(shown: Downloads) -> Downloads:
    """Hide the texts that only security and legal may see."""
    folders = tuple(folder.model_copy(update={"folder": HIDDEN}) for folder in shown.folders)
    exits = tuple(made.model_copy(update={"text": HIDDEN}) for made in shown.exits)
    strangers = tuple(one.model_copy(update={"name": HIDDEN}) for one in shown.strangers)
    return shown.model_copy(update={"folders": folders, "exits": exits, "strangers": strangers})


def _state(passes: Sequence[Collection], *, begun: bool) -> Literal["collected", "not_available", "partial"]:
    """Return the completeness of all logs together; *begun*: the reading of every log has begun."""
    verdicts = {row.verdict for row in telling(passes).values()}
    if verdicts == {Completeness.COMPLETE} and begun:
        return "collected"
    return "not_available" if verdicts == {Completeness.NOT_AVAILABLE} else "partial"


def _source(row: Collection) -> CollectionPass:
    """Return one pass.  After an erasure it still has our words and the counts, and no text of the vendor's."""
    stated = row.statement or {}
    file = stated.get("file") or {}
    verdict = row.verdict if row.ended_at is not None and row.verdict is not None else Completeness.PARTIAL
    reason = row.reason if row.ended_at is not None else "under_way"
    return CollectionPass.of(
        row,
        verdict=verdict,
        reason=reason,
        **verdict_of(verdict, reason).said.fields | {key: stated[key] for key in ("text", "text_ja") if key in stated},
        lag=stated.get("lag_seconds"),
        retention=stated.get("retention_days"),
        caveats=stated.get("caveats", ()),
        file=file.get("name"),
        sha256=file.get("sha256"),
        content_sha256=file.get("content_sha256"),
        difference=_difference(row),
    )


def _difference(row: Collection) -> LateRecords | None:
    """Return the records that a later pass added to the earlier ones; None for the first."""
    if row.round == 1:
        return None
    if row.late_before is None:
        return LateRecords(new=row.records, late=None, **message("pass_again", new=row.records).said.fields)
    added = message("pass_tail", late=row.late, later=row.records - row.late)
    return LateRecords(new=row.records, late=row.late, **added.said.fields)
