"""
The record of a case, worked out from its sealed events and their payloads alone: no table is asked.

A payload carries what its transaction changed in the case's tables (`CHANGED`: `{table: {key: {column: value}}}`), or, where what
came before cannot be read any more, all that is left of them (`WHOLE`, of the same form).  The events are taken in their order,
and the last word on each column counts.  docs/verify.md has the same in jq.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from audit import layout
from audit.certificate import CERTIFIED, former_of
from audit.events import EventType as E
from audit.exchanges import IN_PAYLOAD

Told: TypeAlias = "tuple[Mapping[str, Any], Mapping[str, Any] | None]"
"""An event: what its leaf says, and its payload; None where there is none, or no longer."""
Rows: TypeAlias = "dict[str, dict[str, dict[str, Any]]]"

FORM: Final = 2
"""Of `record.json`: which derivation makes it.  The first named no form."""
CHANGED: Final = "changed"
WHOLE: Final = "whole"
CASE: Final = "offboarding_case"
SEALED: Final = "changes"
"""The scope of a `case.opened` from which on every change of the case is sealed, and its commitment opens in two parts."""
ADOPTED: Final = "adopted"
"""The scope of a `case.changed` that seals, once, all that the tables hold of what an earlier version opened."""
SUMMARY: Final = layout.EVIDENCE + "downloads/summary-"
"""How the evidence is called that sums up what was downloaded; the newest counts."""
_BESIDE: Final = {"v", "log", "case", "prev", "payload_commit"}
"""Of a leaf: what each has alike, or says of its proof alone."""
_STATES: Final = {
    E.CASE_OPENED: "open", E.CASE_PLANNED: "planned", E.CASE_WAITING: "waiting", E.CASE_CUTTING: "cutting",
    E.CASE_CONTAINED: "contained", E.CASE_DEPROVISIONED: "deprovisioned", E.CASE_CLOSED: "closed",
    E.CASE_REOPENED: "deprovisioned", E.CASE_WITHDRAWN: "withdrawn", E.CASE_RESTORING: "restoring", E.CASE_RESTORED: "restored",
}  # fmt: skip
"""What moves a case, and where to; the first version's leaves do not name the state.  One account's restore moves no case."""


@dataclass(slots=True)
class Tables:
    """
    The case's tables as its payloads have them.  *at*: by table, key and column the number of the event that had the last word.
    *unfit*: the numbers of those whose payload carries what lastday does not write.
    """

    rows: Rows = field(default_factory=dict)
    at: dict[tuple[str, str, str], int] = field(default_factory=dict)
    unfit: list[int] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether they are all of the case: an older version sealed its opening, and not what was written then."""
        return any("id" in row for row in self.rows.get(CASE, {}).values())

    def take(self, seq: int, payload: Mapping[str, Any] | None) -> None:
        """Take in the payload of event *seq*, which follows those that were taken."""
        if not isinstance(payload, Mapping):
            return
        try:
            if WHOLE in payload:
                self.rows, self.at = {}, {}
            for part in (WHOLE, CHANGED):
                self._write(seq, payload.get(part) or {})
        except (AttributeError, TypeError, ValueError):
            self.unfit.append(seq)

    def _write(self, seq: int, changed: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        for table, rows in changed.items():
            for key, columns in rows.items():
                self.rows.setdefault(table, {}).setdefault(key, {}).update(columns)
                self.at |= {(table, key, column): seq for column in columns}


def tables_of(events: Iterable[Told]) -> Tables:
    """Return what the payloads of a case's *events*, in their order, come to."""
    tables = Tables()
    for said, payload in events:
        tables.take(said["seq"], payload)
    return tables


def state_of(events: Iterable[Told]) -> str | None:
    """Return the case's state by the types of its events alone: of an erased case, too."""
    moves = [state for said, _ in events if (state := moved_to(said)) is not None]
    return moves[-1] if moves else None


def moved_to(said: Mapping[str, Any]) -> str | None:
    """Return the state to which an event has moved its case, None if to none."""
    if said["type"] not in _STATES or "account" in said:
        return None
    return str(said.get("state", _STATES[said["type"]]))


def derive(events: Sequence[Told], downloads: Any = None) -> dict[str, Any]:
    """
    Return what `record.json` says of a case with these *events*: its tables, its events, which certificate it comes under.

    *downloads*: the content of the newest summary among its evidence (`newest_summary`), None if there is none.
    """
    issued = [former_of(said) for said, _ in events if said["type"] == CERTIFIED]
    first = events[0][0]
    return {
        "form": FORM,
        "case": first["case"],
        "log": first["log"],
        "revision": issued[-1].revision + 1 if issued else 1,
        "former": issued[-1].sha256 if issued else None,
        "events": [_event(said, payload) for said, payload in events],
        "tables": tables_of(events).rows,
        "downloads": downloads,
    }


def _event(said: Mapping[str, Any], payload: Mapping[str, Any] | None) -> dict[str, Any]:
    told = {name: value for name, value in said.items() if name not in _BESIDE}
    words = {name: value for name, value in (payload or {}).items() if name not in {CHANGED, WHOLE, IN_PAYLOAD}}
    return told | {"payload": words} if payload is not None else told


def newest_summary(events: Iterable[Told]) -> Mapping[str, Any] | None:
    """Return the newest summary that an event binds: its name in the bundle and its digest."""
    bound = [one for said, _ in events for one in layout.files_of(said) if str(one["name"]).startswith(SUMMARY)]
    return bound[-1] if bound else None
