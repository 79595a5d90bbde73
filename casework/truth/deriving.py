"""
The only writer of rows' states: derives every row of a case from reads, commands and signatures.

Safe to repeat: with the same reads, commands and signatures it changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam
from sqlmodel import Session, col, or_, select

from casework.context import Context
from casework.lifecycle import TAKEN_BACK
from casework.recording import seal_seen
from casework.truth.rows import TruthTable
from casework.truth.states import WHOLE_KIND, RowFacts, came_back, is_contradicted, verdict_of
from connectors.contract import Manifest
from models.tables import Case, CaseAccount, CaseEntitlement, Comeback, Look, Waiver
from models.vocabulary import SIGNED, Confirmation, EntitlementKind, EntitlementState

_WAIVERS = (
    select(Waiver)
    .where(or_(col(Waiver.case_id).is_(None), Waiver.case_id == bindparam("case_id")))
    .where(col(Waiver.approved_at).is_not(None))
    .order_by(col(Waiver.until).desc(), col(Waiver.id))
)
_LOOKS = select(Look.label).where(Look.case_id == bindparam("case_id"), col(Look.looked_at).is_(None)).limit(1)
_OPEN: Mapping[str, Any] = {"observed_at": None, "confirmed_by": None, "cut_effective_by": None}


def derive(context: Context, session: Session, table: TruthTable) -> None:
    """Write the state of each row of *table*; seal each change.  Rows of a service that is not open stay as they are."""
    if table.case.erased_at is not None or table.case.state in TAKEN_BACK:
        return  # nothing is revoked any more: reads show what was given back
    for account, known in known_of(context, session, table):
        _settle(context, session, account, known)


def known_of(context: Context, session: Session, table: TruthTable) -> Iterator[tuple[CaseAccount, RowFacts]]:
    """
    Yield each row's account, and the facts from which the row's state is derived.

    In an account the block comes first and rows implied by others last: settle each row before asking for the next.
    """
    waivers = _valid_waivers(context, session, table.case)
    for place, rows in groupby(table.rows, key=lambda row: (row.connection, row.account_id)):
        connector, account = context.connectors.get(place[0]), table.accepted[place]
        if connector is not None:
            for known in _known_of_account(table, account, [*rows], connector.manifest, waivers):
                yield account, known


def _known_of_account(
    table: TruthTable, account: CaseAccount, rows: Sequence[CaseEntitlement], manifest: Manifest,
    waivers: Sequence[Waiver],
) -> Iterator[RowFacts]:  # fmt: skip
    of_kind: dict[EntitlementKind | None, list[CaseEntitlement]] = defaultdict(list)
    for row in rows:
        of_kind[row.kind].append(row)
    place = account.connection, account.vendor_id
    reads = {kind: table.reads[*place, kind] for kind in manifest.kinds if (*place, kind) in table.reads}
    shown = {kind: frozenset(read.shown) for kind, read in reads.items()}
    block = next((row for row in of_kind[EntitlementKind.SIGN_IN] if row.vendor_id != WHOLE_KIND), None)
    for row in sorted(rows, key=_place_in_turn):
        if row.kind not in reads:
            continue
        line = manifest.kinds[row.kind]
        yield RowFacts(
            row, line, reads[row.kind], shown[row.kind], table.case.due_at,
            block=block, causes=of_kind.get(line.implied_by, ()), mastered_elsewhere=account.mastered_elsewhere,
            waivers=[one for one in waivers if _is_over(one, row)],
            attestations=[one for one in table.attestations if one.entitlement_id == row.id],
        )  # fmt: skip


def _place_in_turn(row: CaseEntitlement) -> int:
    if row.kind is EntitlementKind.SIGN_IN:
        return 0
    return 2 if row.confirmation is Confirmation.IMPLIED_BY else 1


def _valid_waivers(context: Context, session: Session, case: Case) -> list[Waiver]:
    """
    Return the waivers that may count in *case*, the latest end first.  In a closed case without rechecks left, a waiver of the
    tenant counts even after its end.
    """
    today = context.now().astimezone(ZoneInfo(case.timezone)).date()
    over = case.closed_at is not None and session.exec(_LOOKS, params={"case_id": case.id}).first() is None
    waivers = session.exec(_WAIVERS, params={"case_id": case.id}).all()
    return [one for one in waivers if one.until >= today or (over and one.case_id is None)]


def _is_over(waiver: Waiver, row: CaseEntitlement) -> bool:
    if waiver.case_id is not None:
        return waiver.entitlement_id == row.id
    return (waiver.connection, waiver.kind) == (row.connection, row.kind)


def _settle(context: Context, session: Session, account: CaseAccount, known: RowFacts) -> None:
    """Write one row's state; a read that contradicts an attestation ends the attestation for good."""
    for attestation in known.attestations:
        if attestation.ended_at is None and is_contradicted(attestation, known):
            attestation.ended_at = context.now()
            session.add(attestation)
    row = known.row
    before = row.state, row.observed_at, row.cut_effective_by, row.settled_by
    if (back_at := came_back(known)) is not None:
        if row.kind is EntitlementKind.SIGN_IN and row.observed_at is not None:
            session.add(Comeback(
                case_id=row.case_id, connection=row.connection, account_id=row.account_id, came_back_at=back_at,
                closed_at=row.observed_at, ask_at=back_at,  # the log is asked at once who enabled the account
            ))  # fmt: skip
        row.came_back_at = back_at
        row.result = row.commanded_at = row.vendor_commanded_at = row.observed_at = None  # to be asked for at once
    verdict = verdict_of(known)
    closed = _closed(known) if verdict.state is EntitlementState.OBSERVED_CLOSED else _OPEN
    for name, value in {**closed, **verdict._asdict()}.items():
        if getattr(row, name) != value:  # most rows stay as they are, and a comparison is cheaper than a write
            setattr(row, name, value)
    if (row.state, row.observed_at, row.cut_effective_by, row.settled_by) != before:
        read = (
            verdict.state is not EntitlementState.COMMANDED and verdict.state not in SIGNED
        )  # else no read made that change
        seal_seen(context, session, row, account.ref, known.read.exchanges if read else ())


def _closed(known: RowFacts) -> dict[str, Any]:
    """Return a closed row's columns.  The first read that saw it closed sets the effective cut-off; later ones do not move it."""
    row, line, seen_at = known.row, known.line, known.row.observed_at
    if seen_at is None:
        implied = row.confirmation is Confirmation.IMPLIED_BY
        seen = [cause.observed_at for cause in known.causes if cause.observed_at is not None] if implied else []
        seen_at = max(seen, default=None) or known.read.answered_at or known.read.attempted_at
    effective_by = row.cut_effective_by if row.observed_at else seen_at and seen_at + line.residual
    return {
        "observed_at": seen_at, "cut_effective_by": effective_by, "confirmed_by": line.confirmation, "problem": None, "remedy": None,
    }  # fmt: skip
