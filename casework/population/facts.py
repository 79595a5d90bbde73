"""The population's types, and a sample of it that an auditor can draw again with `sha256sum` and `sort`, without us."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from audit.commitment import Commitment, CommittedPerson
from casework.errors import BadRequest
from casework.lifecycle import TAKEN_BACK
from casework.messages import message
from casework.view.access import Account
from casework.view.part import Part
from models.vocabulary import CaseState, DepartureKind, EntitlementKind, EntitlementState, Standing

METHOD = "sort by the hexadecimal SHA-256 of SEED, newline, CASE; take the first N"
"""Case ids are random, and the seed is chosen by the auditor: neither side can steer the draw.  `docs/controls.md` draws it again."""


@dataclass(frozen=True, slots=True)
class ListedCase:
    """A case as it is compared with HR's list; *taken_back*: the departure does not take place."""

    case: str
    employee_no: str
    day: date
    erased: bool
    taken_back: bool

    def difference(self, code: str, **facts: object) -> PopulationDifference:
        """Return what *code* says of this case."""
        return PopulationDifference("case", self.case, self.employee_no, *message(code, **facts).said)


class PeriodDeparture(Part):
    """
    One departure of the period: its case, its notices, its accounts.

    *notices*: the number of HR's rows for it; *notice_received_at*: the time of the first; *hr_source_sha256*: the digests of the
    files.  *policy_sha256*: of the policy of its newest plan.
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
        """Whether the case is closed and each of the leaver's accounts has an effective cut-off and no waived sign-in."""
        theirs = [one for one in self.accounts if one.standing is Standing.ACCEPTED]
        rows = [row for one in theirs for row in one.entitlements if row.kind is EntitlementKind.SIGN_IN]
        cut = all(one.timing.effective_cutoff_at is not None for one in theirs)
        open_by_waiver = any(row.state is EntitlementState.WAIVED for row in rows)
        return self.state is CaseState.CLOSED and self.closed_at is not None and cut and not open_by_waiver

    @property
    def listed(self) -> ListedCase:
        erased = self.erased_at is not None
        return ListedCase(self.case, self.employee_no, self.employment_ends_on, erased, self.state in TAKEN_BACK)

    def difference(self, code: str, **facts: object) -> PopulationDifference:
        """Return what *code* says of this case."""
        return self.listed.difference(code, **facts)


@dataclass(frozen=True, slots=True)
class PopulationDifference:
    """One difference, with its reason.  *side*, where it was found: extract, notice, case or trail."""

    side: str
    subject: str
    employee_no: str
    text: str
    text_ja: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample that can be drawn again from the list of cases and the seed.  *cases* in the order of the draw."""

    seed: str
    size: int
    method: str
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExtractFacts:
    """HR's own list: its digest, and the numbers of its rows, of rows in the period, and of unreadable rows."""

    sha256: str
    rows: int
    in_period: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class CommitmentOpening:
    """The values that open a case's commitment.  No *commitment*: they were erased, or not *sealed* from the case's opening on."""

    day: date
    sealed: bool
    person: CommittedPerson | None = None
    commitment: Commitment | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The log's head at the count: the number of its entries, and the root (base64) over them."""

    origin: str
    size: int
    root: str


@dataclass(frozen=True, slots=True)
class Population:
    """
    Every departure whose employment ends in the period, both days included, by the log up to *head*.

    *openings*: for every case of the log, by its id, the values that open its commitment to person and day (`audit.commitment`),
    if they were sealed and not erased.  *kind_column*: policy's name of HR's column of the kind.

    *differences* explain, both ways, why the numbers of HR's rows, notices, cases and cases seen closed differ.
    """

    from_on: date
    to_on: date
    read_at: datetime
    head: Head
    entries: tuple[PeriodDeparture, ...]
    differences: tuple[PopulationDifference, ...]
    openings: Mapping[str, CommitmentOpening]
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
        """Return the population with a sample of *size* cases.  Raises `BadRequest` for an empty sample, or without a seed."""
        if size < 1 or not seed:
            raise BadRequest(
                "sample: needs a size and a seed", "Let the auditor choose both: --sample 25 --seed WORDS."
            )
        places = {hashlib.sha256(f"{seed}\n{entry.case}".encode()).hexdigest(): entry.case for entry in self.entries}
        return replace(self, sample=Sample(seed, size, METHOD, tuple(places[key] for key in sorted(places)[:size])))
