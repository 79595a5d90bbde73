"""
Whom a notice speaks of: the cases of its number, whether they are this person's, and a commitment to the person: what ties
notices, cases and HR's own list together without naming anybody.

The digest stands in the leaf for ever, the salt in the payload: once that is erased, the digest says nothing.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import rfc8785
from sqlmodel import Session, col, select

from casework.lifecycle import TAKEN_BACK
from connectors.full_names import former_full_names, written_names
from connectors.matching import fold_email
from connectors.names import spellings
from models.tables import Case
from models.vocabulary import Leaver


def cases_of(session: Session, company: str, employee_no: str) -> list[Case]:
    """Return the cases under a company's number in which a departure, or a leave, takes place: whose they are is open."""
    query = select(Case).where(
        Case.company == company, Case.employee_key == employee_key(employee_no), col(Case.state).not_in(TAKEN_BACK)
    )
    return list(session.exec(query.order_by(col(Case.opened_at), col(Case.id))).all())


def same_person(case: Case, leaver: Leaver) -> bool:
    """
    Whether *leaver*, whose number is the case's, is the case's person: the name agrees, or the address.

    Further addresses count against the other side's company address alone: two of them may be one shared mailbox.
    """
    ours = case.person
    return bool(_names(ours) & _names(leaver)) or _address_in(ours, leaver) or _address_in(leaver, ours)


def _address_in(one: Leaver, other: Leaver) -> bool:
    known = {fold_email(address) for address in (other.email, *other.other_emails) if address}
    return one.email is not None and fold_email(one.email) in known


def _names(leaver: Leaver) -> frozenset[str]:
    names = (*written_names(leaver), *former_full_names(leaver))
    return frozenset(form for name in names for form in spellings(name))


def as_json(leaver: Leaver) -> dict[str, Any]:
    """Return the leaver as JSON has it: lists, no tuples."""
    return asdict(leaver) | {"other_emails": list(leaver.other_emails)}


def commitment_to(case: Case) -> Commitment:
    """Commit to the case's person and last day."""
    return commit(
        company=case.company, employee_no=case.employee_no, name=case.leaver["name"], day=case.employment_ends_on
    )


@dataclass(frozen=True, slots=True)
class Commitment:
    """*sha256* for the leaf, *salt* for the payload."""

    sha256: str
    salt: str


def employee_key(employee_no: str) -> str:
    """Fold an employee number for comparing: width, case and surrounding space."""
    return unicodedata.normalize("NFKC", employee_no).strip().casefold()


def commit(*, company: str, employee_no: str, name: str, day: date) -> Commitment:
    """Commit to one person's last day, under a fresh salt."""
    salt = secrets.token_hex(32)
    return Commitment(digest(salt, company=company, employee_no=employee_no, name=name, day=day), salt)


def digest(salt: str, *, company: str, employee_no: str, name: str, day: date) -> str:
    """Return the SHA-256 over canonical JSON (RFC 8785): five strings, number and name folded: whoever has all five opens a commitment."""
    plain = " ".join(unicodedata.normalize("NFKC", name).split())
    said = {"salt": salt, "company": company, "employee_no": employee_key(employee_no), "name": plain, "day": str(day)}
    return hashlib.sha256(rfc8785.dumps(said)).hexdigest()
