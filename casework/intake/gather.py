"""The rows of one file, held against each other: who is reported twice, and do the rows agree?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sized
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from casework.intake.columns import JAPANESE, Column
from casework.intake.notice import Notice, Reading, Refusal, Same
from casework.intake.rows import Outcome
from casework.intake.wording import Code, Flaw

T = TypeVar("T")
MOST_ROWS = 20_000
_NAMED_ROWS = 10
_COMPARED: dict[Column, Callable[[Notice], object]] = {
    Column.NAME: lambda notice: notice.leaver.name,
    Column.KANA: lambda notice: notice.leaver.kana,
    Column.ROMAJI: lambda notice: notice.leaver.romaji,
    Column.FORMER_NAME: lambda notice: notice.leaver.former_name,
    Column.EMAIL: lambda notice: notice.leaver.email,
    Column.LAST_WORKING_AT: lambda notice: notice.last_working_at,
    Column.KIND: lambda notice: notice.kind,
    Column.MANAGER: lambda notice: notice.manager,
    Column.TIMEZONE: lambda notice: notice.timezone,
}


def gather(
    outcomes: Iterable[Outcome],
    *,
    sha256: str,
    unknown_columns: tuple[str, ...] = (),
    headers: Mapping[Column, str] | None = None,
) -> Reading:
    """
    Return the reading of a whole source.

    Rows of one person (by employee number, whatever its case) on one date are one notice, filled from all of them, as
    long as no two values differ.  Rows that differ, or give different dates, are all refused: nobody here knows which
    one is right.
    """
    listed = list(outcomes)
    notices: list[Notice] = []
    same: list[Same] = []
    refused = [refusal for outcome in listed if not isinstance(outcome, Notice) for refusal in outcome]
    for group in _by_person(outcome for outcome in listed if isinstance(outcome, Notice)):
        flaw = _disagreement(group)
        if flaw is not None:
            refused += _refuse_all(group, flaw, headers or {})
            continue
        notices.append(_filled(group))
        same += [Same(other.row, group[0].row) for other in group[1:]]
    return Reading(
        notices=tuple(notices),
        refused=tuple(sorted(refused, key=lambda refusal: refusal.row or 0)),
        unknown_columns=unknown_columns,
        rows=len(listed),
        sha256=sha256,
        same=tuple(sorted(same, key=lambda row: row.row)),
    )


def check_rows(rows: Sized) -> None:
    """Raise `Flaw` for a source without rows, and for one that is larger than any company's notice."""
    if len(rows) == 0:
        raise Flaw(Code.NO_ROWS)
    if len(rows) > MOST_ROWS:
        raise Flaw(Code.TOO_MANY, limit=MOST_ROWS, things="rows", things_ja="行数")


def refuse_whole(flaw: Flaw, sha256: str) -> Reading:
    """Return the reading of a source of which nothing can be taken."""
    return Reading(notices=(), refused=(Refusal.of(flaw),), unknown_columns=(), rows=0, sha256=sha256)


def _by_person(notices: Iterable[Notice]) -> list[list[Notice]]:
    people: dict[str, list[Notice]] = {}
    for notice in notices:
        people.setdefault(notice.leaver.employee_no.casefold(), []).append(notice)
    return list(people.values())


def _disagreement(group: list[Notice]) -> Flaw | None:
    rows = ", ".join(str(notice.row) for notice in group[:_NAMED_ROWS]) + (" …" if group[_NAMED_ROWS:] else "")
    if len({notice.employment_ends_on for notice in group}) > 1:
        return Flaw(Code.TWO_DATES, rows=rows)
    differing = [column for column, value in _COMPARED.items() if len({value(n) for n in group} - {None}) > 1]
    if not differing:
        return None
    return Flaw(
        Code.CONTRADICTING_ROWS,
        rows=rows,
        columns=", ".join(differing),
        columns_ja="、".join(JAPANESE[column] for column in differing),
    )


def _refuse_all(group: list[Notice], flaw: Flaw, headers: Mapping[Column, str]) -> list[Refusal]:
    if flaw.code is Code.TWO_DATES:
        column = headers.get(Column.EMPLOYMENT_ENDS_ON, Column.EMPLOYMENT_ENDS_ON.value)
        return [Refusal.of(flaw, row=n.row, column=column, value=n.employment_ends_on.isoformat()) for n in group]
    column = headers.get(Column.EMPLOYEE_NO, Column.EMPLOYEE_NO.value)
    return [Refusal.of(flaw, row=n.row, column=column, value=n.leaver.employee_no) for n in group]


def _filled(group: list[Notice]) -> Notice:
    """Return the first notice with its gaps filled from the others; of an unknown column the first value stays."""
    first, leavers = group[0], [notice.leaver for notice in group]
    if len(group) == 1:
        return first
    leaver = replace(
        first.leaver,
        email=_given(leaver.email for leaver in leavers),
        other_emails=tuple(dict.fromkeys(email for leaver in leavers for email in leaver.other_emails)),
        kana=_given(leaver.kana for leaver in leavers),
        romaji=_given(leaver.romaji for leaver in leavers),
        former_name=_given(leaver.former_name for leaver in leavers),
    )
    return replace(
        first,
        leaver=leaver,
        last_working_at=_given(notice.last_working_at for notice in group),
        manager=_given(notice.manager for notice in group),
        given=frozenset().union(*(notice.given for notice in group)),
        extra=MappingProxyType({key: text for notice in reversed(group) for key, text in notice.extra.items()}),
    )


def _given(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)
