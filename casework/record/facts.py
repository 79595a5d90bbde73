"""The facts of a case, as values: no session, no clock, nothing that changes while a page is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from casework.lifecycle import FINISHED
from models.vocabulary import (
    AccountKind,
    CaseState,
    Confirmation,
    DepartureKind,
    EntitlementKind,
    EntitlementState,
    Fact,
    FindingKind,
    MatchReason,
    RevocationResult,
    Service,
    Standing,
)


@dataclass(frozen=True, slots=True)
class Person:
    """The leaver as HR named them; every field is empty once the case's personal data was erased."""

    employee_no: str
    name: str
    kana: str | None
    romaji: str | None
    former_name: str | None
    email: str | None
    other_emails: tuple[str, ...]
    manager: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the truth table.  *signed_by* and *reason* tell who settled it where no read could."""

    kind: EntitlementKind
    what: str
    state: EntitlementState
    confirmed_by: Confirmation | None
    result: RevocationResult | None
    commanded_at: datetime | None
    observed_at: datetime | None
    cut_effective_by: datetime | None
    attempts: int
    problem: str | None
    signed_by: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Timing:
    """
    When one account was to be closed, and when it was.

    *commanded_at*: the first acceptance by the vendor.  *effective_cutoff_at*: the moment from which every row of the account was
    seen closed, or signed for as done by hand; None while one is neither.  *cut_effective_by* adds what issued tokens
    may live on.  *exposure_minutes* are counted from *due_at* to the cut-off a begun minute as a whole one; None while
    there is none.  *sla_met* is None while it can still be met, and where the SLA is not known.
    *exceptions* counts waived rows: they are not part of the cut-off.
    """

    due_at: datetime
    commanded_at: datetime | None
    effective_cutoff_at: datetime | None
    cut_effective_by: datetime | None
    exposure_minutes: int | None
    sla_minutes: int | None
    sla_met: bool | None
    exceptions: int
    as_of: datetime


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """One account that was considered: taken as the leaver's, or not, with the reason."""

    service: Service
    id: str
    ref: str
    label: str
    kind: AccountKind
    standing: Standing
    reason: MatchReason
    facts: tuple[Fact, ...]
    contradictions: tuple[Fact, ...]
    text: str
    decided_by: str | None
    decided_at: datetime | None
    timing: Timing
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """
    One event of the trail.  *seq* is its number in the case: the bundle's `events/NNNN.json`.

    *by* and *reason* are from its payload, which can be erased; the event cannot.
    """

    seq: int
    type: str
    at: datetime
    by: str | None
    reason: str | None
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FindingFacts:
    """One reason why the case could not close, with its end."""

    kind: FindingKind
    service: Service | None
    entitlement_kind: EntitlementKind | None
    text: str
    remedy: str
    opened_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class WaiverFacts:
    """A finding accepted until a date, by two people; *standing* for the tenant as a whole."""

    id: str
    standing: bool
    service: Service
    kind: EntitlementKind
    reason: str
    compensating_control: str
    until: date
    requested_by: str
    requested_at: datetime
    approved_by: str | None
    approved_at: datetime | None


@dataclass(frozen=True, slots=True)
class SearchFacts:
    """The look for accounts in one service."""

    service: Service
    searched_at: datetime
    found: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class LookFacts:
    """A look after closing, done or due."""

    label: str
    due_at: datetime
    looked_at: datetime | None
    verdict: str | None


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """One row that HR sent; *source_sha256* is the digest of the whole file."""

    received_at: datetime
    reported_by: str
    source_sha256: str
    row: int
    kind: DepartureKind
    disposition: str


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """A plan, sealed before anything was changed, and the policy it was made under."""

    scope: str
    sealed_at: datetime
    sha256: str
    policy_sha256: str
    steps: int


@dataclass(frozen=True, slots=True)
class Facts:
    """
    Everything that a record tells.  *as_it_stands*: the case was not closed when this was read.

    *erased_at*: when its personal data was removed; then names, labels and texts are empty.  *nda* and *downloads* have
    the shapes of `show --json`.
    """

    case: str
    origin: str
    state: CaseState
    kind: DepartureKind
    read_at: datetime
    timezone: str
    employment_ends_on: date
    last_working_at: datetime | None
    due_at: datetime
    opened_at: datetime
    contained_at: datetime | None
    deprovisioned_at: datetime | None
    closed_at: datetime | None
    for_real: bool
    notice_late_minutes: int
    policy_sha256: str
    erased_at: datetime | None
    person: Person
    notices: tuple[NoticeFacts, ...]
    plans: tuple[PlanFacts, ...]
    searches: tuple[SearchFacts, ...]
    accounts: tuple[AccountFacts, ...]
    findings: tuple[FindingFacts, ...]
    waivers: tuple[WaiverFacts, ...]
    looks: tuple[LookFacts, ...]
    told: tuple[Told, ...]
    open_intents: int
    nda: Mapping[str, Any]
    downloads: Mapping[str, Any]

    @property
    def as_it_stands(self) -> bool:
        return self.state not in FINISHED


@dataclass(frozen=True, slots=True)
class Proof:
    """
    What is known of the proof when the pages are made; the certificate comes after them.

    *last_event_sha256* is the digest of the case's newest event.  *anchored_at* is the authority's time over a head of
    *anchor_size* events.  *rehearsal*: authority or witness are ours.  *former*: the certificate that this record's will name.
    """

    last_event_sha256: str
    anchor_size: int | None = None
    anchored_at: datetime | None = None
    rehearsal: bool = False
    revision: int = 1
    former_sha256: str | None = None
    exported_by: str = ""
