"""HR's own list of who left, held against the cases, both ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from casework.commitment import employee_key
from casework.intake.csv_file import read_csv
from casework.intake.kinds import KindRule
from casework.intake.notice import Notice
from casework.messages import Message, Said, message
from casework.population.facts import Difference, Entry, ExtractFacts, Population
from models.vocabulary import NOT_DEPARTURES, DepartureKind


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
        *(_unread(row, why) for row, why in sorted(refused, key=str)),
        *_not_in_cases(ours, population.entries),
        *_not_in_extract(ours, population.entries),
    )
    known = ExtractFacts(reading.sha256, reading.rows, len(ours), len({row for row, _ in refused}))
    return replace(population, differences=differences, extract=known)


def _unread(row: int | None, why: Said) -> Difference:
    return Difference("extract", f"row {row}" if row else "file", "", *message("row_unreadable", why=why).said)


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
