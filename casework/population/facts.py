"""The population as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from casework.messages import message
from casework.view.access import Account
from casework.view.part import Part
from models.vocabulary import CaseState, DepartureKind


class Entry(Part):
    """
    One departure of the period: its case, its notices, its accounts.

    *notices* counts the rows that HR sent for it, *first_notice_at* the first of them, *source_sha256* the digests of the files.
    *policy_sha256*: of the policy that its plan was made under.
    """

    case: str
    employee_no: str
    kind: DepartureKind
    state: CaseState
    employment_ends_on: date
    due_at: datetime
    reported_by: str
    notices: int
    first_notice_at: datetime | None
    source_sha256: tuple[str, ...]
    closed_at: datetime | None
    erased_at: datetime | None
    for_real: bool
    open_findings: int
    policy_sha256: str | None
    accounts: tuple[Account, ...]

    @property
    def seen_closed(self) -> bool:
        """Whether the case is closed and each account of it has an effective cut-off."""
        return self.state is CaseState.CLOSED and self.closed_at is not None

    def difference(self, code: str, **facts: object) -> Difference:
        """Return what *code* says of this case."""
        return Difference("case", self.case, self.employee_no, *message(code, **facts).said)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that one side has and the other has not, and why.  *side*: extract, notice or case."""

    side: str
    subject: str
    employee_no: str
    text: str
    text_ja: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample that anybody can draw again from the list of cases and the seed.  *cases* in the order of the draw."""

    seed: str
    size: int
    method: str
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExtractFacts:
    """HR's own list: its digest, its rows, and how many of them fall into the period."""

    sha256: str
    rows: int
    in_period: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class Population:
    """
    Every departure whose employment ends in the period, both days included.

    *differences* explain, both ways, why HR's rows, the notices, the cases and what was seen closed are not the same number.
    """

    from_on: date
    to_on: date
    read_at: datetime
    origin: str
    entries: tuple[Entry, ...]
    differences: tuple[Difference, ...]
    extract: ExtractFacts | None = None
    sample: Sample | None = None

    @property
    def tie_out(self) -> dict[str, int]:
        """Return the counts that should be one number, and those that explain why they are not."""
        counts = {
            "notified": sum(entry.notices > 0 for entry in self.entries),
            "cases": len(self.entries),
            "seen_closed": sum(entry.seen_closed for entry in self.entries),
            "withdrawn": sum(entry.state is CaseState.WITHDRAWN for entry in self.entries),
            "restored": sum(entry.state is CaseState.RESTORED for entry in self.entries),
            "differences": len(self.differences),
        }
        if self.extract is not None:
            counts = {"hr_extract": self.extract.in_period, **counts}
        return counts

    @property
    def ties(self) -> bool:
        """Whether all sides are the same number with nothing to explain."""
        return not self.differences
