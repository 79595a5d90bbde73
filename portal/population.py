"""The population as a sheet with one line for each account, and as a signed statement about that sheet."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

from audit.certificate import STATEMENT, Stamper, seal
from audit.certificate_keys import CertificateSigner
from audit.fields import Json
from audit.leaf import canonical, stamp
from audit.verify.population import PREDICATE
from casework.population.facts import CommitmentOpening, PeriodDeparture, Population
from casework.view.access import Account
from models.vocabulary import Standing

COLUMNS = (
    "case", "in_sample", "employee_no", "kind", "employment_ends_on", "reported_by", "notices", "notice_received_at",
    "hr_source_sha256", "state", "closed_at", "open_findings", "service", "connection", "account_id", "account", "account_kind", "match_reason",
    "match_facts", "match_contradictions", "due_at", "commanded_at", "effective_cutoff_at", "cut_effective_by", "exposure_minutes", "sla_minutes",
    "sla_met", "policy_sha256", "rows", "waived_rows", "difference",
)  # fmt: skip
"""The sheet's columns; `docs/controls.md` says which control each one answers."""
_BOM = b"\xef\xbb\xbf"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def sheet(population: Population) -> bytes:
    """
    Return the CSV: UTF-8 with a byte order mark, one line for each account, one line for a case without accounts.

    A cell that a spreadsheet would take for a formula begins with an apostrophe.
    """
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for line in lines(population):
        writer.writerow([safe(line[name]) for name in COLUMNS])
    return _BOM + written.getvalue().encode()


def lines(population: Population) -> Iterator[dict[str, str]]:
    sampled = set(population.sample.cases) if population.sample is not None else set()
    why: dict[str, list[str]] = {}
    for difference in population.differences:
        why.setdefault(difference.subject, []).append(difference.text)
    for entry in population.entries:
        told = dict(entry) | {"in_sample": entry.case in sampled, "difference": "; ".join(why.get(entry.case, ()))}
        taken = [_of_account(account) for account in entry.accounts if account.standing is Standing.ACCEPTED]
        for account in taken or [{}]:
            line = told | account
            yield {name: _text(line.get(name)) for name in COLUMNS}


def safe(text: str) -> str:
    """Return *text* so that no spreadsheet runs it."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _of_account(account: Account) -> dict[str, object]:
    return (
        dict(account.timing)
        | {f"match_{name}": told for name, told in account.match}
        | {
            "service": account.service,
            "connection": account.connection,
            "account_id": account.id,
            "account": account.label,
            "account_kind": account.kind,
            "rows": len(account.entitlements),
            "waived_rows": account.timing.exceptions,
        }
    )


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return stamp(value)
        case tuple():
            return " ".join(map(str, value))
        case _:
            return str(value)


def attest(
    population: Population,
    name: str,
    written: bytes,
    signer: CertificateSigner,
    stamper: Stamper | None,
    former: str | None,
) -> bytes:
    """
    Return a Sigstore bundle, signed with the certificate's key and stamped: an in-toto Statement about the sheet *written*, called *name*.

    It adds the period, the log's head, the values that open each case's commitment, the tie-out, the differences, HR's extract, how
    the sample was drawn, and the *former* statement for the same period.  `audit.verify.population` compares it with the log.
    """
    subject: dict[str, Json] = {"name": name, "digest": {"sha256": hashlib.sha256(written).hexdigest()}}
    said = statement(population) | {"former": former, "kind_column": population.kind_column, **_openings(population)}
    payload = canonical({"_type": STATEMENT, "subject": [subject], "predicateType": PREDICATE, "predicate": said})
    return seal(payload, signer, stamper)


def _openings(population: Population) -> dict[str, Json]:
    """Return every case of the log: with the person if it is of the period, else only with the last day."""
    inside = {entry.case: entry for entry in population.entries}
    others = [case for case in population.openings if case not in inside]
    return {
        "cases": [
            _opened(case, population.openings[case]) | _of_entry(entry) for case, entry in sorted(inside.items())
        ],
        "others": [_opened(case, population.openings[case], hidden=True) for case in sorted(others)],
    }


def _opened(case: str, opening: CommitmentOpening, *, hidden: bool = False) -> dict[str, Json]:
    told: dict[str, Json] = {"case": case, "day": str(opening.day)}
    if opening.commitment is None or opening.person is None:
        return told
    person = opening.person
    told |= {"salt": opening.commitment.salt}
    if hidden:
        return told | {"person": person.sha256}
    return told | {
        "company": person.company, "employee_no": person.employee_no, "name": person.name, "person_salt": person.salt,
    }  # fmt: skip


def _of_entry(entry: PeriodDeparture) -> dict[str, Json]:
    return {
        "kind": entry.kind,
        "state": entry.state,
        "notices": entry.notices,
        "closed_at": stamp(entry.closed_at) if entry.closed_at is not None else None,
        "seen_closed": entry.seen_closed,
    }


def statement(population: Population) -> dict[str, Json]:
    """Return the population's statement as JSON, which is also the command's answer."""
    extract, sample = population.extract, population.sample
    return {
        "from": str(population.from_on),
        "to": str(population.to_on),
        "read_at": stamp(population.read_at),
        "log": asdict(population.head),
        "tie_out": dict(population.tie_out),
        "ties": not population.differences,
        "differences": [asdict(difference) for difference in population.differences],
        "cases": [entry.case for entry in population.entries],
        "hr_extract": asdict(extract) if extract is not None else None,
        "sample": {**asdict(sample), "cases": list(sample.cases)} if sample is not None else None,
    }
