"""
The record of a case, derived only from its sealed events and their payloads, never from tables.

A payload has the changes of its transaction to the case's tables (`CHANGED`: `{table: {key: {column: value}}}`).  If earlier
payloads can no longer be read, it has the tables' whole content instead (`WHOLE`, same form).  The events are applied in their
order, and the last value of each column counts.  docs/verify.md does the same in jq.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from audit import bundle_paths
from audit.certificate import CERTIFIED, former_of
from audit.events import EventType as E
from audit.exchanges import IN_PAYLOAD

Told: TypeAlias = "tuple[Mapping[str, Any], Mapping[str, Any] | None]"
"""An event: its leaf's fields, and its payload, None if it has none or the payload was erased."""
Rows: TypeAlias = "dict[str, dict[str, dict[str, Any]]]"

FORM: Final = 2
"""The version of `record.json`'s derivation.  The first version had no `form` field."""
CHANGED: Final = "changed"
WHOLE: Final = "whole"
CASE: Final = "offboarding_case"
SEALED: Final = "changes"
"""The scope of a `case.opened` whose case has every change sealed, and a commitment that opens in two parts."""
ADOPTED: Final = "adopted"
"""The scope of the one `case.changed` that seals all table rows of a case that an earlier version opened."""
SUMMARY: Final = bundle_paths.EVIDENCE + "downloads/summary-"
"""The name's prefix of the evidence that summarises downloads; the newest summary counts."""
_BESIDE: Final = {"v", "log", "case", "prev", "payload_commit"}
"""Fields that the record leaves out: the same in every leaf of a case, or about its proof only."""
_STATES: Final = {
    E.CASE_OPENED: "open", E.CASE_PLANNED: "planned", E.CASE_WAITING: "waiting", E.CASE_CUTTING: "cutting",
    E.CASE_CONTAINED: "contained", E.CASE_DEPROVISIONED: "deprovisioned", E.CASE_CLOSED: "closed",
    E.CASE_REOPENED: "deprovisioned", E.CASE_WITHDRAWN: "withdrawn", E.CASE_RESTORING: "restoring", E.CASE_RESTORED: "restored",
}  # fmt: skip
"""The events that move a case, and the state that follows: the first version's leaves do not name it.  One account's restore moves no case."""


@dataclass(slots=True)
class CaseTables:
    """
    The case's tables, from its payloads.  *at*: for each table, key and column, the number of the event with its last value.
    *unfit*: the numbers of the events whose payload has another form than lastday writes.
    """

    rows: Rows = field(default_factory=dict)
    at: dict[tuple[str, str, str], int] = field(default_factory=dict)
    unfit: list[int] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether the tables are complete: an older version sealed a case's opening without the rows that it wrote."""
        return any("id" in row for row in self.rows.get(CASE, {}).values())

    def take(self, seq: int, payload: Mapping[str, Any] | None) -> None:
        """Apply the payload of event *seq*.  Call it in the order of the events."""
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


def tables_of(events: Iterable[Told]) -> CaseTables:
    """Return the tables that follow from the payloads of a case's *events*, given in their order."""
    tables = CaseTables()
    for said, payload in events:
        tables.take(said["seq"], payload)
    return tables


def state_of(events: Iterable[Told]) -> str | None:
    """Return the case's state from its leaves alone, so that it works for an erased case too."""
    moves = [state for said, _ in events if (state := moved_to(said)) is not None]
    return moves[-1] if moves else None


def moved_to(said: Mapping[str, Any]) -> str | None:
    """Return the state to which an event has moved its case, None if it has not moved it."""
    if said["type"] not in _STATES or "account" in said:
        return None
    return str(said.get("state", _STATES[said["type"]]))


def derive(events: Sequence[Told], downloads: Any = None) -> dict[str, Any]:
    """
    Return the content of `record.json` for a case with these *events*: its tables, its events, the number of its certificate.

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
    bound = [one for said, _ in events for one in bundle_paths.files_of(said) if str(one["name"]).startswith(SUMMARY)]
    return bound[-1] if bound else None
