"""The tables held against the trail, of which they are a cache: what somebody changed in them with a database client is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

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
from models.tables import Case, CaseAccount, Waiver

_COLUMN = "a column"
_NOT_OURS = (LookupError, TypeError, ValueError, AttributeError, RecursionError)
"""What reading raises that holds no word or shape that lastday writes."""


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
    if (found := next(differences(session, case_id), None)) is not None:
        if not found.tables and not found.trail:
            case_in(session, case_id)  # nobody knows it
        raise TablesDiffer(
            f"cannot make a record: {found}",
            "Somebody changed the database by hand.  See all of it with `lastday trail check`, and restore a backup.",
        )


def require_readable(found: Iterable[Difference]) -> None:
    """Raise `TablesDiffer` for a row that holds no word or shape of lastday's: nothing that reads it can go on."""
    for one in found:
        if one.what == _COLUMN:
            raise TablesDiffer(f"cannot be read: {one}", "Somebody changed the database by hand: restore a backup.")


def differences(session: Session, case_id: str | None = None) -> Iterator[Difference]:
    """
    Yield what the tables and the trail say differently of one case, or of all.

    Of a case whose every change was not sealed, an older one, nothing is compared but whether it is there.  Of an erased one, what
    its leaves still say.
    """
    connection = session.connection()
    known = [case_id] if case_id is not None else sorted({*_cases(connection), *session.exec(select(Case.id)).all()})
    tenant = Projection()
    for one in (TENANT, *known):
        try:
            if one == TENANT:
                yield from [*_of_payloads(connection, one, ())]
                tenant = project_of(connection, one)
            else:
                yield from [*_of(session, one, tenant)]
        except _NOT_OURS as exc:
            yield Difference(one, _COLUMN, f"unreadable ({type(exc).__name__})", "")


def project_of(connection: Connection, case_id: str) -> Projection:
    """Return the case as its events have it."""
    payloads = reading.payloads(connection, case_id)
    return project((entry.seq, entry.record, payloads.get(entry.idx)) for entry in reading.entries(connection, case_id))


def _cases(connection: Connection) -> Iterator[str]:
    """Yield the cases that the trail saw opened."""
    opened = f'"type":"{EventType.CASE_OPENED}"'.encode()
    return (entry.case for entry in reading.entries(connection) if entry.seq == 0 and opened in entry.leaf)


def _of(session: Session, case_id: str, tenant: Projection) -> Iterator[Difference]:
    connection, case = session.connection(), session.get(Case, case_id)
    facts = project_of(connection, case_id)
    if case is None or not facts.events:
        yield Difference(case_id, "case", "there" if case else "", "there" if facts.events else "")
    elif facts.every_change:
        yield from _of_payloads(connection, case_id, facts.unfit)
        yield from _of_case(case, facts)
        yield from _of_parts(session, case, facts, tenant)


def _of_payloads(connection: Connection, case_id: str, unfit: Iterable[int]) -> Iterator[Difference]:
    for seq in (*reading.not_committed(connection, case_id), *unfit):
        yield Difference(case_id, "payload", "another, or none", "the one committed to", seq)


def _of_case(case: Case, facts: Projection) -> Iterator[Difference]:
    ours = {
        "state": str(case.state), "kind": str(case.kind), "due_at": stamp(case.due_at), "for_real": case.for_real,
        "contained_at": stamp(case.contained_at) if case.contained_at else None,
        "closed_at": stamp(case.closed_at) if case.closed_at else None,
    }  # fmt: skip
    for what, value in ours.items():
        sealed = getattr(facts, what)
        if value != sealed:
            yield Difference(case.id, what, str(value or ""), str(sealed or ""), facts.at.get(what))
    person = {"company": case.company, "employee_no": case.employee_no, "name": case.leaver["name"]}
    if facts.salt is not None and digest(facts.salt, **person, day=case.employment_ends_on) != facts.commitment:
        yield Difference(case.id, "person and last day", "others", "those committed to", facts.at["commitment"])


def _of_parts(session: Session, case: Case, facts: Projection, tenant: Projection) -> Iterator[Difference]:
    accounts = {row.ref: row for row in accounts_of(session, case.id)}
    standings = {ref: str(row.standing) for ref, row in accounts.items()}
    yield from _unlike(case, "account", standings, facts.accounts, optional="look_alike")
    if facts.erased:
        return  # what only payloads name is known to neither side any more
    places = {ref: f"{row.connection}:{row.vendor_id}" for ref, row in accounts.items() if ref in facts.places}
    yield from _unlike(case, "account", places, facts.places)
    findings = all_of(session, tables.Finding, case.id, tables.Finding.key)
    found = {row.key: str(row.kind) for row in findings if row.resolved_at is None}
    yield from _unlike(case, "open finding", found, facts.findings)
    attested = all_of(session, tables.Attestation, case.id, tables.Attestation.attested_at)
    signed = {one.id: f"{one.statement} / {one.person.subject} / {stamp(one.attested_at)}" for one in attested}
    yield from _unlike(case, "attestation", signed, facts.attested)
    of_case = select(tables.NoticeRecord).where(col(tables.NoticeRecord.case_id) == case.id)
    notices = Counter(f"{row.source_sha256} row {row.row}" for row in session.exec(of_case).all())
    yield from _unlike(case, "notice", *({key: str(n) for key, n in side.items()} for side in (notices, facts.notices)))
    yield from _of_rows(session, case, facts, accounts)
    yield from _of_waivers(session, case, facts, tenant)


def _of_rows(
    session: Session, case: Case, facts: Projection, accounts: Mapping[str, CaseAccount]
) -> Iterator[Difference]:
    refs = {(one.connection, one.vendor_id): ref for ref, one in accounts.items()}
    ours = {
        row.id: _words(
            row.connection, refs.get((row.connection, row.account_id)), row.kind, row.state,
            row.observed_at and stamp(row.observed_at), row.cut_effective_by and stamp(row.cut_effective_by), row.settled_by,
        )
        for row in rows_of(session, case.id)
    }  # fmt: skip
    sealed = {
        name: _words(
            row.connection, row.account, row.kind, row.state, row.observed_at, row.cut_effective_by, row.signed
        )
        for name, row in facts.rows.items()
    }
    for one in _unlike(case, "row", ours, sealed):
        named = facts.rows.get(one.what.removeprefix("row "))
        yield Difference(case.id, one.what, one.tables, one.trail, None if named is None else named.seq)


def _words(*said: object) -> str:
    return " ".join("-" if one is None else str(one) for one in said)


def _of_waivers(session: Session, case: Case, facts: Projection, tenant: Projection) -> Iterator[Difference]:
    """Compare the case's own waivers, and the standing ones that settle a row of it; name what settles one, and nobody signed."""
    for name, row in sorted(facts.rows.items()):
        if row.signed is not None and row.signed not in {*facts.attested, *facts.waived, *tenant.waived}:
            yield Difference(case.id, f"row {name}: what settles it", row.signed, "", row.seq)
    standing = {row.signed for row in facts.rows.values() if row.signed in tenant.waivers}
    asked = facts.waivers | {one: tenant.waivers[one] for one in standing if one is not None}
    waived = facts.waived | {one: tenant.waived[one] for one in standing if one in tenant.waived}
    found = session.exec(select(Waiver).where(or_(Waiver.case_id == case.id, col(Waiver.id).in_(standing)))).all()
    words = {w.id: f"{w.reason} / {w.compensating_control} / {w.until} / {w.requested_by.subject}" for w in found}
    yield from _unlike(case, "waiver", words, asked)
    signed = {w.id: w.approved_by.subject for w in found if w.approved_by is not None}
    yield from _unlike(case, "second signature of", signed, waived)


def _unlike(
    case: Case, what: str, ours: Mapping[str, str], sealed: Mapping[str, str], *, optional: str = ""
) -> Iterator[Difference]:
    """Yield what one side has and the other has not, or otherwise; *optional*: the word of what is not sealed until it changes."""
    for name in sorted({*ours, *sealed}):
        one, other = ours.get(name, ""), sealed.get(name, "")
        if one != other and not (other == "" and one == optional):
            yield Difference(case.id, f"{what} {name}", one, other)
