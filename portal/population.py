"""The population as a sheet, one line an account, and as a signed statement about exactly that sheet."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

from audit.certificate import STATEMENT, envelope, pae
from audit.certificate_keys import CertificateSigner
from audit.fields import Json
from audit.leaf import canonical, stamp
from casework.population.facts import Population
from casework.view.access import Account
from models.vocabulary import Standing

PREDICATE = "https://lastday.example/population/v1"
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
    Return the CSV: UTF-8 with a byte order mark, one line an account, a line for a case without any.

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


def attest(population: Population, name: str, written: bytes, signer: CertificateSigner) -> bytes:
    """
    Return a DSSE envelope, signed with the certificate's key: an in-toto Statement about the sheet *written*, called *name*.

    It says what the sheet cannot: the period, the tie-out, the differences, HR's extract, how the sample was drawn.
    """
    subject: dict[str, Json] = {"name": name, "digest": {"sha256": hashlib.sha256(written).hexdigest()}}
    payload = canonical(
        {"_type": STATEMENT, "subject": [subject], "predicateType": PREDICATE, "predicate": statement(population)}
    )
    return json.dumps(envelope(payload, signer.sign(pae(payload))), indent=1).encode() + b"\n"


def statement(population: Population) -> dict[str, Json]:
    """Return what is known of the population as a whole, as JSON: also the command's answer."""
    extract, sample = population.extract, population.sample
    return {
        "from": str(population.from_on),
        "to": str(population.to_on),
        "read_at": stamp(population.read_at),
        "log": population.origin,
        "tie_out": dict(population.tie_out),
        "ties": not population.differences,
        "differences": [asdict(difference) for difference in population.differences],
        "cases": [entry.case for entry in population.entries],
        "hr_extract": asdict(extract) if extract is not None else None,
        "sample": {**asdict(sample), "cases": list(sample.cases)} if sample is not None else None,
    }
