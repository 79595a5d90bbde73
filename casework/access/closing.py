"""The gate of closing: a case closes when every row is settled and no person is waited for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from math import ceil
from typing import NamedTuple

from sqlmodel import Session

from audit.leaf import stamp
from casework.connections import kinds_for
from casework.context import Context, all_of, case_in
from casework.decisions.pausing import concerns, in_force
from casework.errors import QuestionsOpen, StillOpen
from casework.lifecycle import FINISHED, move
from casework.questions import open_questions
from casework.truth.findings import assess, open_findings
from casework.truth.rows import TruthTable, accepted_rows
from casework.truth.states import is_fresh
from models.tables import Case, Look, NoticeRecord
from models.vocabulary import SETTLED, CaseState, ClosingRequirement, EntitlementKind


class Requirement(NamedTuple):
    """One reason why the case may not close: its *kind*, and *what* it is (a question's id, a finding's kind …)."""

    kind: ClosingRequirement
    what: str

    def __str__(self) -> str:
        bare = self.kind in {ClosingRequirement.FINDING, ClosingRequirement.STATE, ClosingRequirement.PAUSE}
        return self.what if bare else f"{self.kind}_{self.what}"


def close(context: Context, case_id: str) -> None:
    """
    Close and seal the case, or raise `QuestionsOpen`, else `StillOpen` with the findings by kind.

    Closing a closed case does nothing.  A notice that came after the search, perhaps with a new address, requires a new search first.
    """
    with context.store.write() as session:
        case = case_in(session, case_id)
        if case.state in FINISHED:
            return
        table = assess(context, session, case_id)
        missing = requirements(context, session, table)
        searched_at = min((search.searched_at for search in table.searches), default=context.now())
        notices = all_of(session, NoticeRecord, case_id, NoticeRecord.id)
        if not missing and any(notice.received_at > searched_at for notice in notices):
            missing = [Requirement(ClosingRequirement.STATE, "notice_since_search")]
        if not missing:
            _close(context, session, case)
            return
    asked = [one.what for one in missing if one.kind is ClosingRequirement.QUESTION]
    if asked:
        raise QuestionsOpen(asked)
    raise StillOpen(Counter(map(str, missing)))


def requirements(context: Context, session: Session, table: TruthTable) -> list[Requirement]:
    """
    Return every reason why the case may not close, none for a finished case.  No other code decides this.

    Nothing is listed twice: a row with a finding, a kind with an open row and a state that these explain are left out.
    `not_open` concerns this process: it does not know what is unread in a service that is not open here.
    """
    case, findings = table.case, open_findings(session, table.case.id)
    if case.state in FINISHED:
        return []
    told = {finding.entitlement_id for finding in findings}
    rows = [row for row in table.rows if row.state not in SETTLED]
    open_kinds = {row.kind for row in rows}
    intents = context.store.trail.open_intents(session.connection(), case.id)
    left = (
        (ClosingRequirement.QUESTION, [question.id for question in open_questions(session, case.id)]),
        (ClosingRequirement.FINDING, [finding.kind for finding in findings]),
        (ClosingRequirement.NOT_CUT, [row.kind for row in rows if row.id not in told]),
        (ClosingRequirement.NOT_READ, [kind for kind in unread(context, table) if kind not in open_kinds]),
        (ClosingRequirement.NOT_OPEN, sorted(table.connections - set(context.connectors))),
        (ClosingRequirement.INTENT, ["without_outcome" for _ in intents]),
        (ClosingRequirement.PAUSE, [one.id for one in in_force(session) if concerns(one, case)]),
    )
    missing = [Requirement(kind, what) for kind, those in left for what in those]
    if not case.for_real:
        missing.append(Requirement(ClosingRequirement.STATE, "plan_only"))
    elif not missing and case.state is not CaseState.DEPROVISIONED:
        missing.append(Requirement(ClosingRequirement.STATE, f"only_{case.state}"))
    return missing


def unread(context: Context, table: TruthTable) -> Iterator[EntitlementKind]:
    """
    Yield the kinds of accepted accounts that no successful read has shown since the instant, and that nobody has signed for.

    A kind without rows is proved by its read alone.  If a later read failed, the read must be newer than the account's block.
    Services that are not open here are a requirement of their own.
    """
    signed, due_at = table.signed_kinds, table.case.due_at
    blocks = [row for row in table.rows if row.kind is EntitlementKind.SIGN_IN]
    blocked_at = {(row.connection, row.account_id): row.commanded_at or due_at for row in blocks}
    for connection, account_id in table.accepted:
        if connection not in context.connectors:
            continue
        for kind in kinds_for(table.case, context.connectors[connection]):
            read = table.reads.get((connection, account_id, kind))
            failed = read is not None and read.failed_as is not None
            since = max(due_at, blocked_at.get((connection, account_id), due_at)) if failed else due_at
            if read is None or not ((connection, account_id, kind) in signed or is_fresh(read, since)):
                yield kind


def _close(context: Context, session: Session, case: Case) -> None:
    rows, looks = accepted_rows(session, case.id), all_of(session, Look, case.id, Look.due_at)
    known = {look.label for look in looks}
    case.next_run_at = None
    kept = context.policy.retention
    case.retain_until, case.retain_basis = context.now() + timedelta(days=ceil(365.25 * kept.years)), kept.basis
    move(
        context, session, case, CaseState.CLOSED,
        count=len(rows), states=dict(sorted(Counter(str(row.state) for row in rows).items())),
        retain_until=stamp(case.retain_until), payload={"retention_basis": kept.basis},
    )  # fmt: skip
    for hours in context.policy.looks.hours:
        label = f"+{hours:g}h" if hours < 48 else f"+{hours / 24:g}d"
        look = Look(case_id=case.id, label=label, due_at=context.now() + timedelta(hours=hours))
        session.merge(look) if label in known else session.add(look)
        known.add(label)
