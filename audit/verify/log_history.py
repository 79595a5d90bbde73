"""Collect, from the log's leaves up to a head, every case and every published statement.  Leaves have no names and no payloads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from audit.events import EventType as E
from audit.record import SEALED, moved_to
from audit.verify.whole_log import LogLine

_SEEN = frozenset({"observed_closed", "attested"})
_ENDED = frozenset({"closed", "withdrawn", "restored"})
"""The states in which lastday erases data."""


@dataclass(slots=True)
class CaseHistory:
    """
    One case; *line* of the log opened it.  *signed_in*: the last state of each account's sign-in.  *odd*: what lastday never writes.

    *notes*: remarks that are no fault.
    """

    line: int
    kind: str = ""
    state: str = ""
    due_at: str = ""
    closed_at: str | None = None
    notices: int = 0
    commitment: str = ""
    sealed: bool = False
    erased: bool = False
    accounts: dict[str, str] = field(default_factory=dict)
    signed_in: dict[str, str] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def take(self, said: Mapping[str, Any], line: int) -> None:
        """Apply one leaf of the case.  Call it in the log's order."""
        if said["type"] == E.CASE_OPENED and line != self.line:
            self.odd.append(f"line {line} of the log opens it a second time")
            return
        self._doubt(said, line)
        self._count(said)
        if said["type"] in {E.CASE_OPENED, E.CASE_CORRECTED, E.CASE_RESCHEDULED}:
            self.commitment = str(said.get("person_commitment", self.commitment))
        self.due_at = str(said.get("due_at", self.due_at))
        self.state = moved_to(said) or self.state

    def _doubt(self, said: Mapping[str, Any], line: int) -> None:
        if said["type"] == E.CASE_RESCHEDULED and self.due_at and said["time"] > self.due_at:
            self.notes.append(f"line {line} of the log moved its last day after its instant had passed")
        if said["type"] == E.PAYLOAD_ERASED and self.state not in _ENDED:
            self.odd.append(f"line {line} of the log erases it while it is {self.state}")

    def _count(self, said: Mapping[str, Any]) -> None:
        match said["type"]:
            case E.CASE_OPENED:
                self.kind, self.sealed = str(said.get("kind", "")), said.get("scope") == SEALED
            case E.CASE_NOTICED:
                self.notices += 1
            case E.CASE_CLOSED:
                self.closed_at = str(said.get("moved_at", said["time"]))
            case E.CASE_REOPENED:
                self.closed_at = None
            case E.CASE_JUDGED if "account" in said:
                self.accounts[said["account"]] = said["state"]
            case E.OBSERVE_SEEN if said.get("kind") == "sign_in" and "account" in said:
                self.signed_in[said["account"]] = said["state"]
            case E.PAYLOAD_ERASED:
                self.erased = True

    @property
    def seen_closed(self) -> bool:
        """Whether the case is closed, and each of the leaver's accounts has its sign-in seen closed or attested as done by hand."""
        theirs = [ref for ref, standing in self.accounts.items() if standing == "accepted"]
        return self.state == "closed" and all(self.signed_in.get(ref) in _SEEN for ref in theirs)


@dataclass(frozen=True, slots=True)
class RecordedStatement:
    """A statement that *line* of the log records, for the days *from_on* to *to_on*."""

    line: int
    at: datetime
    from_on: str
    to_on: str
    sha256: str


@dataclass(slots=True)
class LogHistory:
    """The cases of the first *size* entries.  *went_on_at*: when the next entry was written; *opened_later*: cases opened after the head."""

    size: int
    cases: dict[str, CaseHistory] = field(default_factory=dict)
    told: list[RecordedStatement] = field(default_factory=list)
    went_on_at: datetime | None = None
    opened_later: int = 0
    former_log: str | None = None

    def take(self, line: LogLine) -> None:
        """Apply a line of the log."""
        said, number = line.said, line.idx + 1
        if said["type"] == E.CASE_POPULATION and said.get("evidence"):
            period = (str(said.get("from_at", ""))[:10], str(said.get("until_at", ""))[:10])
            self.told.append(
                RecordedStatement(
                    number, datetime.fromisoformat(said["time"]), *period, str(said["evidence"][0]["sha256"])
                )
            )
        if said["type"] == E.LOG_OPENED:
            self.former_log = str(said["previous_log"])
        if line.idx >= self.size:
            self.went_on_at = self.went_on_at or datetime.fromisoformat(said["time"])
            self.opened_later += said["type"] == E.CASE_OPENED
        elif said["type"] == E.CASE_OPENED or said["case"] in self.cases:
            self.cases.setdefault(said["case"], CaseHistory(number)).take(said, number)

    @property
    def remarks(self) -> Iterator[str]:
        """Yield what the statement cannot show, because it covers only these entries."""
        if self.former_log is not None:
            yield f"the cases of the log before this one, {self.former_log}: ask for its statement"
        if self.opened_later:
            yield f"{self.opened_later} cases that were opened after the statement's head, entry {self.size}"
