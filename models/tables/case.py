"""One leaver's offboarding, open to closed: HR's notices, the plans, the rechecks after closing."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field

from models.tables.columns import Table, instant, json_column, word
from models.vocabulary import CaseState, DepartureKind, Leaver, RunState

DEFAULT_COMPANY = "default"
_TO_COME = text("looked_at IS NULL")
_LIVE = text("state NOT IN ('withdrawn', 'restoring', 'restored') AND kind <> 'leave'")


class Case(Table, table=True):
    """
    *id*: random and opaque, the only value that goes to Prefect.  *leaver*: `vocabulary.Leaver` as JSON.
    *employee_key*: the number folded for comparing, so that a person has one case in any spelling of the number.

    A person is (*company*, number); *number_disputed*: another person was reported under it, so it proves nothing any more.

    *due_at*: the instant at which access is cut.  *for_real*: the recorded decision that vendors may be changed, taken at
    *for_real_at*.  *connections*: those searched for the person's accounts; None until the case was planned.
    *at_once_at*, *at_once_by*: when, and by whom, it was made an emergency, whose instant never moves later.
    *retain_until*, *retain_basis*: how long its record is kept, and why; set at closing, by policy.
    *held_at*: since when a legal hold forbids erasure.  *erased_at*: when personal data was removed; then nobody works on the case.
    *tries*: runs since the instant that left something open; zero again once a person acts.  *revision*: counts reschedules and
    corrections.  *run_…*, *lease_…*: the one run that works on the case.
    """

    __tablename__ = "offboarding_case"
    __table_args__ = (
        # one open case for a departure, which is employee number and last day
        Index(
            "one_live_case", "company", "employee_key", "employment_ends_on",
            unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE,
        ),
    )  # fmt: skip

    id: str = Field(primary_key=True)
    company: str = DEFAULT_COMPANY
    employee_no: str
    employee_key: str = Field(index=True)
    employment_ends_on: date
    last_working_at: datetime | None = instant()
    timezone: str
    due_at: datetime = instant(default=..., index=True)
    kind: DepartureKind = word(DepartureKind)
    state: CaseState = word(CaseState, index=True)
    leaver: dict[str, Any] = json_column()
    manager: str | None = None
    reported_by: str
    opened_at: datetime = instant(default=...)
    number_disputed: bool = False
    at_once_at: datetime | None = instant()
    at_once_by: str | None = None
    revision: int = 0
    for_real: bool = False
    for_real_by: str | None = None
    for_real_at: datetime | None = instant()
    connections: list[str] | None = json_column(default=None, nullable=True)
    contained_at: datetime | None = instant()
    deprovisioned_at: datetime | None = instant()
    closed_at: datetime | None = instant()
    retain_until: datetime | None = instant()
    retain_basis: str | None = None
    run_id: str | None = None
    run_attempt: int = 0
    tries: int = 0
    run_state: RunState = word(RunState, default=RunState.NONE)
    next_run_at: datetime | None = instant()
    lease_holder: str | None = None
    lease_until: datetime | None = instant()
    held_at: datetime | None = instant()
    erased_at: datetime | None = instant()

    @property
    def person(self) -> Leaver:
        """The leaver in the connectors' form."""
        return Leaver(**(self.leaver | {"other_emails": tuple(self.leaver.get("other_emails", ()))}))


class NoticeRecord(Table, table=True):
    """
    One row of one submission.  *source_sha256*: the digest of HR's bytes.  *disposition*: the outcome (created, same,
    continued).
    """

    __tablename__ = "notice"

    id: int | None = Field(default=None, primary_key=True)
    case_id: str | None = Field(default=None, index=True)
    received_at: datetime = instant(default=...)
    reported_by: str
    source_sha256: str
    row: int
    kind: DepartureKind = word(DepartureKind)
    disposition: str
    content: dict[str, Any] = json_column()


class Plan(Table, table=True):
    """
    The ordered revocations of a case, each with its read-back.  *scope*: "full", or "containment" for a dismissal's first
    plan.  *sha256*: the digest of *content* with a nonce, in canonical JSON; the trail's payload has both.
    """

    id: int | None = Field(default=None, primary_key=True)
    case_id: str = Field(index=True)
    scope: str
    sealed_at: datetime = instant(default=...)
    sha256: str
    policy_sha256: str
    content: list[dict[str, Any]] = json_column()


class Look(Table, table=True):
    """
    One recheck after closing.  *label*: such as "+24h".  *verdict*: "quiet", "reopened", or "not_looked" while it fails: then
    *blind* names the services that cannot be read, *blind_since* says since when, *tries* how often it failed.
    """

    __table_args__ = (Index("look_to_come", "due_at", sqlite_where=_TO_COME, postgresql_where=_TO_COME),)

    case_id: str = Field(primary_key=True)
    label: str = Field(primary_key=True)
    due_at: datetime = instant(default=...)
    looked_at: datetime | None = instant()
    verdict: str | None = None
    tries: int = 0
    blind: list[str] = json_column(default_factory=list)
    blind_since: datetime | None = instant()
