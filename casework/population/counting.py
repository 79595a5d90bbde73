"""The population, read from the tables in one transaction, and HR's own list of who left held against it, both ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

from sqlmodel import Session, col, func, select

from audit.events import EventType
from casework.context import Context, all_of
from casework.errors import BadRequest
from casework.intake.csv_file import read_csv
from casework.intake.kinds import KindRule
from casework.intake.notice import Notice
from casework.intake.person import employee_key
from casework.messages import Message, message
from casework.population.facts import Difference, Entry, ExtractFacts, Population
from casework.record import comparing
from casework.recording import seal
from casework.view.reading.access import Signed, accounts_in, policy_of, sla_of
from models.tables import Case, Finding, NoticeRecord
from models.vocabulary import NOT_DEPARTURES, CaseState, DepartureKind

POPULATION = "population"
"""The trail's case of the looks at a whole population, which belong to no case."""


def count(context: Context, from_on: date, to_on: date) -> Population:
    """
    Return the departures whose employment ends from *from_on* to *to_on*, both included.

    Leaves of absence are none, nor is an employment that goes on: nobody leaves.  Raises `BadRequest` for a period that ends before it begins.
    """
    if to_on < from_on:
        raise BadRequest(
            f"population: {to_on} lies before {from_on}", "Give the first day with --from, the last with --to."
        )
    read_at = context.now()
    with context.store.read() as session:
        unlike = [*comparing.differences(session)]
        comparing.require_readable(unlike)
        query = select(Case).where(
            col(Case.employment_ends_on) >= from_on,
            col(Case.employment_ends_on) <= to_on,
            col(Case.kind).not_in(NOT_DEPARTURES),
        )
        cases = session.exec(query.order_by(col(Case.employment_ends_on), col(Case.id))).all()
        entries = tuple(_entry(context, session, case) for case in cases)
        orphans = (*_without_case(session), *_unlike_the_trail(unlike))
    differences = (*orphans, *(d for entry in entries for d in _explained(entry)))
    return Population(from_on, to_on, read_at, context.store.trail.origin, entries, differences)


def _entry(context: Context, session: Session, case: Case) -> Entry:
    notices = all_of(session, NoticeRecord, case.id, NoticeRecord.received_at)
    still = select(func.count()).where(Finding.case_id == case.id, col(Finding.resolved_at).is_(None))
    return Entry.of(
        case,
        case=case.id,
        notices=len(notices),
        notice_received_at=min((notice.received_at for notice in notices), default=None),
        hr_source_sha256=tuple(dict.fromkeys(notice.source_sha256 for notice in notices if notice.source_sha256)),
        open_findings=session.exec(still).one(),
        policy_sha256=policy_of(session, case.id),
        accounts=accounts_in(
            session, case, Signed.of(session, case.id), now=context.now(), sla=sla_of(context, session, case.id)
        ),
    )


def _without_case(session: Session) -> Iterator[Difference]:
    """Yield notices that belong to no case at all: intake makes none, so each one is a question."""
    query = select(NoticeRecord).outerjoin(Case, col(Case.id) == NoticeRecord.case_id).where(col(Case.id).is_(None))
    for notice in session.exec(query.order_by(col(NoticeRecord.id))).all():
        told = message("notice_without_case", disposition=notice.disposition).said
        number = notice.content.get("leaver", {}).get("employee_no", "")
        yield Difference("notice", f"notice {notice.id}", str(number), *told)


def _unlike_the_trail(unlike: Iterable[comparing.Difference]) -> Iterator[Difference]:
    """Yield what the tables say otherwise than the sealed events, of any case: one that was hidden or moved has no place in the period."""
    for one in unlike:
        told = message("not_as_sealed", what=one.what, tables=one.tables or "-", trail=one.trail or "-").said
        yield Difference("trail", one.case, "", *told)


def _explained(entry: Entry) -> Iterator[Difference]:
    """Yield why a case is not simply notified and seen closed."""
    if entry.notices == 0:
        yield entry.difference("case_without_notice")
    if entry.seen_closed:
        return
    match entry.state:
        case CaseState.WITHDRAWN:
            yield entry.difference("case_withdrawn")
        case CaseState.RESTORING | CaseState.RESTORED:
            yield entry.difference("case_given_back")
        case _ if not entry.for_real:
            yield entry.difference("case_planned_only")
        case state if entry.open_findings:
            yield entry.difference("case_with_findings", state=state, count=entry.open_findings)
        case state:
            yield entry.difference("case_not_closed", state=state, due=f"{entry.due_at:%Y-%m-%d %H:%M}")


def compare(population: Population, extract: bytes, *, kind_column: str = "") -> Population:
    """
    Return *population* with what HR's *extract* has and the cases have not, and the other way round.

    It is a CSV, read as intake does: either language's headers, any order.  A file that holds no row is an empty list.  It lists
    who left: a file without a column of the kind needs none.  *kind_column* is policy's name of it.
    """
    reading = read_csv(extract, KindRule(kind_column, DepartureKind.RESIGNATION, implied=True))
    ours = [
        n
        for n in reading.notices
        if population.from_on <= n.employment_ends_on <= population.to_on and n.kind not in NOT_DEPARTURES
    ]
    refused = {(r.row, r.said) for r in reading.refused if r.code not in {"no_rows", "empty_file"}}
    differences = (
        *population.differences,
        *(
            Difference("extract", f"row {row}" if row else "file", "", *message("row_unreadable", why=why).said)
            for row, why in sorted(refused, key=str)
        ),
        *_not_in_cases(ours, population.entries),
        *_not_in_extract(ours, population.entries),
    )
    known = ExtractFacts(reading.sha256, reading.rows, len(ours), len({row for row, _ in refused}))
    return replace(population, differences=differences, extract=known)


def _not_in_cases(rows: list[Notice], entries: tuple[Entry, ...]) -> Iterator[Difference]:
    by_person: dict[str, list[Entry]] = {}
    for entry in entries:
        by_person.setdefault(employee_key(entry.employee_no), []).append(entry)
    erased = [entry for entry in entries if entry.erased_at is not None]
    for row in rows:
        theirs = by_person.get(employee_key(row.leaver.employee_no), [])
        if any(entry.employment_ends_on == row.employment_ends_on for entry in theirs):
            continue
        yield Difference("extract", f"row {row.row}", row.leaver.employee_no, *_why(row, theirs, erased).said)


def _why(row: Notice, theirs: list[Entry], erased: list[Entry]) -> Message:
    if theirs:
        days = tuple(f"{entry.case} ({entry.employment_ends_on})" for entry in theirs)
        return message("no_case_for_this_day", cases=days)
    if candidates := [entry.case for entry in erased if entry.employment_ends_on == row.employment_ends_on]:
        return message("no_case_but_erased_ones", cases=tuple(candidates))
    return message("no_notice_reached_us")


def _not_in_extract(rows: list[Notice], entries: tuple[Entry, ...]) -> Iterator[Difference]:
    listed = {(employee_key(row.leaver.employee_no), row.employment_ends_on) for row in rows}
    days = {ends_on for _, ends_on in listed}
    for entry in entries:
        if (employee_key(entry.employee_no), entry.employment_ends_on) in listed:
            continue
        erased = entry.erased_at is not None and entry.employment_ends_on in days
        yield entry.difference("person_was_erased" if erased else "not_in_extract")


def tell(context: Context, population: Population, *, by: str) -> None:
    """Seal that somebody drew the population up: who, which period, how many."""
    with context.store.write() as session:
        seal(
            context, session, EventType.CASE_POPULATION, POPULATION, count=len(population.entries),
            payload={"by": by, "from": str(population.from_on), "to": str(population.to_on)},
        )  # fmt: skip
