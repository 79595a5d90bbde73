"""The days on which a person was employed and not on leave, by HR's notices."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from casework.context import all_of
from casework.intake.dates import FIRST_YEAR_OF_ENTRY, parse_day
from casework.intake.notice import Flaw
from casework.intake.person import same_person
from models.tables import Case, NoticeRecord, Question
from models.vocabulary import CaseState, DepartureKind, QuestionKind

_JOINED = re.compile(r"入社(?:年月)?日|joined(?:_?on)?|hire_?date|entry_?date", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Employment:
    """*joined_on* is None if HR does not say; *leaves*: the first and the last day of each leave of absence that has ended."""

    joined_on: date | None = None
    leaves: tuple[tuple[date, date], ...] = ()

    def is_at_work(self, day: date) -> bool:
        """Whether the person may have worked on *day*: after entry and not on leave, by HR's notices."""
        joined = self.joined_on is None or day >= self.joined_on
        return joined and not any(first <= day <= last for first, last in self.leaves)


def employment_of(session: Session, case: Case) -> Employment:
    """Return the employment of the case's person.  A leave of absence is a case of its own, and so is the return that ends it."""
    alike = select(Case).where(
        Case.company == case.company, Case.employee_key == case.employee_key,
        col(Case.kind) == DepartureKind.LEAVE, col(Case.state) != CaseState.WITHDRAWN,
    )  # fmt: skip
    leaves = [leave for leave in session.exec(alike).all() if same_person(leave, case.person)]
    spans = ((leave.employment_ends_on + timedelta(days=1), _last_day(session, leave)) for leave in leaves)
    return Employment(joined_on(session, case.id), tuple(sorted((first, last) for first, last in spans if last)))


def _last_day(session: Session, leave: Case) -> date | None:
    """Return the last day before the recorded return; None without one: the logs show when the person was back."""
    back = select(Question).where(Question.case_id == leave.id, col(Question.kind) == QuestionKind.RETURN)
    noted = max((asked.asked_at for asked in session.exec(back).all()), default=None)
    return noted and noted.astimezone(ZoneInfo(leave.timezone)).date() - timedelta(days=1)


def joined_on(session: Session, case_id: str) -> date | None:
    """Return the day of entry, if HR's notice had a column for it that can be read; the newest notice counts."""
    for notice in reversed(all_of(session, NoticeRecord, case_id, NoticeRecord.id)):
        for name, text in notice.content.get("extra", {}).items():
            if _JOINED.fullmatch(unicodedata.normalize("NFKC", name).strip().replace(" ", "_")):
                with suppress(Flaw):
                    return parse_day(text, first_year=FIRST_YEAR_OF_ENTRY)
    return None
