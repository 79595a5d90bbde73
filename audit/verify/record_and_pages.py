"""What a sound bundle proves of its case: compare `record.json` with the events, and the pages with it; write the verdict's lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from audit import bundle_paths
from audit.events import EventType as E
from audit.leaf import canonical
from audit.record import ADOPTED, CASE, CHANGED, FORM, SEALED, WHOLE, Told, derive, newest_summary, state_of, tables_of
from audit.verify.folder import Bundle
from audit.verify.report import UNFIT, BundleError

Line: TypeAlias = "tuple[str, str]"
"""English and Japanese."""
LONGEST_PAYLOAD = 1 << 28
"""Bytes: enough for some 600,000 exchanges."""
_LONGEST_PAGE = 1 << 27
_SEEN = "observed_closed"
_SIGNED = frozenset({"waived", "attested"})
_NOBODY = "unauthenticated"


@dataclass(frozen=True, slots=True)
class PageMaker:
    """
    Makes a bundle's pages again.  *made_by*: the version's name in an export's event.  *unlike*: returns the first page that differs
    from the one that this `record.json` makes, None if all are equal.
    """

    made_by: str
    unlike: Callable[[bytes, Callable[[str], bytes]], str | None]


def told_by(bundle: Bundle) -> list[Told]:
    """Return the events with their payloads, which earlier steps have verified."""
    return [(bundle.event(seq), _payload(bundle, seq)) for seq in range(bundle.events)]


def _payload(bundle: Bundle, seq: int) -> dict[str, Any] | None:
    path = bundle_paths.payload(seq)
    said = json.loads(bundle.whole(path, LONGEST_PAYLOAD)) if path in bundle.paths else None
    return said if isinstance(said, dict) else None


def record(bundle: Bundle) -> str:
    """Derive the record from events, payloads and the newest summary, and compare `record.json` with it."""
    events = told_by(bundle)
    if not events:
        raise BundleError(bundle_paths.event(0), "it is missing")
    if bundle_paths.RECORD not in bundle.paths:
        sealed = events[0][0].get("scope") == SEALED
        if sealed or any({CHANGED, WHOLE} & (payload or {}).keys() for _, payload in events):
            raise BundleError(bundle_paths.RECORD, "it is missing")
        return "there is none: the pages of earlier versions were made from the operator's tables"
    ours, theirs = derive(events, _downloads(bundle, events)), bundle.whole(bundle_paths.RECORD, LONGEST_PAYLOAD)
    if theirs != canonical(ours):
        if (form := _form(theirs)) != FORM:
            raise BundleError(
                bundle_paths.RECORD,
                f"it is of form {form}, which another version of lastday derives ({_made_by(bundle)}): verify it with that one",
            )
        raise BundleError(bundle_paths.RECORD, f"{_first_unlike(ours, theirs)} is not what the events come to")
    case = ours["tables"].get(CASE, {}).get(ours["case"])
    if case is None or case.get("state") != state_of(events):
        raise BundleError(bundle_paths.RECORD, "its state of the case is not the one to which the events have moved it")
    return f"{len(events)} events come to it"


def _form(record: bytes) -> Any:
    """Return the form that a record names; 1 if it names none."""
    try:
        told = json.loads(record)
    except (ValueError, RecursionError):
        return FORM  # `_first_unlike` reports that it is not JSON
    return told.get("form", 1) if isinstance(told, dict) else FORM


def _downloads(bundle: Bundle, events: Sequence[Told]) -> dict[str, Any] | None:
    """Return the newest summary of downloads that an event binds, in the record's form."""
    bound = newest_summary(events)
    if bound is None or bound["name"] not in bundle.paths:
        return None
    content = json.loads(bundle.whole(str(bound["name"]), LONGEST_PAYLOAD))
    return {"sha256": bound["sha256"], "content": content}


def _first_unlike(ours: Any, raw: bytes) -> str:
    """Return the path of the first difference, such as `tables.entitlement`."""
    try:
        theirs, path = json.loads(raw), ""
    except (ValueError, RecursionError):
        return "it is no JSON and"
    while isinstance(ours, dict) and isinstance(theirs, dict):
        names = sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
        if not names:
            break
        path, ours, theirs = f"{path}.{names[0]}", ours.get(names[0]), theirs.get(names[0])
    return path.lstrip(".") or "its form"


def pages(bundle: Bundle, again: PageMaker | None) -> str:
    """Check that the page has the digest of `record.json`, and, if *again* is of the same version, that each page follows from it."""
    if bundle_paths.SEALED in bundle.paths:
        bundle.notes.append(
            (
                f"NOT SHOWN: whether {bundle_paths.SEALED}, which the operator's own seal is on, says the same: read {bundle_paths.PRINTED}",
                f"検証対象外: {bundle_paths.SEALED} (運用者自身の電子署名) の内容。{bundle_paths.PRINTED}を読んでください。",
            )
        )
    if bundle_paths.RECORD not in bundle.paths:
        return "there is no record.json to hold them against"
    for name in sorted(bundle_paths.PAGES - bundle.paths):
        raise BundleError(name, "it is missing")
    if bundle.sha256(bundle_paths.RECORD) not in bundle.whole(bundle_paths.PAGE, _LONGEST_PAGE).decode(
        "utf-8", "replace"
    ):
        raise BundleError(bundle_paths.PAGE, f"it does not have the digest of {bundle_paths.RECORD}")
    made_by = _made_by(bundle)
    if again is None or made_by != again.made_by:
        return f"they have its digest; made by {made_by}, which alone can make them again"
    found = again.unlike(
        bundle.whole(bundle_paths.RECORD, LONGEST_PAYLOAD), lambda name: bundle.whole(name, _LONGEST_PAGE)
    )
    if found is not None:
        raise BundleError(found, f"it is not what {bundle_paths.RECORD} makes")
    return f"made again from {bundle_paths.RECORD} by {made_by}: the same"


def _made_by(bundle: Bundle) -> str | None:
    versions = [(payload or {}).get("made_by") for said, payload in told_by(bundle) if said["type"] == E.CASE_EXPORTED]
    return versions[-1] if versions else None


def lines(events: Sequence[Told]) -> Iterator[Line]:
    """Yield what a reader must know before relying on the record.  A case that ended well has one line."""
    state, tables = state_of(events), tables_of(events)
    if state == "closed":
        at = _newest(events, "moved_at", E.CASE_CLOSED) or _newest(events, "time", E.CASE_CLOSED)
        yield f"CLOSED at {at}", f"終結: {at}"
    else:
        yield f"NOT CLOSED: the case is {state}", f"未終結: 案件の状態は{state}"
    if _newest(events, "for_real") is not True:
        yield "PLAN ONLY: nobody decided that anything be taken away", "計画のみ: 実施の決定なし"
    if tables.whole:
        yield from _of_rows(tables.rows)
    else:
        yield (
            "NOT SHOWN: accounts, access and findings: the version that wrote this has not sealed them, the pages are the operator's word",
            "検証対象外: アカウント・権限・指摘 (作成時の版では封緘されず、ページは運用者の申告)",
        )
    adopted = [said["time"] for said, _ in events if said.get("scope") == ADOPTED]
    if adopted:
        yield (
            f"SEALED SINCE {adopted[0]} ONLY: an earlier version opened the case, what it held then is the operator's word",
            f"封緘は{adopted[0]}以降のみ: 旧版で開始された案件のため、それ以前の内容は運用者の申告",
        )
    yield from _of_people(events)
    if tables.unfit:
        yield f"NOT READABLE: {len(tables.unfit)} events", f"読めない事象: {len(tables.unfit)}件"


def _newest(events: Sequence[Told], field: str, kind: E | None = None) -> Any:
    """Return *field* of the last event (of a *kind*) that has it.  Plans are skipped: their `for_real` decides nothing."""
    told = [
        said[field]
        for said, _ in events
        if field in said and (said["type"] == kind or kind is None) and said["type"] != E.PLAN_SEALED
    ]
    return told[-1] if told else None


def _of_rows(tables: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[Line]:
    if count := sum(row.get("resolved_at") is None for row in tables.get("finding", {}).values()):
        yield f"FINDINGS OPEN: {count}", f"未解決の指摘: {count}件"
    ours = {
        (a["connection"], a["vendor_id"]) for a in tables.get("account", {}).values() if a["standing"] == "accepted"
    }
    rows = tables.get("entitlement", {}).values()
    states = [row["state"] for row in rows if (row["connection"], row["account_id"]) in ours]
    if unseen := sum(state != _SEEN and state not in _SIGNED for state in states):
        yield f"NOT SEEN CLOSED: {unseen} of {len(states)} rows", f"停止未確認: {len(states)}行中{unseen}行"
    if signed := sum(state in _SIGNED for state in states):
        yield (
            f"SIGNED FOR, NOT SEEN: {signed} of {len(states)} rows rest on a waiver or an attestation",
            f"署名による承認 (確認なし): {len(states)}行中{signed}行",
        )


def _of_people(events: Sequence[Told]) -> Iterator[Line]:
    signers = [(payload or {}).get("by") for _, payload in events]
    if count := sum(isinstance(by, dict) and by.get("authenticated_by") == _NOBODY for by in signers):
        yield (
            f"UNAUTHENTICATED: {count} acts of people of whom nobody made sure who they are",
            f"本人確認なし: {count}件の操作",
        )
    if any(said["type"] == E.PAYLOAD_ERASED for said, _ in events):
        yield (
            "ERASED: what people did before the erasure is counted in no line above",
            "消去済み: 消去前の人の操作は上に含まれない",
        )


def summed_up(bundle: Bundle) -> list[Line]:
    """Return the lines of the verdict, or one line that says that a payload cannot be read."""
    try:
        return [*lines(told_by(bundle))]
    except UNFIT:
        return [("NOT READABLE: a payload is not what lastday writes", "読めない個人データあり")]
