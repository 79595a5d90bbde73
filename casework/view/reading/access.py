"""The accounts of a case from its rows, and people's signatures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, or_, select

from casework.context import Context, all_of
from casework.truth.post_cut import cutoff_of, exposure_minutes
from casework.truth.rows import accounts_of, rows_of
from casework.view.access import Account, Detail, Match, Timing, TruthRow
from models import tables
from models.vocabulary import ConnectionId, EntitlementKind, EntitlementState


@dataclass(frozen=True, slots=True)
class CaseSignatures:
    """The signatures of a case by id: its attestations, its waivers, and the tenant's waivers that settle a row of it."""

    attestations: Mapping[str, tables.Attestation]
    waivers: Mapping[str, tables.Waiver]

    @classmethod
    def of(cls, session: Session, case_id: str) -> CaseSignatures:
        attested = all_of(session, tables.Attestation, case_id, tables.Attestation.attested_at)
        used = select(tables.CaseEntitlement.settled_by).where(tables.CaseEntitlement.case_id == case_id)
        waived = select(tables.Waiver).where(or_(tables.Waiver.case_id == case_id, col(tables.Waiver.id).in_(used)))
        return cls(
            {a.id: a for a in attested},
            {w.id: w for w in session.exec(waived.order_by(col(tables.Waiver.requested_at)))},
        )

    def over(self, row: tables.CaseEntitlement) -> tuple[str | None, str | None]:
        """Return (person, words) for a row that a signature settles, else (None, None)."""
        if (attested := self.attestations.get(row.settled_by or "")) is not None:
            return attested.person.subject, attested.statement
        waiver = self.waivers.get(row.settled_by or "")
        return (waiver.approved_by.subject, waiver.reason) if waiver and waiver.approved_by else (None, None)


def accounts_in(
    session: Session, case: tables.Case, signed: CaseSignatures, *, now: datetime, sla: int | None
) -> tuple[Account, ...]:
    """Return the case's candidate accounts with their times and rows; *sla* in minutes, None if it is not known."""
    rows: dict[tuple[ConnectionId, str], list[tables.CaseEntitlement]] = defaultdict(list)
    for row in rows_of(session, case.id):
        rows[row.connection, row.account_id].append(row)
    comebacks = all_of(session, tables.Comeback, case.id, tables.Comeback.came_back_at)
    newest = {(one.connection, one.account_id): one for one in comebacks}
    return tuple(
        Account.of(
            account,
            id=account.vendor_id,
            match=Match.of(account, **({"facts": (), "contradictions": ()} | account.judged)),
            timing=_timing(case, mine, signed, now, sla),
            entitlements=[_row(row, signed, newest.get((account.connection, account.vendor_id))) for row in mine],
        )
        for account in accounts_of(session, case.id)
        for mine in [rows[account.connection, account.vendor_id]]
    )


def _row(row: tables.CaseEntitlement, signed: CaseSignatures, back: tables.Comeback | None) -> TruthRow:
    person, words = signed.over(row)
    of_row = back is not None and row.kind is EntitlementKind.SIGN_IN and row.came_back_at is not None
    who = {"opener": back.opener, "came_back_by": back.opened_by} if back is not None and of_row else {}
    return TruthRow.of(row, detail=Detail.of(row, signed_by=person, statement=words, **who))


def _timing(
    case: tables.Case, rows: Sequence[tables.CaseEntitlement], signed: CaseSignatures, now: datetime, sla: int | None
) -> Timing:
    cutoff = cutoff_of(rows, signed.attestations)
    by = [row.cut_effective_by for row in rows if row.cut_effective_by is not None]
    return Timing(
        due_at=case.due_at,
        commanded_at=min((row.commanded_at for row in rows if row.commanded_at is not None), default=None),
        effective_cutoff_at=cutoff,
        cut_effective_by=max([*by, cutoff]) if cutoff is not None else None,
        exposure_minutes=exposure_minutes(case.due_at, cutoff),
        sla_minutes=sla,
        sla_met=None if sla is None else _met(case.due_at + timedelta(minutes=sla), cutoff, now),
        exceptions=sum(row.state is EntitlementState.WAIVED for row in rows),
    )


def _met(limit: datetime, cutoff: datetime | None, now: datetime) -> bool | None:
    if cutoff is not None:
        return cutoff <= limit
    return False if now > limit else None


def sla_of(context: Context, session: Session, case_id: str) -> int | None:
    """Return the minutes of the case's SLA; None once policy changed: a new policy's SLA was not promised for this case."""
    return context.policy.sla.minutes if policy_of(session, case_id) in {None, context.policy.sha256} else None


def policy_of(session: Session, case_id: str) -> str | None:
    """Return the digest of the policy of the case's newest plan; None before the first."""
    plans = select(tables.Plan.policy_sha256).where(tables.Plan.case_id == case_id)
    return session.exec(plans.order_by(col(tables.Plan.id).desc())).first()
