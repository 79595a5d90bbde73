"""
Verify the statement of a population: it must list every case that the log opened, with the log's own data.

Needs the statement with its sheet, a checkpoint with its entries (a bundle's `log/`, or `lastday trail export`), and the trust
material.  Reads only the log's leaves; the statement opens their commitments to person and day (`audit.commitment`).
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from audit import certificate
from audit.canonical_stamp import pinned
from audit.certificate import CertificateError
from audit.commitment import Commitment, CommittedPerson, folded_number
from audit.merkle import Frontier
from audit.timestamp import StampRefused
from audit.timestamp import verify as verify_stamp
from audit.verify.log_history import CaseHistory, LogHistory
from audit.verify.report import UNFIT, BundleError, UnreadableBundle
from audit.verify.trust import Trust, read_trust
from audit.verify.whole_log import ENTRIES, LogLine, read_folder

PREDICATE = "https://lastday.example/population/v2"
ENDING = ".sigstore.json"
"""The statement's file name is the sheet's with this ending."""
TOLD_AS = "population" + ENDING
"""The name of a statement in the log's events."""
LONGEST = 1 << 30
NOT_DEPARTURES = frozenset({"leave", "withdrawn", "continued"})
"""Kinds of cases that are no departures."""
_PERSON = {"company", "employee_no", "name", "person_salt"}
_AT_ONCE = timedelta(hours=1)
"""How soon after its head a statement must be recorded in the log.  A choice: an export takes minutes, not hours."""


@dataclass(frozen=True, slots=True)
class StatementDifference:
    """A difference between statement and log.  *subject*: a case or a file."""

    subject: str
    what: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.what}"


@dataclass(slots=True)
class StatementReport:
    """
    The result.  *statement*: the predicate; trust it only if *wrong* is empty.

    *notes*: what the statement does not show, and other statements for the same days.
    """

    statement: Mapping[str, Any] = field(default_factory=dict)
    wrong: list[StatementDifference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify_population(sheet: Path, log: Path, trust: Path) -> StatementReport:
    """
    Compare the statement beside *sheet* with the log in the folder *log*, and trust only the material in *trust*.

    Lists every difference, not only the first.  Raises `UnreadableBundle` if a file cannot be read.
    """
    found, believed, name = StatementReport(), read_trust(trust, log), sheet.name + ENDING
    found.notes += believed.unasked
    raw, written = _read(sheet.with_name(name)), _read(sheet)
    try:
        found.statement = _statement(raw, believed, sheet.name, written)
        entries = _log(found, log, believed)
        found.notes += entries.remarks
        found.wrong += [*_named(found, raw, entries), *_of_cases(found, entries.cases)]
        found.wrong += [*_of_sheet(found.statement, written), *_of_counts(found.statement)]
    except BundleError as fault:
        found.wrong.append(StatementDifference(fault.file, fault.what))
    except (*UNFIT, csv.Error) as exc:
        found.wrong.append(StatementDifference(name, f"it lacks a field of a statement: {type(exc).__name__}"))
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise UnreadableBundle(f"population: cannot read {path.name}: {exc.strerror}") from exc


def _statement(raw: bytes, trust: Trust, sheet: str, written: bytes) -> Mapping[str, Any]:
    """Return the predicate that a known key has signed for this very sheet, with a stamp if the trust material has roots."""
    try:
        payload, signature, stamp = certificate.open_statement(raw, trust.keys, LONGEST)
        _stamped(stamp, signature, trust)
    except (CertificateError, StampRefused) as exc:
        raise BundleError(sheet + ENDING, f"it is no statement that can be trusted: {exc}") from exc
    said = json.loads(payload)
    if said["predicateType"] != PREDICATE:
        raise BundleError(sheet + ENDING, "it states something else than a population of this version")
    if said["subject"] != [{"name": sheet, "digest": {"sha256": hashlib.sha256(written).hexdigest()}}]:
        raise BundleError(sheet, "it is not the sheet that the statement is about")
    predicate: Mapping[str, Any] = said["predicate"]
    return predicate


def _stamped(stamp: bytes | None, signature: bytes, trust: Trust) -> None:
    """Raise `StampRefused` unless an authority has stamped the signature, if the auditor asks for stamps."""
    if not trust.roots:
        return
    if stamp is None or pinned(stamp) != stamp:
        raise StampRefused("it has no time stamp in its one form")
    verify_stamp(stamp, signature, trust.roots)


def _log(found: StatementReport, folder: Path, trust: Trust) -> LogHistory:
    """Return the log's cases and statements.  Raises `BundleError` unless the statement's head is an earlier state of this log."""
    stated, roots = found.statement["log"], {0: Frontier().root()}
    entries = LogHistory(int(stated["size"]))

    def see(line: LogLine) -> None:
        entries.take(line)
        if line.tree.size == entries.size:
            roots[entries.size] = line.tree.root()

    head, cosigned = read_folder(folder, trust, see)
    if not cosigned:
        found.notes.append(
            "witnesses: this head has too few cosignatures; take a bundle's log/, whose head is cosigned"
        )
    root = base64.b64encode(roots[entries.size]).decode() if entries.size in roots else None
    if stated != {"origin": head.origin, "size": entries.size, "root": root}:
        raise BundleError(ENTRIES, "the statement's head is no earlier state of this log")
    return entries


def _named(found: StatementReport, raw: bytes, entries: LogHistory) -> Iterator[StatementDifference]:
    """Check that the log records this statement in time, and that it names the statement before it for the same days."""
    statement, digest = found.statement, hashlib.sha256(raw).hexdigest()
    own = next((told for told in entries.told if told.sha256 == digest), None)
    if own is None or (own.from_on, own.to_on) != (statement["from"], statement["to"]):
        yield StatementDifference(TOLD_AS, "the log does not record this statement")
        return
    if entries.went_on_at is not None and own.at - entries.went_on_at > _AT_ONCE:
        yield StatementDifference(
            TOLD_AS,
            f"its head is older than it: {own.line - 1 - entries.size} entries came before the log recorded it",
        )
    same = [told for told in entries.told if (told.from_on, told.to_on) == (own.from_on, own.to_on)]
    former = next((told.sha256 for told in reversed(same) if told.line < own.line), None)
    if statement["former"] != former:
        yield StatementDifference(
            TOLD_AS,
            f"the statement before it for this period is {former or 'none'}, and it names {statement['former'] or 'none'}",
        )
    for told in entries.told:
        if (told.line > own.line and told in same) or (
            told not in same and told.from_on <= own.to_on and told.to_on >= own.from_on
        ):
            found.notes.append(
                f"line {told.line} of the log records a statement for {told.from_on} to {told.to_on}, {told.sha256}"
            )


def _of_cases(found: StatementReport, cases: Mapping[str, CaseHistory]) -> Iterator[StatementDifference]:
    statement = found.statement
    listed = Counter(one["case"] for one in (*statement["cases"], *statement["others"]))
    yield from (StatementDifference(case, "it is listed twice") for case, times in listed.items() if times > 1)
    for name in sorted(cases.keys() - listed.keys()):
        yield StatementDifference(
            name, f"it is hidden: line {cases[name].line} of the log opened it, and the statement does not list it"
        )
    for inside in (True, False):
        for one in statement["cases" if inside else "others"]:
            if (case := cases.get(one["case"])) is None:
                yield StatementDifference(one["case"], "no line of the log up to the statement's head opened it")
            else:
                yield from _of_case(found, one, case, inside=inside)


def _of_case(
    found: StatementReport, one: Mapping[str, Any], case: CaseHistory, *, inside: bool
) -> Iterator[StatementDifference]:
    yield from (StatementDifference(one["case"], odd) for odd in case.odd)
    found.notes += [f"{one['case']}: {note}" for note in case.notes]
    yield from _opened(found, one, case, inside=inside)
    within = found.statement["from"] <= one["day"] <= found.statement["to"] and case.kind not in NOT_DEPARTURES
    if within is not inside:
        yield StatementDifference(
            one["case"], f"its place is {'in' if within else 'outside'} the period: {case.kind}, {one['day']}"
        )
    if inside:
        yield from _as_logged(one, case)


def _opened(
    found: StatementReport, one: Mapping[str, Any], case: CaseHistory, *, inside: bool
) -> Iterator[StatementDifference]:
    """Open the commitment to the case's day, and *inside* the period to its person."""
    if "salt" not in one:
        if case.sealed and not case.erased:
            yield StatementDifference(
                one["case"], "the statement does not open its commitment, and the log does not say that it was erased"
            )
        why = "erased" if case.erased else "of an earlier version"
        found.notes.append(f"{one['case']}: person and last day ({why}): the operator's word")
        return
    if inside and not one.keys() >= _PERSON:
        yield StatementDifference(one["case"], "the statement does not name its person")
        return
    person = (
        CommittedPerson(one["company"], one["employee_no"], one["name"], one["person_salt"]).sha256
        if inside
        else one["person"]
    )
    if Commitment(one["day"], person, one["salt"]).sha256 != case.commitment:
        yield StatementDifference(one["case"], "person and last day are not those that the log commits to")


def _as_logged(one: Mapping[str, Any], case: CaseHistory) -> Iterator[StatementDifference]:
    ours = {"kind": case.kind, "state": case.state, "notices": case.notices, "closed_at": case.closed_at}
    for name, value in ours.items():
        if one[name] != value:
            yield StatementDifference(
                one["case"],
                f"{name}: {one[name] if one[name] is not None else '-'} as stated, {value or '-'} in the log",
            )
    if one["seen_closed"] and not case.seen_closed:
        yield StatementDifference(
            one["case"],
            "seen closed as stated; in the log it is not closed, or the sign-in of an account was not seen closed",
        )


def _of_sheet(statement: Mapping[str, Any], sheet: bytes) -> Iterator[StatementDifference]:
    """Compare the sheet's lines with the statement."""
    stated = {one["case"]: one for one in statement["cases"]}
    reader = csv.DictReader(io.StringIO(sheet.decode("utf-8-sig"), newline=""))
    lines, columns = [*reader], Counter(reader.fieldnames or ())
    if any(times > 1 for times in columns.values()) or any(None in line or None in line.values() for line in lines):
        yield StatementDifference("sheet", "its lines and its headings are not of one form")
        return
    for case in sorted({line["case"] for line in lines} ^ stated.keys()):
        yield StatementDifference(case, "sheet and statement do not both list it")
    sampled = set((statement["sample"] or {}).get("cases", ()))
    explained = {one["subject"] for one in statement["differences"]}
    for line in lines:
        yield from _of_line(line, stated.get(line["case"], {}))
        if line["in_sample"] != ("yes" if line["case"] in sampled else "no"):
            yield StatementDifference(line["case"], "in_sample is not what the sample says")
        if bool(line["difference"]) is not (line["case"] in explained):
            yield StatementDifference(line["case"], "its difference in the sheet is not the statement's")


def _of_line(line: Mapping[str, str], one: Mapping[str, Any]) -> Iterator[StatementDifference]:
    told = {
        "kind": "kind",
        "state": "state",
        "employment_ends_on": "day",
        "notices": "notices",
        "closed_at": "closed_at",
    }
    for column, name in told.items():
        if one and line[column] != str(one[name] if one[name] is not None else ""):
            yield StatementDifference(
                line["case"], f"{column} is {line[column]} in the sheet, {one[name]} in the statement"
            )
    if "employee_no" in one and folded_number(line["employee_no"]) != one["employee_no"]:
        yield StatementDifference(line["case"], "its employee number in the sheet is not the statement's")


def _of_counts(statement: Mapping[str, Any]) -> Iterator[StatementDifference]:
    """Count again, check that a difference explains each case that is not seen closed, and draw the sample again."""
    cases, differences, extract, sample = (statement[name] for name in ("cases", "differences", "hr_extract", "sample"))
    states = Counter(one["state"] for one in cases)
    ours = {
        "notified": sum(one["notices"] > 0 for one in cases), "cases": len(cases), "withdrawn": states["withdrawn"],
        "seen_closed": sum(bool(one["seen_closed"]) for one in cases), "restored": states["restored"], "differences": len(differences),
    } | ({"hr_extract": extract["in_period"]} if extract else {})  # fmt: skip
    for name in sorted({*ours, *statement["tie_out"]}):
        if statement["tie_out"].get(name) != ours.get(name):
            yield StatementDifference(
                "tie-out", f"{name}: {statement['tie_out'].get(name)} as stated, {ours.get(name)} listed"
            )
    people = {(one["employee_no"], one["day"]) for one in cases if "employee_no" in one}
    if extract and not differences and not len(people) <= extract["in_period"] <= len(cases):
        yield StatementDifference(
            "tie-out",
            f"hr_extract: {extract['in_period']} rows as stated, {len(cases)} cases, and no difference explains it",
        )
    explained = {one["subject"] for one in differences}
    for one in cases:
        if not one["seen_closed"] and one["case"] not in explained:
            yield StatementDifference(one["case"], "it is not seen closed, and no difference explains it")
    if statement["ties"] is not (not differences):
        yield StatementDifference(
            "tie-out",
            "it ties as stated, over differences" if differences else "it does not tie as stated, without a difference",
        )
    if not isinstance(statement["kind_column"], str) or (extract and not isinstance(extract["sha256"], str)):
        raise TypeError(statement["kind_column"])
    if sample and (sample["size"] < 1 or sample["cases"] != _drawn(sample, cases)):
        yield StatementDifference("sample", "seed and size draw other cases")


def _drawn(sample: Mapping[str, Any], cases: Sequence[Mapping[str, Any]]) -> list[str]:
    """Draw the sample again: the first *size* cases by SHA-256 of seed and case."""
    places = {
        hashlib.sha256(f"{sample['seed']}\n{one['case']}".encode()).hexdigest(): str(one["case"]) for one in cases
    }
    return [places[place] for place in sorted(places)[: sample["size"]]]
