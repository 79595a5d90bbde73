"""The population as values, and a sample of it that an auditor draws again with `sha256sum` and `sort`, without us."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from audit.commitment import Commitment, Person
from casework.errors import BadRequest
from casework.lifecycle import TAKEN_BACK
from casework.messages import message
from casework.view.access import Account
from casework.view.part import Part
from models.vocabulary import CaseState, DepartureKind, EntitlementKind, EntitlementState, Standing

METHOD = "sort by the hexadecimal SHA-256 of SEED, newline, CASE; take the first N"
"""Case ids are random, and the seed is chosen by the auditor: neither side can steer the draw.  `docs/controls.md` draws it again."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A case as HR's list is held against it; *taken_back*: nobody leaves by it (any more)."""

    case: str
    employee_no: str
    day: date
    erased: bool
    taken_back: bool

    def difference(self, code: str, **facts: object) -> Difference:
        """Return what *code* says of this case."""
        return Difference("case", self.case, self.employee_no, *message(code, **facts).said)


class Entry(Part):
    """
    One departure of the period: its case, its notices, its accounts.

    *notices* counts the rows that HR sent for it, *notice_received_at* the first of them, *hr_source_sha256* the digests of the files.
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
    notice_received_at: datetime | None
    hr_source_sha256: tuple[str, ...]
    closed_at: datetime | None
    erased_at: datetime | None
    for_real: bool
    open_findings: int
    policy_sha256: str | None
    accounts: tuple[Account, ...]

    @property
    def seen_closed(self) -> bool:
        """Whether the case is closed and each account of it has an effective cut-off, its sign-in not just accepted as open."""
        theirs = [one for one in self.accounts if one.standing is Standing.ACCEPTED]
        rows = [row for one in theirs for row in one.entitlements if row.kind is EntitlementKind.SIGN_IN]
        cut = all(one.timing.effective_cutoff_at is not None for one in theirs)
        open_by_waiver = any(row.state is EntitlementState.WAIVED for row in rows)
        return self.state is CaseState.CLOSED and self.closed_at is not None and cut and not open_by_waiver

    @property
    def listed(self) -> Listed:
        erased = self.erased_at is not None
        return Listed(self.case, self.employee_no, self.employment_ends_on, erased, self.state in TAKEN_BACK)

    def difference(self, code: str, **facts: object) -> Difference:
        """Return what *code* says of this case."""
        return self.listed.difference(code, **facts)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that one side has and the other has not, and why.  *side*: extract, notice, case or trail."""

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
class Opening:
    """What opens a case's commitment; without *commitment* it was erased, or its changes were not *sealed* from its opening on."""

    day: date
    sealed: bool
    person: Person | None = None
    commitment: Commitment | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The log up to which was counted: how many entries, and the root (base64) over them."""

    origin: str
    size: int
    root: str


@dataclass(frozen=True, slots=True)
class Population:
    """
    Every departure whose employment ends in the period, both days included, as the log has it up to *head*.

    *openings*: of every case of the log, by its id, what opens its commitment to person and day (`audit.commitment`), as far as
    that was sealed and not erased.  *kind_column*: policy's name of HR's column of the kind.

    *differences* explain, both ways, why HR's rows, the notices, the cases and what was seen closed are not the same number.
    """

    from_on: date
    to_on: date
    read_at: datetime
    head: Head
    entries: tuple[Entry, ...]
    differences: tuple[Difference, ...]
    openings: Mapping[str, Opening]
    kind_column: str = ""
    extract: ExtractFacts | None = None
    sample: Sample | None = None

    @property
    def tie_out(self) -> dict[str, int]:
        """Return the counts that should be one number, and those that explain why they are not."""
        listed = {} if self.extract is None else {"hr_extract": self.extract.in_period}
        return listed | {
            "notified": sum(entry.notices > 0 for entry in self.entries),
            "cases": len(self.entries),
            "seen_closed": sum(entry.seen_closed for entry in self.entries),
            "withdrawn": sum(entry.state is CaseState.WITHDRAWN for entry in self.entries),
            "restored": sum(entry.state is CaseState.RESTORED for entry in self.entries),
            "differences": len(self.differences),
        }

    def sampled(self, size: int, seed: str) -> Population:
        """Return it with a sample of *size* of its cases.  Raises `BadRequest` for an empty one, or without a seed."""
        if size < 1 or not seed:
            raise BadRequest(
                "sample: needs a size and a seed", "Let the auditor choose both: --sample 25 --seed WORDS."
            )
        places = {hashlib.sha256(f"{seed}\n{entry.case}".encode()).hexdigest(): entry.case for entry in self.entries}
        return replace(self, sample=Sample(seed, size, METHOD, tuple(places[key] for key in sorted(places)[:size])))
