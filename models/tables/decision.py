"""Findings, questions to people, and what named persons signed."""

from datetime import date, datetime
from typing import Any

from sqlmodel import Field

from models.actor import Actor
from models.tables.columns import Table, actor, instant, json_column, word
from models.vocabulary import ConnectionId, EntitlementKind, FindingKind, OpenReason, QuestionKind


class Finding(Table, table=True):
    """
    One reason why the case may not close.  *key*: what it is about, so that a repeated read adds no second finding.

    Resolved when a later read no longer shows it; never deleted.  The Japanese is empty in findings that ended before it was stored.
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
    A decision that only a person can take; `casework.questions` has the rules of each *kind*.  *id* is opaque.

    *subject*: what it is about, if not the whole case: an account by its reference in the trail, a row, a service, a test.
    *connection*: only in rows of the first version, which asked one question a service.  *text*, *options*: shown to the person.
    *revision*: rises when these change, and when an answer is taken back.  *asked_by*: the person who asked; None for casework
    itself.  *wanted_by*: until when somebody should answer.  *used_at*: when the consented act was carried out or overtaken: the
    consent allows nothing any more.
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
    One kind, open for one reason (*accepts*), accepted until a date.  Without *case_id* it is for the whole tenant.

    It counts only once a second person has approved it; the question has the waiver's *id*.  A waiver without *accepts* is of the
    first version and does not count: it accepted every reason.
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
    The emergency brake, pulled by one person: for a case, for a *company*, or, with neither, for everything.

    *resumed_at*: when two people had ended it.
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
    A person's signed statement at *attested_at* about a manual step.

    *ended_at*: when a read contradicted it.  Final: a later read does not make it valid again.
    """

    id: str = Field(primary_key=True)
    case_id: str = Field(index=True)
    entitlement_id: str
    person: Actor = actor(default=...)
    statement: str
    attested_at: datetime = instant(default=...)
    ended_at: datetime | None = instant()
