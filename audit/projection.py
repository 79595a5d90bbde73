"""
What a case's sealed events say of it now, worked out from events and payloads alone: no table is asked.

The events are taken in their order, and the last word on each thing counts.  Payloads may have been erased: what they alone
name (rows, findings, signatures) is known no more then, and `Projection.erased` says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from audit.events import EventType as E

Told: TypeAlias = "tuple[int, Mapping[str, Any], Mapping[str, Any] | None]"
"""An event: its number in the case, what its leaf says, and its payload; None where there is none, or no longer."""

EVERY_CHANGE = "every_change"
"""The scope of a `case.opened` after which each change of the case is sealed; older ones sealed less."""
_STATES = {
    E.CASE_OPENED: "open", E.CASE_PLANNED: "planned", E.CASE_WAITING: "waiting", E.CASE_CUTTING: "cutting",
    E.CASE_CONTAINED: "contained", E.CASE_DEPROVISIONED: "deprovisioned", E.CASE_CLOSED: "closed",
    E.CASE_REOPENED: "deprovisioned", E.CASE_WITHDRAWN: "withdrawn", E.CASE_RESTORING: "restoring", E.CASE_RESTORED: "restored",
}  # fmt: skip
"""What moves a case, and where to; the first version's leaves do not name the state.  One account's restore moves no case."""
_COMMITS = frozenset({E.CASE_OPENED, E.CASE_CORRECTED, E.CASE_RESCHEDULED})
"""What says anew whose case it is, and for which day."""
_NOBODY = "unauthenticated"
_UNFIT = (KeyError, TypeError, ValueError, AttributeError)
"""What reading an event raises that is not of its type: only a foreign hand writes one."""


@dataclass(frozen=True, slots=True)
class Row:
    """
    The last word on one row of the truth table, as event *seq* has it; times as leaves write them.

    *account* is the trail's reference, *signed*: what settles it, the id of an attestation or a waiver.
    """

    seq: int
    connection: str
    account: str
    kind: str
    state: str
    observed_at: str | None
    cut_effective_by: str | None
    signed: str | None


@dataclass(slots=True)
class Projection:
    """
    The case as its *events* have it; *every_change*: each change of it was sealed.  *unfit*: the numbers of events that cannot be read.

    *at*: the number of the event that said so, by the name of the fact.  *closed_at*: None once it was opened again.
    *commitment* and *salt* bind company, number, name and day.  *accounts*: reference to standing, *places*: to connection and vendor's id.
    *rows* by entitlement, *findings* (those that are open) by key.  By id: *attested*: words, who and when; *waivers*: reason, compensating
    control, end and who asked; *waived*: which of them a second person has signed, and who.  *notices*: digest of HR's file, and its row.
    *unauthenticated*: acts of people of whom nobody has made sure who they are.
    """

    events: int = 0
    every_change: bool = False
    state: str | None = None
    kind: str | None = None
    due_at: str | None = None
    for_real: bool = False
    contained_at: str | None = None
    closed_at: str | None = None
    commitment: str | None = None
    salt: str | None = None
    erased: bool = False
    unauthenticated: int = 0
    unfit: list[int] = field(default_factory=list)
    at: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    findings: dict[str, str] = field(default_factory=dict)
    attested: dict[str, str] = field(default_factory=dict)
    waivers: dict[str, str] = field(default_factory=dict)
    waived: dict[str, str] = field(default_factory=dict)
    notices: Counter[str] = field(default_factory=Counter)

    def take(self, seq: int, said: Mapping[str, Any], payload: Mapping[str, Any] | None) -> None:
        """Take in one event, which follows those that were taken."""
        self.events += 1
        named = payload if isinstance(payload, Mapping) else {}
        try:
            self._take_case(seq, said, named)
            self._take_part(seq, said, named)
            self._take_signature(said, named)
        except _UNFIT:
            self.unfit.append(seq)

    def _take_case(self, seq: int, said: Mapping[str, Any], named: Mapping[str, Any]) -> None:
        kind, by = said["type"], named.get("by")
        self.unauthenticated += isinstance(by, Mapping) and by.get("authenticated_by") == _NOBODY
        if kind in _STATES and "account" not in said:
            self._move(seq, kind, said)
        for name in ("due_at", "for_real"):
            if name in said and kind != E.PLAN_SEALED:
                self._say(name, said[name], seq)
        if kind in _COMMITS and "person_commitment" in said:
            self._say("commitment", said["person_commitment"], seq)
            self.salt = named.get("salt")

    def _say(self, name: str, value: Any, seq: int) -> None:
        setattr(self, name, value)
        self.at[name] = seq

    def _move(self, seq: int, kind: E, said: Mapping[str, Any]) -> None:
        self._say("state", said.get("state", _STATES[kind]), seq)
        if kind == E.CASE_OPENED:
            self._say("kind", said.get("kind"), seq)
            self.every_change = said.get("scope") == EVERY_CHANGE
        if kind == E.CASE_CONTAINED:
            self._say("contained_at", said.get("moved_at", said["time"]), seq)
        if kind in {E.CASE_CLOSED, E.CASE_REOPENED}:
            self._say("closed_at", said.get("moved_at", said["time"]) if kind == E.CASE_CLOSED else None, seq)

    def _take_part(self, seq: int, said: Mapping[str, Any], named: Mapping[str, Any]) -> None:
        match said["type"]:
            case E.CASE_NOTICED if "source_sha256" in named:
                self.notices[f"{named['source_sha256']} row {named.get('row')}"] += 1
            case E.CASE_JUDGED if "account" in said:
                self.accounts[said["account"]] = said["state"]
                if "account" in named:
                    self.places[said["account"]] = f"{_connection(said)}:{named['account']}"
            case E.OBSERVE_SEEN if "entitlement" in named:
                self.rows[named["entitlement"]] = Row(
                    seq, _connection(said), said.get("account", ""), said.get("kind", ""), said["state"],
                    said.get("observed_at"), said.get("cut_effective_by"), named.get("signed"),
                )  # fmt: skip
            case E.FINDING_OPENED if "key" in named:
                self.findings[named["key"]] = said.get("finding", "")
            case E.FINDING_RESOLVED:
                self.findings.pop(named.get("key", ""), None)
            case E.PAYLOAD_ERASED:
                self.erased = True

    def _take_signature(self, said: Mapping[str, Any], named: Mapping[str, Any]) -> None:
        match said["type"]:
            case E.FINDING_ATTESTED if "attestation" in named:
                self.attested[named["attestation"]] = (
                    f"{named.get('statement')} / {_subject(named)} / {named.get('attested_at')}"
                )
            case E.FINDING_WAIVER_REQUESTED if "waiver" in said and "until" in named:
                words = (named.get("reason"), named.get("compensating_control"), named["until"], _subject(named))
                self.waivers[said["waiver"]] = " / ".join(map(str, words))
            case E.FINDING_WAIVED if "waiver" in said:
                self.waived[said["waiver"]] = _subject(named)


def _connection(said: Mapping[str, Any]) -> str:
    return str(said.get("connection") or said.get("service", ""))


def _subject(named: Mapping[str, Any]) -> str:
    by = named.get("by")
    return str(by.get("subject") if isinstance(by, Mapping) else by)


def project(events: Iterable[Told]) -> Projection:
    """Return what *events*, all of one case and in their order, come to; of one that lacks a field, what it does say."""
    projected = Projection()
    for event in events:
        projected.take(*event)
    return projected
