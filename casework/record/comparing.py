"""The tables held against the trail, of which they are a cache: what somebody changed in them with a database client is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from sqlmodel import Session, col, or_, select

from audit import reading
from audit.events import EventType
from audit.leaf import stamp
from audit.projection import Projection, project
from casework.context import all_of, case_in
from casework.errors import CaseworkError
from casework.intake.person import digest
from casework.question_kinds import TENANT
from casework.truth.rows import accounts_of, rows_of
from models import tables
from models.tables import Case, CaseEntitlement, Waiver
from models.vocabulary import SIGNED

_SAME_MOMENT = timedelta(minutes=1)
"""A transition is written down, and sealed at the end of its transaction, which may wait for the writers' lock."""


@dataclass(frozen=True, slots=True)
class Difference:
    """
    The tables say of *what* another thing than the trail, of which *event* (its number in the case) was the last word.

    An empty word: that side does not know it.
    """

    case: str
    what: str
    tables: str
    trail: str
    event: int | None = None

    def __str__(self) -> str:
        said = f" (event {self.event:04d})" if self.event is not None else ""
        return f"{self.case}: {self.what}: {self.tables or '-'} in the tables, {self.trail or '-'} in the trail{said}"


class TablesDiffer(CaseworkError):
    """The tables do not say what was sealed."""


def require_as_sealed(session: Session, case_id: str) -> None:
    """Raise `TablesDiffer`, naming the first difference: a record made from such tables would state what never happened."""
    case_in(session, case_id)
    if (found := next(differences(session, case_id), None)) is not None:
        raise TablesDiffer(
            f"cannot make a record: {found}",
            "Somebody changed the database by hand.  See all of it with `lastday trail check`, and restore a backup.",
        )


def differences(session: Session, case_id: str | None = None) -> Iterator[Difference]:
    """
    Yield what the tables and the trail say differently of one case, or of all.

    Of a case that the first core opened, whose events commit to no person, nothing is compared.  Of an erased one, what its
    leaves still say.
    """
    connection = session.connection()
    known = [case_id] if case_id is not None else sorted({*_cases(connection), *session.exec(select(Case.id)).all()})
    tenant = project_of(connection, TENANT)
    for one in known:
        facts, case = project_of(connection, one), session.get(Case, one)
        if case is None or not facts.events:
            yield Difference(one, "case", "there" if case else "", "there" if facts.events else "")
        elif facts.commitment is not None:
            yield from _of_case(case, facts)
            yield from _of_parts(session, case, facts, tenant)


def project_of(connection: Connection, case_id: str) -> Projection:
    """Return the case as its events have it."""
    payloads = reading.payloads(connection, case_id)
    return project((entry.seq, entry.record, payloads.get(entry.idx)) for entry in reading.entries(connection, case_id))


def _cases(connection: Connection) -> Iterator[str]:
    """Yield the cases that the trail saw opened."""
    opened = f'"type":"{EventType.CASE_OPENED}"'.encode()
    return (entry.case for entry in reading.entries(connection) if entry.seq == 0 and opened in entry.leaf)


def _of_case(case: Case, facts: Projection) -> Iterator[Difference]:
    ours = {
        "state": str(case.state), "kind": str(case.kind), "due_at": stamp(case.due_at), "for_real": case.for_real,
    }  # fmt: skip
    for what, value in ours.items():
        if value != getattr(facts, what):
            yield Difference(case.id, what, str(value), str(getattr(facts, what)), facts.at.get(what))
    for what in ("contained_at", "closed_at"):
        value, sealed = getattr(case, what), getattr(facts, what)
        if not _same_moment(value, sealed):
            yield Difference(case.id, what, stamp(value) if value else "", sealed or "", facts.at.get(what))
    person = {"company": case.company, "employee_no": case.employee_no, "name": case.leaver["name"]}
    if facts.salt is not None and digest(facts.salt, **person, day=case.employment_ends_on) != facts.commitment:
        yield Difference(case.id, "person and last day", "others", "those committed to", facts.at["commitment"])


def _same_moment(ours: datetime | None, sealed: str | None) -> bool:
    if ours is None or sealed is None:
        return ours is None and sealed is None
    return abs(ours - datetime.fromisoformat(sealed)) <= _SAME_MOMENT


def _of_parts(session: Session, case: Case, facts: Projection, tenant: Projection) -> Iterator[Difference]:
    accounts = {row.ref: str(row.standing) for row in accounts_of(session, case.id)}
    yield from _unlike(case, "account", accounts, facts.accounts, optional="look_alike")
    if facts.erased:
        return  # what only payloads name is known to neither side any more
    found = {
        row.key: str(row.kind)
        for row in all_of(session, tables.Finding, case.id, tables.Finding.key)
        if row.resolved_at is None
    }
    yield from _unlike(case, "open finding", found, facts.findings)
    signed = {
        one.id: one.statement for one in all_of(session, tables.Attestation, case.id, tables.Attestation.attested_at)
    }
    yield from _unlike(case, "attestation", signed, facts.attested)
    notices = Counter((row.source_sha256, row.row) for row in _notices(session, case))
    yield from _unlike(case, "notice", {str(key): str(count) for key, count in notices.items()},
                       {str(key): str(count) for key, count in facts.notices.items()})  # fmt: skip
    rows = {row.id: row for row in rows_of(session, case.id)}
    for name in sorted({*rows, *facts.rows}):
        ours, sealed = _words(rows.get(name)), _sealed(facts, name)
        if ours != sealed:
            seq = facts.rows[name].seq if name in facts.rows else None
            yield Difference(case.id, name, " ".join(ours), " ".join(sealed), seq)
    settled = {row.settled_by or "": row.id for row in rows.values() if row.state in SIGNED}
    for signature in settled.keys() - facts.attested.keys() - facts.waived.keys() - tenant.waived.keys():
        yield Difference(case.id, f"{settled[signature]}: what settles it", signature, "")
    yield from _of_waivers(session, case, facts, {one: tenant for one in settled if one in tenant.waivers})


def _of_waivers(
    session: Session, case: Case, facts: Projection, standing: Mapping[str, Projection]
) -> Iterator[Difference]:
    """Compare the case's own waivers, and the *standing* ones that settle a row of it."""
    query = select(Waiver).where(or_(Waiver.case_id == case.id, col(Waiver.id).in_(standing)))
    found = session.exec(query).all()
    asked = {
        one.id: f"{one.reason} / {one.compensating_control} / {one.until} / {one.requested_by.subject}" for one in found
    }
    yield from _unlike(case, "waiver", asked, facts.waivers | {one: of.waivers[one] for one, of in standing.items()})
    signed = {one.id: one.approved_by.subject for one in found if one.approved_by is not None}
    waived = facts.waived | {one: of.waived[one] for one, of in standing.items() if one in of.waived}
    yield from _unlike(case, "second signature of", signed, waived)


def _notices(session: Session, case: Case) -> list[tables.NoticeRecord]:
    return list(session.exec(select(tables.NoticeRecord).where(col(tables.NoticeRecord.case_id) == case.id)).all())


def _unlike(
    case: Case, what: str, ours: Mapping[str, str], sealed: Mapping[str, str], *, optional: str = ""
) -> Iterator[Difference]:
    """Yield what one side has and the other has not, or otherwise; *optional*: the word of what is not sealed until it changes."""
    for name in sorted({*ours, *sealed}):
        one, other = ours.get(name, ""), sealed.get(name, "")
        if one != other and not (other == "" and one == optional):
            yield Difference(case.id, f"{what} {name}", one, other)


def _words(row: CaseEntitlement | None) -> tuple[str, ...]:
    if row is None:
        return ()
    return str(row.state), *(stamp(at) if at else "-" for at in (row.observed_at, row.cut_effective_by))


def _sealed(facts: Projection, name: str) -> tuple[str, ...]:
    row: Any = facts.rows.get(name)
    return () if row is None else (row.state, row.observed_at or "-", row.cut_effective_by or "-")
