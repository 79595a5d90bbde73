"""Count the population from sealed events, and compare it both ways with HR's own list of leavers."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlmodel import Session, col, func, select

from audit import reading
from audit.commitment import Commitment, CommittedPerson, folded_name, folded_number
from audit.events import EventType
from audit.record import CASE, SEALED, tables_of
from audit.verify.population import TOLD_AS
from casework.changes import Rows, in_memory
from casework.context import Context, all_of
from casework.errors import BadRequest
from casework.intake.csv_file import read_csv
from casework.intake.kinds import KindRule
from casework.intake.notice import Notice
from casework.intake.person import employee_key
from casework.messages import Message, message
from casework.population.facts import (
    CommitmentOpening,
    ExtractFacts,
    Head,
    ListedCase,
    PeriodDeparture,
    Population,
    PopulationDifference,
)
from casework.recording import seal
from casework.trail import comparing
from casework.view.reading.access import CaseSignatures, accounts_in, policy_of, sla_of
from models.tables import Case, Finding, NoticeRecord
from models.vocabulary import NOT_DEPARTURES, CaseState, DepartureKind

_COMMITS = frozenset({EventType.CASE_OPENED, EventType.CASE_CORRECTED, EventType.CASE_RESCHEDULED})
POPULATION = "population"
"""The trail's case for events on a whole population, which belong to no case."""


def count(context: Context, from_on: date, to_on: date) -> Population:
    """
    Return the departures whose employment ends from *from_on* to *to_on*, both included, from the cases' sealed events.

    Leaves of absence and employments that go on are not counted.  Raises `BadRequest` for a period that ends before it begins.
    """
    if to_on < from_on:
        raise BadRequest(
            f"population: {to_on} lies before {from_on}", "Give the first day with --from, the last with --to."
        )
    read_at = context.now()
    with context.store.read() as session:
        unlike = [*comparing.differences(session)]
        comparing.require_readable(unlike)
        connection, trail = session.connection(), context.store.trail
        head = Head(trail.origin, trail.size(connection), base64.b64encode(trail.root(connection)).decode())
        cases = {case: _sealed(session, case) for case in comparing.opened(connection)}
        orphans = (*_without_case(session), *_unlike_the_trail(unlike))
    openings = {case: opening for case, (opening, _) in cases.items() if opening is not None}
    chosen = [rows for opening, rows in cases.values() if opening is not None and from_on <= opening.day <= to_on]
    with in_memory(*chosen) as session:
        query = select(Case).where(col(Case.kind).not_in(NOT_DEPARTURES))
        found = session.exec(query.order_by(col(Case.employment_ends_on), col(Case.id))).all()
        entries = tuple(_entry(context, session, case) for case in found)
    explained = (d for entry in entries for d in _explained(entry, openings[entry.case]))
    column = context.policy.intake.kind_column
    return Population(from_on, to_on, read_at, head, entries, (*orphans, *explained), openings, column)


def _sealed(session: Session, case_id: str) -> tuple[CommitmentOpening | None, Rows]:
    """Return the opening of a case's commitment, and its rows by its events."""
    events = comparing.told_of(session.connection(), case_id)
    rows, sealed = tables_of(events).rows, events[0][0].get("scope") == SEALED
    if (case := rows.get(CASE, {}).get(case_id)) is None:
        return None, {}  # `_unlike_the_trail` names it
    day = date.fromisoformat(case["employment_ends_on"])
    salts = [payload or {} for said, payload in events if "person_commitment" in said and said["type"] in _COMMITS]
    if not salts or "person_salt" not in salts[-1]:
        return CommitmentOpening(day, sealed), rows
    number, name = folded_number(case["employee_no"]), folded_name(case["leaver"]["name"])
    person = CommittedPerson(case["company"], number, name, salts[-1]["person_salt"])
    return CommitmentOpening(day, sealed, person, Commitment(str(day), person.sha256, salts[-1]["salt"])), rows


def _entry(context: Context, session: Session, case: Case) -> PeriodDeparture:
    notices = all_of(session, NoticeRecord, case.id, NoticeRecord.received_at)
    still = select(func.count()).where(Finding.case_id == case.id, col(Finding.resolved_at).is_(None))
    return PeriodDeparture.of(
        case,
        case=case.id,
        notices=len(notices),
        notice_received_at=min((notice.received_at for notice in notices), default=None),
        hr_source_sha256=tuple(dict.fromkeys(notice.source_sha256 for notice in notices if notice.source_sha256)),
        open_findings=session.exec(still).one(),
        policy_sha256=policy_of(session, case.id),
        accounts=accounts_in(
            session, case, CaseSignatures.of(session, case.id), now=context.now(), sla=sla_of(context, session, case.id)
        ),
    )


def _without_case(session: Session) -> Iterator[PopulationDifference]:
    """Yield notices without a case: intake makes no such notice, so each one needs an explanation."""
    query = select(NoticeRecord).outerjoin(Case, col(Case.id) == NoticeRecord.case_id).where(col(Case.id).is_(None))
    for notice in session.exec(query.order_by(col(NoticeRecord.id))).all():
        told = message("notice_without_case", disposition=notice.disposition).said
        yield PopulationDifference("notice", f"notice {notice.id}", "", *told)


def _unlike_the_trail(unlike: Iterable[comparing.TableDifference]) -> Iterator[PopulationDifference]:
    """Yield the differences between tables and trail, of all cases (one may have been moved out of the period), without their values."""
    for one in unlike:
        yield PopulationDifference(
            "trail", one.case, "", *message("not_as_sealed", what=one.what.partition(" ")[0]).said
        )


def _explained(entry: PeriodDeparture, opening: CommitmentOpening) -> Iterator[PopulationDifference]:
    """Yield the reasons why a case is not notified, sealed and seen closed."""
    if not opening.sealed:
        yield entry.difference("case_not_sealed")
    if entry.notices == 0:
        yield entry.difference("case_without_notice")
    if entry.seen_closed:
        return
    match entry.state:
        case CaseState.WITHDRAWN:
            yield entry.difference("case_withdrawn")
        case CaseState.RESTORING | CaseState.RESTORED:
            yield entry.difference("case_given_back")
        case CaseState.CLOSED:
            yield entry.difference("case_closed_unseen")
        case _ if not entry.for_real:
            yield entry.difference("case_planned_only")
        case state if entry.open_findings:
            yield entry.difference("case_with_findings", state=state, count=entry.open_findings)
        case state:
            yield entry.difference("case_not_closed", state=state, due=f"{entry.due_at:%Y-%m-%d %H:%M}")


def compare(population: Population, extract: bytes) -> Population:
    """Return *population* with its differences from HR's *extract*, both ways: see `held_against`."""
    listed = [entry.listed for entry in population.entries]
    period = population.from_on, population.to_on
    known, differences = held_against(listed, period, extract, kind_column=population.kind_column)
    return replace(population, differences=(*population.differences, *differences), extract=known)


def held_against(
    listed: Sequence[ListedCase], period: tuple[date, date], extract: bytes, *, kind_column: str = ""
) -> tuple[ExtractFacts, tuple[PopulationDifference, ...]]:
    """
    Return the facts of HR's *extract* for the *period* (both days included), and its differences from the *listed* cases.

    The extract is a CSV, read as by intake: headers in either language, in any order.  A file without rows is an empty list.  It
    lists leavers, so it needs no column of the kind.  *kind_column*: policy's name of that column.
    """
    reading = read_csv(extract, KindRule(kind_column, DepartureKind.RESIGNATION, implied=True))
    ours = [
        n for n in reading.notices if period[0] <= n.employment_ends_on <= period[1] and n.kind not in NOT_DEPARTURES
    ]
    refused = {(r.row, r.said) for r in reading.refused if r.code not in {"no_rows", "empty_file"}}
    unreadable = (
        PopulationDifference("extract", f"row {row}" if row else "file", "", *message("row_unreadable", why=why).said)
        for row, why in sorted(refused, key=str)
    )
    known = ExtractFacts(reading.sha256, reading.rows, len(ours), len({row for row, _ in refused}))
    return known, (*unreadable, *_not_in_cases(ours, listed), *_not_in_extract(ours, listed))


def _not_in_cases(rows: list[Notice], listed: Sequence[ListedCase]) -> Iterator[PopulationDifference]:
    by_person: dict[str, list[ListedCase]] = {}
    for one in listed:
        by_person.setdefault(employee_key(one.employee_no), []).append(one)
    erased = [one for one in listed if one.erased]
    for row in rows:
        theirs = by_person.get(employee_key(row.leaver.employee_no), [])
        if any(one.day == row.employment_ends_on and not one.taken_back for one in theirs):
            continue
        yield PopulationDifference("extract", f"row {row.row}", row.leaver.employee_no, *_why(row, theirs, erased).said)


def _why(row: Notice, theirs: list[ListedCase], erased: list[ListedCase]) -> Message:
    if same := tuple(one.case for one in theirs if one.day == row.employment_ends_on):
        return message("only_taken_back", cases=same)
    if theirs:
        days = tuple(f"{one.case} ({one.day})" for one in theirs)
        return message("no_case_for_this_day", cases=days)
    if candidates := [one.case for one in erased if one.day == row.employment_ends_on]:
        return message("no_case_but_erased_ones", cases=tuple(candidates))
    return message("no_notice_reached_us")


def _not_in_extract(rows: list[Notice], listed: Sequence[ListedCase]) -> Iterator[PopulationDifference]:
    theirs = {(employee_key(row.leaver.employee_no), row.employment_ends_on) for row in rows}
    days = {day for _, day in theirs}
    for one in listed:
        if (employee_key(one.employee_no), one.day) not in theirs:
            yield one.difference("person_was_erased" if one.erased and one.day in days else "not_in_extract")


def former(context: Context, population: Population) -> str | None:
    """Return the digest of the newest statement in the log for this period, None before the first."""
    with context.store.read() as session:
        return _former(session, population)


def _former(session: Session, population: Population) -> str | None:
    period = _period(population)
    told = [entry.record for entry in reading.entries(session.connection(), POPULATION)]
    same = [one for one in told if period.items() <= one.items() and one.get("evidence")]
    return str(same[-1]["evidence"][0]["sha256"]) if same else None


def _period(population: Population) -> dict[str, Any]:
    return {"from_at": f"{population.from_on}T00:00:00.000Z", "until_at": f"{population.to_on}T00:00:00.000Z"}


def tell(
    context: Context, population: Population, *, by: str, statement: bytes = b"", after: str | None = None
) -> None:
    """
    Seal that the population was counted: by whom, for which period, how many, and the digest of the exported *statement*.

    Raises `BadRequest` unless *after* is the newest statement for this period: the new one names it as the former.
    """
    made = {"name": TOLD_AS, "sha256": hashlib.sha256(statement).hexdigest(), "size": len(statement)}
    with context.store.write() as session:
        if statement and _former(session, population) != after:
            raise BadRequest("population: another statement for this period was made meanwhile", "Run it again.")
        seal(
            context, session, EventType.CASE_POPULATION, POPULATION, count=len(population.entries),
            evidence=[made] if statement else None, payload={"by": by}, **_period(population),
        )  # fmt: skip
