"""
The one writer of rows' states: every row of a case, worked out anew from reads, commands and signatures.

Twice in a row changes nothing, whoever calls it and however often.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeAlias
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, or_, select

from casework.context import Context
from casework.lifecycle import TAKEN_BACK
from casework.recording import seal_seen
from casework.truth.rows import accounts_of, evidence_of, reads_of, rows_of
from casework.truth.states import WHOLE_KIND, Known, came_back, is_contradicted, verdict_of
from connectors.contract import KindManifest, Manifest
from models.tables import Attestation, Case, CaseAccount, CaseEntitlement, KindRead, Look, Waiver
from models.vocabulary import (
    SIGNED,
    Confirmation,
    EntitlementKind,
    EntitlementState,
    Service,
    Standing,
)

Place: TypeAlias = "tuple[Service, str]"


def derive(context: Context, session: Session, case: Case) -> None:
    """Write what each row of *case* comes to; seal each change that a read made.  Rows of another's account, and of a service that is not open, stay."""
    if case.erased_at is not None or case.state in TAKEN_BACK:
        return  # nobody takes anything away any more: what is read says what was given back
    every = accounts_of(session, case.id)
    accounts = {(a.service, a.vendor_id): a for a in every if a.standing is Standing.ACCEPTED}
    reads = reads_of(session, case.id)
    signed = _Signed(context, session, case)
    by_account: dict[Place, list[CaseEntitlement]] = defaultdict(list)
    for row in rows_of(session, case.id):
        by_account[row.service, row.account_id].append(row)
    for place, rows in by_account.items():
        manifest = _manifest(context, place[0])
        if place in accounts and manifest is not None:
            for known in _known(case, accounts[place], rows, manifest, reads, signed):
                _settle(context, session, accounts[place], known)


def _manifest(context: Context, service: Service) -> Manifest | None:
    connector = context.connectors.get(service)
    return connector.manifest if connector is not None else None


def _known(  # what a row's state follows from
    case: Case,
    account: CaseAccount,
    rows: Sequence[CaseEntitlement],
    manifest: Manifest,
    reads: dict[tuple[Service, str, EntitlementKind], KindRead],
    signed: _Signed,
) -> Iterator[Known]:
    """Yield the rows of one account, the block first and what follows from others last: each as the former ones left it."""
    block = next((r for r in rows if r.kind is EntitlementKind.SIGN_IN and r.vendor_id != WHOLE_KIND), None)
    for row in sorted(rows, key=_place_in_turn):
        line = manifest.kinds.get(row.kind)
        read = reads.get((row.service, row.account_id, row.kind))
        if line is None or read is None:
            continue
        yield Known(
            row, line, read, case.due_at,
            block=block, causes=_causes(rows, line), mastered_elsewhere=account.mastered_elsewhere,
            waivers=signed.waivers_over(row), attestations=signed.attestations_of(row),
        )  # fmt: skip


def _place_in_turn(row: CaseEntitlement) -> int:
    if row.kind is EntitlementKind.SIGN_IN:
        return 0
    return 2 if row.confirmation is Confirmation.IMPLIED_BY else 1


def _causes(rows: Sequence[CaseEntitlement], line: KindManifest) -> list[CaseEntitlement]:
    return [row for row in rows if row.kind is line.implied_by]


class _Signed:
    """The signatures that may concern a case, loaded once."""

    def __init__(self, context: Context, session: Session, case: Case) -> None:
        attested = select(Attestation).where(Attestation.case_id == case.id)
        self._attested = session.exec(attested.order_by(col(Attestation.attested_at).desc())).all()
        query = select(Waiver).where(
            or_(col(Waiver.case_id).is_(None), Waiver.case_id == case.id), col(Waiver.approved_at).is_not(None)
        )
        today = context.now().astimezone(ZoneInfo(case.timezone)).date()
        kept = _counted_at_closing(session, case)
        waivers = session.exec(query.order_by(col(Waiver.until).desc(), col(Waiver.id))).all()
        self._waivers = [w for w in waivers if w.until >= today or (kept and w.case_id is None)]

    def waivers_over(self, row: CaseEntitlement) -> list[Waiver]:
        return [w for w in self._waivers if _is_over(w, row)]

    def attestations_of(self, row: CaseEntitlement) -> list[Attestation]:
        return [a for a in self._attested if a.entitlement_id == row.id]


def _is_over(waiver: Waiver, row: CaseEntitlement) -> bool:
    if waiver.case_id is not None:
        return waiver.entitlement_id == row.id
    return (waiver.service, waiver.kind) == (row.service, row.kind)


def _counted_at_closing(session: Session, case: Case) -> bool:
    """Whether the case is closed and past its looks: then the end of a standing waiver concerns it no more."""
    if case.closed_at is None:
        return False
    due = select(Look).where(Look.case_id == case.id, col(Look.looked_at).is_(None))
    return session.exec(due).first() is None


def _settle(context: Context, session: Session, account: CaseAccount, known: Known) -> None:
    """Write one row; a read that contradicts an attestation ends it for good."""
    for attestation in known.attestations:
        if attestation.ended_at is None and is_contradicted(attestation, known):
            attestation.ended_at = context.now()
            session.add(attestation)
    row, before = known.row, known.row.state
    if (back_at := came_back(known)) is not None:
        row.came_back_at = back_at
        row.result = row.commanded_at = row.vendor_commanded_at = row.observed_at = None  # to be asked for at once
    verdict = verdict_of(known)
    row.state, row.reason, row.settled_by = verdict.state, verdict.reason, verdict.settled_by
    if verdict.state is EntitlementState.OBSERVED_CLOSED:
        _close(known)
    else:
        row.observed_at = row.confirmed_by = row.cut_effective_by = None
    session.add(row)
    if verdict.state is not before and verdict.state not in SIGNED:
        seal_seen(context, session, row, account.ref, evidence_of(known.read))


def _close(known: Known) -> None:
    """The time of the read that saw it closed is the effective cut-off; later reads that say the same do not move it."""
    row, line = known.row, known.line
    if row.observed_at is None:
        implied = row.confirmation is Confirmation.IMPLIED_BY
        seen = [cause.observed_at for cause in known.causes if cause.observed_at is not None] if implied else []
        row.observed_at = max(seen, default=None) or known.read.answered_at or known.read.attempted_at
        row.cut_effective_by = row.observed_at + line.residual if row.observed_at is not None else None
    row.confirmed_by = line.confirmation
    row.problem = row.remedy = None
