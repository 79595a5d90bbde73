"""HR's own list of who left, held against the cases, both ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from casework.commitment import employee_key
from casework.intake.csv_file import read_csv
from casework.intake.kinds import KindRule
from casework.intake.notice import Notice, Reading
from casework.population.facts import Difference, Entry, ExtractFacts, Population
from models.vocabulary import NOT_DEPARTURES, DepartureKind


@dataclass(frozen=True, slots=True)
class Extract:
    """HR's extract as it was read; *raw*'s digest names exactly these bytes."""

    reading: Reading

    @classmethod
    def of(cls, raw: bytes, *, kind_column: str = "") -> Extract:
        """
        Read a CSV as intake does: either language's headers, any order.  A file that holds no row is an empty list.

        It lists who left: a file without a column of the kind needs none.  *kind_column* is policy's name of it.
        """
        return cls(read_csv(raw, KindRule(kind_column, DepartureKind.RESIGNATION, implied=True)))


def compare(population: Population, extract: Extract) -> Population:
    """Return *population* with what HR's extract has and the cases have not, and the other way round."""
    reading = extract.reading
    ours = [
        n
        for n in reading.notices
        if population.from_on <= n.employment_ends_on <= population.to_on and n.kind not in NOT_DEPARTURES
    ]
    refused = sorted(
        {(r.row, *r.reason) for r in reading.refused if r.code not in {"no_rows", "empty_file"}},
        key=str,
    )
    differences = [*population.differences]
    differences += [
        Difference("extract", f"row {row}" if row else "file", "", f"cannot be read: {why}", f"読み取れない: {why_ja}")
        for row, why, why_ja in refused
    ]
    differences += _not_in_cases(ours, population.entries)
    differences += _not_in_extract(ours, population.entries)
    known = ExtractFacts(reading.sha256, reading.rows, len(ours), len({row for row, _, _ in refused}))
    return replace(population, differences=tuple(differences), extract=known)


def _not_in_cases(rows: list[Notice], entries: tuple[Entry, ...]) -> Iterator[Difference]:
    by_person: dict[str, list[Entry]] = {}
    for entry in entries:
        by_person.setdefault(employee_key(entry.employee_no), []).append(entry)
    erased = [entry for entry in entries if entry.erased_at is not None]
    for row in rows:
        theirs = by_person.get(employee_key(row.leaver.employee_no), [])
        if any(entry.employment_ends_on == row.employment_ends_on for entry in theirs):
            continue
        yield Difference("extract", f"row {row.row}", row.leaver.employee_no, *_why(row, theirs, erased))


def _why(row: Notice, theirs: list[Entry], erased: list[Entry]) -> tuple[str, str]:
    if theirs:
        other = ", ".join(f"{entry.case} ({entry.employment_ends_on})" for entry in theirs)
        return f"no case for this day; the person's is {other}", f"この日付の案件がない (本人の案件: {other})"
    if candidates := [entry.case for entry in erased if entry.employment_ends_on == row.employment_ends_on]:
        listed = ", ".join(candidates)
        return (
            f"no case names this person; erased cases of that day: {listed}",
            f"この人物の案件がない。同日の消去済み案件: {listed}",
        )
    return (
        "no notice reached us, or it was refused: no case was opened",
        "届出が届いていないか受理されず、案件が開始されていない",
    )


def _not_in_extract(rows: list[Notice], entries: tuple[Entry, ...]) -> Iterator[Difference]:
    listed = {(employee_key(row.leaver.employee_no), row.employment_ends_on) for row in rows}
    days = {ends_on for _, ends_on in listed}
    for entry in entries:
        if (employee_key(entry.employee_no), entry.employment_ends_on) in listed:
            continue
        if entry.erased_at is not None and entry.employment_ends_on in days:
            text = "its person was erased: compare by the day", "個人データ消去済みのため日付で照合する"
        else:
            text = "HR's extract does not have this departure", "人事の抽出データにこの退職がない"
        yield Difference("case", entry.case, entry.employee_no, *text)
