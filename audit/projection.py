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

_MOVES = frozenset({
    E.CASE_OPENED, E.CASE_PLANNED, E.CASE_WAITING, E.CASE_CUTTING, E.CASE_CONTAINED, E.CASE_DEPROVISIONED, E.CASE_CLOSED,
    E.CASE_REOPENED, E.CASE_WITHDRAWN, E.CASE_RESTORING, E.CASE_RESTORED,
})  # fmt: skip
"""What moves a case to another state, which the leaf names."""
_COMMITS = frozenset({E.CASE_OPENED, E.CASE_CORRECTED, E.CASE_RESCHEDULED})
"""What says anew whose case it is, and for which day."""
_NOBODY = "unauthenticated"


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
    The case as its *events* have it.

    *at*: the number of the event that said so, by the name of the fact.  *contained_at*: the first time; *closed_at*: None while it
    is not closed.  *commitment* and *salt* bind company, number, name and day.  *accounts*: reference to standing.  *rows* by entitlement,
    *findings* (those that are open) by key, *attested* by id, with the words.  *waivers*, by id: reason, compensating control,
    end and who asked; *waived*: those that a second person has signed too, with who.  *notices*: digest of HR's file, and its row.
    *unauthenticated*: acts of people of whom nobody has made sure who they are.
    """

    events: int = 0
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
    at: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    findings: dict[str, str] = field(default_factory=dict)
    attested: dict[str, str] = field(default_factory=dict)
    waivers: dict[str, str] = field(default_factory=dict)
    waived: dict[str, str] = field(default_factory=dict)
    notices: Counter[tuple[str, int]] = field(default_factory=Counter)

    def take(self, seq: int, said: Mapping[str, Any], payload: Mapping[str, Any] | None) -> None:
        """Take in one event, which follows those that were taken."""
        self.events += 1
        kind, named = said["type"], payload or {}
        by = named.get("by")
        self.unauthenticated += isinstance(by, Mapping) and by.get("authenticated_by") == _NOBODY
        if kind in _MOVES and "state" in said:
            self._move(seq, kind, said)
        for name in ("due_at", "for_real"):
            if name in said and kind != E.PLAN_SEALED:
                self._say(name, said[name], seq)
        if kind in _COMMITS and "person_commitment" in said:
            self._say("commitment", said["person_commitment"], seq)
            self.salt = named.get("salt")
        self._take_part(seq, kind, said, named)

    def _say(self, name: str, value: Any, seq: int) -> None:
        setattr(self, name, value)
        self.at[name] = seq

    @staticmethod
    def _subject(named: Mapping[str, Any]) -> str:
        by = named.get("by")
        return str(by.get("subject")) if isinstance(by, Mapping) else str(by)

    def _move(self, seq: int, kind: str, said: Mapping[str, Any]) -> None:
        self._say("state", said["state"], seq)
        if kind == E.CASE_OPENED:
            self._say("kind", said.get("kind"), seq)
        if kind == E.CASE_CONTAINED and self.contained_at is None:
            self._say("contained_at", said["time"], seq)
        if kind in {E.CASE_CLOSED, E.CASE_REOPENED}:
            self._say("closed_at", said["time"] if kind == E.CASE_CLOSED else None, seq)

    def _take_part(self, seq: int, kind: str, said: Mapping[str, Any], named: Mapping[str, Any]) -> None:
        match kind:
            case E.CASE_NOTICED if "source_sha256" in named:
                self.notices[named["source_sha256"], named.get("row", 0)] += 1
            case E.CASE_JUDGED if "account" in said:
                self.accounts[said["account"]] = said["state"]
            case E.OBSERVE_SEEN if "entitlement" in named:
                self.rows[named["entitlement"]] = Row(
                    seq, said.get("connection") or said.get("service", ""), said.get("account", ""), said.get("kind", ""),
                    said["state"], said.get("observed_at"), said.get("cut_effective_by"), named.get("signed"),
                )  # fmt: skip
            case E.FINDING_OPENED if "key" in named:
                self.findings[named["key"]] = said.get("finding", "")
            case E.FINDING_RESOLVED:
                self.findings.pop(named.get("key", ""), None)
            case E.FINDING_ATTESTED if "attestation" in named:
                self.attested[named["attestation"]] = named.get("statement", "")
            case E.FINDING_WAIVER_REQUESTED if "waiver" in said and "until" in named:
                words = (named.get("reason"), named.get("compensating_control"), named["until"], self._subject(named))
                self.waivers[said["waiver"]] = " / ".join(map(str, words))
            case E.FINDING_WAIVED if "waiver" in said:
                self.waived[said["waiver"]] = self._subject(named)
            case E.PAYLOAD_ERASED:
                self.erased = True


def project(events: Iterable[Told]) -> Projection:
    """Return what *events*, all of one case and in their order, come to; of one that lacks a field, what it does say."""
    projected = Projection()
    for event in events:
        projected.take(*event)
    return projected
