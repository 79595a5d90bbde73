"""Confidentiality papers: checks of the registers, exit pledges, refusals, and rulings on doubtful papers."""

from datetime import date, datetime
from typing import Any

from sqlmodel import Field

from models.tables.columns import Table, instant, json_column, word
from models.vocabulary import MatchReason, NdaState, PaperKind, PledgeState


class PaperCheck(Table, table=True):
    """
    One check of the registers.  The newest check counts; older ones stay.

    *looks*: for each register, what was found or why it could not be searched.  *next_at*: when the next check is due.
    """

    id: int | None = Field(default=None, primary_key=True)
    case_id: str = Field(index=True)
    checked_at: datetime = instant(default=...)
    state: NdaState = word(NdaState)
    looks: list[dict[str, Any]] = json_column(default_factory=list)
    next_at: datetime | None = instant(index=True)


class CasePaper(Table, table=True):
    """
    One paper as a check judged it, or an expected paper that was not found (then *register_name* is None).

    *accepted*: False for a namesake's paper and for a doubtful one, which do not count.  *text* and *remedy*: for people, in both
    languages.  *signature*: what the bytes prove (docs/confidentiality.md), such as `verified`, `none` or `broken`, or empty.
    """

    id: int | None = Field(default=None, primary_key=True)
    check_id: int = Field(index=True)
    case_id: str = Field(index=True)
    kind: PaperKind | None = word(PaperKind, default=None, nullable=True)
    state: NdaState = word(NdaState)
    accepted: bool
    register_name: str | None = None
    paper_id: str | None = None
    title: str = ""
    signer: str | None = None
    signed_on: date | None = None
    template: str | None = None
    template_sha256: str | None = None
    scope: str | None = None
    language: str | None = None
    survives: bool | None = None
    expires_on: date | None = None
    reason: MatchReason | None = word(MatchReason, default=None, nullable=True)
    confidence: float | None = None
    sha256: str | None = None
    size: int | None = None
    signature: str = ""
    signatures: list[dict[str, Any]] = json_column(default_factory=list)
    text: str = ""
    text_ja: str = ""
    remedy: str | None = None
    remedy_ja: str | None = None


class Pledge(Table, table=True):
    """
    An exit pledge that was asked for.  *key*: stored before the sending, so that a repeated sending is the same one.

    *sending_until*: until when the process that began to send it has the lease.  *register_name*: None for a file to be signed by
    hand.  *op*: the intent in the trail.  *words_sha256*: the digest of the text, independent of the program that printed it; None in
    older rows.  *reminders*: counts begun reminders; an interrupted one is not repeated.
    """

    key: str = Field(primary_key=True)
    case_id: str = Field(index=True)
    state: PledgeState = word(PledgeState)
    register_name: str | None = None
    paper_id: str | None = None
    language: str
    title: str
    sha256: str
    words_sha256: str | None = None
    op: str
    requested_by: str
    requested_at: datetime = instant(default=...)
    sending_until: datetime | None = instant()
    sent_at: datetime | None = instant()
    reminders: int = 0
    reminded_at: datetime | None = instant()
    next_look_at: datetime | None = instant(index=True)
    problem: str | None = None


class PledgeRefusal(Table, table=True):
    """The leaver declined to sign, which is lawful: when, before which witness, and who recorded it."""

    id: str = Field(primary_key=True)
    case_id: str = Field(index=True)
    kind: PaperKind = word(PaperKind)
    witness: str
    refused_on: date
    note: str = ""
    recorded_by: str
    recorded_at: datetime = instant(default=...)


class PaperRuling(Table, table=True):
    """A person's ruling on a doubtful paper.  *theirs*: it is the leaver's.  The latest ruling counts."""

    id: str = Field(primary_key=True)
    case_id: str = Field(index=True)
    register_name: str
    paper_id: str
    theirs: bool
    reason: str
    ruled_by: str
    ruled_at: datetime = instant(default=...)
