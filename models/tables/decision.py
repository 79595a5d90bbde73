"""Why a case may not close, what that asks, and what named persons signed for."""

from datetime import date, datetime
from typing import Any

from sqlmodel import Field

from models.actor import Actor
from models.tables.columns import Table, actor, instant, json_column, word
from models.vocabulary import ConnectionId, EntitlementKind, FindingKind, OpenReason, QuestionKind


class Finding(Table, table=True):
    """
    One reason, once: *key* says what it is about, so that looking again does not repeat it.

    Resolved when a later look no longer gives it; never deleted.  The Japanese is empty in those that ended before it was kept.
    """

    case_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    kind: FindingKind = word(FindingKind)
    connection: ConnectionId | None = Field(default=None, max_length=40)
    account_id: str | None = None
    entitlement_id: str | None = None
    entitlement_kind: EntitlementKind | None = word(EntitlementKind, default=None, nullable=True)
    text: str
    text_ja: str = ""
    remedy: str
    remedy_ja: str = ""
    opened_at: datetime = instant(default=...)
    resolved_at: datetime | None = instant()


class Question(Table, table=True):
    """
    What only a person can decide; `casework.questions` has the rules of each *kind*.  *id* is opaque.

    *subject*: what it is about, where that is not the whole case: an account by its reference in the trail, a row, a service,
    a test.  *connection*: of the first core's alone, which asked one a service.  *text* and *options* are what the person is
    shown.  *revision* rises whenever these change, and when an answer is taken back.  *asked_by*: the person who asked; None
    for casework itself.  *wanted_by*: until when somebody should have answered.  *used_at*: when what a consent was given for
    was carried out, or overtaken: it allows nothing any more.
    """

    id: str = Field(primary_key=True)
    case_id: str = Field(index=True)
    kind: QuestionKind = word(QuestionKind)
    connection: ConnectionId | None = Field(default=None, max_length=40)
    subject: str | None = None
    text: str
    options: list[dict[str, Any]] = json_column(default_factory=list)
    revision: int = 1
    asked_by: Actor | None = actor()
    asked_at: datetime = instant(default=...)
    wanted_by: datetime = instant(default=...)
    answered_at: datetime | None = instant()
    used_at: datetime | None = instant()
    answered_by: Actor | None = actor()
    answer: list[str] | None = json_column(default=None, nullable=True)
    reason: str | None = None


class Waiver(Table, table=True):
    """
    One kind, open for one reason (*accepts*), accepted until a date.  Without *case_id* it stands for the tenant.

    It counts only once a second person has approved it: asked by the question that bears its *id*.  One without *accepts* is of the first core and counts for nothing: it
    accepted whatever the kind was open for.
    """

    id: str = Field(primary_key=True)
    case_id: str | None = Field(default=None, index=True)
    connection: ConnectionId = Field(max_length=40)
    kind: EntitlementKind = word(EntitlementKind)
    entitlement_id: str | None = None
    accepts: OpenReason | None = word(OpenReason, default=None, nullable=True)
    reason: str
    compensating_control: str = ""
    until: date
    requested_by: Actor = actor(default=...)
    requested_at: datetime = instant(default=...)
    approved_by: Actor | None = actor()
    approved_at: datetime | None = instant()


class Pause(Table, table=True):
    """
    The emergency brake, pulled by one person: of a case, of a *company*, or with neither of everything.

    *resumed_at*: when the question about it, which two people decide, was approved.
    """

    id: str = Field(primary_key=True)
    case_id: str | None = None
    company: str | None = None
    paused_by: Actor = actor(default=...)
    reason: str
    paused_at: datetime = instant(default=...)
    resumed_at: datetime | None = instant()


class Attestation(Table, table=True):
    """
    A signed human statement about a manual step, as it was seen at *attested_at*.

    *ended_at*: when a read contradicted it.  That is for good: a later read does not make it true again.
    """

    id: str = Field(primary_key=True)
    case_id: str = Field(index=True)
    entitlement_id: str
    person: Actor = actor(default=...)
    statement: str
    attested_at: datetime = instant(default=...)
    ended_at: datetime | None = instant()
