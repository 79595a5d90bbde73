"""The leaver's accounts, and the search for them."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from models.tables.columns import Table, instant, json_column, word
from models.vocabulary import AccountKind, ConnectionId, MatchReason, Standing


class CaseAccount(Table, table=True):
    """
    One candidate account of a case, with the facts for and against it and the decision.

    *ref*: the random reference of the account in the trail.  *reason*: why it is a candidate.  *facts*: for each fact, what a
    read said of it, and when; None: judged by the first version, and not read since.  *judged*: the facts and
    contradictions of the newest judgement, those from other services included.  *addresses*: the primary and the
    other ones, and the *names* by which searches found it, each with since when, all folded.  *seen_at*: when a search last found it.  *listed_at*: when all of its access was last listed;
    None: nothing is known of its access.
    """

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("case_id", "connection", "vendor_id"),)

    id: int | None = Field(default=None, primary_key=True)
    case_id: str = Field(index=True)
    connection: ConnectionId = Field(max_length=40)
    vendor_id: str
    ref: str
    kind: AccountKind = word(AccountKind)
    label: str
    active: bool | None = None
    mastered_elsewhere: bool = False
    reason: MatchReason = word(MatchReason)
    facts: dict[str, Any] | None = json_column(default=None, nullable=True)
    judged: dict[str, Any] = json_column(default_factory=dict)
    addresses: dict[str, Any] = json_column(default_factory=dict)
    for_administration: bool = False
    seen_at: datetime | None = instant()
    standing: Standing = word(Standing)
    decided_by: str | None = None
    decided_at: datetime | None = instant()
    listed_at: datetime | None = instant()


class AccountLink(Table, table=True):
    """
    A decision that outlives its case: an account is a person's, or is not.

    A person is a company and a number (*employee_key*, folded); *name* guards against a number that was given twice.
    *person*: who signed it; None: an earlier version stored a decision by two facts.
    """

    __table_args__ = (UniqueConstraint("company", "employee_key", "connection", "account_id"),)

    id: int | None = Field(default=None, primary_key=True)
    case_id: str = Field(index=True)
    company: str = ""
    employee_key: str
    name: str
    connection: ConnectionId = Field(max_length=40)
    account_id: str
    theirs: bool
    facts: list[str] = json_column(default_factory=list)
    person: str | None = None
    linked_at: datetime = instant(default=...)


class DirectoryNumbers(Table, table=True):
    """Whether a service's employee numbers are HR's: *compared* people had both, and for *agreed* of them both were equal."""

    connection: ConnectionId = Field(primary_key=True, max_length=40)
    compared: int
    agreed: int
    compared_at: datetime = instant(default=...)


class Search(Table, table=True):
    """
    The search for accounts in one service: when it last ran, and why it failed, if it failed.

    *looked_through*: how many accounts of the directory were compared by name; None if the search failed.  *asked*: its requests
    (`casework.recording.asked_by`).  Both are None in rows of earlier versions.
    """

    case_id: str = Field(primary_key=True)
    connection: ConnectionId = Field(primary_key=True, max_length=40)
    searched_at: datetime = instant(default=...)
    found: int = 0
    looked_through: int | None = None
    asked: dict[str, Any] | None = json_column(default=None, nullable=True)
    problem: str | None = None
    remedy: str | None = None
