"""
The statement of a population, held against the log: every case that the log opened is accounted for, and is what the log says.

Needs the statement with its sheet, a checkpoint with its entries (a bundle's `log/`, or `lastday trail export`), and the trust
material.  Leaves alone are read: what they do not name, the statement opens (`audit.commitment`).
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit import certificate
from audit.certificate import CertificateError
from audit.commitment import Commitment, Person, folded_number
from audit.events import EventType as E
from audit.pinning import pinned
from audit.record import SEALED, moved_to
from audit.timestamp import StampRefused
from audit.timestamp import verify as verify_stamp
from audit.verify.report import UNFIT, Fault, Unreadable
from audit.verify.trust import Trust, read_trust
from audit.verify.walk import ENTRIES, Line, read_folder

PREDICATE = "https://lastday.example/population/v2"
ENDING = ".sigstore.json"
"""Of the statement's file, behind the sheet's name."""
TOLD_AS = "population" + ENDING
"""What the log calls a statement."""
LONGEST = 1 << 30
NOT_DEPARTURES = frozenset({"leave", "withdrawn", "continued"})
"""Kinds of cases in which nobody leaves."""
_SETTLED = frozenset({"observed_closed", "attested", "waived"})


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is not as stated: of which *subject*, a case or a file."""

    subject: str
    what: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.what}"


@dataclass(slots=True)
class Stated:
    """
    What was found.  *statement*: the predicate; believe it if nothing is *wrong*.

    *notes*: what it does not show, and whether a later one was made.
    """

    statement: Mapping[str, Any] = field(default_factory=dict)
    wrong: list[Wrong] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Case:
    """What leaves say of a case, up to the statement's head.  *signed_in*: by account the last word on its sign-in."""

    line: int
    kind: str = ""
    state: str = ""
    closed_at: str | None = None
    notices: int = 0
    commitment: str = ""
    sealed: bool = False
    erased: bool = False
    accounts: dict[str, str] = field(default_factory=dict)
    signed_in: dict[str, str] = field(default_factory=dict)

    def take(self, said: Mapping[str, Any]) -> None:
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
        if said["type"] in {E.CASE_OPENED, E.CASE_CORRECTED, E.CASE_RESCHEDULED}:
            self.commitment = str(said.get("person_commitment", self.commitment))
        self.state = moved_to(said) or self.state

    @property
    def seen_closed(self) -> bool:
        """Whether it closed, and the sign-in of each account of the leaver was seen closed, or signed for."""
        theirs = [ref for ref, standing in self.accounts.items() if standing == "accepted"]
        return self.state == "closed" and all(self.signed_in.get(ref) in _SETTLED for ref in theirs)


@dataclass(slots=True)
class _Log:
    """The cases up to the statement's head, how many were opened *since*, and the statements told of: line to (from, to, digest)."""

    cases: dict[str, _Case] = field(default_factory=dict)
    since: int = 0
    told: dict[int, tuple[str, str, str]] = field(default_factory=dict)

    def take(self, line: Line, size: int) -> None:
        said = line.said
        if said["type"] == E.CASE_POPULATION:
            for one in said.get("evidence", ()):
                self.told[line.idx] = (said.get("from_at", ""), said.get("until_at", ""), str(one.get("sha256")))
        self.since += said["type"] == E.CASE_OPENED and line.idx >= size
        if line.idx < size and (said["type"] == E.CASE_OPENED or said["case"] in self.cases):
            self.cases.setdefault(said["case"], _Case(line.idx + 1)).take(said)


def verify_population(sheet: Path, log: Path, trust: Path) -> Stated:
    """
    Hold the statement beside *sheet* against the log in the folder *log*, believing what lies in *trust* alone.

    Every difference is named, not the first alone.  Raises `Unreadable` for what cannot be read at all.
    """
    found, believed = Stated(), read_trust(trust, log)
    found.notes += believed.unasked
    raw = _read(sheet.with_name(sheet.name + ENDING))
    try:
        found.statement = _statement(raw, believed, sheet)
        entries = _log(found, log, believed)
    except Fault as fault:
        found.wrong.append(Wrong(fault.file, fault.what))
        return found
    try:
        found.wrong += [*_named(found, raw, entries), *_of_cases(found, entries.cases)]
        found.wrong += [*_of_sheet(found.statement, _read(sheet)), *_of_counts(found.statement)]
    except UNFIT as exc:
        found.wrong.append(Wrong(sheet.name + ENDING, f"it lacks what a statement must tell: {type(exc).__name__}"))
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise Unreadable(f"population: cannot read {path.name}: {exc.strerror}") from exc


def _statement(raw: bytes, trust: Trust, sheet: Path) -> Mapping[str, Any]:
    """Return the predicate that a known key has signed, of this very sheet, under a stamp if those are asked for."""
    name = sheet.name + ENDING
    try:
        payload, signature, stamp = certificate.open_statement(raw, trust.keys, LONGEST)
        _stamped(stamp, signature, trust)
        said = json.loads(payload)
        (subject,) = said["subject"]
        predicate: Mapping[str, Any] = said["predicate"]
    except (CertificateError, StampRefused, *UNFIT) as exc:
        raise Fault(name, f"it is no statement that can be trusted: {exc}") from exc
    if said["predicateType"] != PREDICATE:
        raise Fault(name, "it states something else than a population of this version")
    if subject["digest"]["sha256"] != hashlib.sha256(_read(sheet)).hexdigest():
        raise Fault(sheet.name, "it is not the sheet that the statement is about")
    return predicate


def _stamped(stamp: bytes | None, signature: bytes, trust: Trust) -> None:
    """Raise `StampRefused` unless an authority has stamped the signature, if the auditor asks for stamps."""
    if not trust.roots:
        return
    if stamp is None or pinned(stamp) != stamp:
        raise StampRefused("it bears no time stamp in the one form that it has")
    verify_stamp(stamp, signature, trust.roots)


def _log(found: Stated, folder: Path, trust: Trust) -> _Log:
    """Return what the log says, of which the statement's head is an earlier state."""
    stated, entries, roots = found.statement["log"], _Log(), dict[int, str]()

    def see(line: Line) -> None:
        entries.take(line, stated["size"])
        if line.tree.size == stated["size"]:
            roots[line.tree.size] = base64.b64encode(line.tree.root()).decode()

    head, cosigned = read_folder(folder, trust, see)
    if not cosigned:
        found.notes.append(
            "witnesses: this head bears too few cosignatures; take a bundle's log/ for one that is cosigned"
        )
    if (stated["origin"], stated["root"]) != (head.origin, roots.get(stated["size"])):
        raise Fault(ENTRIES, "the statement's head is no earlier state of this log")
    if entries.since:
        found.notes.append(
            f"{entries.since} cases were opened after the statement's head ({stated['size']} of {head.size} entries)"
        )
    return entries


def _named(found: Stated, raw: bytes, entries: _Log) -> Iterator[Wrong]:
    """Hold the statement against those that the log tells of: itself, and those for the same period before and after it."""
    statement, digest = found.statement, hashlib.sha256(raw).hexdigest()
    period = (_day(statement["from"]), _day(statement["to"]))
    same = {line: told[2] for line, told in entries.told.items() if told[:2] == period}
    own = next((line for line, sha256 in same.items() if sha256 == digest), None)
    if own is None:
        yield Wrong(TOLD_AS, "the log does not tell of this statement")
        return
    former = next((same[line] for line in sorted(same, reverse=True) if line < own), None)
    if statement["former"] != former:
        yield Wrong(
            TOLD_AS,
            f"the statement before it for this period is {former or 'none'}, and it names {statement['former'] or 'none'}",
        )
    found.notes += [
        f"line {line + 1} of the log tells of a later statement for this period, {same[line]}"
        for line in same
        if line > own
    ]


def _day(day: str) -> str:
    return f"{day}T00:00:00.000Z"


def _of_cases(found: Stated, cases: Mapping[str, _Case]) -> Iterator[Wrong]:
    statement = found.statement
    listed = Counter(one["case"] for one in (*statement["cases"], *statement["others"]))
    yield from (Wrong(case, "it is listed twice") for case, times in listed.items() if times > 1)
    for name in sorted(cases.keys() - listed.keys()):
        yield Wrong(
            name, f"it is hidden: line {cases[name].line} of the log opened it, and the statement does not list it"
        )
    for inside in (True, False):
        for one in statement["cases" if inside else "others"]:
            if (case := cases.get(one["case"])) is None:
                yield Wrong(one["case"], "no line of the log up to the statement's head opened it")
            else:
                yield from _of_case(found, one, case, inside=inside)


def _of_case(found: Stated, one: Mapping[str, Any], case: _Case, *, inside: bool) -> Iterator[Wrong]:
    yield from _opened(found, one, case)
    within = found.statement["from"] <= one["day"] <= found.statement["to"] and case.kind not in NOT_DEPARTURES
    if within is not inside:
        yield Wrong(one["case"], f"its place is {'in' if within else 'outside'} the period: {case.kind}, {one['day']}")
    if inside:
        yield from _as_logged(one, case)


def _opened(found: Stated, one: Mapping[str, Any], case: _Case) -> Iterator[Wrong]:
    """Open the commitment to the case's person and day."""
    if "salt" not in one:
        if case.sealed and not case.erased:
            yield Wrong(
                one["case"], "the statement does not open its commitment, and the log does not say that it was erased"
            )
        found.notes.append(
            f"{one['case']}: person and last day ({'erased' if case.erased else 'of an earlier version'}): the operator's word"
        )
        return
    person = one.get("person") or Person(one["company"], one["employee_no"], one["name"], one["person_salt"]).sha256
    if Commitment(one["day"], person, one["salt"]).sha256 != case.commitment:
        yield Wrong(one["case"], "person and last day are not those that the log commits to")


def _as_logged(one: Mapping[str, Any], case: _Case) -> Iterator[Wrong]:
    ours = {"kind": case.kind, "state": case.state, "notices": case.notices, "closed_at": case.closed_at}
    for name, value in ours.items():
        if one[name] != value:
            yield Wrong(
                one["case"],
                f"{name}: {one[name] if one[name] is not None else '-'} as stated, {value or '-'} in the log",
            )
    if one["seen_closed"] and not case.seen_closed:
        yield Wrong(
            one["case"],
            "seen closed as stated; in the log it is not closed, or the sign-in of an account was not seen closed",
        )


def _of_sheet(statement: Mapping[str, Any], sheet: bytes) -> Iterator[Wrong]:
    """Hold the sheet's lines against the statement."""
    stated = {one["case"]: one for one in statement["cases"]}
    lines = [*csv.DictReader(io.StringIO(sheet.decode("utf-8-sig"), newline=""))]
    for case in sorted({line["case"] for line in lines} ^ stated.keys()):
        yield Wrong(case, "sheet and statement do not both list it")
    for line in lines:
        one = stated.get(line["case"], {})
        told = {
            "kind": "kind",
            "state": "state",
            "employment_ends_on": "day",
            "notices": "notices",
            "closed_at": "closed_at",
        }
        for column, name in told.items():
            if one and line[column] != str(one[name] if one[name] is not None else ""):
                yield Wrong(line["case"], f"{column} is {line[column]} in the sheet, {one[name]} in the statement")
        if "employee_no" in one and folded_number(line["employee_no"].removeprefix("'")) != one["employee_no"]:
            yield Wrong(line["case"], "its employee number in the sheet is not the statement's")


def _of_counts(statement: Mapping[str, Any]) -> Iterator[Wrong]:
    cases = statement["cases"]
    states = Counter(one["state"] for one in cases)
    ours = {
        "notified": sum(one["notices"] > 0 for one in cases), "cases": len(cases), "withdrawn": states["withdrawn"],
        "seen_closed": sum(bool(one["seen_closed"]) for one in cases), "restored": states["restored"],
    }  # fmt: skip
    for name, count in ours.items():
        if statement["tie_out"][name] != count:
            yield Wrong("tie-out", f"{name}: {statement['tie_out'][name]} as stated, {count} listed")
