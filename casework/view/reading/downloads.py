"""The download evidence of a case: the statements from its rows, the rest from the newest summary."""

from __future__ import annotations

from collections.abc import Sequence
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
from casework.view.downloads import Difference, Downloads, Source
from models.tables import Collection, EvidenceFile
from models.vocabulary import Completeness

HIDDEN = "…"


def downloads_in(context: Context, session: Session, case_id: str, *, confidential: bool) -> Downloads:
    """
    Return what was collected; unless *confidential*, folders and targets of ways out are hidden.

    A summary that cannot be read, whatever the reason, is a *problem* of this part and never stands in the way of the rest.
    """
    passes = passes_of(session, case_id)
    if not passes or context.evidence is None:
        return Downloads(state="not_collected")
    newest = next(reversed(context.evidence.list(case_id, SUMMARIES)), None)
    missing = {name_of(log) for log in not_begun(context, accepted_accounts(session, case_id), passes)}
    stated = {"state": _state(passes, begun=not missing), "confidential": "shown" if confidential else "hidden",
              "sources": tuple(map(_source, passes)), "not_begun": tuple(sorted(missing)),
              "summary_sha256": newest and newest.sha256}  # fmt: skip
    try:
        shown = Downloads.model_validate((content_of(context.evidence, newest) if newest else {}) | stated)
    except CaseworkError as exc:
        return Downloads.model_validate(stated | {"problem": str(exc), "remedy": exc.remedy})
    except (ValueError, OSError):
        remedy = "Read it with the version that wrote it; the logs' own files are whole."
        return Downloads.model_validate(stated | {"problem": f"{case_id}: cannot read this summary", "remedy": remedy})
    return shown if confidential else _hidden(shown)


def content_of(evidence: EvidenceStore, summary: EvidenceFile) -> dict[str, Any]:
    """Return what *summary* tells.  Raises `CaseworkError`, `OSError`, or `ValueError` for what is none."""
    with evidence.open(summary.case_id, summary.name) as clear:
        content = TypeAdapter(dict[str, Any]).validate_json(clear.read())
    rfc8785.dumps(content)  # what has no canonical form cannot be shown
    return content


def _hidden(shown: Downloads) -> Downloads:
    """Hide what only security and legal may see."""
    folders = tuple(folder.model_copy(update={"folder": HIDDEN}) for folder in shown.folders)
    exits = tuple(made.model_copy(update={"text": HIDDEN}) for made in shown.exits)
    return shown.model_copy(update={"folders": folders, "exits": exits})


def _state(passes: Sequence[Collection], *, begun: bool) -> Literal["collected", "not_available", "partial"]:
    """Return the sum of what is known of each log; *begun*: there is none besides that nobody has begun to read."""
    verdicts = {row.verdict for row in telling(passes).values()}
    if verdicts == {Completeness.COMPLETE} and begun:
        return "collected"
    return "not_available" if verdicts == {Completeness.NOT_AVAILABLE} else "partial"


def _source(row: Collection) -> Source:
    """Return one pass.  After an erasure the words and the counts stand, and the vendor's sentences are gone."""
    stated = row.statement or {}
    file = stated.get("file") or {}
    verdict = row.verdict if row.ended_at is not None and row.verdict is not None else Completeness.PARTIAL
    reason = row.reason if row.ended_at is not None else "under_way"
    return Source.of(
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


def _difference(row: Collection) -> Difference | None:
    """Return what a later pass added to the earlier ones; None for the first."""
    if row.round == 1:
        return None
    if row.late_before is None:
        return Difference(new=row.records, late=None, **message("pass_again", new=row.records).said.fields)
    added = message("pass_tail", late=row.late, later=row.records - row.late)
    return Difference(new=row.records, late=row.late, **added.said.fields)
