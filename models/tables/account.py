"""The leaver's identities, and the look for them."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from models.tables.columns import Table, instant, json_column, word
from models.vocabulary import AccountKind, ConnectionId, MatchReason, Standing


class CaseAccount(Table, table=True):
    """
    One candidate account of a case, with what speaks for and against it and what was decided.

    *ref* is a random reference that stands for the account in the trail.  *reason* made it a candidate; *facts* gives for each
    fact what a read said of it, and when; None: judged by the first core, and not read since.  *judged*: the facts
    and contradictions of the newest judgement, those from other services included.  *addresses*: the primary
    ones and the others, and the *names* by which searches found it, each with since when, folded.  *seen_at*: when a search
    last found it.  *listed_at*: when all of its access was last listed; without it nothing is known of the account.
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
    What was said of a person and an account, beyond the case in which it was: that it is theirs, or that it is not.

    A person is a company and a number (*employee_key*, folded); *name* guards against a number that was given twice.
    *person* signed it, None if an earlier version kept what two facts had decided.
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
    """How the employee numbers of a service's directory stand to HR's: of *compared* people *agreed* do."""

    connection: ConnectionId = Field(primary_key=True, max_length=40)
    compared: int
    agreed: int
    compared_at: datetime = instant(default=...)


class Search(Table, table=True):
    """
    The look for accounts in one service: when it last ran, and why it could not, if it could not.

    *looked_through*: how many accounts of the directory it compared names with, *asked* what it rests on
    (`casework.recording.asked_by`); None in rows of earlier versions, and *looked_through* where it could not.
    """

    case_id: str = Field(primary_key=True)
    connection: ConnectionId = Field(primary_key=True, max_length=40)
    searched_at: datetime = instant(default=...)
    found: int = 0
    looked_through: int | None = None
    asked: dict[str, Any] | None = json_column(default=None, nullable=True)
    problem: str | None = None
    remedy: str | None = None
