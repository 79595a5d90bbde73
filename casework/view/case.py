"""The view of a case: its parts, and the digest that binds them."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any, Final

import rfc8785
from pydantic import Field, computed_field

from casework.view.access import Account, Match
from casework.view.downloads import Downloads
from casework.view.papers import Papers
from casework.view.part import CaseOrConnectionPart, ConnectionPart, Instant, Part, Who
from models.vocabulary import (
    AccountKind,
    CaseState,
    ClosingRequirement,
    DepartureKind,
    EntitlementKind,
    FindingKind,
    OpenReason,
    QuestionKind,
    Role,
    Standing,
)

BY_LOOKING: Final[Any] = {
    "digest": True,
    "read_at": True,
    "searches": {"__all__": {"searched_at"}},
    "accounts": {"__all__": {"timing": {"sla_met", "sla_minutes"}}},
    "questions": {"__all__": {"asked_of"}},
    "closing_requires": True,
    "looks": True,
    "nda": {"checked_at": True, "risk": True, "trade_secret": {"__all__": {"shows", "shows_ja"}}},
    "downloads": Downloads.model_fields.keys() - {"sources", "summary_sha256"},
}
"""What no digest binds: it changes by the hour, by a read without news, with the reader, or with this machine's keys."""


class Departure(Part):
    """
    The leaver and the last day, as HR's notice has them; names and addresses are empty once personal data was erased.

    *notice_late_minutes*: how long after the due instant the notice came.  *number_disputed*: HR reported another person under
    the same employee number.
    """

    employee_no: str
    name: str
    email: str | None
    other_emails: tuple[str, ...]
    kana: str | None
    romaji: str | None
    former_name: str | None
    kind: DepartureKind
    employment_ends_on: date
    last_working_at: Instant | None
    timezone: str
    manager: str | None
    reported_by: str
    opened_at: Instant
    notice_late_minutes: int
    number_disputed: bool


class Notice(Part):
    """One row that HR sent; *source_sha256* is the digest of the whole file, *disposition* the effect of the row."""

    received_at: Instant
    reported_by: str
    source_sha256: str
    row: int
    kind: DepartureKind
    disposition: str


class Plan(Part):
    """A plan, sealed before its revocations, and the policy it was made under."""

    scope: str
    sealed_at: Instant
    sha256: str
    policy_sha256: str
    steps: int


class Search(ConnectionPart):
    """The search for accounts in one service."""

    searched_at: Instant
    found: int
    problem: str | None


class Finding(CaseOrConnectionPart):
    """One reason why the case may not close, or could not until it was resolved.  Old ones have no Japanese text."""

    kind: FindingKind
    account_id: str | None = Field(alias="account")
    entitlement_id: str | None = Field(alias="entitlement")
    entitlement_kind: EntitlementKind | None
    text: str
    text_ja: str = ""
    remedy: str
    remedy_ja: str = ""
    opened_at: Instant
    resolved_at: Instant | None


class Candidate(CaseOrConnectionPart, Match):
    """One account in a question of whose it is."""

    account: str
    label: str
    kind: AccountKind
    standing: Standing
    active: bool | None = None


class Release(Part):
    """The *cases* that are released together: they are cut in the window that ends at *until*.  *sha256*: of their ids, one a line."""

    until: Instant
    count: int
    sha256: str
    cases: tuple[str, ...]


class Question(CaseOrConnectionPart):
    """
    An open question that only a person can decide.

    *revision* rises when the question changes.  *asked_of*: the roles that are asked now; *wanted_by*: the deadline.
    """

    id: str
    kind: QuestionKind
    text: str
    revision: int
    asked_of: tuple[Role, ...]
    wanted_by: Instant
    options: tuple[Candidate, ...]
    release: Release | None = None


class PendingConsent(Part):
    """A consent that a second person has not given yet.  *account_ref*: its account, if it is about one alone."""

    id: str
    verb: str
    account_ref: str | None = None


class Requirement(Part):
    """One reason why the case may not close, and *what* it is: a question's id, a kind of finding or entitlement …"""

    kind: ClosingRequirement
    what: str


class Attestation(Part):
    """A signed human statement about a manual step.  *ended_at*: when a read contradicted it."""

    id: str
    entitlement_id: str = Field(alias="entitlement")
    person: Who
    statement: str
    attested_at: Instant
    ended_at: Instant | None


class Waiver(ConnectionPart):
    """One kind that is accepted open, for one reason, until a date; *standing*: in the whole tenant."""

    id: str
    standing: bool
    kind: EntitlementKind
    entitlement_id: str | None = Field(alias="entitlement")
    accepts: OpenReason | None
    reason: str
    compensating_control: str
    until: date
    requested_by: Who
    requested_at: Instant
    approved_by: Who | None
    approved_at: Instant | None


class Pause(Part):
    """A pause: until *resumed_at* nothing is cut or given back.  *scope*: `case`, `company`, `everything`."""

    id: str
    scope: str
    paused_by: Who
    reason: str
    paused_at: Instant
    resumed_at: Instant | None


class Look(Part):
    """A recheck after closing, done or due.  *verdict*: `quiet`, `reopened`, `not_looked`, `erased`; None before the first."""

    label: str
    due_at: Instant
    looked_at: Instant | None
    verdict: str | None


class CaseView(Part):
    """
    The whole case at *read_at*: personal, for those entitled to see it.

    *cut_at*: the due instant, or the time of the notice if the date had passed.  *exposure_minutes*: from the due instant
    until the last of the leaver's accounts was closed.  *closing_requires*: every reason why the case may not close, as far as
    this process knows.  *open_intents*: the number of requests to vendors without an outcome.
    """

    case: str
    read_at: Instant
    state: CaseState
    due_at: Instant
    cut_at: Instant
    at_once_at: Instant | None
    for_real: bool
    departure: Departure
    exposure_minutes: int | None
    contained_at: Instant | None
    closed_at: Instant | None
    retain_until: Instant | None
    retain_basis: str | None
    held_at: Instant | None
    erased_at: Instant | None
    pauses: tuple[Pause, ...]
    notices: tuple[Notice, ...]
    plans: tuple[Plan, ...]
    searches: tuple[Search, ...]
    accounts: tuple[Account, ...]
    findings: tuple[Finding, ...]
    resolved_findings: tuple[Finding, ...]
    questions: tuple[Question, ...]
    approvals_waiting: tuple[PendingConsent, ...]
    closing_requires: tuple[Requirement, ...]
    attestations: tuple[Attestation, ...]
    waivers: tuple[Waiver, ...]
    looks: tuple[Look, ...]
    open_intents: int
    nda: Papers
    downloads: Downloads

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorator on top of a property
    @property
    def digest(self) -> str:
        """
        The SHA-256, in hexadecimal, of this view as JSON by RFC 8785: a person who names it has seen exactly this view.

        It binds the departure, every account and row with its state, findings, questions, signatures, papers and the digests
        of evidence.  It does not bind the evidence's content, which a machine without its key cannot read, nor `BY_LOOKING`:
        a second read that finds the same gives the same digest.
        """
        return hashlib.sha256(rfc8785.dumps(self.model_dump(mode="json", exclude=BY_LOOKING))).hexdigest()

    @property
    def taken(self) -> tuple[Account, ...]:
        """The accounts that are the leaver's."""
        return tuple(account for account in self.accounts if account.standing is Standing.ACCEPTED)

    @property
    def paused(self) -> tuple[Pause, ...]:
        """The pauses that hold the case."""
        return tuple(pause for pause in self.pauses if pause.resumed_at is None)
